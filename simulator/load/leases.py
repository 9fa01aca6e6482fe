"""Who may send which visitors: contiguous leases, cut at block borders, each visitor leased to one worker at a time.

Only what comes back can be part of a block: whoever is left of it when its worker goes.

Every visitor of a course is in exactly one of these states, and moves only along the arrows:

    free ──take──▶ held ──settle──▶ begun     its worker has begun, or passed over, everybody below a floor
      ▲              │
      └──give back───┘                        never begun, and known to be so

What a lost worker held stays held: nobody else may have a visitor whom it has perhaps begun. So no visitor is ever sent
by two workers, whatever the order in which workers ask, go and come back. Pure: no clock, no message, no file. Who gets
how much is dealing.py, what is kept of it ledger/leases.py.
"""

from __future__ import annotations

from bisect import bisect_left, insort
from collections.abc import Collection, Iterable, Sequence

Lease = tuple[int, int]  # visitors from the first number up to the second


class LeaseTable:
    """The visitors 0..count-1 of one course.

    Args:
        block: visitors that are planned together; a lease holds all of a block or none.
    """

    def __init__(self, count: int, block: int = 1) -> None:
        self._block = block
        self._free: list[Lease] = [(0, count)] if count else []  # ascending, disjoint, never touching
        self._held: dict[str, list[Lease]] = {}  # ascending

    @property
    def first_free(self) -> int | None:
        """The lowest visitor whom nobody has; None when everybody is leased."""
        return self._free[0][0] if self._free else None

    @property
    def free(self) -> tuple[Lease, ...]:
        """Whom nobody has, ascending."""
        return tuple(self._free)

    def held(self, worker: str) -> tuple[Lease, ...]:
        """The leases of a worker that are not settled, ascending."""
        return tuple(self._held.get(worker, ()))

    def take(self, worker: str, most: int) -> Lease | None:
        """Lease the lowest free visitors: at most so many in whole blocks, at least one; None: nobody is free."""
        if not self._free:
            return None
        first, end = self._free[0]
        border = (first + most) // self._block * self._block
        stop = min(end, border if border > first else first - first % self._block + self._block)
        if stop == end:
            del self._free[0]
        else:
            self._free[0] = (stop, end)
        insort(self._held.setdefault(worker, []), (first, stop))
        return first, stop

    def settle(self, worker: str, floor: int, on_the_way: Collection[Lease] = ()) -> None:
        """Everybody below the floor whom the worker holds has begun.

        Args:
            on_the_way: leases that the worker did not have yet when it named the floor.
        """
        self._held[worker] = [
            (first if (first, stop) in on_the_way else max(first, floor), stop)
            for first, stop in self._held.get(worker, ())
            if stop > floor or (first, stop) in on_the_way
        ]

    def give_back(self, worker: str, leases: Iterable[Lease]) -> tuple[Lease, ...]:
        """Free whom the worker has never begun; returns who of them became free. What it does not hold is not its."""
        freed: list[Lease] = []
        for first, stop in leases:
            for held in self.held(worker):
                both = (max(first, held[0]), min(stop, held[1]))
                if both[0] < both[1]:
                    self._remove(worker, held, both)
                    freed.append(both)
        for lease in freed:
            self._release(lease)
        return tuple(freed)

    def _remove(self, worker: str, held: Lease, part: Lease) -> None:
        leases = self._held[worker]
        leases.remove(held)
        for rest in ((held[0], part[0]), (part[1], held[1])):
            if rest[0] < rest[1]:
                insort(leases, rest)

    def _release(self, lease: Lease) -> None:
        first, stop = lease
        at = bisect_left(self._free, lease)
        if at < len(self._free) and self._free[at][0] == stop:
            stop = self._free.pop(at)[1]
        if at and self._free[at - 1][1] == first:
            first = self._free.pop(at - 1)[0]
        insort(self._free, (first, stop))


def compact(visitors: Sequence[int]) -> list[Lease]:
    """Ascending visitor numbers as leases."""
    leases: list[Lease] = []
    for visitor in visitors:
        if leases and leases[-1][1] == visitor:
            leases[-1] = (leases[-1][0], visitor + 1)
        else:
            leases.append((visitor, visitor + 1))
    return leases


def size(leases: Iterable[Lease]) -> int:
    """How many visitors some leases are."""
    return sum(stop - first for first, stop in leases)
