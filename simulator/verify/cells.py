"""In which cells a row counts: all, source, content, hour, day and, for views and users, page.

Cells are numbered as they are met, so that counting adds to small integers; names come back at the end.
"""

from __future__ import annotations

from collections.abc import Sequence

from simulator.contract import NO_CELL
from simulator.times import Ms, day_cell, hour_cell
from simulator.verify.sighting import Sighting
from simulator.wire.request import Action, Record

Cells = tuple[int, ...]
NOWHERE: Cells = ()
_NO_PLACE = (NOWHERE, NOWHERE)
_QUARTER_HOUR = 15 * 60_000  # offsets of zones change on quarter hours at the finest
_MOST_REMEMBERED = 50_000  # about 20 MB
_VIEWS = (Action.VIEW, Action.PING)  # a ping says that a view goes on


def _page_of(record: Record) -> str:
    """The cell of a view's page; empty for what shows no page, such as an open."""
    return record.page or (NO_CELL if record.action in _VIEWS else "")


class CellBook:
    """The numbers of cells in one period of one zone.

    A row whose instant is known counts in its cells or, outside [begin, end), nowhere. Where only a window of
    arrival is known it counts for certain in the cells that it cannot miss, and possibly in each that it may reach.
    """

    def __init__(self, zone: str, begin: Ms, end: Ms) -> None:
        self.zone, self.begin, self.end = zone, begin, end
        self.names: list[tuple[str, str]] = []  # (by, cell), by number
        self._numbers: dict[tuple[str, str], int] = {}
        self._known: dict[tuple[str, str, str, int], tuple[Cells, Cells]] = {}
        self._windows: dict[tuple[int, int], tuple[Cells, Cells]] = {}

    def number(self, by: str, cell: str) -> int:
        """The number of a cell, a new one at the first asking."""
        name = (by, cell)
        found = self._numbers.get(name)
        if found is None:
            found = self._numbers[name] = len(self.names)
            self.names.append(name)
        return found

    def of(self, row: Sighting) -> tuple[Cells, Cells] | None:
        """The cells of a dated row, first without its page and then with it; None outside the period.

        Raises nothing; `begin` itself is inside, `end` is not.
        """
        at = row.earliest
        if not self.begin <= at < self.end:
            return None
        record = row.record
        key = (record.source, record.content, _page_of(record), at // _QUARTER_HOUR)
        known = self._known.get(key)
        if known is None:
            if len(self._known) >= _MOST_REMEMBERED:
                self._known.clear()
            known = self._known[key] = self._look_up(row)
        return known

    def places(self, rows: Sequence[Sighting]) -> tuple[list[Cells], list[Cells]]:
        """The cells of dated rows, without their pages and with them; none for a row outside the period."""
        begin, end, known = self.begin, self.end, self._known
        plain: list[Cells] = []
        paged: list[Cells] = []
        for row in rows:
            at, record = row.earliest, row.record
            if begin <= at < end:
                # Most rows have cells that were looked up before, under the key of `of`.
                page = record.page or _page_of(record)
                found = known.get((record.source, record.content, page, at // _QUARTER_HOUR)) or self.of(row)
            else:
                found = None
            without, with_page = found or _NO_PLACE
            plain.append(without)
            paged.append(with_page)
        return plain, paged

    def _look_up(self, row: Sighting) -> tuple[Cells, Cells]:
        instants = (
            self.number("hour", hour_cell(row.earliest, self.zone)),
            self.number("day", day_cell(row.earliest, self.zone)),
        )
        cells = self._timeless(row) + instants
        return cells, cells + self._page(row)

    def _timeless(self, row: Sighting) -> Cells:
        return (
            self.number("all", ""),
            self.number("source", row.record.source or NO_CELL),
            self.number("content", row.record.content or NO_CELL),
        )

    def _page(self, row: Sighting) -> Cells:
        page = _page_of(row.record)
        return (self.number("page", page),) if page else NOWHERE

    def certain(self, row: Sighting, *, page: bool) -> Cells:
        """The cells in which the row counts if it is stored, whenever it arrived within its window."""
        if row.earliest == row.latest:
            return self._exact(row, page=page)
        if row.earliest < self.begin or row.latest >= self.end:
            return NOWHERE
        hours, days = self._touched(row)
        cells = self._timeless(row) + (hours if len(hours) == 1 else ()) + (days if len(days) == 1 else ())
        return cells + self._page(row) if page else cells

    def possible(self, row: Sighting, *, page: bool) -> Cells:
        """The cells in which the row may count; outside the period it counts nowhere."""
        if row.earliest == row.latest:
            return self._exact(row, page=page)
        if row.latest < self.begin or row.earliest >= self.end:
            return NOWHERE
        hours, days = self._touched(row)
        cells = self._timeless(row) + hours + days
        return cells + self._page(row) if page else cells

    def _exact(self, row: Sighting, *, page: bool) -> Cells:
        found = self.of(row)
        return NOWHERE if found is None else found[page]

    def _touched(self, row: Sighting) -> tuple[Cells, Cells]:
        quarters = (
            max(row.earliest, self.begin) // _QUARTER_HOUR,
            min(row.latest, self.end - 1) // _QUARTER_HOUR,
        )
        known = self._windows.get(quarters)
        if known is None:
            instants = [Ms(quarter * _QUARTER_HOUR) for quarter in range(quarters[0], quarters[1] + 1)]
            known = self._windows[quarters] = (
                tuple(dict.fromkeys(self.number("hour", hour_cell(at, self.zone)) for at in instants)),
                tuple(dict.fromkeys(self.number("day", day_cell(at, self.zone)) for at in instants)),
            )
        return known
