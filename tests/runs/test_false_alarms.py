"""The false-alarm runs look for what must not be, and find it; a few of them are made for real."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Collection, Iterator
from dataclasses import replace
from itertools import pairwise
from pathlib import Path
from typing import Any

import httpx
import pytest

from simulator.errors import EngineError
from simulator.finding import Finding, Interval, Judged, Verdict
from simulator.ledger.manifest import write_json
from simulator.report.result import Attempts, Load, Result
from simulator.runs import false_alarms as false_alarms_module
from simulator.runs.false_alarms import (
    Bench,
    Kind,
    Tried,
    Truth,
    blunt,
    definitions_of,
    false_alarms,
    hold,
    main,
    mix_of,
    moments,
    summary,
    trials,
)
from simulator.runs.false_alarms import _wrong as wrong_with
from simulator.runs.false_alarms import _wrong_strictly as wrong_strictly
from simulator.runs.fault_proxy import FAULTS, PPM, Journal
from simulator.runs.judging import judge_run
from simulator.runs.plain_count import PlainCount
from simulator.runs.reconciliation import RECONCILIATION_FILE
from simulator.traffic.opened import OpenedRun
from simulator.verify.oracle import Expectations, Oracle
from simulator.wire.request import Action
from tests.runs.sent_runs import requests_of

LOST = frozenset({"run.3.1", "run.3.2", "run.12.0", "run.40.5", "run.41.5"})


def total(observed: int | None, verdict: Verdict, why: str = "", expected: tuple[int, int] = (90, 100)) -> Judged:
    return Judged("pv", "all", "", Interval(*expected), observed, verdict, why)


def result(
    exit_code: int, metrics: tuple[Judged, ...], findings: tuple[Finding, ...] = (), reasons: tuple[str, ...] = ()
) -> Result:
    words: Any = {0: "pass", 1: "fail", 3: "incomplete"}
    return Result(
        run_id="run",
        scenario="false_alarms",
        seed=1,
        namespace="run",
        period=("", ""),
        target="",
        definitions=definitions_of(1),
        verdict=words[exit_code],
        exit_code=exit_code,
        attempts=Attempts(),
        load=Load(),
        metrics=metrics,
        findings=findings,
        slo=(),
        reasons=reasons,
    )


WIDE = total(95, Verdict.PASS, "within a width of 10")
TOO_WIDE = total(95, Verdict.INCONCLUSIVE, "anything from 90 to 100 would be right: too wide")
BELOW = total(80, Verdict.FAIL, "10 missing")
LOST_FINDING = Finding("lost", Verdict.FAIL, "5 events are …", 5, (3, 12, 40, 41))


def counted(low: int = 90, high: int = 100) -> PlainCount:
    """pv is from `low` to `high`, by a plain count."""
    cell = ("pv", "all", "")
    return PlainCount(Counter({cell: low}), Counter({cell: high}))


def wrong(
    kind: Kind,
    found: Result,
    folder: Path = Path("nowhere"),
    lost: frozenset[str] = LOST,
    plain: PlainCount | None = None,
) -> list[str]:
    truth = Truth(plain or counted(), lost if kind.loses else frozenset())
    return list(wrong_with(kind, found, truth, folder))


EXACT = total(90, Verdict.PASS, expected=(90, 90))
GOOD: list[tuple[str, Kind, Result]] = [
    ("a pass within a width that is told", Kind.CORRECT_TOTALS, result(0, (WIDE,))),
    ("too wide is incomplete", Kind.CORRECT_TOTALS, result(3, (TOO_WIDE,))),
    ("not read", Kind.CORRECT_TOTALS, result(3, (total(None, Verdict.INCONCLUSIVE),))),
    ("a lossy collector hidden in the width", Kind.LOSSY_TOTALS, result(3, (TOO_WIDE,))),
    ("a lossy collector that fails outside", Kind.LOSSY_TOTALS, result(1, (BELOW,))),
    (
        "a lossy collector whose totals cannot be together",
        Kind.LOSSY_TOTALS,
        result(1, (WIDE,), (Finding("aggregation", Verdict.FAIL, "together they are not"),)),
    ),
]
BAD: list[tuple[str, Kind, Result, str]] = [
    ("a total of a correct collector fails", Kind.CORRECT_TOTALS, result(1, (BELOW,)), "10 missing"),
    (
        "a finding about a correct collector",
        Kind.CORRECT_TOTALS,
        result(1, (WIDE,), (Finding("aggregation", Verdict.FAIL, "totals fell"),)),
        "finding aggregation: totals fell",
    ),
    ("an exit code that nothing explains", Kind.CORRECT_TOTALS, result(1, (WIDE,)), "exit 1"),
    ("a pass outside", Kind.LOSSY_TOTALS, result(3, (replace(BELOW, verdict=Verdict.PASS),)), "80 of 90..100 is pass"),
    ("outside and called too wide", Kind.LOSSY_TOTALS, result(3, (replace(BELOW, verdict=Verdict.INCONCLUSIVE),)),
     "80 of 90..100 is inconclusive"),
    ("a fail inside", Kind.LOSSY_TOTALS, result(1, (replace(WIDE, verdict=Verdict.FAIL),)), "95 of 90..100 is fail"),
    ("a width that is not told", Kind.CORRECT_TOTALS, result(0, (replace(WIDE, why=""),)), "without a word"),
    ("a total that fails and an exit that does not say it", Kind.LOSSY_TOTALS, result(3, (BELOW,)), "exit 3"),
]  # fmt: skip


@pytest.mark.parametrize(("kind", "found"), [row[1:] for row in GOOD], ids=[row[0] for row in GOOD])
def test_what_may_be(kind: Kind, found: Result) -> None:
    assert wrong(kind, found) == []


@pytest.mark.parametrize(("kind", "found", "said"), [row[1:] for row in BAD], ids=[row[0] for row in BAD])
def test_what_must_not_be(kind: Kind, found: Result, said: str) -> None:
    assert said in "\n".join(wrong(kind, found))


def test_an_exact_pass_against_what_is_stored() -> None:
    assert wrong(Kind.CORRECT_LISTED, result(0, (EXACT,)), plain=counted(90, 90)) == []


HELD: list[tuple[str, tuple[int, int], Judged, str]] = [
    ("wider than it is", (90, 100), total(95, Verdict.PASS, "within a width of 1,000", (0, 1_000)),
     "pv by all: expected 0..1000, counted plainly 90..100"),
    ("anything goes", (90, 100), total(80, Verdict.PASS, "within a width of 1,000", (0, 1_000)),
     "pv by all: 80 of 90..100 is pass"),
    ("narrower than it is", (80, 100), BELOW, "pv by all: 80 of 80..100 is fail"),
    ("not known", (90, 100), replace(BELOW, expected=None), "pv by all: expected None, counted plainly 90..100"),
]  # fmt: skip


@pytest.mark.parametrize(("plain", "judged", "said"), [row[1:] for row in HELD], ids=[row[0] for row in HELD])
def test_expectations_are_held_against_a_plain_count(plain: tuple[int, int], judged: Judged, said: str) -> None:
    """Whatever the engine says of itself."""
    for kind in (Kind.CORRECT_TOTALS, Kind.LOSSY_TOTALS):
        assert said in "\n".join(wrong(kind, result(1, (judged,)), plain=counted(*plain)))


def test_a_cell_that_nobody_judged_is_missed() -> None:
    assert wrong(Kind.CORRECT_TOTALS, result(0, ())) == ["pv all: 100 may be stored, and nothing was judged"]


def test_a_cell_that_is_too_much_for_a_plain_count_is_held_against_nothing() -> None:
    plain = PlainCount(untried={("pv", "all", "")})

    assert wrong(Kind.CORRECT_TOTALS, result(0, (WIDE,)), plain=plain) == []


NO_PASS = [
    ("too many refused", result(3, (EXACT,), reasons=("9 of 20 sends (45 %) were refused or unknown; at most …",)), ""),
    ("a width", result(0, (WIDE,)), "pv by all: pass against 90..100 although every event is known"),
    ("not read", result(3, (total(None, Verdict.INCONCLUSIVE, expected=(90, 90)),)), "inconclusive against 90"),
    ("unsettled", result(3, (EXACT,), reasons=("The totals did not rest.",)), "no pass, because: The totals did not"),
]


@pytest.mark.parametrize(("found", "said"), [row[1:] for row in NO_PASS], ids=[row[0] for row in NO_PASS])
def test_nothing_but_the_failed_sends_costs_an_honest_listing_collector_its_pass(found: Result, said: str) -> None:
    expected = found.metrics[0].expected
    assert expected is not None
    told = "\n".join(wrong(Kind.CORRECT_LISTED, found, plain=counted(expected.low, expected.high)))

    assert said in told if said else told == ""


STRICT = [
    ("incomplete", result(0, (WIDE,)), result(3, (TOO_WIDE,)), []),
    ("it failed before", result(1, (WIDE, BELOW)), result(1, (TOO_WIDE, BELOW)), []),
    ("passes all the same", result(0, (WIDE,)), result(0, (WIDE,)),
     ["pv by all: passes within 90..100 although nothing but one number may",
      "exit 0 (pass) with max_width: 0, and exit 0 without"]),
    ("incomplete, but not for its width", result(0, (WIDE,)), result(3, (WIDE,)),
     ["pv by all: passes within 90..100 although nothing but one number may"]),
    ("fails now", result(3, (WIDE,)), result(1, (TOO_WIDE,)), ["exit 1 (fail) with max_width: 0, and exit 3 without"]),
]  # fmt: skip


@pytest.mark.parametrize(("before", "strict", "said"), [row[1:] for row in STRICT], ids=[row[0] for row in STRICT])
def test_with_max_width_0_a_width_proves_nothing(before: Result, strict: Result, said: list[str]) -> None:
    assert list(wrong_strictly(before, strict)) == said


def test_too_few_lost_events_show_nothing() -> None:
    assert "only 1 events were lost" in wrong(Kind.LOSSY_TOTALS, result(3, (TOO_WIDE,)), lost=frozenset({"a"}))[0]


@pytest.mark.parametrize(
    ("found", "events", "said"),
    [
        (result(1, (TOO_WIDE,), (LOST_FINDING,)), LOST, ""),
        (result(3, (TOO_WIDE,)), LOST, "although 5 acked events were lost"),
        (result(1, (TOO_WIDE,)), LOST, "finding lost of nothing"),
        (result(1, (TOO_WIDE,), (replace(LOST_FINDING, count=4),)), LOST, "finding lost of [4]"),
        (result(1, (TOO_WIDE,), (LOST_FINDING,)), LOST - {"run.3.1"}, "found were"),
        (result(1, (TOO_WIDE,), (LOST_FINDING,)), LOST | {"run.9.9"}, "found were"),
        (
            result(1, (TOO_WIDE,), (LOST_FINDING, Finding("unexpected", Verdict.FAIL, "1 event is …"))),
            LOST,
            "findings unexpected beside lost",
        ),
    ],
    ids=["as it must be", "no fail", "no finding", "another count", "one not found", "one too many", "more findings"],
)
def test_the_lost_events_must_be_exactly_those(
    found: Result, events: frozenset[str], said: str, tmp_path: Path
) -> None:
    write_json(tmp_path / RECONCILIATION_FILE, {"events": {"lost": [{"external_id": one} for one in events]}})
    told = wrong(Kind.LOSSY_LISTED, found, tmp_path)

    assert said in told[0] if said else told == [], told


def test_between_two_lists_each_event_may_have_come_before_the_verdict_or_after_it() -> None:
    assert list(moments(["a", "b"], ["a", "b", "c", "d"])) == [set("abcd"), set("abc"), set("ab")]
    assert list(moments(["a"], ["a"])) == [{"a"}]


@pytest.mark.parametrize("after", [["b", "a", "c"], ["a"], []], ids=["in another order", "one is gone", "all are gone"])
def test_a_list_that_does_more_than_grow_is_no_list(after: list[str]) -> None:
    with pytest.raises(EngineError, match="does more than grow"):
        list(moments(["a", "b"], after))


TOO_FEW = Truth(counted(90, 90), LOST)
TOO_MANY = Truth(counted(92, 92), frozenset())
OF_91 = result(0, (total(91, Verdict.PASS, expected=(91, 91)),))


def test_a_verdict_holds_at_one_moment() -> None:
    of_it = Truth(counted(91, 91), LOST)

    assert hold(Kind.CORRECT_LISTED, OF_91, [TOO_MANY, of_it, TOO_FEW], Path("nowhere")) == (of_it, ())


def test_a_verdict_of_no_moment_is_told_by_what_is_stored_in_the_end() -> None:
    truth, said = hold(Kind.CORRECT_LISTED, OF_91, [TOO_MANY, TOO_FEW], Path("nowhere"))

    assert truth is TOO_MANY
    assert said[0] == "pv by all: expected 91, counted plainly 92"


def test_nine_seeds_in_a_row_have_every_rule_with_every_user() -> None:
    made = {(str(definitions_of(seed).opens), definitions_of(seed).user) for seed in range(5, 14)}

    assert len(made) == 9
    assert {definitions_of(seed).day for seed in range(30)} == {"Asia/Shanghai", "Europe/Berlin"}


def test_mixes_come_from_the_seed_and_every_fault_is_in_some() -> None:
    mixes = [mix_of(seed) for seed in range(100)]

    assert mixes == [mix_of(seed) for seed in range(100)]
    assert {share.fault for mix in mixes for share in mix} == set(FAULTS)
    assert all(sum(share.part for share in mix) <= PPM * 2 // 5 for mix in mixes)
    assert len({sum(share.part for share in mix) // 100 for mix in mixes}) >= 3  # light, middling, heavy


def test_runs_with_equal_definitions_stand_together() -> None:
    order = [str(trial.definitions) for trial in trials(range(30))]

    assert len(order) == 30 * len(Kind)
    assert sum(one != other for one, other in pairwise(order)) == len(set(order)) - 1


def test_the_summary_counts_what_is_wrong() -> None:
    good = Tried(trials([1])[0], 3, ())
    bad = replace(good, wrong=("pv fails",))

    assert summary([good, bad])[0].startswith("correct-listed: 1 of 2 as they must be; 0 FAIL;")
    assert summary([good, bad])[-1] == "false alarms: 1 of 2 runs are not as they must be"


def test_runs_of_which_none_shows_what_its_kind_is_for_prove_nothing() -> None:
    """A judge that finds everything too wide raises no false alarm either."""
    tried = [Tried(trial, 3, ()) for trial in trials(range(9))]
    sharp: dict[Kind, dict[str, Any]] = {
        Kind.CORRECT_TOTALS: {"passed": 1},
        Kind.CORRECT_LISTED: {"exit_code": 0},
        Kind.LOSSY_TOTALS: {"failed": 1},
        Kind.LOSSY_LISTED: {"exit_code": 1},
    }
    one_of_each = [replace(one, **sharp[one.trial.kind]) if one.trial.seed == 3 else one for one in tried]

    assert [line.split(":")[0] for line in blunt(tried)] == [
        "none of 9 correct-totals runs had a total that passed",
        "none of 9 correct-listed runs passed",
        "none of 9 lossy-totals runs failed by its totals",
        "none of 9 lossy-listed runs failed",
    ]
    assert summary(tried)[-4:] == blunt(tried)
    assert blunt(one_of_each) == []
    assert blunt(tried[:8]) == []  # too few to say so


@pytest.mark.slow
@pytest.mark.parametrize("kind", list(Kind))
def test_runs_behind_a_failing_network(kind: Kind, tmp_path: Path) -> None:
    tried = false_alarms([3, 4], tmp_path, kinds=[kind])

    assert [one.wrong for one in tried] == [(), ()]
    assert sum(one.unknown for one in tried) > 0
    assert list(tmp_path.glob("*-*")) == []  # only wrong ones are kept
    assert all((one.lost >= 5) is kind.loses for one in tried)
    assert all(one.held == one.totals > 50 for one in tried)


LATE: list[tuple[Kind, Callable[[Journal], Collection[str]]]] = [
    (Kind.CORRECT_LISTED, lambda journal: {one.event for one in journal.handled}),
    (Kind.LOSSY_LISTED, Journal.lost_events),
]


@pytest.mark.slow
@pytest.mark.parametrize(("kind", "which"), LATE)
def test_what_comes_after_the_verdict_makes_it_no_false_one(
    kind: Kind, which: Callable[[Journal], Collection[str]], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A request that the network held back for long comes between the verdict and the next look at the collector."""
    came: list[str] = []

    def judge_and_let_in(opened: OpenedRun, url: str) -> Result:
        judged = judge_run(opened, url)
        if came:
            return judged  # once more, where nothing but one number may pass
        missing = set(which(bench.proxy.journal())).difference(bench.stored())
        records = ((one, record) for one in requests_of(opened) for record in one.records)
        views = (one for one, record in records if record.action is Action.VIEW and not record.bad)
        late = next(one for one in views if one.records[0].external_id in missing)
        bench.proxy.journal().note("late", late.records[0].external_id, forwarded=True)
        httpx.get(f"{bench.collector}{late.target}", trust_env=False).raise_for_status()
        came.append(late.records[0].external_id)
        return judged

    monkeypatch.setattr(false_alarms_module, "judge_run", judge_and_let_in)
    with Bench(tmp_path) as bench:
        tried = bench.make(trials([3], [kind])[0])

    assert len(came) == 1
    assert tried.wrong == ()


