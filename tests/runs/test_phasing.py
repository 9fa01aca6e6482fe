"""What is counted for each phase of a run: its visitors alone, wherever blocks and phases meet."""

from __future__ import annotations

from itertools import chain
from pathlib import Path

import pytest

from simulator.contract import Contract
from simulator.finding import Verdict
from simulator.journey.phases import planned_phases
from simulator.journey.plan import Settings, arrival_offset_us, make_plan
from simulator.ledger.index import AttemptIndex
from simulator.ledger.manifest import Manifest, Options, TargetFacts
from simulator.ledger.write import LedgerWriter
from simulator.report.result import PhaseResult
from simulator.runs.counting import Counted, count_run
from simulator.runs.phasing import phases_of
from simulator.scenario.load import load_scenario_text
from simulator.traffic.opened import OpenedRun, adapter_of
from simulator.traffic.sending import requests_of_block
from simulator.verify.judging import judge
from simulator.verify.listed import ListedEvents, Owner
from simulator.verify.oracle import Oracle
from simulator.verify.readers.events import told_of
from simulator.verify.readers.reading import Reading
from simulator.verify.sighting import sightings_of
from simulator.wire.request import Action, Evidence, Outcome, Purpose, Record, Request
from tests.builders import START

TEXT = """\
scenario: phased
app: {pages: [pages/a, pages/b]}
visitors: {identities: {applet-wechat: 60%}, returning: 30%, share_device: 60%}
journeys:
  look: {weight: 3, steps: [launch, {push: applet-wechat}, {view: pages/b, think: 1s..9s}, exit]}
  leave: {weight: 1, steps: [launch, {hide: 45m}, show, exit]}
load: {arrivals: [{name: a, rate: 7/s, for: 3s}, {rate: 0/s, for: 1s}, {name: c, rate: 11/s..3/s, for: 3s}]}
expect: {slo: [p95 < 1s]}
"""
STARTED_NS = 1_780_000_000_000_000_000
MS = 1_000_000


class Made:
    """A run directory with a ledger; what became of a request is its visitor's and its own number's business."""

    def __init__(
        self, folder: Path, *, refused: int = -1, unknown: int = -1, never: int = -1, late_ms: int = 0
    ) -> None:
        scenario = load_scenario_text(TEXT, "s.yaml", folder)
        self.plan = make_plan(scenario, Settings(seed=5, start=START), START)
        self.contract = Contract()
        manifest = Manifest(
            "run", "phased", "s.yaml", 5, "", self.plan.start, self.plan.end,
            TargetFacts("http://127.0.0.1:1", False, "dmhub", "/cbe/__utm"), self.contract,
        )  # fmt: skip
        adapter = adapter_of("dmhub", "/cbe/__utm", scenario, "", Options())
        self.opened = OpenedRun(folder, manifest, scenario, self.plan, adapter)
        self.requests: dict[int, tuple[Request, ...]] = {}
        for block in self.plan.blocks:
            self.requests |= requests_of_block(self.plan, adapter, block)
        ledger = LedgerWriter.open(folder / "ledger" / "w.attempts", "run")
        for request in chain.from_iterable(self.requests.values()):
            if request.visitor == never:
                continue
            due = STARTED_NS + (request.leaves - self.plan.start) * MS
            sent = due + late_ms * MS
            slot = ledger.begin(request.visitor, request.number, 0, request.purpose, due, sent)
            outcome = {refused: Outcome.REFUSED, unknown: Outcome.UNKNOWN}.get(request.visitor, Outcome.ACKED)
            ledger.end(slot, sent, sent + 30 * MS, outcome, Evidence.REPLY, 200)
        ledger.close()

    def count(self, index: ListedEvents | None = None) -> Counted:
        with AttemptIndex(self.opened.folder, "run") as attempts:
            return count_run(self.opened, attempts, self.plan.start, self.plan.end, index)

    def visitors(self) -> list[list[int]]:
        """By phase, told from their instants alone: 3 s, 1 s without anybody, 3 s."""
        instants = [arrival_offset_us(self.plan, visitor) for visitor in range(self.plan.count)]
        borders = [(0, 3_000_000), (3_000_000, 4_000_000), (4_000_000, 7_000_000)]
        return [[k for k, at in enumerate(instants) if begin <= at < end] for begin, end in borders]

    def records(self) -> list[Record]:
        return [record for one in chain.from_iterable(self.requests.values()) for record in one.records]


