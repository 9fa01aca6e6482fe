"""Stored events as JSON: the lists of good and bad ones, and the documented list of customer events."""

from __future__ import annotations

import json
import sqlite3
from dataclasses import dataclass
from typing import Any, Literal

from simulator.times import Ms, iso_utc

Item = dict[str, Any]
_GOOD = "SELECT id, fields, received, request, '' FROM event"
_BAD = "SELECT id, fields, received, request, reason FROM bad_event"


def counts(connection: sqlite3.Connection) -> dict[str, int]:
    """How many events are stored; a duplicate is not, so it is in none of the numbers."""
    (good,) = connection.execute("SELECT count(*) FROM event").fetchone()
    (bad,) = connection.execute("SELECT count(*) FROM bad_event").fetchone()
    return {"total": good + bad, "good": good, "bad": bad}


def listed(
    connection: sqlite3.Connection, which: Literal["good", "bad"], *, most: int, after: int | None, newest: bool
) -> list[Item]:
    """At most so many events in the order of arrival, those behind the cursor `after`; or the newest first.

    `after` is the id of the last item that was read; with `newest`, those before it.
    """
    statement = _GOOD if which == "good" else _BAD
    if newest:
        statement += " WHERE id < ? ORDER BY id DESC LIMIT ?"
        values = (2**62 if after is None else after, most)
    else:
        statement += " WHERE id > ? ORDER BY id LIMIT ?"
        values = (0 if after is None else after, most)
    return [
        {"id": id_, "event": json.loads(fields), "received": iso_utc(received), "request": request, "reason": reason}
        for id_, fields, received, request, reason in connection.execute(statement, values)
    ]


def extent(connection: sqlite3.Connection) -> tuple[Ms, Ms] | None:
    """The first and the last event time; None without events."""
    first, last = connection.execute("SELECT min(at), max(at) FROM event").fetchone()
    return None if first is None else (Ms(first), Ms(last))


@dataclass(frozen=True, slots=True)
class Query:
    """The documented parameters of GET /v1/customerevents. None: not asked for."""

    customer: str | None = None  # as in customerId of an answer
    events: tuple[str, ...] = ()  # names; empty: any
    id_from: int | None = None  # inclusive, as id_to. Assumed
    id_to: int | None = None
    updated_from: Ms | None = None  # inclusive, as updated_to. Assumed
    updated_to: Ms | None = None
    partition: tuple[Ms, Ms] | None = None  # [begin, end) of the month or year of the event's time, UTC. Assumed
    most: int = 20
    order: Literal["id", "date", "lastUpdated"] = "id"
    descending: bool = False


_ORDER = {"id": "event.id", "date": "event.at", "lastUpdated": "event.received"}


def customer_events(tally: sqlite3.Connection, query: Query) -> list[Item]:
    """Stored events in the documented shape, `customerId` being the user as counted.

    The connection is one of `Totals.tallied`, which knows whose event each one is.
    """
    conditions: list[tuple[str, object]] = [
        ("user = ?", query.customer),
        ("event.id >= ?", query.id_from),
        ("event.id <= ?", query.id_to),
        ("event.received >= ?", query.updated_from),
        ("event.received <= ?", query.updated_to),
        ("event.at >= ?", query.partition and query.partition[0]),
        ("event.at < ?", query.partition and query.partition[1]),
    ]
    wanted = [(text, value) for text, value in conditions if value is not None]
    if query.events:
        wanted.append(("event.name IN (SELECT value FROM json_each(?))", json.dumps(query.events)))
    where = " AND ".join(text for text, _ in wanted) or "1"
    direction = "DESC" if query.descending else "ASC"
    rows = tally.execute(
        "SELECT event.id, user, event.at, event.received, fields FROM event JOIN tally USING (id) "  # noqa: S608
        f"WHERE {where} ORDER BY {_ORDER[query.order]} {direction}, event.id {direction} LIMIT ?",
        [*(value for _, value in wanted), query.most],
    )
    return [
        {
            **json.loads(fields),
            "id": id_,
            "customerId": user,
            "date": iso_utc(Ms(at)),
            "lastUpdated": iso_utc(Ms(received)),
        }
        for id_, user, at, received, fields in rows
    ]
