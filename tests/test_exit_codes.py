"""What an error of ours makes a process end with, and that every entry of the package says the same."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from simulator.entry import tell
from simulator.errors import Complaint, ConnectionFailed, EngineError, MpsimError, ScenarioError, UsageError
from simulator.finding import ExitCode

ROOT = Path(__file__).parent.parent

TABLE = [
    (UsageError("no such option"), ExitCode.USAGE, "prog: no such option\n"),
    (ScenarioError([Complaint("a.yaml", 6, 5, "app", "unknown")]), ExitCode.USAGE, "a.yaml:6:5  app  unknown\n"),
    (ConnectionFailed("nobody there"), ExitCode.NO_CONNECTION, "prog: nobody there\n"),
    (EngineError("sent twice"), ExitCode.OWN_FAULT, "prog: our own fault: sent twice\n"),
    (MpsimError("anything else"), ExitCode.OWN_FAULT, "prog: our own fault: anything else\n"),
]


@pytest.mark.parametrize(("error", "code", "said"), TABLE, ids=[type(row[0]).__name__ for row in TABLE])
def test_the_one_table(error: MpsimError, code: ExitCode, said: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert tell("prog", error) is code
    assert capsys.readouterr() == ("", said)


@pytest.mark.parametrize(
    ("entry", "said"),
    [
        (["simulator", "check", "nowhere.yaml"], "nowhere.yaml"),
        (["simulator.collector", "--db", "x", "--opens", "sometimes"], "collector: "),
        (["simulator.collector.faults", "no-such-fault", "--db", "x"], "collector: no fault 'no-such-fault'"),
        (["simulator.runs.before", "nowhere"], "baseline: nowhere is no run directory"),
        (["simulator.runs.fault_proxy", "--upstream", "http://127.0.0.1:1", "--mix", "rain=3%"], "fault_proxy: "),
        (["simulator.runs.fault_proxy", "--upstream", "https://127.0.0.1:1"], "fault_proxy: expected an upstream"),
        (["simulator.runs.fault_proxy"], "fault_proxy: the following arguments are required: --upstream"),
        (["simulator.runs.false_alarms", "--kind", "kind"], "false_alarms: argument --kind"),
    ],
    ids=lambda value: value if isinstance(value, str) else " ".join(value[:2]),
)
def test_a_usage_error_is_one_line_and_5_from_every_entry(entry: list[str], said: str) -> None:
    ran = subprocess.run([sys.executable, "-m", *entry], cwd=ROOT, capture_output=True, text=True, check=False)

    assert (ran.returncode, ran.stdout) == (5, "")
    assert said in ran.stderr
    assert "Traceback" not in ran.stderr
