"""Where an open begins, and what it contains.

One open is 打开次数 of WeChat's statistics, session_cnt; which event begins it is the contract's definition. How many
there may be when outcomes are unknown is activity.py.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field, replace

from simulator.contract import Contract
from simulator.times import DAY, Ms, zone_offset
from simulator.verify.identity import users
from simulator.verify.sighting import NEVER, Sighting
from simulator.wire.request import Action

_NS = 1_000_000  # of a millisecond

# (last event of the running open or None, its source, the event) → whether the event begins one: surely, maybe
Begins = Callable[[Sighting | None, str, Sighting], tuple[bool, bool]]

_YES, _NO, _PERHAPS = (True, True), (False, False), (False, True)


def begins_by_timeout(contract: Contract) -> Begins:
    """The rule `timeout=T`: whether an event that is no exit begins an open.

    It does when no open runs (none came before, or an exit did), when it is a mini_program_open, and when it is more
    than T after the event before (exactly T is not more, unless the contract says so). Where the contract says so,
    also on another day of the zone, and with another source than the last one that the open named.
    """
    timeout = contract.definitions.opens.timeout or Ms(0)
    limit = timeout - 1 if contract.timeout_inclusive else timeout  # a gap above it begins an open
    zone = contract.definitions.day

    def begins(last: Sighting | None, source: str, row: Sighting) -> tuple[bool, bool]:
        if last is None:
            return _YES
        record = row.record
        if contract.launch_opens and record.action is Action.OPEN:
            return _YES
        if contract.source_change and record.source and record.source != source:
            return _YES
        if last.dated and row.dated:
            low = high = row.earliest - last.earliest
        else:
            low, high = _gap(last, row, contract.clock_bound)
        if low > limit:
            return _YES
        surely, maybe = _other_day(last, row, zone) if contract.midnight else _NO
        return surely, maybe or high > limit

    return begins


def _gap(last: Sighting, row: Sighting, clock_bound: Ms) -> tuple[int, int]:
    """The least and the longest time between two arrivals, in ms; the collector's clock may drift by the bound.

    Source: CONTRACT section 2, where the wire carries no time.
    """
    low = (row.arrived - last.arrived_by) // _NS - clock_bound
    if row.arrived_by == NEVER:
        return low, NEVER
    return low, -(-(row.arrived_by - last.arrived) // _NS) + clock_bound


def _other_day(last: Sighting, row: Sighting, zone: str) -> tuple[bool, bool]:
    if NEVER in (last.latest, row.latest):
        return _PERHAPS
    before, after = [[(at + zone_offset(at, zone)) // DAY for at in (one.earliest, one.latest)] for one in (last, row)]
    # By arrival the later event may be of an earlier day, which is another one as well.
    return before[1] < after[0] or after[1] < before[0], len({*before, *after}) > 1


def opening_copies(row: Sighting, contract: Contract) -> tuple[int, int]:
    """How many opens the row begins when it begins one: each stored copy of a mini_program_open is one of its own."""
    if contract.launch_opens and row.record.action is Action.OPEN:
        return max(row.low, 1), max(row.high, 1)
    return 1, 1


def opening_actions(contract: Contract) -> frozenset[Action] | None:
    """The actions of which each stored copy is an open; None where gaps or session ids decide."""
    if contract.sessions == "given":
        return None
    match contract.definitions.opens.rule:
        case "launch":
            return frozenset({Action.OPEN})
        case "every-foreground":
            return frozenset({Action.OPEN, Action.SHOW})
        case "timeout":
            return None


def beginnings(rows: Sequence[Sighting], contract: Contract) -> Iterator[tuple[int, int]]:
    """The place of each stored row that begins an open, in order, and how many it begins (one a stored copy).

    For certain rows. Under `timeout` opens are those of a device: of rows without anonymousId only a
    mini_program_open begins one. Not for given sessions: which row is their first is opens_of.
    """
    actions = opening_actions(contract)
    if actions is not None:
        for place, row in enumerate(rows):
            if row.record.action in actions:
                yield place, row.low
        return
    begins = begins_by_timeout(contract)
    running: dict[str, tuple[Sighting | None, str]] = {}
    for place, row in enumerate(rows):
        record = row.record
        device = record.anonymous_id
        if not device and not (contract.launch_opens and record.action is Action.OPEN):
            continue
        if record.action is Action.EXIT:
            running.pop(device, None)
            continue
        last, source = running.get(device, (None, ""))
        opened, _ = begins(last, source, row)
        running[device] = (row, record.source or ("" if opened else source))
        if opened:
            yield place, opening_copies(row, contract)[0]


# ---- given sessions -----------------------------------------------------------------------------------------------


def admitted(rows: Sequence[Sighting], contract: Contract) -> Sequence[Sighting]:
    """The stored rows that count where sessions are given: with a session id, within its cut, viewed where it must be.

    All rows of a session belong to the device of its first one. Where sessions are derived every row counts.
    """
    return rows if contract.sessions == "derived" else [row for _, row in admitted_places(rows, contract)]


def admitted_places(rows: Sequence[Sighting], contract: Contract) -> list[tuple[int, Sighting]]:
    """The same with the place of each among the rows: one that is of another device there is a row of its own here."""
    if contract.sessions == "derived":
        return list(enumerate(rows))
    first: dict[str, Sighting] = {}
    began: dict[str, int] = {}  # arrival of the session's first event, ns
    for row in rows:
        if row.record.session:
            first.setdefault(row.record.session, row)
            began[row.record.session] = min(began.get(row.record.session, row.arrived), row.arrived)
    kept = [(place, row) for place, row in enumerate(rows) if row.record.session]
    if contract.session_cut is not None:
        cut = contract.session_cut * _NS
        kept = [(place, row) for place, row in kept if row.arrived - began[row.record.session] <= cut]
    if not contract.viewless_opens:
        viewed = {row.record.session for _, row in kept if view_id(row, contract) is not None}
        kept = [(place, row) for place, row in kept if row.record.session in viewed]
    return [(place, _of_device(row, first[row.record.session].record.anonymous_id)) for place, row in kept]


def _of_device(row: Sighting, anonymous: str) -> Sighting:
    if row.record.anonymous_id == anonymous:
        return row
    return replace(row, record=replace(row.record, anonymous_id=anonymous))


def view_id(row: Sighting, contract: Contract) -> str | None:
    """What makes the row a view or a sign of one: its id within its session; "" where each is a view; None for none."""
    action = row.record.action
    if action is not Action.VIEW and not (action is Action.PING and contract.ping is not None):
        return None
    if contract.views == "each":
        return ""
    return f"{row.record.session}\0{row.record.view}" if row.record.view else None


# ---- the opens themselves -----------------------------------------------------------------------------------------


@dataclass(slots=True)
class Open:
    """One open, from the event that begins it to the last one before the next."""

    first: Sighting  # its cells are the open's
    user: str | None
    new: bool  # no earlier open of the same user; an open of nobody is new
    start: Ms  # earlier than `first` where a ping began it
    end: Ms
    events: int = 0
    views: int = 0
    reported: Ms = Ms(0)  # sum of what its events report as time in the app
    _seen: set[str] = field(default_factory=set)  # ids of its views


def opens_of(rows: Sequence[Sighting], contract: Contract) -> list[Open]:
    """Every open of the stored rows, in the order in which they begin, with what it contains.

    An event belongs to the open of its device that runs, an exit to the one that it ends; an event before any open
    belongs to none. For certain rows.
    """
    rows = admitted(rows, contract)
    given = contract.sessions == "given"
    names = users(rows, contract)
    begun = {} if given else dict(beginnings(rows, contract))
    running: dict[str, Open] = {}
    known: set[str] = set()
    found: list[Open] = []
    for place, (row, user) in enumerate(zip(rows, names, strict=True)):
        key = row.record.session if given else row.record.anonymous_id
        for _ in range(int(key not in running) if given else begun.get(place, 0)):
            running[key] = Open(row, user, user is None or user not in known, row.earliest, row.earliest)
            found.append(running[key])
            if user is not None:
                known.add(user)
        if key in running:
            _add(running[key], row, contract)
            if row.record.action is Action.EXIT and not given:
                del running[key]
    return found


def _add(open_: Open, row: Sighting, contract: Contract) -> None:
    began_before = contract.ping if row is open_.first and row.record.action is Action.PING else None
    open_.start = min(open_.start, Ms(row.earliest - (began_before or 0)))
    open_.end = max(open_.end, row.earliest)
    open_.events += row.low
    open_.reported = Ms(open_.reported + row.record.length)
    view = view_id(row, contract)
    if view == "":
        open_.views += row.low
    elif view is not None and view not in open_._seen:
        open_._seen.add(view)
        open_.views += 1
