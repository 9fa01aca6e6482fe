"""Faults in where an event is counted: its source, its page, its hour and its day. The sums stay right."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Callable, Iterable
from datetime import UTC, datetime, timedelta, timezone
from functools import partial

from simulator.collector.faults.fault import register
from simulator.collector.faults.planting import (
    ChangeRow,
    Fields,
    Prepare,
    RewrittenTotals,
    counted_by,
    fields,
    rows,
    sql,
)
from simulator.collector.ingest import EventRow
from simulator.collector.options import CollectorOptions
from simulator.collector.parts import Collector
from simulator.times import DAY, HOUR, MINUTE, Ms, day_cell, hour_cell, parse_instant

seed = partial(register, "labelling")

_QUARTER_HOUR = 15 * MINUTE
_PAGE = "CASE page WHEN '' THEN '(none)' ELSE page END"

# ---- sources ------------------------------------------------------------------------------------------------------


def two_swapped() -> ChangeRow:
    other = {"search": "poster", "poster": "search"}
    return lambda row: (row._replace(source=other.get(row.source, row.source)),)


seed(
    "sources-swapped",
    "stores the events of two sources under each other's name",
    rows(two_swapped),
    scenario="sources",
    moves="pv",
    finding="attribution",
)


class FirstStays:
    """Every event of a device has the first source that the device ever had."""

    def __init__(self) -> None:
        self._first: dict[str | None, str] = {}

    def __call__(self, row: EventRow) -> Iterable[EventRow]:
        if row.source:
            self._first.setdefault(row.anonymous_id, row.source)
        return (row._replace(source=self._first.get(row.anonymous_id, "")),)


seed(
    "source-of-first-visit",
    "gives all visits of a device the source of its first one",
    rows(FirstStays),
    scenario="sources",
    moves="pv uv opens",
    finding="attribution",
)


class FirstTouch:
    """For a day an event is kept with the source with which its device came first, instead of its own."""

    def __init__(self) -> None:
        self._touched: dict[str, tuple[str, Ms]] = {}

    def __call__(self, given: Fields) -> Fields:
        device, source = given.get("anonymousId", ""), given.get("source", "")
        try:
            at = parse_instant(given.get("date", ""))
        except ValueError:
            return given
        first, since = self._touched.get(device, ("", at))
        if first and at - since < DAY:
            return {**given, "source": first}
        if source:
            self._touched[device] = source, at
        return given


def first_touch(options: CollectorOptions) -> Collector:
    return fields(FirstTouch())(options)


seed(
    "source-of-first-touch",
    "keeps events of a day with the source with which their device came first",
    first_touch,
    scenario="sources",
    moves="pv uv opens",
    finding="altered misplaced",
)

seed(
    "source-of-last-visit",
    "overwrites the source of former visits of a device by the last one",
    sql(
        (
            "tally",
            "SELECT id, at, source,",
            "SELECT id, at, first_value(source) OVER (PARTITION BY anonymous_id ORDER BY at DESC, id DESC) AS source,",
        )
    ),
    scenario="sources",
    moves="pv uv opens new_users",
    finding="attribution",
)


class CarriedOver:
    """An event without a source has the one that its device had before."""

    def __init__(self) -> None:
        self._last: dict[str | None, str] = {}

    def __call__(self, row: EventRow) -> Iterable[EventRow]:
        source = row.source or self._last.get(row.anonymous_id, "")
        self._last[row.anonymous_id] = source
        return (row._replace(source=source),)


seed(
    "source-carried-over",
    "gives a launch without a source the source of the visit before",
    rows(CarriedOver),
    scenario="sources",
    moves="pv uv opens",
    finding="attribution",
)


class LostOnReturn:
    """After a pause of a minute a device has no source until it launches again."""

    def __init__(self) -> None:
        self._last: dict[str | None, int] = {}
        self._lost: set[str | None] = set()

    def __call__(self, row: EventRow) -> Iterable[EventRow]:
        device, before = row.anonymous_id, self._last.get(row.anonymous_id, row.at)
        self._last[device] = row.at
        if row.name == "mini_program_open":
            self._lost.discard(device)
        elif row.at - before >= MINUTE:
            self._lost.add(device)
        return (row._replace(source="") if device in self._lost else row,)


seed(
    "source-lost-on-hot-start",
    "forgets the source when the mini program comes back from the background",
    rows(LostOnReturn),
    scenario="sources",
    moves="pv",
    finding="attribution",
)


def scene_for_source() -> ChangeRow:
    def change(row: EventRow) -> Iterable[EventRow]:
        return (row if row.source else row._replace(source="scene-" + json.loads(row.fields).get("scene", "")),)

    return change


seed(
    "scene-for-source",
    "takes WeChat's scene for the source of an event without one",
    rows(scene_for_source),
    scenario="sources",
    moves="pv uv opens",
    finding="attribution",
)

seed(
    "none-left-out",
    "lists no cell for events without source or content",
    sql(("cells", "GROUP BY cell", "GROUP BY cell HAVING cell <> '(none)'")),
    scenario="sources",
    moves="pv uv opens",
    finding="attribution aggregation",
)

seed(
    "rest-in-other",
    "names the three largest sources and counts the rest as (other)",
    sql(
        (
            "tally",
            "CASE source WHEN '' THEN",
            "CASE WHEN source NOT IN (SELECT source FROM event GROUP BY source ORDER BY count(*) DESC, source LIMIT 3) "
            "THEN '(other)' WHEN source = '' THEN",
        )
    ),
    scenario="sources",
    moves="pv uv opens",
    finding="attribution",
)

# ---- pages --------------------------------------------------------------------------------------------------------


def with_last_part(connection: sqlite3.Connection) -> None:
    connection.create_function("last_part", 1, lambda page: page and page.rpartition("/")[2], deterministic=True)


seed(
    "page-by-last-part",
    "calls a page by the last part of its route, so two pages become one",
    sql(("tally", _PAGE, f"last_part({_PAGE})"), prepare=with_last_part),
    scenario="sources",
    moves="pv uv",
    finding="attribution",
)

# ---- hours and days -----------------------------------------------------------------------------------------------


def calendar(*, hour: Callable[[Ms], str] | None = None, day: Callable[[Ms], str] | None = None) -> Prepare:
    """Another calendar for the counting connection: names of the hour and the day of an instant."""

    def prepare(connection: sqlite3.Connection) -> None:
        for name, cell in (("hour_cell", hour), ("day_cell", day)):
            if cell is not None:
                connection.create_function(name, 1, _of_quarter(cell), deterministic=True)

    return prepare


def _of_quarter(cell: Callable[[Ms], str]) -> Callable[[int], str]:
    return lambda quarter: cell(Ms(quarter * _QUARTER_HOUR))


seed(
    "day-of-utc",
    "lets the day begin at midnight in UTC",
    sql(prepare=calendar(day=lambda at: day_cell(at, "UTC"))),
    scenario="sources",
    moves="pv uv opens",
    may_move="new_users",
    finding="attribution",
)

seed(
    "hour-rounded",
    "rounds to the nearest hour instead of down",
    sql(prepare=calendar(hour=lambda at: hour_cell(Ms(at + HOUR // 2), "Asia/Shanghai"))),
    scenario="sources",
    moves="pv uv opens",
    may_move="new_users",
    finding="attribution",
)


class ByArrival(RewrittenTotals):
    """Hours and days are those in which events arrived."""

    def _count(self, connection: sqlite3.Connection) -> None:
        connection.execute(
            "INSERT OR IGNORE INTO calendar SELECT quarter, hour_cell(quarter), day_cell(quarter) "
            "FROM (SELECT DISTINCT received / 900000 AS quarter FROM event)"
        )
        super()._count(connection)


seed(
    "hour-by-arrival",
    "counts an event in the hour and on the day in which it arrived",
    counted_by(
        ByArrival,
        ("tally", "SELECT id, at, source,", "SELECT id, at, received, source,"),
        ("tally", "calendar.quarter = said.at / 900000", "calendar.quarter = said.received / 900000"),
    ),
    scenario="sources",
    moves="pv uv opens",
    may_move="new_users",
    finding="attribution",
)

_WINTER = timezone(timedelta(hours=1))


def winter_day(at: Ms) -> str:
    """The day of an instant where summer time was forgotten, an hour east of Greenwich."""
    return datetime.fromtimestamp(at / 1000, UTC).astimezone(_WINTER).date().isoformat()


def first_of_two(at: Ms) -> str:
    """The hour of an instant in Berlin; the second of two hours of one name counts as the first."""
    cell, before = hour_cell(at, "Europe/Berlin"), hour_cell(Ms(at - HOUR), "Europe/Berlin")
    return before if before[:13] == cell[:13] else cell


seed(
    "no-summer-time",
    "has one offset for a zone all year, so days begin an hour late in summer",
    sql(prepare=calendar(day=winter_day)),
    scenario="summer_time",
    moves="pv uv opens new_users",
    finding="attribution",
    day="Europe/Berlin",
)

seed(
    "repeated-hour-merged",
    "counts both hours from two to three as one when the clock goes back",
    sql(prepare=calendar(hour=first_of_two)),
    scenario="summer_time",
    moves="pv uv opens new_users",
    finding="attribution",
    day="Europe/Berlin",
)


def read_as_local() -> ChangeRow:
    return lambda row: (row._replace(at=row.at - 8 * HOUR),)


seed(
    "utc-read-as-local",
    "reads a date in UTC as the local time of Shanghai, so every event is eight hours too early",
    rows(read_as_local),
    scenario="sources",
    moves="pv uv opens",
    may_move="new_users",
    finding="aggregation",
)
