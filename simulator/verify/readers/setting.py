"""What a reader is told of the run whose totals it reads, and the readers' two faces.

A reader is made once for a run, may keep what it has learnt (a connection, how far a log was read), and is closed.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol

from simulator.contract import BY, METRICS, Contract
from simulator.scenario.target import ScopeSection
from simulator.scenario.values import LATEST
from simulator.times import Ms, day_cell, iso_utc
from simulator.verify.readers.events import MOST_EVENTS, StoredEvent, Which
from simulator.verify.readers.fetch import Unreadable
from simulator.verify.readers.reading import Reading
from simulator.verify.readers.secrets import Secrets
from simulator.wire.request import Adapter

ALWAYS = (Ms(0), LATEST)
Figure = tuple[str, str]  # metric, kind of cell

# Every figure that there is: pages have no opens and no new users.
FIGURES: tuple[Figure, ...] = tuple(
    (metric, by) for by in BY for metric in METRICS if by != "page" or metric in ("pv", "uv")
)


@dataclass(frozen=True, slots=True)
class Setting:
    """One run, as far as reading its collector depends on it."""

    url: str  # of the target: scheme, host and port
    contract: Contract
    adapter: Adapter[Any]
    namespace: str = ""
    appid: str = ""
    tenant: str = ""
    own: bool = False  # the run started the collector, so that everything in it is the run's
    scope: ScopeSection = field(default_factory=ScopeSection)
    folder: Path = Path()  # of the target file
    created: Ms = Ms(0)  # when the run was made
    period: tuple[Ms, Ms] = ALWAYS  # of the run, where it is known before it is sent
    left_out: frozenset[Figure] = frozenset()  # figures that the target file says the collector does not have
    path: str = "/"  # of the event request
    ids_name_visitors: bool = True  # an event's id says whose it is
    secrets: Secrets = field(default_factory=Secrets)

    def placeholders(self, begin: Ms, end: Ms) -> dict[str, str]:
        """What the names in a target file's requests stand for (scenario/placeholders.py)."""
        zone = self.contract.definitions.day
        return {
            "from": iso_utc(begin),
            "to": iso_utc(end),
            "from_ms": str(begin),
            "to_ms": str(end),
            "from_s": str(begin // 1000),
            "to_s": str(-(-end // 1000)),
            "from_day": day_cell(begin, zone),
            "to_day": day_cell(Ms(max(end - 1, begin)), zone),
            "created": iso_utc(Ms(max(self.created - self.contract.clock_bound, 0))),
            "namespace": self.namespace,
            "zone": zone,
            "appid": self.appid,
            "tenant": self.tenant,
        }


class TotalsReader(Protocol):
    """Reads the totals of a collector."""

    def read(self, begin: Ms, end: Ms, *, seconds: float | None = None, kinds: tuple[str, ...] = BY) -> Reading:
        """The totals of [begin, end). Never raises for what the collector does.

        Args:
            seconds: at most for one reply, where that is less than the target file says.
            kinds: of cells that are asked for.
        """
        ...

    def close(self) -> None:
        """Let go of connections and files."""
        ...


class EventsReader(Protocol):
    """Lists the stored events of a collector."""

    @property
    def fields(self) -> frozenset[str]:
        """The fields of StoredEvent that it gives."""
        ...

    @property
    def compared(self) -> frozenset[str]:
        """Those of them that are compared with the plan."""
        ...

    @property
    def identity_types(self) -> frozenset[str] | None:
        """The types whose identities it gives; None: all, or none where `fields` has no identities."""
        ...

    @property
    def lists_bad(self) -> bool:
        """Whether it lists bad events, too."""
        ...

    def events(self, which: Which, *, after: int = 0, limit: int = MOST_EVENTS) -> Iterator[StoredEvent]:
        """The events behind a cursor, oldest first.

        Raises:
            Unreadable: they cannot be had; what came before was yielded.
            TooMany: more than `limit`.
        """
        ...

    def last_cursor(self, which: Which) -> int:
        """The cursor behind everything that is stored now; 0 where nothing is.

        Raises:
            Unreadable, TooMany: as `events`.
        """
        ...

    def mark(self) -> str:
        """What must be the same for cursors of another time to mean the same; empty where they always do."""
        ...

    def close(self) -> None:
        """Let go of connections and files."""
        ...


def check_mark(events: EventsReader, mark: str) -> None:
    """Refuse a list that does not begin any more with what it began with, so that its cursors mean something else.

    Args:
        mark: of then; empty: there was none.

    Raises:
        Unreadable: it begins otherwise, or cannot be read.
    """
    if mark and events.mark() != mark:
        raise Unreadable("its oldest part is gone, so nobody knows what of it is new")
