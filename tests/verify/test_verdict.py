"""From what was found to the verdict and its exit code: each row of the table, and which row wins."""

from __future__ import annotations

from typing import Any

import pytest

from simulator.finding import Finding, Interval, Judged, Slo, Verdict
from simulator.verify.sighting import AttemptSummary
from simulator.verify.verdict import PRECEDENCE, WORDS, Conclusion, LoadFacts, conclude

ONE = Interval(1, 1)


def cell(verdict: Verdict, expected: Interval | None = ONE, observed: int | None = 1) -> Judged:
    return Judged("pv", "all", "", expected, observed, verdict, "why")


GOOD = cell(Verdict.PASS)
SENT = AttemptSummary(100, 100, 0, 0)
FAIL = {"judged": [GOOD, cell(Verdict.FAIL)]}
CUT = {"load": LoadFacts(finished=False, reason="Ctrl-C")}
LATE = {"load": LoadFacts(punctual=0.5)}
MISSED = {"slos": [Slo("p95 < 200ms", 301.5, False)]}


def concluded(**given: Any) -> Conclusion:
    facts: dict[str, Any] = {
        "judged": [GOOD], "findings": [], "slos": [Slo("max < 1s", 20.0, True)], "attempts": SENT,
        "load": LoadFacts(punctual=1.0), "max_failed": 50_000, **given,
    }  # fmt: skip
    return conclude(**facts)


ROWS: list[tuple[str, dict[str, Any], str, int]] = [
    ("everything is right", {}, "pass", 0),
    ("a remark", {"findings": [Finding("boundary", Verdict.PASS, "by the way")]}, "pass", 0),
    ("a cell is wrong", FAIL, "fail", 1),
    ("a finding fails", {"findings": [Finding("lookup", Verdict.FAIL, "a wrong answer")]}, "fail", 1),
    ("an SLO is missed", MISSED, "slo", 2),
    ("an SLO without samples", {"slos": [Slo("p95 < 1s", None, False)]}, "slo", 2),
    ("a cell was not read", {"judged": [GOOD, cell(Verdict.INCONCLUSIVE, observed=None)]}, "incomplete", 3),
    ("a cell cannot be known", {"judged": [GOOD, cell(Verdict.INCONCLUSIVE, expected=None)]}, "incomplete", 3),
    ("a cell is too wide", {"judged": [cell(Verdict.INCONCLUSIVE, Interval(0, 9))]}, "incomplete", 3),
    ("an inconclusive finding", {"findings": [Finding("foreign", Verdict.INCONCLUSIVE, "others")]}, "incomplete", 3),
    ("cut short", CUT, "incomplete", 3),
    ("a worker lost", {"load": LoadFacts(workers_lost=1)}, "incomplete", 3),
    ("nothing was sent", {"attempts": AttemptSummary()}, "incomplete", 3),
    ("an event of which none was acked", {"unacked": ("c_buy",)}, "incomplete", 3),
    ("a declared event to which nobody came", {"undrawn": ("c_buy",)}, "incomplete", 3),
    ("as many failed as may", {"attempts": AttemptSummary(100, 95, 2, 3)}, "pass", 0),
    ("one more failed than may", {"attempts": AttemptSummary(100, 94, 3, 3)}, "incomplete", 3),
    ("exactly 95 % punctual", {"load": LoadFacts(punctual=0.95)}, "pass", 0),
    ("under 95 % punctual", {"load": LoadFacts(punctual=0.9499)}, "underload", 4),
    ("not an open model", {"load": LoadFacts(punctual=None)}, "pass", 0),
    ("nobody answered", {"load": LoadFacts(connected=False), "judged": []}, "error", 6),
    ("nothing was judged", {"judged": []}, "error", 7),
    ("our own fault", {"judged": [cell(Verdict.ERROR)]}, "error", 7),
    ("a self-check failed", {"findings": [Finding("self_check", Verdict.ERROR, "sent twice")]}, "error", 7),
    ("wrong and cut short", {**FAIL, **CUT}, "fail", 1),
    ("cut short and late", {"load": LoadFacts(finished=False, punctual=0.1)}, "incomplete", 3),
    ("late and an SLO missed", {**LATE, **MISSED}, "underload", 4),
    ("wrong and an SLO missed", {**FAIL, **MISSED}, "fail", 1),
    ("our own fault and wrong", {"judged": [cell(Verdict.ERROR), cell(Verdict.FAIL)]}, "error", 7),
    ("nobody answered and an SLO missed", {"load": LoadFacts(connected=False), "judged": [], **MISSED}, "error", 6),
]


