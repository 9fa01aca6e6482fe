"""The cases on one target: staged, read before, sent, and read until they are right or the time is up.

All cases that have days of their own go together, so that the suite takes as long as one settling of the totals and not
as long as eighty.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date

from simulator.contract import Contract
from simulator.errors import ConnectionFailed, ScenarioError, UsageError
from simulator.report.matrix import Judgement, Number, Standing
from simulator.runs.conform.cases import Case
from simulator.runs.conform.days import Need, rounds
from simulator.runs.conform.exchanging import Exchanged, exchange_all, told
from simulator.runs.conform.expecting import Cell, expected_under, switches_of
from simulator.runs.conform.judging import Known, is_met, judge, named
from simulator.runs.conform.looking import look, readable, values
from simulator.runs.conform.staging import Ground, Staged, days_of, stage, timeout_of
from simulator.runs.links import register_links
from simulator.runs.reading import Readers
from simulator.scenario.case_file import CaseSection
from simulator.times import HOUR, MINUTE, Ms, format_duration
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
    judgements: dict[str, Judgement] = {}
    now = Ms(time.time_ns() // _NS)
    owns = {case.id: f"{ground.namespace}.{number:02}" for number, case in enumerate(cases)}
    by_event = ground.contract.time == "event"
    fitting = []
    for case in cases:
        why = _unsupported(ground, case)
        if why:
            judgements[case.id] = _not_supported(case, why)
        else:
            fitting.append(case)
    given = readers.totals.read(now, Ms(now + 1))
    together: list[list[Case]] = [fitting]
    homeless: list[str] = []
    firsts: list[Mapping[str, date]] = [{}]
    if by_event:
        needed = [
            Need(case.id, days_of(case.section, ground.contract), case.section.around == "clock back")
            for case in fitting
        ]
        made, homeless = rounds(needed, ground.contract.definitions.day, now, ground.contract.max_age)
        together = [[case for case in fitting if case.id in one.first] for one in made]
        firsts = [one.first for one in made]
    for name in homeless:
        case = next(case for case in fitting if case.id == name)
        limit = format_duration(ground.contract.max_age or Ms(0))
        judgements[name] = _not_supported(case, f"its events are older than {limit}, which the contract does not take")
    for some, first in zip(together, firsts, strict=True):
        opened: list[_Open] = []
        for case in some:
            try:
                staged = stage(ground, case.section, owns[case.id], first.get(case.id), now)
            except UsageError as wrong:
                judgements[case.id] = _not_supported(case, _plain(wrong))
                continue
            expected = expected_under(case.section, switches)
            places = readable(staged, list(expected), given, by_event)
            why = _undecided(case, places)
            if why:
                judgements[case.id] = _not_supported(case, why)
            else:
                opened.append(_Open(case, staged, places))
        opened = _registered(ground, opened, judgements)
        _run(ground, readers, opened, switches)
        for one in opened:
            judgements[one.case.id] = _judged(ground, readers, one, switches, known)
        tell(len(judgements), len(cases))
    return [judgements[case.id] for case in cases]


def _run(ground: Ground, readers: Readers, opened: Sequence[_Open], switches: Mapping[str, object]) -> None:
    """Read, send, and read again."""
    for one in opened:
        one.before = look(readers.totals, one.staged, one.kinds)
    exchanges = exchange_all(ground.url, [one.staged for one in opened])
    for one, exchanged in zip(opened, exchanges, strict=True):
        one.exchanged = exchanged
    _settle(ground, readers, opened, switches)


def _settle(ground: Ground, readers: Readers, opened: Sequence[_Open], switches: Mapping[str, object]) -> None:
    """Look until every case is right and nothing has changed for the quiet time, or the deadline has come."""
    contract = ground.contract
    began = time.monotonic()
    pause, unchanged = _FIRST_PAUSE, began
    waiting = list(opened)
    while True:
        changed = False
        looked = time.monotonic()
        for one in waiting:
            reading = look(readers.totals, one.staged, one.kinds)
            changed = changed or not reading.says_the_same(one.after)
            one.after = reading
        if changed:
            unchanged = time.monotonic()
        missing = [one for one in opened if not is_met(one.case, switches, one.got())]
        rested = (looked - unchanged) * 1000 >= contract.quiet
        if (not missing and waiting == list(opened) and rested) or (looked - began) * 1000 >= contract.deadline:
            return
        # What is right is looked at again when everything is, since totals pass through the right value.
        waiting = missing or list(opened)
        left = contract.deadline / 1000 - (time.monotonic() - began)
        if not missing:
            pause = max(contract.quiet / 1000 - (time.monotonic() - unchanged), 0.001)
        time.sleep(max(min(pause, left), 0.0))
        pause = min(pause * 2, _LONGEST_PAUSE)


# ---- what a target cannot tell ------------------------------------------------------------------------------------


def _unsupported(ground: Ground, case: Case) -> str:
    """Why a case says nothing about this target, before anything is planned; empty where it does."""
    contract, section = ground.contract, case.section
    if "event time" in section.needs and contract.time == "arrival":
        return "it needs the events' own time, and the contract counts by arrival"
    if "ids" in section.needs and contract.dedupe == "maybe":
        return "the contract promises nothing of duplicates (dedupe: maybe)"
    if contract.sessions == "given" and all(one.startswith("opens") for one in section.decides):
        return "opens are the wire's own session ids (sessions: given)"
    return _too_long(contract, section) if contract.definitions.opens.rule == "timeout" else ""


def _too_long(contract: Contract, section: CaseSection) -> str:
    """Why a timeout is too long for a case, whose gaps are of another size; empty where it is not."""
    timeout = timeout_of(contract)
    said = format_duration(timeout)
    if timeout >= 23 * HOUR and "timeout below a day" in section.needs:
        return f"its gap is a day, and the timeout is {said}"
    if contract.midnight and days_of(section, contract) > section.days:
        return f"its gaps are as long as the timeout, {said}, and would reach over midnight, which ends opens here"
    phones = [visit.device for visit in section.visits if visit.device is not None]
    if not contract.launch_opens and len(set(phones)) < len(phones) and timeout >= 90 * MINUTE:
        return f"its visits are two hours apart, and the timeout is {said}"
    return ""


def _undecided(case: Case, places: Mapping[Cell, Cell | str]) -> str:
    """Why the figures that are read decide nothing."""
    unread = (place for cell, place in places.items() if _decides(case, cell) and isinstance(place, str))
    return next(unread, "")


def _decides(case: Case, cell: Cell) -> bool:
    """Whether the case says nothing without this figure."""
    metric, by, _ = cell
    return (metric if by == "all" else f"{metric} by {by}") in case.section.decides


def _registered(ground: Ground, opened: list[_Open], judgements: dict[str, Judgement]) -> list[_Open]:
    """Those whose links of method 2 the collector takes."""
    kept = []
    for one in opened:
        try:
            register_links(ground.url, one.staged.scenario)
        except ConnectionFailed as refused:
            judgements[one.case.id] = _not_supported(one.case, str(refused))
        else:
            kept.append(one)
    return kept


def _not_supported(case: Case, why: str) -> Judgement:
    return Judgement(case.id, Standing.NOT_SUPPORTED, why)


def _plain(wrong: UsageError) -> str:
    """What is wrong, without the place in a file that nobody sees."""
    if isinstance(wrong, ScenarioError):
        return "; ".join(complaint.text for complaint in wrong.complaints)
    return str(wrong)


# ---- the end of a case --------------------------------------------------------------------------------------------


def _judged(ground: Ground, readers: Readers, one: _Open, switches: Mapping[str, object], known: Known) -> Judgement:
    expected = expected_under(one.case.section, switches)
    got = one.got()
    numbers = tuple(_number(one, cell, value) for cell, value in expected.items())
    zone, secrets = ground.contract.definitions.day, readers.setting.secrets
    exchanges = tuple(told(each, zone, ground.contract.replies, secrets) for each in one.exchanged)
    unread = [cell for cell in one.read if _decides(one.case, cell) and got[cell] is None]
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
