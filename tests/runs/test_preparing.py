"""What keeps a run from being made: nothing is written, nothing is started."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from simulator.cli.main import run
from simulator.runs.trial import SCENARIOS as SELFTEST_SCENARIOS
from tests.e2e.commands import SCENARIOS

GAPS = SELFTEST_SCENARIOS / "gaps.yaml"

BROKEN_BY_THE_EMBEDDED = [
    ("replies: {body: {key: code, acked: 0}}", "leave replies.body out, or name a --target"),
    ("opens: timeout=30m\nmidnight: true", "leave midnight out, or name a --target"),
    ("opens: timeout=30m\nlaunch_opens: false", "leave launch_opens out, or name a --target"),
]


@pytest.mark.parametrize(("promise", "said"), BROKEN_BY_THE_EMBEDDED, ids=[row[0] for row in BROKEN_BY_THE_EMBEDDED])
def test_a_promise_that_the_embedded_collector_does_not_keep(
    promise: str, said: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "ours.yaml").write_text(promise, encoding="utf-8")
    contract, out = str(tmp_path / "ours.yaml"), tmp_path / "run"

    code = run(["run", str(SCENARIOS / "first_open.yaml"), "--contract", contract, "--out", str(out)])

    assert code == 5
    assert said in capsys.readouterr().err
    assert not out.exists()
    assert run(["plan", str(SCENARIOS / "first_open.yaml"), "--contract", contract]) == 0


SWITCHES = [
    # Count by hand: the scenario's comment says 5 for each of 10 visitors.
    ("", 50),
    ("midnight: true", 60),  # each reads on through one midnight
    ("timeout_inclusive: true", 60),  # each comes back once after exactly 30 minutes
    ("launch_opens: false", 40),  # one launch follows 5 minutes after an exit that this wire does not tell
    ("source_change: true", 50),  # nobody has a source
]


@pytest.mark.parametrize(("switch", "opens"), SWITCHES, ids=[row[0] or "none" for row in SWITCHES])
def test_a_switch_of_a_contract_changes_what_is_expected(
    switch: str, opens: int, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "ours.yaml").write_text(f"opens: timeout=30m\n{switch}", encoding="utf-8")

    assert run(["plan", str(GAPS), "--contract", str(tmp_path / "ours.yaml"), "--json"]) == 0
    cells = json.loads(capsys.readouterr().out)["metrics"]
    assert [one["expected"] for one in cells if (one["metric"], one["by"]) == ("opens", "all")] == [[opens, opens]]
