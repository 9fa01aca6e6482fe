"""Words for tests: small scenarios and instants, written the way a reader thinks of them."""

from __future__ import annotations

from pathlib import Path
from textwrap import dedent, indent

from simulator.events import Event, Kind, Visit
from simulator.journey.plan import Plan, Settings, make_plan, visits
from simulator.scenario.load import load_scenario_text
from simulator.scenario.model import Scenario
from simulator.times import Ms, parse_instant

START_TEXT = "2026-03-01T00:00:00+08:00"
START = parse_instant(START_TEXT)


def scenario_text(steps: str, *, count: int = 1, app: str = "", visitors: str = "", sources: str = "") -> str:
    """The text of a scenario with one journey of these YAML steps; the rest is spliced into flow mappings."""
    head = f"""\
scenario: sample
app: {{name: 测试小程序, tenant: "740843171", pages: [pages/a, pages/b, pages/c], events: [c_buy]{_spliced(app)}}}
visitors: {{count: {count}, identities: {{applet-wechat: 100%}}{_spliced(visitors)}}}
load: {{users: {count}, each: 1m, clock: {{start: "{START_TEXT}", speed: flood}}}}
"""
    if sources:
        head += "sources:\n" + indent(dedent(sources).strip("\n"), "  ") + "\n"
    return head + "journeys:\n  only:\n    steps:\n" + indent(dedent(steps).strip("\n"), "      ") + "\n"


def _spliced(entries: str) -> str:
    return f", {entries}" if entries else ""


def scenario(steps: str, *, count: int = 1, app: str = "", visitors: str = "", sources: str = "") -> Scenario:
    """The scenario of `scenario_text`, loaded."""
    text = scenario_text(steps, count=count, app=app, visitors=visitors, sources=sources)
    return load_scenario_text(text, "sample.yaml", Path())


def plan(of: Scenario, **settings: object) -> Plan:
    """The scenario's plan with the given settings."""
    return make_plan(of, Settings(**settings), START)  # type: ignore[arg-type]  # names are checked by Settings


def only_visit(of: Scenario, **settings: object) -> Visit:
    """The visit of the one visitor."""
    (visit,) = visits(plan(of, **settings))
    return visit


def story(visit: Visit) -> list[tuple[int, str, str]]:
    """The visit's events as (ms after arrival, kind, page), those that only move the tracker left out."""
    shown = {Kind.LAUNCH, Kind.SHOW, Kind.VIEW, Kind.TRACK, Kind.MALFORMED}
    return [(_since(visit, event), event.kind.value, event.page) for event in visit.events if event.kind in shown]


def _since(visit: Visit, event: Event) -> int:
    return Ms(event.at - visit.arrival)
