"""Totals and events by SQL: SQLite here, PostgreSQL in test_real_targets.py; only reading, in time, bounded."""

from __future__ import annotations

import sqlite3
import sys
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy

from simulator.errors import UsageError
from simulator.scenario.target_reading import SqlEventsSection, SqlSection
from simulator.verify.readers import sql_totals
from simulator.verify.readers.database import Database
from simulator.verify.readers.events import TooMany
from simulator.verify.readers.fetch import Unreadable
from simulator.verify.readers.reading import Reading
from simulator.verify.readers.sql_events import SqlEvents
from simulator.verify.readers.sql_totals import SqlTotals
from tests.targets.settings import BEGIN, END, setting

ROWS = [
    ("n.0.1", "mini_program_open", 1772326800000, "d0", '[["applet-wechat", "o0"]]', "ad", ""),
    ("n.0.2", "mini_program_view", 1772326801000, "d0", "", "ad", "pages/a"),
    ("n.1.1", "mini_program_view", 1772330400000, "d1", "", "", "pages/b"),
    ("m.1.1", "mini_program_view", 1772330400000, "d1", "", "", "pages/b"),
    ("n.1.2", "mini_program_view", 1, "d1", "", "", "pages/b"),
]
VIEWS = "SELECT count(*) AS pv FROM event WHERE event LIKE '%view' AND at >= :from_ms AND at < :to_ms"


@pytest.fixture
def database(tmp_path: Path) -> Path:
    with sqlite3.connect(tmp_path / "events.db") as connection:
        connection.execute("CREATE TABLE event (id, event, at, device, identities, source, page)")
        connection.executemany("INSERT INTO event VALUES (?, ?, ?, ?, ?, ?, ?)", ROWS)
    connection.close()
    return tmp_path


def totals(folder: Path, queries: dict[str, Any], **more: Any) -> Reading:
    section = SqlSection.model_validate({"database": "sqlite:///events.db", "queries": queries, **more})
    reader = SqlTotals(section, setting(folder=folder))
    try:
        return reader.read(BEGIN, END)
    finally:
        reader.close()


def test_a_query_gives_the_figures_that_its_columns_are_named_for(database: Path) -> None:
    by_source = "SELECT source AS cell, count(*) AS PV, count(DISTINCT device) AS uv FROM event GROUP BY 1"

    reading = totals(database, {"all": f"{VIEWS} AND id LIKE :namespace || '.%'", "source": by_source})

    assert reading.cells["all"][""] == {"pv": 2, "uv": None, "opens": None, "new_users": None}
    assert reading.cells["source"]["ad"]["uv"] == 1
    assert reading.cells["source"]["(none)"]["pv"] == 3
    assert reading.missing["opens", "source"] == "the target file does not say where it stands"
    assert not reading.errors


def test_several_queries_tell_of_one_kind_of_cell(database: Path) -> None:
    queries = [
        "SELECT source AS cell, count(*) AS pv FROM event WHERE event LIKE '%view' GROUP BY 1",
        "SELECT source AS cell, count(*) AS opens FROM event WHERE event LIKE '%open' GROUP BY 1",
    ]

    cells = totals(database, {"source": queries}).cells["source"]

    assert cells["(none)"] == {"pv": 3, "uv": None, "opens": 0, "new_users": None}
    assert cells["ad"] == {"pv": 1, "uv": None, "opens": 1, "new_users": None}


def test_one_of_several_queries_that_fails_leaves_its_figures_unread(database: Path) -> None:
    queries = ["SELECT source AS cell, count(*) AS pv FROM event GROUP BY 1", "SELECT gone AS opens FROM event"]

    reading = totals(database, {"source": queries})

    assert reading.errors["source"] == "the query for source, number 2: no such column: gone"
    assert reading.gives("pv", "source")
    assert not reading.gives("opens", "source")


def test_no_rows_are_no_cells_of_the_columns_that_were_asked_for(database: Path) -> None:
    reading = totals(database, {"source": "SELECT source AS cell, count(*) AS pv FROM event WHERE 0 GROUP BY 1"})

    assert reading.cells["source"] == {}
    assert reading.gives("pv", "source")
    assert not reading.gives("uv", "source")


