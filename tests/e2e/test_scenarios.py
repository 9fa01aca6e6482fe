"""Every ready scenario, run as a user runs it, against an honest collector: PASS in every cell."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest

from tests.e2e.commands import SCENARIOS, collector, mpsim, result_of

ALL = sorted(path.stem for path in SCENARIOS.glob("*.yaml"))
SEEDS = range(1, 1 + int(os.environ.get("MPSIM_SEEDS", "1")))  # five before a release
BIG = {
    "campaign_day",
    "returning_visitors",
    "staircase",
}  # flooded here; the paced one is run by test_readme.py and by .ci/run
TWICE = {"campaign_day", "messy_clients", "timeout_gaps"}  # every day; the others with --proofs
TENANT = ("--tenant", "740843171", "--events", "c_add_to_cart,c_submit_order,c_buy")


@pytest.mark.slow
@pytest.mark.parametrize("seed", SEEDS)
@pytest.mark.parametrize("name", ALL)
def test_passes_and_the_plan_said_so_before(name: str, seed: int, tmp_path: Path) -> None:
    more = ("--speed", "flood") if name in BIG else ()
    planned = mpsim("plan", SCENARIOS / f"{name}.yaml", "--seed", seed, "--json", *more)
    ran = mpsim("run", SCENARIOS / f"{name}.yaml", "--seed", seed, "--out", tmp_path / "run", "-q", *more)

    assert ran.code == 0, ran
    result = result_of(tmp_path / "run")
    assert {row["verdict"] for row in result["metrics"]} == {"pass"}
    assert _expected(json.loads(planned.out)) == _expected(result)
    assert all((tmp_path / "run" / file).stat().st_size for file in ("report.html", "junit.xml"))


def _expected(document: dict[str, list[dict[str, object]]]) -> dict[tuple[object, ...], object]:
    return {(row["metric"], row["by"], row["cell"]): row["expected"] for row in document["metrics"]}


@pytest.mark.slow
@pytest.mark.parametrize(
    "name", [name if name in TWICE else pytest.param(name, marks=pytest.mark.proof) for name in ALL]
)
def test_a_second_run_on_the_same_collector_passes_too(name: str, tmp_path: Path) -> None:
    more = ("--speed", "flood") if name in BIG else ()
    definitions = mpsim("plan", SCENARIOS / f"{name}.yaml", "--json", *more)
    opens = json.loads(definitions.out)["definitions"]["opens"]
    with collector(tmp_path / "mpsim.db", *TENANT, "--opens", opens) as url:
        for turn in ("first", "second"):
            ran = mpsim("run", SCENARIOS / f"{name}.yaml", "--target", url, "--out", tmp_path / turn, "-q", *more)

            assert ran.code == 0, f"{turn}: {ran}"
