"""The JSON Schema describes what the loader accepts."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from jsonschema import Draft202012Validator

from simulator.errors import ScenarioError
from simulator.scenario.load import load_scenario_text
from simulator.scenario.schema import json_schema
from simulator.scenario.steps import STEPS
from simulator.scenario.template import template
from simulator.scenario.tree import Budget, plain, read_tree
from tests.scenario.scenario_samples import CAMPAIGN_DAY, EVERYTHING, HERE
from tests.scenario.test_load_scenario import DOCUMENT, VALUES, paths_of, replaced, value_at

SCENARIOS = sorted((Path(__file__).parents[2] / "scenarios").glob("*.yaml"))
KNOWN = [value_at(DOCUMENT, path) for path in paths_of(DOCUMENT)]  # values that are right somewhere
VALIDATOR = Draft202012Validator(json_schema())


def document(text: str) -> object:
    return plain(read_tree(text, "a.yaml", Budget())[0])


def test_it_is_a_schema() -> None:
    Draft202012Validator.check_schema(json_schema())


@pytest.mark.parametrize(
    "text",
    [CAMPAIGN_DAY, EVERYTHING, template(), *(file.read_text(encoding="utf-8") for file in SCENARIOS)],
    ids=["the contract's sample", "everything", "starter", *(file.stem for file in SCENARIOS)],
)
def test_what_loads_is_valid(text: str) -> None:
    assert [error.message for error in VALIDATOR.iter_errors(document(text))] == []


# Errors in one value or key, which a schema can see; the others need more than one value.
STRUCTURAL = [
    "a_list", "bad_names", "clock_and_phases", "codes", "definitions", "duration_without_unit", "lists_by_hand",
    "missing_sections", "not_a_text", "objectives", "part_without_percent", "several_at_a_time", "step_without_value",
    "two_hundred_percent", "two_things_in_a_step", "unknown_key", "unknown_key_before_missing",
    "unknown_key_inside_steps", "unknown_step", "weight_below_zero", "wrong_shapes", "users_and_arrivals",
    "nobody_comes", "identity_slots", "phase_without_brackets", "instants_and_phase", "instants_unknown_key",
    "connection_of_whom",
]  # fmt: skip


@pytest.mark.parametrize("name", STRUCTURAL)
def test_what_is_wrong_in_structure_is_invalid(name: str) -> None:
    text = (HERE / "errors" / f"{name}.yaml").read_text(encoding="utf-8")

    assert not VALIDATOR.is_valid(document(text))


@settings(max_examples=150, deadline=None)
@given(path=st.sampled_from(paths_of(DOCUMENT)), by=VALUES | st.sampled_from(KNOWN))
def test_whatever_loads_is_valid(path: tuple[str | int, ...], by: object) -> None:
    changed = json.dumps(replaced(DOCUMENT, path, by))
    try:
        load_scenario_text(changed, "any.yaml", HERE)
    except ScenarioError:
        return
    assert [error.message for error in VALIDATOR.iter_errors(document(changed))] == []


ARRIVING = document(
    (HERE / "errors" / "phase_without_brackets.yaml")
    .read_text(encoding="utf-8")
    .replace("{rate: 2/s, for: 3s}", "ARRIVALS")
)
LOADS: list[object] = [
    [
        {"name": "a", "rate": "2/s..5/s", "for": "3s", "hours": [1.0] * 24},
        {"rate": "1/s", "for": "1m", "days": [2] * 7},
    ],
    {"file": "errors/parts/morning.csv", "column": "at", "name": "monday"},
]


@settings(max_examples=150, deadline=None)
@given(st.sampled_from(LOADS), st.data())
def test_whatever_arrivals_load_are_valid(arrivals: object, data: st.DataObject) -> None:
    path = data.draw(st.sampled_from(paths_of(arrivals)))
    by = data.draw(VALUES | st.sampled_from(KNOWN) | st.sampled_from([value_at(LOADS, to) for to in paths_of(LOADS)]))
    changed = json.dumps(replaced(ARRIVING, ("load", "arrivals"), replaced(arrivals, path, by)))
    try:
        load_scenario_text(changed, "any.yaml", HERE)
    except ScenarioError:
        return
    assert [error.message for error in VALIDATOR.iter_errors(document(changed))] == []


def test_a_file_that_includes_may_leave_out_what_comes_from_there() -> None:
    part = {"include": ["shared.yaml"], "scenario": "own", "app": {"name": "own"}, "load": {"clock": {"speed": 5}}}

    assert VALIDATOR.is_valid(part)
    assert not VALIDATOR.is_valid({**part, "include": []})


def test_an_editor_is_told_what_every_step_and_section_is() -> None:
    schema = json_schema()
    definitions = schema["$defs"]

    assert [name for name in definitions if not definitions[name].get("description")] == []
    assert {model.__name__ for model in STEPS.values()} <= definitions.keys()
    assert "lists" not in schema["properties"]
