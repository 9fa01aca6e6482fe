"""What the collector's totals must be: blocks of visitors in, one expectation for each cell out.

Users and devices never cross a block, so a block is counted alone and forgotten: memory grows with the cells, not
with the events. Certain rows are counted once and exactly (metrics.py); a linked group with anything unknown becomes
intervals (bounds.py). What nobody can know is None, with the reason.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace

from simulator.contract import METRICS, Contract
from simulator.finding import Interval
from simulator.times import Ms, parse_instant
from simulator.verify.bounds import bound_group
from simulator.verify.cells import CellBook
from simulator.verify.feasible import Choices, OpenGroups
from simulator.verify.identity import has_user, linked, users
from simulator.verify.metrics import Tally, count_new_users, count_opens, count_pv, count_uv, makes_user
from simulator.verify.opening import admitted
from simulator.verify.sighting import AttemptsOf, Sighting, planned_sightings, sightings_of
from simulator.verify.storing import is_settled, stored_rows
from simulator.verify.totals import Totals
from simulator.verify.worlds import MAX_UNKNOWN
from simulator.wire.request import Request

Key = tuple[str, str, str]  # metric, by, cell
_NOTHING = Interval(0, 0)

_NO_TIME = "the wire carries no time: only the run's own clock tells in which hour and day an event falls"
_NO_ORDER = "the wire carries no time: which event of a user comes first depends on the run"
_NO_GAPS = "the wire carries no time, so the gaps that begin an open are known only after the run"
_NO_DEVICE = "nothing on the wire tells the devices apart, so their gaps cannot be known"
_NO_USER = "anonymous visitors cannot be told apart on this wire"


@dataclass(frozen=True, slots=True)
class Expectations:
    """The oracle's answer: an interval for each cell, zero where none is named; None where it cannot be known."""

    intervals: Mapping[Key, Interval]  # every cell that can be above zero, and the four totals
    unknowable: Mapping[tuple[str, ...], str]  # (metric), (metric, by) or (metric, by, cell) → why
    planned: int = 0  # distinct good events, earlier visits aside
    bad: Interval = _NOTHING  # stored copies of events that are wrong on purpose
    outside: int = 0  # distinct good events certainly outside the period, earlier visits aside
    unknown: int = 0  # events of which nobody knows whether, or how often, they are stored
    unacked: tuple[str, ...] = ()  # events by name of which some were planned and none was acked
    kinds: tuple[str, ...] = ()  # names of all good events that were planned
    certain: Mapping[Key, int] = field(default_factory=dict)  # what groups add in which nothing is unknown
    choices: tuple[tuple[Mapping[Key, int], ...], ...] = ()  # what each other group may add, as far as it is told
    closed: frozenset[Key] = frozenset()  # totals of which `certain` and `choices` do not tell everything

    def expected(self, metric: str, by: str, cell: str) -> Interval | None:
        """The interval of a cell; None where it cannot be known."""
        if self.why(metric, by, cell):
            return None
        return self.intervals.get((metric, by, cell), _NOTHING)

    def why(self, metric: str, by: str, cell: str) -> str:
        """Why the cell cannot be known; empty where it can."""
        for key in ((metric,), (metric, by), (metric, by, cell)):
            reason = self.unknowable.get(key)
            if reason:
                return reason
        return ""

    def cells(self, metric: str, by: str) -> tuple[str, ...]:
        """The cells that can be above zero, in the order to show them: hours by instant, the rest by name."""
        named = {cell for one, other, cell in self.intervals if (one, other) == (metric, by)}
        return tuple(sorted(named, key=parse_instant if by == "hour" else None))

    def __iter__(self) -> Iterator[tuple[Key, Interval | None, str]]:
        """Every cell in the order of CONTRACT: metric, kind of cell, cell; a kind that cannot be known is one row."""
        for metric in METRICS:
            for by in cell_kinds(metric):
                if (metric,) in self.unknowable or (metric, by) in self.unknowable:
                    yield (metric, by, ""), None, self.why(metric, by, "")
                    continue
                for cell in self.cells(metric, by):
                    yield (metric, by, cell), self.expected(metric, by, cell), self.why(metric, by, cell)


def cell_kinds(metric: str) -> tuple[str, ...]:
    """The kinds of cell in which a metric is counted: pages have views and users, and no opens."""
    kinds = ("all", "source", "content", "hour", "day")
    return (*kinds, "page") if metric in ("pv", "uv") else kinds


@dataclass(slots=True)
class _Facts:
    """What the oracle notices beside the counts."""

    planned: int = 0
    bad_low: int = 0
    bad_high: int = 0
    outside: int = 0
    unknown: int = 0
    undated: bool = False
    deviceless: bool = False
    nameless: bool = False  # an open or view of somebody who cannot be told from others
    nameless_cells: set[int] = field(default_factory=set)  # in which such a one may count
    acked: dict[str, bool] = field(default_factory=dict)  # by the event's name

    def merge(self, other: _Facts, numbers: Sequence[int]) -> None:
        """Take what was noticed of other blocks; `numbers` are the cells' own ones for the other's."""
        self.planned += other.planned
        self.bad_low += other.bad_low
        self.bad_high += other.bad_high
        self.outside += other.outside
        self.unknown += other.unknown
        self.undated |= other.undated
        self.deviceless |= other.deviceless
        self.nameless |= other.nameless
        self.nameless_cells.update(numbers[cell] for cell in other.nameless_cells)
        for name, acked in other.acked.items():
            self.acked[name] = acked or self.acked.get(name, False)


