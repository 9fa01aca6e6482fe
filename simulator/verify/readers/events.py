"""The stored events themselves: GET /events/good and GET /events/bad, page by page behind a cursor.

A target that answers these paths as CONTRACT section 7 says can be judged event by event (reconcile.py); any other
only by its totals. What an event says is read as from a captured request; only names, ids and cells are kept of it.

Source: CONTRACT section 7. `after` is the `id` of the last event that was read, an addition of ours; a collector whose
events carry no `id` can be listed as far as one reply goes.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any, Literal, NamedTuple

import httpx

from simulator.events import Identity
from simulator.times import Ms, parse_instant
from simulator.verify.readers.fetch import Unreadable, fetch, reading_client, start_of
from simulator.wire import dmhub_fields as keys
from simulator.wire.request import Action, Record

MOST_EVENTS = 1_000_000  # that are listed of one run; about 400 bytes each are kept
PAGE = 5_000  # events of one reply
LONGEST_FIELD = 4_096  # characters of one text of an event, where a target file says where it stands
Which = Literal["good", "bad"]
_LAST = 1 << 62  # more than any cursor


class StoredEvent(NamedTuple):
    """One stored event as the collector lists it. Values that are no text count as missing."""

    cursor: int  # place in the order of arrival, ascending
    external_id: str
    event: str
    date: Ms | None  # None: it carries none that can be read
    anonymous_id: str
    identities: tuple[Identity, ...]
    source: str
    content: str
    page: str  # of a view; empty for other events
    received: Ms | None
    reason: str  # why it is bad; empty for a good one
    action: str = ""  # an Action, where the list tells it otherwise than by the event's name
    session: str = ""  # the tracker's own session id, where the list tells one
    user: str = ""  # whom the collector takes it to be of, where the list tells that


# What a target file can tell of an event, by the names of its fields.
TOLD = tuple(name for name in StoredEvent._fields if name not in ("cursor", "reason", "action"))


def action_of(event: StoredEvent) -> Action:
    """What a stored event is to the four numbers."""
    return Action(event.action) if event.action else keys.ACTIONS.get(event.event, Action.CUSTOM)


def event_of(record: Record, received: Ms | None) -> StoredEvent:
    """A stored event that was kept as the request that brought it."""
    return told_of(record, received, reason=record.bad)._replace(action=record.action.value, session=record.session)


def told_of(record: Record, received: Ms | None, *, cursor: int = 0, reason: str = "") -> StoredEvent:
    """What mpsim's own interface tells of an event; what it is to the four numbers its name says."""
    return StoredEvent(
        cursor,
        record.external_id,
        record.event,
        record.date,
        record.anonymous_id,
        record.identities,
        record.source,
        record.content,
        record.page,
        received,
        reason,
    )


class TooMany(Unreadable):
    """More events than are listed of one run."""


def stored_events(
    url: str,
    which: Which,
    *,
    after: int = 0,
    limit: int = MOST_EVENTS,
    access_token: str = "",
    seconds: float = 60.0,
    transport: httpx.BaseTransport | None = None,
) -> Iterator[StoredEvent]:
    """The events behind a cursor, oldest first.

    Args:
        access_token: sent along where the collector wants one; never part of an error text.
        seconds: for one reply.
        transport: instead of the network, in tests.

    Raises:
        Unreadable: a reply that cannot be used; what came before it was yielded.
        TooMany: more than `limit` events.
    """
    path = f"/events/{which}"
    listed = 0
    with reading_client(url, seconds, transport) as client:
        while True:
            parameters = {"max": str(PAGE), "after": str(after)} | _token(access_token)
            items = _items(fetch(client, path, parameters, seconds), path)
            last = after
            for place, item in enumerate(items):
                event = _event(item, last + 1, path)
                if event.cursor <= last:
                    raise Unreadable(f"{path} does not go on behind its cursor: {event.cursor} after {last}")
                last = event.cursor
                if listed + place >= limit:
                    raise TooMany(f"{path} lists more than {limit:,} events")
                yield event
            listed += len(items)
            if len(items) < PAGE:
                return
            if not isinstance(items[-1].get("id"), int):
                raise Unreadable(f"{path}: its events carry no id to go on from")
            after = last


def last_cursor(
    url: str,
    which: Which,
    *,
    access_token: str = "",
    seconds: float = 30.0,
    transport: httpx.BaseTransport | None = None,
) -> int:
    """The cursor behind everything that is stored now; 0 where nothing is.

    The embedded collector tells it at once; one that does not know `order` is listed to its end.

    Raises:
        Unreadable, TooMany: as `stored_events`.
    """
    path = f"/events/{which}"
    with reading_client(url, seconds, transport) as client:
        parameters = {"max": "2", "order": "newest"} | _token(access_token)
        try:
            newest = [_event(item, 0, path).cursor for item in _items(fetch(client, path, parameters, seconds), path)]
        except Unreadable as refused:
            if refused.status != httpx.codes.BAD_REQUEST:
                raise
            newest = [1, 2]  # as if it had passed the order over
    if not newest:
        return 0
    if len(newest) == 1 or newest[0] > newest[1]:
        return newest[0]
    cursor = 0
    events = stored_events(url, which, access_token=access_token, seconds=seconds, transport=transport)
    for event in events:
        cursor = event.cursor
    return cursor


def _token(access_token: str) -> dict[str, str]:
    return {"access_token": access_token} if access_token else {}


def _items(body: bytes, path: str) -> list[dict[str, Any]]:
    """The events of one reply.

    Raises:
        Unreadable: not a list of objects.
    """
    try:
        document = json.loads(body)
    except (ValueError, RecursionError) as bad:
        raise Unreadable(f"{path}: not JSON: {start_of(body)}") from bad
    if not isinstance(document, list) or not all(isinstance(item, dict) for item in document):
        raise Unreadable(f"{path}: no list of events: {start_of(body)}")
    return document


def _event(item: dict[str, Any], otherwise: int, path: str) -> StoredEvent:
    given = item.get("event")
    if not isinstance(given, dict):
        raise Unreadable(f'{path}: an item without an object "event"')
    cursor = item.get("id", otherwise)
    if not isinstance(cursor, int) or isinstance(cursor, bool) or not 0 <= cursor < _LAST:
        raise Unreadable(f"{path}: an id that is no whole number: {str(cursor)[:40]!r}")
    fields = {key: value for key, value in given.items() if isinstance(value, str)}
    record = keys.record_of(fields, (-1, -1), "")
    reason = item.get("reason")
    said = reason if isinstance(reason, str) else ""
    return told_of(record, _instant(item.get("received")), cursor=cursor, reason=said)


def _instant(text: object) -> Ms | None:
    try:
        return parse_instant(text) if isinstance(text, str) else None
    except (ValueError, OverflowError):
        return None
