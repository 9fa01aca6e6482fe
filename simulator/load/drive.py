"""A whole run on one worker: the setup visits, then the judged ones; progress on the way, load.json at the end.

load.json is written when the load is over, however it ended. A directory without one was cut short by a crash.

    finished          every visitor was sent to the end
    interrupted       stopped before that: by a signal, the web UI, a time limit, or `load.abort`
    reason            why it did not finish, in words; empty when it did
    self_check        of the transport (self_check.py): ok, what was wrong, or empty where it was not reached
    wanted_rate       visitors per wall second that the plan asks for; 0 where it asks for none (closed model, flood)
    offered_rate      visitors started per wall second
    seconds           from the start of the judged load to its end
    workers, workers_lost
    visitors          planned; visitors_started: whose first request left or had nothing to send
    punctual          part of the visitors planned so far that started within 1 s of their instant; null: not open model
    late_p99_ms       of the starts, after their instant; null: not open model
    attempts, setup   sent, acked, refused, unknown
    lookups           sent, failed, and examples of failures
    started_ns        wall instant, UTC, at which the judged load began; 0: it never did
    setup_done_ns     when the last setup visit was answered; 0: there was none
    first_sent_ns, last_done_ns   of judged events

progress.json has the same names as far as they are known, with `phase` (setup, load, draining, over) and `elapsed`.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from dataclasses import asdict
from fractions import Fraction
from functools import partial
from typing import Any, Literal

import gevent
from gevent.event import Event as Signal

from simulator.errors import EngineError, MpsimError
from simulator.finding import ExitCode
from simulator.journey.plan import arrival_offset_us
from simulator.ledger.manifest import LEDGER_FOLDER, LOAD_FILE, PROGRESS_FILE, write_json
from simulator.ledger.write import SUFFIX, LedgerWriter
from simulator.load.agenda import Agenda, ClosedPace, OpenPace
from simulator.load.client import Client, Limits
from simulator.load.clock import steady_clock
from simulator.load.course import Course, Watcher
from simulator.load.crowd import Crowd
from simulator.load.self_check import assert_sends_once
from simulator.load.tally import AbortWatch, Tally
from simulator.scenario.slo import parse_abort
from simulator.traffic.opened import OpenedRun
from simulator.traffic.sending import requests_of_block
from simulator.wire.request import Outcome

MOST_LANES = 2_000  # requests in flight, open model
FLOOD_LANES = 64  # visitors at once where nobody waits
SETUP_LANES = 32  # visitors at once before the judged load
GRACE = 10.0  # seconds for requests in flight when a run is stopped
_HEAD_START_NS = 100_000_000  # before the first visitor of the open model, to plan the first few
_PROGRESS = 0.5  # seconds between two progress.json

Phase = Literal["setup", "load", "draining", "over"]
_log = logging.getLogger("mpsim.load")


class Drive:
    """One run, sent by this worker. `go` does all of it; `stop` may be called by anybody meanwhile.

    Args:
        watch: told of every attempt.
        worker: name of the ledger file.
        self_check: raises EngineError where the transport does not send once; called before anything is sent. None:
            that of self_check.py, with this run's adapter and replies.
    """

    def __init__(
        self,
        opened: OpenedRun,
        *,
        watch: Watcher | None = None,
        grace: float = GRACE,
        worker: str = "worker-1",
        self_check: Callable[[], None] | None = None,
    ) -> None:
        self.over = Signal()  # load.json is written
        self.exit_code: int = ExitCode.OWN_FAULT
        self.reason = ""
        self._opened = opened
        self._watch = watch
        self._grace = grace
        self._worker = worker
        self._self_check = self_check or partial(
            assert_sends_once,
            judge=opened.adapter.outcome,
            replies=opened.contract.replies,
            tls=opened.target_url.startswith("https:"),
        )
        self._self_checked = ""
        self._clock = steady_clock()
        timeouts = opened.scenario.load.timeouts
        limits = Limits(timeouts.connect / 1_000, timeouts.reply / 1_000)
        self._client = Client(opened.target_url, limits, now=self._clock)
        self._tally = Tally()
        self._phase: Phase = "setup"
        self._course: Course | None = None
        self._agenda: Agenda | None = None  # of the judged load
        self._fault: ExitCode | None = None  # met by the greenlet that writes progress.json
        self._began_ns = self._clock()
        self._stopped_ns = 0
        self._setup_done_ns = 0
        self._started_ns = 0
        self._ended_ns = 0

    def go(self) -> int:
        """Send the run; the exit code. Blocks the calling greenlet."""
        ticking = None
        try:
            self._check_transport()
            if not self._client.is_reachable():
                self.reason = f"no connection to {self._opened.target_url}"
                self.exit_code = ExitCode.NO_CONNECTION
                return self.exit_code
            ledger = LedgerWriter.open(
                self._opened.folder / LEDGER_FOLDER / f"{self._worker}{SUFFIX}", self._opened.manifest.run_id
            )
            try:
                ticking = gevent.spawn(self._tick)
                self._send(ledger)
            finally:
                ledger.close()
            self.exit_code = self._fault or (ExitCode.INCOMPLETE if self.reason else ExitCode.PASS)
        except gevent.GreenletExit:
            self.reason = self.reason or "stopped, and not given the time to finish"
            self.exit_code = ExitCode.INCOMPLETE
            raise
        except MpsimError as fault:
            self.reason = str(fault)
            self.exit_code = ExitCode.OWN_FAULT
        except Exception as bug:  # noqa: BLE001  load.json must say so, and the process must end with 7
            self.reason = f"a bug of ours: {type(bug).__name__}: {bug}"
            self.exit_code = ExitCode.OWN_FAULT
            _log.exception("a bug of ours")
        finally:
            if ticking is not None:
                ticking.kill()
            self._end()
        return self.exit_code

    def stop(self, reason: str, grace: float | None = None) -> None:
        """Start no more visitors; requests in flight have some seconds, then they are unknown."""
        if self._phase == "over":
            return
        self.reason = self.reason or reason
        self._stopped_ns = self._stopped_ns or self._clock()
        self._phase = "draining"
        if self._course is not None:
            self._course.stop(self._grace if grace is None else grace)

    def _check_transport(self) -> None:
        try:
            self._self_check()
        except EngineError as wrong:
            self._self_checked = str(wrong)
            raise
        self._self_checked = "ok"

    # ---- the two courses ----

    def _send(self, ledger: LedgerWriter) -> None:
        opened, plan = self._opened, self._opened.plan
        everybody, coming = range(plan.count), plan.blocks

        def planned(block: int) -> Any:
            return requests_of_block(plan, opened.adapter, block) if block in coming else {}

        if plan.scenario.visitors.returning:
            crowd = Crowd(planned, plan.block, everybody, setup=True)
            self._run(Agenda(crowd, None, SETUP_LANES), ledger, SETUP_LANES)
            self._setup_done_ns = self._clock()
            if not self.reason and opened.contract.time == "arrival":
                gevent.sleep(opened.contract.lag / 1_000)
        if not self.reason:
            self._phase = "load"
        crowd = Crowd(planned, plan.block, everybody)
        if plan.flood:
            places = plan.users or FLOOD_LANES
            self._agenda, lanes = Agenda(crowd, None, places), places
            self._started_ns = self._clock()
        elif plan.users is not None:
            self._agenda, lanes = Agenda(crowd, ClosedPace(plan.speed), plan.users), plan.users
            self._started_ns = self._clock()
        else:
            self._started_ns = self._clock() + _HEAD_START_NS
            pace = OpenPace(self._started_ns, plan.start, plan.speed, lambda visitor: arrival_offset_us(plan, visitor))
            self._agenda, lanes = Agenda(crowd, pace), MOST_LANES
        self._run(self._agenda, ledger, lanes)
        self._ended_ns = self._clock()

    def _run(self, agenda: Agenda, ledger: LedgerWriter, lanes: int) -> None:
        if self.reason:
            return
        self._course = Course(
            agenda, self._client, self._opened.adapter, ledger, self._tally, self._clock, lanes=lanes, watch=self._watch
        )
        try:
            self._course.run()
        finally:
            self._course = None

    # ---- telling ----

    def _tick(self) -> None:
        """Write progress.json and watch `load.abort`, until killed."""
        rule = self._opened.scenario.load.abort
        watch = AbortWatch(parse_abort(rule)) if rule else None
        turn = 0
        while True:
            try:
                write_json(self._opened.folder / PROGRESS_FILE, self._progress())
            except OSError as reason:
                self._fault = ExitCode.OWN_FAULT
                self.stop(f"{self._opened.folder / PROGRESS_FILE} cannot be written: {reason.strerror}")
                return
            if watch is not None and turn % 2 == 0 and (why := watch.look(self._tally, self._clock())):
                self.stop(why)
            turn += 1
            gevent.sleep(_PROGRESS)

    def _end(self) -> None:
        self._ended_ns = self._ended_ns or self._clock()
        self._phase = "over"
        numbers = self._numbers()
        outcome = {
            "version": 1,
            "run_id": self._opened.manifest.run_id,
            "finished": self.exit_code == ExitCode.PASS,
            "interrupted": self.exit_code == ExitCode.INCOMPLETE,
            "reason": self.reason,
            "exit_code": self.exit_code,
            "self_check": self._self_checked,
        }
        for name, document in ((PROGRESS_FILE, self._progress()), (LOAD_FILE, outcome | numbers)):
            try:
                write_json(self._opened.folder / name, document)
            except OSError as reason:
                self.exit_code = ExitCode.OWN_FAULT
                _log.error("%s: %s", self._opened.folder / name, reason.strerror)
        self.over.set()

    def _progress(self) -> dict[str, Any]:
        return {"phase": self._phase, "elapsed": self._elapsed(), **self._numbers()}

    def _elapsed(self) -> float:
        return round(((self._ended_ns or self._clock()) - self._began_ns) / 1e9, 3)

    def _numbers(self) -> dict[str, Any]:
        tally, plan, agenda = self._tally, self._opened.plan, self._agenda
        late = tally.late.percentile(Fraction(99)) if self._is_open else None
        silent = agenda.silent if agenda is not None else 0
        absent = min(silent, plan.count - plan.coming)  # those whom a replay leaves out
        lasted_ns = max(0, (self._ended_ns or self._clock()) - self._started_ns) if self._started_ns else 0
        # Where nobody has an instant of their own, a rate of starts says nothing: it is the run's throughput then.
        started_within_ns = tally.last_start_ns - tally.first_start_ns if self._is_open else lasted_ns
        return {
            "wanted_rate": self._wanted_rate(),
            "offered_rate": _rate(tally.started, started_within_ns),
            "seconds": round(lasted_ns / 1e9, 3),
            "workers": 1,
            "workers_lost": 0,
            "visitors": plan.coming,
            "visitors_started": tally.started + silent - absent,
            "visitors_finished": max(0, (agenda.finished if agenda is not None else 0) + silent - absent),
            "punctual": self._punctual(),
            "late_p99_ms": None if late is None else late / 1_000,
            "attempts": _counts(tally.outcomes),
            "setup": _counts(tally.setup),
            "lookups": {
                "sent": tally.lookups,
                "failed": tally.lookups_failed,
                "examples": [asdict(example) for example in tally.failed_lookups],
            },
            "in_flight": self._course.in_flight if self._course is not None else 0,
            "started_ns": self._started_ns,
            "setup_done_ns": self._setup_done_ns,
            "first_sent_ns": tally.first_sent_ns,
            "last_done_ns": tally.last_done_ns,
        }

    @property
    def _is_open(self) -> bool:
        """Whether visitors have an instant of their own on the wall clock."""
        return self._opened.plan.schedule is not None and not self._opened.plan.flood

    def _wanted_rate(self) -> float:
        plan = self._opened.plan
        if not self._is_open:
            return 0.0
        first, last = arrival_offset_us(plan, 0), arrival_offset_us(plan, plan.count - 1)
        return _rate(plan.count, (last - first) * 1_000)

    def _punctual(self) -> float | None:
        """Of the visitors whose instant has come, those who started within a second of it."""
        plan = self._opened.plan
        if not self._is_open or not self._started_ns:
            return None
        until_us = ((self._stopped_ns or self._ended_ns or self._clock()) - self._started_ns) // 1_000
        due = _first(plan.count, lambda visitor: arrival_offset_us(plan, visitor) > until_us)
        silent = self._agenda.silent if self._agenda is not None else 0
        return round(min(1.0, (self._tally.punctual + silent) / due), 6) if due else 1.0


def _counts(outcomes: dict[Outcome, int]) -> dict[str, int]:
    return {"sent": sum(outcomes.values())} | {outcome.name.lower(): n for outcome, n in outcomes.items()}


def _rate(count: int, between_ns: int) -> float:
    """Of `count` instants, the first and last of which lie so far apart: n of them make n - 1 gaps."""
    return round((count - 1) * 1e9 / between_ns, 3) if count > 1 and between_ns > 0 else 0.0


def _first(end: int, is_true: Callable[[int], bool]) -> int:
    """The first number below `end` for which a condition holds that, once true, stays so; `end` when none does."""
    low, high = 0, end
    while low < high:
        middle = (low + high) // 2
        if is_true(middle):
            high = middle
        else:
            low = middle + 1
    return low