def test_everything_about_the_run_can_be_bound(database: Path) -> None:
    names = ("from", "to", "from_ms", "to_ms", "from_s", "to_s", "from_day", "to_day", "namespace", "zone", "appid")
    query = "SELECT " + " || '|' || ".join(f":{name}" for name in names) + " AS cell, 1 AS pv"

    (cell,) = totals(database, {"source": query}).cells["source"]

    assert cell == (
        "2026-02-28T16:00:00.000Z|2026-03-01T18:00:00.000Z|1772294400000|1772388000000|1772294400|1772388000|"
        "2026-03-01|2026-03-02|n|Asia/Shanghai|wx1"
    )


@pytest.mark.parametrize(
    ("kind", "query", "said"),
    [
        ("all", "SELECT gone AS pv FROM event", "the query for all: no such column: gone"),
        ("all", "SELECT 1 AS pv FROM nowhere", "the query for all: no such table: nowhere"),
        ("all", "SELECT 1 AS pvs", "the query for all: nobody knows its column pvs; did you mean pv?"),
        ("all", "SELECT 1 AS pv WHERE 0", "the query for all: no row, where the total is one"),
        ("all", "SELECT 1 AS pv UNION ALL SELECT 2", "the query for all: more than one row, where the total is one"),
        ("all", "SELECT sum(at) AS pv FROM event WHERE 0", "pv is nothing"),
        ("source", "SELECT 1 AS pv", "the query for source: it has no column cell, which names the cells"),
        ("source", "SELECT 'a' AS cell", "it has no column pv, uv, opens or new_users"),
        ("source", "SELECT x'00' AS cell, 1 AS pv", "the name of a cell is expected to be a text"),
        ("hour", "SELECT 'noon' AS cell, 1 AS pv", "an hour is expected to be such as 2026-03-01T09:00+08:00"),
        ("day", "SELECT '1 March' AS cell, 1 AS pv", "a day is expected to be such as 2026-03-01, not '1 March'"),
        ("all", "WITH x AS (SELECT 1 AS pv) SELECT pv FROM x; DROP TABLE event", "You can only execute one statement"),
        ("all", "WITH x AS (SELECT 1) INSERT INTO event (id) SELECT 1 RETURNING 1 AS pv", "readonly database"),
    ],
)
def test_a_query_that_cannot_be_used_is_told(database: Path, kind: str, query: str, said: str) -> None:
    reading = totals(database, {kind: query})

    assert said in reading.errors[kind]
    assert all(values["pv"] is None for values in reading.cells.get(kind, {}).values())
    with sqlite3.connect(database / "events.db") as connection:
        assert connection.execute("SELECT count(*) FROM event").fetchone() == (5,)
    connection.close()


def test_hours_are_of_the_zone_where_they_say_no_other(database: Path) -> None:
    query = (
        "SELECT '2026-03-01 09:00' AS cell, 1 AS pv UNION ALL SELECT '2026-03-01T02:00Z', 2 "
        "UNION ALL SELECT '2026-03-01T11:30:00+08:00', 3"
    )

    cells = totals(database, {"hour": query}).cells["hour"]

    assert {cell: values["pv"] for cell, values in cells.items()} == {
        "2026-03-01T09:00+08:00": 1,
        "2026-03-01T10:00+08:00": 2,
        "2026-03-01T11:30:00+08:00": 3,
    }


def test_a_query_that_takes_too_long_is_stopped(database: Path) -> None:
    endless = "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n) SELECT count(*) AS pv FROM n"

    reading = totals(database, {"all": endless}, timeout="200ms")

    assert reading.errors["all"] == "the query for all: the query was not done after 0.2 s (interrupted)"


def test_more_cells_than_are_read_are_told(database: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sql_totals, "MOST_CELLS", 2)

    reading = totals(database, {"source": "SELECT id AS cell, 1 AS pv FROM event"})

    assert reading.errors["source"] == "the query for source: more than 2 rows"


def test_a_dialect_that_is_not_installed_is_told_by_its_extra(monkeypatch: pytest.MonkeyPatch) -> None:
    def is_not_there(url: object, **_: object) -> None:
        raise sqlalchemy.exc.NoSuchModuleError(f"Can't load plugin: {url}")

    monkeypatch.setattr(sqlalchemy, "create_engine", is_not_there)
    section = SqlSection.model_validate({"database": "clickhousedb://127.0.0.1/x", "queries": {"all": VIEWS}})

    said = r"no dialect .* clickhousedb: pip install 'miniprogram-simulator\[clickhouse\]'"
    with pytest.raises(UsageError, match=said):
        SqlTotals(section, setting())


