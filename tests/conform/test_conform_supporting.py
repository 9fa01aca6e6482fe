"""Why a case says nothing about a target."""

from __future__ import annotations

from typing import Any

import pytest

from simulator.contract import Contract
from simulator.runs.conform.cases import suite
from simulator.runs.conform.shapes import NoSuchShape
from simulator.runs.conform.staging import Ground, Staged, stage
from simulator.runs.conform.supporting import by_contract, by_wire
from simulator.scenario.target import plain_target
from simulator.traffic.target_files import contract_of_adapter
from tests.conform.grounds import FIRST, NOW, contract

CASES = {case.id: case for case in suite()}
URL = "http://127.0.0.1:1"


def on_wire(name: str, adapter: str, judged_by: Contract, **options: Any) -> Staged:
    """A case staged for another wire."""
    target = plain_target(URL, adapter, options, contract_of_adapter(adapter))
    return stage(Ground(target, URL, judged_by, "mpsim-a"), CASES[name].section, "mpsim-a.01", FIRST, NOW)


@pytest.mark.parametrize(
    ("name", "judged_by", "why"),
    [
        ("trends-hour", contract(time="arrival"), "the contract counts by arrival"),
        ("duplicates-view", contract(dedupe="maybe"), "promises nothing of duplicates"),
        ("opens-exit-return", contract(sessions="given"), "the wire's own session ids"),
        ("visitors-custom-only", contract("timeout=1d"), "its gap is a day, and the timeout is 1d"),
        ("opens-gap-again", contract("timeout=13h", midnight=True), "would reach over midnight"),
        ("new-source", contract("timeout=2h", launch_opens=False), "its visits are two hours apart"),
    ],
)
def test_what_a_contract_leaves_open_is_not_supported(name: str, judged_by: Contract, why: str) -> None:
    assert why in by_contract(CASES[name], judged_by)


@pytest.mark.parametrize("name", CASES)
def test_the_usual_contract_supports_every_case(name: str) -> None:
    assert by_contract(CASES[name], contract()) == ""
    assert by_wire(CASES[name], on_wire(name, "dmhub", contract()), contract()) == ""


def test_a_wire_with_whole_seconds_cannot_tell_milliseconds() -> None:
    gap, views = on_wire("opens-gap-exact", "matomo", contract()), on_wire("views-pages", "matomo", contract())

    assert "carries coarser times" in by_wire(CASES["opens-gap-exact"], gap, contract())
    assert by_wire(CASES["views-pages"], views, contract()) == ""


def test_a_wire_without_time_cannot_tell_hours() -> None:
    staged = on_wire("trends-hour", "dmhub-2018", contract())

    assert "carries none" in by_wire(CASES["trends-hour"], staged, contract())


def test_other_shapes_of_an_event_are_those_of_one_wire() -> None:
    with pytest.raises(NoSuchShape, match="the adapter sensors sends events in one way only"):
        on_wire("methods-form", "sensors", contract())
