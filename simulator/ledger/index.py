"""The attempts of one visitor at a time, from the ledgers of all workers, in bounded memory.

A ledger is in the order of its sends, and a visitor's attempts lie scattered in it. The index keeps eight bytes for
each attempt (visitor and slot, sorted within each chunk of a file); the attempts themselves are read for a stretch of
neighbouring visitors when one of them is asked for. So asking in the order of visitor numbers is cheap, and asking in
any other order is right.
"""

from __future__ import annotations

from array import array
from bisect import bisect_left
from collections import OrderedDict
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from types import TracebackType
from typing import BinaryIO

from simulator.ledger.read import decode, ledger_files, read_slot, read_slots
from simulator.ledger.record import Attempt
from simulator.ledger.write import CHUNK_SLOTS

_STRETCH = 1_024  # visitors that are read together
_KEPT = 4  # stretches in memory at most
_VISITOR = 32  # a key is visitor << 32 | slot

ByRequest = dict[int, list[Attempt]]


class AttemptIndex:
    """The attempts of a run directory by visitor: those whose intent was on file when the index was made.

    Outcomes are read when they are asked for, so an attempt that was open may have ended since. Use it in a `with`
    block, or close it.

    Args:
        visitors: leave out everybody else, as a worker of a divided verification does.

    Raises:
        LedgerDamage: a file is no ledger of this run, or damaged.
    """

    def __init__(self, folder: Path, run_id: str = "", visitors: range | None = None) -> None:
        self._files: list[tuple[Path, BinaryIO]] = []
        self._runs: list[tuple[int, array[int]]] = []  # sorted keys of one chunk, with its file's index
        self._stretches: OrderedDict[int, dict[int, ByRequest]] = OrderedDict()
        with ExitStack() as opened:
            for path in ledger_files(folder):
                self._files.append((path, opened.enter_context(path.open("rb"))))
                self._add(len(self._files) - 1, path, run_id, visitors)
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
        return sum(len(keys) for _, keys in self._runs)

    def attempts_of(self, visitor: int) -> ByRequest:
        """The attempts of one visitor by request number, each in the order of attempt; empty for one without any.

        Raises:
            LedgerDamage: the file was damaged since the index was made.
        """
        number = visitor // _STRETCH
        stretch = self._stretches.get(number)
        if stretch is None:
            stretch = self._read(number)
            self._stretches[number] = stretch
            if len(self._stretches) > _KEPT:
                self._stretches.popitem(last=False)
        return stretch.get(visitor, {})

    def visitors(self) -> Iterator[int]:
        """The visitors with attempts, ascending."""
        highest = max((keys[-1] >> _VISITOR for _, keys in self._runs), default=-1)
        for number in range(highest // _STRETCH + 1):
            yield from sorted({key >> _VISITOR for _, key in self._keys(number)})

    def _add(self, file: int, path: Path, run_id: str, visitors: range | None) -> None:
        keys: list[int] = []
        for slot, fields in read_slots(path, run_id):
            visitor = fields[2]
            if visitors is None or visitor in visitors:
                keys.append(visitor << _VISITOR | slot)
            if len(keys) == CHUNK_SLOTS:
                self._runs.append((file, array("Q", sorted(keys))))
                keys.clear()
        if keys:
            self._runs.append((file, array("Q", sorted(keys))))

    def _keys(self, number: int) -> Iterator[tuple[int, int]]:
        low = number * _STRETCH << _VISITOR
        high = (number + 1) * _STRETCH << _VISITOR
        for file, keys in self._runs:
            if keys[0] < high and keys[-1] >= low:
                for key in keys[bisect_left(keys, low) : bisect_left(keys, high)]:
                    yield file, key

    def _read(self, number: int) -> dict[int, ByRequest]:
        stretch: dict[int, ByRequest] = {}
        for index, key in self._keys(number):
            path, file = self._files[index]
            attempt = decode(read_slot(path, file, key & (1 << _VISITOR) - 1))
            stretch.setdefault(attempt.visitor, {}).setdefault(attempt.request, []).append(attempt)
        for requests in stretch.values():
            for attempts in requests.values():
                attempts.sort(key=lambda attempt: attempt.attempt)
        return stretch
