"""The Python API: the same runs as the command line's, as values."""

from __future__ import annotations

import re
import shlex
import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from urllib.parse import urlencode

import httpx
import pytest

from simulator import api
from simulator.api import (
    ExitCode,
    Interval,
    Run,
    ScenarioError,
    UsageError,
    Verdict,
    plan_scenario,
    read_run,
    run_scenario,
    serve_collector,
    verify_run,
)
from simulator.cli.wanted import planning_options
from simulator.report.result import write_result
from simulator.traffic.making import Wanted, command_of
from tests.e2e.commands import IMPATIENT, ROOT, SCENARIOS, collector, mpsim
from tests.report.conftest import failing, passing

FIRST_OPEN = SCENARIOS / "first_open.yaml"


def test_a_plan_has_its_expected_cells_and_nothing_observed() -> None:
    metrics = {(one.metric, one.by, one.cell): one for one in plan_scenario(FIRST_OPEN).metrics}

    assert metrics["pv", "source", "wechat_ad"].expected == Interval(3, 3)
    assert metrics["opens", "all", ""].observed is None


def test_a_plan_of_a_broken_scenario_says_where_it_is_broken(tmp_path: Path) -> None:
    broken = tmp_path / "broken.yaml"
    broken.write_text(FIRST_OPEN.read_text(encoding="utf-8").replace("journeys:", "journys:"), encoding="utf-8")

    with pytest.raises(ScenarioError) as told:
        plan_scenario(broken)

    assert any("did you mean journeys" in complaint.text for complaint in told.value.complaints)


@pytest.mark.parametrize(
    ("given", "text"),
    [
        ({"visitors": -3}, "visitors: expected 1 to 1,000,000,000, not -3"),
        ({"visitors": 0}, "visitors: expected 1 to 1,000,000,000, not 0"),
        ({"seed": -1}, "seed: expected 0 or more, not -1"),
        ({"users": 0}, "users: expected 1 to 100,000, not 0"),
    ],
    ids=str,
)
def test_a_number_that_cannot_be_is_refused_as_on_the_command_line(given: dict[str, int], text: str) -> None:
    with pytest.raises(UsageError, match=re.escape(text)):
        plan_scenario(FIRST_OPEN, **given)  # type: ignore[arg-type]
    with pytest.raises(UsageError, match=re.escape(text)):
        run_scenario(FIRST_OPEN, **given)  # type: ignore[arg-type]


def test_a_plan_begins_when_it_is_told_to() -> None:
    plan = plan_scenario(FIRST_OPEN, start="2026-05-01T09:00:00+08:00")

    assert {one.cell for one in plan.metrics if one.by == "day"} == {"2026-05-01"}
    with pytest.raises(UsageError, match=r"^start: "):
        plan_scenario(FIRST_OPEN, start="tomorrow")


def test_a_run_is_its_verdict_its_cells_and_a_sentence() -> None:
    run = Run(failing(), Path("reports/x"))

    assert (run.verdict, run.exit_code, run.passed) == ("fail", ExitCode.FAIL, False)
    assert run.metric("pv", by="source", cell="春季海报").observed == 3_011
    assert run.sentence.startswith("FAIL: 5 of 130 totals are wrong: PV in total: expected 11,339, observed 11,338")
    assert repr(run) == f"<Run campaign-day in reports/x: {run.sentence}>"
    assert [one.code for one in run.findings if one.verdict is Verdict.FAIL] == ["attribution", "lost"]
    assert run.report == Path("reports/x/report.html")


def test_a_cell_that_was_not_judged_is_told_with_those_that_were() -> None:
    run = Run(passing(), Path("x"))

    with pytest.raises(KeyError, match=r"no cell 'posters' of pv by source was judged; known: '\(none\)', 'wechat_ad'"):
        run.metric("pv", by="source", cell="posters")


def test_an_earlier_run_is_read_as_it_was_judged(tmp_path: Path) -> None:
    write_result(tmp_path / "result.json", replace(failing(), seed=11))

    assert (read_run(tmp_path).verdict, read_run(tmp_path).result.seed) == ("fail", 11)


def test_a_run_that_was_not_judged_yet_points_to_verify(tmp_path: Path) -> None:
    (tmp_path / "run.json").write_text("{}", encoding="utf-8")

    with pytest.raises(UsageError, match=f"mpsim verify {tmp_path} does that"):
        read_run(tmp_path)
    with pytest.raises(UsageError, match="cannot be read"):
        read_run(tmp_path / "nowhere")


