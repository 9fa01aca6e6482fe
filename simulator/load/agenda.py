"""Who is due when. Visitors wait as heap entries, not as greenlets; no clock here, every instant is given.

Four ways to come (CONTRACT section 2), all in nanoseconds of wall time:

    open     visitor k comes at the planned instant, whatever the collector does; requests at theirs
    closed   so many at once; who has finished is followed by the next, paced from the actual start
    flood    so many at once, and nobody waits
    in turn  one request at a time, in the order in which they are planned, and nobody waits: the same order each time
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from fractions import Fraction
from heapq import heappop, heappush

from simulator.load.crowd import Crowd
from simulator.load.leases import Lease, compact
from simulator.load.walk import Walk
from simulator.times import Ms
from simulator.wire.request import Outcome

_AHEAD_NS = 2_000_000_000  # visitors are planned so long before they come
# A request takes about 1.5 KB of memory, a visitor who is laid down a quarter of that, and planning one again 0.2 ms.
MOST_HELD = 200_000  # requests of those who wait: beyond it, who waits long is laid down
_LONG_NS = 2_000_000_000


@dataclass(frozen=True, slots=True)
class OpenPace:
    """Every instant is planned: event time, mapped to wall time."""

    start_ns: int  # wall instant of `start`
    start: Ms  # of the period
    speed: Fraction  # event time per wall time
    arrival_us: Callable[[int], int]  # wall microseconds of a visitor's arrival after the start

    def comes_ns(self, visitor: int) -> int:
        return self.start_ns + self.arrival_us(visitor) * 1_000

    def due_ns(self, walk: Walk) -> int:
        return self.start_ns + _wall_ns(walk.request.leaves - self.start, self.speed)


@dataclass(frozen=True, slots=True)
class ClosedPace:
    """Each visitor's own clock starts when a place is free."""

    speed: Fraction

    def due_ns(self, walk: Walk) -> int:
        return walk.origin_ns + _wall_ns(walk.request.leaves - walk.first_leaves, self.speed)


@dataclass(frozen=True, slots=True)
class InTurn:
    """The order of the planned instants, of two equal ones by the visitor's number; no clock."""


def _wall_ns(event_ms: int, speed: Fraction) -> int:
    return event_ms * 1_000_000 * speed.denominator // speed.numerator


