"""What any source of totals gave → one Reading: bounded, checked, and what nobody gave is said to be missing.

A value that is no whole number from 0 on is not read, with a reason, and never 0; nor is a figure that nobody gives.
"""

from __future__ import annotations

import time
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import date, datetime
from decimal import Decimal
from typing import Any, NamedTuple
from zoneinfo import ZoneInfo

from simulator.contract import BY, METRICS, NO_CELL
from simulator.times import HOUR, hour_cell, instant, is_day, iso_local, zone_offset
from simulator.verify.readers.fetch import Unreadable
from simulator.verify.readers.reading import Reading
from simulator.verify.readers.setting import FIGURES, Setting

MOST_CELLS = 1_000_000  # of one kind
LONGEST_CELL = 4_096  # characters
_MOST = 2**63 - 1  # more than any collector can have counted


class Nothing(NamedTuple):
    """What an expression of a target file gives where it finds nothing."""

    why: str


@dataclass(slots=True)
class Figures:
    """Figures as they come in, kind by kind."""

    setting: Setting
    kinds: tuple[str, ...] = BY
    cells: dict[str, dict[str, dict[str, int | None]]] = field(default_factory=dict)
    errors: dict[str, str] = field(default_factory=dict)
    values: dict[tuple[str, str], str] = field(default_factory=dict)  # (metric, by) → why a value of it is none
    failed: dict[str, list[tuple[frozenset[str], str]]] = field(default_factory=dict)  # by → of which metrics, and why
    given: set[tuple[str, str]] = field(default_factory=set)  # (metric, by) of which somebody speaks
    invoked_ns: int = field(default_factory=time.time_ns)
    where: str = ""  # what is read now: a request, a query, a program
    speaks_of: frozenset[str] = frozenset(METRICS)  # and what it can tell, as far as that is known

    @contextmanager
    def reading(self, by: str, where: str, metrics: Iterable[str] = METRICS) -> Iterator[None]:
        """One kind of cell is read inside; what goes wrong there is said of that kind, and of these metrics."""
        self.where, self.speaks_of = where, frozenset(metrics)
        try:
            yield
        except Unreadable as bad:
            self.wrong(by, f"{where}: {bad}")
        finally:
            self.where, self.speaks_of = "", frozenset(METRICS)

    def wrong(self, by: str, why: str, metrics: Iterable[str] | None = None) -> None:
        """A kind of cell could not be read where it should be told; the first reason stays.

        Args:
            metrics: that should be told there; None: what is known of what is read now.
        """
        self.errors.setdefault(by, why)
        self.failed.setdefault(by, []).append((self.speaks_of if metrics is None else frozenset(metrics), why))

    def _wrong_value(self, metric: str, by: str, why: str) -> None:
        self.errors.setdefault(by, why)
        self.values.setdefault((metric, by), why)

    def add(self, by: str, rows: Iterable[tuple[object, Mapping[str, object]]], metrics: Iterable[str]) -> None:
        """Take rows (cell, metric → value) of one kind; of "all" there is one row, whatever its cell is called.

        Raises:
            Unreadable: too many, two of one cell, a cell that has no name.
        """
        named = tuple(metrics)
        self.speaks_of = frozenset(named)
        staged: dict[str, dict[str, int | None]] = {}
        for cell, values in rows:
            name = cell_name(by, cell, self.setting.contract.definitions.day)
            if name in staged:
                raise Unreadable("more than one row, where the total is one" if by == "all" else f"{name[:80]!r} twice")
            if len(staged) >= MOST_CELLS:
                raise Unreadable(f"more than {MOST_CELLS:,} cells")
            staged[name] = {}
            for metric in named:
                staged[name][metric], why = _number(values.get(metric))
                if why:
                    of = f" of the cell {name[:80]!r}" if by != "all" else ""
                    self._wrong_value(metric, by, f"{self.where and f'{self.where}: '}{metric}{of} {why}")
        if by == "all" and not staged:
            raise Unreadable("no row, where the total is one")
        # Only now: of half a list the other cells would be 0.
        self.given.update((metric, by) for metric in named)
        cells = self.cells.setdefault(by, {})
        for name, found in staged.items():
            if self._is_in_scope(by, name):
                cells.setdefault(name, {}).update(found)

    def _is_in_scope(self, by: str, name: str) -> bool:
        prefix = self.setting.scope.source
        return by != "source" or prefix is None or name == NO_CELL or name.startswith(prefix)

    def reading_of_all(self) -> Reading:
        """Everything that came in."""
        hidden, left_out = self.setting.secrets.hidden, self.setting.left_out
        cells = {by: self._filled(by) for by in self.kinds if by in self.cells}
        wanted = [one for one in FIGURES if one[1] in self.kinds and one not in left_out]
        asked = {by for _, by in wanted}
        errors = {by: hidden(why) for by, why in self.errors.items() if by in asked}
        missing = {
            (metric, by): hidden(self._why_missing(metric, by))
            for metric, by in wanted
            if (metric, by) not in self.given
        }
        values = {figure: hidden(why) for figure, why in self.values.items() if figure in wanted}
        return Reading(cells, errors, self.invoked_ns, time.time_ns(), missing, left_out, values)

    def _why_missing(self, metric: str, by: str) -> str:
        whys = (why for metrics, why in self.failed.get(by, ()) if metric in metrics)
        return next(whys, "the target file does not say where it stands")

    def _filled(self, by: str) -> dict[str, dict[str, int | None]]:
        """Every cell with every metric: one that several sources tell of is not named by each of them."""
        hidden = self.setting.secrets.hidden
        return {
            hidden(cell): {metric: values.get(metric, 0) if (metric, by) in self.given else None for metric in METRICS}
            for cell, values in self.cells[by].items()
        }