@pytest.mark.parametrize(
    ("url", "said"),
    [
        ("sqlite:///gone.db", "the database .*gone.db is not there"),
        ("nosuch://127.0.0.1/x", "no dialect of SQLAlchemy is called nosuch"),
        ("postgresql+psycopg2://127.0.0.1/x", r"not installed \(psycopg2\): pip install .*\[postgresql\]"),
        ("postgresql://127.0.0.1:port/x", "the database's URL cannot be read; expected such as"),
    ],
)
def test_a_database_that_cannot_be_asked_is_a_mistake_before_the_run(database: Path, url: str, said: str) -> None:
    section = SqlSection.model_validate({"database": url, "queries": {"all": VIEWS}})

    with pytest.raises(UsageError, match=said):
        SqlTotals(section, setting(folder=database))


def test_without_sqlalchemy_it_is_said_what_to_install(database: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "sqlalchemy", None)

    with pytest.raises(UsageError, match=r"pip install 'miniprogram-simulator\[sql\]'"):
        totals(database, {"all": VIEWS})


def test_a_server_that_is_not_there_is_told_without_the_password() -> None:
    given = {"database": "postgresql://me@127.0.0.1:1/x", "password": {"env": "PW"}, "queries": {"all": VIEWS}}
    section = SqlSection.model_validate(given)

    reading = SqlTotals(section, setting(environment={"PW": "hidden-word"})).read(BEGIN, END)

    assert "refused" in reading.errors["all"].lower()
    assert "hidden-word" not in str(reading)


def test_instants_are_of_the_database_s_own_kind() -> None:
    def bound(url: str) -> object:
        section = SqlSection.model_validate({"database": url, "queries": {"all": VIEWS}})
        return Database(section, setting()).parameters(BEGIN, END)["from"]

    assert bound("postgresql://127.0.0.1/x") == datetime(2026, 2, 28, 16, tzinfo=UTC)
    assert bound("mysql://127.0.0.1/x") == datetime(2026, 2, 28, 16)  # noqa: DTZ001  MySQL's have no zone


# ---- events -------------------------------------------------------------------------------------------------------


def events(folder: Path, query: str) -> SqlEvents:
    section = SqlEventsSection.model_validate({"database": "sqlite:///events.db", "query": query})
    return SqlEvents(section, setting(folder=folder))


def test_events_are_the_rows_of_a_query(database: Path) -> None:
    query = (
        "SELECT id AS external_id, event, at AS date, device AS anonymous_id, identities, source, page FROM event "
        "WHERE id LIKE :namespace || '.%' ORDER BY rowid"
    )
    reader = events(database, query)

    listed = list(reader.events("good"))

    assert [event.external_id for event in listed] == ["n.0.1", "n.0.2", "n.1.1", "n.1.2"]
    assert [(one.type, one.value) for one in listed[0].identities] == [("applet-wechat", "o0")]
    assert listed[1].date == 1772326801000
    assert reader.fields == {"external_id", "event", "date", "anonymous_id", "identities", "source", "page"}
    assert [event.cursor for event in reader.events("good", after=2)] == [3, 4]
    assert (reader.last_cursor("good"), reader.last_cursor("bad")) == (4, 0)
    for limit in (3, 2, 0):
        with pytest.raises(TooMany, match=f"more than {limit} events are listed"):
            list(reader.events("good", limit=limit))
    with pytest.raises(TooMany, match="more than 1 events are listed"):
        list(reader.events("good", after=1, limit=1))


@pytest.mark.parametrize(
    ("query", "said"),
    [
        ("SELECT id FROM event", "nobody knows the column id of an event"),
        ("SELECT event FROM event", "the query has no column external_id"),
        ("SELECT id AS external_id, 'noon' AS date FROM event", "an instant is expected"),
        ("SELECT id AS external_id, 'x' AS identities FROM event", "identities are expected as JSON"),
        ("SELECT id AS external_id, '[3]' AS identities FROM event", "identities are expected as an object or pairs"),
    ],
)
def test_a_list_that_cannot_be_used_is_told(database: Path, query: str, said: str) -> None:
    with pytest.raises(Unreadable, match=said):
        list(events(database, query).events("good"))
