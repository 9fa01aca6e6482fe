"""The ledger's reading side: the attempts of all workers, while the run goes on or long after.

A file that ends inside a slot or with empty slots belongs to a worker that was killed or is still writing; that is no
damage. Anything that a writer cannot have left is: an empty slot before a full one, a number that means nothing.
"""

from __future__ import annotations

import fcntl
import os
import sys
from array import array
from collections.abc import Iterator
from operator import le
from pathlib import Path
from typing import BinaryIO, cast

from simulator.errors import UsageError
from simulator.ledger.manifest import LEDGER_FOLDER
from simulator.ledger.record import Attempt
from simulator.ledger.write import (
    ATTEMPT,
    CHUNK_SLOTS,
    DONE,
    EMPTY,
    HEADER,
    HEADER_SLOTS,
    MAGIC,
    OPEN,
    PARTIAL,
    SLOT,
    STATE_AT,
    SUFFIX,
    VERSION,
)
from simulator.wire.request import Evidence, Outcome, Purpose

_PURPOSES = {purpose.value: purpose for purpose in Purpose}
_OUTCOMES = {outcome.value: outcome for outcome in Outcome}
_EVIDENCES = {evidence.value: evidence for evidence in Evidence if evidence}
_MOST_STATUS = 999

# The numbers of one slot, as ATTEMPT unpacks them: intended, began, visitor, request, attempt, purpose, state, status,
# outcome, evidence, sent, done. Plain numbers, since one object more for each attempt would cost more than reading it.
Fields = tuple[int, int, int, int, int, int, int, int, int, int, int, int]


class LedgerDamage(UsageError):
    """A ledger file that no writer has left so: which file, at which byte, and what stands there."""

    def __init__(self, path: Path, offset: int, what: str) -> None:
        self.path = path
        self.offset = offset
        super().__init__(f"{path}: damaged at byte {offset}: {what}")


def ledger_files(folder: Path) -> tuple[Path, ...]:
    """The ledger files of a run directory, one for each worker that began, by name.

    Of a worker on another machine that was lost there is only the part that came; the whole file takes its place.
    """
    whole = (folder / LEDGER_FOLDER).glob(f"*{SUFFIX}")
    parts = (folder / LEDGER_FOLDER).glob(f"*{PARTIAL}")
    return tuple(sorted([*whole, *(part for part in parts if not part.with_suffix(SUFFIX).exists())]))


def is_being_written(folder: Path) -> bool:
    """Whether a worker still has a ledger of the run open; one that was killed has not."""
    return any(is_locked(path) for path in ledger_files(folder))


def is_locked(path: Path) -> bool:
    """Whether the process that writes a ledger file is alive and not through with it."""
    with path.open("rb") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_SH | fcntl.LOCK_NB)
        except BlockingIOError:
            return True
    return False


def read_ledger(folder: Path, run_id: str = "") -> Iterator[Attempt]:
    """Every attempt in a run directory: worker by worker, each in the order of its intents.

    Lines on single events are passed over; the attempts have them where they are asked for by visitor (index.py).

    Args:
        run_id: of run.json; a file of another run is then an error.

    Raises:
        LedgerDamage: a file is no ledger, of another version or run, or damaged; what came before it was yielded.
    """
    for path in ledger_files(folder):
        for _, fields in read_slots(path, run_id):
            if fields[5] != Purpose.RECORD:
                yield decode(fields)


def read_slots(path: Path, run_id: str = "") -> Iterator[tuple[int, Fields]]:
    """The attempts of one file as checked numbers, each with its slot.

    Raises:
        LedgerDamage: as `read_ledger`.
    """
    for first, piece in read_pieces(path, run_id):
        yield from enumerate(unpacked(piece), first)


def read_pieces(path: Path, run_id: str = "") -> Iterator[tuple[int, bytes]]:
    """The attempts of one file as checked bytes: a piece of neighbouring slots at a time, with the first of them.

    Pieces are long where every attempt has its outcome, and of one slot where some have none.

    Raises:
        LedgerDamage: as `read_ledger`.
    """
    with path.open("rb") as file:
        if not _has_header(path, file, run_id):
            return
        slot = HEADER_SLOTS
        gap = -1  # the first empty slot since the last full one
        while block := _read_block(file):
            if gap < 0 and are_done(block):
                yield slot, block
                slot += len(block) // SLOT
            else:
                for place, fields in enumerate(unpacked(block)):
                    if fields[6] == EMPTY:
                        gap = slot if gap < 0 else gap
                    elif gap < 0:
                        check(path, slot, fields)
                        yield slot, block[place * SLOT : (place + 1) * SLOT]
                    else:
                        # The writer fills slots in order, but may have filled these since the first was looked at.
                        for late in range(gap, slot + 1):
                            yield late, _read_slot(path, file, late)
                        gap = -1
                    slot += 1
            file.seek(slot * SLOT)


