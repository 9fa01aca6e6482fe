"""One database, read by queries of a target file: in a transaction that can only read, with a time limit on each query.

SQLAlchemy is asked for only here, and only when a target file names a database: it is an extra of the package.
"""

from __future__ import annotations

import importlib
import math
import os
import sqlite3
import time
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from datetime import datetime
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from simulator.errors import UsageError
from simulator.scenario.secret import FromEnvironment
from simulator.scenario.target_reading import DatabaseSection
from simulator.times import Ms, utc
from simulator.verify.readers.events import TooMany
from simulator.verify.readers.fetch import Unreadable
from simulator.verify.readers.setting import Setting

if TYPE_CHECKING:
    from sqlalchemy import Connection, Engine

_DRIVERS = {"postgresql": "postgresql+psycopg", "mysql": "mysql+pymysql", "mariadb": "mariadb+pymysql"}
_CLICKHOUSE = "clickhousedb"  # scheme and dialect
_EXTRAS = {"postgresql": "postgresql", "mysql": "mysql", "mariadb": "mysql", _CLICKHOUSE: "clickhouse"}
_STEPS = 10_000  # of SQLite's machine between two looks at the clock
_SHOWN = 300  # characters of what a database says


class Database:
    """A database that is only read from. Connects at the first query."""

    def __init__(self, section: DatabaseSection, setting: Setting) -> None:
        self._section, self._setting = section, setting
        self._engine = _engine(section, setting)
        self._dialect = self._engine.dialect.name

    def ask(
        self, query: str, parameters: Mapping[str, Any], most: int, seconds: float | None = None
    ) -> tuple[tuple[str, ...], list[tuple[Any, ...]]]:
        """The names of a query's columns, and its rows.

        Args:
            parameters: what may be bound; the query takes those that it names.
            most: more rows are an error.
            seconds: where that is less than the target file says.

        Raises:
            Unreadable: no connection, a query that fails or takes too long.
            TooMany: more rows than `most`.
        """
        from sqlalchemy import text  # noqa: PLC0415

        limit = min(seconds or self._section.timeout / 1000, self._section.timeout / 1000)
        with self._connection(limit) as connection:
            asked = text(query)
            if self._dialect == _CLICKHOUSE:
                asked = asked.bindparams(*_clickhouse_instants(asked._bindparams))
            bound = {name: value for name, value in parameters.items() if name in asked._bindparams}
            found = connection.execution_options(stream_results=self._dialect == "postgresql").execute(asked, bound)
            names = tuple(found.keys())
            rows: list[tuple[Any, ...]] = []
            for row in found:
                if len(rows) == most:
                    raise TooMany(f"more than {most:,} rows")
                rows.append(tuple(row))
            return names, rows

    def parameters(self, begin: Ms, end: Ms) -> dict[str, Any]:
        """What a query can name: the placeholders, with `from` and `to` as instants of the database's own kind."""
        values: dict[str, Any] = dict(self._setting.placeholders(begin, end))
        for name in ("from_ms", "to_ms", "from_s", "to_s"):
            values[name] = int(values[name])
        if self._dialect == _CLICKHOUSE:
            values["from"], values["to"] = begin, end  # and the query says that they are instants
        elif self._dialect != "sqlite":  # which has no instants but texts
            values["from"], values["to"] = self._instant(begin), self._instant(end)
        return values

    def _instant(self, at: Ms) -> datetime:
        # MySQL's instants have no zone; those of a collector are best in UTC.
        return utc(at) if self._dialect == "postgresql" else utc(at).replace(tzinfo=None)

    def close(self) -> None:
        """Close its connections."""
        self._engine.dispose()

    @contextmanager
    def _connection(self, seconds: float) -> Iterator[Connection]:
        from sqlalchemy.exc import SQLAlchemyError  # noqa: PLC0415

        try:
            with self._engine.connect() as connection, _limited(connection, self._dialect, seconds):
                try:
                    yield connection
                finally:
                    connection.rollback()
        except SQLAlchemyError as failed:
            raise Unreadable(self._said(failed, seconds)) from None
        except (OSError, ValueError, OverflowError) as failed:
            raise Unreadable(self._said(failed, seconds)) from None

    def _said(self, failed: Exception, seconds: float) -> str:
        """What the database says, in one line, without the query and what was bound."""
        original = getattr(failed, "orig", None) or failed
        text = " ".join(str(original).split("\n[SQL:")[0].split())
        text = self._setting.secrets.hidden(text)[:_SHOWN]
        if any(word in text.lower() for word in _TIMEOUTS):
            return f"the query was not done after {seconds:g} s ({text})"
        return text or type(failed).__name__


_TIMEOUTS = (
    "statement timeout",
    "interrupted",
    "maximum statement execution time",
    "max_statement_time",
    "timeout_exceeded",
    "timeout exceeded",
    "read timed out",
)


