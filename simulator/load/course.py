"""One course of sending: lanes take the visitors that are due, one request each, until nobody is left.

A lane is a connection with the visitor whose request is on it (own_connections.py: or each visitor has one of its own).
Lanes are made when somebody is due, none is free, and no reply lies there that would free one (rest.py), up to a bound.
Beyond it visitors wait, and their lateness says so; whose fault that is, held.py. A dispatcher plans who comes soon and
hands out who is due; a lane that is through with a request takes the next visitor itself, in the event loop, where
nothing waits.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any, Protocol

from gevent import getcurrent
from gevent.hub import get_hub

from simulator.ledger.write import LedgerWriter
from simulator.load.agenda import Agenda
from simulator.load.client import Client
from simulator.load.clock import Clock
from simulator.load.connection import Connection
from simulator.load.held import Held
from simulator.load.own_connections import OwnConnections
from simulator.load.rest import Rest
from simulator.load.tally import Tally
from simulator.load.walk import Walk
from simulator.traffic.links import wrong_lookup
from simulator.wire.outcome import classify
from simulator.wire.request import Answer, Evidence, Outcome, Purpose, outcomes_of, summed_up

_NEVER = 1 << 63
_LONGEST_NAP = 0.5  # seconds
_SHORTEST_NAP = 0.001  # the kernel's timers are no finer, and who is due in between goes along
_FAILURE_GRACE = 2.0  # seconds for replies to what is in flight, where the run cannot go on
_FEW = 16  # lanes that are made in any case
_MORE = 8  # so many, or an eighth of those there are, are made at a time
_PLANNING_NS = 2_000_000  # at a stretch, before those who are due are looked at again


class Judge(Protocol):
    """The part of an adapter that a lane needs."""

    def outcome(self, answer: Answer) -> Outcome:
        """What the answer to an event tells about the collector."""
        ...


# An attempt is through: whose, what came of it, when it was sent and done.
Watcher = Callable[[Walk, Answer, Outcome, int, int], None]


class _Lane:
    """A connection, and whose request is on it."""

    __slots__ = ("began", "connection", "done", "slot", "walk")

    def __init__(self, connection: Connection, answered: Callable[[_Lane, Answer | Exception], None]) -> None:
        self.connection = connection
        self.walk: Walk | None = None
        self.began = 0  # instant of the intent, ns
        self.slot = 0  # of the attempt in the ledger
        self.done: Callable[[Answer | Exception], None] = partial(answered, self)


class Course:
    """Sends everything on an agenda.

    Args:
        lanes: at most so many requests in flight.
        own_connections: each visitor has one, instead of each lane.
        watch: told of every attempt, after it is in the ledger.
    """

    def __init__(
        self,
        agenda: Agenda,
        client: Client,
        judge: Judge,
        ledger: LedgerWriter,
        tally: Tally,
        clock: Clock,
        *,
        lanes: int,
        own_connections: bool = False,
        watch: Watcher | None = None,
    ) -> None:
        self._agenda = agenda
        self._client = client
        self._judge = judge
        self._outcomes = outcomes_of(judge)
        self._ledger = ledger
        self._tally = tally
        self._clock = clock
        self._most = lanes
        self._own = OwnConnections(client) if own_connections else None
        self._watch = watch
        self._hub = get_hub()
        self._rest = Rest(self._hub.loop, clock) if agenda.is_open else None
        self._held = Held(self._rest, clock) if self._rest is not None else None
        self._lanes: list[_Lane] = []
        self._idle: list[_Lane] = []
        self._turned: list[tuple[_Lane, Walk]] = []  # about to send
        self._sending: Any = None  # callback that will
        self._dispatcher: Any = None  # its greenlet while it naps
        self._waking: Any = None  # callback that is about to end its nap
        self._wakes_ns = _NEVER
        self._last_ns = _NEVER  # open attempts are given up then
        self._failure: Exception | None = None
        self._latest: tuple[Answer | None, Outcome] = (None, Outcome.UNKNOWN)  # and what it tells

    @property
    def in_flight(self) -> int:
        """Attempts that wait for their outcome."""
        return self._agenda.in_flight

    def run(self) -> None:
        """Send until nobody is left, or until `stop`. Blocks the calling greenlet.

        Raises:
            EngineError: the ledger cannot be written, or this machine cannot open connections.
            Exception: a bug in a lane.
        """
        try:
            self._dispatch()
        finally:
            self._give_up()
        if self._failure is not None:
            raise self._failure

    def stop(self, grace: float) -> None:
        """Hand out nobody any more; attempts in flight have so many seconds, and are then unknown."""
        self._agenda.stop()
        self._last_ns = min(self._last_ns, self._clock() + int(grace * 1e9))
        self._wake()

    def _give_up(self) -> None:
        """Close every connection. What is still in flight has no outcome."""
        now = self._clock()
        if self._sending is not None:
            self._sending.stop()
        if self._rest is not None:
            self._rest.end()
        for lane in self._lanes:
            lane.connection.close()
            if lane.walk is not None:
                sent = lane.connection.sent_ns or lane.began
                self._ledger.end(lane.slot, sent, now, Outcome.UNKNOWN, Evidence.STOPPED, 0)
                lane.walk = None
        if self._own is not None:
            self._own.close()
        self._lanes.clear()
        self._idle.clear()
        self._turned.clear()

    def wake(self) -> None:
        """The agenda has changed from outside: look at it now."""
        self._wake()

    # ---- the dispatcher ----

    def _dispatch(self) -> None:
        agenda = self._agenda
        while not agenda.is_over and self._clock() < self._last_ns:
            most = self._most_lanes_now
            began = now = self._clock()
            while agenda.admit(now) and (now := self._clock()) - began < _PLANNING_NS:
                pass
            while (self._idle or len(self._lanes) < most) and (walk := agenda.take(self._clock())) is not None:
                self._begin(self._free_lane(), walk)
            # Others run even where there is more to plan: a lane's reply must not wait for all of it.
            if not agenda.is_over:
                self._nap(self._until_next())

    def _until_next(self) -> float:
        agenda = self._agenda
        due, planning = agenda.next_due_ns, agenda.next_planning_ns
        if not self._has_lane:
            due = None  # the first lane that is free takes who is due
        soonest = min(_NEVER if due is None else due, _NEVER if planning is None else planning, self._last_ns)
        return max(_SHORTEST_NAP, min(_LONGEST_NAP, (soonest - self._clock()) / 1e9))

    @property
    def _most_lanes_now(self) -> int:
        """More lanes only where nothing has arrived that would free one, and a few at a time: a reply may be near."""
        if self._rest is None:
            return self._most
        lanes = len(self._lanes)
        more = max(_MORE, lanes // 8) if self._rest.is_just_over else 0
        return min(self._most, max(_FEW, lanes + more))

    @property
    def _has_lane(self) -> bool:
        return bool(self._idle) or len(self._lanes) < self._most

    def _free_lane(self) -> _Lane:
        if self._idle:
            lane = self._idle.pop()
        else:
            lane = _Lane(self._client.connection(), self._answered)
            self._lanes.append(lane)
        if self._held is not None and not self._has_lane:
            self._held.begin()
        return lane

    def _nap(self, seconds: float) -> None:
        self._wakes_ns = self._clock() + int(seconds * 1e9)
        self._dispatcher = getcurrent()
        timer = self._hub.loop.timer(seconds)
        timer.start(self._dispatcher.switch)
        try:
            self._hub.switch()
        finally:
            timer.stop()
            timer.close()
            if self._waking is not None:
                self._waking.stop()  # the timer was first; a second switch would end some other wait
            self._dispatcher = self._waking = None
            self._wakes_ns = _NEVER

    def _wake(self) -> None:
        if self._dispatcher is not None and self._waking is None:
            self._waking = self._hub.loop.run_callback(self._dispatcher.switch)

    # ---- a lane ----

    def _begin(self, lane: _Lane, walk: Walk) -> None:
        """Send the visitor's current request: the intent is in the ledger before the first byte leaves."""
        try:
            request = walk.request
            data = self._client.encode(request)
            if self._own is not None:
                lane.connection = self._own.of(walk.visitor)
            lane.began = began = self._clock()
            if walk.is_fresh and request.purpose is not Purpose.SETUP:
                self._tally.start(began - walk.intended_ns, began, self._held)
            lane.slot = self._ledger.begin(
                walk.visitor, request.number, walk.attempt, request.purpose, walk.intended_ns, began
            )
            lane.walk = walk
            lane.connection.exchange(data, request.method, lane.done)
        except Exception as failure:  # noqa: BLE001  a run that cannot go on ends as a whole, with this as its reason
            self._fail(failure)

    def _answered(self, lane: _Lane, answer: Answer | Exception) -> None:
        """An attempt is through; the lane takes who is due next. Runs in the event loop."""
        if isinstance(answer, Exception):
            self._fail(answer)
            return
        try:
            following = self._note(lane, answer)
        except Exception as failure:  # noqa: BLE001  as above
            self._fail(failure)
            return
        if following is None:
            self._idle.append(lane)
            if self._held is not None:
                self._held.end()
            if self._agenda.is_over:
                self._wake()
        else:
            if not self._turned:
                self._sending = self._hub.loop.run_callback(self._send_turned)
            self._turned.append((lane, following))
        if self._dispatcher is not None and self._has_lane:
            due = self._agenda.next_due_ns
            if due is not None and due < self._wakes_ns:
                self._wake()

    def _send_turned(self) -> None:
        """Send for all lanes that had a reply in this round of the event loop, one right after the other.

        A collector that is woken once for many requests serves them with less work, and so do we.
        """
        turned, self._turned, self._sending = self._turned, [], None
        for lane, walk in turned:
            self._begin(lane, walk)

    def _note(self, lane: _Lane, answer: Answer) -> Walk | None:
        """Write down what came of an attempt; returns who is due next."""
        done = self._clock()
        walk = lane.walk
        assert walk is not None
        if walk.request.purpose is Purpose.LOOKUP:
            outcome = self._looked_up(walk, answer)
        else:
            if answer is not self._latest[0]:
                # Short replies that were seen before are the same object again (Client.known).
                self._latest = (answer, self._judge.outcome(answer))
            outcome = self._latest[1]
            if self._outcomes is not None:
                outcome = self._told_of_each(walk, answer, outcome, done)
        sent = lane.connection.sent_ns or lane.began
        self._ledger.end(lane.slot, sent, done, outcome, answer.evidence, answer.status)
        lane.walk = None
        self._tally.note(walk, outcome, sent, done)
        if self._watch is not None:
            self._watch(walk, answer, outcome, sent, done)
        finished = self._agenda.finished
        following = self._agenda.advance(walk, outcome, done)
        if self._own is not None and self._agenda.finished != finished:
            self._own.leave(walk.visitor)
        return following

    def _told_of_each(self, walk: Walk, answer: Answer, of_all: Outcome, done: int) -> Outcome:
        """What the attempt tells where its reply speaks of each event; of those that fared differently, a line each."""
        assert self._outcomes is not None
        outcomes = self._outcomes(len(walk.request.records), answer)
        if outcomes is None:
            return of_all
        whole = summed_up(outcomes)
        attempt = (walk.visitor, walk.request.number, walk.attempt)
        for place, outcome in enumerate(outcomes):
            if outcome is not whole:
                self._ledger.tell(attempt, place, done, outcome, answer.status)
        return whole

    def _looked_up(self, walk: Walk, answer: Answer) -> Outcome:
        """What the answer to a lookup tells; what replies to events mean says nothing of it."""
        why = wrong_lookup(walk.request, answer)
        if not why:
            return Outcome.ACKED
        self._tally.note_failed_lookup(walk, why)
        outcome = classify(answer)
        return Outcome.REFUSED if outcome is Outcome.ACKED else outcome

    def _fail(self, failure: Exception) -> None:
        """The run ends with this; what is in flight may still be answered, so that less is unknown."""
        self._failure = self._failure or failure
        self._agenda.abandon()
        self.stop(_FAILURE_GRACE)
