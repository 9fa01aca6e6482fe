"""The visitors that this process sends, in the order of their numbers, planned a block at a time, when they are needed.

One process alone has them all; a worker has those that its master leases to it, more and more as the run goes on.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from heapq import heappop, heappush, heapreplace

from simulator.load.leases import Lease
from simulator.load.walk import Walk
from simulator.wire.request import Purpose, Request

Planner = Callable[[int], Mapping[int, tuple[Request, ...]]]  # block number to the requests of its visitors


class Crowd:
    """Ranges of visitors, of whom those come out that have something to send.

    Args:
        visitors: who comes; empty where everybody is leased.
        setup: the requests of the earlier visits; otherwise all others.
        leased: more visitors may be added, until `close`.
    """

    def __init__(
        self, plan_block: Planner, block: int, visitors: range, *, setup: bool = False, leased: bool = False
    ) -> None:
        self._plan_block = plan_block
        self._block = block
        self._setup = setup
        self._coming: list[Lease] = [(visitors.start, visitors.stop)] if visitors else []  # a heap
        self._planned: Mapping[int, tuple[Request, ...]] = {}
        self._planned_block = -1
        self._open = leased
        self.left = len(visitors)  # who have yet to come
        self.silent = 0  # visitors passed over: they have nothing to send

    @property
    def is_empty(self) -> bool:
        """Whether nobody has yet to come, as far as is known."""
        return not self._coming

    @property
    def is_over(self) -> bool:
        """Whether everybody has come, for good."""
        return not self._coming and not self._open

    @property
    def next(self) -> int:
        """Number of the visitor who comes next; ask only while it is not empty."""
        return self._coming[0][0]

    def add(self, lease: Lease) -> None:
        """More visitors, who come in the order of the numbers of all: someone who is long due goes before others."""
        heappush(self._coming, lease)
        self.left += lease[1] - lease[0]

    def close(self) -> None:
        """Nobody is added any more."""
        self._open = False

    def drop(self) -> list[Lease]:
        """Nobody comes any more; returns who would have come, ascending."""
        dropped = sorted(self._coming)
        self._coming, self._open, self.left = [], False, 0
        return dropped

    def come(self) -> Walk | None:
        """The next visitor; None when this one has nothing to send. Plans a block when it is entered."""
        visitor, stop = self._coming[0]
        if visitor + 1 < stop:
            heapreplace(self._coming, (visitor + 1, stop))
        else:
            heappop(self._coming)
        self.left -= 1
        block = visitor // self._block
        if block != self._planned_block:
            self._planned = self._plan_block(block)
            self._planned_block = block
        requests = self._of(visitor, self._planned)
        if not requests:
            self.silent += 1
            return None
        return Walk(visitor, requests)

    def bring_back(self, walk: Walk) -> None:
        """Plan the requests of a visitor again who was laid down."""
        walk.pick_up(self._of(walk.visitor, self._plan_block(walk.visitor // self._block)))

    def _of(self, visitor: int, planned: Mapping[int, tuple[Request, ...]]) -> list[Request]:
        return [request for request in planned.get(visitor, ()) if (request.purpose is Purpose.SETUP) is self._setup]
