"""The grammar of CONTRACT section 4: what a file can say, and what it is read as."""

from __future__ import annotations

import json
import pickle
from fractions import Fraction
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from simulator.errors import ScenarioError, UsageError
from simulator.scenario.load import load, load_scenario, load_scenario_text
from simulator.scenario.model import (
    NOW,
    AnyStep,
    Back,
    Count,
    Enter,
    Exit,
    Hide,
    Kill,
    Killing,
    Launch,
    Push,
    Rate,
    Share,
    Show,
    Span,
    Timeout,
    Track,
    Tracked,
    View,
)
from simulator.scenario.tree import Budget, plain, read_tree
from simulator.times import Ms
from tests.scenario.scenario_samples import CAMPAIGN_DAY, EVERYTHING, HERE, scenario_of

SCENARIOS = sorted((Path(__file__).parents[2] / "scenarios").glob("*.yaml"))


def test_the_sample_of_the_contract() -> None:
    scenario = load_scenario_text(CAMPAIGN_DAY, "campaign-day.yaml", HERE)

    assert scenario.scenario == "campaign-day"
    assert scenario.visitors.identities == {
        "applet-wechat": 1_000_000,
        "wechat-unionid": 700_000,
        "mobile": 300_000,
        "c_memberid": 100_000,
    }
    assert scenario.journeys["browse"].steps == [
        Launch(launch=Enter()),
        View(view="pages/product/detail?id={sku}", times=Count(1, 5), think=Span(Ms(3_000), Ms(20_000))),
        Exit(exit=None),
    ]
    phases = scenario.load.arrivals
    assert isinstance(phases, list)
    assert [(phase.rate, phase.for_) for phase in phases] == [
        (Rate(Fraction(20), Fraction(20)), 30_000),
        (Rate(Fraction(20), Fraction(100)), 30_000),
    ]
    assert scenario.load.clock.start == 1_772_294_400_000  # 2026-02-28T16:00:00Z


def test_everything_that_a_file_must_be_able_to_say() -> None:
    scenario = load_scenario_text(EVERYTHING, "everything.yaml", HERE)

    assert {type(step).__name__ for journey in scenario.journeys.values() for step in journey.steps} == {
        "Launch", "Show", "View", "Back", "Push", "Track", "Tap", "Share", "Hide", "Exit", "Timeout", "Kill", "Wait",
        "Malformed", "Skew", "Maybe", "Repeat", "Choose", "Offline", "Disorder",
    }  # fmt: skip


@pytest.mark.parametrize("file", SCENARIOS, ids=[file.stem for file in SCENARIOS])
def test_every_ready_scenario_loads(file: Path) -> None:
    assert load(file).files[0] == Path(file.name)


SHORT_FORMS: list[tuple[str, AnyStep]] = [
    ("launch", Launch(launch=Enter())),
    ("launch: ad", Launch(launch=Enter(source="ad"))),
    ("launch: {scene: 1011}", Launch(launch=Enter(scene=1011))),
    ("{launch: , think: 1s}", Launch(launch=Enter(), think=Span(Ms(1000), Ms(1000)))),
]


@pytest.mark.parametrize(("written", "meant"), SHORT_FORMS, ids=[written for written, _ in SHORT_FORMS])
def test_short_forms_of_a_launch(written: str, meant: AnyStep) -> None:
    assert scenario_of(written, sources="{ad: {}}").journeys["walk"].steps == [meant]


LATER_FORMS: list[tuple[str, AnyStep]] = [
    ("exit", Exit(exit=None)),
    ("{exit: , think: 2s}", Exit(exit=None, think=Span(Ms(2000), Ms(2000)))),
    ("timeout", Timeout(timeout=None)),
    ("kill", Kill(kill=Killing())),
    ("kill: 10s", Kill(kill=Killing(after=Span(Ms(10_000), Ms(10_000))))),
    ("kill: {unsent: 2}", Kill(kill=Killing(after=NOW, unsent=2))),
    ("share", Share(share=None)),
    ("share: pages/a/a", Share(share="pages/a/a")),
    ("track: c_order", Track(track=Tracked(event="c_order"))),
    ("track: {event: c_order, id: '7'}", Track(track=Tracked(event="c_order", id="7"))),
    ("push: mobile", Push(push=["mobile"])),
    ("push: {identityType2: mobile}", Push(push={"identityType2": "mobile"})),
    ("hide: 29m59.999s", Hide(hide=Span(Ms(1_799_999), Ms(1_799_999)))),
]


