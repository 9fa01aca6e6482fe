"""The ledger's writing side: an attempt's intent is on file before its first byte is sent, its outcome after.

The file is mapped to memory, so a record costs no system call and a process that is killed (also by SIGKILL) loses
nothing: the pages belong to the kernel. A machine that loses its power does lose what was not yet written out.

Format, version 1. Everything is little-endian; a file is a row of slots of 48 bytes.

    header, slots 0 and 1 (96 bytes)
      0   8s  b"mpsimled"
      8   H   version, 1
     10   H   size of a slot, 48
     12   H   slots taken by the header, 2
     14   H   bytes of the run id
     16  64s  run id, UTF-8, filled with zeros
     80  16x  zeros
    attempt, every slot from 2 on
      0   Q   intended: when it should have left, nanoseconds since 1970, UTC
      8   Q   began: when the intent was written
     16   I   visitor
     20   I   request, Request.number
     24   H   attempt, 0-based
     26   B   purpose, wire.request.Purpose
     27   B   state: 0 empty, 1 intent, 2 outcome
     28   H   HTTP status, 0 without a reply
     30   B   outcome, wire.request.Outcome
     31   B   evidence, wire.request.Evidence
     32   Q   sent: when the first byte was written; `began` where none was
     40   Q   done: when the outcome was known

A line on a single event has purpose 3: what the reply to an attempt told of one event of a request with several, where
that is not the outcome of the attempt. Visitor, request and attempt are the attempt's, `intended` is the event's place
in the request, from 1 on, and all instants are that of the reply. It is written before the outcome of the attempt.

The state is the last byte written of an intent, and of an outcome; so a process killed between two bytes leaves an
empty slot (whose request was not sent) or an intent (whose outcome is unknown). The file grows by chunks of zeros that
are really allocated: a full disk is an error here and not a signal in the middle of a store. Closing cuts off the rest.
"""

from __future__ import annotations

import errno
import fcntl
import mmap
import os
import struct
from pathlib import Path

from simulator.errors import EngineError
from simulator.wire.request import Evidence, Outcome, Purpose

SUFFIX = ".attempts"
PARTIAL = ".partial"  # instead, of a ledger on its way from another machine; for good where not all of it came
MAGIC = b"mpsimled"
VERSION = 1
HEADER = struct.Struct("<8sHHHH64s16x")
INTENT = struct.Struct("<QQIIHBB")
RESULT = struct.Struct("<HBBQQ")
ATTEMPT = struct.Struct("<QQIIHBBHBBQQ")
SLOT = ATTEMPT.size
HEADER_SLOTS = HEADER.size // SLOT
STATE_AT = 27  # of a slot: byte of the state
RESULT_AT = 28
EMPTY, OPEN, DONE = 0, 1, 2
# Chunks begin on a multiple of every page size in use (64 KiB at most), and of the slot's.
CHUNK_SLOTS = 32_768
CHUNK = CHUNK_SLOTS * SLOT  # 1.5 MiB


