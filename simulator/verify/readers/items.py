"""A list of stored events that is had whole at every look: its items → events, and where each stands.

An item is read field by field, or decoded by the adapter out of the request that it keeps.
"""

from __future__ import annotations

import json
from abc import ABC, abstractmethod
from collections.abc import Iterator, Mapping
from typing import Any
from urllib.parse import quote

from simulator.scenario.target_reading import DecodeSection, ItemsSection
from simulator.verify.readers.documents import compared_of, event_in, fields_of, found
from simulator.verify.readers.events import MOST_EVENTS, StoredEvent, TooMany, Which, event_of
from simulator.verify.readers.fetch import Unreadable
from simulator.verify.readers.setting import Setting
from simulator.wire.request import WireError

BATCH = 4_096  # events of one item at most; a cursor is place · BATCH + the event's place in it
DECODED = frozenset(StoredEvent._fields) - {"user", "received", "reason"}


def cursor_behind(places: int) -> int:
    """The cursor behind so many items, all events of each among them."""
    return (places + 1) * BATCH - 1 if places else 0


def places_before(cursor: int) -> int:
    """So many items, from the first on, have no event behind a cursor."""
    return max((cursor + 1) // BATCH - 1, 0)


class ItemEvents(ABC):
    """Lists the events of such a list. Cursors grow with the places in it."""

    def __init__(self, section: ItemsSection, setting: Setting) -> None:
        fields = section.fields
        self._fields, self._decode, self._setting = fields, section.decode, setting
        self.fields = DECODED if fields is None else fields_of(fields)
        self.compared = DECODED if fields is None else compared_of(fields)
        self.identity_types = None if fields is None else fields.identity_types
        self.lists_bad = fields is None  # of a request that is kept whole the adapter knows whether it is malformed

    @property
    @abstractmethod
    def where(self) -> str:
        """Where the list comes from, for an error's text."""

    @abstractmethod
    def all_items(self, values: Mapping[str, str]) -> list[object]:
        """Every item that there is now, oldest first.

        Args:
            values: of placeholders.

        Raises:
            Unreadable: the list cannot be had.
        """

    def events(self, which: Which, *, after: int = 0, limit: int = MOST_EVENTS) -> Iterator[StoredEvent]:
        """The events behind a cursor, oldest first."""
        if which == "bad" and not self.lists_bad:
            raise Unreadable("the target file does not say how bad events are listed")
        try:
            yield from self._events(which, after, limit)
        except TooMany:
            raise
        except Unreadable as bad:
            raise Unreadable(f"{self.where}: {bad}", bad.status) from bad

    def _events(self, which: Which, after: int, limit: int) -> Iterator[StoredEvent]:
        items = self._all()
        if len(items) > limit + after // BATCH:
            raise TooMany(f"more than {limit:,} events are listed")
        known = places_before(after)
        for place, item in enumerate(items[known:], known + 1):
            for inside, event in enumerate(self._of(item)):
                cursor = place * BATCH + inside
                if cursor > after and bool(event.reason) is (which == "bad"):
                    yield event._replace(cursor=cursor)

    def last_cursor(self, which: Which) -> int:
        """The cursor behind everything that is listed now."""
        return 0 if which == "bad" and not self.lists_bad else cursor_behind(len(self._all()))

    def mark(self) -> str:
        """Such a list has no mark of its own."""
        return ""

    def _all(self) -> list[object]:
        return self.all_items(self._setting.placeholders(*self._setting.period))

    def _of(self, item: object) -> Iterator[StoredEvent]:
        if self._fields is not None:
            yield event_in(item, self._fields, 0)
            return
        assert self._decode is not None
        method, target, body = _request(item, self._decode, self._setting)
        try:
            records = self._setting.adapter.decode(method, target, self._decode.headers, body)
        except WireError as bad:
            raise Unreadable(f"an item is no request of the adapter {self._setting.adapter.name}: {bad}") from None
        if len(records) >= BATCH:
            raise Unreadable(f"an item with {len(records):,} events; at most {BATCH - 1:,} are read")
        for record in records:
            yield event_of(record, None)


def _request(item: object, section: DecodeSection, setting: Setting) -> tuple[str, str, bytes]:
    """Method, path with query, and body of the request that an item keeps."""
    target = section.path or setting.path
    if section.target is not None:
        told = found(section.target, item)
        if not isinstance(told, str):
            raise Unreadable(f"{section.target} finds no path in an item: {str(told)[:60]!r}")
        target = told
    elif section.query is not None:
        target = f"{target}?{_query(found(section.query, item), section.query)}"
    body = b""
    if section.body is not None:
        told = found(section.body, item)
        body = told.encode() if isinstance(told, str) else json.dumps(told, ensure_ascii=False).encode()
    return section.method, target, body


def _query(told: Any, expression: str) -> str:
    if isinstance(told, str):
        return told.removeprefix("?")
    if isinstance(told, Mapping):
        return "&".join(f"{key}={quote(str(value), safe='')}" for key, value in told.items())
    raise Unreadable(f"{expression} finds no query in an item: {str(told)[:60]!r}")
