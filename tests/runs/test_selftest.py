"""When a fault counts as killed, what is tried, and what the matrix comes to. The runs themselves are in tests/e2e."""

from __future__ import annotations

from dataclasses import replace
from io import StringIO
from pathlib import Path

import pytest
from rich.console import Console

from simulator.cli.main import run
from simulator.cli.selftest import _print as print_matrix
from simulator.collector.faults import named, registered
from simulator.contract import METRICS, Definitions
from simulator.finding import Finding, Interval, Judged, Verdict
from simulator.report.result import Attempts, Load, Result
from simulator.runs.false_alarms import Tried as AlarmTried
from simulator.runs.false_alarms import trials as alarm_trials
from simulator.runs.selftest import Asked, Matrix, faults_named, trials_of
from simulator.runs.trial import Standing, Trial, Tried, judge_trial

FAULT = named("source-of-last-visit")  # moves all four metrics; attribution; one visitor
TRIAL = Trial(FAULT.scenario, FAULT.definitions, 1, FAULT)
CONTROL = replace(TRIAL, fault=None)
DECODED = named("page-decoded-again")  # moves pv and uv; altered, and misplaced beside it
MORE = Trial(DECODED.scenario, DECODED.definitions, 1, DECODED)
LOST = named("loses-one-in-20")  # moves pv, and whatever else is struck
MAYBE = Trial(LOST.scenario, LOST.definitions, 1, LOST)
ALONE = replace(TRIAL, only=(3,))
MOVED = METRICS
FOUND = Finding("attribution", Verdict.FAIL, "two cells", 2, (3, 5), MOVED)


def result_of(code: int, failing: tuple[str, ...] = (), *findings: Finding) -> Result:
    rows = [
        Judged(metric, "source", "ads", Interval(1, 1), 2, Verdict.FAIL if metric in failing else Verdict.PASS)
        for metric in MOVED
    ]
    return Result(
        run_id="r", scenario="s", seed=1, namespace="", period=("", ""), target="", definitions=Definitions(),
        verdict="fail" if code == 1 else "pass", exit_code=code, attempts=Attempts(), load=Load(),
        metrics=tuple(rows), findings=findings, slo=(), reasons=("because",),
    )  # fmt: skip


