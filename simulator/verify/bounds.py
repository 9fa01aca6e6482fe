"""The four numbers of one linked group as intervals, where some outcomes, arrivals or orders are unknown.

Each metric takes the sharpest way that is exact for it: sums of copies, a walk by a fixed key, the dynamic program of
activity.py, or the worlds one by one; and a sound pair where the worlds are too many.

Source: reference/verification-model.md, section 5.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

from simulator.contract import METRICS, Contract
from simulator.verify.activity import bound_opens
from simulator.verify.cells import CellBook
from simulator.verify.identity import has_user, most_users, sole_user
from simulator.verify.metrics import Tally, add_distinct, makes_user
from simulator.verify.opening import opening_actions, view_id
from simulator.verify.sighting import Sighting
from simulator.verify.storing import Before, surely_before
from simulator.verify.worlds import MAX_UNKNOWN, count_worlds

Tallies = dict[str, Tally]  # by metric
Name = Callable[[Sighting], str | None]


def bound_group(
    rows: Sequence[Sighting],
    contract: Contract,
    book: CellBook,
    low: Tallies,
    high: Tallies,
    max_unknown: int = MAX_UNKNOWN,
) -> None:
    """Add what the group certainly and at most adds to each metric, cell by cell.

    Args:
        max_unknown: worlds are counted one by one up to so many events of unknown outcome.
    """
    if contract.sessions == "given":
        rows = [row for row in rows if row.record.session]
    # Where a session is cut, which rows count depends on which others are stored.
    hard = METRICS if _cuts(contract) else _bound_directly(rows, contract, book, low, high)
    if hard and not count_worlds(rows, hard, contract, book, low, high, max_unknown):
        for metric in hard:
            _bound_loosely(metric, rows, contract, book, low[metric], high[metric])


def _cuts(contract: Contract) -> bool:
    return contract.sessions == "given" and (contract.session_cut is not None or not contract.viewless_opens)


def _bound_directly(
    rows: Sequence[Sighting], contract: Contract, book: CellBook, low: Tallies, high: Tallies
) -> Sequence[str]:
    """Bound what has a closed form; the rest is returned."""
    hard: list[str] = []
    if contract.views == "each":
        views = [row for row in rows if view_id(row, contract) is not None]
        _sum(views, book, low["pv"], high["pv"], page=True)
    else:
        _by_key(rows, lambda row: view_id(row, contract), book, low["pv"], high["pv"], page=True)

    actions = opening_actions(contract)
    if actions is not None:
        _sum([row for row in rows if row.record.action in actions], book, low["opens"], high["opens"], page=False)
    elif contract.sessions == "given":
        _by_key(rows, lambda row: row.record.session, book, low["opens"], high["opens"], page=False)
    else:
        bound_opens(rows, contract, book, low["opens"], high["opens"])

    name = sole_user(rows, contract)
    if name is None:
        return "uv", "new_users"
    visits = [row for row in rows if makes_user(row, contract)]
    _by_key(visits, name, book, low["uv"], high["uv"], page=True)
    if contract.memory is None:
        _walk(visits, name, surely_before(contract), book, low["new_users"], high["new_users"])
    else:
        hard.append("new_users")
    return tuple(hard)


def _sum(rows: Sequence[Sighting], book: CellBook, low: Tally, high: Tally, *, page: bool) -> None:
    """Copies of rows that count one by one.

    Exact: each number of copies is independent of the others. Source: the model, section 5.2.
    """
    for row in rows:
        if row.low:
            for cell in book.certain(row, page=page):
                low[cell] = low.get(cell, 0) + row.low
        for cell in book.possible(row, page=page):
            high[cell] = high.get(cell, 0) + row.high


def _by_key(rows: Sequence[Sighting], name: Name, book: CellBook, low: Tally, high: Tally, *, page: bool) -> None:
    """Distinct names that no unknown outcome can change.

    Exact for dated rows: a name counts for certain in the cells of its certain rows, possibly in those of the
    others. Source: the model, section 5.3.
    """
    add_distinct(((name(row), book.certain(row, page=page)) for row in rows if row.low), low)
    add_distinct(((name(row), book.possible(row, page=page)) for row in rows), high)


def _walk(rows: Sequence[Sighting], name: Name, before: Before, book: CellBook, low: Tally, high: Tally) -> None:
    """New users by a fixed key: from the earliest event on, up to and including the first certain one.

    Exact: any of these may be the first that is stored. A user is new for certain in a cell that all of them share,
    possibly in that of each; outside the period is a cell of its own. Source: the model, section 5.4.
    """
    visits: dict[str, list[Sighting]] = {}
    for row in rows:
        user = name(row)
        if user:
            visits.setdefault(user, []).append(row)
    for own in visits.values():
        certain = [row for row in own if row.low]
        firsts = [row for row in own if not any(before(other, row) for other in certain)]
        if certain:
            shared = set.intersection(*(set(book.certain(row, page=False)) for row in firsts))
            for cell in shared:
                low[cell] = low.get(cell, 0) + 1
        for cell in {cell for row in firsts for cell in book.possible(row, page=False)}:
            high[cell] = high.get(cell, 0) + 1


def _bound_loosely(
    metric: str, rows: Sequence[Sighting], contract: Contract, book: CellBook, low: Tally, high: Tally
) -> None:
    """A pair that no world leaves. Sound, not tight.

    A certain event of a known user makes at least one user; there are no more users than possible events, nor
    than names for them.
    """
    if metric == "pv":
        views = [row for row in rows if view_id(row, contract) is not None]
        _sum(views, book, {}, high, page=True)
        return
    if metric == "opens":
        _by_key(rows, lambda row: row.record.session, book, {}, high, page=False)
        return
    page = metric == "uv"
    visits = [row for row in rows if makes_user(row, contract)]
    possible: Tally = {}
    for row in visits:
        for cell in book.possible(row, page=page):
            possible[cell] = possible.get(cell, 0) + 1
    forgets = metric == "new_users" and contract.memory is not None
    limit = len(visits) if forgets else most_users(rows, contract)
    for cell, count in possible.items():
        high[cell] = high.get(cell, 0) + min(count, limit)
    if metric == "uv" and not _cuts(contract):
        named = [row for row in visits if row.low and has_user(row, contract)]
        for cell in {cell for row in named for cell in book.certain(row, page=True)}:
            low[cell] = low.get(cell, 0) + 1
