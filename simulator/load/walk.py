"""One visitor on the way through their requests: which is next, and whether it is sent again."""

from __future__ import annotations

from collections.abc import Sequence

from simulator.wire.request import Outcome, Request


class Walk:
    """A visitor's requests, one after another, each after the outcome of the last.

    A request is sent once, again while it is not acked at most `retries` times, and then its planned `duplicates`
    more times whatever is answered. Every send is an attempt of its own.

    What was sent is forgotten. Who waits long may be laid down: the rest of the requests is forgotten too, and must be
    planned again before it goes on.
    """

    __slots__ = ("_copies", "_following", "_place", "_retries", "attempt", "first_leaves", "intended_ns", "origin_ns",
                 "request", "visitor")  # fmt: skip

    request: Request  # the current one; not there while the walk is laid down

    def __init__(self, visitor: int, requests: Sequence[Request]) -> None:
        self.visitor = visitor
        self.intended_ns = 0  # when the current attempt should leave
        self.origin_ns = 0  # closed model: the wall instant of the first request
        self.first_leaves = requests[0].leaves  # event-time instant of the first request
        self._following: list[Request] | None = list(reversed(requests))  # the next one last; None: laid down
        self._place = -1
        self._next_request(self._following)

    @property
    def is_fresh(self) -> bool:
        """Whether nothing of this visitor was sent yet."""
        return self._place == 0 and self.attempt == 0

    @property
    def is_laid_down(self) -> bool:
        """Whether its requests must be planned again."""
        return self._following is None

    @property
    def left(self) -> int:
        """Requests that it holds, with the current one."""
        return 0 if self._following is None else len(self._following) + 1

    def lay_down(self) -> None:
        """Forget the requests, but not how far they were sent."""
        self._following = None
        del self.request

    def pick_up(self, requests: Sequence[Request]) -> None:
        """Go on with the same requests, planned again."""
        self.request = requests[self._place]
        self._following = list(reversed(requests[self._place + 1 :]))

    def answered(self, outcome: Outcome) -> bool:
        """Take the outcome of the current attempt and go on to the next; False when there is none."""
        if outcome is Outcome.ACKED:
            self._retries = 0
        if self._retries:
            self._retries -= 1
            self.attempt += 1
            return True
        if self._copies:
            self._copies -= 1
            self.attempt += 1
            return True
        following = self._following
        if not following:
            return False
        self._next_request(following)
        return True

    def _next_request(self, following: list[Request]) -> None:
        self._place += 1
        self.request = following.pop()
        self.attempt = 0
        self._retries = self.request.retries
        self._copies = self.request.duplicates
