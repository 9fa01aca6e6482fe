"""The definitions once more, as plainly as they can be written, and every world tried: what the oracle must agree with.

Shares nothing with simulator/verify but the values that go in. Slow on purpose.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from itertools import permutations, product
from zoneinfo import ZoneInfo

from simulator.contract import Contract
from simulator.events import Identity
from simulator.times import Ms
from simulator.verify.sighting import Sighting
from simulator.wire.request import Action, Record

Cell = tuple[str, str, str]  # metric, by, cell


def worlds(sightings: Sequence[Sighting], rules: Contract) -> Iterator[list[Record]]:
    """Every list of stored records, copies repeated, in every order that the arrivals allow."""
    for copies in product(*(range(one.low, one.high + 1) for one in sightings)):
        present = [(one, many) for one, many in zip(sightings, copies, strict=True) if many]
        for order in _orders([one for one, _ in present], rules):
            many_of = {id(one): many for one, many in present}
            yield [one.record for one in order for _ in range(many_of[id(one)])]


def in_order(sightings: Sequence[Sighting], rules: Contract) -> list[Sighting]:
    """Sightings whose arrivals are known, in the collector's order."""
    by_arrival = rules.order == "arrival"
    return sorted(sightings, key=lambda one: (0 if by_arrival else one.earliest, one.arrived))


def _orders(present: list[Sighting], rules: Contract) -> Iterator[list[Sighting]]:
    if all(one.arrived == one.arrived_by for one in present):
        # Whether equal dates or not, there is one order.
        yield in_order(present, rules)
        return
    ties: dict[int, list[Sighting]] = {}
    for one in present:
        ties.setdefault(0 if rules.order == "arrival" else one.earliest, []).append(one)
    choices = [list(filter(_possible, permutations(ties[at]))) for at in sorted(ties)]
    for choice in product(*choices):
        yield [one for tied in choice for one in tied]


def _possible(order: Sequence[Sighting]) -> bool:
    return not any(
        later.arrived_by < earlier.arrived for place, earlier in enumerate(order) for later in order[place + 1 :]
    )


def interval_of(sightings: Sequence[Sighting], rules: Contract, begin: Ms, end: Ms) -> dict[Cell, tuple[int, int]]:
    """The least and the most of every cell over all worlds."""
    counts = [count(world, rules, begin, end) for world in worlds(sightings, rules)]
    cells = {cell for one in counts for cell in one}
    return {cell: (min(one[cell] for one in counts), max(one[cell] for one in counts)) for cell in cells}


def count(records: Sequence[Record], rules: Contract, begin: Ms, end: Ms) -> Counter[Cell]:
    """The four numbers of stored records in the collector's order."""
    totals: Counter[Cell] = Counter()
    zone = rules.definitions.day

    def inside(record: Record) -> bool:
        assert record.date is not None
        return begin <= record.date < end

    def distinct(metric: str, named: Iterable[tuple[Record, object]], *, page: bool) -> None:
        """A name counts once in each cell in which it occurs."""
        seen = {
            (by, cell, name)
            for record, name in named
            if inside(record)
            for by, cell in cells_of(record, zone, page=page)
        }
        totals.update((metric, by, cell) for by, cell, _ in seen)

    records = _that_count(records, rules)
    views = [record for record in records if _is_view(record, rules)]
    if rules.views == "by_id":
        # An id is that of a view within its session, where there is one.
        distinct("pv", (((one), (one.session, one.view)) for one in views if one.view), page=True)
    else:
        for record in filter(inside, views):
            totals.update(("pv", by, cell) for by, cell in cells_of(record, zone, page=True))
    if rules.sessions == "given":
        distinct("opens", ((one, one.session) for one in records), page=False)
    else:
        for record in filter(inside, _openings(records, rules)):
            totals.update(("opens", by, cell) for by, cell in cells_of(record, zone, page=False))
    names = [_user(records, place, rules) for place in range(len(records))]
    visits = [
        (record, name)
        for record, name in zip(records, names, strict=True)
        if (record.action is Action.OPEN or _is_view(record, rules)) and name is not None
    ]
    distinct("uv", visits, page=True)
    for name in {name for _, name in visits}:
        own = [record for record, other in visits if other == name]
        for record in filter(inside, _as_new(own, rules)):
            totals.update(("new_users", by, cell) for by, cell in cells_of(record, zone, page=False))
    return totals


