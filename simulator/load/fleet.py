"""Master and workers under Locust: greenlets that let time pass, Locust's channel for their messages, files on the way.

What they say to one another, and why, is master.py and worker.py. Both drives look like drive.Drive to whoever starts
and stops them.
"""

from __future__ import annotations

import logging
import socket
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import gevent
from gevent.event import Event as Signal

from simulator import __version__
from simulator.errors import EngineError, MpsimError
from simulator.finding import ExitCode
from simulator.ledger.manifest import LOAD_FILE, PROGRESS_FILE, write_json
from simulator.load.clock import steady_clock, wall_ahead_ns
from simulator.load.in_thread import in_thread
from simulator.load.joining import Arrival
from simulator.load.leased import LeasedRun
from simulator.load.master import Master
from simulator.load.messages import TYPE, BadMessage
from simulator.load.numbers import ending
from simulator.load.sender import GRACE
from simulator.load.statistics import LocustStatistics
from simulator.load.worker import Worker
from simulator.traffic.opened import OpenedRun
from simulator.traffic.targets import is_loopback

_MASTER_TICK = 0.1  # seconds
_WORKER_TICK = 0.05
_PROGRESS_TICKS = 5  # of the master between two progress.json
_READY_SECONDS = 20.0  # for workers that are there to get a run ready
_MOST_COMPLAINTS = 20  # about messages that cannot be used

_log = logging.getLogger("mpsim.load")


class Post:
    """Locust's channel: our messages out, and in to whoever they are for."""

    def __init__(self, runner: Any) -> None:
        self.hear: Callable[[str, dict[str, Any]], None] | None = None
        self._runner = runner
        self._complaints = 0
        runner.register_message(TYPE, self._arrived)

    def send(self, to: str, message: dict[str, Any]) -> None:
        """To a worker by its id; from a worker `to` is of no matter. It may be lost."""
        try:
            self._runner.send_message(TYPE, message, client_id=to or None)
        except Exception as lost:  # noqa: BLE001  of Locust's or ZeroMQ's; whoever waits for it asks again
            self.complain(f"a message was lost: {lost}")

    def complain(self, text: str) -> None:
        """Something that others do wrong must not fill the log."""
        self._complaints += 1
        if self._complaints <= _MOST_COMPLAINTS:
            _log.warning("%s", text)

    def _arrived(self, msg: Any, **_: Any) -> None:
        if self.hear is None:
            return
        if not isinstance(msg.data, dict):
            self.complain(f"a message of {msg.node_id} is none")
            return
        try:
            self.hear(str(msg.node_id), msg.data)
        except BadMessage as wrong:
            self.complain(f"a message of {msg.node_id} cannot be used: {wrong}")


class FleetDrive:
    """A run that others send, and this process leases to them.

    Raises:
        UsageError, EngineError: as Master.
    """

    def __init__(
        self, opened: OpenedRun, post: Post, *, expected: int = 1, most_seconds: float = 0, grace: float = GRACE
    ) -> None:
        self.over = Signal()  # load.json is written
        self._opened = opened
        self._expected = expected
        self._most_seconds = most_seconds  # to wait for the workers; 0: for ever
        self._post = post
        ahead = wall_ahead_ns()
        self._master = Master(
            opened,
            post.send,
            steady_clock(ahead),
            wall_ahead_ns=ahead,
            expected=expected,
            grace=grace,
            pause=lambda: gevent.sleep(0),
            slowly=self._slowly,
        )
        post.hear = self._hear
        self._ticking: Any = gevent.spawn(self._tick)

    @property
    def folder(self) -> Path:
        """The run directory."""
        return self._opened.folder

    @property
    def exit_code(self) -> int:
        return self._master.exit_code

    @property
    def reason(self) -> str:
        """Why the run did not finish; empty where it did."""
        return self._master.reason

    def begin(self, expected: int | None = None) -> None:
        """Begin as soon as the expected workers are ready.

        Args:
            expected: other than were at first; one of them that does not get ready is not waited for very long.
        """
        if expected is not None:
            self._master.expected = expected
        self._master.begin(None if expected is None else _READY_SECONDS)

    def stop(self, reason: str, grace: float | None = None) -> None:
        """Let every worker drain; `over` says when that is done."""
        self._do(self._master.stop, reason, grace)

    def _hear(self, sender: str, message: dict[str, Any]) -> None:
        self._do(self._master.hear, sender, message)

    def _do(self, work: Callable[..., None], *arguments: Any) -> None:
        """What is our own fault ends the run, with that as its reason."""
        try:
            work(*arguments)
        except BadMessage:
            raise
        except EngineError as fault:
            self._give_up(str(fault))
        except Exception as bug:  # noqa: BLE001  Locust would log it and go on
            _log.exception("a bug of ours")
            self._give_up(f"a bug of ours: {type(bug).__name__}: {bug}")

    def _slowly(self, work: Callable[[], OSError | None], then: Callable[[OSError | None], None]) -> None:
        """Work for a disk, in a thread and a greenlet of its own: messages must be heard meanwhile."""
        gevent.spawn(lambda: self._do(then, in_thread(work)))

    def _give_up(self, reason: str) -> None:
        try:
            if self._master.phase == "draining":
                self._master.end(reason)
            else:
                self._master.stop(reason, 0, ExitCode.OWN_FAULT)
        except EngineError:
            self._master.end(reason)

    def _tick(self) -> None:
        turn, waited = 0, 0.0
        while self._master.phase != "over":
            self._do(self._master.tick)
            if turn % _PROGRESS_TICKS == 0:
                self._do(self._write, PROGRESS_FILE, self._master.progress())
            turn += 1
            gevent.sleep(_MASTER_TICK)
            waited += _MASTER_TICK
            if self._most_seconds and waited > self._most_seconds and self._master.phase == "joining":
                ready = f"{self._master.ready} of {self._expected} workers were ready"
                self.stop(f"{ready} after {self._most_seconds:g} seconds", 0)
        self._end()

    def _end(self) -> None:
        master = self._master
        progress = master.progress()
        outcome = ending(self._opened.manifest.run_id, master.exit_code, master.reason, master.self_checked)
        for name, document in ((PROGRESS_FILE, progress), (LOAD_FILE, outcome | progress)):
            try:
                self._write(name, document)
            except EngineError as full:
                master.exit_code = ExitCode.OWN_FAULT
                _log.error("%s", full)
        self.over.set()

    def _write(self, name: str, document: dict[str, Any]) -> None:
        try:
            write_json(self._opened.folder / name, document)
        except OSError as reason:
            raise EngineError(f"{self._opened.folder / name} cannot be written: {reason.strerror}") from reason


