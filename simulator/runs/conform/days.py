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

from simulator.runs.conform.staging import local_instant, put_back
from simulator.times import DAY, HOUR, Ms, zone_offset

_NEWEST = 2  # days before today
_A_YEAR = 370  # days, in which every clock that is put back has been
_FIRST_DAYS = 3  # of a case that need be without a jump; a case of half a year uses its first and its last ones


@dataclass(frozen=True, slots=True)
class Round:
    """The first local days of some cases, by their names; they can be sent together."""

    first: Mapping[str, date]


@dataclass(frozen=True, slots=True)
class Need:
    """What days a case needs."""

    name: str
    days: int
    put_back: bool = False  # one on which the clock is put back, where the zone has such


def rounds(needed: Sequence[Need], zone: str, now: Ms, max_age: Ms | None) -> tuple[list[Round], list[str]]:
    """The cases in rounds, and the names of those for which there is no room at all.

    Args:
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
    # A clock is put back on few days: last, so that no other case's stretch of time has them inside.
    for need in sorted(needed, key=lambda one: one.put_back):
        found = place(end, need, zone, oldest)
        if found is None and first:
            made.append(Round(first))
            first, end = {}, newest
            found = place(end, need, zone, oldest)
        if found is None:
            homeless.append(need.name)
            continue
        first[need.name] = found
        end = found - timedelta(1)
    if first:
        made.append(Round(first))
    return made, homeless


def place(end: date, need: Need, zone: str, oldest: date | None) -> date | None:
    """The first of the days that end on `end` or, where a clock jumps, a little earlier."""
    begin = end - timedelta(need.days - 1)
    if need.put_back:
        days = (begin - timedelta(number) for number in range(_A_YEAR))
        back = next((day for day in days if put_back(day, zone) is not None), None)
        if back is not None:
            return back if oldest is None or back >= oldest else None
    while oldest is None or begin >= oldest:
        if not any(_jumps(day, zone) for day in _used(begin, need.days)):
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
