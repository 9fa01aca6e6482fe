"""Customers: connected components over identities that occurred together in one stored event.

Whatever the order in which they came, and conflicts joined too: two customers that share a mobile are one.
Assumed: the source document states no merge rule for events; see CONTRACT section 3.

The priority mobile > wechat-unionid > applet-wechat only chooses which identity a customer is named by. An identity
is in exactly one component, so that name is a key as well.
"""

from __future__ import annotations

import json
import sqlite3

from simulator.collector.store import read_setting

PRIORITY = ("mobile", "wechat-unionid", "applet-wechat")  # Source: the source document, section 2.4.1
Identity = tuple[str, str]  # type and value


class Customers:
    """The components found so far; only ever joined, so each set of identities is looked at once."""

    def __init__(self) -> None:
        self._forget("")

    def _forget(self, generation: str) -> None:
        self._generation = generation  # changes with a reset of the collector
        self._parent: dict[Identity, Identity] = {}
        self._sets: dict[str, Identity] = {}  # identities of an event, as JSON text, to one of them
        self._last = 0  # id of the last event that was looked at

    def refresh(self, connection: sqlite3.Connection) -> None:
        """Take in what was stored since the last time, and fill table customer_of."""
        generation = read_setting(connection, "generation", "0")
        if generation != self._generation:
            self._forget(generation)
        (last,) = connection.execute("SELECT coalesce(max(id), 0) FROM event").fetchone()
        new = connection.execute(
            "SELECT DISTINCT identities FROM event WHERE id > ? AND id <= ? AND identities IS NOT NULL",
            (self._last, last),
        )
        for (text,) in new:
            if text not in self._sets:
                self._join(text)
        self._last = last
        names = self._names()
        connection.execute("DELETE FROM customer_of")
        connection.executemany(
            "INSERT INTO customer_of VALUES (?, ?)",
            ((text, names[self._root(one)]) for text, one in self._sets.items()),
        )

    def _join(self, text: str) -> None:
        identities: list[Identity] = [(kind, value) for kind, value in json.loads(text)]
        self._sets[text] = identities[0]
        first = self._root(identities[0])
        for other in identities[1:]:
            self._parent[self._root(other)] = first

    def _root(self, identity: Identity) -> Identity:
        """The identity that stands for the component; the way to it is shortened in passing."""
        parent = self._parent.setdefault(identity, identity)
        while parent != (above := self._parent[parent]):
            self._parent[identity] = above
            identity, parent = parent, above
        return parent

    def _names(self) -> dict[Identity, str]:
        """What each component is called, by its root: its identity of the highest priority, the least of several."""
        best: dict[Identity, tuple[int, Identity]] = {}
        for identity in self._parent:
            root = self._root(identity)
            rank = (PRIORITY.index(identity[0]) if identity[0] in PRIORITY else len(PRIORITY), identity)
            if root not in best or rank < best[root]:
                best[root] = rank
        return {root: name_of(*identity) for root, (_, identity) in best.items()}


def name_of(kind: str, value: str) -> str:
    """`type:value`, such as "mobile:13800000000"; a colon inside the type is escaped, so two names never meet."""
    return kind.replace("%", "%25").replace(":", "%3A") + ":" + value
