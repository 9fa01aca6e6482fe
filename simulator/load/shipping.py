"""A ledger on its way home: a worker on another machine writes it there, and sends it to its master meanwhile.

What is sent is the part in which every outcome is known, in the order of the file, so each byte goes once and what has
come is final. At the end the rest goes as it is. One part is on its way at a time, so neither side holds more than
that, whatever the length of the run; and a part that was lost, or came twice, is told by its place in the file.
"""

from __future__ import annotations

import fcntl
import os
from pathlib import Path

from simulator.errors import EngineError
from simulator.ledger.write import DONE, HEADER, HEADER_SLOTS, MAGIC, PARTIAL, SLOT, STATE_AT, SUFFIX
from simulator.load.messages import CHUNK, BadMessage


class Outbox:
    """The worker's side: what of its ledger goes next."""

    def __init__(self, path: Path) -> None:
        self._file = os.open(path, os.O_RDONLY | os.O_CLOEXEC)

    def part(self, offset: int, slots: int, *, closed: bool) -> bytes:
        """The bytes from there on that can go now; empty when there are none.

        Args:
            offset: of a slot, or 0: so many bytes have come, as the master says.
            slots: in use, those of the header among them.
            closed: nothing is written any more, so attempts without an outcome go, too.
        """
        part = os.pread(self._file, max(0, min(CHUNK, slots * SLOT - offset)), offset)
        if closed:
            return part
        first = HEADER_SLOTS if offset == 0 else 0
        for slot in range(first, len(part) // SLOT):
            if part[slot * SLOT + STATE_AT] != DONE:
                return part[: slot * SLOT]
        return part

    def close(self) -> None:
        os.close(self._file)


class Inbox:
    """The master's side: one worker's ledger, as far as it has come.

    Raises:
        EngineError: it cannot be written; the same of every method.
    """

    def __init__(self, folder: Path, worker: str, run_id: str) -> None:
        self._path = folder / f"{worker}{PARTIAL}"
        self._run_id = run_id.encode()
        self.have = 0  # bytes
        self.is_whole = False
        self._is_finishing = False
        try:
            self._file = os.open(self._path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o644)
            fcntl.flock(self._file, fcntl.LOCK_EX)  # as a worker's own: see ledger.read.is_being_written
        except OSError as reason:
            raise EngineError(f"cannot create {self._path}: {reason.strerror}") from reason

    def take(self, offset: int, part: bytes) -> None:
        """Take a part that follows what is there; anything else is passed over.

        Raises:
            BadMessage: no ledger of this run.
        """
        if offset != self.have or self._is_finishing or not part:
            return
        if len(part) % SLOT:
            raise BadMessage(f"a part of a ledger has whole slots, not {len(part)} bytes")
        if offset == 0:
            magic, *_, length, name = HEADER.unpack(part[: HEADER.size]) if len(part) >= HEADER.size else (b"", 0, b"")
            if magic != MAGIC or name[:length] != self._run_id:
                raise BadMessage("it is no ledger of this run")
        try:
            left = memoryview(part)
            while left:
                left = left[os.write(self._file, left) :]
        except OSError as reason:
            raise EngineError(
                f"the ledger {self._path} cannot grow: {reason.strerror}; what has come so far is kept"
            ) from reason
        self.have += len(part)

    def begin_finish(self) -> bool:
        """All of it has come; whether that is news, and `sync` and `finish` are to follow."""
        is_news, self._is_finishing = not self._is_finishing, True
        return is_news

    def sync(self) -> OSError | None:
        """Write it out, or say why not. A disk may take long for it; another thread may do this."""
        try:
            os.fsync(self._file)
        except OSError as reason:
            return reason
        return None

    def finish(self, failed: OSError | None) -> None:
        """It is written out: from now on it is whole.

        Args:
            failed: what `sync` came to.
        """
        if self._file < 0:
            return  # the run was over before
        try:
            if failed is not None:
                raise failed
            self._path.rename(self._path.with_suffix(SUFFIX))
        except OSError as reason:
            raise EngineError(f"cannot finish the ledger {self._path}: {reason.strerror}") from reason
        self.is_whole = True

    def close(self) -> None:
        """Nothing comes any more."""
        if self._file >= 0:
            os.close(self._file)
            self._file = -1
