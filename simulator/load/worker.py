"""A worker's part in a run: it joins its master, takes orders and leases, and reports, until its last word is heard.

    looking    says hello until a master has a run for it
    arriving   asks for the files of the run, part by part
    working    has a job: gets it ready, sends the courses that it is ordered to, drains
    leaving    all is sent and its ledger closed; repeats its last word until the master has it

No Locust, greenlet or socket here: a message is handed in and out, and what a job does is the job's (fleet.py). Every
message may be lost. A report is the whole state, so the next one makes good for it; so are orders.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from pathlib import Path
from typing import Any, Literal, Protocol

from simulator.finding import ExitCode
from simulator.ledger.leases import CourseName
from simulator.load import messages
from simulator.load.joining import Arrival
from simulator.load.leases import Lease
from simulator.load.messages import MOST_LEASES, BadMessage, Message
from simulator.load.numbers import Told
from simulator.load.sender import GRACE

REPORT_NS = 250_000_000  # between two reports while a course is being sent
_REPORT_LOW_NS = 50_000_000  # while there are too few visitors ahead
_IDLE_NS = 1_000_000_000  # between two hellos, two requests for the same part, two reports before anything is sent
SILENCE_NS = 15_000_000_000  # a master that was not heard of for so long is gone
_PATIENCE_NS = SILENCE_NS  # for the master's answer to the last word, since something of it was last heard
_NO_PATIENCE_NS = 2_000_000_000  # the same where somebody is in a hurry

_log = logging.getLogger("mpsim.load")


class Job(Protocol):
    """One run, sent as it is leased."""

    fault: tuple[int, str] | None  # exit code and reason why it cannot go on
    fingerprint: str  # of the plan; empty until it is ready
    checked: str  # of the transport: ok, or what was wrong; empty before
    is_over: bool  # drained, and its ledger is closed
    never_begun: list[Lease]  # of the leases of the course; known when it is over
    cut: int  # visitors who were begun and not sent to their end

    @property
    def ahead(self) -> int:
        """Visitors leased and not begun."""
        ...

    @property
    def want(self) -> int:
        """How many it wants to have ahead."""
        ...

    @property
    def floor(self) -> int | None:
        """The lowest visitor leased and not begun."""
        ...

    @property
    def is_resting(self) -> bool:
        """Whether everything that was leased has been sent."""
        ...

    @property
    def told(self) -> Told:
        """The numbers so far."""
        ...

    @property
    def slots(self) -> int:
        """Of the ledger that are in use."""
        ...

    def begin(self, course: CourseName, start_ns: int, ahead_ns: int, places: int) -> None:
        """The course before is over for good; this one is sent, its visitors follow."""
        ...

    def lease(self, lease: Lease) -> None:
        """More visitors of the course."""
        ...

    def set_places(self, places: int) -> None:
        """So many visitors on the way at once."""
        ...

    def drain(self, grace: float) -> None:
        """Start nobody any more; requests in flight have so many seconds. May be said again, with fewer."""
        ...

    def part(self, offset: int) -> bytes:
        """The part of the ledger from there on that can go home now."""
        ...

    def forget(self) -> None:
        """All of it has come home: what is kept here is of no use any more."""
        ...


class Worker:
    """A worker's side of the talk.

    Args:
        send: to the master.
        now: nanoseconds of this machine's clock.
        make_job: begins to get a run ready that has arrived.
        over_loopback: the master is reached without leaving this machine.
        apart: the ledger is kept apart and shipped, also where the run directory is within reach.
        make_folder: for a run whose ledger is kept apart.
    """

    def __init__(
        self,
        send: Callable[[dict[str, Any]], None],
        now: Callable[[], int],
        make_job: Callable[[Arrival], Job],
        *,
        host: str,
        version: str,
        over_loopback: bool,
        make_folder: Callable[[], Path],
        apart: bool = False,
    ) -> None:
        self.exit_code: int = ExitCode.PASS
        self.reason = ""  # why it left of its own accord, or was refused
        self.is_refused = False  # it can have no part in any run of this master
        self.is_deaf = False  # nothing can be heard any more, so nothing is waited for
        self.job: Job | None = None
        self._send_message = send
        self._now = now
        self._make_job = make_job
        self._facts = {"host": host, "version": version}
        self._over_loopback = over_loopback
        self._make_folder = make_folder
        self._apart = apart
        self._arrival: Arrival | None = None
        self._course: CourseName | Literal[""] = ""
        self._got = 0  # leases of the course
        self._more = True  # the master has visitors that nobody has yet
        self._obeyed = 0  # number of the last orders
        self._seq = 0  # of the last report
        self._said_ns = -_IDLE_NS  # the last hello, request or report
        self._heard_ns = 0
        self._shipped = 0  # bytes of the ledger that the master has
        self._on_its_way = -1  # where the part begins that was sent last
        self._shipped_ns = 0
        self._is_home = False  # all of them
        self._patience_ns = _PATIENCE_NS
        self._last_word = False
        self._was_resting = False

    @property
    def run_id(self) -> str:
        return self._arrival.run_id if self._arrival is not None else ""

    @property
    def is_idle(self) -> bool:
        """Whether it has no run, and nothing left to tell of one."""
        return self._arrival is None

    def leave(self, reason: str, grace: float) -> None:
        """Drain of its own accord, give back whom it has not begun, and say so."""
        if self._arrival is None:
            return
        self.reason = self.reason or reason
        self.exit_code = self.exit_code or ExitCode.INCOMPLETE
        if not grace:
            self._patience_ns = _NO_PATIENCE_NS
        if self.job is None:
            self._arrival = None
        else:
            self.job.drain(grace)

    def give_up(self, fault: int, reason: str) -> None:
        """What the master asks for cannot be done here."""
        self.exit_code, self.reason = fault, reason
        if self.job is None:
            self._arrival = None
        else:
            self.job.drain(0)

    # ---- hearing ----

    def hear(self, message: Message) -> None:
        """Take a message from the master.

        Raises:
            BadMessage: it says nothing that we could use.
            MpsimError, OSError: what it asks for cannot be done here.
        """
        kind, run_id = messages.text(message, "kind", 20), messages.text(message, "run", 64)
        if kind == "run" and self._arrival is None and not self.is_refused:
            self._arrival = Arrival(
                message, over_loopback=self._over_loopback, make_folder=self._make_folder, apart=self._apart
            )
            self._heard_ns = self._now()
            self._go_on()
        if run_id != self.run_id or self._arrival is None:
            if kind == "refused" and not run_id:
                self._refused(message)
            return  # of a run that is over, or of another one
        self._heard_ns = self._now()
        match kind:
            case "file":
                self._arrival.take(message)
                self._go_on()
            case "ping":
                self._say("echo", sent=messages.whole(message, "sent"), clock=self._now())
            case "orders":
                self._obey(message)
            case "have":
                self._shipped = max(self._shipped, messages.whole(message, "bytes"))
                self._is_home = self._is_home or bool(message.get("whole"))
                self._ship()
            case "refused":
                self._refused(message)

    def _refused(self, message: Message) -> None:
        self.is_refused = bool(message.get("for_good"))
        if self.job is not None and self.job.fault is not None:
            self.exit_code, self.reason = self.job.fault
        elif self.is_refused:
            self.exit_code, self.reason = ExitCode.USAGE, messages.text(message, "why")
        if self.job is not None:
            self.job.drain(0)
            if self._course:
                _log.warning("run %s ends here: %s%s", self.run_id, messages.text(message, "why"), self._kept)
        self._part()

    def _go_on(self) -> None:
        """Ask for the next part of the run, or get ready what has arrived."""
        assert self._arrival is not None
        if not self._arrival.is_complete:
            self._said_ns = self._now()
            self._say(**self._arrival.wanted)
        elif self.job is None:
            self.job = self._make_job(self._arrival)

    def _obey(self, orders: Message) -> None:
        job = self.job
        if job is None:
            return
        if orders.get("done"):
            job.forget()
            self._part()
            return
        seq = messages.whole(orders, "seq")
        if seq <= self._obeyed:
            return  # older than what was heard already
        self._obeyed = seq
        grace = orders.get("drain")
        if isinstance(grace, int | float):
            job.drain(float(grace))
            return
        course = orders.get("course")
        if course not in ("setup", "load") or self.reason or job.fault is not None:
            return
        places = messages.whole(orders, "places", 1_000_000)
        if course != self._course:
            if not job.fingerprint:
                return
            ahead = orders.get("ahead")
            if not isinstance(ahead, int):
                raise BadMessage("ahead is no whole number")
            job.begin(course, messages.whole(orders, "start"), ahead, places)
            self._course, self._got, self._was_resting = course, 0, False
        job.set_places(places)
        self._more = bool(orders.get("more"))
        base = messages.whole(orders, "base")
        for number, lease in enumerate(messages.leases(orders, "leases"), base):
            if number == self._got:
                job.lease(lease)
                self._got += 1

    # ---- telling ----

    def tick(self) -> None:
        """Say what is to be said now; call it some twenty times a second."""
        now = self._now()
        job = self.job
        if self._arrival is None or job is None:
            if now - self._said_ns >= _IDLE_NS and not self.is_refused:
                self._said_ns = now
                if self._arrival is None:
                    self._say("hello", **self._facts)
                elif now - self._heard_ns > SILENCE_NS:
                    self._arrival = None  # the master is gone: look for another
                else:
                    self._go_on()
            return
        if now - self._heard_ns > SILENCE_NS and not self.reason:
            self._patience_ns = _NO_PATIENCE_NS  # it has had its time
            self.leave(f"the master was not heard of for {SILENCE_NS // 10**9} seconds", GRACE)
        self._ship()
        if job.is_over:
            self._say_last_word(now)
            return
        if now - self._said_ns >= self._pause(job, now - self._heard_ns):
            self.report()

    def _pause(self, job: Job, unheard_ns: int) -> int:
        if unheard_ns > 2 * _IDLE_NS:
            return _IDLE_NS  # what is said into the void piles up
        if not self._course:
            return REPORT_NS if job.fingerprint or job.fault else _IDLE_NS
        if job.is_resting and not self._was_resting:
            return 0
        return _REPORT_LOW_NS if self._more and 2 * job.ahead < job.want else REPORT_NS

    def report(self) -> None:
        """Tell the master where this worker stands."""
        job = self.job
        assert job is not None
        assert self._arrival is not None
        self._said_ns = self._now()
        self._seq += 1
        self._was_resting = bool(self._course) and job.is_resting
        floor = job.floor
        self._say(
            "report",
            seq=self._seq,
            keeps=self._arrival.keeps,
            fingerprint=job.fingerprint,
            checked=job.checked[:1_000],
            fault=list(job.fault) if job.fault is not None else None,
            course=self._course,
            got=self._got,
            ahead=job.ahead,
            want=job.want,
            floor=-1 if floor is None else floor,
            resting=self._was_resting,
            told=job.told.as_json(),
            slots=job.slots,
            why=self.reason,
            final=self._last_word,
            back=job.never_begun[:MOST_LEASES] if self._last_word else [],
            cut=job.cut if self._last_word else 0,
        )

    def _say_last_word(self, now: int) -> None:
        assert self._arrival is not None
        assert self.job is not None
        if not self._last_word:
            self._last_word = True
            if self.job.fault is not None:
                self.exit_code, self.reason = self.job.fault
            self._heard_ns = now
            self._said_ns = 0
        if self.is_deaf or now - self._heard_ns > self._patience_ns:
            self.exit_code = self.exit_code or ExitCode.INCOMPLETE
            self.reason = (self.reason or "the master did not answer any more") + self._kept
            self._part()
        elif now - self._said_ns >= REPORT_NS and (self._is_home or self._has_nothing_to_ship):
            self.report()

    @property
    def _has_nothing_to_ship(self) -> bool:
        """Whether the ledger lies where it belongs, or there is none: nothing was ever ready."""
        if self.job is None or self._arrival is None:
            return True
        return self._arrival.keeps == "here" or not self.job.fingerprint

    @property
    def _kept(self) -> str:
        """Where a ledger is that has not come home, for the end of a sentence."""
        if self._arrival is None or self._has_nothing_to_ship:
            return ""
        return f"; the ledger is kept in {self._arrival.folder}"

    def _ship(self) -> None:
        """Send the next part of the ledger, or say that there is no more; one that was sent just now is on its way."""
        if self.job is None or self._is_home or self._has_nothing_to_ship:
            return
        now = self._now()
        if self._on_its_way == self._shipped and now - self._shipped_ns < _IDLE_NS:
            return
        part = self.job.part(self._shipped)
        if part or self.job.is_over:
            self._on_its_way, self._shipped_ns = self._shipped, now
            self._say("ledger", offset=self._shipped, data=part, whole=not part)

    def _part(self) -> None:
        """The run is over for this worker; it looks for another."""
        self.job = self._arrival = None
        self._course, self._got, self._more = "", 0, True
        self._obeyed = self._seq = 0
        self._shipped, self._on_its_way, self._is_home = 0, -1, False
        self._last_word = self._was_resting = False

    def _say(self, kind: str, **more: Any) -> None:
        self._send_message({"run": self.run_id, "kind": kind, **more})
