"""Opens cut by a timeout, as intervals: a dynamic program over the events of one device.

Storing one more event can lower the count, because an event in a gap joins two opens. So the least and the most are
searched separately, over every set of stored events. The rule itself is opening.py.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

from simulator.contract import Contract
from simulator.verify.cells import CellBook
from simulator.verify.metrics import Tally
from simulator.verify.opening import Begins, begins_by_timeout, opening_copies
from simulator.verify.sighting import Sighting
from simulator.verify.storing import orders, surely_before
from simulator.wire.request import Action

Pick = Callable[[int, int], int]
State = tuple[int, str]  # place of the open's last event, and the open's source; place -1: no open runs
_CLOSED: State = (-1, "")


def bound_opens(rows: Sequence[Sighting], contract: Contract, book: CellBook, low: Tally, high: Tally) -> None:
    """Add the least and the most opens of one linked group, cell by cell.

    Exact where the order of a device's events is known but for MAX_ORDERS orders, and dates are on the wire;
    sound beyond. Rows without anonymousId belong to no device: only a mini_program_open among them is an open.

    Order: O(n · w) a cell and device, w = length of the longest run of uncertain events.
    Source: reference/verification-model.md, section 5.5.
    """
    devices: dict[str, list[Sighting]] = {}
    for row in rows:
        if row.record.anonymous_id:
            devices.setdefault(row.record.anonymous_id, []).append(row)
        else:
            _bound_loosely([row], contract, book, low, high, alone=True)
    before = surely_before(contract)
    for own in devices.values():
        possible_orders = orders(own, before)
        if possible_orders is None:
            _bound_loosely(own, contract, book, low, high)
        else:
            _bound_device(possible_orders, contract, book, low, high)


def _bound_device(
    possible_orders: list[list[Sighting]], contract: Contract, book: CellBook, low: Tally, high: Tally
) -> None:
    begins = begins_by_timeout(contract)
    cells = {cell for row in possible_orders[0] for cell in book.possible(row, page=False)}
    for cell in cells:
        least, most = [], []
        for rows in possible_orders:
            certain = [cell in book.certain(row, page=False) for row in rows]
            possible = [cell in book.possible(row, page=False) for row in rows]
            least.append(_best(rows, certain, begins, contract, min))
            most.append(_best(rows, possible, begins, contract, max))
        low[cell] = low.get(cell, 0) + min(least)
        high[cell] = high.get(cell, 0) + max(most)


def _best(rows: Sequence[Sighting], inside: Sequence[bool], begins: Begins, contract: Contract, pick: Pick) -> int:
    """The best count of opens that begin inside the cell, over every set of stored rows."""
    counts: dict[State, int] = {_CLOSED: 0}
    for place, row in enumerate(rows):
        after: dict[State, int] = {}
        gain = pick(*opening_copies(row, contract)) if inside[place] else 0

        for (last, source), count in counts.items():
            if not row.low:
                _put(after, (last, source), count, pick)
            if row.record.action is Action.EXIT:
                _put(after, _CLOSED, count, pick)
                continue
            surely, maybe = begins(rows[last] if last >= 0 else None, source, row)
            if maybe:
                _put(after, (place, row.record.source), count + gain, pick)
            if not surely:
                _put(after, (place, row.record.source or source), count, pick)
        counts = after
    best = None
    for count in counts.values():
        best = count if best is None else pick(best, count)
    return best or 0


def _put(counts: dict[State, int], state: State, count: int, pick: Pick) -> None:
    known = counts.get(state)
    counts[state] = count if known is None else pick(known, count)


def _bound_loosely(
    rows: Sequence[Sighting],
    contract: Contract,
    book: CellBook,
    low: Tally,
    high: Tally,
    *,
    alone: bool = False,
) -> None:
    """Sound: every certain mini_program_open begins an open, and no exit does; `alone`: nothing but the former."""
    for row in rows:
        launches = contract.launch_opens and row.record.action is Action.OPEN
        if launches and row.low:
            for cell in book.certain(row, page=False):
                low[cell] = low.get(cell, 0) + row.low
        if launches or not (alone or row.record.action is Action.EXIT):
            for cell in book.possible(row, page=False):
                high[cell] = high.get(cell, 0) + opening_copies(row, contract)[1]
