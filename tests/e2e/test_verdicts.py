"""A wrong collector fails, with the cell; one that refuses is incomplete; bad input and no connection say so."""

from __future__ import annotations

import json
import signal
import socket
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from simulator.contract import BY
from tests.builders import scenario_text
from tests.e2e.commands import IMPATIENT, ROOT, SCENARIOS, collector, environment, mpsim, result_of

WEEK = SCENARIOS / "returning_visitors.yaml"

pytestmark = pytest.mark.slow


def run_against(fault: str, tmp_path: Path, *more: str) -> tuple[int, dict[str, Any], str]:
    with collector(tmp_path / "mpsim.db", fault=fault) as url:
        arguments = (
            "--target",
            url,
            "--speed",
            "flood",
            "--visitors",
            "60",
            "--out",
            tmp_path / "run",
            "-q",
            *IMPATIENT,
            *more,
        )
        ran = mpsim("run", WEEK, *arguments)
        return ran.code, result_of(tmp_path / "run"), ran.out


def wrong(result: dict[str, Any]) -> set[tuple[str, str, str]]:
    return {(row["metric"], row["by"], row["cell"]) for row in result["metrics"] if row["verdict"] == "fail"}


def total(result: dict[str, Any], metric: str) -> dict[str, Any]:
    (row,) = [row for row in result["metrics"] if row["metric"] == metric and row["by"] == "all"]
    return dict(row)


def test_a_collector_that_loses_one_event_fails(tmp_path: Path) -> None:
    code, result, said = run_against("loses-one", tmp_path)

    pv = total(result, "pv")
    assert (code, pv["verdict"], pv["observed"] - pv["expected"][0]) == (1, "fail", -1)
    assert {by for metric, by, _ in wrong(result) if metric == "pv"} == set(BY)
    assert "1 missing" in said


def test_a_collector_that_counts_one_event_twice_fails(tmp_path: Path) -> None:
    code, result, said = run_against("counts-one-twice", tmp_path)

    pv = total(result, "pv")
    assert (code, pv["verdict"], pv["observed"] - pv["expected"][0]) == (1, "fail", 1)
    assert "1 too many" in said


def test_a_collector_that_swaps_two_sources_fails_in_their_cells_only(tmp_path: Path) -> None:
    code, result, _ = run_against("swaps-sources", tmp_path)

    assert (code, total(result, "pv")["verdict"]) == (1, "pass")
    assert {by for _, by, _ in wrong(result)} == {"source"}
    assert {cell for _, by, cell in wrong(result)} == {"moments_ad", "share"}
    assert "attribution" in {finding["code"] for finding in result["findings"]}


def test_a_collector_that_refuses_a_third_and_counts_the_rest_rightly_is_incomplete(tmp_path: Path) -> None:
    code, result, said = run_against("refuses-some", tmp_path)

    assert (code, result["verdict"]) == (3, "incomplete")
    assert not wrong(result)
    assert "refused" in said


def test_usage_errors_exit_5_with_one_clear_line(tmp_path: Path) -> None:
    typo = tmp_path / "typo.yaml"
    text = (SCENARIOS / "first_open.yaml").read_text(encoding="utf-8")
    typo.write_text(text.replace("journeys:", "journies:"), encoding="utf-8")
    ran = mpsim("run", typo)

    assert ran.code == 5
    assert "typo.yaml" in ran.err
    assert "did you mean journeys" in ran.err
    assert "Traceback" not in ran.err


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("run", "nowhere.yaml"), "nowhere.yaml"),
        (("run", SCENARIOS / "first_open.yaml", "--users", "0"), "--users"),
        (("run", SCENARIOS / "first_open.yaml", "--speed", "fast"), "flood"),
        (("run", SCENARIOS / "first_open.yaml", "--target", "http://192.0.2.1:80"), "--allow-host 192.0.2.1"),
        (("run", SCENARIOS / "first_open.yaml", "--users", "2", "--rate", "1/s"), "exclude"),
        (("run", SCENARIOS / "first_open.yaml", "--contract", "nothing"), "no contract nothing"),
        (("runn",), "runn"),
        (("verify", "."), "run.json"),
        ((), "Commands"),
    ],
    ids=["no file", "no users", "bad speed", "host not allowed", "two models", "no contract", "no command",
         "no run dir", "nothing"],
)  # fmt: skip
def test_usage_errors(arguments: tuple[object, ...], said: str) -> None:
    ran = mpsim(*arguments)

    assert ran.code == 5, ran
    assert said in ran.err
    assert "Traceback" not in ran.err


