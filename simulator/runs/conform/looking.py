"""What a target's reader says of the cells of a case: before and after, as numbers that the case alone has moved.

A figure of the whole case is read in the cell of its source where the reader has such cells, else as the total of its
own days. Hours are compared as instants. What the reader does not give is None, and never 0.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress

from simulator.contract import BY
from simulator.runs.conform.expecting import Cell
from simulator.runs.conform.staging import Staged
from simulator.times import Ms, parse_instant
from simulator.verify.readers.reading import Reading
from simulator.verify.readers.setting import TotalsReader

_WHOLE = "all"


def look(reader: TotalsReader, staged: Staged, kinds: Iterable[str]) -> Reading:
    """The totals of a case's own stretch of time, in the kinds of cells that are asked for."""
    wanted = set(kinds)
    return reader.read(staged.begin, staged.end, kinds=tuple(by for by in BY if by in wanted))


def readable(staged: Staged, cells: Sequence[Cell], given: Reading, by_event: bool) -> dict[Cell, Cell | str]:
    """Where each figure of a case is read, or why it is not.

    Args:
        cells: as the case names them.
        given: a reading of every kind of cell, which tells what the reader gives.
        by_event: the target counts by the events' own time, so that the case has days of its own.
    """
    return {cell: _place(staged, cell, given, by_event) for cell in cells}


def _place(staged: Staged, cell: Cell, given: Reading, by_event: bool) -> Cell | str:
    metric, by, _ = cell
    if by in ("hour", "day") and not by_event:
        return f"{by}s are those of arrival"
    if metric in ("uv", "new_users") and staged.nameless:
        return f"{metric} of anonymous visitors cannot be known on the wire of {staged.adapter.name}"
    if by in ("source", "content", "page") and not staged.tells(by):
        return f"the wire of {staged.adapter.name} does not carry what {metric} by {by} is told by"
    there = staged.cell(cell)
    if there[1] == by:
        if by == _WHOLE and not by_event:
            return "its events have not one source to tell them by, and a total by arrival is not its own"
        return there if given.gives(metric, by) else _why(given, metric, by)
    # The whole of a case with one source.
    if given.gives(metric, there[1]):
        return there
    if by_event and given.gives(metric, _WHOLE):
        return metric, _WHOLE, ""
    why = _why(given, metric, there[1])
    return f"{metric} is read neither by source nor in total ({why})" if by_event else why


def _why(given: Reading, metric: str, by: str) -> str:
    if (metric, by) in given.left_out:
        return f"the target file says that the collector has no {metric} {_in(by)}"
    said = given.missing.get((metric, by)) or given.errors.get(by, "")
    return said or f"{metric} by {by} is not read"


def value(reading: Reading, cell: Cell) -> int | None:
    """One figure of a reading; a cell that is not named is 0 where the figure is given at all."""
    metric, by, name = cell
    if not reading.gives(metric, by) or by in reading.errors:
        return None
    cells = reading.cells[by]
    if by != "hour":
        return cells.get(name, {}).get(metric, 0)
    at, total = parse_instant(name), 0
    for said, values in cells.items():
        if _instant(said) == at:
            part = values.get(metric, 0)
            if part is None:
                return None
            total += part
    return total


def values(reading: Reading, cells: Iterable[Cell]) -> Mapping[Cell, int | None]:
    """Some figures of a reading."""
    return {cell: value(reading, cell) for cell in cells}


def _instant(cell: str) -> Ms | None:
    with suppress(ValueError, OverflowError):
        return parse_instant(cell)
    return None


def _in(by: str) -> str:
    return "in total" if by == _WHOLE else f"by {by}"
