"""Numbers to the points of the page's drawings: the trend of one metric as an expected band and an observed line.

Places are shares of the width and height, so that the page draws at any size without scaling its text.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import groupby, pairwise

from simulator.finding import Interval, Judged
from simulator.report import words
from simulator.report.tables import moment

GRID = 1_000  # units along each side of a drawing
_MOST_HOURS = 384  # 16 days; a longer period is drawn by day, so that a page stays small
_MOST_POINTS = 1_000
_MOST_LABELS = 5
_HOUR = timedelta(hours=1)
_NOTHING = Interval(0, 0)


@dataclass(frozen=True, slots=True)
class Spot:
    """One cell on the time axis."""

    x: float  # per cent of the width
    y: float | None  # of the observed value, per cent of the height from the top; None where nothing was read
    left: float  # where the cell's stretch begins, per cent
    width: float
    title: str  # what it says when pointed at
    status: words.Status
    known: bool  # whether an expectation can be had at all; one of 0 is one


@dataclass(frozen=True, slots=True)
class Label:
    """A text at a place of an axis."""

    at: float  # per cent
    text: str


@dataclass(frozen=True, slots=True)
class Trend:
    """One metric over time."""

    metric: str
    by: str  # hour or day
    band: str  # path of the expected interval, in GRID units; not over stretches where nothing is expected
    nought: str  # path along the axis where exactly nothing is expected
    line: str  # path of the observed values
    spots: tuple[Spot, ...]
    across: tuple[Label, ...]  # the time axis
    up: tuple[Label, ...]  # the value axis, per cent from the top
    summary: str  # the drawing in a sentence


@dataclass(frozen=True, slots=True)
class _Point:
    at: datetime
    expected: Interval | None
    observed: int | None
    status: words.Status


def trend(metrics: Iterable[Judged], metric: str) -> Trend | None:
    """The drawing of one metric by hour, or by day where the hours are too many.

    None when there are fewer than two points (two are enough): one number is better read than drawn.
    """
    cells = [judged for judged in metrics if judged.metric == metric]
    hours = _points([judged for judged in cells if judged.by == "hour"])
    if len(hours) > 1 and hours[-1].at - hours[0].at < _MOST_HOURS * _HOUR:
        return _draw(metric, "hour", _filled(hours))
    days = _points([judged for judged in cells if judged.by == "day"])
    return _draw(metric, "day", days[-_MOST_POINTS:]) if len(days) > 1 else None


def _points(cells: Sequence[Judged]) -> list[_Point]:
    """Those with a readable time, time forward. Hours carry an offset and days do not, so they are never mixed."""
    points = []
    for judged in cells:
        at = moment(judged.cell)
        if at is not None and (at.tzinfo is not None) == (judged.by == "hour"):
            points.append(_Point(at, judged.expected, judged.observed, words.status(judged)))
    return sorted(points, key=lambda point: point.at)


def _filled(points: Sequence[_Point]) -> list[_Point]:
    """Hours that neither side names are zero on both, so the line goes down to it.

    But a side that says nothing of any hour does not say zero of these either.
    """
    nothing = _NOTHING if any(point.expected is not None for point in points) else None
    unseen = 0 if any(point.observed is not None for point in points) else None
    status: words.Status = "not checkable" if nothing is None else "not read" if unseen is None else "pass"
    filled = [points[0]]
    for point in points[1:]:
        gap = filled[-1].at + _HOUR
        while gap < point.at:
            filled.append(_Point(gap.astimezone(point.at.tzinfo), nothing, unseen, status))
            gap += _HOUR
        filled.append(point)
    return filled


def _draw(metric: str, by: str, points: Sequence[_Point]) -> Trend:
    top = axis_top(max(max(point.observed or 0, point.expected.high if point.expected else 0) for point in points))
    step = 100 / len(points)
    places = [(number + 0.5) * step for number in range(len(points))]
    names = _names(by, points)
    spots = tuple(
        Spot(
            x=round(x, 3),
            y=None if point.observed is None else round(100 * (1 - _above_zero(point.observed) / top), 3),
            left=round(x - step / 2, 3),
            width=round(step, 3),
            title=_title(name, point),
            status=point.status,
            known=point.expected is not None,
        )
        for x, name, point in zip(places, names, points, strict=True)
    )
    return Trend(
        metric=metric,
        by=by,
        band=_band(places, points, top),
        nought=_nought(places, points),
        line=_line(places, points, top),
        spots=spots,
        across=_across(by, places, points),
        up=up_labels(top),
        summary=_summary(metric, by, names, points),
    )


def axis_top(most: int) -> int:
    """The least of 1, 2, 4, 6, 8, 10, 20, 40 … that is not below `most`: a half of it is a whole number too."""
    scale = 1
    while True:
        for factor in (1, 2, 4, 6, 8) if scale == 1 else (2, 4, 6, 8):
            if factor * scale >= most:
                return factor * scale
        if 10 * scale >= most:
            return 10 * scale
        scale *= 10


def _above_zero(observed: int | None) -> int:
    """A collector may say anything; less than nothing is drawn on the axis and told in the tables."""
    return max(observed or 0, 0)


def _place(x: float, value: int, top: int) -> str:
    return f"{x * GRID / 100:.1f} {GRID * (1 - value / top):.1f}"


def _band(places: Sequence[float], points: Sequence[_Point], top: int) -> str:
    """Forward along the high ends, back along the low ones; interrupted where nothing can be known or is expected.

    The page draws it thick, so that one exact number is seen; along the axis that thickness would look like a number.
    """
    path = []
    for run in _stretches(points, nought=False):
        known = [(places[i], expected) for i in run if (expected := points[i].expected) is not None]
        ends = [_place(x, expected.high, top) for x, expected in known]
        ends += [_place(x, expected.low, top) for x, expected in reversed(known)]
        path.append(f"M{' L'.join(ends)}Z")
    return "".join(path)


def _nought(places: Sequence[float], points: Sequence[_Point]) -> str:
    return "".join(
        f"M{_place(places[run[0]], 0, 1)} L{_place(places[run[-1]], 0, 1)}" for run in _stretches(points, nought=True)
    )


def _stretches(points: Sequence[_Point], *, nought: bool) -> list[list[int]]:
    """The indexes of what can be known, cut where an expectation of nothing begins or ends; of one of the two kinds.

    A flank, from something down to nothing, is of the band.
    """
    stretches = []
    for run in _runs([point.expected is not None for point in points]):
        flat = [points[i].expected == points[j].expected == _NOTHING for i, j in pairwise(run)]
        if not flat and (points[run[0]].expected == _NOTHING) is nought:
            stretches.append(run)
        for is_flat, steps in groupby(range(len(flat)), key=flat.__getitem__):
            if is_flat is nought:
                begin, *more = steps
                stretches.append(run[begin : begin + len(more) + 2])
    return stretches


def _line(places: Sequence[float], points: Sequence[_Point], top: int) -> str:
    path = []
    for run in _runs([point.observed is not None for point in points]):
        # The first place twice: a single point becomes a line without length, which round ends make a dot.
        path.append("M" + " L".join(_place(places[i], _above_zero(points[i].observed), top) for i in (run[0], *run)))
    return "".join(path)


def _runs(present: Sequence[bool]) -> list[list[int]]:
    """The indexes of what is there, cut wherever something is not."""
    runs: list[list[int]] = [[]]
    for number, there in enumerate(present):
        if there:
            runs[-1].append(number)
        elif runs[-1]:
            runs.append([])
    return [run for run in runs if run]


def _names(by: str, points: Sequence[_Point]) -> list[str]:
    return [f"{point.at:%Y-%m-%d %H:%M}" if by == "hour" else f"{point.at:%Y-%m-%d}" for point in points]


def _across(by: str, places: Sequence[float], points: Sequence[_Point]) -> tuple[Label, ...]:
    step = max(1, -(-len(points) // _MOST_LABELS))
    if by == "hour" and step > 1:
        step = next((nice for nice in (2, 3, 6, 12, 24, 48, 72, 96) if nice >= step), step)
    one_day = points[0].at.date() == points[-1].at.date()

    def text(at: datetime) -> str:
        # Both date and hour would run into their neighbours on a phone: midnight is where the date is news.
        return f"{at:%m-%d}" if by == "day" or step >= 24 or (at.hour == 0 and not one_day) else f"{at:%H:%M}"

    return tuple(Label(round(places[i], 3), text(points[i].at)) for i in range(0, len(points), step))


def up_labels(top: int) -> tuple[Label, ...]:
    """Rules at the top, the half and zero; the last has no text, which would lie on the line."""
    values = (top, top // 2, 0) if top > 1 else (top, 0)
    return tuple(Label(100 * (1 - value / top), words.whole(value) if value else "") for value in values)


def _title(name: str, point: _Point) -> str:
    expected = "cannot be known" if point.expected is None else f"expected {words.interval(point.expected, '–')}"
    observed = "not read" if point.observed is None else f"observed {words.whole(point.observed)}"
    return f"{name}: {expected}, {observed}, {point.status}"


def _summary(metric: str, by: str, names: Sequence[str], points: Sequence[_Point]) -> str:
    wrong = sum(point.status not in ("pass", "not checkable") for point in points)
    peak = max(range(len(points)), key=lambda i: points[i].observed or 0)
    said = "all as expected" if not wrong else f"{words.plural(wrong, by)} not as expected"
    return (
        f"{words.metric_name(metric)} in {words.plural(len(points), by)}: {said}; the most is "
        f"{words.whole(points[peak].observed or 0)} at {names[peak]}."
    )


def shares(parts: Sequence[int]) -> tuple[tuple[float, float], ...]:
    """(begin, length) of each part of a whole, in per cent, side by side. Of nothing, no lengths."""
    total = sum(parts)
    placed, begin = [], 0.0
    for part in parts:
        length = 100 * part / total if total else 0.0
        placed.append((round(begin, 3), round(length, 3)))
        begin += length
    return tuple(placed)
