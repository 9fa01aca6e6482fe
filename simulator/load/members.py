"""A worker as its master knows it: where it stands, what it was last heard to say, whether it is still there."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

from simulator.ledger.leases import CourseName, Keeps
from simulator.ledger.manifest import LEDGER_FOLDER
from simulator.ledger.read import is_locked, read_slots
from simulator.ledger.write import SUFFIX
from simulator.load import messages
from simulator.load.leases import Lease, LeaseTable, compact, size
from simulator.load.messages import Message
from simulator.load.numbers import Told
from simulator.load.offset import Offset
from simulator.load.shipping import Inbox
from simulator.wire.request import Purpose

# joining: gets the run ready; working; lost: not heard of; left: said its last word; refused: has no part in the run
State = Literal["joining", "working", "lost", "left", "refused"]

FIRST_WANT = 100  # visitors ahead, until a worker says itself how many
_ECHOES = 5  # before a clock of another machine is set right
_STRETCH = 20_000  # attempts that are read at once


@dataclass(slots=True)
class Member:
    """One worker in one run."""

    id: str  # Locust's, of its process
    name: str  # in the run: of its ledger file
    host: str
    version: str
    heard_ns: int
    state: State = "joining"
    keeps: Keeps = "elsewhere"
    seq: int = 0  # of its last report
    course: str = ""  # that it is in
    base: int = 0  # number of the first of `unheard` among its leases of the course
    unheard: list[Lease] = field(default_factory=list)  # leased, and no report says yet that they came
    ahead: int = 0  # visitors leased and not begun
    want: int = FIRST_WANT
    resting: bool = False  # everything it has heard of is sent
    told: Told = field(default_factory=Told)
    offset: Offset = field(default_factory=Offset)
    inbox: Inbox | None = None  # of its ledger, where that is kept elsewhere
    is_dead: bool = False  # its process is gone, for certain
    checked: str = ""  # of the transport: ok, or what was wrong
    cut: int = 0  # visitors who were begun and not sent to their end
    given: int = 0  # leases that it has given back in its last word, as far as that was heard
    orders: int = 0  # sent so far
    ordered_ns: int = 0  # when the last of them was
    pinged_ns: int = 0

    @property
    def place(self) -> str:
        """For a sentence."""
        return f"{self.name} on {self.host}"

    @property
    def is_timed(self) -> bool:
        """Whether its clock is known well enough."""
        return self.keeps == "here" or self.offset.echoes >= _ECHOES

    def ledger(self, folder: Path) -> Path:
        """Its ledger file, of one that writes straight into the run directory."""
        return folder / LEDGER_FOLDER / f"{self.name}{SUFFIX}"

    def enter(self) -> None:
        """A course begins in which it has no lease yet."""
        self.base, self.unheard, self.ahead, self.want, self.resting = 0, [], 0, FIRST_WANT, False

    def grant(self, lease: Lease) -> None:
        """It will be told of one more lease."""
        self.unheard.append(lease)
        self.ahead += size([lease])

    def is_through(self, course: CourseName, table: LeaseTable) -> bool:
        """Whether it has sent everything it was leased."""
        if self.unheard or table.held(self.name):
            return False
        return self.base == 0 or (self.course == course and self.resting)

    def take(self, report: Message, course: str, table: LeaseTable | None) -> None:
        """Note what a report says of the leases and the numbers.

        Raises:
            BadMessage: it is none.
        """
        self.told = messages.told(report, "told")
        self.checked = messages.text(report, "checked")
        self.course = messages.text(report, "course", 10)
        if table is None or self.course != course:
            self.resting, self.ahead = False, size(self.unheard)
            return
        came = messages.whole(report, "got") - self.base
        if came > 0:
            self.base += len(self.unheard[:came])
            self.unheard = self.unheard[came:]
        floor = report.get("floor")
        begun = floor if isinstance(floor, int) and floor >= 0 else 1 << 62
        table.settle(self.name, begun, on_the_way=self.unheard)
        self.ahead = messages.whole(report, "ahead") + size(self.unheard)
        self.want = messages.whole(report, "want", 1_000_000)
        self.resting = bool(report.get("resting")) and not self.unheard

    def as_json(self) -> dict[str, Any]:
        """For progress.json and load.json."""
        told = self.told
        ahead, bound = (0, 0) if self.keeps == "here" else (self.offset.ahead_ns, self.offset.bound_ns)
        return {
            "worker": self.name,
            "host": self.host,
            "state": self.state,
            "ledger": self.keeps if self.keeps == "here" or (self.inbox and self.inbox.is_whole) else "partial",
            "visitors_started": told.count("visitors.started") + told.count("visitors.silent"),
            "sent": told.sent,
            "visitors_cut": self.cut,
            "clock_ahead_ms": round(ahead / 1e6, 3),
            "clock_bound_ms": round(bound / 1e6, 3),
        }


def has_died(member: Member, folder: Path) -> bool:
    """Whether the process of a worker that writes into the run directory is gone: the kernel has freed its lock."""
    if member.keeps == "elsewhere":
        return False
    try:
        return not is_locked(member.ledger(folder))
    except OSError:
        return False  # somebody took the file away; nothing can be said


def never_begun(
    ledger: Path, run_id: str, course: CourseName, leases: Iterable[Lease], pause: Callable[[], None]
) -> list[Lease]:
    """Of some leases the visitors of whom a dead worker's ledger holds no attempt of the course.

    Args:
        pause: called now and then, for others to go on.

    Raises:
        LedgerDamage: the ledger cannot be read.
        OSError: likewise.
    """
    unseen = {visitor for first, stop in leases for visitor in range(first, stop)}
    for number, (_, fields) in enumerate(read_slots(ledger, run_id)):
        if (fields[5] == Purpose.SETUP) is (course == "setup"):
            unseen.discard(fields[2])
        if number % _STRETCH == 0:
            pause()
    return compact(sorted(unseen))
