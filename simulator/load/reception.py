"""Who takes part in a run: workers come, are given the run, plan the same as the master, and are known by a name.

What they then have to do is master.py. Here is also what goes on with each of them alone: its clock, and its ledger on
the way home.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator
from typing import Any

from simulator import __version__
from simulator.errors import EngineError
from simulator.ledger.leases import LeaseLog
from simulator.ledger.manifest import LEDGER_FOLDER
from simulator.load import messages
from simulator.load.clock import Clock
from simulator.load.joining import files_of, fingerprint, part_of
from simulator.load.members import Member
from simulator.load.messages import BadMessage, Message, Send
from simulator.load.shipping import Inbox
from simulator.traffic.opened import OpenedRun

# Does what may wait long for a disk, and hands what it came to (an error, or None) to the second.
Slowly = Callable[[Callable[[], OSError | None], Callable[[OSError | None], None]], None]

_log = logging.getLogger("mpsim.load")


class Reception:
    """The workers of one run.

    Args:
        wall_ahead_ns: what the clock is ahead of this machine's monotonic one.
        slowly: as Master.

    Raises:
        UsageError: the scenario is too large to travel.
    """

    def __init__(
        self, opened: OpenedRun, send: Send, clock: Clock, log: LeaseLog, wall_ahead_ns: int, slowly: Slowly
    ) -> None:
        self.members: dict[str, Member] = {}  # by id: the workers as they are now
        self.all: list[Member] = []  # and whoever they were before
        self._opened = opened
        self._send = send
        self._clock = clock
        self._lease_log = log
        self._wall_ahead_ns = wall_ahead_ns
        self._slowly = slowly
        self._files = files_of(opened.folder)
        self._fingerprint = fingerprint(opened)

    @property
    def run_id(self) -> str:
        return self._opened.manifest.run_id

    def working(self) -> Iterator[Member]:
        """Those that send."""
        return (member for member in self.members.values() if member.state == "working")

    # ---- coming and going ----

    def welcome(self, sender: str, message: Message) -> None:
        """A worker says hello, perhaps again: give it a name, and say what there is to send."""
        member = self.members.get(sender)
        if member is None or member.state != "joining":
            name = f"worker-{len(self.all) + 1}"
            host, version = messages.text(message, "host", 255), messages.text(message, "version", 50)
            member = self.members[sender] = Member(sender, name, host, version, self._clock())
            self.all.append(member)
        member.heard_ns = self._clock()
        files = [[file.path, file.size] for file in self._files]
        folder = str(self._opened.folder.resolve())
        self.say(member, "run", name=member.name, folder=folder, files=files, clock=self._wall_ahead_ns)

    def hand_over(self, member: Member, message: Message) -> None:
        """The part of a file that a worker asks for.

        Raises:
            EngineError: it cannot be read.
        """
        number, offset = messages.whole(message, "file"), messages.whole(message, "offset")
        if number >= len(self._files):
            raise BadMessage(f"there is no file {number}")
        try:
            part = part_of(self._opened.folder, self._files[number], offset)
        except OSError as reason:
            raise EngineError(f"{self._files[number].path} cannot be read: {reason.strerror}") from reason
        self.say(member, "file", file=number, offset=offset, data=part)

    def admit(self, member: Member, report: Message) -> bool:
        """A worker says where it stands before it takes part; False: it is not ready, or never will be."""
        planned = messages.text(report, "fingerprint", 64)
        if report.get("final"):
            self.refuse(member, "it left before it was ready", for_good=False)
        elif planned and planned != self._fingerprint:
            versions = f"mpsim {member.version} there, {__version__} here"
            why = f"{member.place} plans other visitors than the master does ({versions}); install the same on both"
            self.refuse(member, why, for_good=True)
        elif planned:
            member.state = "working"
            member.keeps = "here" if report.get("keeps") == "here" else "elsewhere"
            self._lease_log.joined(member.name, member.host, member.keeps, member.heard_ns)
            if member.keeps == "elsewhere":
                member.inbox = Inbox(self._opened.folder / LEDGER_FOLDER, member.name, self.run_id)
                self.ping(member)
        return member.state == "working"

    def refuse(self, member: Member, why: str, *, for_good: bool) -> None:
        """A worker has no part in this run; for good: nor in any other of this master."""
        member.state = "refused"
        if for_good:
            _log.warning("refused: %s", why)
        self.say(member, "refused", why=why, for_good=for_good)

    # ---- its clock, its ledger ----

    def ping(self, member: Member) -> None:
        """Ask for the worker's clock."""
        member.pinged_ns = self._clock()
        self.say(member, "ping", sent=member.pinged_ns)

    def echo(self, member: Member, message: Message) -> None:
        """The worker's clock; asked again at once until it is known."""
        member.offset.add(messages.whole(message, "sent"), messages.whole(message, "clock"), self._clock())
        if not member.is_timed:
            self.ping(member)

    def clock_of(self, member: Member) -> int:
        """By how much a worker's clock is set right, from the first time on that this is asked."""
        if member.keeps == "here":
            return 0
        first = not member.offset.is_applied
        ahead = member.offset.apply()
        if first:
            self.note_clock(member)
        return ahead

    def note_clock(self, member: Member) -> None:
        """Put on file how well the worker's clock was known, so far."""
        if member.keeps == "elsewhere" and member.offset.echoes:
            self._lease_log.clock(member.name, member.offset.ahead_ns, member.offset.bound_ns)

    def keep(self, member: Member, message: Message) -> None:
        """A part of a worker's ledger; say how much has come.

        Raises:
            EngineError: it cannot be written.
        """
        inbox = member.inbox
        if inbox is None:
            return  # its first report is still on its way; the part comes again
        offset = messages.whole(message, "offset")
        inbox.take(offset, messages.data(message))
        if message.get("whole") and offset == inbox.have and inbox.begin_finish():
            self._slowly(inbox.sync, lambda failed: self._finish(member, inbox, failed))
        self.say(member, "have", bytes=inbox.have, whole=inbox.is_whole)

    def _finish(self, member: Member, inbox: Inbox, failed: OSError | None) -> None:
        """All of a worker's ledger has come, and is on the disk, or cannot be."""
        inbox.finish(failed)
        self.say(member, "have", bytes=inbox.have, whole=inbox.is_whole)

    def close(self) -> None:
        """Nothing comes any more.

        Raises:
            EngineError: what is known of the clocks cannot be written.
        """
        for member in self.all:
            if member.inbox is not None:
                member.inbox.close()
        for member in self.all:
            if member.state in ("working", "lost"):
                self.note_clock(member)

    def say(self, member: Member, kind: str, **more: Any) -> None:
        """Send a worker a message of this run."""
        self._send(member.id, {"run": self.run_id, "kind": kind, **more})
