"""Stored events listed over HTTP: any list of JSON objects, page by page, whole at every look."""

from __future__ import annotations

from collections.abc import Iterator

import httpx

from simulator.scenario.target_reading import HttpEventsSection
from simulator.scenario.values import LATEST
from simulator.times import Ms
from simulator.verify.readers.documents import listed
from simulator.verify.readers.events import MOST_EVENTS, StoredEvent, TooMany, Which
from simulator.verify.readers.fetch import Unreadable
from simulator.verify.readers.items import BATCH, Items
from simulator.verify.readers.requesting import Requests
from simulator.verify.readers.setting import Setting


class HttpEvents:
    """Lists the events by the request of a section. Cursors grow with the places in the list."""

    def __init__(
        self, section: HttpEventsSection, setting: Setting, transport: httpx.BaseTransport | None = None
    ) -> None:
        self._section, self._setting = section, setting
        self._requests = Requests(setting, section.url, {}, section.auth, section.timeout, transport)
        self._items = Items(section.fields, section.decode, setting)
        self.fields, self.compared = self._items.fields, self._items.compared
        self.lists_bad = self._items.lists_bad

    def events(self, which: Which, *, after: int = 0, limit: int = MOST_EVENTS) -> Iterator[StoredEvent]:
        """The events behind a cursor, oldest first."""
        if which == "bad" and not self.lists_bad:
            raise Unreadable("the target file does not say how bad events are listed")
        items = self._all()
        if len(items) > limit + after // BATCH:
            raise TooMany(f"more than {limit:,} events are listed")
        yield from self._items.events(items, which, after)

    def _all(self) -> list[object]:
        """Every item, oldest first."""
        items: list[object] = []
        begin, end = self._setting.period or (Ms(0), LATEST)
        values = self._setting.placeholders(begin, end)
        rows = self._section.rows
        for page in self._requests.pages(self._section, values, lambda document: listed(document, rows)):
            # A cursor may include what it points at.
            items += page[1:] if items and page and page[0] == items[-1] else page
            if len(items) > MOST_EVENTS:
                raise TooMany(f"more than {MOST_EVENTS:,} events are listed")
        if self._section.newest_first:
            items.reverse()
        return items

    def last_cursor(self, which: Which) -> int:
        """The cursor behind everything that is listed now."""
        return 0 if which == "bad" and not self.lists_bad else self._items.end(len(self._all()))

    def mark(self) -> str:
        """A list has no mark of its own."""
        return ""

    def close(self) -> None:
        """Close its connections."""
        self._requests.close()
