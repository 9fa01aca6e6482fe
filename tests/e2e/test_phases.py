"""How much a collector can take: a staircase of five phases, a load beyond this machine, and a list of instants."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from simulator.ledger.read import read_ledger
from simulator.wire.request import Purpose
from tests.e2e.commands import IMPATIENT, collector, mpsim, result_of

pytestmark = pytest.mark.slow

CAPACITY = 120  # events a second, of a collector that then lets them wait
# Each visitor sends two events, so these are 30, 60, 90, 240 and 360 of them a second. Past its capacity the collector
# falls behind by a second each second; the limit lies far above what a busy machine adds, and far below that.
STAIRCASE = """\
scenario: staircase
app: {pages: [pages/a]}
visitors: {identities: {applet-wechat: 100%}}
journeys: {open: {steps: [launch]}}
load:
  spacing: even
  arrivals:
    - {name: quiet, rate: 15/s, for: 5s}
    - {name: steady, rate: 30/s, for: 5s}
    - {name: busy, rate: 45/s, for: 5s}
    - {name: rush, rate: 120/s, for: 5s}
    - {name: crush, rate: 180/s, for: 5s}
expect: {slo: [p95 < 2s]}
"""


def scenario(folder: Path, text: str) -> Path:
    file = folder / "scenario.yaml"
    file.write_text(text, encoding="utf-8")
    return file


@pytest.mark.proof
def test_a_staircase_names_the_last_phase_that_held(tmp_path: Path) -> None:
    with collector(tmp_path / "mpsim.db", capacity=CAPACITY) as url:
        arguments = ("--target", url, "--out", tmp_path / "run", "-q", *IMPATIENT)
        planned = mpsim("plan", scenario(tmp_path, STAIRCASE), "--json")
        ran = mpsim("run", scenario(tmp_path, STAIRCASE), *arguments)
        result = result_of(tmp_path / "run")
        again = mpsim("verify", tmp_path / "run")
    phases: list[dict[str, Any]] = result["phases"]

    assert (ran.code, result["verdict"]) == (2, "slo"), ran
    assert [(phase["number"], phase["name"], phase["verdict"]) for phase in phases] == [
        (1, "quiet", "held"),
        (2, "steady", "held"),
        (3, "busy", "held"),
        (4, "rush", "did not hold"),
        (5, "crush", "did not hold"),
    ], phases
    said = " ".join(ran.out.split())
    assert "The highest phase that held is phase 3, busy, at 45.0 visitors/s; phase 4, rush, at 120.0 visitors" in said
    assert [phase["wanted_rate"] for phase in phases] == [15.0, 30.0, 45.0, 120.0, 180.0]
    visitors = [75, 150, 225, 600, 900]
    assert [phase["visitors"] for phase in json.loads(planned.out)["phases"]] == visitors
    for phase, came in zip(phases, visitors, strict=True):
        sent = {"sent": 2 * came, "acked": 2 * came, "refused": 0, "unknown": 0}
        assert phase["attempts"] == sent | {"events": 2 * came, "visitors": came}
        assert [(row["metric"], row["expected"], row["observed"], row["verdict"]) for row in phase["metrics"]] == [
            (metric, [came, came], came, "pass") for metric in ("pv", "uv", "opens", "new_users")
        ]
        response = phase["latency"]["response_ms"]
        assert response["p50"] <= response["p95"] <= response["p99"] <= response["max"]
        assert phase["slo"][0]["verdict"] == ("pass" if phase["verdict"] == "held" else "fail")
    assert max(phase["latency"]["response_ms"]["max"] for phase in phases) == result["latency"]["response_ms"]["max"]
    assert again.code == 2, again
    assert result_of(tmp_path / "run")["phases"] == phases


def test_a_load_beyond_this_machine_ends_with_4_and_says_what_was_offered(tmp_path: Path) -> None:
    """Far more than a sender and a collector in Python can do on one machine, for 0.25 s: 10,000 visitors.

    So many start at once as there are lanes, 2,000; with them, 95 % would have to start within 1.25 s.
    """
    arguments = ("--rate", "40000/s", "--visitors", 10_000, "--out", tmp_path / "run", "-q")
    ran = mpsim("run", scenario(tmp_path, STAIRCASE), *arguments)
    result = result_of(tmp_path / "run")
    wanted, offered = result["load"]["wanted_rate"], result["load"]["offered_rate"]

    assert (ran.code, result["verdict"]) == (4, "underload"), ran
    assert {row["verdict"] for row in result["metrics"]} == {"pass"}
    assert wanted == pytest.approx(40_000)
    assert 0 < 2 * offered < wanted
    said = " ".join(ran.out.split())
    assert f"{offered:,.1f}/s were offered of {wanted:,.1f}/s wanted" in said
    assert ("The sending side was too slow" in said) is not (
        "It was the collector that was slow" in said
    )  # one of them
    (phase,) = result["phases"]
    assert phase["verdict"] == "not judged"
    assert "the load was not offered" in phase["why"]
    assert 0 < 2 * phase["offered_rate"] < phase["wanted_rate"]


def test_a_collector_that_holds_all_requests_is_named_as_the_one_that_was_slow(tmp_path: Path) -> None:
    """200 events a second are wanted, it takes 60; ten of them may be in flight."""
    text = STAIRCASE.replace("  spacing: even\n", "  spacing: even\n  in_flight: 10\n")
    with collector(tmp_path / "mpsim.db", capacity=60) as url:
        arguments = ("--target", url, "--out", tmp_path / "run", "-q", *IMPATIENT)
        ran = mpsim("run", scenario(tmp_path, text), "--rate", "100/s", "--visitors", 300, *arguments)
    load = json.loads((tmp_path / "run" / "load.json").read_text(encoding="utf-8"))
    said = " ".join(ran.out.split())

    assert ran.code == 4, ran
    assert load["visitors_held"] > 100
    assert "It was the collector that was slow" in said
    assert "left 10 requests without a reply" in said


OFFSETS = [0, 0, 40, 41, 1_000, 1_000, 1_000, 2_500, 4_000, 4_001]  # ms
LISTED = """\
scenario: listed
app: {pages: [pages/a]}
visitors: {identities: {applet-wechat: 100%}}
journeys: {open: {steps: [launch, {view: pages/a, think: 1s}]}}
load: {arrivals: {file: at.csv, column: at, name: monday}, clock: {speed: 4}}
"""


def test_a_list_of_instants_is_sent_to_the_instant_and_judged_as_planned(tmp_path: Path) -> None:
    rows = "".join(f"{number},2026-03-01T09:00:0{at / 1000:.3f}+08:00\n" for number, at in enumerate(OFFSETS))
    (tmp_path / "at.csv").write_text(f"who,at\n{rows}", encoding="utf-8")
    file = scenario(tmp_path, LISTED)
    planned = mpsim("plan", file, "--json")
    ran = mpsim("run", file, "--out", tmp_path / "run", "-q")
    (tmp_path / "at.csv").unlink()
    again = mpsim("verify", tmp_path / "run")

    assert (ran.code, again.code) == (0, 0), f"{ran}\n{again}"
    result, plan = result_of(tmp_path / "run"), json.loads(planned.out)
    assert plan["period"] == result["period"] == ["2026-03-01T09:00:00+08:00", "2026-03-01T10:00:00+08:00"]
    assert [row["expected"] for row in plan["metrics"]] == [row["expected"] for row in result["metrics"]]
    first: dict[int, int] = {}
    for attempt in read_ledger(tmp_path / "run"):
        if attempt.purpose is Purpose.EVENT and attempt.request == 0:
            first[attempt.visitor] = attempt.intended_ns
    assert [(first[visitor] - first[0]) / 1e6 for visitor in range(len(OFFSETS))] == [at / 4 for at in OFFSETS]
    (phase,) = result["phases"]
    assert (phase["name"], phase["rate"], phase["verdict"], phase["started"]) == ("monday", "", "held", 10)
    assert phase["seconds"] == pytest.approx(1.000251)