class LedgerWriter:
    """One worker's ledger file, open for writing. Not for two threads at once.

    Only the chunks with open attempts stay mapped, so memory does not grow with the file.
    """

    def __init__(self, path: Path, descriptor: int) -> None:
        self._path = path
        self._file = descriptor
        self._chunks: dict[int, mmap.mmap] = {}  # by number; those with open attempts, and the last
        self._open: dict[int, int] = {}  # attempts without an outcome, by chunk
        self._count = 0  # slots used, header included
        self._last = -1  # number of the chunk that is being filled
        self._window: mmap.mmap
        self._grow()

    @classmethod
    def open(cls, path: Path, run_id: str) -> LedgerWriter:
        """Create a ledger file; its folder is made where it is missing.

        Raises:
            EngineError: the file exists already (two workers never share one), no space, no permission.
        """
        name = run_id.encode()
        if not 0 < len(name) <= 64:
            raise EngineError(f"a run id has 1 to 64 bytes; {run_id!r} has {len(name)}")
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o644)
            fcntl.flock(descriptor, fcntl.LOCK_EX)  # until it is closed, also by a kill: see read.is_being_written
        except OSError as reason:
            raise EngineError(f"cannot create the ledger {path}: {reason.strerror}") from reason
        writer = cls(path, descriptor)
        writer._window[: HEADER.size] = HEADER.pack(MAGIC, VERSION, SLOT, HEADER_SLOTS, len(name), name)
        writer._count = HEADER_SLOTS
        return writer

    @property
    def slots(self) -> int:
        """Slots in use, those of the header among them."""
        return self._count

    def begin(self, visitor: int, request: int, attempt: int, purpose: Purpose, intended_ns: int, now_ns: int) -> int:
        """Write the intent of an attempt; call it before anything is sent. Returns the slot for `end`.

        Raises:
            EngineError: the disk is full. Nothing was written, so nothing may be sent.
        """
        slot = self._count
        chunk, place = divmod(slot, CHUNK_SLOTS)
        if chunk != self._last:
            self._grow()
        INTENT.pack_into(self._window, place * SLOT, intended_ns, now_ns, visitor, request, attempt, purpose, OPEN)
        self._count = slot + 1
        self._open[chunk] += 1
        return slot

    def end(self, slot: int, sent_ns: int, done_ns: int, outcome: Outcome, evidence: Evidence, status: int) -> None:
        """Write what became of an attempt, once."""
        chunk, place = divmod(slot, CHUNK_SLOTS)
        window = self._chunks[chunk]
        offset = place * SLOT
        assert window[offset + STATE_AT] == OPEN, "an outcome is written once"
        RESULT.pack_into(window, offset + RESULT_AT, status, outcome, evidence, sent_ns, done_ns)
        window[offset + STATE_AT] = DONE
        self._open[chunk] -= 1
        if chunk != self._last and not self._open[chunk]:
            self._unmap(chunk)

    def tell(self, attempt: tuple[int, int, int], place: int, at_ns: int, outcome: Outcome, status: int) -> None:
        """Write what a reply told of one event; call it before `end` of the attempt (visitor, request, attempt).

        Raises:
            EngineError: the disk is full.
        """
        slot = self.begin(*attempt, Purpose.RECORD, place + 1, at_ns)
        self.end(slot, at_ns, at_ns, outcome, Evidence.REPLY, status)

    def close(self) -> None:
        """Cut off what was allocated ahead and write everything out. Attempts still open stay intents."""
        if self._file < 0:
            return
        for chunk in list(self._chunks):
            self._unmap(chunk)
        descriptor, self._file = self._file, -1
        try:
            os.ftruncate(descriptor, self._count * SLOT)
            os.fsync(descriptor)
        except OSError as reason:
            raise EngineError(f"cannot finish the ledger {self._path}: {reason.strerror}") from reason
        finally:
            os.close(descriptor)

    def _unmap(self, chunk: int) -> None:
        self._chunks.pop(chunk).close()
        del self._open[chunk]

    def _grow(self) -> None:
        chunk = self._last + 1
        offset = chunk * CHUNK
        try:
            allocate(self._file, offset, CHUNK)
            window = mmap.mmap(self._file, CHUNK, offset=offset)
        except OSError as reason:
            advice = (
                "free some space, or choose a folder on another disk with --out"
                if reason.errno in {errno.ENOSPC, errno.EDQUOT, errno.EFBIG}
                else "check the disk"
            )
            raise EngineError(
                f"the ledger {self._path} cannot grow by {CHUNK} bytes: {reason.strerror}; {advice}. "
                "What was recorded so far is kept"
            ) from reason
        full, self._last = self._last, chunk
        self._window = window
        self._chunks[chunk] = window
        self._open[chunk] = 0
        if full >= 0 and not self._open[full]:
            self._unmap(full)


def allocate(descriptor: int, offset: int, size: int) -> None:
    """Extend a file by zeros that have their place on the disk.

    Raises:
        OSError: there is no place.
    """
    if hasattr(os, "posix_fallocate"):
        os.posix_fallocate(descriptor, offset, size)
        return
    zeros = bytes(1 << 16)
    while size > 0:
        written = os.pwrite(descriptor, zeros[:size], offset)
        offset, size = offset + written, size - written
