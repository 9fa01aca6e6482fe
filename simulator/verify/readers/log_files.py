"""The lines of a log over its files, oldest first: rotated, gzipped, growing, and cut off in its last line.

A line's number is its place in all files together, from 1; it stays the same while the log is rotated, and as long as
the oldest file is there. A line counts when its end is written. What the lines mean is access_log.py.
"""

from __future__ import annotations

import gzip
import hashlib
import re
import zlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import IO

from simulator.verify.readers.fetch import Unreadable

LONGEST_LINE = 1 << 20  # bytes
MOST_BYTES = 64 << 30  # of all files, unpacked
_READ = 1 << 20
_ROTATED = re.compile(r"[.-](?P<number>\d{1,4})(?:\.gz)?|[.-](?P<date>\d{8}(?:[-_]?\d{2,6})?)(?:\.gz)?")


@dataclass(frozen=True, slots=True)
class _Checkpoint:
    """Where reading goes on: behind so many lines, in one file."""

    lines: int = 0
    inode: tuple[int, int] = (0, 0)
    offset: int = 0  # a file that is smaller was cut since


class LogFiles:
    """The files of one log."""

    def __init__(self, paths: Sequence[Path], *, rotated: bool) -> None:
        self._paths, self._rotated = tuple(paths), rotated
        self._checkpoint = _Checkpoint()

    def lines(self, after: int = 0) -> Iterator[tuple[int, bytes]]:
        """The complete lines behind the first `after`, each with its number and without its end.

        Raises:
            Unreadable: a file that is missing or damaged, a line without an end in sight.
        """
        files = self.files()
        number, start = 0, 0
        known = self._checkpoint
        place = self._place_of(files, known)
        if known.lines <= after and place is not None:
            files, number, start = files[place:], known.lines, known.offset
        read = 0
        for index, path in enumerate(files):
            last = index == len(files) - 1
            try:
                with _opened(path) as file:
                    file.seek(start)
                    offset = start
                    status = path.stat()
                    for line in _complete(file, path, torn=last):
                        number += 1
                        offset += len(line)
                        read += len(line)
                        if read > MOST_BYTES:
                            raise Unreadable(f"more than {MOST_BYTES >> 30} GB of log")
                        if number > after:
                            yield number, line.rstrip(b"\r\n")
            except (OSError, EOFError, zlib.error) as failed:
                said = failed.strerror if isinstance(failed, OSError) and failed.strerror else str(failed)
                raise Unreadable(f"{path.name} cannot be read: {said}") from None
            if last and path.suffix != ".gz":
                self._checkpoint = _Checkpoint(number, (status.st_dev, status.st_ino), offset)
            start = 0

    def mark(self) -> str:
        """A digest of the first line that there is: when it is gone, the numbers of lines mean something else."""
        for path in self.files():
            try:
                with _opened(path) as file:
                    first = next(_complete(file, path, torn=True), b"")
            except (OSError, EOFError, zlib.error):
                continue
            if first:
                return hashlib.sha256(first).hexdigest()[:16]
        return ""

    def files(self) -> list[Path]:
        """The files that there are now, oldest first.

        Raises:
            Unreadable: a log that is not there.
        """
        found: list[Path] = []
        for path in self._paths:
            own = _rotated(path) if self._rotated else []
            if path.is_file():
                own.append(path)
            if not own:
                raise Unreadable(f"there is no file {path}")
            found += own
        return found

    def _place_of(self, files: Sequence[Path], known: _Checkpoint) -> int | None:
        """In which file reading goes on; None where it cannot."""
        for place, path in enumerate(files):
            status = path.stat()
            if path.suffix != ".gz" and (status.st_dev, status.st_ino) == known.inode:
                return place if status.st_size >= known.offset else None
        return None


def _rotated(path: Path) -> list[Path]:
    """What a log was renamed to, oldest first: FILE.2.gz, FILE.1; FILE-20260301, FILE-20260302."""
    numbered: dict[int, Path] = {}
    dated: list[tuple[str, Path]] = []
    try:
        beside = sorted(path.parent.iterdir())
    except OSError as failed:
        raise Unreadable(f"{path.parent} cannot be read: {failed.strerror}") from None
    for file in beside:
        match = _ROTATED.fullmatch(file.name[len(path.name) :]) if file.name.startswith(path.name) else None
        if match is None or not file.is_file():
            continue
        if match["date"]:
            dated.append((match["date"], file))
            continue
        number = int(match["number"])
        # While a file is being packed both are there; the plain one is whole.
        if number not in numbered or numbered[number].suffix == ".gz":
            numbered[number] = file
    days = {file.name.removesuffix(".gz"): file for _, file in sorted(dated, reverse=True)}
    return [
        *sorted(days.values(), key=lambda file: file.name.removesuffix(".gz")),
        *(numbered[number] for number in sorted(numbered, reverse=True)),
    ]


def _opened(path: Path) -> IO[bytes]:
    return gzip.open(path, "rb") if path.suffix == ".gz" else path.open("rb")  # type: ignore[return-value]


def _complete(file: IO[bytes], path: Path, *, torn: bool) -> Iterator[bytes]:
    """The lines that have an end, with it.

    Args:
        torn: the last one may still be being written.

    Raises:
        Unreadable: one has none where it must, or none in LONGEST_LINE.
    """
    while line := file.readline(LONGEST_LINE):
        if line.endswith(b"\n"):
            yield line
        elif len(line) >= LONGEST_LINE:
            raise Unreadable(f"a line of {path.name} is longer than {LONGEST_LINE >> 20} MB")
        elif torn:
            return
        else:
            raise Unreadable(f"the last line of {path.name} is cut off, and a later file follows")
