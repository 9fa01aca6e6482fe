"""Stored events listed over HTTP: any list of JSON objects, page by page, whole at every look."""

from __future__ import annotations

from collections.abc import Mapping

import httpx

from simulator.scenario.target_reading import HttpEventsSection
from simulator.verify.readers.documents import listed
from simulator.verify.readers.events import MOST_EVENTS, TooMany
from simulator.verify.readers.items import ItemEvents
from simulator.verify.readers.requesting import Requests
from simulator.verify.readers.setting import Setting


class HttpEvents(ItemEvents):
    """Lists the events by the request of a section."""

    def __init__(
        self, section: HttpEventsSection, setting: Setting, transport: httpx.BaseTransport | None = None
    ) -> None:
        super().__init__(section, setting)
        self._section = section
        self._requests = Requests(setting, section.url, {}, section.auth, section.timeout, transport)

    @property
    def where(self) -> str:
        """Method and path of its request."""
        return f"{self._section.method} {self._section.path.partition('?')[0]}"

    def all_items(self, values: Mapping[str, str]) -> list[object]:
        """Every item, page by page."""
        items: list[object] = []
        rows = self._section.rows
        for page in self._requests.pages(self._section, values, lambda document: listed(document, rows)):
            # A cursor may include what it points at.
            items += page[1:] if items and page and page[0] == items[-1] else page
            if len(items) > MOST_EVENTS:
                raise TooMany(f"more than {MOST_EVENTS:,} events are listed")
        if self._section.newest_first:
            items.reverse()
        return items

    def close(self) -> None:
        """Close its connections."""
        self._requests.close()
