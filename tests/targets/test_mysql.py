"""Totals and events by SQL from MariaDB, as MySQL's dialect reads it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from simulator.scenario.target_reading import SqlEventsSection, SqlSection
from simulator.verify.readers.reading import Reading
from simulator.verify.readers.sql_events import SqlEvents
from simulator.verify.readers.sql_totals import SqlTotals
from tests.targets.components import Mariadb, mariadb, needs_mariadb
from tests.targets.settings import BEGIN, END, setting

pytestmark = [pytest.mark.slow, needs_mariadb]

TABLE = [
    "CREATE TABLE event (id VARCHAR(64), event VARCHAR(64), at DATETIME(3), device VARCHAR(64), source VARCHAR(255))",
    "INSERT INTO event VALUES ('n.0.1', 'mini_program_open', '2026-02-28 16:00:00.000', 'd0', 'ad'), "
    "('n.0.2', 'mini_program_view', '2026-02-28 16:00:00.001', 'd0', '广告'), "
    "('n.1.1', 'mini_program_view', '2026-02-28 17:30:00.000', 'd1', '广告'), "
    "('n.1.2', 'mini_program_view', '2026-02-28 15:59:59.999', 'd1', '')",
]
IN_PERIOD = "FROM event WHERE at >= :from AND at < :to AND id LIKE CONCAT(:namespace, '.%')"


def section(server: Mariadb, **more: Any) -> dict[str, Any]:
    return {"database": server.url, "password": {"env": "PW"}, **more}


def totals(server: Mariadb, **more: Any) -> Reading:
    given = SqlSection.model_validate(section(server, **more))
    reader = SqlTotals(given, setting(environment={"PW": server.password}))
    try:
        return reader.read(BEGIN, END)
    finally:
        reader.close()


def test_mysql_is_read(tmp_path: Path) -> None:
    queries = {
        "all": f"SELECT SUM(event = 'mini_program_view') AS pv, COUNT(DISTINCT device) AS uv {IN_PERIOD}",
        "source": f"SELECT source AS cell, COUNT(*) AS pv {IN_PERIOD} AND event = 'mini_program_view' GROUP BY 1",
        "hour": "SELECT DATE_FORMAT(CONVERT_TZ(at, '+00:00', '+08:00'), '%Y-%m-%dT%H:00+08:00') AS cell, "
        f"COUNT(*) AS pv {IN_PERIOD} GROUP BY 1",
        "day": f"SELECT DATE(CONVERT_TZ(at, '+00:00', '+08:00')) AS cell, COUNT(*) AS pv {IN_PERIOD} GROUP BY 1",
    }
    with mariadb(tmp_path / "mariadb", TABLE) as server:
        reading = totals(server, queries=queries)
        slow = totals(server, queries={"all": "SELECT SLEEP(5) AS pv"}, timeout="300ms")
        writing = totals(
            server, queries={"all": "WITH x AS (SELECT 1) SELECT LAST_INSERT_ID() AS pv INTO OUTFILE '/x'"}
        )
        query = "SELECT id AS external_id, event, at AS date, source FROM event ORDER BY id"
        given = SqlEventsSection.model_validate(section(server, query=query))
        listed = list(SqlEvents(given, setting(environment={"PW": server.password})).events("good"))

    assert reading.error.replace("the target file does not say where it stands", "") == ""
    assert reading.cells["all"][""]["pv"] == 2
    assert reading.cells["all"][""]["uv"] == 2
    assert {cell: values["pv"] for cell, values in reading.cells["source"].items()} == {"广告": 2}
    assert {cell: values["pv"] for cell, values in reading.cells["hour"].items()} == {
        "2026-03-01T00:00+08:00": 2, "2026-03-01T01:00+08:00": 1,
    }  # fmt: skip
    assert {cell: values["pv"] for cell, values in reading.cells["day"].items()} == {"2026-03-01": 3}
    assert "the query was not done after 0.3 s" in slow.errors["all"]
    assert writing.errors["all"]
    assert [event.date for event in listed[:2]] == [BEGIN, BEGIN + 1]
    assert listed[1].source == "广告"