JUDGED = [
    ("the declared metrics and finding", TRIAL, result_of(1, MOVED, FOUND), Standing.KILLED, ""),
    ("the finding several times", TRIAL, result_of(1, MOVED, *(replace(FOUND, metrics=(one,)) for one in MOVED)),
     Standing.KILLED, ""),
    ("another finding beside it", TRIAL, result_of(1, MOVED, replace(FOUND, code="lost"), FOUND),
     Standing.WRONG_FINDING, "the finding lost beside attribution"),
    ("the finding speaks of other metrics", TRIAL, result_of(1, MOVED, replace(FOUND, metrics=("pv", "uv"))),
     Standing.WRONG_FINDING, "no finding speaks of opens, new_users"),
    ("the finding speaks of nothing", TRIAL, result_of(1, MOVED, replace(FOUND, metrics=())),
     Standing.WRONG_FINDING, "no finding speaks of pv, uv, opens, new_users"),
    ("passed", TRIAL, result_of(0), Standing.SURVIVED, "exit 0 (pass)"),
    ("inconclusive is not caught", TRIAL, result_of(3, (), FOUND), Standing.SURVIVED, "exit 3 (pass)"),
    ("a metric that does not move", TRIAL, result_of(1, ("pv", "uv"), FOUND), Standing.WRONG_FINDING,
     "opens, new_users did not fail"),
    ("a finding about what is right", TRIAL,
     result_of(1, ("pv",), replace(FOUND, metrics=("pv",)), replace(FOUND, metrics=("uv",))), Standing.WRONG_FINDING,
     "uv, opens, new_users did not fail; the finding attribution speaks of uv, which did not fail"),
    ("a metric beyond", MORE, result_of(1, ("pv", "uv", "new_users"), replace(FOUND, code="altered"),
     replace(FOUND, code="misplaced")), Standing.WRONG_FINDING, "new_users failed, which it does not move"),
    ("all that it declares", MORE, result_of(1, ("pv", "uv"), replace(FOUND, code="altered"),
     replace(FOUND, code="misplaced")), Standing.KILLED, ""),
    ("one of its findings is missing", MORE, result_of(1, ("pv", "uv"), replace(FOUND, code="altered")),
     Standing.WRONG_FINDING, "no finding misplaced beside altered"),
    ("the first finding leaves a metric to another", MORE, result_of(1, ("pv", "uv"),
     replace(FOUND, code="altered", metrics=("pv",)), replace(FOUND, code="misplaced")),
     Standing.WRONG_FINDING, "the finding altered does not speak of uv"),
    ("what may move or not", MAYBE, result_of(1, ("pv", "opens"), replace(FOUND, code="lost")), Standing.KILLED, ""),
    ("another finding", TRIAL, result_of(1, MOVED, replace(FOUND, code="lost")), Standing.WRONG_FINDING,
     "lost instead of attribution; the finding attribution does not speak of pv, uv, opens, new_users"),
    ("a remark is no finding", TRIAL, result_of(1, MOVED, replace(FOUND, verdict=Verdict.PASS)),
     Standing.WRONG_FINDING, "no finding instead of attribution; no finding speaks of pv, uv, opens, new_users"),
    ("nobody is named", TRIAL, result_of(1, MOVED, replace(FOUND, visitors=())), Standing.WRONG_FINDING,
     "the finding attribution names no visitor"),
    ("one visitor alone moves less", ALONE, result_of(1, ("pv",), FOUND), Standing.KILLED, ""),
    ("one visitor alone moves nothing", ALONE, result_of(1, (), replace(FOUND, metrics=())), Standing.WRONG_FINDING,
     "pv, uv, opens, new_users did not fail"),
    ("one visitor alone needs not all the findings", replace(MORE, only=(3,)),
     result_of(1, ("pv",), replace(FOUND, code="altered", metrics=("pv",))), Standing.KILLED, ""),
    ("an honest collector passes", CONTROL, result_of(0), Standing.PASSED, ""),
    ("an honest collector fails", CONTROL, result_of(1, ("pv",), FOUND), Standing.FALSE_ALARM, "exit 1: because"),
    ("an honest collector is inconclusive", CONTROL, result_of(3), Standing.FALSE_ALARM, "exit 3: because"),
]  # fmt: skip


@pytest.mark.parametrize(
    ("trial", "result", "standing", "why"), [case[1:] for case in JUDGED], ids=[case[0] for case in JUDGED]
)
def test_what_a_verdict_makes_of_a_trial(trial: Trial, result: Result, standing: Standing, why: str) -> None:
    tried = judge_trial(trial, result)

    assert (tried.standing, tried.why) == (standing, why)


def test_a_wrong_lookup_moves_no_metric_and_is_killed_all_the_same() -> None:
    fault = named("link-cut")
    found = Finding("lookup", Verdict.FAIL, "another URL", 1, (0,))
    trial = Trial(fault.scenario, fault.definitions, 1, fault)

    for one in (trial, replace(trial, only=(0,))):
        assert judge_trial(one, result_of(1, (), found)).standing is Standing.KILLED


@pytest.mark.parametrize(
    ("text", "standing"),
    [("8 missing", Standing.WRONG_FINDING), ("8 missing. Nobody is named: because", Standing.KILLED)],
)
def test_a_fault_of_nobody_alone_names_somebody_or_says_why_not(text: str, standing: Standing) -> None:
    fault = named("uv-by-short-hash")
    found = Finding("aggregation", Verdict.FAIL, text, 8, metrics=("uv",))

    trial = Trial(fault.scenario, fault.definitions, 1, fault)

    assert judge_trial(trial, result_of(1, ("uv",), found)).standing is standing
    assert judge_trial(trial, result_of(1, ("uv",), replace(found, visitors=(3,)))).standing is Standing.KILLED


def test_what_was_found_is_kept_as_evidence() -> None:
    tried = judge_trial(TRIAL, result_of(1, MOVED, FOUND, replace(FOUND, code="aggregation")))

    assert tried.failed == {(metric, "source") for metric in MOVED}
    assert (tried.findings, tried.told, tried.visitors) == (("attribution", "aggregation"), "two cells", (3, 5))