@dataclass(frozen=True, slots=True)
class Part:
    """What an oracle has counted so far, for another one: of another process, or of the rest of the run."""

    names: list[tuple[str, str]]  # of the cells: (by, cell), by number
    exact: dict[str, Tally]
    low: dict[str, Tally]
    high: dict[str, Tally]
    facts: _Facts
    choices: Choices


class Oracle:
    """Counts blocks of sightings into expectations.

    Args:
        carries_anonymous_id: whether the wire tells devices apart (the adapter's promise).
        planned: there is no ledger: what depends on arrival instants cannot be known.
        max_unknown: worlds are counted one by one up to so many events of unknown outcome in a linked group; fewer
            are quicker, and leave wider intervals.
    """

    def __init__(
        self,
        contract: Contract,
        begin: Ms,
        end: Ms,
        *,
        carries_anonymous_id: bool = True,
        planned: bool = False,
        max_unknown: int = MAX_UNKNOWN,
    ) -> None:
        self._contract = contract
        self._book = CellBook(contract.definitions.day, begin, end)
        self._carries_anonymous_id = carries_anonymous_id
        self._from_plan = planned
        self._max_unknown = max_unknown
        self._exact: dict[str, Tally] = {metric: {} for metric in METRICS}
        self._low: dict[str, Tally] = {metric: {} for metric in METRICS}
        self._high: dict[str, Tally] = {metric: {} for metric in METRICS}
        self._facts = _Facts()
        self._open = OpenGroups(contract, self._book, max_unknown)

    def add_block(self, sightings: Sequence[Sighting]) -> bool:
        """Count one block: all sightings of its visitors, in any order. Whether everything about it is certain.

        Order: O(n log n) where nothing is unknown; a group with unknown outcomes costs up to 4096 counts of itself.
        """
        self._note(sightings)
        rows = stored_rows(sightings, self._contract)
        if not self._carries_anonymous_id or self._contract.definitions.opens.rule == "timeout":
            self._note_nameless(rows)
        if is_settled(rows, self._contract):
            self._count(rows)
            return True
        certain: set[int] = set()
        for group in linked(rows, self._contract):
            if is_settled(group, self._contract):
                certain.update(map(id, group))
            else:
                bound_group(group, self._contract, self._book, self._low, self._high, self._max_unknown)
                self._open.add(group)
        self._count([row for row in rows if id(row) in certain])
        return False

    def _count(self, stored: Sequence[Sighting]) -> None:
        contract = self._contract
        rows = admitted(stored, contract)
        plain, paged = self._book.places(rows)
        names = users(rows, contract)
        count_pv(rows, paged, contract, self._exact["pv"])
        count_uv(rows, paged, names, contract, self._exact["uv"])
        count_opens(rows, plain, contract, self._exact["opens"])
        count_new_users(rows, plain, names, contract, self._exact["new_users"])

    def _note(self, sightings: Sequence[Sighting]) -> None:
        facts, begin, end = self._facts, self._book.begin, self._book.end
        for sighting in sightings:
            record = sighting.record
            if record.bad:
                facts.bad_low += sighting.low
                facts.bad_high += sighting.high
                continue
            if sighting.low != sighting.high:
                facts.unknown += 1
            if not sighting.dated:
                facts.undated = True
            if record.setup:
                continue
            facts.planned += 1
            if sighting.low:
                facts.acked[record.event] = True
            else:
                facts.acked.setdefault(record.event, False)
            if sighting.high and (sighting.latest < begin or sighting.earliest >= end):
                facts.outside += 1

    def _note_nameless(self, rows: Sequence[Sighting]) -> None:
        for row in rows:
            if row.record.anonymous_id:
                continue
            self._facts.deviceless = True
            if makes_user(row, self._contract) and not has_user(row, self._contract):
                self._facts.nameless = True
                self._facts.nameless_cells.update(self._book.possible(row, page=True))

    def part(self) -> Part:
        """What was counted so far; this oracle must count no more after it."""
        return Part(self._book.names, self._exact, self._low, self._high, self._facts, self._open.choices)

    def add_part(self, part: Part) -> None:
        """Count what another oracle of the same contract and period has counted, of other blocks."""
        numbers = [self._book.number(by, cell) for by, cell in part.names]
        for own, other in ((self._exact, part.exact), (self._low, part.low), (self._high, part.high)):
            for metric, tally in other.items():
                sums = own[metric]
                for cell, count in tally.items():
                    number = numbers[cell]
                    sums[number] = sums.get(number, 0) + count
        self._facts.merge(part.facts, numbers)
        self._open.choices.merge(part.choices)

    def totals(self) -> Totals:
        """The four totals of all blocks added so far."""
        number = self._book.number("all", "")
        exact = [self._exact[metric].get(number, 0) for metric in METRICS]
        low = [self._low[metric].get(number, 0) for metric in METRICS]
        high = [self._high[metric].get(number, 0) for metric in METRICS]
        return Totals(
            tuple(map(sum, zip(exact, low, strict=True))),
            tuple(map(sum, zip(exact, high, strict=True))),
            self._facts.planned,
        )

    def finish(self) -> Expectations:
        """The expectations of all blocks added so far."""
        facts, names = self._facts, self._book.names
        intervals: dict[Key, Interval] = {(metric, "all", ""): _NOTHING for metric in METRICS}
        for metric in METRICS:
            exact, low, high = self._exact[metric], self._low[metric], self._high[metric]
            for cell in exact.keys() | high.keys():
                certain = exact.get(cell, 0)
                intervals[(metric, *names[cell])] = Interval(certain + low.get(cell, 0), certain + high.get(cell, 0))
        return Expectations(
            intervals=intervals,
            unknowable=self._unknowable(),
            planned=facts.planned,
            bad=Interval(facts.bad_low, facts.bad_high),
            outside=facts.outside,
            unknown=facts.unknown,
            unacked=tuple(sorted(name for name, acked in facts.acked.items() if not acked)),
            kinds=tuple(sorted(facts.acked)),
            certain={
                (metric, *names[cell]): count for metric in METRICS for cell, count in self._exact[metric].items()
            },
            choices=tuple(map(tuple, self._open.choices.groups)),
            closed=frozenset(self._open.choices.closed),
        )

    def _unknowable(self) -> dict[tuple[str, ...], str]:
        facts, reasons = self._facts, dict[tuple[str, ...], str]()
        by_timeout = self._contract.definitions.opens.rule == "timeout"
        if by_timeout and facts.deviceless:
            reasons[("opens",)] = _NO_DEVICE
        if self._from_plan and facts.undated:
            for metric in METRICS:
                reasons[(metric, "hour")] = reasons[(metric, "day")] = _NO_TIME
            reasons[("new_users", "source")] = reasons[("new_users", "content")] = _NO_ORDER
            if by_timeout:
                reasons.setdefault(("opens",), _NO_GAPS)
        if facts.nameless and not self._carries_anonymous_id:
            reasons[("new_users",)] = _NO_USER
            for cell in facts.nameless_cells:
                reasons[("uv", *self._book.names[cell])] = _NO_USER
        return reasons


