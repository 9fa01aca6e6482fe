"""The master's part in a run: it sends nothing to the collector, and says who sends what, when, and until when.

    joining    workers come, get the scenario, plan the same as the master, and are ready (reception.py)
    setup      the earlier visits of visitors already known are leased and sent; all of them are answered before
    load       the judged visitors, from one instant on that holds for every worker
    draining   nobody is leased any more; every worker says its last word
    over

A worker that is not heard of is lost. What it had leased stays its own, since nobody knows whom it has begun; but where
its ledger lies in the run directory and the process is gone, the ledger says so, and the others send the rest. What a
hole is worth is for the verdict to say: a run with a lost worker, or with a visitor who was cut short, never counts as
finished.

No Locust, greenlet or socket here: messages are handed in and out, and `tick` is called some ten times a second.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from typing import Any, Literal

from simulator.errors import EngineError, MpsimError
from simulator.finding import ExitCode
from simulator.journey.plan import arrival_offset_us
from simulator.ledger.leases import CourseName, LeaseLog
from simulator.load import messages
from simulator.load.clock import Clock
from simulator.load.dealing import AHEAD_US, Asking, deal_by_time, deal_by_want, divided
from simulator.load.leases import Lease, LeaseTable, size
from simulator.load.members import Member, has_died, never_begun
from simulator.load.messages import MOST_LEASES, BadMessage, Message, Send
from simulator.load.numbers import Times, Told, numbers, together
from simulator.load.reception import Reception, Slowly
from simulator.load.sender import FLOOD_LANES, SETUP_LANES, places_of
from simulator.load.tally import AbortWatch
from simulator.scenario.slo import parse_abort
from simulator.traffic.opened import OpenedRun

_SECOND = 1_000_000_000
HEARD_NS = _SECOND + _SECOND // 2  # a worker that was not heard of for so long is leased nobody
LOST_NS = 8 * _SECOND  # and is lost then
_STALL_NS = _SECOND  # between two ticks: this process did not run, so it could not hear anybody
_ALONE_NS = 10 * _SECOND  # without any worker a run waits so long for another
_HEAD_START_NS = _SECOND // 2  # from the barrier to the first visitor: orders and leases arrive in that time
_LAST_WORDS_NS = 60 * _SECOND  # for workers that are heard of, after the grace: a ledger may have a long way home
_AT_ONCE_NS = 2 * _SECOND  # for the same, where somebody is in a hurry
_AGAIN_NS = _SECOND // 4  # orders that may have been lost are said again
_EVERYBODY = 1 << 62  # a floor above every visitor

Phase = Literal["joining", "setup", "load", "draining", "over"]
_log = logging.getLogger("mpsim.load")


class Master:
    """A master's side of the talk.

    Args:
        send: to one worker; may lose it.
        clock: wall time that never jumps.
        wall_ahead_ns: what that clock is ahead of this machine's monotonic one.
        expected: workers to wait for before anything is sent.
        grace: seconds for requests in flight when the run is stopped.
        pause: called in a long reading, for others to go on.
        slowly: does what may wait long for a disk, and hands what it came to to the second; may do both later.

    Raises:
        UsageError: the scenario is too large to travel.
        EngineError: the lease table cannot be written.
    """

    def __init__(
        self,
        opened: OpenedRun,
        send: Send,
        clock: Clock,
        *,
        wall_ahead_ns: int = 0,
        expected: int = 1,
        grace: float = 10.0,
        pause: Callable[[], None] = lambda: None,
        slowly: Slowly = lambda work, then: then(work()),
    ) -> None:
        self.phase: Phase = "joining"
        self.exit_code: int = ExitCode.OWN_FAULT  # known when it is over
        self.expected = expected
        self._opened = opened
        self._send = send
        self._clock = clock
        self._grace = grace
        self._pause = pause
        self._lease_log = LeaseLog(opened.folder, opened.manifest.run_id, opened.plan.count)
        self._reception = Reception(opened, send, clock, self._lease_log, wall_ahead_ns, slowly)
        self._course: CourseName | Literal[""] = ""
        self._table: LeaseTable | None = None
        self._begin_ns: int | None = None  # then with whoever is ready; None: nobody wants to begin
        self._reason = ""  # of whoever stopped it
        self._fault: int | None = None
        self._is_natural_end = False
        self._drain_until_ns = 0
        rule = opened.scenario.load.abort
        self._abort = AbortWatch(parse_abort(rule)) if rule else None
        self._looked_ns = 0
        self._ticked_ns = 0
        self._alone_since_ns = 0
        self._began_ns = clock()
        self._stopped_ns = self._setup_done_ns = self._started_ns = self._ended_ns = 0

    # ---- what others want ----

    @property
    def ready(self) -> int:
        """Workers that have the run ready."""
        return sum(member.is_timed for member in self._reception.working())

    @property
    def reason(self) -> str:
        """Why the run did not finish, in words; empty where it did."""
        lost = [f"{member.place} was lost" for member in self._reception.all if member.state == "lost"]
        cut = [
            f"{member.place} left with {member.cut} visitors on their way"
            for member in self._reception.all
            if member.state == "left" and member.cut and self._is_natural_end
        ]
        return "; ".join(filter(None, [self._reason, *lost, *cut]))

    def begin(self, within: float | None = None) -> None:
        """Begin as soon as the expected workers are ready.

        Args:
            within: after so many seconds with those that are.
        """
        if self._begin_ns is None:
            self._begin_ns = _EVERYBODY if within is None else self._clock() + int(within * _SECOND)

    def stop(self, reason: str, grace: float | None = None, fault: int | None = None) -> None:
        """Lease nobody any more, and let every worker drain and say its last word; said again, with fewer seconds.

        Args:
            reason: empty when everybody has been sent.
            fault: exit code, where it is not just cut short.
        """
        if self.phase == "over":
            return
        seconds = self._grace if grace is None else grace
        now = self._clock()
        if self.phase != "draining":
            self._reason, self._fault, self._is_natural_end = reason, fault, not reason
            self._stopped_ns = now
            self.phase = "draining"
        elif seconds >= self._grace:
            return
        self._grace = seconds
        self._drain_until_ns = now + int(seconds * _SECOND) + (_LAST_WORDS_NS if seconds else _AT_ONCE_NS)
        for member in self._reception.members.values():
            if member.state == "working":
                self._order(member)
            elif member.state == "joining":
                self._reception.refuse(member, "the run is over", for_good=False)

    # ---- hearing ----

    def hear(self, sender: str, message: Message) -> None:
        """Take a message of a worker.

        Raises:
            BadMessage: it says nothing that we could use.
            EngineError: what it brings cannot be kept.
        """
        if self.phase == "over":
            return
        kind, run_id = messages.text(message, "kind", 20), messages.text(message, "run", 64)
        reception = self._reception
        member = reception.members.get(sender)
        if kind == "hello" and not run_id:
            if self.phase != "draining":
                if member is not None and member.state == "working":
                    self._lose(member)  # it begins anew: what it had stays with the one that it was
                reception.welcome(sender, message)
        elif run_id != reception.run_id or member is None:
            why = f"this master sends run {reception.run_id}, to workers that have joined it"
            self._send(sender, {"run": run_id, "kind": "refused", "why": why, "for_good": False})
        elif member.state != "refused":
            member.heard_ns = self._clock()
            match kind:
                case "fetch":
                    reception.hand_over(member, message)
                case "report":
                    self._report(member, message)
                case "echo":
                    reception.echo(member, message)
                case "ledger":
                    reception.keep(member, message)
                case _:
                    raise BadMessage(f"no message of a worker: {kind!r}")

    def _report(self, member: Member, message: Message) -> None:
        seq = messages.whole(message, "seq")
        if seq <= member.seq:
            return
        member.seq = seq
        if member.state == "left":
            self._reception.say(member, "orders", done=True)
            return
        fault = message.get("fault")
        if fault is not None:
            self._blame(member, fault, messages.text(message, "checked"))
        if member.state == "joining" and (fault is not None or not self._reception.admit(member, message)):
            return
        if member.state == "refused":
            return
        if member.is_dead and not message.get("final"):
            return  # written before its ledger was closed: whom it had is the others' now, and it gets nobody any more
        if member.state == "lost":
            member.state, member.is_dead = "working", False
            self._lease_log.fate(member.name, "found", member.heard_ns)
        member.take(message, self._course, self._table)
        if message.get("final"):
            self._part_with(member, message)
        else:
            self._deal()
            self._order(member)

    def _blame(self, member: Member, fault: object, checked: str) -> None:
        """A worker cannot go on, and neither can the run; unless it is one that came late and has no part in it yet."""
        if not isinstance(fault, list | tuple) or len(fault) != 2 or fault[0] not in set(ExitCode):
            raise BadMessage("fault is no exit code with its reason")
        code, why = int(fault[0]), str(fault[1])[:1_000]
        member.checked = checked
        if self.phase == "joining" or member.state != "joining":
            self.stop(f"{member.place}: {why}", fault=code)
        else:
            _log.warning("%s takes no part: %s", member.place, why)
            self._reception.refuse(member, why, for_good=True)

    def _part_with(self, member: Member, message: Message) -> None:
        """A worker's last word: whom it has not begun is free again."""
        if member.keeps == "elsewhere" and not (member.inbox and member.inbox.is_whole):
            return  # it says so again when its ledger has come
        back = messages.leases(message, "back") if member.course == self._course else []
        back += member.unheard
        member.unheard = []
        freed = self._free(member, back)
        kept = size(back) - size(freed) if self._table is not None and self.phase != "draining" else 0
        member.cut = messages.whole(message, "cut") + kept
        member.state = "left"
        self._reception.note_clock(member)
        self._lease_log.fate(member.name, "left", member.heard_ns)
        why = messages.text(message, "why")
        if why and self.phase != "draining":
            _log.warning("%s left: %s", member.place, why)
        self._reception.say(member, "orders", done=True)

    def _free(self, member: Member, leases: list[Lease]) -> tuple[Lease, ...]:
        if self._table is None or not leases:
            return ()
        assert self._course
        freed = self._table.give_back(member.name, leases)
        if freed:
            self._lease_log.returned(member.name, self._course, freed, self._clock())
        return freed

    # ---- time passes ----

    def tick(self) -> None:
        """Whatever is due: a course that begins or ends, leases, pings, workers that are not heard of.

        Raises:
            EngineError: the lease table cannot be written.
        """
        if self.phase == "over":
            return
        now = self._clock()
        self._forgive_own_silence(now)
        for member in list(self._reception.all):
            self._watch(member, now)
        if self.phase == "draining":
            self._end_when_all_have_left(now)
        elif self.phase == "joining":
            if self._begin_ns is not None and self.ready >= (1 if now >= self._begin_ns else max(self.expected, 1)):
                self._enter("setup" if self._opened.plan.scenario.visitors.returning else "load")
        elif not self._is_through():
            self._deal()
            self._look_for_an_end(now)
        elif self._course == "setup":
            self._setup_done_ns = self._clock()
            self._enter("load")
        else:
            self.stop("")

    def _forgive_own_silence(self, now: int) -> None:
        """Time in which this process did not run is nobody's silence, and nobody's grace has passed in it."""
        before, self._ticked_ns = self._ticked_ns, now
        stalled_ns = now - before
        if not before or stalled_ns < _STALL_NS:
            return
        _log.warning("this process did not run for %.1f seconds", stalled_ns / _SECOND)
        for member in self._reception.all:
            member.heard_ns = min(member.heard_ns + stalled_ns, now)
        if self._alone_since_ns:
            self._alone_since_ns += stalled_ns
        if self.phase == "draining":
            self._drain_until_ns += stalled_ns

    def _enter(self, course: CourseName) -> None:
        now = self._clock()
        contract, members = self._opened.contract, self._reception.members.values()
        self.phase = self._course = course
        self._table = LeaseTable(self._opened.plan.count, self._opened.plan.block)
        if course == "load":
            lag = contract.lag * 1_000_000 if self._setup_done_ns and contract.time == "arrival" else 0
            unsure = max((member.offset.bound_ns for member in members if member.is_timed), default=0)
            self._started_ns = now + lag + _HEAD_START_NS + 4 * unsure
        for member in members:
            member.enter()
        self._deal()
        for member in self._reception.working():
            self._order(member)

    def _is_through(self) -> bool:
        """Whether everything of the course is sent, by everybody who is there."""
        table, course = self._table, self._course
        assert table is not None
        assert course
        if table.first_free is not None or not all(one.is_through(course, table) for one in self._reception.working()):
            return False
        # What a dead worker had is free again when its ledger has been read.
        dead = (one.name for one in self._reception.all if one.state == "lost" and one.is_dead)
        return not any(map(table.held, dead))

    def _look_for_an_end(self, now: int) -> None:
        if any(self._reception.working()):
            self._alone_since_ns = 0
        elif not self._alone_since_ns:
            self._alone_since_ns = now
        elif now - self._alone_since_ns > _ALONE_NS:
            self.stop("no worker is left")
        if self._abort is not None and now - self._looked_ns >= _SECOND:
            self._looked_ns = now
            if why := self._abort.look(self.told().tried, now):
                self.stop(why)

    def _end_when_all_have_left(self, now: int) -> None:
        waiting = list(self._reception.working())
        if waiting and now < self._drain_until_ns:
            return
        for member in waiting:
            self._lose(member)
        self.end()

    def end(self, fault: str = "") -> None:
        """It is over, whoever is still there.

        Args:
            fault: of ours, for which nothing more can be heard; empty where there is none.
        """
        if self.phase == "over":
            return
        if fault:
            self._reason, self._fault = self._reason or fault, ExitCode.OWN_FAULT
        self._ended_ns = self._clock()
        reason = self.reason
        if self._is_natural_end and not reason and (missing := self._missing()):
            reason = self._reason = f"{missing} visitors were not sent to their end"
        self.exit_code = self._fault or (ExitCode.INCOMPLETE if reason else ExitCode.PASS)
        self.phase = "over"
        try:
            self._reception.close()
        except EngineError as full:
            _log.error("%s", full)
            self.exit_code = ExitCode.OWN_FAULT
        self._lease_log.close()

    def _missing(self) -> int:
        told = self.told()
        return self._opened.plan.count - told.count("visitors.finished") - told.count("visitors.silent")

    # ---- one worker ----

    def _watch(self, member: Member, now: int) -> None:
        silent = now - member.heard_ns
        if member.state == "working":
            if silent > _SECOND and has_died(member, self._opened.folder):
                member.is_dead = True
                self._lose(member)
            elif silent > LOST_NS:
                self._lose(member)
            else:
                if now - member.ordered_ns >= (_AGAIN_NS if member.unheard or self.phase == "draining" else _SECOND):
                    self._order(member)
                if member.keeps == "elsewhere" and now - member.pinged_ns >= _SECOND:
                    self._reception.ping(member)
        elif member.state == "lost" and not member.is_dead and has_died(member, self._opened.folder):
            member.is_dead = True
            self._recover(member)
        elif member.state == "joining" and silent > 2 * LOST_NS:
            self._reception.refuse(member, "not heard of", for_good=False)

    def _lose(self, member: Member) -> None:
        member.state = "lost"
        self._lease_log.fate(member.name, "lost", self._clock())
        _log.warning("%s is lost%s", member.place, ": its process is gone" if member.is_dead else "")
        if member.is_dead:
            self._recover(member)

    def _recover(self, member: Member) -> None:
        """The ledger of a dead worker says whom it has begun; the others send the rest."""
        table, course = self._table, self._course
        if table is None or not course or self.phase == "draining":
            return
        ledger, held = member.ledger(self._opened.folder), table.held(member.name)
        try:
            unseen = never_begun(ledger, self._opened.manifest.run_id, course, held, self._pause)
        except (OSError, MpsimError) as damaged:
            _log.warning("%s: whom it has begun cannot be known: %s", member.place, damaged)
            unseen = []
        if self._table is table:  # still this course: others went on in the meantime
            self._free(member, unseen)
            table.settle(member.name, _EVERYBODY)
            member.unheard = []

    def _order(self, member: Member) -> None:
        """Say where the run is, and what this worker has to do with it."""
        course = self._course if member.is_timed else ""
        member.ordered_ns = self._clock()
        member.orders += 1
        self._reception.say(
            member,
            "orders",
            seq=member.orders,
            course=course,
            start=self._started_ns if course == "load" else 0,
            ahead=self._reception.clock_of(member) if course else 0,
            places=self._places(member),
            base=member.base,
            leases=member.unheard[:MOST_LEASES],
            more=self._table is not None and self._table.first_free is not None,
            drain=self._grace if self.phase == "draining" else None,
            done=False,
        )

    def _places(self, member: Member) -> int:
        if self._course == "setup":
            return SETUP_LANES
        plan = self._opened.plan
        if plan.users is None:
            return FLOOD_LANES if places_of(plan) is not None else 0
        names = [one.name for one in self._reception.working() if one.is_timed]
        return divided(plan.users, names).get(member.name, 0)

    def _deal(self) -> None:
        """Lease visitors to those workers that were heard of just now."""
        table, plan = self._table, self._opened.plan
        if table is None or self.phase not in ("setup", "load") or table.first_free is None:
            return
        now = self._clock()
        near = {
            member.name: member
            for member in self._reception.working()
            if member.is_timed and now - member.heard_ns <= HEARD_NS
        }
        if self._course == "load" and places_of(plan) is None:
            asking = [Asking(name, member.ahead, member.want) for name, member in near.items()]
            until_us = (now - self._started_ns) // 1_000 + AHEAD_US
            dealt = deal_by_time(table, asking, plan.count, lambda visitor: arrival_offset_us(plan, visitor), until_us)
        else:
            asking = [Asking(name, one.ahead, one.want) for name, one in near.items() if self._places(one)]
            dealt = deal_by_want(table, asking)
        granted: dict[str, list[Lease]] = {}
        for name, lease in dealt:
            granted.setdefault(name, []).append(lease)
        for name, leases in granted.items():
            assert self._course
            self._lease_log.leased(name, self._course, leases, now)
            for lease in leases:
                near[name].grant(lease)
            self._order(near[name])

    # ---- telling ----

    @property
    def self_checked(self) -> str:
        """Of the transport, as workers found it: ok, what was wrong, or empty where none has come so far."""
        said = [member.checked for member in self._reception.all if member.checked]
        return next((one for one in said if one != "ok"), "ok" if said else "")

    def told(self) -> Told:
        """The numbers of all workers, as far as they were heard."""
        return together(member.told for member in self._reception.all)

    def progress(self) -> dict[str, Any]:
        """For progress.json and load.json."""
        times = Times(
            self._clock(), self._began_ns, self._setup_done_ns, self._started_ns, self._stopped_ns, self._ended_ns
        )
        took_part = [member for member in self._reception.all if member.state in ("working", "lost", "left")]
        lost = sum(member.state == "lost" for member in took_part)
        return {
            "phase": self.phase,
            **numbers(self._opened.plan, self.told(), times, workers=len(took_part), workers_lost=lost),
            "fleet": [member.as_json() for member in took_part],
        }
