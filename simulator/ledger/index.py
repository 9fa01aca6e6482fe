"""The attempts of one visitor at a time, from the ledgers of all workers, in memory that does not grow with them.

A ledger is in the order of its sends, and a visitor's attempts lie scattered in it. The index keeps eight bytes for
each attempt (visitor and slot) in a temporary file, sorted within each chunk of a ledger, and in memory one key in 512
of these. The attempts themselves are read for a stretch of neighbouring visitors when one of them is asked for. So
asking in the order of visitor numbers is cheap, and asking in any other order is right; and a ledger whose visitors
come in the order of their numbers, more or less, is read in long pieces, and any other slot by slot.
"""

from __future__ import annotations

import os
import tempfile
from array import array
from bisect import bisect_left
from collections import OrderedDict
from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, replace
from pathlib import Path
from types import TracebackType
from typing import NamedTuple

from simulator.errors import EngineError
from simulator.ledger.read import (
    Fields,
    are_done,
    check,
    decode,
    ledger_files,
    no_attempt,
    read_pieces,
    told_of_event,
    unpacked,
    visitors_of,
)
from simulator.ledger.record import Attempt
from simulator.ledger.write import CHUNK_SLOTS, DONE, SLOT
from simulator.wire.request import Outcome, Purpose

_STRETCH_ATTEMPTS = 16_384  # that are read together, where visitors have about equally many
_LONGEST_STRETCH = 4_096  # visitors
_KEPT = 2  # stretches in memory at most
_VISITOR = 32  # a key is visitor << 32 | slot
_SLOT_MASK = (1 << _VISITOR) - 1
_KEY = 8  # bytes
_FENCE = 512  # keys from one that is kept in memory to the next
_GAP = 8  # slots that nobody wants are read along where they are so many at most
_FEW = 8  # slots that are checked faster one by one

ByRequest = dict[int, list[Attempt]]


class _Run(NamedTuple):
    """The sorted keys of one chunk of a ledger: where they lie in the index's own file."""

    ledger: int  # number of the ledger file
    first: int  # place of the first key
    length: int  # keys
    highest: int  # key
    fences: array[int]  # the first key and every 512th after it


@dataclass(frozen=True, slots=True)
class SharedIndex:
    """An index for another process, which must inherit the descriptor."""

    ledgers: tuple[Path, ...]
    runs: tuple[_Run, ...]
    descriptor: int  # of the keys; as long as the index is open


