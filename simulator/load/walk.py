"""One visitor on the way through their requests: which is next, and whether it is sent again."""

from __future__ import annotations

from simulator.wire.request import Outcome, Request


class Walk:
    """A visitor's requests, one after another, each after the outcome of the last.

    A request is sent once, again while it is not acked at most `retries` times, and then its planned `duplicates`
    more times whatever is answered. Every send is an attempt of its own.
    """

    __slots__ = ("_copies", "_place", "_requests", "_retries", "attempt", "intended_ns", "origin_ns", "request",
                 "visitor")  # fmt: skip

    def __init__(self, visitor: int, requests: tuple[Request, ...]) -> None:
        self.visitor = visitor
        self.intended_ns = 0  # when the current attempt should leave
        self.origin_ns = 0  # closed model: the wall instant of the first request
        self._requests = requests  # at least one
        self._place = -1
        self._next_request()

    @property
    def first(self) -> Request:
        """The visitor's first request."""
        return self._requests[0]

    @property
    def is_fresh(self) -> bool:
        """Whether nothing of this visitor was sent yet."""
        return self._place == 0 and self.attempt == 0

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
        if self._place + 1 == len(self._requests):
            return False
        self._next_request()
        return True

    def _next_request(self) -> None:
        self._place += 1
        self.request = self._requests[self._place]
        self.attempt = 0
        self._retries = self.request.retries
        self._copies = self.request.duplicates