WANTED = [
    (Wanted(Path("a.yaml")), "mpsim run a.yaml"),
    (
        Wanted(Path("a b.yaml"), target="t.yaml", seed=7, visitors=3, speed="flood", rate="5/s"),
        "mpsim run 'a b.yaml' --target t.yaml --seed 7 --visitors 3 --rate 5/s --speed flood",
    ),
    (
        Wanted(
            Path("a.yaml"),
            target="http://10.0.0.9",
            allowed_hosts=("10.0.0.9", "db"),
            token_variable="TOKEN",
            namespace="",
            workers=2,
            out=Path("x"),
            real_looking_identities=True,
        ),
        "mpsim run a.yaml --target http://10.0.0.9 --token-env TOKEN --namespace '' --workers 2 "
        "--allow-host 10.0.0.9 --allow-host db --real-looking-identities",
    ),
]


@pytest.mark.parametrize(("wanted", "command"), WANTED, ids=["plain", "a plan of its own", "another machine"])
def test_the_command_that_does_a_run_again_has_what_is_unusual(wanted: Wanted, command: str) -> None:
    assert shlex.join(command_of(wanted)) == command


def test_every_option_of_a_plan_on_the_command_line_is_one_of_the_api() -> None:
    def nothing() -> None: ...

    planning_options(nothing)
    names = {option.name for option in nothing.__click_params__}  # type: ignore[attr-defined]

    for function in (run_scenario, plan_scenario):
        assert names <= set(function.__annotations__)


def test_every_name_that_is_offered_is_there() -> None:
    assert [name for name in api.__all__ if not hasattr(api, name)] == []


def test_the_api_does_not_import_locust() -> None:
    code = "import simulator.api, sys; sys.exit('gevent' in sys.modules or 'locust' in sys.modules)"

    assert subprocess.run([sys.executable, "-c", code], cwd=ROOT, check=False).returncode == 0


def test_a_collector_of_ones_own_counts_what_is_sent_to_it(tmp_path: Path) -> None:
    with serve_collector(tmp_path / "kept.db", opens="timeout=10m", day="UTC") as served:
        for event in ("mini_program_open", "mini_program_view", "c_unknown_to_nobody"):
            query = {"event": event, "anonymousId": "a", "date": "2026-03-01T00:00:00.000Z", "externalId": event}
            httpx.get(f"{served.url}/cbe/__utm?{urlencode(query)}", trust_env=False).raise_for_status()
        httpx.get(f"{served.url}/cbe/__utm?event=", trust_env=False).raise_for_status()

        assert served.totals() == {"": {"pv": 1, "uv": 1, "opens": 1, "new_users": 1}}
        assert list(served.totals("day")) == ["2026-03-01"]
        assert [len(served.events("good")), len(served.events("bad"))] == [3, 1]
        url = served.url
    assert served.database.exists()
    with pytest.raises(httpx.ConnectError):
        httpx.get(url, trust_env=False)


def test_a_definition_that_is_none_is_a_usage_error() -> None:
    with pytest.raises(UsageError), serve_collector(opens="sometimes"):
        pass


@pytest.mark.slow
def test_a_run_and_its_second_judgement_are_one(tmp_path: Path) -> None:
    told: list[str] = []
    run = run_scenario(
        FIRST_OPEN,
        seed=5,
        out=tmp_path / "run",
        on_prepared=lambda facts: told.append(facts["folder"]),
        on_progress=lambda facts: told.append(str(facts.get("phase", ""))),
    )

    assert (run.passed, run.folder) == (True, tmp_path / "run")
    assert (told[0], len(told) > 1) == (str(tmp_path / "run"), True)
    assert run.result.command == f"mpsim run {FIRST_OPEN} --seed 5"
    assert verify_run(run.folder).metrics == run.metrics == read_run(run.folder).metrics
    assert run.metric("pv").observed == 3


@pytest.mark.slow
def test_a_run_and_the_command_line_agree_about_a_collector_that_loses_events(tmp_path: Path) -> None:
    with collector(tmp_path / "mpsim.db", fault="loses-one") as url:
        run = run_scenario(
            SCENARIOS / "timeout_gaps.yaml", target=url, visitors=60, contract=str(IMPATIENT[1]), out=tmp_path / "run"
        )
        said = mpsim("verify", tmp_path / "run")

    assert (run.verdict, said.code) == ("fail", int(run.exit_code))
    assert "lost" in {one.code for one in run.findings}