class WorkerDrive:
    """What this process sends for its master: one run, or, where the master has a web UI, one after another.

    Args:
        ledger_folder: where runs that arrive are kept; None: in a temporary folder, until all is home.
    """

    def __init__(
        self, environment: Any, runner: Any, statistics: LocustStatistics, *, ledger_folder: Path | None = None
    ) -> None:
        self.over = Signal()  # no run is being sent
        self.over.set()
        self._environment = environment
        self._runner = runner
        self._ledger_folder = ledger_folder
        self._statistics = statistics
        self._ahead = wall_ahead_ns()
        self._is_flushed = False
        post = Post(runner)
        self._worker = Worker(
            lambda message: post.send("", message),
            steady_clock(self._ahead),
            self._make_job,
            host=socket.gethostname(),
            version=__version__,
            over_loopback=is_loopback(runner.master_host),
            apart=ledger_folder is not None,
            make_folder=self._make_folder,
        )
        self._post = post
        post.hear = self._hear
        self._ticking: Any = gevent.spawn(self._tick)

    @property
    def exit_code(self) -> int:
        return self._worker.exit_code

    @property
    def reason(self) -> str:
        """Why it left its master; empty where the master let it go."""
        return self._worker.reason

    def stop(self, reason: str, grace: float | None = None) -> None:
        """Drain, and tell the master; `over` says when that is done."""
        self._worker.leave(reason, GRACE if grace is None else grace)

    def hear_no_more(self) -> None:
        """The channel is closed: nobody can answer the last word."""
        self._worker.is_deaf = True

    def _make_job(self, arrival: Arrival) -> LeasedRun:
        self.over.clear()
        self._is_flushed = False
        return LeasedRun(
            arrival,
            wall_ahead_ns=self._ahead,
            keep_folder=self._ledger_folder is not None,
            watch=self._statistics,
        )

    def _make_folder(self) -> Path:
        if self._ledger_folder is None:
            return Path(tempfile.mkdtemp(prefix="mpsim-worker-"))
        self._ledger_folder.mkdir(parents=True, exist_ok=True)
        return Path(tempfile.mkdtemp(prefix="run-", dir=self._ledger_folder))

    def _hear(self, _: str, message: dict[str, Any]) -> None:
        try:
            self._worker.hear(message)
        except BadMessage:
            raise
        except (MpsimError, OSError) as wrong:
            self._worker.give_up(ExitCode.OWN_FAULT, f"the run cannot be kept here: {wrong}")

    def _tick(self) -> None:
        try:
            self._go_on()
        except Exception:  # noqa: BLE001  the master will miss this worker; a process that does nothing must not stay
            _log.exception("a bug of ours")
            self._worker.exit_code = ExitCode.OWN_FAULT
            self.over.set()
        gevent.spawn(self._runner.quit)

    def _go_on(self) -> None:
        """Until this worker is of no use any more."""
        worker = self._worker
        while True:
            job = worker.job
            if job is not None and job.is_over and not self._is_flushed:
                self._is_flushed = True
                self._flush_statistics()
            worker.tick()
            if worker.is_idle:
                self.over.set()
                if worker.exit_code:
                    # It left of its own accord, or was refused: what runs this process may start another.
                    _log.error("%s", worker.reason)
                    return
            gevent.sleep(_WORKER_TICK)

    def _flush_statistics(self) -> None:
        """What Locust has counted since its last report; it sends none at the end of a worker that is stopped."""
        self._statistics.flush()
        data: dict[str, Any] = {}
        self._environment.events.report_to_master.fire(client_id=self._runner.client_id, data=data)
        try:
            self._runner.send_message("stats", data)
        except Exception as lost:  # noqa: BLE001  as in Post.send; these numbers are for display
            self._post.complain(f"Locust's statistics were lost: {lost}")
