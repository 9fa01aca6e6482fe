"""Values of the scenario file: durations, parts, rates, counts, instants, and how each is written.

Each type here is pydantic's `Annotated`: what it is in the program, how it is read, and what a JSON Schema says of it.
A number without a unit is refused wherever nobody could see its unit.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from fractions import Fraction
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, WithJsonSchema

from simulator.contract import BodyValue, Opens, parse_opens
from simulator.scenario.slo import ABORT_PATTERN, SLO_PATTERN, parse_abort, parse_slo
from simulator.times import DAY, Ms, check_zone, parse_duration, parse_instant

PPM = 1_000_000
LONGEST = Ms(366 * DAY)  # a year in one duration; more is a slip, and would put the period out of any calendar
LONGEST_RUN = Ms(36_600 * DAY)  # of event time, so that every instant of a run stays inside the calendar
EARLIEST = parse_instant("1971-01-01T00:00:00Z")
LATEST = parse_instant("9000-01-01T00:00:00Z")


class Model(BaseModel):
    """Base of every section: unknown keys are errors, nothing changes after reading."""

    model_config = ConfigDict(extra="forbid", frozen=True, arbitrary_types_allowed=True, strict=False)


class WrongAt(ValueError):
    """A mistake that a validator sees below the value that it is given, with the keys that lead there."""

    def __init__(self, text: str, *keys: str | int) -> None:
        super().__init__(text)
        self.keys = keys


def place_of_mistake(detail: Mapping[str, Any]) -> tuple[str | int, ...]:
    """Where pydantic found something wrong, with the keys that a validator adds."""
    error = detail.get("ctx", {}).get("error")
    return (*detail["loc"], *(error.keys if isinstance(error, WrongAt) else ()))


@dataclass(frozen=True, slots=True)
class Span:
    """A duration, or a range of which one is drawn, evenly to the millisecond, both ends included."""

    low: Ms
    high: Ms


@dataclass(frozen=True, slots=True)
class Count:
    """A whole number, or a range of which one is drawn, both ends included."""

    low: int
    high: int


@dataclass(frozen=True, slots=True)
class Rate:
    """Visitors per wall second at the start and at the end of a phase, exact."""

    low: Fraction
    high: Fraction


ONCE = Count(1, 1)
NOW = Span(Ms(0), Ms(0))


def shown(value: object) -> str:
    """A value of a file in an error, as a person would say it, cut when it is long."""
    if value is None:
        return "nothing"
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, dict):
        return "keys with values"
    if isinstance(value, list):
        return "a list"
    text = str(value)
    return text if len(text) <= 60 else f"{text[:57]}…"


def wrong(wanted: str, value: object) -> ValueError:
    """The error for a value of the wrong form, to be raised by a reader of values."""
    return ValueError(f"expected {wanted}, not {shown(value)}")


# ---- reading ------------------------------------------------------------------------------------------------------
# What is read already is left as it is, so that a program can make models too.


def _duration(value: object) -> Ms:
    """Read "90s" as 90000. A bare number is refused: nobody can see its unit."""
    if not isinstance(value, str):
        raise wrong('a duration with a unit, such as "90s" or "45m"', value)
    try:
        duration = parse_duration(value)
    except ValueError as bad:
        raise wrong('a duration with a unit, such as "90s", "45m" or "1h30m"', value) from bad
    if duration > LONGEST:
        raise wrong("at most 366d", value)
    return duration


def _signed(value: object) -> Ms:
    if isinstance(value, str) and value[:1] in {"+", "-"}:
        part = _duration(value[1:])
        return Ms(-part) if value[0] == "-" else part
    return _duration(value)


def _span_of(value: object, read: Callable[[object], Ms]) -> Span:
    if isinstance(value, Span):
        return value
    low, dots, high = value.partition("..") if isinstance(value, str) else (value, "", "")
    span = Span(read(low), read(high if dots else low))
    if span.low > span.high:
        raise ValueError(f"the range {value} runs backwards; write the smaller end first")
    return span


def _count(value: object) -> Count:
    if isinstance(value, Count):
        return value
    text = str(value) if isinstance(value, int) and not isinstance(value, bool) else value
    match = re.fullmatch(r"(\d{1,9})(?:\.\.(\d{1,9}))?", text) if isinstance(text, str) else None
    if match is None:
        raise wrong("a whole number or a range, such as 3 or 1..5", value)
    count = Count(int(match[1]), int(match[2] or match[1]))
    if count.low > count.high:
        raise ValueError(f"the range {value} runs backwards; write the smaller end first")
    return count


def _part(value: object) -> int:
    """Read "25%" or "0.5%" as millionths. A bare number is refused: 1 might mean 1 % or all."""
    match = re.fullmatch(r"(\d{1,3})(?:\.(\d{1,4}))?%", value) if isinstance(value, str) else None
    if match is None:
        raise wrong('a part from 0% to 100%, such as "25%"', value)
    millionths = int(match[1]) * 10_000 + int((match[2] or "").ljust(4, "0"))
    if millionths > PPM:
        raise wrong("a part from 0% to 100%", value)
    return millionths


_PER = {"s": 1, "m": 60, "min": 60, "h": 3600}


def _rate(value: object) -> Rate:
    def one(text: str) -> Fraction:
        match = re.fullmatch(r"(\d{1,9}(?:\.\d{1,6})?)/(s|m|min|h)", text)
        if match is None:
            raise wrong('a rate with a unit, such as "20/s" or "20/s..100/s"', value)
        return Fraction(match[1]) / _PER[match[2]]

    if isinstance(value, Rate):
        return value
    low, dots, high = value.partition("..") if isinstance(value, str) else (str(value), "", "")
    return Rate(one(low), one(high if dots else low))


def _start(value: object) -> Ms | Literal["recent"]:
    if value == "recent":
        return "recent"
    wanted = "an instant with an offset, such as 2026-03-01T00:00:00+08:00, or recent"
    if not isinstance(value, str):
        raise wrong(wanted, value)
    try:
        start = parse_instant(value)
    except (ValueError, OverflowError) as bad:
        raise wrong(wanted, value) from bad
    if not EARLIEST <= start < LATEST:
        raise wrong("an instant from 1971 to 9000", value)
    return start


def _opens(value: object) -> Opens:
    if isinstance(value, Opens):
        return value
    if not isinstance(value, str):
        raise wrong("launch, timeout=30m or every-foreground", value)
    return parse_opens(value)


def _zone(value: object) -> str:
    if not isinstance(value, str):
        raise wrong('a time zone, such as "Asia/Shanghai"', value)
    return check_zone(value)


def _speed(value: object) -> float | Literal["flood"]:
    if value == "flood":
        return "flood"
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 < value <= 1_000_000:
        raise wrong("a number above 0 and at most 1000000, such as 1440, or flood", value)
    return value


def _body_values(value: object) -> tuple[BodyValue, ...]:
    """Read 0 as (0,) and [0, "ok"] as both. Nothing at all is refused: a key without a value is a slip."""
    wanted = 'a value such as 0, "ok" or true, or a list of them'
    if value is None:
        raise ValueError(f"expected {wanted}, nothing stands here; write [null] where null is the value")
    values = value if isinstance(value, list | tuple) else [value]
    if not values:
        raise ValueError(f"expected {wanted}, not an empty list")
    for one in values:
        if not isinstance(one, BodyValue):
            raise wrong(wanted, one)
    return tuple(values)


def _factors(value: list[float]) -> list[float]:
    if not any(value):
        raise ValueError("every factor is 0, so nobody would ever arrive; expected at least one above 0")
    return value


def _route(value: str) -> str:
    if value.startswith("/"):
        raise ValueError(f"expected a route without the leading slash: {value.lstrip('/')}")
    if not re.fullmatch(r"[^\s?#&{}]{1,200}", value):
        raise ValueError(f"expected a route such as pages/index/index, without a query or spaces, not {value!r}")
    return value


def _slo(value: str) -> str:
    return parse_slo(value).text


def _abort(value: str) -> str:
    return parse_abort(value).text


# ---- what a JSON Schema says --------------------------------------------------------------------------------------

_TIME = r"(?:\d{1,12}(?:\.\d{1,3})?(?:ms|s|m|h|d))+"
_ONE_RATE = r"\d{1,9}(?:\.\d{1,6})?/(?:s|m|min|h)"
_PERCENT = r"(?:100(?:\.0{1,4})?|\d{1,2}(?:\.\d{1,4})?|0\d{1,2}(?:\.\d{1,4})?)%"


def _text(pattern: str, description: str, *examples: str) -> WithJsonSchema:
    said: dict[str, Any] = {"type": "string", "pattern": f"^{pattern}$", "description": description}
    return WithJsonSchema(said | ({"examples": list(examples)} if examples else {}))


Duration = Annotated[
    Ms, BeforeValidator(_duration), _text(_TIME, "A duration with a unit: ms, s, m, h or d.", "90s", "1h30m")
]
Spanned = Annotated[
    Span,
    BeforeValidator(lambda value: _span_of(value, _duration)),
    _text(rf"{_TIME}(?:\.\.{_TIME})?", "A duration, or a range of which one is drawn.", "45m", "3s..20s"),
]
Skewed = Annotated[
    Span,
    BeforeValidator(lambda value: _span_of(value, _signed)),
    _text(rf"[+-]?{_TIME}(?:\.\.[+-]?{_TIME})?", "How far the clock is wrong, ahead or (-) behind.", "-3m..2h", "0s"),
]
Counted = Annotated[
    Count,
    BeforeValidator(_count),
    WithJsonSchema(
        {
            "anyOf": [
                {"type": "integer", "minimum": 0, "maximum": 999_999_999},
                {"type": "string", "pattern": r"^\d{1,9}(?:\.\.\d{1,9})?$", "examples": ["1..5"]},
            ],
            "description": "A whole number, or a range of which one is drawn, both ends included.",
        }
    ),
]
Part = Annotated[int, BeforeValidator(_part), _text(_PERCENT, "A part from 0% to 100%.", "25%", "0.5%")]
Rated = Annotated[
    Rate,
    BeforeValidator(_rate),
    _text(rf"{_ONE_RATE}(?:\.\.{_ONE_RATE})?", "Visitors per s, m or h; a range ramps.", "20/s", "20/s..100/s"),
]
Start = Annotated[
    Ms | Literal["recent"],
    BeforeValidator(_start),
    WithJsonSchema(
        {
            "type": "string",
            "pattern": r"^(?:recent|\d{4}-?\d{2}-?\d{2}[T ]\d{2}.*(?:Z|[+-]\d{2}(?::?\d{2}){0,2}))$",
            "description": "An instant with an offset, or recent: so long before the run's start that all fits.",
            "examples": ["recent", "2026-03-01T00:00:00+08:00"],
        }
    ),
]
Speed = Annotated[
    float | Literal["flood"],
    BeforeValidator(_speed),
    WithJsonSchema(
        {
            "anyOf": [{"type": "number", "exclusiveMinimum": 0, "maximum": 1_000_000}, {"const": "flood"}],
            "description": "Event time per wall time, such as 1440 for a day in a minute; flood: nobody waits.",
        }
    ),
]
OpensChoice = Annotated[
    Opens | None,
    BeforeValidator(_opens),
    WithJsonSchema(
        {
            "type": "string",
            "pattern": rf"^(?:launch|every-foreground|timeout={_TIME})$",
            "description": "What begins an open.",
            "examples": ["launch", "timeout=30m", "every-foreground"],
        }
    ),
]
Zone = Annotated[
    str | None,
    BeforeValidator(_zone),
    WithJsonSchema({"type": "string", "description": "Time zone of hours and days.", "examples": ["Asia/Shanghai"]}),
]
_BODY_VALUE: dict[str, Any] = {"type": ["string", "number", "boolean"]}
BodyValues = Annotated[
    tuple[BodyValue, ...],
    BeforeValidator(_body_values),
    WithJsonSchema(
        {
            "anyOf": [
                _BODY_VALUE,
                {"type": "array", "minItems": 1, "items": {"type": ["string", "number", "boolean", "null"]}},
            ],
            "description": 'A value of the reply\'s JSON, or a list of them; 0, "0" and false are three values.',
            "examples": [0, ["ok", "accepted"]],
        }
    ),
]
Status = Annotated[int, Field(strict=True, ge=200, le=599)]  # of a final HTTP reply
Statuses = Annotated[list[Status], Field(min_length=1)]
Factors = AfterValidator(_factors)
Factor = Annotated[float, Field(strict=True, ge=0, le=1_000_000, allow_inf_nan=False)]
Route = Annotated[
    str,
    AfterValidator(_route),
    WithJsonSchema(
        {
            "type": "string",
            "pattern": r"^[^\s?#&{}/][^\s?#&{}]{0,199}$",
            "description": "Route of a page, without leading slash and query.",
            "examples": ["pages/index/index"],
        }
    ),
]
Path = Annotated[str, Field(max_length=4096)]  # a route, perhaps with a query and {variables}; written decoded
Objective = Annotated[
    str,
    AfterValidator(_slo),
    WithJsonSchema({"type": "string", "pattern": SLO_PATTERN, "examples": ["p95 < 200ms", "failed < 1%"]}),
]
Abort = Annotated[
    str,
    AfterValidator(_abort),
    WithJsonSchema({"type": "string", "pattern": ABORT_PATTERN, "examples": ["failed > 50% for 10s"]}),
]
Flag = Annotated[bool, Field(strict=True)]
Whole = Annotated[int, Field(strict=True)]
Weight = Annotated[int, Field(strict=True, ge=0, le=1_000_000)]
Scene = Annotated[int, Field(strict=True, ge=1000, le=9999)]
Copies = Annotated[int, Field(strict=True, ge=0, le=100)]
Name = Annotated[str, Field(pattern=r"^[^\s<>{}]{1,64}$")]  # of a journey or source
EventName = Annotated[str, Field(min_length=1, max_length=1000)]
IdentityType = Annotated[str, Field(pattern=r"^[A-Za-z][A-Za-z0-9_\-]{0,31}$")]
