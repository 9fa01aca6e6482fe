"""Faults in who is one user, and in who is new."""

from __future__ import annotations

import json
import sqlite3
from functools import partial
from hashlib import blake2b
from zlib import crc32

from simulator.collector.customers import PRIORITY, Customers, Identity
from simulator.collector.faults.fault import register
from simulator.collector.faults.planting import RewrittenTotals, counted_by, sql
from simulator.collector.totals import EVERYTHING, Figures, Within
from simulator.times import Ms

seed = partial(register, "users")

_USERS = "count(DISTINCT CASE WHEN visited THEN user END)"
_COUNTED = "at, user, viewed, visited, opened,\n"
_FIRST = "row_number() OVER (PARTITION BY visited, user ORDER BY at, id) = 1"

# ---- how many there are -------------------------------------------------------------------------------------------


def with_short_hash(connection: sqlite3.Connection) -> None:
    connection.create_function(
        "short_hash", 1, lambda user: None if user is None else crc32(user.encode()) % 61, deterministic=True
    )


seed(
    "uv-by-short-hash",
    "counts users by a hash so short that some of them meet",
    sql(("tally", _COUNTED, "at, short_hash(user), viewed, visited, opened,\n"), prepare=with_short_hash),
    scenario="identities",
    moves="uv",
    finding="aggregation",
    one_visitor=False,
)


class Sketch:
    """HyperLogLog with 64 registers: how many different values there are, to an eighth.

    Source: Flajolet et al., "HyperLogLog", 2007, figure 3; without its correction for small counts, so one value
    already looks like 46.
    """

    def __init__(self) -> None:
        self._registers = [0] * 64

    def step(self, value: object, /) -> None:
        if value is not None:
            bits = int.from_bytes(blake2b(str(value).encode(), digest_size=4).digest())
            rank = 27 - (bits >> 6).bit_length()  # of 26 bits, the place of the first 1
            self._registers[bits & 63] = max(self._registers[bits & 63], rank)

    def finalize(self) -> int:
        if not any(self._registers):
            return 0
        return round(0.709 * 64 * 64 / sum(2.0**-rank for rank in self._registers))


def with_sketch(connection: sqlite3.Connection) -> None:
    connection.create_aggregate("sketch", 1, Sketch)


seed(
    "uv-estimated",
    "estimates the number of users by a HyperLogLog of 64 registers",
    sql(("cells", _USERS, "sketch(CASE WHEN visited THEN user END)"), prepare=with_sketch),
    scenario="identities",
    moves="uv",
    finding="aggregation",
)

seed(
    "uv-by-open",
    "counts a user again with each open",
    sql(
        (
            "tally",
            _COUNTED,
            "at, user || '/' || sum(opened) OVER (PARTITION BY user ORDER BY at, id), viewed, visited, opened,\n",
        )
    ),
    scenario="identities",
    moves="uv",
    finding="aggregation",
)

seed(
    "uv-summed-over-days",
    "adds up the users of each day",
    sql(("tally", _COUNTED, "at, user || '/' || day, viewed, visited, opened,\n")),
    scenario="identities",
    moves="uv",
    finding="aggregation",
)


class SummedOverSources(RewrittenTotals):
    """The users in total are those of each source added up; every other cell is right."""

    def cells(
        self, by: str, begin: Ms | None = None, end: Ms | None = None, within: Within = EVERYTHING
    ) -> dict[str, Figures]:
        self._edits = (("cells", "THEN user END", "THEN user || '/' || source END"),) if by == "all" else ()
        return super().cells(by, begin, end, within)


seed(
    "uv-summed-over-sources",
    "adds up the users of each source for the total",
    counted_by(SummedOverSources),
    scenario="sources",
    moves="uv",
    finding="aggregation",
)

# ---- who they are -------------------------------------------------------------------------------------------------

_STRETCH = "max(openid) OVER (PARTITION BY anonymous_id, turn) AS openid"

seed(
    "anonymous-apart",
    "takes the anonymous events of somebody who is identified on the same device for another user",
    sql(("person_openid", _STRETCH, "openid")),
    scenario="identities",
    moves="uv new_users",
    finding="aggregation",
)

seed(
    "identified-from-then-on",
    "leaves what came before the first identification to an anonymous user",
    sql(
        (
            "person_openid",
            "max(count(openid) OVER (PARTITION BY anonymous_id ORDER BY at, id), 1) AS turn",
            "count(openid) OVER (PARTITION BY anonymous_id ORDER BY at, id) AS turn",
        )
    ),
    scenario="identities",
    moves="uv new_users",
    finding="aggregation",
)

seed(
    "one-user-a-device",
    "gives all events of a shared phone to one of its users",
    sql(("person_openid", _STRETCH, "max(openid) OVER (PARTITION BY anonymous_id) AS openid")),
    scenario="sharing",
    moves="uv new_users",
    finding="aggregation",
)