def exchanged(whole: Expectations, part: Expectations, instead: Expectations) -> Expectations:
    """The expectations of a run with those of some of its blocks taken out, and others of the same blocks put in."""
    intervals: dict[Key, Interval] = {}
    for key in whole.intervals.keys() | instead.intervals.keys():
        all_blocks, out, into = (one.intervals.get(key, _NOTHING) for one in (whole, part, instead))
        intervals[key] = Interval(all_blocks.low - out.low + into.low, all_blocks.high - out.high + into.high)
    return replace(whole, intervals=intervals, choices=())


def widened(expectations: Expectations, others: Expectations, *, below: int) -> Expectations:
    """The expectations of a run beside which others sent: their events may be in the totals as well.

    Sound: what `others` counts is added to the upper ends. Views only add up; any other total may be lower as well,
    by `below` at most, where the others' events join what was there before.
    """
    intervals: dict[Key, Interval] = {}
    for key in expectations.intervals.keys() | others.intervals.keys():
        own, more = expectations.intervals.get(key, _NOTHING), others.intervals.get(key, _NOTHING)
        low = own.low if key[0] == "pv" else max(own.low - below, 0)
        intervals[key] = Interval(low, own.high + more.high)
    return replace(expectations, intervals=intervals, choices=())


def expected_from_ledger(
    blocks: Iterable[tuple[Iterable[Request], AttemptsOf]],
    contract: Contract,
    begin: Ms,
    end: Ms,
    *,
    carries_anonymous_id: bool = True,
) -> Expectations:
    """What a run's attempts allow: each block's requests with the attempts of its visitors."""
    oracle = Oracle(contract, begin, end, carries_anonymous_id=carries_anonymous_id)
    for requests, attempts_of in blocks:
        oracle.add_block(sightings_of(requests, attempts_of, contract))
    return oracle.finish()


def expected_from_plan(
    blocks: Iterable[Iterable[Request]],
    contract: Contract,
    begin: Ms,
    end: Ms,
    *,
    carries_anonymous_id: bool = True,
) -> Expectations:
    """What a plan leads to when every attempt is acked; None where that depends on the run."""
    oracle = Oracle(contract, begin, end, carries_anonymous_id=carries_anonymous_id, planned=True)
    for requests in blocks:
        oracle.add_block(planned_sightings(requests, contract, begin))
    return oracle.finish()
