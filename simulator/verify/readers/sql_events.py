"""Stored events by one query of the target file, in the order of their arrival; columns are named as their fields."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime

from simulator.scenario.nearest import did_you_mean
from simulator.scenario.target_reading import SqlEventsSection
from simulator.times import Ms, instant
from simulator.verify.readers.database import Database
from simulator.verify.readers.documents import identities_of, instant_of
from simulator.verify.readers.events import LONGEST_FIELD, MOST_EVENTS, TOLD, StoredEvent, TooMany, Which
from simulator.verify.readers.fetch import Unreadable
from simulator.verify.readers.setting import Setting


class SqlEvents:
    """Lists the events of a query. A cursor is an event's place among its rows, from 1."""

    lists_bad = False
    identity_types = None  # a column has them all

    def __init__(self, section: SqlEventsSection, setting: Setting) -> None:
        self._section, self._setting = section, setting
        self._database = Database(section, setting)
        self.fields: frozenset[str] = frozenset(TOLD)  # until a query has told its columns

    @property
    def compared(self) -> frozenset[str]:
        return self.fields

    def events(self, which: Which, *, after: int = 0, limit: int = MOST_EVENTS) -> Iterator[StoredEvent]:
        """The events behind a cursor, oldest first."""
        if which == "bad":
            raise Unreadable("the target file does not say how bad events are listed")
        parameters = self._database.parameters(*self._setting.period)
        try:
            names, rows = self._database.ask(self._section.query, parameters, limit + after)
        except TooMany:
            raise TooMany(f"more than {limit:,} events are listed") from None
        columns = _checked(names)
        self.fields = frozenset(columns)
        for place, row in enumerate(rows[after:], after + 1):
            yield _event(dict(zip(columns, row, strict=True)), place)

    def last_cursor(self, which: Which) -> int:
        """How many events are listed now."""
        return 0 if which == "bad" else sum(1 for _ in self.events(which))

    def mark(self) -> str:
        """A table has no mark of its own."""
        return ""

    def close(self) -> None:
        """Close its connections."""
        self._database.close()


def _checked(names: tuple[str, ...]) -> tuple[str, ...]:
    columns = tuple(name.lower() for name in names)
    for name in columns:
        if name not in TOLD:
            raise Unreadable(f"nobody knows the column {name[:64]} of an event{did_you_mean(name, TOLD)}")
    if "external_id" not in columns:
        raise Unreadable("the query has no column external_id, the id that the event was sent with")
    return columns


def _event(row: dict[str, object], cursor: int) -> StoredEvent:
    def text(name: str) -> str:
        value = row.get(name)
        return "" if value is None else str(value)[:LONGEST_FIELD]

    return StoredEvent(
        cursor,
        text("external_id"),
        text("event"),
        _instant(row.get("date")),
        text("anonymous_id"),
        identities_of(row.get("identities")),
        text("source"),
        text("content"),
        text("page").removeprefix("/"),
        _instant(row.get("received")),
        "",
        session=text("session"),
        user=text("user"),
    )


def _instant(value: object) -> Ms | None:
    if isinstance(value, datetime):
        return instant(value if value.tzinfo is not None else value.replace(tzinfo=UTC))
    return instant_of(value)
