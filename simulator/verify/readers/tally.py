"""The four numbers of events that a collector only lists: counted plainly, as its contract says that they are counted.

For a collector without totals of its own, such as an access log. The events lie in a temporary database, so memory does
not grow with them; every count is made from all of them. Nothing here is shared with what is expected (oracle.py,
metrics.py, identity.py, opening.py): a mistake in a definition there must not agree with itself here.

    in the order of arrival    an event is taken once, by its id, where the contract removes duplicates
    device by device           who its user is, and where an open begins
    user by user               in which cells they were, and where first
"""

from __future__ import annotations

import json
import sqlite3
from collections import Counter
from collections.abc import Iterable, Iterator
from itertools import groupby
from operator import itemgetter
from typing import Any, NamedTuple

from simulator.contract import BY, METRICS, NO_CELL, Contract
from simulator.times import Ms, day_cell, hour_cell
from simulator.verify.readers.events import StoredEvent, action_of
from simulator.wire.request import Action

_OTHER, _OPEN, _VIEW, _SHOW, _EXIT = range(5)
_KINDS = {Action.OPEN: _OPEN, Action.VIEW: _VIEW, Action.SHOW: _SHOW, Action.EXIT: _EXIT}
_USER = ""  # in the place of an identity's type: whom the collector itself takes an event to be of
_WRITTEN = 5_000  # rows at once

_TABLES = """
CREATE TABLE event (cursor INTEGER PRIMARY KEY, key TEXT UNIQUE, at INTEGER NOT NULL, kind INTEGER NOT NULL,
    device TEXT NOT NULL, identities TEXT NOT NULL, source TEXT NOT NULL, content TEXT NOT NULL, page TEXT NOT NULL,
    session TEXT NOT NULL);
CREATE TABLE visit (user TEXT NOT NULL, at INTEGER NOT NULL, cursor INTEGER NOT NULL, source TEXT NOT NULL,
    content TEXT NOT NULL, page TEXT NOT NULL);
"""
_EVENTS = "SELECT at, cursor, kind, device, identities, source, content, page, session FROM event"

Cell = tuple[str, str]  # kind of cell, cell
Cells = dict[str, dict[str, dict[str, int | None]]]


class _Row(NamedTuple):
    at: Ms
    cursor: int
    kind: int
    device: str
    identities: str  # as JSON
    source: str
    content: str
    page: str
    session: str


