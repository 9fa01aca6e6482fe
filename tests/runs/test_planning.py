"""What `mpsim plan` says beside the totals."""

from __future__ import annotations

from pathlib import Path

import pytest

from simulator.runs.planning import planned
from simulator.traffic.making import Wanted

SCENARIO = """
scenario: planned
app: {pages: [pages/a]}
visitors: {count: COUNT}
journeys: {look: {steps: [launch, {hide: 10m}, exit]}}
load: {LOAD, clock: {start: 2026-03-01T00:00:00+08:00, speed: flood}}
"""
WHY = (
    "The period follows event time, not how fast the load is sent: with 7 at once, a user has up to 15 visitors, "
    "one every"
)


@pytest.mark.parametrize(
    ("count", "load", "notes"),
    [
        (100, "users: 7, each: 2h", (f"{WHY} 2h (load.each). To shorten it, set load.each.",)),
        (
            100,
            "users: 7",
            (f"{WHY} 10m0.012s (the longest visit that the file allows). To shorten it, set load.each.",),
        ),
        (7, "users: 7", ()),
        (100, "arrivals: [{rate: 10/s, for: 10s}]", ()),
    ],
    ids=["closed", "closed, by the longest visit", "one visitor a user", "open"],
)
def test_how_long_the_period_is_and_why(tmp_path: Path, count: int, load: str, notes: tuple[str, ...]) -> None:
    file = tmp_path / "planned.yaml"
    file.write_text(SCENARIO.replace("COUNT", str(count)).replace("LOAD", load), encoding="utf-8")

    assert planned(Wanted(file)).notes == notes
