"""`mpsim selftest` as a user runs it: the whole kill matrix, in time, and no check of it is all that kills."""

from __future__ import annotations

import json
import resource
from pathlib import Path
from typing import Any

import pytest

from simulator.contract import BY, METRICS
from simulator.runs import machine
from tests.e2e.commands import mpsim, result_of

Check = tuple[str, str]  # metric and kind of cell

pytestmark = pytest.mark.slow


@pytest.mark.timeout(900)
def test_every_fault_is_killed_in_time_and_by_more_than_one_check() -> None:
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    ran = mpsim("selftest", "--json", seconds=800)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)

    assert ran.code == 0, ran
    matrix = json.loads(ran.out)
    assert matrix["verdict"] == "pass"
    # Two minutes of two cores. The clock on the wall also knows what else this machine does, so it gets far more.
    assert after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime < 240
    cores = matrix["cores"]
    assert cores == machine.cores()
    assert matrix["seconds"] < 800 / min(cores, 4)
    assert {trial["standing"] for trial in matrix["trials"]} == {"killed", "passed"}
    assert all(not trial["wrong"] for trial in matrix["false_alarms"])
    killed = [trial for trial in matrix["trials"] if trial["fault"] is not None]
    assert len(killed) >= 40
    assert survivors_without(killed, []) == set()
    # Whatever kind of cell or metric is not judged, some fault lives.
    assert [by for by in BY if not survivors_without(killed, [(metric, by) for metric in METRICS])] == []
    assert [metric for metric in METRICS if not survivors_without(killed, [(metric, by) for by in BY])] == []
    # And whichever single check is judged, some fault lives.
    for check in every_check():
        assert survivors_without(killed, [other for other in every_check() if other != check]), check


def survivors_without(killed: list[dict[str, Any]], checks: list[Check]) -> set[str]:
    """The faults that live when some checks are left out; one that no check kills is killed by its finding alone."""
    left_out = set(checks)
    return {
        trial["fault"]["name"]
        for trial in killed
        if trial["fault"]["moves"] and not {tuple(check) for check in trial["failed"]} - left_out
    }


def every_check() -> list[Check]:
    return [(metric, by) for metric in METRICS for by in BY if by != "page" or metric in {"pv", "uv"}]


@pytest.mark.proof
def test_the_smallest_set_shows_a_fault_again_that_nobody_shows_alone() -> None:
    """Two users whose hashes meet are the least that a short hash needs."""
    ran = mpsim("selftest", "uv-by-short-hash", "--repeat", "--json", seconds=280)

    assert ran.code == 0, ran
    (again,) = [trial["again"] for trial in json.loads(ran.out)["trials"] if trial["fault"] is not None]
    assert (len(again["visitors"]), again["least"]) == (2, True)
    assert again["tries"] > 2


def test_on_other_scenarios_a_fault_is_killed_too_or_not_there() -> None:
    """Whatever is counted once is wrong anywhere; gaps of 30 minutes matter only where opens are cut by a timeout."""
    ran = mpsim("selftest", "totals-cached", "timeout-inclusive", "--everywhere", "--json", seconds=280)

    assert ran.code == 0, ran
    matrix = json.loads(ran.out)["matrix"]
    assert matrix["totals-cached"] == dict.fromkeys(["deliveries", "identities", "sharing", "sources"], "killed")
    assert matrix["timeout-inclusive"] == {
        "gaps": "killed", "deliveries": "not covered", "identities": "not covered", "sharing": "not covered",
        "sources": "not covered",
    }  # fmt: skip
    honest = {standing for name, row in matrix.items() if name.startswith("honest") for standing in row.values()}
    assert honest == {"passed"}


@pytest.mark.parametrize(
    "faults",
    [
        ("loses-one-in-20",),
        pytest.param(
            ("cut-by-bytes", "source-carried-over", "new-each-day", "timeout-inclusive"), marks=pytest.mark.proof
        ),
    ],
    ids=["one", "of each other family"],
)
def test_one_visitor_alone_shows_a_fault_again(faults: tuple[str, ...]) -> None:
    """By `mpsim replay` too; `mpsim selftest --full` does so with all of them."""
    ran = mpsim("selftest", *faults, "--repeat", "--replay", "--json", seconds=280)

    assert ran.code == 0, ran
    killed = [trial for trial in json.loads(ran.out)["trials"] if trial["fault"] is not None]
    assert [trial["standing"] for trial in killed] == ["killed"] * len(faults)
    assert all(trial["replayed"] for trial in killed)


def test_a_kept_trial_has_its_result_and_its_report(tmp_path: Path) -> None:
    ran = mpsim("selftest", "loses-one-in-20", "--out", tmp_path / "kept")

    assert ran.code == 0, ran
    trials = list((tmp_path / "kept").iterdir())
    assert len(trials) == 2, trials  # the faulty collector, and the honest one
    for trial in trials:
        assert result_of(trial / "run")["exit_code"] == int(trial.name.startswith("loses-one-in-20."))
        assert (trial / "run" / "report.html").stat().st_size > 0
        assert mpsim("report", trial / "run").code in {0, 1}
