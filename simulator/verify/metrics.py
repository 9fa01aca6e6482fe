"""The four numbers of rows that are stored for certain: one definition each.

The rows are those of one or more linked groups, in the collector's order (storing.py), earlier visits included, and
beside each row the cells in which it counts (none outside the period). Each function adds to a tally. What becomes of
a number when outcomes are unknown is bounds.py.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from simulator.contract import Contract
from simulator.verify.cells import Cells
from simulator.verify.identity import Users
from simulator.verify.opening import beginnings, view_id
from simulator.verify.sighting import Sighting
from simulator.wire.request import Action

Tally = dict[int, int]  # cell number → count


def count_pv(rows: Sequence[Sighting], places: Sequence[Cells], contract: Contract, tally: Tally) -> None:
    """Page views (访问次数, visit_pv): stored good mini_program_view or open_page, in the cells of the view.

    Every stored copy counts. Where the contract says so, one for each distinct page-view id instead, and pings too.

    Source: CONTRACT section 3, pv.
    """
    if contract.views == "by_id":
        add_distinct(((view_id(row, contract), cells) for row, cells in zip(rows, places, strict=True)), tally)
        return
    view, pings = Action.VIEW, contract.ping is not None
    counts: dict[Cells, int] = {}  # rows mostly share their cells with others
    for row, cells in zip(rows, places, strict=True):
        action = row.record.action
        if action is view or (pings and action is Action.PING):
            counts[cells] = counts.get(cells, 0) + row.low
    for cells, count in counts.items():
        for cell in cells:
            tally[cell] = tally.get(cell, 0) + count


def count_opens(rows: Sequence[Sighting], places: Sequence[Cells], contract: Contract, tally: Tally) -> None:
    """Opens (打开次数, session_cnt), in the cells of the event that begins the open; pages have none.

    Where session ids are given: the distinct ids in the cell.

    Source: CONTRACT section 3, opens; the rules are in opening.py.
    """
    if contract.sessions == "given":
        add_distinct(((row.record.session, cells) for row, cells in zip(rows, places, strict=True)), tally)
        return
    for place, begun in beginnings(rows, contract):
        for cell in places[place]:
            tally[cell] = tally.get(cell, 0) + begun


def makes_user(row: Sighting, contract: Contract) -> bool:
    """Whether the row makes its user count: an open or a view, nothing else (so a cell can have opens 1, uv 0)."""
    action = row.record.action
    return action is Action.VIEW or action is Action.OPEN or (action is Action.PING and contract.ping is not None)


def count_uv(rows: Sequence[Sighting], places: Sequence[Cells], users: Users, contract: Contract, tally: Tally) -> None:
    """Unique visitors (访问人数, visit_uv): users with a stored open or view in the cell.

    Source: CONTRACT section 3, uv.
    """
    add_distinct(
        ((user, cells) for row, cells, user in zip(rows, places, users, strict=True) if makes_user(row, contract)),
        tally,
    )


def count_new_users(
    rows: Sequence[Sighting], places: Sequence[Cells], users: Users, contract: Contract, tally: Tally
) -> None:
    """New users (新访客, visit_uv_new): users whose first stored open or view ever lies in the period.

    In the cells of that event. A first event before the period, as of an earlier visit, makes the user known. Where
    the contract forgets, a user unseen for longer than its memory is new again (for exactly so long is not).

    Source: CONTRACT section 3, new_users.
    """
    seen: dict[str, int] = {}
    forgets = contract.memory is not None
    for row, cells, user in zip(rows, places, users, strict=True):
        if user is None or (user in seen and not forgets) or not makes_user(row, contract):
            continue
        last = seen.get(user)
        if last is None or (contract.memory is not None and row.earliest - last > contract.memory):
            for cell in cells:
                tally[cell] = tally.get(cell, 0) + 1
        seen[user] = row.earliest


def add_distinct(named: Iterable[tuple[str | None, Cells]], tally: Tally) -> None:
    """Add one to each cell for each name that occurs in it; None or empty is no name."""
    places: dict[str, set[Cells]] = {}
    for name, cells in named:
        if name:
            known = places.get(name)
            if known is None:
                places[name] = {cells}
            else:
                known.add(cells)
    for found in places.values():
        for cell in next(iter(found)) if len(found) == 1 else set().union(*found):
            tally[cell] = tally.get(cell, 0) + 1