def test_every_group_of_faults_has_a_control_of_its_own_with_each_seed() -> None:
    trials = list(trials_of(Asked(registered(), seeds=(1, 2))))
    controls = [(one.scenario, one.definitions, one.seed) for one in trials if one.fault is None]
    tried = [(one.scenario, one.definitions, one.seed) for one in trials if one.fault is not None]

    assert len(set(controls)) == len(controls)
    assert set(controls) == set(tried)
    assert len(tried) == 2 * len(registered())
    assert len({one.name for one in trials}) == len(trials)


def test_in_full_a_fault_meets_every_scenario_that_its_definitions_fit_once() -> None:
    """Three scenarios are about one rule of opens or one zone; the others take any definitions."""
    faults = (named("totals-cached"), named("timeout-inclusive"), named("customers-not-joined"))
    trials = list(trials_of(Asked(faults, seeds=(1, 2), everywhere=True)))
    met = [{one.scenario for one in trials if one.fault is fault and one.seed == 1} for fault in faults]

    assert met == [
        {"deliveries", "identities", "sharing", "sources"},
        {"gaps", "deliveries", "identities", "sharing", "sources"},
        {"sharing", "deliveries", "identities", "sources"},
    ]
    assert [one.scenario for one in trials if one.fault is not None and one.seed == 2] == [
        fault.scenario for fault in faults
    ]
    tried = {(one.scenario, one.definitions, one.seed) for one in trials if one.fault is not None}
    controls = [(one.scenario, one.definitions, one.seed) for one in trials if one.fault is None]
    assert (set(controls), len(controls)) == (tried, len(tried))
    every = list(trials_of(Asked(registered(), everywhere=True)))
    assert len({one.name for one in every}) == len(every)


ELSEWHERE = replace(TRIAL, scenario="deliveries")
ELSEWHERE_JUDGED = [
    (result_of(1, ("pv",)), Standing.KILLED, ""),
    (result_of(0), Standing.SURVIVED, "exit 0 (pass)"),
    (result_of(3), Standing.SURVIVED, "exit 3 (pass)"),
]


@pytest.mark.parametrize(("result", "standing", "why"), ELSEWHERE_JUDGED, ids=["fails", "passes", "undecided"])
def test_on_another_scenario_any_reason_is_good_enough(result: Result, standing: Standing, why: str) -> None:
    """Whether there was anything to catch is asked afterwards, of the collectors themselves."""
    tried = judge_trial(ELSEWHERE, result)

    assert (tried.standing, tried.why) == (standing, why)


MIXED = (
    Tried(CONTROL, Standing.PASSED, ""),
    Tried(TRIAL, Standing.KILLED, "", frozenset({("pv", "source"), ("uv", "hour")}), ("attribution",)),
    Tried(replace(CONTROL, scenario="deliveries"), Standing.PASSED, ""),
    Tried(ELSEWHERE, Standing.NOT_COVERED, ""),
    Tried(replace(ELSEWHERE, scenario="identities"), Standing.KILLED, "", frozenset({("pv", "all")}), ("lost",)),
)


def test_the_matrix_is_one_of_faults_and_scenarios() -> None:
    matrix = Matrix(MIXED, (), 1.0)

    assert matrix.is_good
    assert matrix.as_json()["matrix"] == {
        "honest: launch, openid, Asia/Shanghai": {"sources": "passed", "deliveries": "passed"},
        "source-of-last-visit": {"sources": "killed", "deliveries": "not covered", "identities": "killed"},
    }


def test_a_fault_that_is_wrong_on_another_scenario_and_passes_there_is_not_good() -> None:
    survivor = Tried(ELSEWHERE, Standing.SURVIVED, "exit 0 (pass)")
    again = replace(survivor, trial=replace(ELSEWHERE, seed=2))

    assert not Matrix((*MIXED[:3], survivor), (), 1.0).is_good
    assert Matrix((*MIXED[:4], again), (), 1.0).as_json()["matrix"]["source-of-last-visit"]["deliveries"] == "SURVIVED"


