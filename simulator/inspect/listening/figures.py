"""Running PV, UV, opens and new users of what has come since the listening began, in total and by source.

The definitions are the usual ones: a page view each, an open for each launch, a user by openid, else the device. New is
whoever was not seen before in this listening: what the collector knows of earlier days, nobody here does.

Not here: the verdict on a collector's totals (verify/), or on a program's against a plan (runs/).
Source: the definitions are CONTRACT section 3's; duplicates are left out as there, by id, else by time and sender.
"""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field

from simulator.events import Json
from simulator.immutable import immutable
from simulator.wire.request import Action, Record

NO_SOURCE = "(none)"
OTHERS = "(others)"  # sources beyond the bound
OPENID = "applet-wechat"
_USERS = 100_000  # of whom is remembered who they are
_SOURCES = 500
_EVENTS = 200_000  # whose sameness is remembered
_DEAR = 0.02  # seconds of a count from which on it is not done for every look
_LONGEST = 255  # characters of a text that a collector keeps


@immutable(frozen=True, slots=True)
class Row:
    """The four numbers of one source, or of all."""

    source: str
    pv: int
    uv: int
    opens: int
    new_users: int

    def as_json(self) -> dict[str, Json]:
        """For the page."""
        return {"source": self.source, "pv": self.pv, "uv": self.uv, "opens": self.opens, "new_users": self.new_users}


@dataclass(slots=True)
class _Cell:
    pv: int = 0
    opens: int = 0
    users: set[str] = field(default_factory=set)


class Figures:
    """Counts events as they come."""

    def __init__(self) -> None:
        self._cells: dict[str, _Cell] = {}
        self._first: dict[str, str] = {}  # user → source of the first visit, in the order of the first visits
        self._first_openid: dict[str, str] = {}  # of a device
        self._last_openid: dict[str, str] = {}
        self._seen: set[object] = set()
        self._order: deque[object] = deque()
        self._rows: tuple[Row, ...] | None = None
        self._counted_at, self._cost = 0.0, 0.0  # seconds, of the last count
        self.repeated = 0  # events that came before
        self.nobodys = 0  # opens and views that name no user
        self.is_counted = False  # the rows are those of now
        self.is_full = False  # there were more users than are remembered: UV and new users are too low

    def add(self, records: Iterable[Record], wire: str) -> None:
        """Events of one request happened; bad ones count nowhere.

        Args:
            wire: the adapter that read them; ids of two wires have nothing to do with each other.
        """
        for record in records:
            if not record.bad and not self._is_repeated(record, wire):
                self._count(record)
        self.is_counted = False

    def _is_repeated(self, record: Record, wire: str) -> bool:
        if record.external_id:
            key: object = (wire, record.external_id[:_LONGEST])
        elif record.date is not None:
            key = (wire, record.date, record.anonymous_id[:_LONGEST] or record.identities, record.event[:_LONGEST])
        else:
            return False
        if key in self._seen:
            self.repeated += 1
            return True
        self._seen.add(key)
        self._order.append(key)
        if len(self._order) > _EVENTS:
            self._seen.discard(self._order.popleft())
        return False

    def _count(self, record: Record) -> None:
        device = record.anonymous_id[:_LONGEST]
        openid = next((one.value[:_LONGEST] for one in record.identities if one.type == OPENID), "")
        self._remember(device, openid)
        if record.action not in (Action.OPEN, Action.VIEW):
            return
        source = record.source[:_LONGEST] or NO_SOURCE
        if source not in self._cells and len(self._cells) >= _SOURCES:
            source = OTHERS
        cell = self._cells.setdefault(source, _Cell())
        cell.pv += record.action is Action.VIEW
        cell.opens += record.action is Action.OPEN
        known = openid or self._last_openid.get(device, "")
        if not known and not device:
            self.nobodys += 1
            return
        user = f"openid {known}" if known else f"device {device}"
        if user in self._first or len(self._first) < _USERS:
            self._first.setdefault(user, source)
            cell.users.add(user)
        else:
            self.is_full = True

    def _remember(self, device: str, openid: str) -> None:
        if not device or not openid:
            return
        if device in self._last_openid or len(self._last_openid) < _USERS:
            self._first_openid.setdefault(device, openid)
            self._last_openid[device] = openid

    def _who(self, user: str) -> str:
        """A device that was anonymous is the openid that came first on it."""
        kind, _, value = user.partition(" ")
        openid = self._first_openid.get(value) if kind == "device" else None
        return user if openid is None else f"openid {openid}"

    def rows(self) -> tuple[Row, ...]:
        """The totals, with an empty source, then each source, the one with most views first.

        Order: of the users, once after something was added.
        """
        if self._rows is None or not self.is_counted:
            began = time.monotonic()
            self._rows, self.is_counted = tuple(self._counted()), True
            self._counted_at = time.monotonic()
            self._cost = self._counted_at - began
        return self._rows

    def rows_of_late(self) -> tuple[Row, ...]:
        """The same, perhaps those of a second ago: counting very many users again and again would take all the time."""
        age = time.monotonic() - self._counted_at
        if self._rows is not None and self._cost > _DEAR and age < 10 * self._cost:
            return self._rows
        return self.rows()

    def _counted(self) -> Iterator[Row]:
        first: dict[str, str] = {}
        for user, source in self._first.items():
            first.setdefault(self._who(user), source)
        new = dict.fromkeys(self._cells, 0)
        for source in first.values():
            new[source] += 1
        cells = self._cells.items()
        yield Row("", sum(one.pv for _, one in cells), len(first), sum(one.opens for _, one in cells), len(first))
        for source, cell in sorted(cells, key=lambda item: (-item[1].pv, -item[1].opens, item[0])):
            yield Row(source, cell.pv, len(set(map(self._who, cell.users))), cell.opens, new[source])
