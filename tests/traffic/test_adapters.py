"""One scenario, whatever the adapter: the same four numbers are expected, in total and in every cell."""

from __future__ import annotations

from functools import lru_cache
from itertools import chain
from pathlib import Path
from typing import Any

import pytest

from simulator.contract import Contract, Definitions, Opens
from simulator.errors import ScenarioError
from simulator.finding import Interval
from simulator.journey.plan import Plan, Settings, make_plan
from simulator.ledger.manifest import Options
from simulator.ledger.record import Attempt
from simulator.scenario.load import load_scenario
from simulator.times import Ms, parse_instant
from simulator.traffic.opened import adapter_of
from simulator.traffic.sending import requests_of_block
from simulator.verify.oracle import Expectations, expected_from_ledger, expected_from_plan
from simulator.wire.options import DEFAULT_PATH
from simulator.wire.request import Adapter, Evidence, Outcome, Request

SCENARIOS = Path(__file__).parents[2] / "scenarios"
START = parse_instant("2026-03-02T09:00:00+08:00")
TEMPLATE = {
    "batch": 7,
    "event": {"k": "{kind}", "e": "{event}", "t": "{ms}", "id": "{id}", "d": "{device}",
              "o": "{identity.applet-wechat?}", "s": "{source}", "c": "{content}", "p": "{page}"},
    "body": {"json": "{events}"},
}  # fmt: skip
ADAPTERS: dict[str, dict[str, Any]] = {
    "sensors": {},
    "snowplow": {},
    "matomo": {"opens": "event"},
    "segment": {},
    "posthog": {"batch": 3},
    "ga4": {},
    "growingio": {"session": "365d"},  # a return within the hour is then no other VISIT
    "thinkingdata": {},
    "generic": TEMPLATE,
}

NO_IDS = {"matomo", "ga4"}  # whose collectors recognise no copy


@lru_cache
def plan_of(scenario: str) -> Plan:
    settings = Settings(seed=5, namespace="n", visitors=30, start=START)
    return make_plan(load_scenario(SCENARIOS / f"{scenario}.yaml"), settings, START)


def adapter(name: str, plan: Plan, **own: Any) -> Adapter[Any]:
    return adapter_of(name, DEFAULT_PATH, plan.scenario, "n", Options(), own=own)


def blocks(plan: Plan, of: Adapter[Any]) -> list[list[Request]]:
    return [list(chain.from_iterable(requests_of_block(plan, of, block).values())) for block in plan.blocks]


def acked(requests: list[Request]) -> dict[tuple[int, int], list[Attempt]]:
    """One attempt of each request, of a millisecond each, all acked, one after another in the order of the sends."""
    found: dict[tuple[int, int], list[Attempt]] = {}
    for place, one in enumerate(sorted(requests, key=lambda one: (one.leaves, one.visitor, one.number))):
        at = one.leaves * 1_000_000 + place
        outcome = (Outcome.ACKED, Evidence.REPLY, 200)
        found[one.visitor, one.number] = [Attempt(one.visitor, one.number, 0, one.purpose, at, at, at + 1, *outcome)]
    return found


def expected(scenario: str, name: str, contract: Contract, **own: Any) -> tuple[Expectations, Expectations]:
    """By the plan, and by a ledger in which everything was acked."""
    plan = plan_of(scenario)
    of = adapter(name, plan, **own)
    made = blocks(plan, of)
    by_plan = expected_from_plan(made, contract, plan.start, plan.end)
    by_ledger = expected_from_ledger([(one, acked(one)) for one in made], contract, plan.start, plan.end)
    return by_plan, by_ledger


@lru_cache
def plainly(scenario: str) -> Expectations:
    """What is expected of DM Hub, where each launch is an open and each event has a request of its own."""
    return expected(scenario, "dmhub", Contract())[0]


def numbers(of: Expectations, metrics: tuple[str, ...], kinds: tuple[str, ...]) -> dict[tuple[str, str, str], Interval]:
    return {key: value for key, value in of.intervals.items() if key[0] in metrics and key[1] in kinds and value.high}


EVERY = ("pv", "uv", "opens", "new_users")
CELLS = ("all", "source", "content", "hour", "day", "page")


@pytest.mark.parametrize("scenario", ["returning_visitors", "timeout_gaps"])
@pytest.mark.parametrize("name", ADAPTERS)
def test_the_numbers_do_not_depend_on_the_adapter(scenario: str, name: str) -> None:
    contract = Contract(definitions=Definitions(Opens("launch")))
    of_wire = Contract(
        definitions=contract.definitions, dedupe="none" if name in NO_IDS else "by_id", batch_order="kept"
    )

    by_plan, by_ledger = expected(scenario, name, of_wire, **ADAPTERS[name])

    wanted = numbers(plainly(scenario), EVERY, CELLS)
    assert wanted["pv", "all", ""].low > 30
    assert all(one.low == one.high for one in wanted.values())
    assert numbers(by_plan, EVERY, CELLS) == wanted
    assert numbers(by_ledger, EVERY, CELLS) == wanted


@pytest.mark.parametrize("name", ["aladdin", "umeng"])
def test_opens_by_session_ids_are_the_launches_where_no_absence_is_long_enough(name: str) -> None:
    given = Contract(sessions="given", batch_order="kept")
    # Aladdin begins another one with another scene as well.
    metrics = ("pv", "uv", "new_users") if name == "aladdin" else EVERY

    by_plan, by_ledger = expected("returning_visitors", name, given, session="365d")

    wanted = numbers(plainly("returning_visitors"), metrics, ("all", "day", "page"))
    assert numbers(by_plan, metrics, ("all", "day", "page")) == wanted
    assert numbers(by_ledger, metrics, ("all", "day", "page")) == wanted


@pytest.mark.parametrize("rule", ["timeout", "every-foreground"])
@pytest.mark.parametrize("name", ["sensors", "segment", "generic"])
def test_a_batch_leaves_no_doubt_about_the_order_of_its_events(name: str, rule: Any) -> None:
    opens = Opens(rule, Ms(1_800_000) if rule == "timeout" else None)
    contract = Contract(definitions=Definitions(opens), batch_order="kept")

    by_plan, by_ledger = expected("timeout_gaps", name, contract, **ADAPTERS[name])

    assert all(one.low == one.high for one in by_ledger.intervals.values())
    assert by_plan.intervals == by_ledger.intervals


def test_an_event_that_a_wire_has_no_form_for_is_told_with_its_place() -> None:
    with pytest.raises(ScenarioError) as error:
        adapter("segment", plan_of("messy_clients"))

    (complaint,) = error.value.complaints
    assert complaint.line > 1
    assert "malformed" in complaint.path or "steps" in complaint.path
    assert complaint.text.startswith("the adapter segment cannot send ")
