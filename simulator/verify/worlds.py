"""Every way in which the unknown outcomes of one linked group may have gone, counted one by one.

Used where no closed form is exact: users that are named by which events are stored, and sessions whose cut depends
on them. Exact while the unknown events are few; beyond that bounds.py takes a sound pair.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace

from simulator.contract import Contract
from simulator.verify.cells import CellBook, Cells
from simulator.verify.identity import users
from simulator.verify.metrics import Tally, count_new_users, count_opens, count_pv, count_uv
from simulator.verify.opening import admitted
from simulator.verify.sighting import Sighting
from simulator.verify.storing import orders, surely_before

MAX_UNKNOWN = 12


def worlds(rows: Sequence[Sighting], contract: Contract, max_unknown: int = MAX_UNKNOWN) -> list[list[Sighting]] | None:
    """Every stored set of the rows, in every order they may stand in; None when they are too many to try.

    Args:
        max_unknown: so many events of unknown outcome are tried.
    """
    unknown = [place for place, row in enumerate(rows) if not row.low]
    if len(unknown) > max_unknown:
        return None
    possible_orders = orders(rows, surely_before(contract))
    if possible_orders is None or len(possible_orders) << len(unknown) > 1 << max_unknown:
        return None
    return [world for order in possible_orders for world in _subsets(order)]


def _subsets(rows: Sequence[Sighting]) -> Iterator[list[Sighting]]:
    unknown = [place for place, row in enumerate(rows) if not row.low]
    for choice in range(1 << len(unknown)):
        absent = {place for bit, place in enumerate(unknown) if not choice >> bit & 1}
        yield [row for place, row in enumerate(rows) if place not in absent]


def count_worlds(
    rows: Sequence[Sighting],
    metrics: Sequence[str],
    contract: Contract,
    book: CellBook,
    low: dict[str, Tally],
    high: dict[str, Tally],
    max_unknown: int = MAX_UNKNOWN,
) -> bool:
    """Add the least and the most of each metric over all worlds of the group; False when they are too many.

    Exact for dated rows. A row that arrived within a window counts for the least where it cannot miss the cell, and
    for the most wherever it may reach.
    """
    every = worlds(rows, contract, max_unknown)
    if every is None:
        return False
    places = _Places(book)
    loose = any(row.high > 1 or not row.dated for row in rows)
    least: dict[str, Tally] = {}
    most: dict[str, Tally] = {metric: {} for metric in metrics}
    for world in every:
        lows = _count(metrics, world, contract, places, certain=True)
        highs = _count(metrics, world, contract, places, certain=False) if loose else lows
        for metric in metrics:
            least[metric] = _at_least(least[metric], lows[metric]) if metric in least else lows[metric]
            for cell, count in highs[metric].items():
                if count > most[metric].get(cell, 0):
                    most[metric][cell] = count
    for metric in metrics:
        _add(low[metric], least[metric])
        _add(high[metric], most[metric])
    return True


class _Places:
    """The cells of each row, looked up once for all worlds."""

    def __init__(self, book: CellBook) -> None:
        self._book = book
        self._known: dict[tuple[int, bool, bool], tuple[Sighting, Cells]] = {}

    def of(self, row: Sighting, *, certain: bool, page: bool) -> Cells:
        # The row is kept beside its cells, so that its id is not taken by another one.
        key = (id(row), certain, page)
        found = self._known.get(key)
        if found is None:
            look_up = self._book.certain if certain else self._book.possible
            found = self._known[key] = (row, look_up(row, page=page))
        return found[1]


def _count(
    metrics: Sequence[str], world: list[Sighting], contract: Contract, places: _Places, *, certain: bool
) -> dict[str, Tally]:
    tallies: dict[str, Tally] = {metric: {} for metric in metrics}
    rows = admitted(world, contract)
    plain = [places.of(row, certain=certain, page=False) for row in rows]
    paged = [places.of(row, certain=certain, page=True) for row in rows]
    if "pv" in tallies:
        count_pv([_stored(row, certain) for row in rows], paged, contract, tallies["pv"])
    if "opens" in tallies:
        count_opens([_stored(row, certain) for row in rows], plain, contract, tallies["opens"])
    names = users(rows, contract)
    if "uv" in tallies:
        count_uv(rows, paged, names, contract, tallies["uv"])
    if "new_users" in tallies:
        count_new_users(rows, plain, names, contract, tallies["new_users"])
    return tallies


def _stored(row: Sighting, fewest: bool) -> Sighting:
    """The row with the copies that it has in this world: at least one, or the most."""
    copies = max(row.low, 1) if fewest else row.high
    return row if row.low == copies else replace(row, low=copies)


def _at_least(one: Tally, other: Tally) -> Tally:
    return {cell: min(count, other[cell]) for cell, count in one.items() if cell in other}


def _add(tally: Tally, more: Tally) -> None:
    for cell, count in more.items():
        tally[cell] = tally.get(cell, 0) + count
