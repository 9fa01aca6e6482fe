"""A real tracker of another vendor, unmodified, through a whole inspection: what is asked of it is of its own wire."""

from __future__ import annotations

from pathlib import Path

import pytest

from simulator.finding import Verdict
from simulator.inspect.rule import Level
from simulator.runs.inspecting import Asked, run_inspection
from simulator.traffic.making import Wanted
from tests.runtime.test_real_trackers import sensors_app

SCENARIO = """\
scenario: reference
app: {name: 测试小程序, appid: wx1234567890abcdef, tenant: "740843171",
  pages: [pages/home/home, pages/product/detail, pages/cart/cart]}
visitors: {count: 3, identities: {applet-wechat: 100%}}
journeys:
  only:
    steps:
      - {launch: , think: 2s}
      - {view: "pages/product/detail?id=1", think: 2s}
      - {tap: addToCart, think: 1s}
      - hide: 10m
      - {show: , think: 3s}
      - exit
load: {users: 3, each: 1h, clock: {start: "2026-03-01T00:00:00+08:00", speed: flood}}
"""


@pytest.mark.parametrize("batch", ["true", "false"])
def test_sensors_breaks_no_rule_and_its_views_and_opens_are_as_planned(tmp_path: Path, batch: str) -> None:
    scenario = tmp_path / "reference.yaml"
    scenario.write_text(SCENARIO, encoding="utf-8")

    outcome = run_inspection(Asked(sensors_app(tmp_path, batch), Wanted(scenario, namespace=""), with_trials=False))

    totals = {one.metric: (one.verdict, one.observed) for one in outcome.totals if one.by == "all"}
    assert outcome.format == "sensors"
    assert [one.rule.code for one in outcome.inspection.findings if one.level is Level.ERROR] == []
    assert (totals["pv"], totals["opens"]) == ((Verdict.PASS, 9), (Verdict.PASS, 3))
