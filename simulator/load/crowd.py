"""The visitors of a run in the order of their numbers, planned a block at a time, when they are needed."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from simulator.load.walk import Walk
from simulator.wire.request import Purpose, Request

Planner = Callable[[int], Mapping[int, tuple[Request, ...]]]  # block number to the requests of its visitors


class Crowd:
    """A contiguous range of visitors, of whom those come out that have something to send.

    Args:
        setup: the requests of the earlier visits; otherwise all others.
    """

    def __init__(self, plan_block: Planner, block: int, visitors: range, *, setup: bool = False) -> None:
        self._plan_block = plan_block
        self._block = block
        self._setup = setup
        self._end = visitors.stop
        self._planned: Mapping[int, tuple[Request, ...]] = {}
        self._planned_block = -1
        self.next = visitors.start  # number of the visitor who comes next
        self.silent = 0  # visitors passed over: they have nothing to send

    @property
    def is_empty(self) -> bool:
        """Whether everybody has come."""
        return self.next >= self._end

    def come(self) -> Walk | None:
        """The next visitor; None when this one has nothing to send. Plans a block when it is entered."""
        visitor = self.next
        self.next = visitor + 1
        block = visitor // self._block
        if block != self._planned_block:
            self._planned = self._plan_block(block)
            self._planned_block = block
        requests = tuple(
            request for request in self._planned.get(visitor, ()) if (request.purpose is Purpose.SETUP) is self._setup
        )
        if not requests:
            self.silent += 1
            return None
        return Walk(visitor, requests)