def cell_name(by: str, cell: object, zone: str) -> str:
    """The name of a cell as CONTRACT section 3 writes it.

    An hour is an instant: a text with an offset, or, without one and for a plain datetime, of the day's zone.

    Raises:
        Unreadable: no name that this kind can have.
    """
    if by == "all":
        return ""
    if by == "hour":
        return _hour(cell, zone)
    if by == "day":
        text = (
            cell.date().isoformat()
            if isinstance(cell, datetime)
            else cell.isoformat()
            if isinstance(cell, date)
            else cell
        )
        if not isinstance(text, str) or not is_day(text[:10]):
            raise Unreadable(f"a day is expected to be such as 2026-03-01, not {str(cell)[:40]!r}")
        return text[:10]
    if cell is None or cell == "":
        return NO_CELL
    if isinstance(cell, str | int) and not isinstance(cell, bool):
        name = str(cell)
        return name[:LONGEST_CELL].removeprefix("/") if by == "page" else name[:LONGEST_CELL]
    raise Unreadable(f"the name of a cell is expected to be a text, not {str(cell)[:40]!r}")


def _hour(cell: object, zone: str) -> str:
    try:
        moment = cell if isinstance(cell, datetime) else datetime.fromisoformat(str(cell))
        at = instant(moment.replace(tzinfo=ZoneInfo(zone)) if moment.tzinfo is None else moment)
    except (ValueError, OverflowError) as bad:
        raise Unreadable(f"an hour is expected to be such as 2026-03-01T09:00+08:00, not {str(cell)[:40]!r}") from bad
    return iso_local(at, zone) if (at + zone_offset(at, zone)) % HOUR else hour_cell(at, zone)


def _number(value: object) -> tuple[int | None, str]:
    """A whole number from 0 on; None and why it is none."""
    if isinstance(value, Nothing):
        return None, f"is nothing: {value.why}"
    if value is None:
        return None, "is nothing (of no rows a sum is nothing in SQL: write coalesce(sum(…), 0))"
    if isinstance(value, int) and not isinstance(value, bool) and 0 <= value <= _MOST:
        return value, ""
    if isinstance(value, Decimal | float) and 0 <= value <= 2**53 and value == int(value):
        return int(value), ""
    if isinstance(value, str) and value.isascii() and value.isdecimal() and len(value) <= 18:
        return int(value), ""
    return None, f"is expected to be a whole number from 0 on, not {_short(value)}"


def _short(value: Any) -> str:
    return repr(value)[:60]
