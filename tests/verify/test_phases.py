"""Whether a phase held: the rule, its order, and what is known of a phase's totals."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from simulator.finding import Interval, Judged, Slo, Verdict
from simulator.ledger.record import Attempt
from simulator.scenario.model import Expect
from simulator.verify.oracle import Expectations
from simulator.verify.phases import BY_ATTEMPTS, PhaseTally, PhaseTotals, RunTotals, judge_totals, stand
from simulator.verify.sighting import AttemptSummary, attempt_summary
from simulator.verify.slo import Latencies
from simulator.verify.totals import Totals
from simulator.wire.request import Evidence, Outcome, Purpose

METRICS = ("pv", "uv", "opens", "new_users")
EXACT = Totals((30, 10, 10, 8), (30, 10, 10, 8), 40)
WIDE = Totals((20, 10, 10, 8), (30, 10, 10, 8), 40)
LESS = Totals((29, 10, 10, 8), (29, 10, 10, 8), 40)
MET, MISSED = Slo("p95 < 1s", 12.5, True), Slo("p95 < 1s", 2_506.75, False)


def cells(verdict: Verdict = Verdict.PASS, observed: int | None = 60, metric: str = "pv") -> tuple[Judged, ...]:
    """The run's four totals; one of them may not be right."""
    return tuple(
        Judged(name, "all", "", Interval(60, 60), *((observed, verdict) if name == metric else (60, Verdict.PASS)))
        for name in METRICS
    )


RUN = RunTotals(cells(), Expectations({}, {}), clean=False, alone=False, listed=True, why_not_listed="", finished=True)


def late(visitors: int, on_time: int) -> Latencies:
    """Visitors who started, so many of them on time, the others 2 s late."""
    latencies = Latencies()
    for number in range(visitors):
        sent = 1_000_000_000 * (1 if number < on_time else 3)
        latencies.add_visitor([attempt(number, 1_000_000_000, sent)])
    return latencies


def attempt(visitor: int, intended: int, sent: int, outcome: Outcome = Outcome.ACKED) -> Attempt:
    return Attempt(visitor, 0, 0, Purpose.EVENT, intended, sent, sent + 5_000_000, outcome, Evidence.REPLY, 200)


def tally(
    summary: tuple[int, int, int] = (40, 0, 0),
    *,
    started: int = 10,
    on_time: int | None = None,
    silent: int = 0,
    expected: Totals = EXACT,
    stored: Totals = EXACT,
    wrong: int = 0,
) -> PhaseTally:
    made = PhaseTally()
    sends = AttemptSummary(sum(summary), *summary)
    latencies = late(started, started if on_time is None else on_time)
    made.add(sends, latencies, silent, PhaseTotals(expected, stored, wrong))
    return made


def standing(of: PhaseTally, slo: Slo = MET, run: RunTotals = RUN, visitors: int = 10) -> tuple[str, str]:
    totals = judge_totals(of, run, Expect(), "a")
    return stand(of, visitors, totals, (slo,), run, max_failed=50_000)


CASES = [
    ("everything right", tally(), MET, RUN, ("held", "")),
    ("a total is wrong", tally(stored=LESS), MET, RUN, ("did not hold", "pv of its visitors: 1 missing")),
    ("an event that is in no total is lost", tally(wrong=2), MET, RUN,
     ("did not hold", "2 events of its visitors not stored as sent")),
    ("5 % failed", tally((38, 1, 1)), MET, RUN, ("held", "")),
    ("over 5 % failed", tally((37, 1, 2)), MET, RUN,
     ("did not hold", "3 of 40 sends (7.5 %) were refused or unknown")),
    ("a service level missed", tally(), MISSED, RUN, ("did not hold", "p95 < 1s was missed: 2,507 ms")),
    ("without samples", tally(), replace(MISSED, value=None), RUN,
     ("did not hold", "p95 < 1s was missed: no samples")),
    ("cut short", tally(started=9), MISSED, replace(RUN, finished=False),
     ("not judged", "the run was cut short: 9 of its 10 visitors started")),
    ("cut short later", tally(), MET, replace(RUN, finished=False), ("held", "")),
    ("not offered, so a slow reply proves nothing", tally(on_time=9), MISSED, RUN,
     ("not judged", "the load was not offered: only 90 % of its visitors started within 1 s of their instant")),
    ("not offered, and a total is wrong all the same", tally(on_time=1, stored=LESS), MET, RUN,
     ("did not hold", "pv of its visitors: 1 missing")),
    ("who has nothing to send is no late start", tally(started=5, silent=5), MET, RUN, ("held", "")),
    ("the run is wrong and no phase is", tally(), MET, replace(RUN, unexplained=True),
     ("not judged", "totals of the run are wrong, and no stored event says in which phase")),
    ("too much is unknown", tally(expected=WIDE), MET, RUN,
     ("not judged", "pv of its visitors: anything from 20 to 30 would be right: too wide")),
    ("what was unknown is stored", tally(expected=WIDE), MET, replace(RUN, clean=True), ("held", "")),
]  # fmt: skip