@pytest.mark.parametrize(("given", "word", "code"), [row[1:] for row in ROWS], ids=[row[0] for row in ROWS])
def test_the_table(given: dict[str, Any], word: str, code: int) -> None:
    found = concluded(**given)

    assert (found.verdict, found.exit_code) == (word, code)
    assert bool(found.reasons) == (code != 0)


def test_why_nothing_was_judged_comes_before_that_nothing_was() -> None:
    found = concluded(judged=[], findings=[Finding("self_check", Verdict.ERROR, "it sent twice")])

    assert found.reasons == ("It sent twice.", "Nothing was judged.")


TOO_LATE = (
    "Only 50 % of the visitors started within 1 s of their instant; 95% must for the load to be the one asked for"
)


@pytest.mark.parametrize(
    ("late", "held", "said"),
    [
        (
            200, 150,
            "It was the collector that was slow: 150 of the 200 late visitors waited because it left 2,000 requests "
            "without a reply, and load.in_flight lets a process send no more at once.",
        ),
        (200, 0, "The sending side was too slow: more workers, or a faster machine, may offer it."),
        (
            200, 99,
            "The sending side was too slow, though 99 of the 200 late visitors waited for the collector: "
            "more workers, or a faster machine, may offer it.",
        ),
        (200, None, ""),
        (0, 0, ""),
    ],
    ids=["the collector", "the sender", "both", "a load that left no word", "nobody started at all"],
)  # fmt: skip
def test_who_was_too_slow(late: int, held: int | None, said: str) -> None:
    found = concluded(load=LoadFacts(punctual=0.5, late=late, held=held, in_flight=2_000))

    assert found.exit_code == 4
    assert found.reasons == (f"{TOO_LATE}. {said}".rstrip(),)


def test_the_weightiest_reason_comes_first() -> None:
    found = concluded(**{**FAIL, **CUT, **MISSED})

    assert found.reasons == (
        "1 of 2 totals is wrong: pv in total, why.",
        "The run was cut short: Ctrl-C.",
        "p95 < 200ms was missed: 301.5 ms.",
    )


LOST = Finding("worker_lost", Verdict.INCONCLUSIVE, "worker-2 on b was lost: its ledger is whole")
ENDED = LoadFacts(finished=False, reason="failed > 50% for 10s", started=1_203, planned=2_400)
REASONS: list[tuple[str, dict[str, Any], tuple[str, ...]]] = [
    (
        "stopped by hand",
        {"load": LoadFacts(finished=False, reason="a signal", by_hand=True, started=1_203, planned=2_400)},
        ("The run was stopped by hand after 1,203 of 2,400 visitors.",),
    ),
    (
        "given up",
        {"load": ENDED},
        ("The run was cut short after 1,203 of 2,400 visitors: failed > 50% for 10s.",),
    ),
    (
        "given up before some events had their turn",
        {"load": ENDED, "unacked": ("c_buy",)},
        ("The run was cut short after 1,203 of 2,400 visitors: failed > 50% for 10s.",),
    ),
    (
        "a lost worker, of whom a finding tells",
        {"load": LoadFacts(workers_lost=1), "findings": [LOST]},
        ("Worker-2 on b was lost: its ledger is whole.",),
    ),
    ("a lost worker without a finding", {"load": LoadFacts(workers_lost=1)}, ("1 worker was lost.",)),
    (
        "a lost worker with visitors whom nobody else could have",
        {"load": LoadFacts(workers_lost=1, started=90, planned=100), "findings": [LOST]},
        ("Worker-2 on b was lost: its ledger is whole.", "Only 90 of 100 visitors are known to have started."),
    ),
    ("two of them", {"load": LoadFacts(workers_lost=2)}, ("2 workers were lost.",)),
]


@pytest.mark.parametrize(("given", "reasons"), [row[1:] for row in REASONS], ids=[row[0] for row in REASONS])
def test_one_clear_reason(given: dict[str, Any], reasons: tuple[str, ...]) -> None:
    assert concluded(**given).reasons == reasons


def test_precedence_of_exit_codes() -> None:
    assert PRECEDENCE == (7, 5, 6, 1, 3, 4, 2, 0)
    assert set(WORDS) == set(PRECEDENCE)
