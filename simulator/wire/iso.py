"""Instants as texts on a wire: written for events that crowd into the same seconds, read from whoever wrote them."""

from __future__ import annotations

import re
from functools import lru_cache

from simulator.times import Ms, iso_utc, parse_instant

END_OF_TIME = Ms(253_370_764_800_000)  # 9999-01-01T00:00Z: later instants have no hour in some zone

_ISO = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d(:\d\d([.,]\d{1,9})?)?(Z|[+-]\d\d:?\d\d)", re.ASCII)


def iso_text(at: Ms) -> str:
    """`iso_utc`; a clock so wrong that no calendar has it says what JavaScript would say."""
    seconds, millis = divmod(at, 1000)
    try:
        return f"{_second(seconds)}{millis:03}Z"
    except (OverflowError, ValueError):
        return "Invalid Date"


@lru_cache(maxsize=8_192)
def _second(seconds: int) -> str:
    return iso_utc(Ms(seconds * 1000))[:-4]


def instant_in(text: str) -> Ms | None:
    """The instant of an ISO 8601 date and time with an offset, from 1970 to 9998; None where it is none."""
    if not _ISO.fullmatch(text):
        return None
    try:
        at = parse_instant(text)
    except (ValueError, OverflowError):
        return None
    return at if 0 <= at < END_OF_TIME else None
