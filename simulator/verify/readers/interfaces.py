"""The embedded collector's other ways to read the same totals: they must say what GET /monitor/totals says.

    POST /datacube/getweanalysisappiddailyvisittrend   the four numbers of one day, in WeChat's own shape
    GET /events/all                                    how many events are stored, good and bad

Source: CONTRACT section 7.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, NamedTuple

import httpx

from simulator.contract import METRICS
from simulator.times import Ms, day_bounds, iso_utc
from simulator.verify.readers.fetch import Unreadable, fetch, reading_client, start_of
from simulator.verify.readers.monitor import PATH

TREND_PATH = "/datacube/getweanalysisappiddailyvisittrend"
COUNTS_PATH = "/events/all"
_TREND = {"pv": "visit_pv", "uv": "visit_uv", "opens": "session_cnt", "new_users": "visit_uv_new"}

Numbers = Mapping[str, int]  # by metric


class Counts(NamedTuple):
    """How many events are stored; a duplicate is not."""

    total: int
    good: int
    bad: int


@dataclass(frozen=True, slots=True)
class Others:
    """What the other interfaces say; nothing of one that is not there."""

    days: Mapping[str, tuple[Numbers, Numbers]] = field(default_factory=dict)  # day → as totals, and as a trend
    counts: Counts | None = None
    missing: tuple[str, ...] = ()  # what could not be read, and why


def read_others(
    url: str,
    days: Iterable[str],
    zone: str,
    *,
    access_token: str = "",
    seconds: float = 30.0,
    transport: httpx.BaseTransport | None = None,
) -> Others:
    """Read the trend of some days beside their totals, and the counts. Never raises for what the collector does.

    Args:
        days: such as 2026-03-01.
        zone: in which the collector's days are.
        access_token: sent along where the collector wants one; never part of an error text.
        seconds: for one reply.
        transport: instead of the network, in tests.
    """
    token = {"access_token": access_token} if access_token else {}
    told: dict[str, tuple[Numbers, Numbers]] = {}
    missing: list[str] = []
    with reading_client(url, seconds, transport) as client:
        for day in days:
            begin, end = day_bounds(day, zone)
            try:
                totals = _totals(fetch(client, PATH, {**_period(begin, end), **token}, seconds))
                body = {"begin_date": day.replace("-", ""), "end_date": day.replace("-", "")}
                told[day] = totals, _trend(fetch(client, TREND_PATH, token, seconds, body=body))
            except Unreadable as unreadable:
                missing.append(f"{TREND_PATH}: {unreadable}")
                break
        try:
            counts = _counts(fetch(client, COUNTS_PATH, token, seconds))
        except Unreadable as unreadable:
            counts = None
            missing.append(f"{COUNTS_PATH}: {unreadable}")
    return Others(told, counts, tuple(missing))


def read_counts(url: str, *, access_token: str = "", seconds: float = 30.0) -> Counts | None:
    """How many events are stored; None where the collector does not tell."""
    return read_others(url, (), "UTC", access_token=access_token, seconds=seconds).counts


def _period(begin: Ms, end: Ms) -> dict[str, str]:
    return {"by": "all", "begin": iso_utc(begin), "end": iso_utc(end)}


def _document(body: bytes) -> Any:
    try:
        return json.loads(body)
    except (ValueError, RecursionError) as bad:
        raise Unreadable(f"not JSON: {start_of(body)}") from bad


def _totals(body: bytes) -> Numbers:
    document = _document(body)
    cells = document.get("cells") if isinstance(document, dict) else None
    cell = cells.get("") if isinstance(cells, dict) else None
    return _numbers(cell, {metric: metric for metric in METRICS}, body)


def _trend(body: bytes) -> Numbers:
    document = _document(body)
    rows = document.get("list") if isinstance(document, dict) else None
    if not isinstance(rows, list) or len(rows) != 1:
        raise Unreadable(f"no list of one day: {start_of(body)}")
    return _numbers(rows[0], _TREND, body)


def _counts(body: bytes) -> Counts:
    names = {name: name for name in Counts._fields}
    return Counts(**_numbers(_document(body), names, body))


def _numbers(row: Any, names: Mapping[str, str], body: bytes) -> dict[str, int]:
    found = {key: row.get(name) if isinstance(row, dict) else None for key, name in names.items()}
    if not all(isinstance(value, int) and not isinstance(value, bool) and value >= 0 for value in found.values()):
        raise Unreadable(f"{', '.join(names.values())} are expected to be whole numbers from 0 on: {start_of(body)}")
    return {key: value or 0 for key, value in found.items()}