def test_no_connection_before_the_first_event_exits_6(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
    out = tmp_path / "run"
    ran = mpsim("run", SCENARIOS / "first_open.yaml", "--target", f"http://127.0.0.1:{port}", "--out", out)

    assert ran.code == 6
    assert "no connection to 127.0.0.1" in ran.err


def test_a_run_directory_that_cannot_be_written_exits_5(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the way")
    ran = mpsim("run", SCENARIOS / "first_open.yaml", "--out", tmp_path / "file" / "run")

    assert ran.code == 5
    assert "cannot be written" in ran.err


def test_a_port_in_use_is_a_usage_error(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        ran = mpsim("serve", "--port", taken.getsockname()[1], "--db", tmp_path / "mpsim.db")

    assert ran.code == 5
    assert "cannot listen" in ran.err


def test_a_web_port_in_use_is_a_usage_error(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        arguments = ("--web", "--web-port", port, "--out", tmp_path / "run")
        ran = mpsim("run", SCENARIOS / "first_open.yaml", *arguments)

    assert ran.code == 5, ran
    assert "--web-port" in ran.err


def test_ctrl_c_keeps_what_was_recorded_and_verify_judges_it(tmp_path: Path) -> None:
    """A run that would take a minute is interrupted once it has sent something."""
    out = tmp_path / "run"
    command = [sys.executable, "-m", "simulator", "run", str(SCENARIOS / "campaign_day.yaml"), "--out", str(out)]
    process = subprocess.Popen(
        command, cwd=ROOT, env=environment(), stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )
    assert process.stderr is not None
    seen = ""
    for line in process.stderr:
        seen += line
        if line.startswith("load: ") and not line.startswith("load: 0 of"):
            break
    process.send_signal(signal.SIGINT)
    said, _ = process.communicate(timeout=90)

    assert process.returncode == 3, seen + said
    assert "INCOMPLETE" in said
    result = result_of(out)
    assert result["verdict"] == "incomplete"
    assert 0 < result["attempts"]["sent"] < 13_000
    assert not [row for row in result["metrics"] if row["verdict"] == "fail"]

    again = mpsim("verify", out)

    assert again.code == 3, again
    assert result_of(out)["metrics"] == result["metrics"]


def test_a_killed_mpsim_takes_its_children_along_and_verify_is_no_false_alarm(tmp_path: Path) -> None:
    out = tmp_path / "run"
    command = [sys.executable, "-m", "simulator", "run", str(SCENARIOS / "campaign_day.yaml"), "--out", str(out)]
    process = subprocess.Popen(command, cwd=ROOT, env=environment(), stderr=subprocess.PIPE, text=True)
    assert process.stderr is not None
    next(line for line in process.stderr if line.startswith("load: ") and not line.startswith("load: 0 of"))
    process.kill()
    process.wait(30)
    process.stderr.close()

    while (ran := mpsim("verify", out)).code == 5:
        assert "still being sent" in ran.err, ran

    assert ran.code == 3, ran
    assert not wrong(result_of(out))


def test_a_bug_of_ours_exits_7() -> None:
    code = (
        "import simulator.cli.check as c; c.load = lambda _: 1 / 0; "
        "from simulator.cli.main import run; print(run(['check', 'x']))"
    )
    ran = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=False)

    assert ran.stdout.strip() == "7"
    assert "a bug of mpsim" in ran.stderr


def test_report_prints_an_earlier_run_and_keeps_its_exit_code(tmp_path: Path) -> None:
    first = mpsim("run", SCENARIOS / "first_open.yaml", "--out", tmp_path / "run", "-q")
    (tmp_path / "run" / "report.html").unlink()
    again = mpsim("report", tmp_path / "run")

    assert (first.code, again.code) == (0, 0)
    assert (tmp_path / "run" / "report.html").stat().st_size
    assert "PASS" in again.out


def test_the_2018_wire_says_what_it_cannot_know(tmp_path: Path) -> None:
    ran = mpsim("run", SCENARIOS / "anonymous.yaml", "--adapter", "dmhub-2018", "--out", tmp_path / "run", "-q")
    result = result_of(tmp_path / "run")

    assert ran.code == 3, ran
    assert total(result, "pv")["verdict"] == "pass"
    assert total(result, "opens")["verdict"] == "pass"
    assert total(result, "uv")["expected"] is None
    assert "cannot be told apart" in json.dumps(result["metrics"])


def test_an_event_that_the_journeys_declare_and_nobody_came_to_is_incomplete(tmp_path: Path) -> None:
    file = tmp_path / "rare.yaml"
    file.write_text(
        scenario_text("- launch\n- {maybe: 0.1%, steps: [{track: c_buy}]}\n- exit", count=5), encoding="utf-8"
    )
    ran = mpsim("run", file, "--out", tmp_path / "run", "-q")

    assert ran.code == 3, ran
    assert "No visitor came to these events, which the journeys declare: c_buy." in ran.out.replace("\n", " ")

    again = mpsim("replay", tmp_path / "run", "--visitor", "1")  # of one visitor nobody asks for all that is declared

    assert again.code == 0, again
