"""Stored events listed over HTTP: any list of JSON objects in which each event has the id that it was sent with."""

from __future__ import annotations

from collections.abc import Iterator

import httpx

from simulator.scenario.target_reading import HttpEventsSection
from simulator.scenario.values import LATEST
from simulator.times import Ms
from simulator.verify.readers.documents import compared_of, event_in, fields_of, listed
from simulator.verify.readers.events import MOST_EVENTS, StoredEvent, TooMany, Which
from simulator.verify.readers.fetch import Unreadable
from simulator.verify.readers.requesting import Requests
from simulator.verify.readers.setting import Setting


class HttpEvents:
    """Lists the events by the request of a section. A cursor is an event's place in the list, from 1."""

    lists_bad = False

    def __init__(
        self, section: HttpEventsSection, setting: Setting, transport: httpx.BaseTransport | None = None
    ) -> None:
        self._section, self._setting = section, setting
        self._requests = Requests(setting, section.url, {}, section.auth, section.timeout, transport)
        self.fields, self.compared = fields_of(section.fields), compared_of(section.fields)

    def events(self, which: Which, *, after: int = 0, limit: int = MOST_EVENTS) -> Iterator[StoredEvent]:
        """The events behind a cursor, oldest first."""
        if which == "bad":
            raise Unreadable("the target file does not say how bad events are listed")
        items: list[object] = []
        begin, end = self._setting.period or (Ms(0), LATEST)
        values = self._setting.placeholders(begin, end)
        rows = self._section.rows
        for document in self._requests.pages(self._section, values, lambda page: len(listed(page, rows))):
            page = listed(document, rows)
            # A cursor may include what it points at.
            items += page[1:] if items and page and page[0] == items[-1] else page
            if len(items) > limit + after:
                raise TooMany(f"more than {limit:,} events are listed")
        if self._section.newest_first:
            items.reverse()
        for place, item in enumerate(items[after:], after + 1):
            yield event_in(item, self._section.fields, place)

    def last_cursor(self, which: Which) -> int:
        """How many events are listed now."""
        return 0 if which == "bad" else sum(1 for _ in self.events(which))

    def mark(self) -> str:
        """A list has no mark of its own."""
        return ""

    def close(self) -> None:
        """Close its connections."""
        self._requests.close()