class AttemptIndex:
    """The attempts of a run directory by visitor: those whose intent was on file when the index was made.

    Outcomes are read when they are asked for, so an attempt that was open may have ended since. Use it in a `with`
    block, or close it.

    Args:
        visitors: leave out everybody else.

    Raises:
        LedgerDamage: a file is no ledger of this run, or damaged.
        EngineError: there is no room for temporary files.
    """

    def __init__(self, folder: Path, run_id: str = "", visitors: range | None = None) -> None:
        paths = ledger_files(folder)
        with ExitStack() as opened:
            keys = _Keys(opened.enter_context(tempfile.TemporaryFile(buffering=0)).fileno())
            for number, path in enumerate(paths):
                _index(path, run_id, visitors, number, keys)
            self._attach(SharedIndex(paths, tuple(keys.runs), keys.descriptor), opened)

    @classmethod
    def of(cls, shared: SharedIndex) -> AttemptIndex:
        """The same index in another process, which has inherited its descriptor.

        Raises:
            OSError: a ledger is gone.
        """
        index = cls.__new__(cls)
        with ExitStack() as opened:
            index._attach(shared, opened)
        return index

    def _attach(self, shared: SharedIndex, opened: ExitStack) -> None:
        self.shared = shared
        self._ledgers = [opened.enter_context(path.open("rb", buffering=0)).fileno() for path in shared.ledgers]
        self._count = sum(run.length for run in shared.runs)
        self._highest = max((run.highest >> _VISITOR for run in shared.runs), default=-1)
        lowest = min((run.fences[0] >> _VISITOR for run in shared.runs), default=0)
        each = max(self._count // (self._highest + 1 - lowest), 1) if shared.runs else 1
        self._width = max(min(_STRETCH_ATTEMPTS // each, _LONGEST_STRETCH), 1)
        self._stretches: OrderedDict[int, dict[int, list[Fields]]] = OrderedDict()
        self._open = opened.pop_all()

    def __enter__(self) -> AttemptIndex:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Close the files."""
        self._open.close()

    def __len__(self) -> int:
        return self._count

    def rows_of(self, visitor: int) -> Sequence[Fields]:
        """The attempts of one visitor as checked numbers, ledger by ledger in the order of their intents.

        Raises:
            LedgerDamage: the file was damaged since the index was made.
        """
        number = visitor // self._width
        stretch = self._stretches.get(number)
        if stretch is None:
            stretch = self._read(number)
            self._stretches[number] = stretch
            if len(self._stretches) > _KEPT:
                self._stretches.popitem(last=False)
        return stretch.get(visitor, ())

    def attempts_of(self, visitor: int) -> ByRequest:
        """The attempts of one visitor by request number, each in the order of attempt; empty for one without any.

        Raises:
            LedgerDamage: as `rows_of`.
        """
        return by_request(self.rows_of(visitor))

    def visitors(self) -> Iterator[int]:
        """The visitors with attempts, ascending."""
        for number in range(self._highest // self._width + 1):
            keys = (key for run in self.shared.runs for key in self._keys(run, number))
            yield from sorted({key >> _VISITOR for key in keys})

    def _keys(self, run: _Run, number: int) -> array[int]:
        """The keys of one run that belong to a stretch, ascending."""
        low = number * self._width << _VISITOR
        high = (number + 1) * self._width << _VISITOR
        keys: array[int] = array("Q")
        if run.highest < low or run.fences[0] >= high:
            return keys
        begin = max(bisect_left(run.fences, low) - 1, 0) * _FENCE
        end = min(bisect_left(run.fences, high) * _FENCE, run.length)
        keys.frombytes(os.pread(self.shared.descriptor, (end - begin) * _KEY, (run.first + begin) * _KEY))
        return keys[bisect_left(keys, low) : bisect_left(keys, high)]

    def _read(self, number: int) -> dict[int, list[Fields]]:
        stretch: dict[int, list[Fields]] = {}
        for run in self.shared.runs:
            keys = self._keys(run, number)
            if keys:
                for fields in self._rows(run.ledger, sorted([key & _SLOT_MASK for key in keys])):
                    own = stretch.get(fields[2])
                    if own is None:
                        stretch[fields[2]] = [fields]
                    else:
                        own.append(fields)
        return stretch

    def _rows(self, ledger: int, slots: list[int]) -> Iterator[Fields]:
        """The attempts in ascending slots of one ledger; slots that lie near to each other are read together."""
        for near in _near(slots):
            first, behind = near[0], near[-1] + 1
            rows = self._piece(ledger, first, behind)
            if len(rows) == len(near):
                yield from rows
            else:
                for slot in near:
                    yield rows[slot - first]

    def _piece(self, ledger: int, first: int, behind: int) -> list[Fields]:
        path = self.shared.ledgers[ledger]
        piece = os.pread(self._ledgers[ledger], (behind - first) * SLOT, first * SLOT)
        if len(piece) < (behind - first) * SLOT:
            raise no_attempt(path, first + len(piece) // SLOT)
        rows = list(unpacked(piece))
        if len(rows) < _FEW or not are_done(piece):
            for slot, fields in enumerate(rows, first):
                check(path, slot, fields)
        return rows


def _near(slots: list[int]) -> Iterator[list[int]]:
    """The slots cut wherever there is a wide gap between two of them."""
    if slots[-1] - slots[0] < 2 * len(slots):
        yield slots
        return
    begin = 0
    for place in range(1, len(slots)):
        if slots[place] - slots[place - 1] > _GAP:
            yield slots[begin:place]
            begin = place
    yield slots[begin:]


def by_request(rows: Sequence[Fields]) -> ByRequest:
    """The attempts that a visitor's numbers say, by request number, each in the order of attempt.

    Lines on single events are put into the attempt whose reply told of them.
    """
    found: ByRequest = {}
    apart: dict[tuple[int, int], list[tuple[int, Outcome]]] = {}
    for fields in rows:
        if fields[5] == Purpose.RECORD:
            if fields[6] == DONE:  # else its writer died in it, and the attempt has no outcome either
                apart.setdefault((fields[3], fields[4]), []).append(told_of_event(fields))
        else:
            found.setdefault(fields[3], []).append(decode(fields))
    for attempts in found.values():
        attempts.sort(key=lambda attempt: attempt.attempt)
    for (request, number), told in apart.items():
        attempts = found.get(request, [])
        attempts[:] = [replace(one, apart=tuple(told)) if one.attempt == number else one for one in attempts]
    return found


# ---- making it ----------------------------------------------------------------------------------------------------


class _Keys:
    """The index's own file while it is made."""

    def __init__(self, descriptor: int) -> None:
        self.descriptor = descriptor
        self.runs: list[_Run] = []
        self._count = 0

    def add(self, ledger: int, unsorted: list[int]) -> None:
        """Keep one run."""
        keys = array("Q", sorted(unsorted))
        self.runs.append(_Run(ledger, self._count, len(keys), keys[-1], keys[::_FENCE]))
        self._count += len(keys)
        rest = memoryview(keys).cast("B")
        try:
            while rest:
                rest = rest[os.write(self.descriptor, rest) :]
        except OSError as full:
            raise EngineError(
                f"the ledger cannot be indexed: {full.strerror} in {tempfile.gettempdir()}; free some space there, "
                "or name another folder in the environment variable TMPDIR"
            ) from full


def _index(path: Path, run_id: str, visitors: range | None, ledger: int, keys: _Keys) -> None:
    found: list[int] = []
    for first, piece in read_pieces(path, run_id):
        of_piece = visitors_of(piece)
        if visitors is None:
            found += [visitor << _VISITOR | slot for slot, visitor in enumerate(of_piece, first)]
        else:
            found += [visitor << _VISITOR | slot for slot, visitor in enumerate(of_piece, first) if visitor in visitors]
        if len(found) >= CHUNK_SLOTS:
            keys.add(ledger, found)
            found = []
    if found:
        keys.add(ledger, found)