def stored(records: list[Record]) -> ListedEvents:
    index = ListedEvents(Owner("", own=True), 4, 1_000)
    for cursor, one in enumerate(records, 1):
        index.add_good(told_of(one, START, cursor=cursor))
    return index


@pytest.fixture
def border(tmp_path: Path) -> Made:
    """A run in which the two visitors of one block, who share a phone, belong to two phases."""
    made = Made(tmp_path)
    first, _, last = made.visitors()
    assert first[-1] // 2 == last[0] // 2
    assert made.requests[first[-1]][-1].records[0].anonymous_id == made.requests[last[0]][-1].records[0].anonymous_id
    return made


def test_each_phase_counts_its_own_visitors(border: Made) -> None:
    phases = border.count().phases

    for visitors, phase in zip(border.visitors(), phases, strict=True):
        with AttemptIndex(border.opened.folder, "run") as index:
            attempts = {(k, number): found for k in visitors for number, found in index.attempts_of(k).items()}
        oracle = Oracle(border.contract, border.plan.start, border.plan.end)
        own = [one for visitor in visitors for one in border.requests[visitor]]
        oracle.add_block(sightings_of(own, attempts, border.contract))
        judged = [one for one in own if one.purpose is Purpose.EVENT]
        assert phase.totals.expected == oracle.totals()
        assert (phase.summary.sent, phase.summary.acked) == (len(judged), len(judged))
        assert phase.latencies.late.count == phase.started == len(visitors)
        assert phase.latencies.response.largest == (30_000 if visitors else 0)


def test_what_the_phases_count_is_the_run_but_for_users_whom_two_share(border: Made) -> None:
    counted = border.count()
    sums = {
        metric: sum(phase.totals.expected.of(metric).low for phase in counted.phases)
        for metric in ("pv", "uv", "opens", "new_users")
    }
    run = {metric: interval.low for metric in sums if (interval := counted.by_ledger.expected(metric, "all", ""))}

    assert (sums["pv"], sums["opens"]) == (run["pv"], run["opens"])
    assert 0 <= sums["uv"] - run["uv"] <= 1
    assert sum(phase.totals.expected.planned for phase in counted.phases) == counted.by_ledger.planned
    assert sum(phase.summary.sent for phase in counted.phases) == counted.gathered.summary.sent


def test_stored_events_are_told_phase_by_phase(border: Made) -> None:
    records = border.records()
    lost = next(one for one in reversed(records) if one.action is Action.VIEW and not one.setup)
    counted = border.count(stored([one for one in records if one is not lost]))

    assert counted.found is not None
    assert counted.found.count("lost") == 1
    for visitors, phase in zip(border.visitors(), counted.phases, strict=True):
        own = [one for one in records if one.visitor in visitors and not one.setup and one is not lost]
        views = sum(one.action is Action.VIEW for one in own)
        opens = sum(one.action is Action.OPEN for one in own)
        assert (phase.totals.stored.of("pv").low, phase.totals.stored.of("opens").low) == (views, opens)
        assert phase.totals.wrong == (lost.visitor in visitors)


def results(made: Made, counted: Counted, why_not: str = "") -> tuple[PhaseResult, ...]:
    """The phases, where the collector reports what its stored events come to."""
    expectations = counted.expectations
    totals = {metric: expectations.expected(metric, "all", "") for metric in ("pv", "uv", "opens", "new_users")}
    reading = Reading({"all": {"": {metric: None if one is None else one.low for metric, one in totals.items()}}})
    judged = judge(expectations, reading, made.opened.scenario.expect)
    return phases_of(made.opened, counted, judged, finished=True, why_not_listed=why_not)


