"""Local days for cases: in the past, none shared, none on which the zone's clock jumps.

The newest is the day before yesterday, so that the instants of a case lie in no running day. Where the contract
limits the age of events, the days that are left may not be enough: then the cases come in rounds, one after another on
the same days.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from zoneinfo import ZoneInfo

from simulator.times import DAY, HOUR, Ms, zone_offset
from simulator.runs.conform.staging import local_instant

_NEWEST = 2  # days before today
_FIRST_DAYS = 3  # of a case that need be without a jump; a case of half a year uses its first and its last ones


@dataclass(frozen=True, slots=True)
class Round:
    """The first local days of some cases, by their names; they can be sent together."""

    first: Mapping[str, date]


def rounds(needed: Sequence[tuple[str, int]], zone: str, now: Ms, max_age: Ms | None) -> tuple[list[Round], list[str]]:
    """The cases in rounds, and the names of those for which there is no room at all.

    Args:
        needed: names with the number of days that each needs.
        max_age: of events that are taken; None: any.
    """
    today = datetime.fromtimestamp(now / 1000, ZoneInfo(zone)).date()
    newest = today - timedelta(_NEWEST)
    # An hour is left for sending.
    oldest = None if max_age is None else _day_after(Ms(now - max_age + HOUR), zone)
    made: list[Round] = []
    homeless: list[str] = []
    first: dict[str, date] = {}
    end = newest  # the last day that is free
    for name, days in needed:
        place = _place(end, days, zone, oldest)
        if place is None and first:
            made.append(Round(first))
            first, end = {}, newest
            place = _place(end, days, zone, oldest)
        if place is None:
            homeless.append(name)
            continue
        first[name] = place
        end = place - timedelta(1)
    if first:
        made.append(Round(first))
    return made, homeless


def _place(end: date, days: int, zone: str, oldest: date | None) -> date | None:
    """The first of so many days that end on `end` or, where a clock jumps, a little earlier."""
    begin = end - timedelta(days - 1)
    while oldest is None or begin >= oldest:
        if not any(_jumps(day, zone) for day in _used(begin, days)):
            return begin
        begin -= timedelta(1)
    return None


def _used(begin: date, days: int) -> Iterable[date]:
    """Days on which something may happen: the first few, and the last."""
    yield from (begin + timedelta(number) for number in range(min(days, _FIRST_DAYS)))
    yield begin + timedelta(days - 1)


def _jumps(day: date, zone: str) -> bool:
    begin = local_instant(day, (1, 0), zone)
    return zone_offset(begin, zone) != zone_offset(Ms(begin + DAY), zone)


def _day_after(at: Ms, zone: str) -> date:
    return datetime.fromtimestamp(at / 1000, ZoneInfo(zone)).date() + timedelta(1)
