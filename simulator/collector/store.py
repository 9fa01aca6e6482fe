"""The stored rows: one SQLite file, one writer thread, group commit, and an answer only after the commit.

While one batch is being committed the next one gathers, so under load a commit is shared by everything that arrived
meanwhile, and an idle collector commits at once. synchronous=FULL: with a commit shared by a batch its fsync costs
about a tenth of the throughput, and then "stored" survives a power cut too. NORMAL, which in WAL mode survives the
death of the process only, is what to choose should a disk with slow fsyncs ever make the collector the bottleneck.

What is not here: reading (totals.py, listing.py), which has a connection of its own and never waits for the writer.
"""

from __future__ import annotations

import asyncio
import json
import os
import sqlite3
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from functools import partial
from pathlib import Path
from typing import NamedTuple

from simulator.collector.ingest import BadRow, EventRow
from simulator.contract import Definitions
from simulator.errors import UsageError

APPLICATION_ID = 0x6D707369  # "mpsi": tells our file from any other SQLite file
SCHEMA_VERSION = 1
_SQL = Path(__file__).parent / "sql"
# Rows go in by statements of so many rows: a statement gives the interpreter lock away once, whatever it inserts, and
# waiting to get it back beside a busy event loop is what costs.
_ROWS_PER_STATEMENT = (256, 64, 16, 4, 1)


class StoreFailed(Exception):
    """The database did not take the rows, such as on a full disk; nothing of the batch is stored."""


class _Waiting(NamedTuple):
    events: Sequence[EventRow]
    bad: Sequence[BadRow]
    stored: asyncio.Future[None]


class Store:
    """The writing side of one open file. Its methods belong to the event loop's thread."""

    def __init__(self, path: Path, connection: sqlite3.Connection) -> None:
        self.path = path
        # Code to complete URL; a copy of the table, so that a lookup never waits for a count.
        self.links: dict[str, str] = dict(connection.execute("SELECT code, url FROM source_link"))
        self._connection = connection
        self._writer = ThreadPoolExecutor(1, "collector-writer")
        self._waiting: list[_Waiting] = []
        self._draining: asyncio.Task[None] | None = None

    async def append(self, events: Sequence[EventRow], bad: Sequence[BadRow] = ()) -> None:
        """Store rows; returns after the commit that holds them all. A duplicate is left out without a word.

        Raises:
            StoreFailed: nothing was stored.
        """
        loop = asyncio.get_running_loop()
        stored: asyncio.Future[None] = loop.create_future()
        self._waiting.append(_Waiting(events, bad, stored))
        if self._draining is None:
            self._draining = loop.create_task(self._drain())
        await stored

    async def _drain(self) -> None:
        """Commit batch after batch until nothing waits."""
        while self._waiting:
            batch, self._waiting = self._waiting, []
            failure = await self._write(partial(self._insert, batch))
            for waiting in batch:
                if waiting.stored.done():  # its request was cancelled meanwhile
                    continue
                if failure is None:
                    waiting.stored.set_result(None)
                else:
                    waiting.stored.set_exception(failure)
        self._draining = None

    async def _write(self, work: Callable[[], None]) -> StoreFailed | None:
        """Run a transaction on the writer thread: committed, or rolled back with the reason."""
        return await asyncio.get_running_loop().run_in_executor(self._writer, self._transaction, work)

    def _transaction(self, work: Callable[[], None]) -> StoreFailed | None:
        try:
            self._connection.execute("BEGIN IMMEDIATE")
            work()
            self._connection.execute("COMMIT")
        except Exception as failed:  # noqa: BLE001  whatever it was, those who wait for the batch must hear of it
            with suppress(sqlite3.Error):
                self._connection.rollback()
            return StoreFailed(f"the collector's database did not take it: {failed}")
        return None

    def _insert(self, batch: Sequence[_Waiting]) -> None:
        _insert_rows(self._connection, "event", EventRow._fields, [row for item in batch for row in item.events])
        _insert_rows(self._connection, "bad_event", BadRow._fields, [row for item in batch for row in item.bad])

    async def register(self, code: str, url: str) -> None:
        """Remember the complete URL of a code; a code registered before gets the new URL.

        Raises:
            StoreFailed: nothing was stored.
        """

        def remember() -> None:
            self._connection.execute("INSERT OR REPLACE INTO source_link VALUES (?, ?)", (code, url))

        failure = await self._write(remember)
        if failure is not None:
            raise failure
        self.links[code] = url

    async def reset(self) -> None:
        """Forget every event, good and bad. Registered links stay, and ids go on counting.

        Raises:
            StoreFailed: nothing was removed.
        """

        def forget() -> None:
            for statement in ("DELETE FROM event", "DELETE FROM bad_event"):
                self._connection.execute(statement)
            generation = read_setting(self._connection, "generation", "0")
            _write_setting(self._connection, "generation", str(int(generation) + 1))

        failure = await self._write(forget)
        if failure is not None:
            raise failure

    def note_definitions(self, definitions: Definitions) -> str:
        """Remember the definitions in force; a sentence when the file was last counted by others, else empty."""
        before = read_setting(self._connection, "definitions", "")
        now = json.dumps(definitions.as_json(), sort_keys=True)
        if before != now:
            _write_setting(self._connection, "definitions", now)
        if before in {"", now}:
            return ""
        return (
            f"{self.path} was last counted with {_in_words(before)}; now with {_in_words(now)}. "
            "Definitions are switches of counting only: the stored events stay and are counted anew."
        )

    def close(self) -> None:
        """Wait for the writer and fold the log into the file, so that one file is all there is."""
        self._writer.shutdown()
        try:
            self._connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        finally:
            self._connection.close()


