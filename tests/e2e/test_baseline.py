"""A run with a baseline: one verdict on the collector, one on the change, and the weightier code."""

from __future__ import annotations

from pathlib import Path

import pytest

from simulator.report.result import write_result
from tests.e2e.commands import IMPATIENT, ROOT, SCENARIOS, collector, mpsim
from tests.report.conftest import passing

SCENARIO = SCENARIOS / "timeout_gaps.yaml"


@pytest.mark.slow
def test_a_run_says_what_became_worse_since_the_one_before(tmp_path: Path) -> None:
    first = mpsim("run", SCENARIO, "--visitors", 60, "--out", tmp_path / "a", "-q")
    again = ("run", SCENARIO, "--visitors", 60, "-q", "--baseline", tmp_path / "a")
    same = mpsim(*again, "--out", tmp_path / "b")
    with collector(tmp_path / "mpsim.db", "--opens", "timeout=30m", fault="loses-one") as url:
        options = ("--target", url, *IMPATIENT, "--annotations", "github", "--out", tmp_path / "c")
        worse = mpsim(*again, *options)

    assert (first.code, same.code, worse.code) == (0, 0, 1), f"{first}{same}{worse}"
    assert "\nSAME  Nothing changed beyond noise, of " in same.out
    assert "\nWORSE  " in worse.out
    assert f"::error file={SCENARIO.relative_to(ROOT)},line=" in worse.out
    assert "became wrong, or more wrong than before" in worse.out


@pytest.mark.parametrize(("baseline", "said"), [("nowhere", "cannot be read"), ("other", "only runs of one scenario")])
def test_a_baseline_that_cannot_be_one_is_told_before_anything_is_sent(
    baseline: str, said: str, tmp_path: Path
) -> None:
    (tmp_path / "other").mkdir()
    write_result(tmp_path / "other" / "result.json", passing())

    ran = mpsim("run", SCENARIO, "--baseline", tmp_path / baseline, "--out", tmp_path / "run")

    assert ran.code == 5
    assert said in ran.err
    assert not (tmp_path / "run").exists()