class Agenda:
    """The visitors of one course of sending: who has yet to come, who waits, who is being served.

    Args:
        pace: None is a flood.
        places: visitors on the way at once; given for the closed model and a flood, None elsewhere.
        most_held: requests of waiting visitors in memory, beyond which long waits cost planning again.
    """

    def __init__(
        self,
        crowd: Crowd,
        pace: OpenPace | ClosedPace | InTurn | None,
        places: int | None = None,
        *,
        most_held: int = MOST_HELD,
    ) -> None:
        if isinstance(pace, OpenPace | InTurn) is (places is not None):
            raise ValueError("places are for the closed model and a flood, and needed there")
        self._crowd = crowd
        self._pace = pace
        self._places = places or 0
        self._waiting: list[tuple[int, int, Walk]] = []  # when due (where nobody waits: which order), visitor, walk
        self._fresh: set[int] = set()  # of those who wait: nothing of them was sent yet
        self._held = 0  # requests of those who wait
        self._most_held = most_held
        self._stopped = False
        self.in_flight = 0  # handed out by `take` or `advance`
        self.begun = 0  # visitors who were handed out
        self.finished = 0  # of them those with nothing left to send
        self.never_begun: list[Lease] = []  # visitors of whom nothing was sent; known once it is stopped

    @property
    def is_open(self) -> bool:
        """Whether visitors come at instants of their own, however many are on their way."""
        return isinstance(self._pace, OpenPace)

    @property
    def silent(self) -> int:
        """Visitors who came and had nothing to send; `finished` does not count them."""
        return self._crowd.silent

    @property
    def is_over(self) -> bool:
        """Whether nothing is being sent and nothing will be."""
        return not self.in_flight and (self._stopped or (not self._waiting and self._crowd.is_over))

    @property
    def is_resting(self) -> bool:
        """Whether nothing is being sent, and nothing will be unless more visitors are leased."""
        return not self.in_flight and not self._waiting and self._crowd.is_empty

    @property
    def ahead(self) -> int:
        """Visitors of whom nothing was sent yet."""
        return self._crowd.left + len(self._fresh)

    @property
    def floor(self) -> int | None:
        """The lowest visitor of whom nothing was sent yet; None when there is none."""
        if self._stopped:
            return min((first for first, _ in self.never_begun), default=None)
        lowest = [min(self._fresh)] if self._fresh else []
        if not self._crowd.is_empty:
            lowest.append(self._crowd.next)
        return min(lowest, default=None)

    @property
    def next_due_ns(self) -> int | None:
        """When there is next somebody to take, as far as is known; None: not before something else happens."""
        if self._stopped:
            return None
        if isinstance(self._pace, InTurn):
            return 0 if not self.in_flight and (self._waiting or not self._crowd.is_empty) else None
        if self._waiting:
            return self._waiting[0][0]
        return 0 if self._has_place else None

    @property
    def next_planning_ns(self) -> int | None:
        """When `admit` has next something to do; None: never again."""
        pace = self._pace
        if not isinstance(pace, OpenPace) or self._stopped or self._crowd.is_empty:
            return None
        return pace.comes_ns(self._crowd.next) - _AHEAD_NS

    @property
    def _has_place(self) -> bool:
        return not self._crowd.is_empty and len(self._waiting) + self.in_flight < self._places

    def admit(self, now_ns: int) -> bool:
        """Open model: plan the next visitor, if they come soon. False when nobody does."""
        soon = self.next_planning_ns
        if soon is None or soon > now_ns:
            return False
        walk = self._crowd.come()
        if walk is not None:
            self._fresh.add(walk.visitor)
            self._wait(walk, now_ns)
        return True

    def take(self, now_ns: int) -> Walk | None:
        """A visitor whose next request is due, the longest overdue first; None when nobody's is."""
        if self._stopped:
            return None
        walk: Walk | None
        if isinstance(self._pace, InTurn):
            walk = self._next_in_turn(now_ns)
        elif self._waiting and self._waiting[0][0] <= now_ns:
            walk = self._next_waiting()
        else:
            walk = self._start_next(now_ns)
        if walk is not None:
            self.in_flight += 1
            if walk.is_fresh:
                self.begun += 1
                self._fresh.discard(walk.visitor)
            if not isinstance(self._pace, OpenPace | ClosedPace):
                walk.intended_ns = now_ns
        return walk

    def advance(self, walk: Walk, outcome: Outcome, now_ns: int) -> Walk | None:
        """Take the outcome of an attempt in flight; returns who is to be served next in its place."""
        goes_on = walk.answered(outcome)
        if goes_on and self._pace is None and not self._waiting and not self._stopped:
            walk.intended_ns = now_ns  # a flood in which nobody waits: what `_wait` and `take` would come to
            return walk
        self.in_flight -= 1
        if not goes_on:
            self.finished += 1
        elif not self._stopped:
            self._wait(walk, now_ns)
        return self.take(now_ns)

    def abandon(self) -> None:
        """One that is in flight has no outcome, and nobody follows in its place."""
        self.in_flight -= 1

    def set_places(self, number: int) -> None:
        """Closed model and flood: so many visitors on the way at once from now on; none is sent away."""
        self._places = number

    def stop(self) -> None:
        """From now on nobody is handed out; whoever waits is dropped."""
        if self._stopped:
            return
        self._stopped = True
        self._waiting.clear()
        self._held = 0
        self.never_begun = [*self._crowd.drop(), *compact(sorted(self._fresh))]
        self._fresh.clear()

    def _next_waiting(self) -> Walk:
        walk = heappop(self._waiting)[2]
        if walk.is_laid_down:
            self._crowd.bring_back(walk)
        else:
            self._held -= walk.left
        return walk

    def _next_in_turn(self, now_ns: int) -> Walk | None:
        """Whose request is planned first of all that are left; nobody's while one is in flight."""
        while not self._crowd.is_empty:
            walk = self._crowd.come()
            if walk is not None:
                self._fresh.add(walk.visitor)
                self._wait(walk, now_ns)
        return self._next_waiting() if self._waiting and not self.in_flight else None

    def _start_next(self, now_ns: int) -> Walk | None:
        while self._has_place:
            walk = self._crowd.come()
            if walk is not None:
                walk.origin_ns = walk.intended_ns = now_ns
                return walk
        return None

    def _wait(self, walk: Walk, now_ns: int) -> None:
        if self._pace is None:
            due = walk.visitor
        elif isinstance(self._pace, InTurn):
            due = walk.request.leaves
            if self._held + walk.left > self._most_held:
                walk.lay_down()
        else:
            # A repetition is due as soon as its forerunner is through.
            due = walk.intended_ns = now_ns if walk.attempt else self._pace.due_ns(walk)
            if due - now_ns > _LONG_NS and self._held + walk.left > self._most_held:
                walk.lay_down()
        self._held += walk.left
        heappush(self._waiting, (due, walk.visitor, walk))