def test_the_matrix_as_it_is_printed() -> None:
    console = Console(file=StringIO(), width=300)
    print_matrix(console, Matrix(MIXED, (), 61.4, 2))
    assert isinstance(console.file, StringIO)
    said = [line.rstrip() for line in console.file.getvalue().splitlines()]

    assert said == [
        "Fault                                  sou  ide  del  Fails in  Finding",
        "honest: launch, openid, Asia/Shanghai  ok        ok",
        "source-of-last-visit                   K    k    ·    pv uv     attribution",
        "",
        "sou sources, ide identities, del deliveries",
        "K killed by the scenario that claims to cover it, k by another; · nothing there makes the collector wrong; ok "
        "honest, and passed",
        "",
        "1 of 1 faulty collectors failed as they must, 1 of 2 on other scenarios as well (1 are not wrong there), 2 of "
        "2 honest ones passed, in 61 seconds on 2 cores",
    ]


def test_a_trial_of_one_visitor_has_a_folder_of_its_own() -> None:
    assert TRIAL.name == "source-of-last-visit.sources.1"
    assert ALONE.name == "source-of-last-visit.sources.1.visitor-3"
    assert CONTROL.name == "honest-launch-openid-shanghai.sources.1"


def test_the_folder_of_a_trial_of_many_visitors_has_a_name_that_fits() -> None:
    one, other = (replace(TRIAL, only=tuple(range(first, 2_000))).name for first in (0, 1))

    assert one.startswith("source-of-last-visit.sources.1.2000-visitors-")
    assert one != other
    assert len(one) < 100


@pytest.mark.parametrize(
    ("standings", "good"),
    [
        ((Standing.PASSED, Standing.KILLED), True),
        ((Standing.PASSED, Standing.KILLED, Standing.SURVIVED), False),
        ((Standing.PASSED, Standing.KILLED, Standing.NOT_AGAIN), False),
        ((Standing.FALSE_ALARM, Standing.KILLED), False),
        ((Standing.BROKEN, Standing.KILLED), False),
        ((Standing.PASSED,), False),
        ((Standing.KILLED,), False),
        ((), False),
    ],
    ids=["all as it must be", "a survivor", "not again", "a false alarm", "no verdict", "no fault", "no control",
         "nothing"],
)  # fmt: skip
def test_when_the_matrix_is_good(standings: tuple[Standing, ...], good: bool) -> None:
    matrix = Matrix(tuple(Tried(TRIAL, standing, "") for standing in standings), (), 1.0)

    assert matrix.is_good is good
    assert matrix.as_json()["verdict"] == ("pass" if good else "error")


def test_runs_behind_a_failing_network_that_prove_nothing_are_not_good() -> None:
    tried = (Tried(TRIAL, Standing.KILLED, ""), Tried(CONTROL, Standing.PASSED, ""))
    alarms = tuple(AlarmTried(trial, 3, ()) for trial in alarm_trials(range(9)))

    assert Matrix(tried, (), 1.0).is_good
    assert Matrix(tried, alarms[:4], 1.0).is_good
    assert not Matrix(tried, alarms, 1.0).is_good
    assert Matrix(tried, alarms, 1.0).as_json()["blunt"][0].startswith("none of 9 correct-totals runs")


def test_faults_are_chosen_by_name_and_all_by_default() -> None:
    assert faults_named(["link-cut", "link-cut", "day-of-utc"]) == (named("link-cut"), named("day-of-utc"))
    assert faults_named([]) == registered()


def test_an_unknown_fault_is_a_usage_error(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["selftest", "link-cutt"]) == 5
    assert "did you mean link-cut" in capsys.readouterr().err


def test_a_folder_that_holds_something_is_not_used(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "earlier").mkdir()

    assert run(["selftest", "link-cut", "--out", str(tmp_path)]) == 5
    assert "is not empty" in capsys.readouterr().err


def test_the_list_names_every_fault(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["selftest", "--list"]) == 0
    listed = capsys.readouterr().out.splitlines()

    assert [line.split()[0] for line in listed] == [fault.name for fault in registered()]
