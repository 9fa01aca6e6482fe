"""The load over time as drawings: visitors wanted and started, attempts by outcome, attempts in flight.

As in charts.py places are shares of the width and height. What happened when is counted by verify/timeline.py.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from simulator.report import words
from simulator.report.charts import GRID, Label, axis_top, up_labels
from simulator.report.result import Course
from simulator.verify.timeline import Stretch

_MOST_LABELS = 5
_NICE_SECONDS = (0.25, 0.5, 1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1800, 3600, 7200, 14400, 21600, 43200, 86400)


@dataclass(frozen=True, slots=True)
class Line:
    """One quantity over time."""

    name: str  # also its style: wanted, offered, acked, refused, unknown, flight
    path: str  # in GRID units


@dataclass(frozen=True, slots=True)
class Moment:
    """What is said when one stretch is pointed at."""

    left: float  # per cent of the width
    width: float
    title: str


@dataclass(frozen=True, slots=True)
class Drawing:
    """Some quantities on common axes."""

    title: str
    unit: str
    lines: tuple[Line, ...]
    moments: tuple[Moment, ...]
    across: tuple[Label, ...]
    up: tuple[Label, ...]
    summary: str  # the drawing in a sentence


def drawings(course: Course) -> tuple[Drawing, ...]:
    """The drawings of a course; none where it has fewer than two stretches, which a number says better."""
    rows = course.stretches
    if len(rows) < 2:
        return ()
    each = course.seconds

    def a_second(count: int) -> float:
        return count / each

    visitors = _draw(
        course,
        "Visitors",
        "started per second",
        (("wanted", lambda one: a_second(one.due)), ("offered", lambda one: a_second(one.started))),
    )
    outcomes = tuple(
        (name, _rate_of(name, each))
        for name in ("acked", "refused", "unknown")
        if name == "acked" or any(getattr(one, name) for one in rows)
    )
    attempts = _draw(course, "Attempts", "ended per second", outcomes)
    flight = _draw(course, "In flight", "attempts sent and not yet ended", (("flight", lambda one: one.in_flight),))
    return visitors, attempts, flight


def _rate_of(name: str, each: float) -> Callable[[Stretch], float]:
    return lambda one: float(getattr(one, name)) / each


def _draw(
    course: Course, title: str, unit: str, quantities: Sequence[tuple[str, Callable[[Stretch], float]]]
) -> Drawing:
    rows = course.stretches
    values = {name: [value(one) for one in rows] for name, value in quantities}
    top = axis_top(-int(-max(max(row) for row in values.values())))
    step = 100 / len(rows)
    lines = tuple(Line(name, _path(row, top)) for name, row in values.items())
    moments = tuple(
        Moment(
            round(number * step, 3),
            round(step, 3),
            f"{_length(one.begin)}: "
            + ", ".join(f"{_told(row[number])} {_NAMES.get(name, name)}" for name, row in values.items()),
        )
        for number, one in enumerate(rows)
    )
    most = {name: max(row) for name, row in values.items()}
    said = ", ".join(f"at most {_told(value)} {_NAMES.get(name, name)}" for name, value in most.items())
    length = len(rows) * course.seconds
    return Drawing(
        title,
        unit,
        lines,
        moments,
        _across(rows, course.seconds),
        up_labels(top),
        f"{title}, {unit}, over {_length(length)}: {said}.",
    )


_NAMES = {"flight": "in flight"}


def _length(seconds: float) -> str:
    """A time since the begin, as short as it is exact to a thousandth: 0, 0.5 s, 90 s, 15 min, 6 h."""
    for unit, name in ((3600, "h"), (60, "min")):
        if seconds >= 2 * unit and not seconds % unit:
            return f"{seconds / unit:.0f} {name}"
    return f"{seconds:,.3f}".rstrip("0").rstrip(".") + " s" if seconds else "0"


def _told(value: float) -> str:
    return words.whole(int(value)) if value == int(value) else f"{value:,.1f}"


def _path(values: Sequence[float], top: int) -> str:
    """A staircase: each stretch at its value, so that a single busy one is as wide as it was long."""
    width = GRID / len(values)
    heights = [f"{GRID * (1 - value / top):.1f}" for value in values]
    return f"M0 {heights[0]}" + "".join(f"V{height}H{number * width:.1f}" for number, height in enumerate(heights, 1))


def _across(rows: Sequence[Stretch], each: float) -> tuple[Label, ...]:
    length = len(rows) * each
    step = next((nice for nice in _NICE_SECONDS if length / nice <= _MOST_LABELS), length / _MOST_LABELS)
    labels, at = [], 0.0
    while at < length:
        labels.append(Label(round(100 * at / length, 3), _length(at)))
        at += step
    return tuple(labels)
