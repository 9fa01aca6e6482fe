"""Local days as instants."""

from __future__ import annotations

import pytest

from simulator.times import HOUR, day_bounds, is_day, parse_instant

DAYS = [
    # day          zone              hours  begins
    ("2026-03-01", "Asia/Shanghai",  24,    "2026-02-28T16:00:00Z"),
    ("2026-03-29", "Europe/Berlin",  23,    "2026-03-28T23:00:00Z"),
    ("2026-10-25", "Europe/Berlin",  25,    "2026-10-24T22:00:00Z"),
]  # fmt: skip


@pytest.mark.parametrize(("day", "zone", "hours", "begins"), DAYS)
def test_a_day_has_23_to_25_hours(day: str, zone: str, hours: int, begins: str) -> None:
    begin, end = day_bounds(day, zone)

    assert (begin, end - begin) == (parse_instant(begins), hours * HOUR)


@pytest.mark.parametrize(
    ("text", "is_one"),
    [("2026-03-01", True), ("2026-02-29", False), ("20260301", False), ("2026-W09-7", False), ("", False)],
)
def test_what_is_a_day(text: str, is_one: bool) -> None:
    assert is_day(text) is is_one
