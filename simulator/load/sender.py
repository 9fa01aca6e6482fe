"""What one process sends of a run: its courses, one after another, through one client into one ledger file.

Who its visitors are is given: everybody (drive.py), or whom a master leases to it (worker.py).
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from simulator.journey.plan import Plan, arrival_offset_us
from simulator.ledger.leases import CourseName
from simulator.ledger.write import LedgerWriter
from simulator.load.agenda import Agenda, ClosedPace, InTurn, OpenPace
from simulator.load.client import Client, Limits
from simulator.load.clock import Clock
from simulator.load.course import Course, Watcher
from simulator.load.crowd import Crowd
from simulator.load.garbage import Garbage
from simulator.load.numbers import Told, told_by
from simulator.load.tally import Tally
from simulator.traffic.opened import OpenedRun
from simulator.traffic.sending import requests_of_block
from simulator.wire.request import Request

FLOOD_LANES = 64  # visitors at once where nobody waits
SETUP_LANES = 32  # visitors at once before the judged load
GRACE = 10.0  # seconds for requests in flight when a run is stopped


class Sender:
    """Sends courses of one run from this process.

    Args:
        ledger: the file to write; its folder is made.
        watch: told of every attempt.

    Raises:
        EngineError: the ledger cannot be written.
    """

    def __init__(self, opened: OpenedRun, ledger: Path, clock: Clock, *, watch: Watcher | None = None) -> None:
        self.tally = Tally()
        self.agenda: Agenda | None = None  # of the course that is being sent, or was last
        self._opened = opened
        self._clock = clock
        self._watch = watch
        self._client = client_of(opened, clock)
        self._ledger = LedgerWriter.open(ledger, opened.manifest.run_id)
        self._courses: list[Course] = []  # that are begun, in their order
        self._of_load: Agenda | None = None
        self._stopped = False
        self._garbage = Garbage()
        self._garbage.begin()

    @property
    def is_paced(self) -> bool:
        """Whether visitors of the judged load have an instant of their own: the open model."""
        return places_of(self._opened.plan) is None

    @property
    def slots(self) -> int:
        """Of the ledger that are in use."""
        return self._ledger.slots

    def crowd(self, name: CourseName, visitors: range, *, leased: bool = False) -> Crowd:
        """The visitors of a course."""
        plan, adapter, coming = self._opened.plan, self._opened.adapter, self._opened.plan.blocks

        def planned(block: int) -> Mapping[int, tuple[Request, ...]]:
            return requests_of_block(plan, adapter, block) if block in coming else {}

        return Crowd(planned, plan.block, visitors, setup=name == "setup", leased=leased)

    def set_clock(self, clock: Clock) -> None:
        """Go by another clock, from before the first course on."""
        self._clock = clock
        self._client = client_of(self._opened, clock)

    def begin(self, name: CourseName, crowd: Crowd, start_ns: int = 0, places: int | None = None) -> Course:
        """Make a course ready for `run`.

        Args:
            start_ns: of the judged load, wall time.
            places: visitors on the way at once, where it is not the whole run's number.
        """
        plan = self._opened.plan
        many = SETUP_LANES if name == "setup" else places_of(plan)
        flood = name == "setup" or plan.flood
        if plan.flood and self._opened.manifest.options.in_turn:
            lanes = 1
            agenda = Agenda(crowd, InTurn())
        elif many is None:
            lanes = self._opened.scenario.load.in_flight
            pace = OpenPace(start_ns, plan.start, plan.speed, lambda visitor: arrival_offset_us(plan, visitor))
            agenda = Agenda(crowd, pace)
        else:
            lanes = many  # also of a worker with fewer places: when another is lost, it gets more
            agenda = Agenda(crowd, None if flood else ClosedPace(plan.speed), many if places is None else places)
        self.agenda = agenda
        if name == "load":
            self._of_load = agenda
        course = Course(
            agenda,
            self._client,
            self._opened.adapter,
            self._ledger,
            self.tally,
            self._clock,
            lanes=lanes,
            own_connections=self._opened.scenario.load.connection == "visitor",
            watch=self._watch,
        )
        if self._stopped:
            course.stop(0)
        self._courses.append(course)
        return course

    def run(self, course: Course) -> None:
        """Send a course that was begun, until nobody is left or until `stop`. Blocks the calling greenlet.

        Raises:
            EngineError: the ledger cannot be written, or this machine cannot open connections.
        """
        try:
            course.run()
        finally:
            self._courses.remove(course)

    def stop(self, grace: float) -> None:
        """Start no more visitors; requests in flight have so many seconds, then they are unknown."""
        self._stopped = True
        for course in self._courses:
            course.stop(grace)

    def wake(self) -> None:
        """There is more to send than a moment ago."""
        for course in self._courses:
            course.wake()

    def told(self) -> Told:
        """The numbers so far."""
        agenda = self._of_load
        return told_by(
            self.tally,
            silent=agenda.silent if agenda is not None else 0,
            finished=agenda.finished if agenda is not None else 0,
            in_flight=sum(course.in_flight for course in self._courses),
        )

    def close(self) -> None:
        """Close the ledger.

        Raises:
            EngineError: it cannot be finished.
        """
        self._garbage.end()
        self._ledger.close()


def client_of(opened: OpenedRun, clock: Clock) -> Client:
    """How a run talks to its collector."""
    timeouts = opened.scenario.load.timeouts
    return Client(opened.target_url, Limits(timeouts.connect / 1_000, timeouts.reply / 1_000), now=clock)


def places_of(plan: Plan) -> int | None:
    """Visitors on the way at once in the whole run; None in the open model, where nothing bounds them."""
    if plan.flood:
        return plan.users or FLOOD_LANES
    return plan.users
