"""A collector whose other interfaces say something else than its totals is wrong, and the finding says which."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from tests.builders import scenario_text
from tests.e2e.commands import IMPATIENT, collector, mpsim, result_of

pytestmark = pytest.mark.slow

SENDS = "- launch\n- {malformed: wrong_tenant}\n- {malformed: no_event, duplicates: 1}\n- view: pages/b\n- exit"


def found_by(fault: str, tmp_path: Path) -> tuple[int, list[dict[str, Any]], list[dict[str, Any]]]:
    """Exit code, failed totals, and findings beside passing remarks."""
    file = tmp_path / "bad.yaml"
    file.write_text(scenario_text(SENDS, count=8), encoding="utf-8")
    options = ("--tenant", "740843171", "--events", "c_buy")
    with collector(tmp_path / "mpsim.db", *options, fault=fault) as url:
        ran = mpsim("run", file, "--target", url, "--out", tmp_path / "run", "-q", *IMPATIENT)
    result = result_of(tmp_path / "run")
    return ran.code, [one for one in result["metrics"] if one["verdict"] == "fail"], result["findings"]


@pytest.mark.parametrize("fault", ["", "lists-nothing"], ids=["events listed", "totals alone"])
def test_an_honest_collector_says_the_same_through_every_interface(fault: str, tmp_path: Path) -> None:
    assert found_by(fault, tmp_path) == (0, [], [])


@pytest.mark.parametrize(
    ("fault", "said"),
    [
        (
            "another-trend",
            "the collector contradicts itself: /datacube/getweanalysisappiddailyvisittrend does not say what "
            "/monitor/totals says: 17 page views on 2026-03-01, not 16. Nobody is named: two numbers of the collector "
            "disagree, whatever was stored",
        ),
        (
            "counts-fewer-bad",
            "the collector contradicts itself: /events/all counts 23 bad events, and 24 are listed. Nobody is named: "
            "two numbers of the collector disagree, whatever was stored",
        ),
        (
            "lists-nothing-and-forgets-bad",
            "/events/all counts 15 bad events, and 16..24 were sent: 1 missing. Nobody is named: a count does not say "
            "whose events it counts",
        ),
    ],
)
def test_an_interface_that_says_something_else(fault: str, said: str, tmp_path: Path) -> None:
    code, failed, findings = found_by(fault, tmp_path)

    assert (code, failed) == (1, [])
    assert [(one["code"], one["text"], one["count"]) for one in findings] == [("aggregation", said, 1)]
