"""How a load went, from load.json and the ledger: what counts as cut short, and of whom it is asked whether on time."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from simulator.runs.gathering import Gathered
from simulator.runs.load_facts import load_facts
from simulator.runs.load_report import LoadReport
from simulator.traffic.making import Wanted, draft, make_folder, write_run
from simulator.traffic.opened import OpenedRun
from simulator.verify.verdict import LoadFacts

SCENARIO = """
scenario: asked
app: {pages: [pages/a]}
visitors: {count: 200}
journeys: {look: {steps: [launch]}}
load: {arrivals: [{rate: 20/s, for: 10s}], clock: {start: 2026-03-01T00:00:00+08:00}}
"""
FLEET = [
    {"worker": "worker-1", "host": "a", "state": "left"},
    {"worker": "worker-2", "host": "b", "state": "lost"},
]
SIGNAL = "interrupted by a signal"


def run_of(folder: Path) -> OpenedRun:
    file = folder / "asked.yaml"
    file.write_text(SCENARIO, encoding="utf-8")
    checked = draft(Wanted(file, out=folder / "run", namespace="n"))
    return write_run(checked, make_folder(checked), "http://192.0.2.1:80")


def facts_of(folder: Path, *, on_time: int, late: int, **told: Any) -> LoadFacts:
    gathered = Gathered()
    for _ in range(on_time):
        gathered.latencies.start(10, 10)
    for _ in range(late):
        gathered.latencies.start(2_000_000_000, 0)
    return load_facts(run_of(folder), LoadReport(told), gathered)


@pytest.mark.parametrize(
    ("told", "on_time", "late", "punctual"),
    [
        ({"finished": True}, 150, 0, 0.75),
        ({"reason": SIGNAL, "punctual": 0.99, "visitors_started": 80}, 79, 1, 0.99),
        ({"reason": "worker-2 on b was lost", "workers_lost": 1, "punctual": 0.5, "fleet": FLEET}, 90, 10, 0.9),
        ({}, 30, 10, 0.75),
        ({}, 0, 0, None),
    ],
    ids=["to the end: of all", "stopped: of those due by then", "a lost worker: of the known", "died", "died at once"],
)
def test_of_whom_it_is_asked_whether_they_were_on_time(
    tmp_path: Path, told: dict[str, Any], on_time: int, late: int, punctual: float | None
) -> None:
    assert facts_of(tmp_path, on_time=on_time, late=late, **told).punctual == punctual


@pytest.mark.parametrize(
    ("told", "finished", "reason", "by_hand"),
    [
        ({"finished": True}, True, "", False),
        ({"reason": SIGNAL}, False, SIGNAL, True),
        ({"reason": "failed > 50% for 1s"}, False, "failed > 50% for 1s", False),
        ({"reason": "worker-2 on b was lost", "workers_lost": 1, "fleet": FLEET}, True, "", False),
        ({"reason": f"{SIGNAL}; worker-2 on b was lost", "workers_lost": 1, "fleet": FLEET}, False, SIGNAL, True),
        ({}, False, "the load process died before its end", False),
    ],
    ids=["finished", "a signal", "given up", "a lost worker alone", "a signal, and a lost worker", "died"],
)
def test_what_counts_as_cut_short(
    tmp_path: Path, told: dict[str, Any], finished: bool, reason: str, by_hand: bool
) -> None:
    facts = facts_of(tmp_path, on_time=3, late=0, **told)

    assert (facts.finished, facts.reason, facts.by_hand) == (finished, reason, by_hand)
    assert (facts.started, facts.planned) == (3, 200)