@pytest.mark.parametrize(("written", "meant"), LATER_FORMS, ids=[written for written, _ in LATER_FORMS])
def test_short_forms_of_later_steps(written: str, meant: AnyStep) -> None:
    assert scenario_of("launch", written).journeys["walk"].steps[1] == meant


@pytest.mark.parametrize("written", ["show", "show: ", "{show: {}}"])
def test_a_show_without_anything_has_no_query(written: str) -> None:
    assert scenario_of("launch", "hide: 1s", written).journeys["walk"].steps[2] == Show(show=Enter())


def test_back_is_one_page() -> None:
    steps = scenario_of("launch", "view: pages/b/b", "back").journeys["walk"].steps

    assert steps[2] == Back(back=1)


def test_a_scenario_goes_to_another_process_as_it_is() -> None:
    scenario = load_scenario_text(EVERYTHING, "everything.yaml", HERE)

    assert pickle.loads(pickle.dumps(scenario)) == scenario


def test_a_complaint_about_a_value_has_its_place() -> None:
    scenario = scenario_of("launch", "view: pages/b/b", "exit")
    complaint = scenario.complaint("journeys.walk.steps[1].view", "no such page")

    assert str(complaint) == "sample.yaml:10:15  journeys.walk.steps[1].view  no such page"


def test_a_complaint_about_what_is_not_in_the_file_has_the_nearest_place() -> None:
    scenario = scenario_of("launch")

    assert str(scenario.complaint("load.clock.start", "too old")) == "sample.yaml:5:7  load.clock.start  too old"


# ---- whatever is written, a complaint and no traceback --------------------------------------------------------------

DOCUMENT = plain(read_tree(EVERYTHING, "everything.yaml", Budget())[0])
VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=8)
    | st.sampled_from(["launch", "exit", "5s", "50%", "1..3", "20/s", "{sku}", "pages/a/a", "recent", "p95 < 1s"]),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(
        st.sampled_from(["steps", "launch", "view", "think", "maybe", "weight", "file", "x", ""]), inner, max_size=3
    ),
    max_leaves=6,
)  # fmt: skip


def paths_of(value: object, path: tuple[str | int, ...] = ()) -> list[tuple[str | int, ...]]:
    """The path of every value inside a document, and of the document itself."""
    items = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    return [path, *(below for key, item in items for below in paths_of(item, (*path, key)))]


def value_at(value: Any, path: tuple[str | int, ...]) -> object:
    """The value at a path."""
    for part in path:
        value = value[part]
    return value


def replaced(value: object, path: tuple[str | int, ...], by: object) -> object:
    """The document with one of its values replaced."""
    if not path:
        return by
    if isinstance(value, dict):
        return {key: replaced(item, path[1:], by) if key == path[0] else item for key, item in value.items()}
    assert isinstance(value, list)
    return [replaced(item, path[1:], by) if index == path[0] else item for index, item in enumerate(value)]


@settings(max_examples=150, deadline=None)
@given(path=st.sampled_from(paths_of(DOCUMENT)), by=VALUES)
def test_any_value_in_any_place_is_read_or_refused(path: tuple[str | int, ...], by: object) -> None:
    text = json.dumps(replaced(DOCUMENT, path, by))
    try:
        load_scenario_text(text, "any.yaml", HERE)
    except ScenarioError as wrong:
        complaints = wrong.complaints
    else:
        return
    assert complaints
    assert all(complaint.file == "any.yaml" and complaint.text for complaint in complaints)


@settings(max_examples=150, deadline=None)
@given(cut=st.integers(0, len(EVERYTHING)), put=st.text("{}[]:-&*!|>'\"%@`\t\n ~,#?a1", max_size=5))
def test_any_text_is_read_or_refused(cut: int, put: str) -> None:
    try:
        load_scenario_text(EVERYTHING[:cut] + put + EVERYTHING[cut + len(put) :], "any.yaml", HERE)
    except ScenarioError as wrong:
        complaints = wrong.complaints
    else:
        return
    assert complaints


@settings(max_examples=100, deadline=None)
@given(st.text())
def test_any_text_at_all_is_refused(text: str) -> None:
    with pytest.raises(UsageError):
        load_scenario_text(text, "any.yaml", HERE)


def test_load_scenario_is_the_scenario_of_load() -> None:
    assert load_scenario(SCENARIOS[0]) == load(SCENARIOS[0]).scenario
