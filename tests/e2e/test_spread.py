"""A run of several workers, from a command line to its verdict; a longer proof: `python -m tests.e2e.spread_many`."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from simulator.ledger.read import is_being_written, ledger_files, read_slots
from simulator.wire.request import Purpose
from tests.e2e.commands import SCENARIOS, mpsim, result_of
from tests.e2e.spread_many import Fault, spread_once

pytestmark = pytest.mark.slow


def test_two_workers_pass_where_one_does(tmp_path: Path) -> None:
    out = tmp_path / "run"
    ran = mpsim("run", SCENARIOS / "returning_visitors.yaml", "--visitors", 300, "--workers", 2, "--out", out)
    load = result_of(out)["load"]
    sent_by = [{f[2] for _, f in read_slots(path) if f[5] == Purpose.EVENT} for path in ledger_files(out)]

    assert ran.code == 0, ran
    assert (load["workers"], load["workers_lost"]) == (2, 0)
    assert [len(sent_by), sent_by[0] & sent_by[1], sent_by[0] | sent_by[1]] == [2, set(), set(range(300))]
    assert json.loads((out / "run.json").read_text(encoding="utf-8"))["options"]["workers"] == 2
    assert not is_being_written(out)
    assert not (out / "master.json").exists()


@pytest.mark.parametrize(
    ("seed", "fault", "speed"),
    [
        (31, Fault.KILL_WORKER, "flood"),
        pytest.param(32, Fault.KILL_WORKER, "86400", marks=pytest.mark.proof),
        (33, Fault.TERM_WORKER, "flood"),
        pytest.param(34, Fault.INT_WORKER, "86400", marks=pytest.mark.proof),
        pytest.param(35, Fault.INT_ALL, "flood", marks=pytest.mark.proof),
        (36, Fault.TERM_MASTER, "86400"),
    ],
    ids=lambda value: value.value if isinstance(value, Fault) else str(value),
)
def test_a_fault_at_a_random_instant_never_makes_a_wrong_verdict(
    tmp_path: Path, seed: int, fault: Fault, speed: str
) -> None:
    spread = spread_once(tmp_path / "run", seed, fault, speed=speed)

    assert spread.wrongs == (), spread


def test_a_killed_worker_is_a_finding_and_the_run_incomplete(tmp_path: Path) -> None:
    spread = spread_once(tmp_path / "run", 37, Fault.KILL_WORKER)
    findings = [one for one in result_of(tmp_path / "run")["findings"] if one["code"] == "worker_lost"]

    assert spread.wrongs == (), spread
    assert (spread.verdict, len(findings)) == ("incomplete", 1)
    assert "was lost: its ledger is whole, so what it sent is known" in findings[0]["text"]
