"""Totals are read while a run is sent: what was wrong then is told, also where it is right in the end."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from tests.e2e.commands import collector, mpsim, result_of

pytestmark = pytest.mark.slow

PACED = """\
scenario: paced
app: {name: 店, pages: [pages/a, pages/b]}
visitors: {count: 40, identities: {applet-wechat: 100%}}
journeys:
  look: {steps: [launch, {push: [applet-wechat]}, {view: pages/b, think: 1s}, {view: pages/a}, exit]}
load: {arrivals: [{rate: 10/s, for: 4s}], clock: {start: 2026-03-01T09:00:00+08:00}}
"""
CONTRACT = "quiet: 400ms\ndeadline: 8s\n"


def run(fault: str, promise: str, tmp_path: Path) -> tuple[int, list[dict[str, Any]], list[dict[str, Any]]]:
    """Exit code, wrong totals, and wrong findings."""
    (tmp_path / "paced.yaml").write_text(PACED, encoding="utf-8")
    (tmp_path / "contract.yaml").write_text(CONTRACT + promise, encoding="utf-8")
    with collector(tmp_path / "mpsim.db", fault=fault) as url:
        options = ("--target", url, "--contract", tmp_path / "contract.yaml", "--out", tmp_path / "run", "-q")
        ran = mpsim("run", tmp_path / "paced.yaml", *options)
        again = mpsim("verify", tmp_path / "run")
    result = result_of(tmp_path / "run")
    assert ran.code == again.code, (ran, again)
    return (
        ran.code,
        [one for one in result["metrics"] if one["verdict"] == "fail"],
        [one for one in result["findings"] if one["verdict"] == "fail"],
    )


def test_an_honest_collector_keeps_the_hardest_promise_at_every_reading(tmp_path: Path) -> None:
    assert run("", "ack: durable\nlag: 0ms\n", tmp_path) == (0, [], [])
    lines = (tmp_path / "run" / "readings.jsonl").read_text().splitlines()
    views = [json.loads(line)["cells"]["all"][""]["pv"] for line in lines]

    assert len(views) >= 3
    assert any(0 < some < 120 for some in views)
    assert views == sorted(views)


@pytest.mark.parametrize(
    ("promise", "code"),
    [
        ("lag: 500ms\n", 1),
        pytest.param("ack: durable\nlag: 4s\n", 0, marks=pytest.mark.proof),
        ("ack: accepted\n", 0),
        pytest.param("", 0, marks=pytest.mark.proof),
    ],
    ids=[
        "it takes longer than promised",
        "it was given that time",
        "it promised nothing",
        "nobody asked for a promise",
    ],
)
def test_a_collector_that_stores_two_seconds_later(promise: str, code: int, tmp_path: Path) -> None:
    found, failed, findings = run("stores-later", promise, tmp_path)

    assert (found, failed) == (code, [])
    assert [one["code"] for one in findings] == ["lag"] * code
    for one in findings:
        assert one["text"].startswith("acked events were not in the totals within 500ms of their replies: page views ")
        assert {"pv", "opens", "uv", "new_users"} == set(one["metrics"])


@pytest.mark.parametrize(("promise", "code"), [("ack: durable\n", 1), ("ack: accepted\n", 0)])
def test_users_that_were_too_many_for_a_while(promise: str, code: int, tmp_path: Path) -> None:
    """Where nothing is promised before the deadline users may still be joined."""
    found, failed, findings = run("counts-more-at-first", promise, tmp_path)

    assert (found, failed) == (code, [])
    assert [(one["code"], one["metrics"]) for one in findings] == [("aggregation", ["uv"])] * code
