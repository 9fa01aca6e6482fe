"""A run as a worker sends it: what arrived is opened and checked, its courses are sent as they are leased, it drains.

What a worker is told, and tells, is worker.py; this is the part that sends.
"""

from __future__ import annotations

import logging
import shutil
from collections import deque
from collections.abc import Callable
from typing import Any

import gevent

from simulator.entry import exit_code_of
from simulator.errors import ConnectionFailed, EngineError, MpsimError
from simulator.ledger.leases import CourseName
from simulator.ledger.manifest import LEDGER_FOLDER
from simulator.ledger.write import SUFFIX
from simulator.load.clock import steady_clock
from simulator.load.course import Course, Watcher
from simulator.load.crowd import Crowd
from simulator.load.in_thread import in_thread
from simulator.load.joining import Arrival, check_target, fingerprint
from simulator.load.leases import Lease, size
from simulator.load.numbers import Told
from simulator.load.self_check import check_for
from simulator.load.sender import Sender, client_of
from simulator.load.shipping import Outbox
from simulator.traffic.opened import OpenedRun, open_run

_MOST_WANT = 20_000  # visitors ahead
_NAP = 0.1  # seconds, while it is too early
_log = logging.getLogger("mpsim.load")


class LeasedRun:
    """The job of a worker (worker.Job), in greenlets of its own.

    Args:
        wall_ahead_ns: what this process takes wall time to be ahead of the monotonic clock.
        keep_folder: what arrived here stays when all of the ledger has come home.
        watch: told of every attempt.
        self_check: raises EngineError where the transport does not send once. None: that of self_check.py for this run.
    """

    def __init__(
        self,
        arrival: Arrival,
        *,
        wall_ahead_ns: int,
        keep_folder: bool = False,
        watch: Watcher | None = None,
        self_check: Callable[[], None] | None = None,
    ) -> None:
        self.fault: tuple[int, str] | None = None
        self.fingerprint = ""
        self.checked = ""
        self.is_over = False
        self.never_begun: list[Lease] = []
        self.cut = 0
        self._arrival = arrival
        self._wall_ahead_ns = arrival.wall_ahead_ns if arrival.keeps == "here" else wall_ahead_ns
        self._clock = steady_clock(self._wall_ahead_ns)
        self._keep_folder = keep_folder
        self._watch = watch
        self._self_check = self_check
        self._sender: Sender | None = None
        self._outbox: Outbox | None = None
        self._crowd: Crowd | None = None  # of the course
        self._leased = 0  # visitors of it, so far
        self._places = 0
        self._taken: deque[tuple[int, int]] = deque()  # instants of the last second, visitors begun by then
        self._draining = False
        self._is_closing = False
        self._work: Any = gevent.spawn(self._guarded, self._prepare)

    # ---- getting ready ----

    def _prepare(self) -> None:
        opened = open_run(self._arrival.folder)
        check_target(opened, over_loopback=self._arrival.over_loopback)
        self._check_transport(opened)
        if not client_of(opened, self._clock).is_reachable():
            raise ConnectionFailed(f"no connection to {opened.target_url}")
        planned = fingerprint(opened)
        # On file before the master hears that this worker is ready: a lease to it then leaves a trace.
        ledger = self._arrival.folder / LEDGER_FOLDER / f"{self._arrival.worker}{SUFFIX}"
        self._sender = Sender(opened, ledger, self._clock, watch=self._watch)
        self._outbox = Outbox(ledger)
        self.fingerprint = planned

    def _check_transport(self, opened: OpenedRun) -> None:
        check = self._self_check or check_for(opened)
        try:
            check()
        except EngineError as wrong:
            self.checked = str(wrong)
            raise
        self.checked = "ok"

    def _guarded(self, work: Callable[..., None], *arguments: Any) -> None:
        """Do a part of the job; what goes wrong in it ends the job, and the master is told why."""
        try:
            work(*arguments)
        except MpsimError as wrong:
            self.fault = (exit_code_of(wrong), str(wrong))
        except Exception as bug:  # noqa: BLE001  the master must hear of it
            _log.exception("a bug of ours")
            self.fault = (exit_code_of(bug), f"a bug of ours: {type(bug).__name__}: {bug}")
        if self.fault is not None or self._draining:
            self._close()

    def _close(self) -> None:
        """Nothing is sent any more; what there is to tell stays."""
        if self._is_closing:
            return
        self._is_closing = True
        sender = self._sender
        if sender is not None:
            if sender.agenda is not None:
                sender.agenda.stop()
                self.never_begun = sender.agenda.never_begun
                self.cut = sender.agenda.begun - sender.agenda.finished
            # In a thread: a disk may take long for a ledger, and the master must hear of this worker meanwhile.
            try:
                in_thread(sender.close)
            except MpsimError as failed:
                self.fault = self.fault or (exit_code_of(failed), str(failed))
        self.is_over = True

    # ---- sending ----

    def begin(self, course: CourseName, start_ns: int, ahead_ns: int, places: int) -> None:
        """The course before is over for good; this one is sent from its start on, its visitors follow."""
        sender = self._sender
        if sender is None or self._draining or self.is_over:
            return
        if self._crowd is not None:
            self._crowd.close()
            sender.wake()
        elif self._arrival.keeps == "elsewhere":
            self._clock = steady_clock(self._wall_ahead_ns - ahead_ns)
            sender.set_clock(self._clock)
        self._crowd = sender.crowd(course, range(0), leased=True)
        self._leased, self._places = 0, places
        self._taken.clear()
        begun = sender.begin(course, self._crowd, start_ns, places)
        self._work = gevent.spawn(self._guarded, self._send, self._work, begun, start_ns)

    def _send(self, before: Any, course: Course, start_ns: int) -> None:
        assert self._sender is not None
        before.join()
        if self.is_over:
            return  # it failed
        # In the open model each visitor has an instant of their own; else all of them begin with the run.
        while not self._sender.is_paced and not self._draining and (early_ns := start_ns - self._clock()) > 0:
            gevent.sleep(min(early_ns / 1e9, _NAP))
        self._sender.run(course)

    def lease(self, lease: Lease) -> None:
        """More visitors of the course."""
        if self._crowd is not None and self._sender is not None and not self._draining:
            self._crowd.add(lease)
            self._leased += size([lease])
            self._sender.wake()

    def set_places(self, places: int) -> None:
        """So many visitors on the way at once; the open model has no places."""
        if places != self._places and self._sender is not None and self._sender.agenda is not None:
            self._places = places
            self._sender.agenda.set_places(places)
            self._sender.wake()

    def drain(self, grace: float) -> None:
        """Start nobody any more; requests in flight have so many seconds."""
        self._draining = True
        if self._sender is not None:
            self._sender.stop(grace)
        elif not self.is_over:
            self._work.kill(block=False)  # it is not ready yet
            self._close()
        if self._work.ready():
            self._close()

    # ---- telling ----

    @property
    def ahead(self) -> int:
        """Visitors leased and not begun."""
        return self._sender.agenda.ahead if self._sender is not None and self._sender.agenda is not None else 0

    @property
    def floor(self) -> int | None:
        """The lowest of them."""
        return self._sender.agenda.floor if self._sender is not None and self._sender.agenda is not None else None

    @property
    def is_resting(self) -> bool:
        """Whether everything that was leased has been sent."""
        return self._sender is not None and self._sender.agenda is not None and self._sender.agenda.is_resting

    @property
    def want(self) -> int:
        """What lasts for a second, at the pace of the last one."""
        now, taken = self._clock(), self._leased - self.ahead
        self._taken.append((now, taken))
        while self._taken[0][0] < now - 1_000_000_000:
            self._taken.popleft()
        return min(2 * self._places + taken - self._taken[0][1], _MOST_WANT) if self._places else 0

    @property
    def told(self) -> Told:
        """The numbers so far."""
        return self._sender.told() if self._sender is not None else Told()

    @property
    def slots(self) -> int:
        """Of the ledger that are in use."""
        return self._sender.slots if self._sender is not None else 0

    # ---- the ledger on its way home ----

    def part(self, offset: int) -> bytes:
        """The part of the ledger from there on that can go home now."""
        if self._outbox is None:
            return b""
        return self._outbox.part(offset, self.slots, closed=self.is_over)

    def forget(self) -> None:
        """All of it has come home, or lies there anyway."""
        if self._outbox is not None:
            self._outbox.close()
        if self._arrival.keeps == "elsewhere" and not self._keep_folder:
            shutil.rmtree(self._arrival.folder, ignore_errors=True)
