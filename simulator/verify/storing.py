"""The rows that a collector may hold after it has removed duplicates, in the order in which it works through them.

Sightings of different events can still be copies of one to the collector: equal ids, or equal contents where the wire
carries no id. Afterwards each row is stored or not, independently of the others.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterator, Sequence
from dataclasses import replace

from simulator.contract import Contract
from simulator.verify.sighting import Sighting, rule_of

# More orders of one group are not tried one by one.
MAX_ORDERS = 24

Before = Callable[[Sighting, Sighting], bool]


def stored_rows(sightings: Sequence[Sighting], contract: Contract) -> list[Sighting]:
    """The good sightings that may be stored, duplicates removed, in (date, arrival) order.

    The order is by arrival alone where the contract says so or the collector knows no date.
    """
    rows = [sighting for sighting in sightings if sighting.high and not sighting.record.bad]
    if contract.dedupe != "none":
        rows = _distinct(rows, contract)
    if contract.order == "arrival":
        rows.sort(key=lambda row: (row.arrived, row.place))
    else:
        rows.sort(key=lambda row: (row.earliest, row.arrived, row.place))
    return rows


def _distinct(rows: list[Sighting], contract: Contract) -> list[Sighting]:
    """Of each set of copies, the one that is stored first.

    Where their arrivals overlap, each of them may be the one: possible, and certain only if no other can be.
    Sound: treating the copies as independent allows worlds with two or none of them, and excludes none.
    Source: CONTRACT section 3, duplicates.
    """
    if len({row.record.external_id for row in rows}) == len(rows) and all(row.record.external_id for row in rows):
        return rows
    copies: dict[Hashable, list[Sighting]] = {}
    for number, row in enumerate(rows):
        copies.setdefault(_key(row, contract, number), []).append(row)
    distinct: list[Sighting] = []
    for same in copies.values():
        distinct.extend(same if len(same) == 1 else _first_stored(same, contract))
    return distinct


def _key(row: Sighting, contract: Contract, number: int) -> Hashable:
    record = row.record
    if record.external_id:
        return record.external_id
    if rule_of(record, contract.dedupe) == "by_content":
        return record.date, record.anonymous_id or record.identities, record.event
    return number


def _first_stored(same: list[Sighting], contract: Contract) -> Iterator[Sighting]:
    maybe = contract.dedupe == "maybe"
    for row in same:
        others = [other for other in same if other is not row]
        beaten = any(other.low and other.arrived_by < row.arrived for other in others)
        unbeatable = all(row.arrived_by < other.arrived for other in others)
        high = row.high if maybe else 0 if beaten else 1
        if high:
            yield replace(row, low=row.low if unbeatable else 0, high=high)


def surely_before(contract: Contract) -> Before:
    """Whether one row comes before another in the collector's order, whatever is unknown of their arrivals.

    Equal dates go by arrival. False both ways round: nobody can tell, and each order is possible.
    """
    arrives_before = _arrives_before if contract.batch_order == "any" else _arrives_or_stands_before
    if contract.order == "arrival":
        return arrives_before

    def before(one: Sighting, other: Sighting) -> bool:
        if one.latest < other.earliest:
            return True
        if one.dated and other.dated:
            return one.earliest == other.earliest and arrives_before(one, other)
        return not one.dated and not other.dated and arrives_before(one, other)

    return before


def _arrives_before(one: Sighting, other: Sighting) -> bool:
    return one.arrived_by < other.arrived


def _arrives_or_stands_before(one: Sighting, other: Sighting) -> bool:
    """Whether one surely arrives first: in an earlier request, or before the other in the same one.

    A visitor's requests leave one after another, so none has the window of another one.
    """
    if one.arrived_by < other.arrived:
        return True
    together = one.arrived == other.arrived and one.arrived_by == other.arrived_by
    return together and one.place < other.place and one.record.visitor == other.record.visitor


def is_settled(rows: Sequence[Sighting], contract: Contract) -> bool:
    """Whether the sorted rows are stored for certain, at a certain instant, in a certain order.

    Order: O(n).
    """
    by_arrival = contract.order == "arrival"
    arrives_before = _arrives_before if contract.batch_order == "any" else _arrives_or_stands_before
    last: Sighting | None = None
    for row in rows:
        if row.low != row.high or not row.dated:
            return False
        if last is not None and (by_arrival or row.earliest == last.earliest) and not arrives_before(last, row):
            return False
        last = row
    return True


def orders(rows: Sequence[Sighting], before: Before) -> list[list[Sighting]] | None:
    """Every order in which the sorted rows may stand; None when they are more than MAX_ORDERS."""
    found: list[list[Sighting]] = [[]]
    for run in _runs(rows, before):
        # Six rows in no order at all have 720; that many are never tried.
        tails = _permutations(run, before) if len(run) < 6 else []
        if not tails or len(found) * len(tails) > MAX_ORDERS:
            return None
        found = [[*head, *tail] for head in found for tail in tails]
    return found


def _runs(rows: Sequence[Sighting], before: Before) -> Iterator[list[Sighting]]:
    """The rows cut wherever everything so far surely comes before everything that follows."""
    run: list[Sighting] = []
    for row in rows:
        if run and all(before(earlier, row) for earlier in run):
            yield run
            run = []
        run.append(row)
    if run:
        yield run


def _permutations(run: list[Sighting], before: Before) -> list[list[Sighting]]:
    if len(run) < 2:
        return [run]
    return [
        [row, *tail]
        for place, row in enumerate(run)
        if not any(before(other, row) for other in run if other is not row)
        for tail in _permutations(run[:place] + run[place + 1 :], before)
    ]
