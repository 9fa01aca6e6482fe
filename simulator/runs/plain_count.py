"""What the totals of a run can be, worked out once more as plainly as it can be written, from its plan and ledger.

The false-alarm runs hold the verdict's expectations against this, so it shares nothing with verify/ (import-linter
sees to it): its own reading of the ledger, its own definitions, and no bound of any kind. What is unknown is tried, one
world after another, in each block of visitors; blocks have no user and no device in common, so their extremes add up.
Where a block has more unknown events than can be tried, only what grows with every stored event is counted: views, and
opens that are events of their own.

Not for judging a run: it knows the definitions and the duplicate rule of the dmhub wire only, and takes its time.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from itertools import chain, pairwise, product
from typing import NamedTuple
from zoneinfo import ZoneInfo

from simulator.contract import Definitions
from simulator.events import Identity
from simulator.ledger.read import read_ledger
from simulator.times import Ms
from simulator.traffic.opened import OpenedRun
from simulator.traffic.sending import requests_of_block
from simulator.wire.request import Action, Outcome, Purpose, Record, Request

MOST_UNKNOWN = 10  # of one block that are tried: 1,024 worlds

Cell = tuple[str, str, str]  # metric, kind of cell, cell
_EPOCH = datetime.fromtimestamp(0, UTC)
_VISITS = (Action.OPEN, Action.VIEW)  # what makes a user


@dataclass(slots=True)
class PlainCount:
    """The least and the most that each cell can be. A cell that is not named is 0 for certain."""

    low: Counter[Cell] = field(default_factory=Counter)
    high: Counter[Cell] = field(default_factory=Counter)
    untried: set[Cell] = field(default_factory=set)  # cells of which this count knows nothing

    def of(self, cell: Cell) -> tuple[int, int] | None:
        """The two ends of one cell; None where they are not known."""
        return None if cell in self.untried else (self.low[cell], self.high[cell])


class Row(NamedTuple):
    """An event that is stored, or may be."""

    record: Record
    certain: bool


def plain_count(opened: OpenedRun, stored: Collection[str] | None = None) -> PlainCount:
    """Count a run whose collector removes duplicates by id and puts events into cells by their own time.

    Args:
        stored: externalIds of the events that are stored, where that is known; None: what the ledger allows.
    """
    outcomes: dict[tuple[int, int], set[Outcome]] = {}
    for attempt in read_ledger(opened.folder):
        outcomes.setdefault((attempt.visitor, attempt.request), set()).add(attempt.outcome)
    counter = _Counter(opened.contract.definitions, opened.plan.start, opened.plan.end)
    found = PlainCount()
    for block in opened.plan.blocks:
        requests = chain.from_iterable(requests_of_block(opened.plan, opened.adapter, block).values())
        rows = list(_rows(requests, outcomes, stored))
        rows.sort(key=lambda row: row.record.date or 0)
        _add_block(found, rows, counter)
    return found


def _rows(
    requests: Iterable[Request], outcomes: Mapping[tuple[int, int], set[Outcome]], stored: Collection[str] | None
) -> Iterator[Row]:
    """An acked event is stored once, one of unknown outcome once or never; one that was refused or not sent never."""
    for request in requests:
        told = outcomes.get((request.visitor, request.number), set())
        if request.purpose is Purpose.LOOKUP:
            continue
        for record in request.records:
            if record.bad:
                continue
            if stored is not None:
                if record.external_id in stored:
                    yield Row(record, certain=True)
            elif Outcome.ACKED in told or Outcome.UNKNOWN in told:
                yield Row(record, certain=Outcome.ACKED in told)


def _add_block(found: PlainCount, rows: Sequence[Row], counter: _Counter) -> None:
    unknown = [row for row in rows if not row.certain]
    if len(unknown) > MOST_UNKNOWN or _is_tied(rows):
        for row, cell in counter.one_by_one(rows):
            found.high[cell] += 1
            found.low[cell] += row.certain
        found.untried.update(counter.reached(row.record for row in rows))
        return
    least: Counter[Cell] | None = None
    most: Counter[Cell] = Counter()
    for choice in product((True, False), repeat=len(unknown)):
        there = iter(choice)
        world = counter.count([row.record for row in rows if row.certain or next(there)])
        least = world if least is None else least & world  # the smaller of the two in each cell
        most |= world  # and the larger
    found.low += least or Counter()
    found.high += most


def _is_tied(rows: Sequence[Row]) -> bool:
    """Whether only the order of arrival tells which of two events was first."""
    return any(before.record.date == after.record.date for before, after in pairwise(rows))


class _Counter:
    """The four numbers of a list of records, by the definitions, in the cells of a period."""

    def __init__(self, definitions: Definitions, begin: Ms, end: Ms) -> None:
        self._opens, self._user = definitions.opens, definitions.user
        self._zone = ZoneInfo(definitions.day)
        self._begin, self._end = begin, end
        self._known: dict[str, list[tuple[str, str]]] = {}  # externalId → kinds and cells

    def count(self, records: Sequence[Record]) -> Counter[Cell]:
        """Records in the order of their dates."""
        totals: Counter[Cell] = Counter()
        for record in records:
            if record.action is Action.VIEW:
                self._note(totals, "pv", record)
        for record in self._openings(records):
            self._note(totals, "opens", record)
        people: dict[object, list[Record]] = {}
        for record, person in zip(records, self._people(records), strict=True):
            if person is not None and record.action in _VISITS:
                people.setdefault(person, []).append(record)
        for visits in people.values():
            totals.update({("uv", *cell) for record in visits for cell in self._cells(record)})
            self._note(totals, "new_users", visits[0])
        return totals

    def one_by_one(self, rows: Iterable[Row]) -> Iterator[tuple[Row, Cell]]:
        """What each row adds for itself, whatever else is stored."""
        for row in rows:
            for metric in self._alone(row.record):
                for by, cell in self._cells(row.record):
                    if by != "page" or metric == "pv":
                        yield row, (metric, by, cell)

    def reached(self, records: Iterable[Record]) -> set[Cell]:
        """The cells in which a record may matter beside others."""
        metrics = {"uv", "new_users"} | ({"opens"} if self._opens.rule == "timeout" else set())
        return {(metric, by, cell) for record in records for by, cell in self._cells(record) for metric in metrics}

    def _alone(self, record: Record) -> Iterator[str]:
        if record.action is Action.VIEW:
            yield "pv"
        if self._opens.rule != "timeout" and record.action in _BEGINS[self._opens.rule]:
            yield "opens"

    def _note(self, totals: Counter[Cell], metric: str, record: Record) -> None:
        for by, cell in self._cells(record):
            if by != "page" or metric == "pv":
                totals[metric, by, cell] += 1

    def _openings(self, records: Sequence[Record]) -> Iterator[Record]:
        if self._opens.rule != "timeout":
            yield from (record for record in records if record.action in _BEGINS[self._opens.rule])
            return
        last: dict[str, Ms] = {}
        for record in records:
            assert record.date is not None
            assert self._opens.timeout is not None
            before = last.get(record.anonymous_id)
            if before is None or record.action is Action.OPEN or record.date - before > self._opens.timeout:
                yield record
            last[record.anonymous_id] = record.date

    def _people(self, records: Sequence[Record]) -> list[object]:
        """Who each record is of."""
        devices: list[object] = [record.anonymous_id or None for record in records]
        if self._user == "device":
            return devices
        names = self._names(records)
        for device in set(devices) - {None}:
            places = [place for place, other in enumerate(devices) if other == device]
            known = [names[place] for place in places if names[place] is not None]
            if not known:
                for place in places:
                    names[place] = ("nobody yet", device)
                continue
            current = known[0]  # what came before the first name is of that one
            for place in places:
                current = names[place] if names[place] is not None else current
                names[place] = current
        return names

    def _names(self, records: Sequence[Record]) -> list[object]:
        """What each record itself says of who it is of; None where it says nothing."""
        if self._user == "openid":
            return [
                next((one.value for one in record.identities if one.type == "applet-wechat"), None)
                for record in records
            ]
        groups: list[set[Identity]] = []
        for record in records:
            together = set(record.identities)
            for group in [group for group in groups if group & together]:
                groups.remove(group)
                together |= group
            if together:
                groups.append(together)
        return [
            next((place for place, group in enumerate(groups) if group & set(record.identities)), None)
            for record in records
        ]

    def _cells(self, record: Record) -> list[tuple[str, str]]:
        cells = self._known.get(record.external_id)
        if cells is None:
            cells = self._known[record.external_id] = list(self._named(record))
        return cells

    def _named(self, record: Record) -> Iterator[tuple[str, str]]:
        assert record.date is not None
        if not self._begin <= record.date < self._end:
            return
        local = (_EPOCH + timedelta(milliseconds=record.date)).astimezone(self._zone)
        yield "all", ""
        yield "source", record.source or "(none)"
        yield "content", record.content or "(none)"
        yield "hour", local.strftime("%Y-%m-%dT%H:00") + _offset(local)
        yield "day", local.strftime("%Y-%m-%d")
        if record.page or record.action is Action.VIEW:
            yield "page", record.page or "(none)"


_BEGINS = {"launch": (Action.OPEN,), "every-foreground": (Action.OPEN, Action.SHOW)}


def _offset(local: datetime) -> str:
    text = local.strftime("%z")
    return f"{text[:3]}:{text[3:5]}"