class Tally:
    """Events of one collector, and what they come to."""

    def __init__(self, contract: Contract) -> None:
        self._contract = contract
        # A nameless database is a temporary file that is gone when it is closed.
        self._file = sqlite3.connect("", isolation_level=None, check_same_thread=False)
        self._file.executescript(_TABLES)
        self._customers = _Sets()

    def close(self) -> None:
        """Forget everything."""
        self._file.close()

    def add(self, events: Iterable[StoredEvent]) -> int:
        """Take events in the order of their arrival; returns how many came."""
        count, rows = 0, []
        self._file.execute("BEGIN")
        try:
            for event in events:
                count += 1
                row = self._row(event)
                if row is not None:
                    rows.append(row)
                if len(rows) >= _WRITTEN:
                    self._write(rows)
            self._write(rows)
        finally:
            self._file.execute("COMMIT")
        return count

    def _write(self, rows: list[Any]) -> None:
        self._file.executemany("INSERT OR IGNORE INTO event VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)", rows)
        rows.clear()

    def _row(self, event: StoredEvent) -> tuple[Any, ...] | None:
        at = event.date if self._contract.time == "event" and event.date is not None else event.received
        if at is None:
            return None  # in no cell of any time, and so nowhere
        named = [(_USER, event.user)] if event.user else [(one.type, one.value) for one in event.identities]
        identities = json.dumps(named, ensure_ascii=False)
        kind = _KINDS.get(action_of(event), _OTHER)
        page = event.page if kind == _VIEW else ""
        return (
            event.cursor, self._key(event, identities), at, kind, event.anonymous_id, identities,
            event.source, event.content, page, event.session,
        )  # fmt: skip

    def _key(self, event: StoredEvent, identities: str) -> str | None:
        """By what a second copy is known: its id, or what it says of whom and when; None: each copy counts."""
        if self._contract.dedupe != "by_id":
            return None
        if event.external_id:
            return f"i{event.external_id}"
        if event.date is None:
            return None
        return f"e{json.dumps([event.date, event.anonymous_id or identities, event.event])}"

    # ---- counting -------------------------------------------------------------------------------------------------

    def cells(self, begin: Ms, end: Ms) -> Cells:
        """The numbers of [begin, end) in each cell that has any; of "all" the one cell is always there."""
        self._begin, self._end = begin, end
        self._pv: Counter[Cell] = Counter()
        self._opens: Counter[Cell] = Counter()
        self._uv: Counter[Cell] = Counter()
        self._new: Counter[Cell] = Counter()
        if self._contract.definitions.user == "customer":
            self._customers.take(text for (text,) in self._file.execute("SELECT DISTINCT identities FROM event"))
        self._file.execute("BEGIN")
        self._file.execute("DELETE FROM visit")
        for device, rows in groupby(self._in_order(), key=itemgetter(3)):
            self._device(device, rows)
        self._file.execute("COMMIT")
        self._users()
        if self._contract.sessions == "given":
            self._sessions()
        return self._told()

    def _in_order(self) -> Iterator[_Row]:
        found = self._file.cursor().execute(f"{_EVENTS} ORDER BY device, at, cursor")
        return map(_Row._make, found)

    def _device(self, device: str, rows: Iterable[_Row]) -> None:
        """The events of one device, or of none, in their order."""
        events = list(rows)
        named = self._named(events) if device else [self._own(row) for row in events]
        for row in events:
            if row.kind == _VIEW:
                self._note(self._pv, row, page=True)
        if self._contract.sessions == "derived":
            for row in self._openings(device, events):
                self._note(self._opens, row, page=False)
        visits = [
            (user, row.at, row.cursor, row.source, row.content, row.page or (NO_CELL if row.kind == _VIEW else ""))
            for row, user in zip(events, named, strict=True)
            if user is not None and row.kind in (_OPEN, _VIEW)
        ]
        self._file.executemany("INSERT INTO visit VALUES (?, ?, ?, ?, ?, ?)", visits)

    def _named(self, rows: list[_Row]) -> list[str | None]:
        """Who each event of a device is of: itself says so, else the nearest before, else the first after it."""
        device = f"d{rows[0].device}"
        own = [self._own(row) for row in rows]
        if self._contract.definitions.user == "device":
            return [device if name is None else name for name in own]
        current = next((name for name in own if name is not None), device)
        found: list[str | None] = []
        for name in own:
            current = current if name is None else name
            found.append(current)
        return found

    def _own(self, row: _Row) -> str | None:
        """Whom an event itself names."""
        user = self._contract.definitions.user
        if row.identities == "[]":
            return None
        kind, value = json.loads(row.identities)[0]
        if kind == _USER:
            return f"u{value}"
        if user == "device":
            return None
        if user == "customer":
            return f"c{self._customers.number_of(row.identities)}"
        openid = self._contract.identity
        return next((f"o{value}" for name, value in json.loads(row.identities) if name == openid), None)

    def _openings(self, device: str, rows: list[_Row]) -> Iterator[_Row]:
        rule = self._contract.definitions.opens
        if rule.timeout is None:
            begin = (_OPEN,) if rule.rule == "launch" else (_OPEN, _SHOW)
            yield from (row for row in rows if row.kind in begin)
            return
        contract, zone = self._contract, self._contract.definitions.day
        before: _Row | None = None
        source = ""  # of the open that is running
        for row in rows:
            if row.kind == _EXIT:  # ends the open that is running, and begins none
                before, source = None, ""
                continue
            launch = contract.launch_opens and row.kind == _OPEN
            if not device:
                if launch:
                    yield row
                continue
            gap = row.at - before.at if before is not None else 0
            opened = (
                before is None
                or launch
                or gap > rule.timeout
                or (contract.timeout_inclusive and gap == rule.timeout)
                or (contract.midnight and day_cell(row.at, zone) != day_cell(before.at, zone))
                or (contract.source_change and row.source not in ("", source))
            )
            if opened:
                yield row
                source = row.source
            source = row.source or source
            before = row

    def _users(self) -> None:
        """User by user: the cells in which they were, and where they were first."""
        rows = self._file.execute("SELECT user, at, source, content, page FROM visit ORDER BY user, at, cursor")
        for _, visits in groupby(rows, key=itemgetter(0)):
            where: set[Cell] = set()
            is_first = True
            for _, at, source, content, page in visits:
                if self._begin <= at < self._end:
                    cells = self._cells_of(at, source, content)
                    if is_first:
                        self._new.update(cells)
                    where.update(cells)
                    if page:
                        where.add(("page", page))
                is_first = False
            self._uv.update(where)

    def _sessions(self) -> None:
        """Opens are the sessions that the tracker itself names: so many of them in each cell."""
        rows = self._file.execute(f"{_EVENTS} WHERE session <> '' ORDER BY session")
        for _, events in groupby(map(_Row._make, rows), key=itemgetter(8)):
            where: set[Cell] = set()
            for row in events:
                if self._begin <= row.at < self._end:
                    where.update(self._cells_of(row.at, row.source, row.content))
            self._opens.update(where)

    def _note(self, counter: Counter[Cell], row: _Row, *, page: bool) -> None:
        if self._begin <= row.at < self._end:
            counter.update(self._cells_of(row.at, row.source, row.content))
            if page:
                counter["page", row.page or NO_CELL] += 1

    def _cells_of(self, at: Ms, source: str, content: str) -> tuple[Cell, ...]:
        zone = self._contract.definitions.day
        return (
            ("all", ""),
            ("source", source or NO_CELL),
            ("content", content or NO_CELL),
            ("hour", hour_cell(at, zone)),
            ("day", day_cell(at, zone)),
        )

    def _told(self) -> Cells:
        numbers = dict(zip(METRICS, (self._pv, self._uv, self._opens, self._new), strict=True))
        found: Cells = {by: {} for by in BY}
        for by, cell in {("all", ""), *self._pv, *self._uv, *self._opens, *self._new}:
            found[by][cell] = {
                metric: None if by == "page" and metric in ("opens", "new_users") else counter[by, cell]
                for metric, counter in numbers.items()
            }
        return found


class _Sets:
    """Identities that occurred together in one event, whatever the order: a customer each."""

    def __init__(self) -> None:
        self._numbers: dict[tuple[str, str], int] = {}  # identity → its customer, or one that became another's
        self._joined: dict[int, int] = {}

    def take(self, texts: Iterable[str]) -> None:
        """Identities of events, as JSON."""
        for text in texts:
            identities = [(kind, value) for kind, value in json.loads(text)]
            numbers = {self._last(self._numbers.setdefault(one, len(self._numbers))) for one in identities}
            for number in sorted(numbers)[1:]:
                self._joined[number] = min(numbers)

    def number_of(self, text: str) -> int:
        """The customer of an event's identities."""
        kind, value = json.loads(text)[0]
        return self._last(self._numbers[kind, value])

    def _last(self, number: int) -> int:
        while number in self._joined:
            number = self._joined[number]
        return number