@pytest.mark.parametrize(("of", "slo", "run", "wanted"), [case[1:] for case in CASES], ids=[case[0] for case in CASES])
def test_standing(of: PhaseTally, slo: Slo, run: RunTotals, wanted: tuple[str, str]) -> None:
    assert standing(of, slo, run) == wanted


def test_a_phase_without_visitors_is_not_judged() -> None:
    assert standing(PhaseTally(), MISSED, visitors=0) == ("not judged", "nobody arrives in it")


UNLISTED = replace(RUN, listed=False, why_not_listed="the collector listed no events before the run")
KNOWN = [
    ("exact, and the run is right", tally(), UNLISTED, Verdict.PASS, BY_ATTEMPTS),
    ("exact, and the run's total is a range", tally(), replace(UNLISTED, judged=cells(Verdict.INCONCLUSIVE)),
     Verdict.PASS, BY_ATTEMPTS),
    ("exact, and the run's total is wrong", tally(), replace(UNLISTED, judged=cells(Verdict.FAIL)),
     Verdict.INCONCLUSIVE, "not read: the collector listed no events before the run"),
    ("exact, and the run's total was not read", tally(),
     replace(UNLISTED, judged=cells(Verdict.INCONCLUSIVE, None)),
     Verdict.INCONCLUSIVE, "not read: the collector listed no events before the run"),
    ("a range", tally(expected=WIDE), UNLISTED, Verdict.INCONCLUSIVE,
     "anything from 20 to 30 would be right: too wide"),
]  # fmt: skip


@pytest.mark.parametrize(("of", "run", "verdict", "why"), [case[1:] for case in KNOWN], ids=[case[0] for case in KNOWN])
def test_what_attempts_alone_tell(of: PhaseTally, run: RunTotals, verdict: Verdict, why: str) -> None:
    pv = judge_totals(of, run, Expect(), "a")[0]

    assert (pv.observed, pv.verdict, pv.why) == (None, verdict, why)
    assert pv.expected == of.totals.expected.of("pv")


def test_the_totals_of_the_only_phase_are_those_of_the_run() -> None:
    run = replace(UNLISTED, alone=True, judged=cells(Verdict.FAIL, 59))
    pv, uv, *_ = judge_totals(tally(), run, Expect(), "a")

    assert (pv.by, pv.cell, pv.expected, pv.observed, pv.verdict) == ("phase", "a", Interval(60, 60), 59, Verdict.FAIL)
    assert uv.verdict is Verdict.PASS


def test_what_the_wire_does_not_tell_is_not_known_of_a_phase_either() -> None:
    run = replace(RUN, expectations=Expectations({}, {("uv",): "anonymous visitors cannot be told apart"}))
    uv = judge_totals(tally(), run, Expect(), "a")[1]

    assert (uv.expected, uv.verdict) == (None, Verdict.INCONCLUSIVE)
    assert uv.why == "not checkable: anonymous visitors cannot be told apart"


def test_a_tolerance_is_one_for_a_phase_too() -> None:
    expect = Expect.model_validate({"totals": {"pv": "4%"}})

    assert judge_totals(tally(stored=LESS), RUN, expect, "a")[0].verdict is Verdict.PASS


attempts = st.builds(
    attempt,
    st.integers(0, 9),
    st.integers(10**9, 10**10),
    st.integers(10**9, 10**10),
    st.sampled_from([Outcome.ACKED, Outcome.REFUSED, Outcome.UNKNOWN]),
)


@given(st.lists(st.lists(attempts, min_size=1, max_size=4), max_size=8), st.data())
def test_the_phases_of_a_run_add_up_to_the_run(visitors: list[list[Attempt]], data: st.DataObject) -> None:
    phases = [PhaseTally(), PhaseTally(), PhaseTally()]
    whole = Latencies()
    for sends in visitors:
        own = Latencies()
        own.add_visitor(sends)
        whole.add_visitor(sends)
        data.draw(st.sampled_from(phases)).add(attempt_summary(sends), own, 0, PhaseTotals())
    merged = Latencies()
    for phase in phases:
        merged.merge(phase.latencies)

    together = [one for sends in visitors for one in sends]
    assert sum((phase.summary for phase in phases), AttemptSummary()) == attempt_summary(together)
    assert merged.on_time == whole.on_time
    for kind in ("response", "service", "late"):
        one, other = getattr(merged, kind), getattr(whole, kind)
        assert [one.percentile(p) for p in (50, 95, 99, 100)] == [other.percentile(p) for p in (50, 95, 99, 100)]
        assert sum(getattr(phase.latencies, kind).count for phase in phases) == other.count


def test_totals_add_up_and_differ() -> None:
    assert EXACT + LESS - EXACT == LESS
    assert WIDE.of("pv") == Interval(20, 30)
    assert (PhaseTotals(EXACT, LESS, 3) - PhaseTotals(WIDE, LESS, 1)).expected == Totals((10, 0, 0, 0), (0, 0, 0, 0), 0)
