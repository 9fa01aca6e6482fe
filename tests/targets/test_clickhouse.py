"""Totals out of ClickHouse, by its real client and a small stand-in for the server: what is really sent to it."""

from __future__ import annotations

import socket
import time

from simulator.scenario.target_reading import SqlSection
from simulator.verify.readers.reading import Reading
from simulator.verify.readers.sql_totals import SqlTotals
from tests.targets.settings import BEGIN, END, setting
from tests.targets.small_clickhouse import clickhouse

QUERY = "SELECT count() AS pv FROM event WHERE at >= :from AND at < :to AND startsWith(id, :namespace)"


def totals(url: str, query: str, timeout: str = "10s", seconds: float | None = None) -> Reading:
    section = SqlSection.model_validate({"database": url, "queries": {"all": query}, "timeout": timeout})
    reader = SqlTotals(section, setting())
    try:
        return reader.read(BEGIN, END, seconds=seconds)
    finally:
        reader.close()


def test_a_query_can_only_read_and_ends_in_time() -> None:
    with clickhouse() as (url, asked):
        reading = totals(url, QUERY, "4500ms")
        hurried = totals(url, QUERY, seconds=1.5)

    assert reading.cells["all"][""]["pv"] == hurried.cells["all"][""]["pv"] == 5
    # 2: nothing but reading, and the limits of time may be set; whole seconds, since older servers know no others.
    assert [(one.settings["readonly"], one.settings["max_execution_time"]) for one in asked] == [("2", "5"), ("2", "2")]


def test_instants_say_that_they_are_in_utc() -> None:
    """The server's zone is another one; 2026-02-28T16:00Z is 1772294400000."""
    with clickhouse() as (url, asked):
        totals(url, QUERY)

    (one,) = asked
    begin, end = (f"fromUnixTimestamp64Milli(toInt64({at}), 'UTC')" for at in (1772294400000, 1772388000000))
    assert " ".join(one.query.split()).startswith(
        f"SELECT count() AS pv FROM event WHERE at >= {begin} AND at < {end} AND startsWith(id, 'n')"
    )


def test_a_user_who_can_only_read_anyway_is_asked_without_settings() -> None:
    with clickhouse(readonly=1) as (url, asked):
        reading = totals(url, QUERY)

    assert reading.cells["all"][""]["pv"] == 5
    assert not {"readonly", "max_execution_time"} & asked[0].settings.keys()


def test_a_query_that_is_not_answered_is_given_up_in_time() -> None:
    with clickhouse() as (url, asked):
        began = time.monotonic()
        reading = totals(url, "SELECT count() AS pv FROM stall", "1s")

    assert time.monotonic() - began < 4  # 2 s in all on a quiet machine
    assert len(asked) == 1  # and it is not asked again
    assert reading.errors["all"].startswith("the query for all: the query was not done after 1 s")


def test_a_server_that_says_nothing_is_given_up_in_time() -> None:
    with socket.create_server(("127.0.0.1", 0)) as deaf:
        began = time.monotonic()
        reading = totals(f"clickhousedb://127.0.0.1:{deaf.getsockname()[1]}/analytics", QUERY, "1s")

    assert time.monotonic() - began < 6
    assert reading.errors["all"]
