"""The four numbers once more, unit by unit: which row each one of a count comes from.

metrics.py counts certain rows into cells; here the same definitions are asked row by row, so that a count can be
explained (explain.py), compared with another definition (rules.py) and traced to a visitor. A property test holds the
two together.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass

from simulator.contract import METRICS, Contract
from simulator.verify.cells import NOWHERE, CellBook, Cells
from simulator.verify.identity import Users, users
from simulator.verify.metrics import makes_user
from simulator.verify.opening import admitted, beginnings, view_id
from simulator.verify.sighting import Sighting

Place = Callable[[Sighting], tuple[Cells, Cells]]  # the cells of a row without and with its page
Naming = Callable[[Sequence[Sighting], Contract], Users]
Opening = Callable[[Sequence[Sighting], Contract], Iterator[tuple[int, int]]]  # as `beginnings`
Tallies = Mapping[str, Mapping[int, int]]  # metric → cell → count


@dataclass(frozen=True, slots=True)
class Unit:
    """What one row adds to one metric: so many, in these cells."""

    metric: str
    row: Sighting
    cells: Cells
    times: int
    user: str | None = None  # of uv and new_users


def units(
    rows: Sequence[Sighting],
    contract: Contract,
    place: Place,
    *,
    metrics: Collection[str] = METRICS,
    naming: Naming = users,
    opening: Opening = beginnings,
) -> Iterator[Unit]:
    """Everything that certain rows add to the metrics, in their order within each metric.

    A user counts in a cell with the first row that is there; what counts nowhere is left out.

    Args:
        rows: whole linked groups, in the collector's order, earlier visits included.
    """
    rows = admitted(rows, contract)
    places = [place(row) for row in rows]
    if "pv" in metrics:
        yield from _views(rows, [paged for _, paged in places], contract)
    if "opens" in metrics:
        yield from _opens(rows, [plain for plain, _ in places], contract, opening)
    if "uv" in metrics or "new_users" in metrics:
        names = naming(rows, contract)
        visits = [place for place, row in enumerate(rows) if names[place] is not None and makes_user(row, contract)]
        if "uv" in metrics:
            named = ((rows[at], places[at][1], names[at]) for at in visits)
            yield from _distinct("uv", named)
        if "new_users" in metrics:
            yield from _debuts(((rows[at], places[at][0], names[at]) for at in visits), contract)


def _views(rows: Sequence[Sighting], places: Sequence[Cells], contract: Contract) -> Iterator[Unit]:
    found = ((row, cells, view_id(row, contract)) for row, cells in zip(rows, places, strict=True))
    if contract.views == "by_id":
        yield from _distinct("pv", ((row, cells, view) for row, cells, view in found if view))
        return
    for row, cells, view in found:
        if view is not None and cells:
            yield Unit("pv", row, cells, row.low)


def _opens(rows: Sequence[Sighting], places: Sequence[Cells], contract: Contract, opening: Opening) -> Iterator[Unit]:
    if contract.sessions == "given":
        named = ((row, cells, row.record.session) for row, cells in zip(rows, places, strict=True))
        yield from _distinct("opens", named)
        return
    for at, times in opening(rows, contract):
        if places[at]:
            yield Unit("opens", rows[at], places[at], times)


def _distinct(metric: str, named: Iterator[tuple[Sighting, Cells, str | None]]) -> Iterator[Unit]:
    seen: dict[str, set[int]] = {}
    for row, cells, name in named:
        if not name:
            continue
        known = seen.setdefault(name, set())
        fresh = tuple(cell for cell in cells if cell not in known)
        if fresh:
            known.update(fresh)
            yield Unit(metric, row, fresh, 1, name)


def _debuts(visits: Iterator[tuple[Sighting, Cells, str | None]], contract: Contract) -> Iterator[Unit]:
    seen: dict[str, int] = {}
    for row, cells, name in visits:
        assert name is not None
        last = seen.get(name)
        new = last is None or (contract.memory is not None and row.earliest - last > contract.memory)
        if new and cells:
            yield Unit("new_users", row, cells, 1, name)
        if last is None or contract.memory is not None:
            seen[name] = row.earliest


def place_in(book: CellBook) -> Place:
    """The cells of dated rows in a period; none outside."""

    def place(row: Sighting) -> tuple[Cells, Cells]:
        found = book.of(row)
        return (NOWHERE, NOWHERE) if found is None else found

    return place


def in_order(rows: Sequence[Sighting], contract: Contract) -> list[Sighting]:
    """Stored rows in the order in which the collector works through them."""
    if contract.order == "arrival":
        return sorted(rows, key=lambda row: row.arrived)
    return sorted(rows, key=lambda row: (row.earliest, row.arrived))