@pytest.fixture
def anything_goes(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """An oracle by which every total is right that a collector could say."""
    finish = Oracle.finish

    def at_a_loss(oracle: Oracle) -> Expectations:
        found = finish(oracle)
        return replace(found, intervals=dict.fromkeys(found.intervals, Interval(0, 10**9)), choices=())

    monkeypatch.setattr(Oracle, "finish", at_a_loss)
    yield
    monkeypatch.undo()


@pytest.mark.slow
@pytest.mark.parametrize("kind", list(Kind))
@pytest.mark.usefixtures("anything_goes")
def test_an_oracle_by_which_everything_is_right_is_found_out(kind: Kind, tmp_path: Path) -> None:
    """It never raises a false alarm, and proves nothing: the runs must say so by themselves, in every kind."""
    (tried,) = false_alarms([3], tmp_path, kinds=[kind])

    assert any("expected 0..1000000000, counted plainly" in said for said in tried.wrong), tried.wrong


@pytest.mark.slow
def test_by_itself_in_two_processes(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    code = main(["--seeds", "2", "--first", "8", "--kind", "correct-totals", "--out", str(tmp_path)])

    said = capsys.readouterr().out
    assert code == 0, said
    assert "correct-totals: 2 of 2 as they must be; 0 FAIL" in said
    assert "false alarms: 0 of 2 runs" in said
