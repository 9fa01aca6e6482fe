"""The cases on one target: staged, read before, sent, and read until they are right or the time is up.

All cases that have days of their own go together, so that the suite takes as long as one settling of the totals and not
as long as eighty.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date

from simulator.errors import ConnectionFailed, UsageError
from simulator.report.matrix import Judgement, Number, Standing
from simulator.runs.conform.cases import Case
from simulator.runs.conform.days import Need, rounds
from simulator.runs.conform.exchanging import Exchanged, exchange_all, told
from simulator.runs.conform.expecting import Cell, expected_under, switches_of
from simulator.runs.conform.judging import Known, is_met, judge, named
from simulator.runs.conform.looking import look, readable, values
from simulator.runs.conform.staging import Ground, Staged, days_of, stage
from simulator.runs.conform.supporting import by_contract, by_reader, by_wire, decides, plain
from simulator.runs.links import register_links
from simulator.runs.reading import Readers
from simulator.times import Ms, format_duration
from simulator.verify.readers.reading import Reading

_FIRST_PAUSE, _LONGEST_PAUSE = 0.02, 1.0  # seconds between two looks
_NS = 1_000_000


@dataclass
class _Open:
    """A case on its way."""

    case: Case
    staged: Staged
    places: dict[Cell, Cell | str]  # where each figure is read, or why it is not
    before: Reading = field(default_factory=Reading)
    after: Reading = field(default_factory=Reading)
    exchanged: tuple[Exchanged, ...] = ()

    @property
    def read(self) -> dict[Cell, Cell]:
        """The figures that are read, with their places."""
        return {cell: place for cell, place in self.places.items() if not isinstance(place, str)}

    @property
    def kinds(self) -> set[str]:
        return {place[1] for place in self.read.values()}

    def got(self) -> dict[Cell, int | None]:
        """By how much each figure went up."""
        before, after = values(self.before, self.read.values()), values(self.after, self.read.values())
        grown: dict[Cell, int | None] = {}
        for cell, place in self.read.items():
            first, last = before[place], after[place]
            grown[cell] = None if first is None or last is None else last - first
        return grown


def conduct(
    ground: Ground,
    readers: Readers,
    cases: Sequence[Case],
    known: Known,
    tell: Callable[[int, int], None] = lambda done, of: None,  # noqa: ARG005
) -> list[Judgement]:
    """What became of each case, in their order.

    Args:
        known: how each definition came to be in force.
        tell: how many cases are done, of how many.
    """
    switches = switches_of(ground.contract, tenant=ground.target.file.scope.tenant is not None)
    now = Ms(time.time_ns() // _NS)
    given = readers.totals.read(now, Ms(now + 1))
    owns = {case.id: f"{ground.namespace}.{number:02}" for number, case in enumerate(cases)}
    unsupported: dict[str, str] = {}
    judgements: dict[str, Judgement] = {}
    for some in _laid_out(ground, cases, now, unsupported):
        opened = []
        for case, first in some:
            try:
                staged = stage(ground, case.section, owns[case.id], first, now)
            except UsageError as wrong:
                unsupported[case.id] = plain(wrong)
                continue
            places = readable(staged, list(expected_under(case.section, switches)), given, first is not None)
            why = by_wire(case, staged, ground.contract) or by_reader(case, places) or _links_refused(ground, staged)
            if why:
                unsupported[case.id] = why
            else:
                opened.append(_Open(case, staged, places))
        _run(ground, readers, opened, switches)
        judgements |= {one.case.id: _judged(ground, readers, one, switches, known) for one in opened}
        tell(len(judgements) + len(unsupported), len(cases))
    for name, why in unsupported.items():
        judgements[name] = Judgement(name, Standing.NOT_SUPPORTED, readers.setting.secrets.hidden(why))
    return [judgements[case.id] for case in cases]


def _laid_out(
    ground: Ground, cases: Sequence[Case], now: Ms, unsupported: dict[str, str]
) -> list[list[tuple[Case, date | None]]]:
    """The cases that go together, each with its first local day; None where everything happens now."""
    contract = ground.contract
    for case in cases:
        if why := by_contract(case, contract):
            unsupported[case.id] = why
    fitting = {case.id: case for case in cases if case.id not in unsupported}
    if contract.time == "arrival":
        return [[(case, None) for case in fitting.values()]]
    needed = [
        Need(name, days_of(case.section, contract), case.section.around == "clock back")
        for name, case in fitting.items()
    ]
    made, homeless = rounds(needed, contract.definitions.day, now, contract.max_age)
    for name in homeless:
        limit = format_duration(contract.max_age or Ms(0))
        unsupported[name] = f"its events are older than {limit}, which the contract does not take"
    return [[(fitting[name], first) for name, first in one.first.items()] for one in made]


def _links_refused(ground: Ground, staged: Staged) -> str:
    """Why the collector does not take the links of method 2; empty where it does, or there are none."""
    try:
        register_links(ground.url, staged.scenario)
    except ConnectionFailed as refused:
        return str(refused)
    return ""


def _run(ground: Ground, readers: Readers, opened: Sequence[_Open], switches: Mapping[str, object]) -> None:
    """Read, send, and read again until every case is right or the time is up."""
    for one in opened:
        one.before = look(readers.totals, one.staged, one.kinds)
    exchanges = exchange_all(ground.url, [one.staged for one in opened])
    for one, exchanged in zip(opened, exchanges, strict=True):
        one.exchanged = exchanged
    _settle(ground, readers, opened, switches)


def _settle(ground: Ground, readers: Readers, opened: Sequence[_Open], switches: Mapping[str, object]) -> None:
    """Look until every case is right and nothing has changed for the quiet time, or the deadline has come.

    What is right is not looked at again before everything is; then all of it is, since totals pass through the right
    value on their way to too high. The last look is at everything.
    """
    quiet, deadline = ground.contract.quiet / 1000, ground.contract.deadline / 1000
    began = time.monotonic()
    pause, unchanged = _FIRST_PAUSE, began
    missing: Sequence[_Open] = opened
    while True:
        left = deadline - (time.monotonic() - began)
        some = missing if missing and left > 0 else opened
        looked = time.monotonic()
        if _changed(readers, some):
            unchanged = time.monotonic()
        missing = [one for one in opened if not is_met(one.case, switches, one.got())]
        if left <= 0 or (not missing and len(some) == len(opened) and looked - unchanged >= quiet):
            return
        if not missing:
            pause = max(quiet - (time.monotonic() - unchanged), 0.001)
        time.sleep(max(min(pause, deadline - (time.monotonic() - began)), 0.0))
        pause = min(pause * 2, _LONGEST_PAUSE)


def _changed(readers: Readers, some: Sequence[_Open]) -> bool:
    """Look at some cases; whether any of their totals is another than at the last look."""
    changed = False
    for one in some:
        reading = look(readers.totals, one.staged, one.kinds)
        changed = changed or not reading.says_the_same(one.after)
        one.after = reading
    return changed


# ---- the end of a case --------------------------------------------------------------------------------------------


def _judged(ground: Ground, readers: Readers, one: _Open, switches: Mapping[str, object], known: Known) -> Judgement:
    expected = expected_under(one.case.section, switches)
    got = one.got()
    numbers = tuple(_number(one, cell, value) for cell, value in expected.items())
    zone, secrets = ground.contract.definitions.day, readers.setting.secrets
    exchanges = tuple(told(each, zone, ground.contract.replies, secrets) for each in one.exchanged)
    unread = [cell for cell in one.read if decides(one.case, cell) and got[cell] is None]
    if unread:
        why = one.after.error or one.before.error or "its reader gave no usable value"
        return Judgement(
            one.case.id,
            Standing.ENGINE_ERROR,
            secrets.hidden(f"{named(unread[0])} could not be read: {why}"),
            numbers=numbers,
            exchanges=exchanges,
        )
    judged = judge(one.case, switches, known, got, one.exchanged)
    left_out = sorted({place for place in one.places.values() if isinstance(place, str)})
    why = f"{judged.why} Not looked at: {'; '.join(left_out)}." if left_out else judged.why
    return Judgement(one.case.id, judged.standing, secrets.hidden(why), judged.stands_for, numbers, exchanges)


def _number(one: _Open, cell: Cell, expected: int) -> Number:
    place = one.places[cell]
    if isinstance(place, str):
        return Number(named(cell), expected, None, None, place)
    before, after = values(one.before, [place])[place], values(one.after, [place])[place]
    return Number(named(place), expected, before, after)
