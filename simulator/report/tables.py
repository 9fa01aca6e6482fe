"""Judged cells arranged for reading: one row a cell, one column a metric, the wrong ones first where a table is cut."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime

from simulator.contract import BY, METRICS, NO_CELL
from simulator.finding import Judged
from simulator.report.words import Status, status

# What cannot be known on a wire is no flaw of the collector, so it never hides that the rest of a row is right.
_WORST_FIRST: tuple[Status, ...] = ("error", "fail", "inconclusive", "not read", "pass", "not checkable")
_FINE: tuple[Status, ...] = ("pass", "not checkable")


@dataclass(frozen=True, slots=True)
class Row:
    """One cell with what was judged in it."""

    cell: str
    judged: dict[str, Judged]  # by metric; absent: the metric has no such cell

    @property
    def status(self) -> Status:
        return worst(map(status, self.judged.values()))


@dataclass(frozen=True, slots=True)
class Table:
    """Every cell of one kind."""

    by: str
    metrics: tuple[str, ...]  # the columns
    rows: tuple[Row, ...]  # time forward; other cells by expected PV, the largest first


@dataclass(frozen=True, slots=True)
class Tally:
    """How many cells of one metric and kind came to what."""

    passed: int
    total: int
    worst: Status


@dataclass(frozen=True, slots=True)
class Unknowable:
    """Cells of one metric that cannot be known, for one reason."""

    metric: str
    why: str
    cells: int


def worst(statuses: Iterable[Status]) -> Status:
    """The status that a reader has to see first; of none, "not checkable"."""
    return min(statuses, key=_WORST_FIRST.index, default="not checkable")


def table(metrics: Iterable[Judged], by: str) -> Table:
    """The cells of one kind as rows. A kind that was not judged has none."""
    cells: dict[str, dict[str, Judged]] = {}
    for judged in metrics:
        if judged.by == by:
            cells.setdefault(judged.cell, {})[judged.metric] = judged
    columns = tuple(metric for metric in METRICS if any(metric in of for of in cells.values()))
    rows = [Row(cell, {metric: of[metric] for metric in columns if metric in of}) for cell, of in cells.items()]
    return Table(by, columns, tuple(sorted(rows, key=_in_time if by in ("hour", "day") else _by_size)))


def shorten(rows: Sequence[Row], limit: int) -> tuple[tuple[Row, ...], tuple[Row, ...]]:
    """(shown, left out). Rows that are not right come first when something is left out; else the order stays."""
    if len(rows) <= limit:
        return tuple(rows), ()
    ordered = sorted(rows, key=lambda row: _WORST_FIRST.index(row.status))
    return tuple(ordered[:limit]), tuple(ordered[limit:])


def remainder(left_out: Sequence[Row]) -> str:
    """What a cut table ends with: "… 14 more, all pass"."""
    wrong = sum(row.status not in _FINE for row in left_out)
    passed = sum(row.status == "pass" for row in left_out)
    fine = "all pass" if passed == len(left_out) else "none wrong"
    said = f"{wrong:,} of them not right" if wrong else fine
    return f"… {len(left_out):,} more, {said}"


def not_right(metrics: Iterable[Judged]) -> tuple[Judged, ...]:
    """Every cell that should have passed and did not, the worst first, totals before their parts."""
    odd = [judged for judged in metrics if status(judged) not in _FINE]
    order = {by: place for place, by in enumerate(BY)}
    return tuple(sorted(odd, key=lambda judged: (_WORST_FIRST.index(status(judged)), order.get(judged.by, 9))))


def not_checkable(metrics: Iterable[Judged]) -> tuple[Unknowable, ...]:
    """The cells that cannot be known, by metric and reason."""
    groups: dict[tuple[str, str], int] = {}
    for judged in metrics:
        if status(judged) == "not checkable":
            groups[judged.metric, judged.why] = groups.get((judged.metric, judged.why), 0) + 1
    return tuple(Unknowable(metric, why, cells) for (metric, why), cells in groups.items())


def tally(metrics: Iterable[Judged], metric: str, by: str) -> Tally:
    """The cells of one metric and kind, counted."""
    statuses = [status(judged) for judged in metrics if judged.metric == metric and judged.by == by]
    return Tally(statuses.count("pass"), len(statuses), worst(statuses))


def moment(cell: str) -> datetime | None:
    """The instant at which an hour or day cell begins; None for a name that is no time (a collector may send any)."""
    try:
        at = datetime.fromisoformat(cell)
    except ValueError:
        return None
    return at if 1970 <= at.year < 9999 else None  # beyond them, arithmetic with offsets can overflow


def _in_time(row: Row) -> tuple[bool, float, str]:
    """Instants, not texts: a repeated hour of daylight saving is two cells with different offsets."""
    at = moment(row.cell)
    if at is None:
        return (True, 0.0, row.cell)
    epoch = datetime(1970, 1, 1, tzinfo=at.tzinfo)
    offset = at.utcoffset()
    return (False, (at - epoch).total_seconds() - (offset.total_seconds() if offset else 0.0), row.cell)


def _by_size(row: Row) -> tuple[bool, int, str]:
    pv = row.judged.get("pv")
    expected = pv.expected.high if pv and pv.expected else 0
    observed = (pv.observed if pv else None) or 0
    return (row.cell == NO_CELL, -max(expected, observed), row.cell)