def _is_view(record: Record, rules: Contract) -> bool:
    """Pings say that a view goes on, and count as views where the contract has an interval of them."""
    return record.action is Action.VIEW or (record.action is Action.PING and rules.ping is not None)


def _that_count(records: Sequence[Record], rules: Contract) -> list[Record]:
    """Where sessions are given: what has an id of one, a viewed one if it must be; all of the device that began it."""
    if rules.sessions == "derived":
        return list(records)
    kept = []
    for record in records:
        session = [other for other in records if record.session and other.session == record.session]
        viewed = any(_is_view(other, rules) and (rules.views == "each" or other.view) for other in session)
        if session and (viewed or rules.viewless_opens):
            kept.append(replace(record, anonymous_id=session[0].anonymous_id))
    return kept


def _as_new(own: Sequence[Record], rules: Contract) -> Iterator[Record]:
    """With which of a user's visits they are new: the first, and each that comes too long after the one before."""
    for place, record in enumerate(own):
        if not place:
            yield record
            continue
        before = own[place - 1].date
        assert before is not None
        assert record.date is not None
        if rules.memory is not None and record.date - before > rules.memory:
            yield record


def cells_of(record: Record, zone: str, *, page: bool) -> list[tuple[str, str]]:
    assert record.date is not None
    local = datetime.fromtimestamp(0, ZoneInfo("UTC")) + timedelta(milliseconds=record.date)
    local = local.astimezone(ZoneInfo(zone))
    cells = [
        ("all", ""),
        ("source", record.source or "(none)"),
        ("content", record.content or "(none)"),
        ("hour", local.replace(minute=0, second=0, microsecond=0).isoformat(timespec="minutes")),
        ("day", local.date().isoformat()),
    ]
    shown = record.page or ("(none)" if record.action in (Action.VIEW, Action.PING) else "")
    return [*cells, ("page", shown)] if page and shown else cells


def _openings(records: Sequence[Record], rules: Contract) -> list[Record]:
    rule = rules.definitions.opens
    if rule.rule == "launch":
        return [record for record in records if record.action is Action.OPEN]
    if rule.rule == "every-foreground":
        return [record for record in records if record.action in (Action.OPEN, Action.SHOW)]
    assert rule.timeout is not None
    found = []
    for device in {record.anonymous_id for record in records}:
        running: Record | None = None
        source = ""
        for record in (record for record in records if record.anonymous_id == device):
            if record.action is Action.EXIT:
                running, source = None, ""
                continue
            opens = running is None or _cuts(running, source, record, rules)
            if opens:
                found.append(record)
                source = ""
            running, source = record, record.source or source
    return found


def _cuts(last: Record, source: str, record: Record, rules: Contract) -> bool:
    timeout = rules.definitions.opens.timeout
    assert timeout is not None
    assert last.date is not None
    assert record.date is not None
    zone = ZoneInfo(rules.definitions.day)
    days = [datetime.fromtimestamp(at / 1000, zone).date() for at in (last.date, record.date)]
    gap = record.date - last.date
    return (
        (rules.launch_opens and record.action is Action.OPEN)
        or gap > timeout
        or (rules.timeout_inclusive and gap == timeout)
        or (rules.midnight and days[0] != days[1])
        or (rules.source_change and record.source not in ("", source))
    )


def _user(records: Sequence[Record], place: int, rules: Contract) -> object:
    record = records[place]
    device = ("device", record.anonymous_id) if record.anonymous_id else None
    if rules.definitions.user == "device":
        return device
    name = _own(records, record, rules)
    if device is None and rules.stitch == "last":
        return None
    if device is None or (name is not None and rules.stitch == "nearest"):
        return name
    others = [
        (other, _own(records, records[other], rules))
        for other in range(len(records))
        if records[other].anonymous_id == record.anonymous_id
    ]
    named = [(other, own) for other, own in others if own is not None]
    if not named:
        return device
    if rules.stitch == "last":
        return named[-1][1]
    earlier = [own for other, own in named if other < place]
    return earlier[-1] if earlier else named[0][1]


def _own(records: Sequence[Record], record: Record, rules: Contract) -> object:
    if rules.definitions.user == "openid":
        return next((one.value for one in record.identities if one.type == rules.identity), None)
    if not record.identities:
        return None
    component: set[Identity] = set(record.identities)
    while True:
        more = {one for other in records if component & set(other.identities) for one in other.identities}
        if more <= component:
            return frozenset(component)
        component |= more