def _insert_rows(
    connection: sqlite3.Connection, table: str, columns: Sequence[str], rows: Sequence[Iterable[object]]
) -> None:
    """Insert rows in their order; one whose unique key is there already is left out."""
    done = 0
    for size in _ROWS_PER_STATEMENT:
        while len(rows) - done >= size:
            chunk = rows[done : done + size]
            connection.execute(_insertion(table, tuple(columns), size), [value for row in chunk for value in row])
            done += size


_insertions: dict[tuple[str, int], str] = {}


def _insertion(table: str, columns: tuple[str, ...], size: int) -> str:
    """The statement for so many rows; the same object each time, which sqlite3 has prepared already."""
    statement = _insertions.get((table, size))
    if statement is None:
        row = "(" + ",".join("?" * len(columns)) + ")"
        # Table and columns are names of this package, never text from outside.
        statement = f"INSERT OR IGNORE INTO {table} ({','.join(columns)}) VALUES {','.join([row] * size)}"  # noqa: S608
        _insertions[table, size] = statement
    return statement


def read_setting(connection: sqlite3.Connection, name: str, missing: str) -> str:
    """A value that the file remembers about itself."""
    row = connection.execute("SELECT value FROM setting WHERE name = ?", (name,)).fetchone()
    return missing if row is None else str(row[0])


def _write_setting(connection: sqlite3.Connection, name: str, value: str) -> None:
    """Remember a value about the file in the file."""
    connection.execute("INSERT OR REPLACE INTO setting VALUES (?, ?)", (name, value))


def open_store(path: Path, *, fsync: bool = True) -> Store:
    """Open the file for writing, or create it.

    Args:
        fsync: a commit waits for the disk. Without, the system writes when it likes, and a power cut may cost the file.

    Raises:
        UsageError: it cannot be written, is something else than a collector's file, or of another version.
    """
    if path.exists() and not os.access(path, os.W_OK):
        raise UsageError(f"{path}: no permission to write; choose another file with --db")
    try:
        connection = sqlite3.connect(path, timeout=30, isolation_level=None, check_same_thread=False)
        try:
            _prepare(connection, path, fsync=fsync)
        except BaseException:
            connection.close()
            raise
    except sqlite3.Error as failed:
        raise UsageError(f"{path}: cannot be used as the collector's database: {failed}") from failed
    return Store(path, connection)


def _prepare(connection: sqlite3.Connection, path: Path, *, fsync: bool) -> None:
    """Check whose file it is, give an empty one the schema, and set what holds for the connection."""
    (application,) = connection.execute("PRAGMA application_id").fetchone()
    (version,) = connection.execute("PRAGMA user_version").fetchone()
    (tables,) = connection.execute("SELECT count(*) FROM sqlite_master").fetchone()
    if tables and application != APPLICATION_ID:
        raise UsageError(f"{path}: not a collector's database; choose a new file with --db")
    if tables and version != SCHEMA_VERSION:
        raise UsageError(
            f"{path}: a collector's database of version {version}, this mpsim reads version {SCHEMA_VERSION}; "
            "use the mpsim that wrote it, or a new file with --db"
        )
    connection.execute("PRAGMA journal_mode = WAL")
    connection.execute(f"PRAGMA synchronous = {'FULL' if fsync else 'OFF'}")
    connection.execute("PRAGMA wal_autocheckpoint = 4000")  # pages; fewer, larger checkpoints while a load runs
    if not tables:
        connection.executescript(
            f"BEGIN; {(_SQL / 'schema.sql').read_text(encoding='utf-8')}"
            f"PRAGMA application_id = {APPLICATION_ID}; PRAGMA user_version = {SCHEMA_VERSION}; COMMIT;"
        )


def _in_words(definitions: str) -> str:
    values: dict[str, str] = json.loads(definitions)
    return ", ".join(f"{name} {values[name]}" for name in ("opens", "user", "day") if name in values)
