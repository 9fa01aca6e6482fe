"""Where a fault can be planted: in the decoded fields, in the rows to store, in the statements that count."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path

from simulator.collector.customers import Customers
from simulator.collector.faults.fault import Build
from simulator.collector.ingest import BadRow, EventRow, decode_pairs
from simulator.collector.options import CollectorOptions
from simulator.collector.parts import Collector, ReadEvent
from simulator.collector.store import Store, open_store
from simulator.collector.totals import Totals
from simulator.contract import Definitions

Fields = dict[str, str]
ChangeFields = Callable[[Fields], Fields]
ChangeRow = Callable[[EventRow], Iterable[EventRow]]  # a good row → what is stored of it: none, itself, twice …
Edit = tuple[str, str, str]  # the name of a file in sql/, a part of it, and what stands there instead
Prepare = Callable[[sqlite3.Connection], None]


class NoSuchText(Exception):
    """A statement does not hold the text that a fault replaces exactly once: the fault would do something else."""


# ---- decoding -----------------------------------------------------------------------------------------------------


def fields(change: ChangeFields) -> Build:
    """A collector that makes something else of the fields of a request once they are decoded."""

    def build(options: CollectorOptions) -> Collector:
        return Collector(options, *_parts(options), decode_query=lambda raw: change(decode_pairs(raw)))

    return build


def each_value(change: Callable[[str], str], *keys: str) -> Build:
    """A collector that makes something else of the values of some fields, or of all where none is named."""

    def changed(given: Fields) -> Fields:
        return {key: change(value) if not keys or key in keys else value for key, value in given.items()}

    return fields(changed)


def reading(read_event: ReadEvent) -> Build:
    """A collector that makes something else of decoded fields than the row of an event."""

    def build(options: CollectorOptions) -> Collector:
        return Collector(options, *_parts(options), read_event=read_event)

    return build


# ---- storing ------------------------------------------------------------------------------------------------------


class RowShell(Collector):
    """A collector that stores something else than the good rows that came in."""

    change: ChangeRow

    async def take(self, rows: list[EventRow | BadRow]) -> None:
        stored: list[EventRow | BadRow] = []
        for row in rows:
            stored.extend(self.change(row) if isinstance(row, EventRow) else [row])
        await super().take(stored)


def rows(begin: Callable[[], ChangeRow]) -> Build:
    """A collector that stores what a change makes of each good row.

    Args:
        begin: makes the change, with whatever it remembers from row to row.
    """

    def build(options: CollectorOptions) -> Collector:
        shell = RowShell(options, *_parts(options))
        shell.change = begin()
        return shell

    return build


def shell(kind: type[Collector]) -> Build:
    """A collector of another class."""
    return lambda options: kind(options, *_parts(options))


def links(kind: type[dict[str, str]]) -> Build:
    """A collector that keeps the complete URLs of codes in a dictionary of another kind."""

    def build(options: CollectorOptions) -> Collector:
        store, totals = _parts(options)
        store.links = kind(store.links)
        return Collector(options, store, totals)

    return build


# ---- counting -----------------------------------------------------------------------------------------------------


class RewrittenTotals(Totals):
    """Counting by statements of which some parts read otherwise."""

    def __init__(
        self,
        path: Path,
        definitions: Definitions,
        edits: Sequence[Edit],
        prepare: Prepare | None = None,
        customers: Customers | None = None,
    ) -> None:
        super().__init__(path, definitions)
        self._edits = edits
        self._prepare = prepare
        if customers is not None:
            self._customers = customers

    def sql(self, name: str) -> str:
        text = super().sql(name)
        for edited, old, new in self._edits:
            if edited == name:
                if text.count(old) != 1:
                    raise NoSuchText(f"{name}.sql says {old!r} {text.count(old)} times, not once")
                text = text.replace(old, new)
        return text

    def stored(self) -> sqlite3.Connection:
        is_new = self._connection is None
        connection = super().stored()
        if is_new and self._prepare is not None:
            self._prepare(connection)
        return connection


def sql(*edits: Edit, prepare: Prepare | None = None, customers: Callable[[], Customers] | None = None) -> Build:
    """A collector that counts by other statements.

    Args:
        prepare: something done to the counting connection once, such as giving it a function.
        customers: what joins identities instead.
    """

    def build(options: CollectorOptions) -> Collector:
        others = None if customers is None else customers()
        totals = RewrittenTotals(options.db, options.definitions, edits, prepare, others)
        return Collector(options, open_store(options.db, fsync=options.fsync), totals)

    return build


def counted_by(kind: type[RewrittenTotals], *edits: Edit) -> Build:
    """A collector whose counting is of another class, by statements that may read otherwise."""

    def build(options: CollectorOptions) -> Collector:
        totals = kind(options.db, options.definitions, edits)
        return Collector(options, open_store(options.db, fsync=options.fsync), totals)

    return build


def _parts(options: CollectorOptions) -> tuple[Store, Totals]:
    return open_store(options.db, fsync=options.fsync), Totals(options.db, options.definitions)
