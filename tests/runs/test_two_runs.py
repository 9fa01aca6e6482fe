"""Two runs held against each other: what is worse, what is noise, and what a command ends with."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from simulator.api import compare_runs
from simulator.cli.main import run as mpsim
from simulator.contract import Definitions, parse_opens
from simulator.errors import UsageError
from simulator.finding import Finding, Interval, Judged, Slo, Verdict
from simulator.ledger.histogram import Histogram
from simulator.ledger.manifest import Options, write_manifest
from simulator.report.comparison import Comparison, comparison_json
from simulator.report.result import Result, write_result
from simulator.runs.latency_slices import LATENCIES_FILE, read_latencies, write_latencies
from simulator.runs.two_runs import JudgedRun, compare, differ
from simulator.verify.slo import Latencies
from tests.report.conftest import failing, incomplete, judged_again, passing, staircase
from tests.runs.two_run_samples import manifest


def slices(milliseconds: int) -> dict[str, dict[int, Histogram]]:
    own = {number: Histogram([milliseconds * 1_000] * 1_000) for number in range(20)}
    return {"response": own, "service": own}


def of(result: Result, folder: Path = Path("run"), milliseconds: int = 20, **more: object) -> JudgedRun:
    given = JudgedRun(folder, manifest(), result, slices(milliseconds))
    return replace(given, **more)  # type: ignore[arg-type]


def compared(before: Result, after: Result) -> Comparison:
    return compare(of(before), of(after))


def with_cell(result: Result, metric: str, by: str, cell: str, changed: Callable[[Judged], Judged]) -> Result:
    old = next(one for one in result.metrics if (one.metric, one.by, one.cell) == (metric, by, cell))
    return replace(result, metrics=judged_again(result, {(metric, by, cell): changed(old)}))


def wrong(off: int) -> Result:
    """The passing run, with PV in total off by so many."""
    made = with_cell(passing(), "pv", "all", "", lambda one: replace(one, observed=11_339 - off, verdict=Verdict.FAIL))
    return replace(made, verdict="fail", exit_code=1)


FAILED = Finding("lost", Verdict.FAIL, "6 acked events are not stored", 6, (1, 2))


def found(count: int, verdict: Verdict = Verdict.FAIL) -> Result:
    word = {Verdict.FAIL: ("fail", 1), Verdict.INCONCLUSIVE: ("incomplete", 3), Verdict.ERROR: ("error", 7)}[verdict]
    return replace(
        passing(),
        verdict=word[0],  # type: ignore[arg-type]
        exit_code=word[1],
        findings=(replace(FAILED, count=count, verdict=verdict),),
    )


MISSED = replace(passing(), verdict="slo", exit_code=2, slo=(Slo("p95 < 200ms", 231.0, False),))
MET = replace(passing(), slo=(Slo("p95 < 200ms", 31.0, True),))
LATE = replace(passing(), verdict="underload", exit_code=4, reasons=("Only 71 % of the visitors started in time.",))
UNJUDGED = replace(passing(), verdict="error", exit_code=7, metrics=(), reasons=("Nothing was judged.",))
REMARKED = replace(passing(), findings=(Finding("foreign", Verdict.PASS, "a remark"),))

CASES = [
    # what happened                          before, after                  outcome, exit code, the sentence begins
    ("nothing", passing(), passing(), "same", 0, "Nothing changed beyond noise, of 130 totals, 6 latency percentiles."),
    ("a total became wrong", passing(), wrong(1), "worse", 1, "1 total of 130 became wrong, or more wrong"),
    ("a total became right", wrong(1), passing(), "better", 0, "Nothing became worse, and something better"),
    ("wrong alike", wrong(10), wrong(12), "same", 0, "Nothing changed beyond noise, of 130 totals, 6 latency percent"),
    ("much more wrong", wrong(10), wrong(40), "worse", 1, "1 total of 130 became wrong, or more wrong"),
    ("much less wrong", wrong(40), wrong(10), "better", 0, "Nothing became worse"),
    ("a new finding", passing(), found(6), "worse", 1, "Lost (new): 6 acked events are not stored."),
    ("as many as by chance", found(45), found(52), "same", 0, "Nothing changed"),
    ("far more than before", found(45), found(95), "worse", 1, "Lost (45 before, 95 now)"),
    ("a finding is gone", found(6), passing(), "better", 0, "Nothing became worse"),
    ("a finding that proves nothing", passing(), found(1, Verdict.INCONCLUSIVE), "worse", 3, "Lost (new)"),
    ("a fault of our own", passing(), found(1, Verdict.ERROR), "worse", 7, "Lost (new)"),
    ("a remark", passing(), REMARKED, "same", 0, "Nothing changed"),
    ("a level is missed", MET, MISSED, "worse", 2, "P95 < 200ms was met and is missed."),
    ("a level is met again", MISSED, MET, "better", 0, "Nothing became worse"),
    ("the load was not offered", passing(), LATE, "worse", 4, "It was PASS and is UNDERLOAD: Only 71 %"),
    ("one run judged nothing", UNJUDGED, passing(), "not comparable", 3, "Run judged no total"),
    ("neither did", UNJUDGED, UNJUDGED, "not comparable", 3, "Run judged no total"),
    ("the later one judged nothing", passing(), UNJUDGED, "not comparable", 7, "It was PASS and is ERROR"),
    ("totals can be known no more", passing(), incomplete(), "worse", 3, ""),
    ("it failed and is incomplete", failing(), incomplete(), "worse", 3, ""),
]


@pytest.mark.parametrize(
    ("before", "after", "outcome", "code", "sentence"), [case[1:] for case in CASES], ids=[case[0] for case in CASES]
)
def test_what_became_worse(before: Result, after: Result, outcome: str, code: int, sentence: str) -> None:
    comparison = compared(before, after)

    assert (comparison.outcome, comparison.exit_code) == (outcome, code)
    assert comparison.sentence.startswith(sentence)


@pytest.mark.parametrize(("first", "second", "apart"), [(0, 9, False), (0, 10, True), (50, 82, False), (50, 86, True)])
def test_counts_of_chance_differ_beyond_three_standard_deviations(first: int, second: int, apart: bool) -> None:
    """9 - 0 is exactly 3 * sqrt(9); 82 - 50 = 32 < 34.5; 86 - 50 = 36 > 35."""
    assert differ(first, second) is differ(second, first) is apart


def test_the_weightiest_of_several_comes_first_and_decides() -> None:
    after = replace(MISSED, metrics=wrong(3).metrics, verdict="fail", exit_code=1)
    comparison = compare(of(MET), of(after, milliseconds=40))

    assert comparison.exit_code == 1
    assert [text.split(":")[0].split(" grew ")[0] for text in comparison.reasons] == [
        "1 total of 130 became wrong, or more wrong than before",
        "P95 < 200ms was met and is missed.",
        *(f"P{rank} of the {what} time" for what in ("response", "service") for rank in (50, 95, 99)),
    ]
    assert comparison.reasons[-1] == "P99 of the service time grew from 20 ms to 40 ms, 2.00 to 2.00 times."


def test_what_is_allowed_by_a_width_is_no_change() -> None:
    def wide(one: Judged) -> Judged:
        return replace(one, expected=Interval(11_330, 11_345), observed=11_331)

    assert compared(passing(), with_cell(passing(), "pv", "all", "", wide)).outcome == "same"


def test_another_plan_changes_totals_and_makes_nothing_worse() -> None:
    def other(one: Judged) -> Judged:
        return replace(one, expected=Interval(12_000, 12_000), observed=12_000)

    comparison = compare(of(passing()), of(with_cell(passing(), "pv", "all", "", other), manifest=manifest(seed=8)))

    changed = [one for one in comparison.cells if one.change != "same"]
    assert [(one.either.metric, one.either.by, one.change) for one in changed] == [("pv", "all", "changed")]
    assert [(one.what, one.before, one.after) for one in comparison.differences] == [("seed", "7", "8")]
    assert comparison.exit_code == 0


def test_a_cell_that_only_one_run_has_is_held_against_nothing() -> None:
    more = (*passing().metrics, Judged("pv", "source", "ghost", Interval(0, 0), 3, Verdict.FAIL, "3 too many"))
    comparison = compared(passing(), replace(passing(), metrics=more))

    assert comparison.exit_code == 1
    assert comparison.sentence.endswith("PV of source ghost: expected 0, observed 3.")


def test_hours_and_days_of_another_period_are_not_compared() -> None:
    later = replace(passing(), period=("2026-03-02T00:00:00+08:00", "2026-03-03T03:00:00+08:00"))
    comparison = compared(passing(), later)

    assert {one.either.by for one in comparison.cells} == {"all", "source", "content", "page"}
    assert comparison.notes[0].startswith("Hours and days are not compared: one run is of 2026-03-01 00:00 +08:00")


def test_definitions_that_changed_are_told() -> None:
    other = replace(passing(), definitions=Definitions(parse_opens("timeout=30m"), "customer", "UTC"))

    told = [(one.what, one.before, one.after) for one in compared(passing(), other).differences]
    assert told == [
        ("opens", "launch", "timeout=30m"),
        ("user", "openid", "customer"),
        ("day", "Asia/Shanghai", "UTC"),
    ]


NOT_COMPARED = [
    ("a flood", {"flood": True}, "in a flood they say how fast the machine is"),
    ("another rate", {"manifest": manifest(options=Options(rate="5/s"))}, "the load is another one (rate)"),
    ("an older run", {"slices": None}, "run has no latencies.json; mpsim verify run makes it"),
    ("underload", {"result": LATE}, "run was not offered the load that it should have been"),
]


@pytest.mark.parametrize(("more", "why"), [case[1:] for case in NOT_COMPARED], ids=[case[0] for case in NOT_COMPARED])
def test_latencies_of_another_load_are_not_compared(more: dict[str, object], why: str) -> None:
    comparison = compare(of(passing()), replace(of(passing(), milliseconds=90), **more))  # type: ignore[arg-type]

    assert comparison.latency == ()
    assert why in comparison.notes[0]


def test_a_slower_collector_is_worse_and_a_faster_one_better() -> None:
    slower, faster = (compare(of(passing()), of(passing(), milliseconds=one)) for one in (26, 10))

    assert (slower.outcome, slower.exit_code, faster.outcome, faster.exit_code) == ("worse", 2, "better", 0)
    assert [(one.measure, one.percentile, one.change) for one in slower.latency] == [
        ("response", "p50", "worse"),
        ("response", "p95", "worse"),
        ("response", "p99", "worse"),
        ("service", "p50", "worse"),
        ("service", "p95", "worse"),
        ("service", "p99", "worse"),
    ]
    assert compare(of(passing()), of(passing(), milliseconds=26), 0.4).outcome == "same"


def test_the_highest_phase_that_held_is_told_of_both() -> None:
    assert compared(staircase(), staircase()).highest_phase == ("campaign, 60.0/s", "campaign, 60.0/s")


def test_runs_of_two_scenarios_cannot_be_compared() -> None:
    with pytest.raises(UsageError, match="only runs of one scenario can be compared"):
        compared(passing(), replace(passing(), scenario="another"))


def test_the_json_document_has_what_changed_and_the_totals() -> None:
    document = json.loads(json.dumps(comparison_json(compared(passing(), wrong(2)))))

    assert (document["outcome"], document["exit_code"], document["cells_compared"]) == ("worse", 1, 130)
    assert [(row["metric"], row["by"], row["change"]) for row in document["metrics"]] == [
        ("pv", "all", "worse"),
        ("uv", "all", "same"),
        ("opens", "all", "same"),
        ("new_users", "all", "same"),
    ]
    assert document["metrics"][0]["after"] == {"expected": [11_339, 11_339], "observed": 11_337, "verdict": "fail"}


# ---- run directories ------------------------------------------------------------------------------------------------


@pytest.fixture
def folders(tmp_path: Path) -> tuple[Path, Path]:
    """Two run directories of one scenario, the second with a wrong total."""
    root = Path(__file__).parents[2] / "scenarios" / "campaign_day.yaml"
    made = []
    for name, result in (("a", passing()), ("b", wrong(2))):
        folder = tmp_path / name
        (folder / "scenario").mkdir(parents=True)
        (folder / "scenario" / root.name).write_bytes(root.read_bytes())
        write_manifest(folder, manifest())
        write_result(folder / "result.json", result)
        latencies = Latencies()
        latencies.add_replies([20_000_000] * 300, [19_000_000] * 300)
        write_latencies(folder, dict.fromkeys(range(20), latencies))
        made.append(folder)
    return made[0], made[1]


def test_two_run_directories_are_compared_on_the_command_line(
    folders: tuple[Path, Path], capsys: pytest.CaptureFixture[str]
) -> None:
    before, after = folders

    assert mpsim(["compare", str(before), str(before)]) == 0
    assert "SAME  Nothing changed beyond noise, of 130 totals, 4 latency percentiles." in capsys.readouterr().out
    assert mpsim(["compare", str(before), str(after)]) == 1
    said = capsys.readouterr().out
    assert said.startswith("WORSE  1 total of 130 became wrong, or more wrong than before: PV in total")
    assert [line.split() for line in said.splitlines() if line.startswith(("PV", "response p95"))] == [
        ["PV", "in", "total", "11,339", "11,337", "worse:", "was", "pass,", "is", "fail"],
        ["response", "p95", "20", "ms", "20", "ms", "1.00", "to", "1.00", "same"],
    ]
    assert mpsim(["compare", str(after), str(before), "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["outcome"] == "better"


def test_names_from_outside_are_made_harmless(folders: tuple[Path, Path], capsys: pytest.CaptureFixture[str]) -> None:
    before, after = folders
    odd = Judged("pv", "source", "\x1b[31mred", Interval(0, 0), 3, Verdict.FAIL)
    write_result(after / "result.json", replace(wrong(2), metrics=(*passing().metrics, odd)))

    assert mpsim(["compare", str(before), str(after)]) == 1

    assert "\x1b" not in capsys.readouterr().out


@pytest.mark.parametrize("margin", ["10", "-1%", "x%", "1e9%"])
def test_a_margin_is_a_percentage(margin: str, folders: tuple[Path, Path], capsys: pytest.CaptureFixture[str]) -> None:
    assert mpsim(["compare", *map(str, folders), "--margin", margin]) == 5

    assert f'{margin}: expected a percentage up to 1000%, such as "10%"' in capsys.readouterr().err


def test_what_is_no_run_is_a_usage_error(folders: tuple[Path, Path], capsys: pytest.CaptureFixture[str]) -> None:
    before, after = folders

    assert mpsim(["compare", str(before), str(after / "nowhere")]) == 5
    (after / LATENCIES_FILE).write_text('{"version": 1, "slices": [{"slice": 0}]}')
    assert mpsim(["compare", str(before), str(after)]) == 5
    assert f"{after / LATENCIES_FILE} is damaged" in capsys.readouterr().err
    (after / LATENCIES_FILE).write_text('{"version": 9}')
    with pytest.raises(UsageError, match="has version 9"):
        compare_runs(before, after)


def test_latencies_are_read_as_they_were_written(tmp_path: Path) -> None:
    latencies = Latencies()
    latencies.add_replies([5_000_000, 7_000_000], [4_000_000, 6_000_000])
    write_latencies(tmp_path, {3: latencies})

    read = read_latencies(tmp_path)
    assert read is not None
    assert {name: {number: one.as_json() for number, one in own.items()} for name, own in read.items()} == {
        "response": {3: latencies.response.as_json()},
        "service": {3: latencies.service.as_json()},
    }
    assert read_latencies(tmp_path / "elsewhere") is None
