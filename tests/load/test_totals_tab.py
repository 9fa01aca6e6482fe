"""What our tabs of Locust's web UI say of the files that a run leaves while it is sent."""

from __future__ import annotations

from typing import Any

import pytest

from simulator.load.totals_tab import run_rows, totals_rows

TOTAL: dict[str, Any] = {
    "metric": "pv", "source": None, "expected": [10, 12], "why": "", "observed": 9, "then": [8, 9], "off": 0,
}  # fmt: skip
CASES: list[tuple[dict[str, Any], list[str]]] = [
    ({}, ["PV", "in all", "as expected", "9", "8 to 9", "10 to 12"]),
    ({"expected": [10, 10], "then": [9, 9]}, ["PV", "in all", "as expected", "9", "9", "10"]),
    ({"source": "ad", "off": 3}, ["PV", "ad", "3 more than was sent", "9", "8 to 9", "10 to 12"]),
    ({"off": -1_000}, ["PV", "in all", "1,000 fewer than was acked", "9", "8 to 9", "10 to 12"]),
    ({"then": [8, None], "off": None}, ["PV", "in all", "not compared yet", "9", "8 to ?", "10 to 12"]),
    ({"observed": None, "off": None}, ["PV", "in all", "not compared yet", "not read", "8 to 9", "10 to 12"]),
    ({"expected": None, "why": "no device"}, ["PV", "in all", "no device", "9", "", "not checkable"]),
]


@pytest.mark.parametrize(("changed", "row"), CASES)
def test_a_row(changed: dict[str, Any], row: list[str]) -> None:
    assert [list(one.values()) for one in totals_rows({"totals": [TOTAL | changed], "over": ""})] == [row]


def test_before_there_is_anything_it_says_so() -> None:
    assert totals_rows({})[0]["metric"] == "nothing yet"
    assert totals_rows({"totals": [], "over": "no more"})[0]["metric"] == "no more"


def test_how_far_the_run_is() -> None:
    progress = {
        "phase": "load", "visitors": 2400, "visitors_started": 1200, "in_flight": 3, "left": 61.2, "wanted_rate": 40.0,
        "offered_rate": 39.9, "late_p99_ms": 1.25, "attempts": {"acked": 1, "refused": 2, "unknown": 3},
    }  # fmt: skip
    rows = {row["what"]: row["value"] for row in run_rows(progress, {"attempts": 7, "waiting": 2})}

    assert rows["Visitors started"] == "1,200 of 2,400"
    assert rows["Seconds left, about"] == "61"
    assert rows["Late starts, p99"] == "1.2 ms"
    assert rows["Attempts in the expectation"] == "7 (behind)"
    assert run_rows({}, {})[0] == {"what": "Phase", "value": "not begun"}