def unpacked(piece: bytes) -> Iterator[Fields]:
    """The numbers of each slot in whole slots."""
    return cast("Iterator[Fields]", ATTEMPT.iter_unpack(piece))


def visitors_of(piece: bytes) -> array[int]:
    """The visitor of each slot in whole slots; many times faster than unpacking them."""
    return _numbers("I", piece)[4::12]


def are_done(piece: bytes) -> bool:
    """Whether every slot is an attempt with an outcome, and none is damaged: the usual case, seen column by column.

    False says nothing: `check` tells what is wrong with a slot, if anything is.
    """
    if piece[STATE_AT::SLOT].count(DONE) * SLOT != len(piece):
        return False
    words = _numbers("Q", piece)
    intended, began, sent, done = words[0::6], words[1::6], words[4::6], words[5::6]
    return (
        not piece[26::SLOT].strip(bytes(_PURPOSES))
        and not piece[30::SLOT].strip(bytes(_OUTCOMES))
        and not piece[31::SLOT].strip(bytes(_EVIDENCES))
        and max(_numbers("H", piece)[14::24]) <= _MOST_STATUS
        and all(intended)
        and all(began)
        and all(map(le, began, sent))
        and all(map(le, sent, done))
    )


def _numbers(code: str, piece: bytes) -> array[int]:
    numbers: array[int] = array(code, piece)
    if sys.byteorder == "big":
        numbers.byteswap()
    return numbers


def _read_slot(path: Path, file: BinaryIO, slot: int) -> bytes:
    """One attempt of a file that is open already.

    Raises:
        LedgerDamage: there is none, or it is damaged.
    """
    raw = os.pread(file.fileno(), SLOT, slot * SLOT)
    if len(raw) < SLOT:
        raise no_attempt(path, slot)
    check(path, slot, cast("Fields", ATTEMPT.unpack(raw)))
    return raw


def no_attempt(path: Path, slot: int) -> LedgerDamage:
    """What is wrong where a file ends before an attempt that it should hold."""
    return LedgerDamage(path, slot * SLOT, "expected an attempt, found the end of the file")


def decode(fields: Fields) -> Attempt:
    """The attempt that checked numbers say."""
    (intended, began, visitor, request, attempt, purpose, state, status, outcome, evidence, sent, done) = fields
    if state == DONE:
        return Attempt(
            visitor, request, attempt, _PURPOSES[purpose], intended, sent, done,
            _OUTCOMES[outcome], _EVIDENCES[evidence], status, began,
        )  # fmt: skip
    return Attempt(
        visitor, request, attempt, _PURPOSES[purpose], intended, began, 0, Outcome.UNKNOWN, Evidence.NONE, 0, began
    )


def told_of_event(fields: Fields) -> tuple[int, Outcome]:
    """(place in the request, outcome) of a line on a single event."""
    return fields[0] - 1, _OUTCOMES[fields[8]]


def _has_header(path: Path, file: BinaryIO, run_id: str) -> bool:
    head = file.read(HEADER.size)
    if len(head) < HEADER.size or not any(head):
        return False  # its worker died before the first intent
    magic, version, slot, slots, length, name = HEADER.unpack(head)
    if magic != MAGIC:
        raise LedgerDamage(path, 0, f"expected {MAGIC!r}, found {magic!r}; this is no ledger")
    if version != VERSION:
        raise LedgerDamage(path, 8, f"version {version}; this mpsim reads version {VERSION}")
    if (slot, slots) != (SLOT, HEADER_SLOTS):
        raise LedgerDamage(path, 10, f"expected slots of {SLOT} bytes and a header of {HEADER_SLOTS}")
    found = name[:length].decode(errors="replace")
    if run_id and found != run_id:
        raise LedgerDamage(path, 16, f"it belongs to run {found}, and this is run {run_id}")
    return True


def _read_block(file: BinaryIO) -> bytes:
    # Whole slots only: what follows the last one was cut off, or is still being written.
    block = file.read(CHUNK_SLOTS * SLOT)
    return block[: len(block) // SLOT * SLOT]


def check(path: Path, slot: int, fields: Fields) -> None:
    """Check the numbers of one slot.

    Raises:
        LedgerDamage: no writer has left them so.
    """
    (intended, began, _, _, _, purpose, state, status, outcome, evidence, sent, done) = fields
    if state == DONE:
        if outcome not in _OUTCOMES or evidence not in _EVIDENCES or status > _MOST_STATUS:
            raise LedgerDamage(path, slot * SLOT, f"no outcome: {outcome}, evidence {evidence}, status {status}")
        if not began <= sent <= done:
            raise LedgerDamage(path, slot * SLOT, f"began {began}, sent {sent} and done {done} are out of order")
    elif state != OPEN:
        raise LedgerDamage(path, slot * SLOT, f"expected an attempt, found a slot of state {state}")
    if purpose not in _PURPOSES or not intended or not began:
        raise LedgerDamage(path, slot * SLOT, f"no intent: purpose {purpose}, intended {intended}, began {began}")