class NotJoined(Customers):
    """Each set of identities is a customer, called by its own best identity."""

    def _join(self, text: str) -> None:
        self._sets[text] = best = min(_identities(text), key=_rank)
        self._root(best)


def _identities(text: str) -> list[Identity]:
    return [(kind, value) for kind, value in json.loads(text)]


def _rank(identity: Identity) -> int:
    return PRIORITY.index(identity[0]) if identity[0] in PRIORITY else len(PRIORITY)


seed(
    "customers-not-joined",
    "names the customer of an event by its best identity, and joins nothing",
    sql(customers=NotJoined),
    scenario="sharing",
    moves="uv new_users",
    finding="aggregation",
    user="customer",
)


class JoinedFromThenOn(Customers):
    """A set of identities keeps the name that its customer had when the set first occurred, by the events' time."""

    def refresh(self, connection: sqlite3.Connection) -> None:
        self._forget("")
        connection.execute("DELETE FROM customer_of")
        sets = connection.execute(
            "SELECT identities FROM event WHERE identities IS NOT NULL GROUP BY identities ORDER BY min(at), min(id)"
        )
        for (text,) in sets.fetchall():
            self._join(text)
            name = self._names()[self._root(self._sets[text])]
            connection.execute("INSERT INTO customer_of VALUES (?, ?)", (text, name))


seed(
    "join-not-retroactive",
    "joins two identities from then on, and leaves what came before to another customer",
    sql(customers=JoinedFromThenOn),
    scenario="sharing",
    moves="uv new_users",
    finding="aggregation",
    user="customer",
)


class WrongPairJoined(Customers):
    """Each fifth set of identities is joined with whatever set was looked at before it."""

    def _join(self, text: str) -> None:
        before = next(reversed(self._sets.values()), None)
        super()._join(text)
        if before is not None and len(self._sets) % 5 == 0:
            self._parent[self._root(before)] = self._root(self._sets[text])


seed(
    "wrong-pair-joined",
    "joins each fifth customer with a stranger",
    sql(customers=WrongPairJoined),
    scenario="sharing",
    moves="uv new_users",
    finding="aggregation",
    one_visitor=False,
    user="customer",
)


class ConflictKeptApart(Customers):
    """An openid is a customer, whatever else it occurs with: a mobile joins nobody."""

    def _join(self, text: str) -> None:
        identities = _identities(text)
        openid = next((one for one in identities if one[0] == "applet-wechat"), None)
        if openid is None:
            super()._join(text)
        else:
            self._sets[text] = openid
            self._root(openid)


seed(
    "conflict-kept-apart",
    "counts two customers who share a mobile as two",
    sql(customers=ConflictKeptApart),
    scenario="sharing",
    moves="uv new_users",
    finding="aggregation",
    user="customer",
)

seed(
    "device-joins-customers",
    "takes two customers with one phone for one",
    sql(
        (
            "person_customer",
            "max(identities) OVER (PARTITION BY anonymous_id, turn)",
            "max(identities) OVER (PARTITION BY anonymous_id)",
        )
    ),
    scenario="sharing",
    moves="uv new_users",
    finding="aggregation",
    user="customer",
)

# ---- who is new ---------------------------------------------------------------------------------------------------

seed(
    "new-each-day",
    "takes a user for new again on each day",
    sql(("tally", "PARTITION BY visited, user ORDER", "PARTITION BY visited, user, day ORDER")),
    scenario="sources",
    moves="new_users",
    finding="aggregation",
)

seed(
    "new-each-source",
    "takes a user for new again with each source",
    sql(("tally", "PARTITION BY visited, user ORDER", "PARTITION BY visited, user, source ORDER")),
    scenario="sources",
    moves="new_users",
    finding="aggregation",
)

seed(
    "new-each-device",
    "takes a user for new again on a second phone",
    sql(
        ("tally", "SELECT id, at, source,", "SELECT id, at, anonymous_id, source,"),
        ("tally", "PARTITION BY visited, user ORDER", "PARTITION BY visited, anonymous_id ORDER"),
    ),
    scenario="identities",
    moves="new_users",
    finding="aggregation",
)

seed(
    "new-is-whoever-comes",
    "takes everybody who comes in the period for new",
    sql(("cells", "sum(debut)", _USERS)),
    scenario="identities",
    moves="new_users",
    finding="aggregation",
)

seed(
    "new-after-a-day",
    "takes a user for new again after a day without a visit",
    sql(
        (
            "tally",
            _FIRST,
            "coalesce(at - lag(at) OVER (PARTITION BY visited, user ORDER BY at, id) > 86400000, 1)",
        )
    ),
    scenario="identities",
    moves="new_users",
    finding="aggregation",
)

seed(
    "new-by-arrival",
    "counts a new user in the cell of the visit that arrived first, not of the one that was first",
    sql(("tally", "PARTITION BY visited, user ORDER BY at, id", "PARTITION BY visited, user ORDER BY id")),
    scenario="deliveries",
    moves="new_users",
    finding="attribution",
)
