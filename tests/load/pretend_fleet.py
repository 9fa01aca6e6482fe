"""A master and its workers in virtual time, over a channel that loses, delays, repeats and reorders what is said.

What a worker sends to a collector is pretended: it notes who began whom, in a real ledger.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from heapq import heappop, heappush
from itertools import count
from pathlib import Path
from random import Random
from typing import Any

from simulator.journey.plan import arrival_offset_us
from simulator.ledger.leases import CourseName
from simulator.ledger.manifest import LEDGER_FOLDER
from simulator.ledger.write import SUFFIX, LedgerWriter
from simulator.load.joining import Arrival, fingerprint
from simulator.load.leases import Lease, compact
from simulator.load.master import Master
from simulator.load.messages import BadMessage
from simulator.load.numbers import Told
from simulator.load.shipping import Outbox
from simulator.load.worker import Worker
from simulator.traffic.making import Wanted, draft, make_folder, write_run
from simulator.traffic.opened import OpenedRun, open_run
from simulator.wire.request import Evidence, Outcome, Purpose

SCENARIO = """
scenario: pretended
app: {pages: [pages/index/index]}
visitors: {count: COUNT, returning: 40%, share_device: 30%}
journeys: {look: {steps: [launch, exit]}}
load: {LOAD, clock: {start: 2026-03-01T00:00:00+08:00}}
"""
OPEN, CLOSED = "spacing: even, arrivals: [{rate: 20/s, for: 60s}]", "users: 7"
SECOND = 1_000_000_000
TICK = SECOND // 20
START = 1_700_000_000 * SECOND


def make(folder: Path, load: str = OPEN, count: int = 90, seed: int = 1) -> OpenedRun:
    """A small run, ready to be sent."""
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / "pretended.yaml"
    path.write_text(SCENARIO.replace("LOAD", load).replace("COUNT", str(count)), encoding="utf-8")
    checked = draft(Wanted(path, out=folder / "run", namespace="n", seed=seed))
    return write_run(checked, make_folder(checked), "http://192.0.2.1:80")


@dataclass(slots=True)
class Sent:
    """A visitor of a course was begun."""

    course: str
    visitor: int
    worker: str
    at: int  # true time


class PretendJob:
    """Begins leased visitors, as many at a time as its pace allows, or at their instants; each takes a while."""

    def __init__(self, arrival: Arrival, fleet: PretendFleet, now: Callable[[], int]) -> None:
        self.fault: tuple[int, str] | None = None
        self.fingerprint = ""
        self.checked = ""
        self.is_over = False
        self.never_begun: list[Lease] = []
        self.cut = 0
        self.name = arrival.worker
        self.forgotten = False
        self._fleet = fleet
        self._now = now
        self._opened = open_run(arrival.folder)
        self._ledger_path = arrival.folder / LEDGER_FOLDER / f"{arrival.worker}{SUFFIX}"
        self.writer = LedgerWriter.open(self._ledger_path, arrival.run_id)
        self._outbox = Outbox(self._ledger_path)
        self._course: CourseName = "setup"
        self._start_ns = 0
        self._coming: list[int] = []  # a heap
        self._flying: list[tuple[int, int]] = []  # until when, slot in the ledger
        self._begun = {"setup": 0, "load": 0}
        self._finished = {"setup": 0, "load": 0}
        self._draining = False
        self._ready_at = now() + SECOND // 2

    def fail(self, code: int, why: str) -> None:
        """What goes wrong in it ends it."""
        self.fault = (code, why)
        self.cut, self._flying = len(self._flying), []
        self.never_begun, self._coming = compact(sorted(self._coming)), []
        self.writer.close()
        self.is_over = True

    # ---- what time does ----

    def step(self) -> None:
        now = self._now()
        if now >= self._ready_at and not self.fingerprint and self.fault is None:
            self.fingerprint, self.checked = self._fleet.fingerprint, "ok"
        while self._flying and self._flying[0][0] <= now:
            _, slot = heappop(self._flying)
            self.writer.end(slot, now, now, Outcome.ACKED, Evidence.REPLY, 200)
            self._finished[self._course] += 1
        pace = 3
        while self._coming and pace and not self._draining and self._is_due(self._coming[0], now):
            pace -= 1
            visitor = heappop(self._coming)
            purpose = Purpose.SETUP if self._course == "setup" else Purpose.EVENT
            slot = self.writer.begin(visitor, 0, 0, purpose, now, now)
            heappush(self._flying, (now + 3 * TICK, slot))
            self._begun[self._course] += 1
            self._fleet.sent.append(Sent(self._course, visitor, self.name, self._fleet.now))
        if self._draining and not self.is_over:
            self.never_begun, self._coming = compact(sorted(self._coming)), []
            self.cut = len(self._flying)
            for _, slot in self._flying:
                self.writer.end(slot, now, now, Outcome.UNKNOWN, Evidence.STOPPED, 0)
            self._flying = []
            self.writer.close()
            self.is_over = True

    def _is_due(self, visitor: int, now: int) -> bool:
        if self._course == "setup" or self._opened.plan.schedule is None:
            return now >= self._start_ns
        return now >= self._start_ns + arrival_offset_us(self._opened.plan, visitor) * 1_000

    # ---- worker.Job ----

    @property
    def ahead(self) -> int:
        return len(self._coming)

    @property
    def want(self) -> int:
        return 20

    @property
    def floor(self) -> int | None:
        return min([*self._coming, *(first for first, _ in self.never_begun)], default=None)

    @property
    def is_resting(self) -> bool:
        return not self._coming and not self._flying

    @property
    def told(self) -> Told:
        return Told({"visitors.started": self._begun["load"], "visitors.finished": self._finished["load"]})

    @property
    def slots(self) -> int:
        return self.writer.slots

    def begin(self, course: CourseName, start_ns: int, ahead_ns: int, places: int) -> None:  # noqa: ARG002
        assert not self._coming, "the course before is over"
        assert not self._flying
        # A start of the master's clock, as this one shows it.
        self._course, self._start_ns = course, start_ns + ahead_ns if start_ns else 0

    def lease(self, lease: Lease) -> None:
        for visitor in range(*lease):
            heappush(self._coming, visitor)

    def set_places(self, places: int) -> None:
        pass

    def drain(self, grace: float) -> None:  # noqa: ARG002
        self._draining = True

    def part(self, offset: int) -> bytes:
        return self._outbox.part(offset, self.slots, closed=self.is_over)

    def forget(self) -> None:
        self.forgotten = True


@dataclass(slots=True)
class Hand:
    """One worker process."""

    worker: Worker
    job: PretendJob | None = None
    dead: bool = False
    cut_off: bool = False  # nothing comes or goes


@dataclass(slots=True)
class PretendFleet:
    """A master, its workers, and the messages between them."""

    opened: OpenedRun
    random: Random
    loss: float = 0.0
    asleep: bool = False  # the master's process does not run; what is said to it waits
    disk_ns: int = 0  # that a file takes to be written out
    sent: list[Sent] = field(default_factory=list)
    now: int = START
    hands: dict[str, Hand] = field(default_factory=dict)
    refused: list[str] = field(default_factory=list)
    fingerprint: str = ""
    _mail: list[tuple[int, int, Callable[[], None]]] = field(default_factory=list)
    _waiting: list[Callable[[], None]] = field(default_factory=list)  # for the master to wake
    _numbers: Any = field(default_factory=count)
    master: Master = field(init=False)

    def __post_init__(self) -> None:
        self.fingerprint = fingerprint(self.opened)
        self.master = Master(self.opened, self._to_worker, lambda: self.now, expected=1, grace=1.0, slowly=self._slowly)

    def hire(self, scratch: Path, *, here: bool, skew_ns: int = 0) -> str:
        """Start a worker process; its clock is ahead by so much."""
        name = f"host_{len(self.hands)}"

        def clock() -> int:
            return self.now + skew_ns

        def make_job(arrival: Arrival) -> PretendJob:
            job = self.hands[name].job = PretendJob(arrival, self, clock)
            return job

        def make_folder() -> Path:
            folder = scratch / name
            while folder.exists():
                folder = folder.with_name(f"{folder.name}-again")
            folder.mkdir()
            return folder

        self.hands[name] = Hand(
            Worker(
                lambda message: self._to_master(name, message),
                clock,
                make_job,
                host=name,
                version="1",
                over_loopback=here,
                make_folder=make_folder,
            )
        )
        return name

    def kill(self, name: str) -> None:
        """kill -9: the kernel closes its ledger, and nobody hears of it any more."""
        hand = self.hands[name]
        hand.dead = True
        if hand.job is not None and not hand.job.is_over:
            hand.job.writer.close()

    def leave(self, name: str) -> None:
        """SIGTERM."""
        if not self.hands[name].dead:
            self.hands[name].worker.leave("stopped by a signal", 1)

    def step(self) -> None:
        """A twentieth of a second passes."""
        self.now += TICK
        while self._mail and self._mail[0][0] <= self.now:
            heappop(self._mail)[2]()
        for hand in self.hands.values():
            if not hand.dead:
                if hand.job is not None:
                    hand.job.step()
                hand.worker.tick()
                hand.dead = hand.worker.is_idle and bool(hand.worker.exit_code)  # such a process ends
        if self.now // TICK % 2 and not self.asleep:
            self.master.tick()
            waiting, self._waiting = self._waiting, []
            for hear in waiting:
                hear()

    def until(self, is_so: Callable[[], bool], seconds: float = 300) -> None:
        """Let time pass until something is so."""
        end = self.now + int(seconds * SECOND)
        while not is_so():
            assert self.now < end, f"it never happened: {self.master.progress()}"
            self.step()

    def until_over(self) -> None:
        self.until(lambda: self.master.phase == "over")

    def begun(self, course: str) -> list[int]:
        """Whom anybody began, in the order of their numbers."""
        return sorted(one.visitor for one in self.sent if one.course == course)

    def _to_worker(self, name: str, message: dict[str, Any]) -> None:
        hand = self.hands[name]

        def hear() -> None:
            if hand.dead or hand.cut_off:
                return
            if message["kind"] == "refused":
                self.refused.append(message["why"])
            try:
                hand.worker.hear(message)
            except BadMessage as wrong:
                raise AssertionError(f"{message}: {wrong}") from wrong

        if not hand.cut_off:
            self._post(hear)

    def _to_master(self, name: str, message: dict[str, Any]) -> None:
        if not self.hands[name].cut_off:

            def hear() -> None:
                if self.asleep:
                    self._waiting.append(hear)
                elif not self.hands[name].cut_off:
                    self.master.hear(name, message)

            self._post(hear)

    def _slowly(self, work: Callable[[], OSError | None], then: Callable[[OSError | None], None]) -> None:
        heappush(self._mail, (self.now + self.disk_ns, next(self._numbers), lambda: then(work())))

    def _post(self, deliver: Callable[[], None]) -> None:
        for _ in range(2 if self.random.random() < self.loss / 4 else 1):
            if self.random.random() < self.loss:
                continue
            late = int(self.random.random() * 3 * TICK) if self.loss else TICK // 50
            heappush(self._mail, (self.now + late, next(self._numbers), deliver))