def test_phases_that_held(border: Made) -> None:
    phases = results(border, border.count(stored(border.records())))

    assert [(phase.name, phase.rate, phase.begin, phase.seconds) for phase in phases] == [
        ("a", "7/s", 0.0, 3.0),
        ("", "0/s", 3.0, 1.0),
        ("c", "11/s..3/s", 4.0, 3.0),
    ]
    assert [(phase.verdict, phase.why) for phase in phases] == [
        ("held", ""),
        ("not judged", "nobody arrives in it"),
        ("held", ""),
    ]
    assert [phase.attempts.visitors for phase in phases] == [phase.started for phase in phases]
    assert [phase.wanted_rate for phase in phases] == [phase.offered_rate for phase in phases]
    assert phases[0].wanted_rate == round(len(border.visitors()[0]) / 3, 3)
    assert [row.cell for row in phases[1].metrics] == ["phase 2"] * 4


def test_a_phase_with_a_lost_event_did_not_hold_and_the_other_did(border: Made) -> None:
    records = border.records()
    first = set(border.visitors()[0])
    lost = next(one for one in records if one.action is Action.VIEW and one.visitor in first and not one.setup)
    phases = results(border, border.count(stored([one for one in records if one is not lost])))

    assert [phase.verdict for phase in phases] == ["did not hold", "not judged", "held"]
    assert phases[0].why == "pv of its visitors: 1 missing"
    assert phases[0].metrics[0].verdict is Verdict.FAIL


def test_an_unknown_outcome_is_what_the_list_says(tmp_path: Path) -> None:
    made = Made(tmp_path, unknown=1)
    kept = [one for one in made.records() if one.visitor != 1]
    unlisted, listed = made.count(), made.count(stored(kept))
    pv = unlisted.phases[0].totals.expected.of("pv")

    assert pv.width == sum(one.action is Action.VIEW and not one.setup for one in made.records() if one.visitor == 1)
    assert results(made, unlisted, "no list")[0].metrics[0].verdict is Verdict.INCONCLUSIVE
    assert results(made, unlisted, "no list")[2].metrics[0].verdict is Verdict.PASS  # exact by its attempts
    exact = results(made, listed)[0].metrics[0]
    assert (exact.expected, exact.observed, exact.verdict) == (listed.phases[0].totals.stored.of("pv"), pv.low,
                                                               Verdict.PASS)  # fmt: skip


def test_a_visitor_who_never_came_is_planned_and_did_not_start(tmp_path: Path) -> None:
    made = Made(tmp_path, never=0)
    phase = results(made, made.count())[0]

    assert phase.started == phase.attempts.visitors - 1
    assert phase.offered_rate < phase.wanted_rate


@pytest.mark.parametrize("late_ms", [20, 900, 6_000])
def test_the_offered_rate_counts_until_the_last_visitor_has_started(late_ms: int, tmp_path: Path) -> None:
    made = Made(tmp_path, late_ms=late_ms)
    phase = results(made, made.count())[0]
    last = made.visitors()[0][-1]
    until = max(3.0, arrival_offset_us(made.plan, last) / 1e6 + late_ms / 1e3)

    assert phase.offered_rate == round(phase.started / until, 3)
    assert phase.verdict == ("held" if late_ms < 1_000 else "not judged")


def test_refused_sends_are_of_the_phase_of_their_visitor(tmp_path: Path) -> None:
    made = Made(tmp_path, refused=1)
    phases = results(made, made.count())
    sends = sum(one.purpose is Purpose.EVENT for one in made.requests[1])

    assert [phase.attempts.refused for phase in phases] == [sends, 0, 0]
    assert phases[0].verdict == ("did not hold" if sends > 0.05 * phases[0].attempts.sent else "held")


def test_there_are_no_phases_where_visitors_have_no_instant_of_their_own(tmp_path: Path) -> None:
    scenario = load_scenario_text(TEXT, "s.yaml", tmp_path)

    assert planned_phases(make_plan(scenario, Settings(flood=True), START)) == ()
    assert planned_phases(make_plan(scenario, Settings(users=3, visitors=9), START)) == ()
    assert planned_phases(make_plan(scenario, Settings(only=(3,)), START)) == ()
    assert len(planned_phases(make_plan(scenario, Settings(rate="9/s", visitors=9), START))) == 1
