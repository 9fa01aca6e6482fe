"""How a run comes to a worker: what will be sent travels by message, so that its machine needs the package and no more.

run.json and the files of the scenario are all that a run is; the plan follows from them. They hold no secret. A worker
asks for one part after another, so nothing is held in memory but that, and a part that is lost is asked for again.

A worker that reaches its master over loopback, and finds this very run where the master says it is, writes its ledger
straight into that directory. Any other makes a folder of its own.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Any

from simulator.errors import MpsimError, UsageError
from simulator.ledger.leases import Keeps
from simulator.ledger.manifest import RUN_FILE, SCENARIO_FOLDER, read_manifest
from simulator.load import messages
from simulator.load.messages import CHUNK, BadMessage, Message
from simulator.traffic.opened import OpenedRun
from simulator.traffic.sending import requests_of_block
from simulator.traffic.targets import is_loopback_url

_MOST_FILES = 1_000
_MOST_BYTES = 64 << 20  # of all files


@dataclass(frozen=True, slots=True)
class File:
    """One file of a run."""

    path: str  # inside the run directory
    size: int


def files_of(folder: Path) -> list[File]:
    """What travels.

    Raises:
        UsageError: it is more than a worker takes.
    """
    paths = [folder / RUN_FILE, *sorted(p for p in (folder / SCENARIO_FOLDER).rglob("*") if p.is_file())]
    files = [File(path.relative_to(folder).as_posix(), path.stat().st_size) for path in paths]
    if len(files) > _MOST_FILES or sum(file.size for file in files) > _MOST_BYTES:
        raise UsageError(
            f"the scenario has {len(files)} files with {sum(file.size for file in files):,} bytes; what travels to "
            f"workers is at most {_MOST_FILES} files with {_MOST_BYTES:,} bytes"
        )
    return files


def part_of(folder: Path, file: File, offset: int) -> bytes:
    """The part of a file that begins there."""
    with (folder / file.path).open("rb") as opened:
        opened.seek(offset)
        return opened.read(CHUNK)


class Arrival:
    """A run on its way to a worker.

    Args:
        run: the master's message of that name.
        over_loopback: the master is reached without leaving this machine.
        apart: the ledger is kept in a folder of its own even so.
        make_folder: makes that folder.

    Raises:
        BadMessage: it is none.
    """

    def __init__(
        self, run: Message, *, over_loopback: bool, make_folder: Callable[[], Path], apart: bool = False
    ) -> None:
        self.over_loopback = over_loopback
        self.run_id = messages.text(run, "run", 64)
        self.worker = messages.text(run, "name", 64)
        self.wall_ahead_ns = messages.whole(run, "clock")  # of the master's machine
        self._files = _files(run)
        self._number = 0  # of the file that is arriving
        self._offset = 0
        there = Path(messages.text(run, "folder", 4_096))
        self.keeps: Keeps = "elsewhere"
        if over_loopback and not apart and _is_this_run(there, self.run_id):
            self.keeps = "here"
        if self.keeps == "here":
            self.folder, self._number = there, len(self._files)
        else:
            self.folder = make_folder()

    @property
    def is_complete(self) -> bool:
        return self._number >= len(self._files)

    @property
    def wanted(self) -> dict[str, Any]:
        """The message that asks for the next part."""
        return {"kind": "fetch", "file": self._number, "offset": self._offset}

    def take(self, message: Message) -> None:
        """Take a part; one that was not asked for is passed over.

        Raises:
            BadMessage: it is none.
            OSError: it cannot be written.
        """
        place = messages.whole(message, "file"), messages.whole(message, "offset")
        if self.is_complete or place != (self._number, self._offset):
            return
        file, part = self._files[self._number], messages.data(message)
        if (not part and self._offset < file.size) or self._offset + len(part) > file.size:
            raise BadMessage(f"{file.path} changed on its way")
        path = self.folder / file.path
        path.parent.mkdir(parents=True, exist_ok=True)
        with path.open("ab" if self._offset else "wb") as opened:
            opened.write(part)
        self._offset += len(part)
        if self._offset == file.size:
            self._number, self._offset = self._number + 1, 0


def _files(run: Message) -> list[File]:
    given = run.get("files")
    if not isinstance(given, list | tuple) or not 0 < len(given) <= _MOST_FILES:
        raise BadMessage("files is no list")
    files = []
    for pair in given:
        if not isinstance(pair, list | tuple) or len(pair) != 2:
            raise BadMessage("files holds something that is none")
        path, size = pair
        if not isinstance(path, str) or not isinstance(size, int) or not 0 <= size <= _MOST_BYTES:
            raise BadMessage("files holds something that is none")
        parts = PurePosixPath(path).parts
        inside = path == RUN_FILE or (len(parts) > 1 and parts[0] == SCENARIO_FOLDER)
        if not inside or ".." in parts or "\\" in path or "\0" in path:
            raise BadMessage(f"no file of a run: {path[:100]!r}")
        files.append(File(path, size))
    if sum(file.size for file in files) > _MOST_BYTES:
        raise BadMessage(f"more than {_MOST_BYTES:,} bytes")
    return files


def _is_this_run(folder: Path, run_id: str) -> bool:
    try:
        return read_manifest(folder).run_id == run_id
    except MpsimError:
        return False


def check_target(opened: OpenedRun, *, over_loopback: bool) -> None:
    """The collector must be the same one for every worker.

    Raises:
        UsageError: its URL means another machine here than where the run was made.
    """
    if not over_loopback and is_loopback_url(opened.target_url):
        raise UsageError(
            f"the target is {opened.target_url}, which on this machine is this machine and not the master's; "
            "give the collector's address in the network"
        )


def fingerprint(opened: OpenedRun) -> str:
    """Tells whether two machines plan the same: a digest of what the first and the last block send."""
    digest = hashlib.sha256()
    blocks = opened.plan.blocks
    for block in dict.fromkeys((blocks[0], blocks[-1])):
        for visitor, requests in sorted(requests_of_block(opened.plan, opened.adapter, block).items()):
            for one in requests:
                said = (visitor, one.number, one.purpose, one.leaves, one.method, one.target, one.headers, one.body)
                digest.update(repr((*map(_plain, said), one.duplicates, one.retries)).encode())
    return digest.hexdigest()


def _plain(value: object) -> object:
    return int(value) if isinstance(value, int) else value
