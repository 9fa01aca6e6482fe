"""A whole run sent by this process alone: the setup visits, then the judged ones; what it writes on the way and in the
end is numbers.py. A run with a master is fleet.py.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from typing import Any, Literal

import gevent
from gevent.event import Event as Signal

from simulator.entry import exit_code_of
from simulator.errors import EngineError, MpsimError
from simulator.finding import ExitCode
from simulator.ledger.leases import CourseName
from simulator.ledger.manifest import LEDGER_FOLDER, LOAD_FILE, PROGRESS_FILE, write_json
from simulator.ledger.write import SUFFIX
from simulator.load.clock import steady_clock
from simulator.load.course import Watcher
from simulator.load.in_thread import in_thread
from simulator.load.numbers import Times, Told, ending, numbers
from simulator.load.self_check import check_for
from simulator.load.sender import GRACE, Sender, client_of
from simulator.load.tally import AbortWatch
from simulator.scenario.slo import parse_abort
from simulator.traffic.opened import OpenedRun

_HEAD_START_NS = 100_000_000  # before the first visitor of the open model, to plan the first few
_PROGRESS = 0.5  # seconds between two progress.json

Phase = Literal["setup", "load", "draining", "over"]
_log = logging.getLogger("mpsim.load")


class Drive:
    """One run, sent by this process. `go` does all of it; `stop` may be called by anybody meanwhile.

    Args:
        watch: told of every attempt.
        self_check: raises EngineError where the transport does not send once; called before anything is sent. None:
            that of self_check.py, with this run's adapter and replies.
    """

    def __init__(
        self,
        opened: OpenedRun,
        *,
        watch: Watcher | None = None,
        grace: float = GRACE,
        self_check: Callable[[], None] | None = None,
    ) -> None:
        self.over = Signal()  # load.json is written
        self.exit_code: int = ExitCode.OWN_FAULT
        self.reason = ""
        self._opened = opened
        self._watch = watch
        self._grace = grace
        self._self_check = self_check or check_for(opened)
        self._self_checked = ""
        self._clock = steady_clock()
        self._sender: Sender | None = None
        self._stopping = Signal()
        self._phase: Phase = "setup"
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
            if not client_of(self._opened, self._clock).is_reachable():
                self.reason = f"no connection to {self._opened.target_url}"
                self.exit_code = ExitCode.NO_CONNECTION
                return self.exit_code
            ledger = self._opened.folder / LEDGER_FOLDER / f"worker-1{SUFFIX}"
            self._sender = Sender(self._opened, ledger, self._clock, watch=self._watch)
            try:
                ticking = gevent.spawn(self._tick)
                self._send(self._sender)
            finally:
                self._sender.close()
            self.exit_code = self._fault or (ExitCode.INCOMPLETE if self.reason else ExitCode.PASS)
        except gevent.GreenletExit:
            self.reason = self.reason or "stopped, and not given the time to finish"
            self.exit_code = ExitCode.INCOMPLETE
            raise
        except MpsimError as fault:
            self.reason = str(fault)
            self.exit_code = exit_code_of(fault)
        except Exception as bug:  # noqa: BLE001  load.json must say so, and the process must end with 7
            self.reason = f"a bug of ours: {type(bug).__name__}: {bug}"
            self.exit_code = exit_code_of(bug)
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
        self._stopping.set()
        if self._sender is not None:
            self._sender.stop(self._grace if grace is None else grace)

    def _check_transport(self) -> None:
        try:
            self._self_check()
        except EngineError as wrong:
            self._self_checked = str(wrong)
            raise
        self._self_checked = "ok"

    # ---- the two courses ----

    def _send(self, sender: Sender) -> None:
        opened = self._opened
        plan = opened.plan
        if plan.scenario.visitors.returning:
            self._run(sender, "setup")
            self._setup_done_ns = self._clock()
            if not self.reason and opened.contract.time == "arrival":
                self._stopping.wait(opened.contract.lag / 1_000)
        if not self.reason:
            self._phase = "load"
        is_open = plan.schedule is not None and not plan.flood
        self._started_ns = self._clock() + (_HEAD_START_NS if is_open else 0)
        self._run(sender, "load")
        self._ended_ns = self._clock()

    def _run(self, sender: Sender, name: CourseName) -> None:
        if self.reason:
            return
        sender.run(sender.begin(name, sender.crowd(name, range(self._opened.plan.count)), self._started_ns))

    # ---- telling ----

    def _tick(self) -> None:
        """Write progress.json and watch `load.abort`, until killed."""
        rule = self._opened.scenario.load.abort
        watch = AbortWatch(parse_abort(rule)) if rule else None
        turn = 0
        while True:
            # In a thread: where the disk is slow, nobody must come late for it.
            try:
                in_thread(write_json, self._opened.folder / PROGRESS_FILE, self._progress())
            except OSError as reason:
                self._fault = ExitCode.OWN_FAULT
                self.stop(f"{self._opened.folder / PROGRESS_FILE} cannot be written: {reason.strerror}")
                return
            if watch is not None and turn % 2 == 0 and (why := watch.look(self._told().tried, self._clock())):
                self.stop(why)
            turn += 1
            gevent.sleep(_PROGRESS)

    def _end(self) -> None:
        self._ended_ns = self._ended_ns or self._clock()
        self._phase = "over"
        outcome = ending(self._opened.manifest.run_id, self.exit_code, self.reason, self._self_checked)
        progress = self._progress()
        for name, document in ((PROGRESS_FILE, progress), (LOAD_FILE, outcome | progress)):
            try:
                write_json(self._opened.folder / name, document)
            except OSError as reason:
                self.exit_code = ExitCode.OWN_FAULT
                _log.error("%s: %s", self._opened.folder / name, reason.strerror)
        self.over.set()

    def _told(self) -> Told:
        return self._sender.told() if self._sender is not None else Told()

    def _progress(self) -> dict[str, Any]:
        times = Times(
            self._clock(), self._began_ns, self._setup_done_ns, self._started_ns, self._stopped_ns, self._ended_ns
        )
        return {"phase": self._phase, **numbers(self._opened.plan, self._told(), times)}
