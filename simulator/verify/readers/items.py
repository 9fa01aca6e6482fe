"""Items of a list of stored events → events: field by field, or decoded by the adapter out of the request they keep."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from typing import Any
from urllib.parse import quote

from simulator.scenario.target_reading import DecodeSection, EventFields
from simulator.verify.readers.documents import compared_of, event_in, fields_of, found
from simulator.verify.readers.events import StoredEvent, Which, event_of
from simulator.verify.readers.fetch import Unreadable
from simulator.verify.readers.setting import Setting
from simulator.wire.request import WireError

BATCH = 4_096  # events of one item at most; a cursor is place · BATCH + the event's place in it
DECODED = frozenset(StoredEvent._fields) - {"user", "received", "reason"}


class Items:
    """How the items of one list are read."""

    def __init__(self, fields: EventFields | None, decode: DecodeSection | None, setting: Setting) -> None:
        self._fields, self._decode, self._setting = fields, decode, setting
        self.fields = DECODED if fields is None else fields_of(fields)
        self.compared = DECODED if fields is None else compared_of(fields)
        self.lists_bad = fields is None  # of a request that is kept whole the adapter knows whether it is malformed

    def events(self, items: Sequence[object], which: Which, after: int) -> Iterator[StoredEvent]:
        """The events behind a cursor, in the order of the items.

        Raises:
            Unreadable: an item that cannot be read.
        """
        for place, item in enumerate(items[max((after + 1) // BATCH - 1, 0) :], max((after + 1) // BATCH - 1, 0) + 1):
            for inside, event in enumerate(self._of(item)):
                cursor = place * BATCH + inside
                if cursor > after and bool(event.reason) is (which == "bad"):
                    yield event._replace(cursor=cursor)

    def end(self, count: int) -> int:
        """The cursor behind so many items."""
        return (count + 1) * BATCH - 1 if count else 0

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
