"""One course of sending: lanes take the visitors that are due, one request each, until nobody is left.

A lane is a greenlet with a connection of its own. Lanes are made when somebody is due and none is free, up to a bound;
beyond it visitors wait, and their lateness says so. A dispatcher plans who comes soon and wakes lanes; a lane that is
through with a request takes the next visitor itself.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Protocol

import gevent
from gevent import getcurrent
from gevent.hub import get_hub
from gevent.pool import Group

from simulator.ledger.write import LedgerWriter
from simulator.load.agenda import Agenda
from simulator.load.client import Client, Connection
from simulator.load.clock import Clock
from simulator.load.lookup import wrong_lookup
from simulator.load.tally import Tally
from simulator.load.walk import Walk
from simulator.wire.outcome import classify
from simulator.wire.request import Answer, Evidence, Outcome, Purpose

_NEVER = 1 << 63
_LONGEST_NAP = 0.5  # seconds
_SHORTEST_NAP = 0.001  # the kernel's timers are no finer, and who is due in between goes along
_PLANNING_NS = 2_000_000  # at a stretch, before those who are due are looked at again


class Judge(Protocol):
    """The part of an adapter that a lane needs."""

    def outcome(self, answer: Answer) -> Outcome:
        """What the answer to an event tells about the collector."""
        ...


# An attempt is through: whose, what came of it, when it was sent and done.
Watcher = Callable[[Walk, Answer, Outcome, int, int], None]


class Course:
    """Sends everything on an agenda.

    Args:
        lanes: at most so many requests in flight.
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
        watch: Watcher | None = None,
    ) -> None:
        self._agenda = agenda
        self._client = client
        self._judge = judge
        self._ledger = ledger
        self._tally = tally
        self._clock = clock
        self._most = lanes
        self._watch = watch
        self._hub = get_hub()
        self._lanes = Group()
        self._idle: list[Any] = []  # greenlets of lanes without a visitor
        self._dispatcher: Any = None  # its greenlet while it naps
        self._waking: Any = None  # callback that is about to end its nap
        self._wakes_ns = _NEVER
        self._last_ns = _NEVER  # open attempts are given up then
        self._failure: Exception | None = None

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
            for lane in self._idle:
                self._hub.loop.run_callback(lane.switch, None)
            self._idle.clear()
            while self._lanes and self._clock() < self._last_ns:
                self._lanes.join(timeout=0.05)
        finally:
            self._lanes.kill()
        if self._failure is not None:
            raise self._failure

    def stop(self, grace: float) -> None:
        """Hand out nobody any more; attempts in flight have so many seconds, and are then unknown."""
        self._agenda.stop()
        self._last_ns = min(self._last_ns, self._clock() + int(grace * 1e9))
        self._wake()

    # ---- the dispatcher ----

    def _dispatch(self) -> None:
        agenda = self._agenda
        while not agenda.is_over and self._clock() < self._last_ns:
            began = now = self._clock()
            while agenda.admit(now) and (now := self._clock()) - began < _PLANNING_NS:
                pass
            while self._has_lane and (walk := agenda.take(self._clock())) is not None:
                self._hand_over(walk)
            # Others run even where there is more to plan: a lane's reply must not wait for all of it.
            self._nap(self._until_next())

    def _until_next(self) -> float:
        agenda = self._agenda
        due, planning = agenda.next_due_ns, agenda.next_planning_ns
        if not self._has_lane:
            due = None  # the first lane that is free takes who is due
        soonest = min(_NEVER if due is None else due, _NEVER if planning is None else planning, self._last_ns)
        return max(_SHORTEST_NAP, min(_LONGEST_NAP, (soonest - self._clock()) / 1e9))

    @property
    def _has_lane(self) -> bool:
        return bool(self._idle) or len(self._lanes) < self._most

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

    def _hand_over(self, walk: Walk) -> None:
        if self._idle:
            self._hub.loop.run_callback(self._idle.pop().switch, walk)
        else:
            self._lanes.spawn(self._lane, walk)

    # ---- a lane ----

    def _lane(self, walk: Walk | None) -> None:
        connection = self._client.connection()
        try:
            while walk is not None:
                walk = self._serve(connection, walk) or self._rest()
        except Exception as failure:  # noqa: BLE001  a run that cannot go on ends as a whole, with this as its reason
            self._failure = self._failure or failure
            self._agenda.in_flight -= 1
            self.stop(0)
        finally:
            connection.close()

    def _serve(self, connection: Connection, walk: Walk) -> Walk | None:
        """One attempt; returns who is due next."""
        request, attempt = walk.request, walk.attempt
        data = self._client.encode(request)
        began = self._clock()
        if walk.is_fresh and request.purpose is not Purpose.SETUP:
            self._tally.start(began - walk.intended_ns, began)
        slot = self._ledger.begin(walk.visitor, request.number, attempt, request.purpose, walk.intended_ns, began)
        try:
            answer = connection.send(data, request.method)
        except gevent.GreenletExit:
            sent = connection.sent_ns or began
            self._ledger.end(slot, sent, self._clock(), Outcome.UNKNOWN, Evidence.STOPPED, 0)
            raise
        done = self._clock()
        looks_up = request.purpose is Purpose.LOOKUP
        outcome = self._looked_up(walk, answer) if looks_up else self._judge.outcome(answer)
        sent = connection.sent_ns or began
        self._ledger.end(slot, sent, done, outcome, answer.evidence, answer.status)
        self._tally.note(walk, outcome, sent, done)
        if self._watch is not None:
            self._watch(walk, answer, outcome, sent, done)
        following = self._agenda.advance(walk, outcome, done)
        due = self._agenda.next_due_ns
        if due is not None and due < self._wakes_ns and (following is None or self._has_lane):
            self._wake()
        return following

    def _looked_up(self, walk: Walk, answer: Answer) -> Outcome:
        """What the answer to a lookup tells; what replies to events mean says nothing of it."""
        why = wrong_lookup(walk.request, answer)
        if not why:
            return Outcome.ACKED
        self._tally.note_failed_lookup(walk, why)
        outcome = classify(answer)
        return Outcome.REFUSED if outcome is Outcome.ACKED else outcome

    def _rest(self) -> Walk | None:
        """Wait for a visitor; None when the course is over."""
        agenda = self._agenda
        if agenda.is_over:
            self._wake()
        self._idle.append(getcurrent())
        walk: Walk | None = self._hub.switch()
        return walk
