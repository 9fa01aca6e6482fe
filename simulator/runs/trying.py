"""A target file tried: one event of each kind is sent, and the totals are read before and after.

What is sent is planned, encoded and judged as in a run, in a run directory that is gone afterwards. Requests leave one
by one on a plain connection, without Locust and without a ledger: their outcomes are looked at here.
"""

from __future__ import annotations

import re
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from importlib.resources import files
from pathlib import Path
from tempfile import TemporaryDirectory

from simulator.contract import METRICS
from simulator.errors import UsageError
from simulator.finding import ExitCode, Judged, Verdict
from simulator.runs.baseline import since
from simulator.runs.plain_sending import answer_to, outcome_of
from simulator.runs.planning import blocks_of
from simulator.runs.reading import Readers, cursors_now, reading
from simulator.runs.trying_events import Compared, TrialEvents
from simulator.times import Ms
from simulator.traffic.making import Wanted, draft, make_folder, write_run
from simulator.traffic.opened import OpenedRun
from simulator.traffic.target_files import named_target
from simulator.traffic.targets import check_connection
from simulator.verify.judging import judge
from simulator.verify.oracle import expected_from_plan
from simulator.verify.readers.reading import Reading
from simulator.wire.outcome import describe
from simulator.wire.request import Outcome, Purpose, Request

MOST_EVENTS = 50  # of one trial
_MOST_VISITORS = 200  # that are looked through for kinds of events
_PAUSE = 0.25
_NS = 1_000_000


@dataclass(frozen=True, slots=True)
class Tried:
    """One request, and what came of it."""

    events: str  # names of what it holds
    outcome: Outcome
    answer: str  # in words


@dataclass(frozen=True, slots=True)
class Figure:
    """One of the four totals, before and after."""

    metric: str
    before: int | None
    after: int | None
    judged: Judged | None  # what it has more now, against what was sent; None: the target file leaves it out


@dataclass(frozen=True, slots=True)
class Trial:
    """What came of trying a target file."""

    target: str
    url: str
    requests: tuple[Tried, ...]
    figures: tuple[Figure, ...]
    cells: tuple[Judged, ...]  # of every kind but "all"
    events: Compared  # the stored ones
    sent: int  # events in all requests
    lists_events: bool  # whether the target file says how stored events are listed
    seconds: float  # until the totals were right, or the deadline
    not_read: tuple[str, ...]  # figures that the target file leaves out

    @property
    def acked(self) -> bool:
        """Whether every event was acked: only then is it known what the totals must be."""
        return all(one.outcome is Outcome.ACKED for one in self.requests)

    @property
    def exit_code(self) -> ExitCode:
        """0 where every event was acked and all is right; 1 where something is wrong; 3 where not all is known."""
        judged = [*self.cells, *(one.judged for one in self.figures if one.judged is not None)]
        if self.acked and any(one.verdict is Verdict.FAIL for one in judged):
            return ExitCode.FAIL
        if self.acked and not self.events.is_right:
            return ExitCode.FAIL
        if self.lists_events and self.events.listed is None:
            return ExitCode.INCOMPLETE
        known = all(one.verdict is Verdict.PASS for one in judged if one.expected is not None)
        right = any(one.verdict is Verdict.PASS for one in judged)
        return ExitCode.PASS if self.acked and known and right else ExitCode.INCOMPLETE


Waiting = Callable[[float, float, str], None]  # seconds since the last reply, at most, and what is not right yet


def _in_silence(_seconds: float, _most: float, _what: str) -> None:
    """Nobody is told that it takes a while."""


def try_target(
    file: str,
    scenario: Path | None = None,
    allowed_hosts: Sequence[str] = (),
    waiting: Waiting = _in_silence,
) -> Trial:
    """Send one event of each kind to a target, and read what it counts.

    Args:
        scenario: whose events are sent; None: a small one of our own, of one visitor.
        waiting: is told at every look at totals that are not right yet.

    Raises:
        UsageError: a mistake in a file, a host that was not allowed, a variable that is not set.
        ConnectionFailed: nobody answers there.
    """
    with TemporaryDirectory(prefix="mpsim-check-") as place:
        folder = Path(place)
        if scenario is None:
            scenario = folder / "target_check.yaml"
            scenario.write_text(_own_scenario(file), encoding="utf-8")
        wanted = Wanted(
            scenario, file, speed="flood", allowed_hosts=tuple(allowed_hosts), out=folder / "run", visitors=1
        )
        wanted = wanted if scenario.parent == folder else replace(wanted, visitors=None)
        checked = draft(wanted)
        assert checked.url is not None
        check_connection(checked.url)
        opened = write_run(checked, make_folder(checked), checked.url)
        with reading(opened) as readers:
            return _tried(opened, readers, waiting)