def _engine(section: DatabaseSection, setting: Setting) -> Engine:
    """An engine that keeps one connection.

    Raises:
        UsageError: SQLAlchemy or the driver is not installed, or the URL is none.
    """
    try:
        sqlalchemy = importlib.import_module("sqlalchemy")
    except ImportError as missing:
        raise UsageError(
            "totals by SQL need SQLAlchemy: pip install 'miniprogram-simulator[sql]', or [postgresql], [mysql]"
        ) from missing
    given = setting.secrets.value(section.database)
    scheme = urlsplit(given).scheme
    backend = scheme.partition("+")[0]
    hint = f": pip install 'miniprogram-simulator[{_EXTRAS[backend]}]'" if backend in _EXTRAS else ""
    if scheme in _DRIVERS:
        given = given.replace(f"{scheme}:", f"{_DRIVERS[scheme]}:", 1)
    try:
        url = sqlalchemy.engine.make_url(given)
        if url.password and isinstance(section.database, FromEnvironment):
            setting.secrets.keep(str(url.password), section.database.env)
        if section.password is not None:
            url = url.set(password=setting.secrets.value(section.password))
        if backend == "sqlite":
            return _sqlite(sqlalchemy, url, setting)
        more: dict[str, Any] = {}
        if backend == _CLICKHOUSE:
            whole = _whole_seconds(section.timeout / 1000)
            more["connect_args"] = {"connect_timeout": whole, "send_receive_timeout": whole, "query_retries": 0}
        engine: Engine = sqlalchemy.create_engine(url, pool_size=1, max_overflow=0, pool_pre_ping=True, **more)
    except sqlalchemy.exc.NoSuchModuleError as unknown:
        raise UsageError(f"no dialect of SQLAlchemy is called {scheme}{hint}") from unknown
    except ImportError as missing:
        raise UsageError(f"the driver for {scheme} is not installed ({missing.name}){hint}") from missing
    except (sqlalchemy.exc.ArgumentError, ValueError) as bad:
        raise UsageError(
            "the database's URL cannot be read; expected such as postgresql+psycopg://reader@127.0.0.1/analytics"
        ) from (None if isinstance(section.database, FromEnvironment) else bad)
    return engine


def _sqlite(sqlalchemy: Any, url: Any, setting: Setting) -> Engine:
    """SQLite's file, opened for reading only; it must be there, because opening one makes it."""
    path = setting.folder / (url.database or "")
    if not path.is_file():
        raise UsageError(f"the database {os.fspath(path)} is not there")

    def connect() -> sqlite3.Connection:
        return sqlite3.connect(f"{path.absolute().as_uri()}?mode=ro", uri=True, check_same_thread=False, timeout=5)

    engine: Engine = sqlalchemy.create_engine("sqlite://", creator=connect, poolclass=sqlalchemy.pool.StaticPool)
    return engine


@contextmanager
def _limited(connection: Connection, dialect: str, seconds: float) -> Iterator[None]:
    """A transaction that cannot write, and whose statements end in time."""
    milliseconds = max(int(seconds * 1000), 1)
    if dialect == _CLICKHOUSE:
        _limit_clickhouse(connection, seconds)
    if dialect == "sqlite":
        raw = connection.connection.driver_connection
        assert isinstance(raw, sqlite3.Connection)
        deadline = time.monotonic() + seconds
        connection.exec_driver_sql("PRAGMA query_only = ON")
        raw.set_progress_handler(lambda: int(time.monotonic() > deadline), _STEPS)
        try:
            yield
        finally:
            raw.set_progress_handler(None, 0)
        return
    if dialect == "postgresql":
        connection.exec_driver_sql("SET TRANSACTION READ ONLY")
        connection.exec_driver_sql(f"SET LOCAL statement_timeout = {milliseconds}")
    elif dialect in ("mysql", "mariadb"):
        if getattr(connection.dialect, "is_mariadb", False):
            connection.exec_driver_sql(f"SET SESSION max_statement_time = {seconds:.3f}")
        else:
            connection.exec_driver_sql(f"SET SESSION max_execution_time = {milliseconds}")
        connection.rollback()
        connection.exec_driver_sql("SET SESSION TRANSACTION READ ONLY")
        connection.rollback()
        connection.exec_driver_sql("SET time_zone = '+00:00'")
    yield


# ---- ClickHouse ---------------------------------------------------------------------------------------------------


def _whole_seconds(seconds: float) -> int:
    return max(math.ceil(seconds), 1)


def _limit_clickhouse(connection: Connection, seconds: float) -> None:
    """Settings of every query from now on; ClickHouse has no transactions.

    `readonly=2` lets nothing but reading, and limits be set. Where the user's profile lets no setting be changed,
    nothing is written either, and the client's own timeouts are the limit.
    """
    client: Any = connection.connection.driver_connection.client  # type: ignore[union-attr]
    for name, value in (("readonly", 2), ("max_execution_time", _whole_seconds(seconds))):
        known = client.server_settings.get(name)
        if known is None or not known.readonly:
            client.set_client_setting(name, value)


def _clickhouse_instants(names: Iterable[str]) -> list[Any]:
    """`from` and `to`, where a query names them, as what is an instant whatever the server's zone is."""
    from sqlalchemy import BigInteger, bindparam, func, literal_column  # noqa: PLC0415
    from sqlalchemy.types import TypeDecorator  # noqa: PLC0415

    class Instant(TypeDecorator[int]):
        impl = BigInteger
        cache_ok = True

        def bind_expression(self, bindparam: Any) -> Any:
            return func.fromUnixTimestamp64Milli(func.toInt64(bindparam), literal_column("'UTC'"))

    return [bindparam(name, type_=Instant()) for name in ("from", "to") if name in names]
