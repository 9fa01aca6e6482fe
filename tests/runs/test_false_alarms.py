"""The false-alarm runs look for what must not be, and find it; a few of them are made for real."""

from __future__ import annotations

from dataclasses import replace
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest

from simulator.finding import Finding, Interval, Judged, Verdict
from simulator.ledger.manifest import write_json
from simulator.report.result import Attempts, Load, Result
from simulator.runs.false_alarms import Kind, Tried, definitions_of, false_alarms, main, mix_of, summary, trials
from simulator.runs.false_alarms import _wrong as wrong_with
from simulator.runs.fault_proxy import FAULTS, PPM
from simulator.runs.reconciliation import RECONCILIATION_FILE

LOST = frozenset({"run.3.1", "run.3.2", "run.12.0", "run.40.5", "run.41.5"})


def total(observed: int | None, verdict: Verdict, why: str = "", expected: tuple[int, int] = (90, 100)) -> Judged:
    return Judged("pv", "all", "", Interval(*expected), observed, verdict, why)


def result(exit_code: int, metrics: tuple[Judged, ...], findings: tuple[Finding, ...] = ()) -> Result:
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
    )


WIDE = total(95, Verdict.PASS, "within a width of 10")
TOO_WIDE = total(95, Verdict.INCONCLUSIVE, "anything from 90 to 100 would be right: too wide")
BELOW = total(80, Verdict.FAIL, "10 missing")
LOST_FINDING = Finding("lost", Verdict.FAIL, "5 events are …", 5, (3, 12, 40, 41))


def wrong(kind: Kind, found: Result, folder: Path = Path("nowhere"), lost: frozenset[str] = LOST) -> list[str]:
    return list(wrong_with(kind, found, lost if kind.loses else frozenset(), folder))


GOOD: list[tuple[str, Kind, Result]] = [
    ("a pass within a width that is told", Kind.CORRECT_TOTALS, result(0, (WIDE,))),
    ("an exact pass", Kind.CORRECT_LISTED, result(0, (total(90, Verdict.PASS, expected=(90, 90)),))),
    ("too wide is incomplete", Kind.CORRECT_TOTALS, result(3, (TOO_WIDE,))),
    ("not read", Kind.CORRECT_TOTALS, result(3, (total(None, Verdict.INCONCLUSIVE),))),
    ("a lossy collector hidden in the width", Kind.LOSSY_TOTALS, result(3, (TOO_WIDE,))),
    ("a lossy collector that fails outside", Kind.LOSSY_TOTALS, result(1, (BELOW,))),
]
BAD: list[tuple[str, Kind, Result, str]] = [
    ("a total of a correct collector fails", Kind.CORRECT_TOTALS, result(1, (BELOW,)), "10 missing"),
    (
        "a finding about a correct collector",
        Kind.CORRECT_LISTED,
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


@pytest.mark.slow
@pytest.mark.parametrize("kind", list(Kind))
def test_runs_behind_a_failing_network(kind: Kind, tmp_path: Path) -> None:
    tried = false_alarms([3, 4], tmp_path, kinds=[kind])

    assert [one.wrong for one in tried] == [(), ()]
    assert sum(one.unknown for one in tried) > 0
    assert list(tmp_path.glob("*-*")) == []  # only wrong ones are kept
    assert all((one.lost >= 5) is kind.loses for one in tried)


@pytest.mark.slow
def test_by_itself_in_two_processes(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    code = main(["--seeds", "2", "--first", "8", "--kind", "correct-totals", "--out", str(tmp_path)])

    said = capsys.readouterr().out
    assert code == 0, said
    assert "correct-totals: 2 of 2 as they must be; 0 FAIL" in said
    assert "false alarms: 0 of 2 runs" in said