def _own_scenario(file: str) -> str:
    """The small scenario, within the scope of the target."""
    text = files("simulator.scenario").joinpath("trial.yaml").read_text(encoding="utf-8")
    scope = named_target(file, "dmhub", "/cbe/__utm", "").file.scope
    app = "".join(
        f'  {name}: "{value}"\n'
        for name, value in (("appid", scope.appid), ("tenant", scope.tenant))
        if value is not None
    )
    text = text.replace("app:\n", f"app:\n{app}")
    return text.replace("cl_sr=mpsim_check", f"cl_sr={scope.source}mpsim_check") if scope.source else text


def _tried(opened: OpenedRun, readers: Readers, waiting: Waiting) -> Trial:
    requests = list(_one_of_each(opened))
    by_event = opened.contract.time == "event"
    begin, end = (opened.plan.start, opened.plan.end) if by_event else _around_now(opened)
    expectations = expected_from_plan(
        [requests], opened.contract, begin, end, carries_anonymous_id=opened.adapter.carries_anonymous_id
    )
    cursors = cursors_now(readers.events)
    before = readers.totals.read(begin, end)
    events = TrialEvents(opened, readers, requests)
    events.begin(before, cursors)
    tried = tuple(_send(opened, request) for request in requests)
    acked = all(one.outcome is Outcome.ACKED for one in tried)
    began = time.monotonic()
    while True:
        after = readers.totals.read(begin, end)
        judged = judge(expectations, since(after, before), opened.scenario.expect)
        is_right = all(one.verdict is Verdict.PASS or one.observed is None for one in judged)
        seconds, most = time.monotonic() - began, opened.contract.deadline / 1000
        is_over = not acked or seconds >= most
        if is_right or is_over:
            compared = events.compared(acked=acked)
            if is_over or compared.is_right:
                break
        waiting(seconds, most, _not_yet(judged))
        time.sleep(_PAUSE)
    return Trial(
        readers.target.name,
        opened.target_url,
        tried,
        tuple(_figure(metric, before, after, judged) for metric in METRICS),
        tuple(one for one in judged if one.by != "all"),
        compared,
        sum(len(request.records) for request in requests),
        readers.events is not None,
        time.monotonic() - began,
        tuple(readers.target.file.not_read),
    )


def _not_yet(judged: Sequence[Judged]) -> str:
    """What is not right yet, in a few words."""
    wrong = [one for one in judged if one.verdict is not Verdict.PASS and one.observed is not None]
    total = next((one for one in wrong if one.by == "all"), next(iter(wrong), None))
    if total is None:
        return "the stored events are not right yet"
    where = "" if total.by == "all" else f" by {total.by} {ascii(total.cell)[:40]}"
    return f"{total.metric}{where} is {total.observed}, expected {total.expected}"


def _one_of_each(opened: OpenedRun) -> Iterator[Request]:
    """The visits that are needed for one event of each name, whole, so that their totals are known.

    Raises:
        UsageError: more events than a trial is for.
    """
    sent: list[Request] = []
    seen: set[str] = set()
    for block in _blocks(opened):
        asked = [one for one in block if one.purpose is Purpose.EVENT]
        names = {record.event for one in asked for record in one.records if not record.bad}
        if names - seen:
            seen |= names
            sent += [one for one in block if one.purpose is not Purpose.LOOKUP]
    if len(sent) > MOST_EVENTS:
        raise UsageError(
            f"one event of each kind of this scenario is {len(sent)} requests, and a check sends at most {MOST_EVENTS}"
        )
    yield from sent


def _blocks(opened: OpenedRun) -> Iterator[list[Request]]:
    size = opened.plan.block
    for number, block in enumerate(blocks_of(opened.plan, opened.adapter)):
        if number * size >= _MOST_VISITORS:
            return
        yield block


def _around_now(opened: OpenedRun) -> tuple[Ms, Ms]:
    now = time.time_ns() // _NS
    return Ms(now - opened.contract.clock_bound), Ms(now + opened.contract.deadline + 3_600_000)


def _figure(metric: str, before: Reading, after: Reading, judged: Sequence[Judged]) -> Figure:
    def value(reading: Reading) -> int | None:
        return reading.cells.get("all", {}).get("", {}).get(metric) if reading.gives(metric, "all") else None

    of_it = next((one for one in judged if (one.metric, one.by) == (metric, "all")), None)
    return Figure(metric, value(before), value(after), of_it)


# ---- sending ------------------------------------------------------------------------------------------------------


def _send(opened: OpenedRun, request: Request) -> Tried:
    answer = answer_to(opened.target_url, request)
    outcome = outcome_of(opened.adapter, request, answer)
    names = ", ".join(dict.fromkeys(record.event or "(no event)" for record in request.records))
    told = describe(answer, opened.contract.replies, outcome)
    said = " ".join(re.sub(r"[^\x20-\x7e]+", " ", answer.body[:80].decode("latin-1")).split())
    return Tried(names, outcome, f"{told}; it said {said}" if said and outcome is not Outcome.ACKED else told)
