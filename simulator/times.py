"""Durations with a unit, instants with a zone, and the hour and day cells of a zone.

Every instant in the package is an `Ms`: milliseconds since 1970-01-01T00:00Z. Durations are `Ms` too.
What is not here: arrivals in time (journey/arrivals.py) and clocks (load/).
"""

from __future__ import annotations

import re
from datetime import UTC, date, datetime, time, timedelta
from functools import lru_cache
from typing import NewType
from zoneinfo import ZoneInfo

Ms = NewType("Ms", int)

SECOND = Ms(1_000)
MINUTE = Ms(60_000)
HOUR = Ms(3_600_000)
DAY = Ms(86_400_000)

_UNITS = {"ms": 1, "s": 1_000, "m": 60_000, "h": 3_600_000, "d": 86_400_000}
_PART = re.compile(r"(\d{1,12})(?:\.(\d{1,3}))?(ms|s|m|h|d)")
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
# Offsets of zones change on quarter hours at the finest in the years that a plan can cover.
_QUARTER_HOUR = 15 * 60_000


def parse_duration(text: str) -> Ms:
    """Read "90s", "1h30m" or "29m59.999s" as milliseconds. A bare number is refused: nobody can see its unit.

    Raises:
        ValueError: no unit, an unknown unit, a fraction finer than a millisecond, or anything else.
    """
    total, position = 0, 0
    for part in _PART.finditer(text):
        if part.start() != position:
            break
        whole, fraction, unit = part.groups()
        scaled = int((fraction or "").ljust(3, "0") or 0) * _UNITS[unit]
        if scaled % 1000:
            break
        total += int(whole) * _UNITS[unit] + scaled // 1000
        position = part.end()
    if not text or position != len(text):
        raise ValueError(f'expected a duration with a unit, such as "90s", "45m" or "1h30m", not {text!r}')
    return Ms(total)


def format_duration(duration: Ms) -> str:
    """The shortest text that `parse_duration` reads back: 2700000 is "45m", 1799999 is "29m59.999s"."""
    if duration < 0:
        return "-" + format_duration(Ms(-duration))
    parts = []
    rest = int(duration)
    for unit, size in (("d", DAY), ("h", HOUR), ("m", MINUTE)):
        count, rest = divmod(rest, size)
        if count:
            parts.append(f"{count}{unit}")
    seconds, millis = divmod(rest, SECOND)
    if millis and not seconds and not parts:
        return f"{millis}ms"
    if seconds or millis or not parts:
        parts.append(f"{seconds}.{millis:03}".rstrip("0") + "s" if millis else f"{seconds}s")
    return "".join(parts)


def parse_instant(text: str) -> Ms:
    """Read an ISO 8601 instant with an offset or Z; finer than a millisecond is cut.

    Raises:
        ValueError: not ISO 8601, or without an offset.
    """
    moment = datetime.fromisoformat(text)
    if moment.tzinfo is None:
        raise ValueError(f"expected an instant with an offset, such as 2026-03-01T00:00:00+08:00, not {text!r}")
    return instant(moment)


def instant(moment: datetime) -> Ms:
    """The instant of an aware datetime, finer than a millisecond cut off."""
    return Ms((moment - _EPOCH) // timedelta(milliseconds=1))


def utc(at: Ms) -> datetime:
    """The aware datetime of an instant."""
    return _EPOCH + timedelta(milliseconds=at)


def iso_utc(at: Ms) -> str:
    """An instant as on the wire: UTC, three decimals, "2026-03-01T00:00:00.001Z"."""
    return utc(at).strftime("%Y-%m-%dT%H:%M:%S.") + f"{at % 1000:03}Z"


def iso_local(at: Ms, zone: str) -> str:
    """An instant in a zone with its offset, to the millisecond where it has any."""
    local = utc(at).astimezone(_zone(zone))
    return local.isoformat(timespec="milliseconds" if at % 1000 else "seconds")


@lru_cache(maxsize=64)
def _zone(name: str) -> ZoneInfo:
    return ZoneInfo(name)


def check_zone(name: str) -> str:
    """The name itself when the zone exists.

    Raises:
        ValueError: no such zone.
    """
    try:
        _zone(name)
    except (KeyError, ValueError, OSError) as missing:
        raise ValueError(f'no time zone {name!r}; expected a name such as "Asia/Shanghai"') from missing
    return name


@lru_cache(maxsize=65_536)
def _offset(quarter_hour: int, zone: str) -> int:
    moment = utc(Ms(quarter_hour * _QUARTER_HOUR)).astimezone(_zone(zone))
    offset = moment.utcoffset()
    return 0 if offset is None else offset // timedelta(milliseconds=1)


def zone_offset(at: Ms, zone: str) -> Ms:
    """How far the zone's clock is ahead of UTC at that instant."""
    return Ms(_offset(at // _QUARTER_HOUR, zone))


@lru_cache(maxsize=65_536)
def _hour_name(local_hour: int, offset: int) -> str:
    local = utc(Ms(local_hour * HOUR))
    sign, minutes = ("-" if offset < 0 else "+"), abs(offset) // MINUTE
    return local.strftime("%Y-%m-%dT%H:00") + f"{sign}{minutes // 60:02}:{minutes % 60:02}"


@lru_cache(maxsize=4_096)
def _day_name(local_day: int) -> str:
    return utc(Ms(local_day * DAY)).strftime("%Y-%m-%d")


def hour_cell(at: Ms, zone: str) -> str:
    """The local hour, with that instant's offset: "2026-03-01T09:00+08:00" (a repeated DST hour is two cells)."""
    offset = zone_offset(at, zone)
    return _hour_name((at + offset) // HOUR, offset)


def day_cell(at: Ms, zone: str) -> str:
    """The local day, "2026-03-01"."""
    return _day_name((at + zone_offset(at, zone)) // DAY)


def is_day(text: str) -> bool:
    """Whether a text is a local day, such as "2026-03-01"; never raises."""
    try:
        return len(text) == 10 and date.fromisoformat(text).isoformat() == text
    except ValueError:
        return False


def day_bounds(day: str, zone: str) -> tuple[Ms, Ms]:
    """The first instant of a local day such as "2026-03-01", and that of the next; 23 to 25 hours lie between.

    Raises:
        ValueError: no such day.
    """
    first = date.fromisoformat(day)
    begin, end = (
        instant(datetime.combine(one, time(), _zone(zone)).astimezone(UTC)) for one in (first, first + timedelta(1))
    )
    return begin, end


def next_full_hour(after: Ms, zone: str) -> Ms:
    """The first full hour of the zone's clock strictly after an instant."""
    candidate = (after // _QUARTER_HOUR + 1) * _QUARTER_HOUR
    while (candidate + zone_offset(Ms(candidate), zone)) % HOUR:
        candidate += _QUARTER_HOUR
    return Ms(candidate)
