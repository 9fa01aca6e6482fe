"""Warnings: what is legal and rarely meant."""

from __future__ import annotations

from pathlib import Path

import pytest

from simulator.scenario.lint import lint
from simulator.scenario.load import Loaded, load, load_scenario_text
from simulator.scenario.template import template
from tests.scenario.scenario_samples import HERE, scenario_of

HAS = "{count: 4, identities: {applet-wechat: 50%, mobile: 50%}}"
BOTH = "push: [applet-wechat, mobile]"


def warnings(*steps: str, visitors: str = HAS, sources: str = "{}", app: str = "") -> list[str]:
    scenario = scenario_of(*steps, visitors=visitors, sources=sources, app=app)
    return [f"{complaint.path}: {complaint.text}" for complaint in lint(Loaded(scenario, (), Path()))]


def test_nothing_to_warn_of() -> None:
    assert warnings("launch", BOTH, "exit") == []


STEPS = [
    ("a maybe of 0%", "{maybe: 0%, steps: [share]}", "steps[2].steps: never taken"),
    ("a repeat of 0", "{repeat: 0, steps: [share]}", "steps[2].steps: never taken"),
    ("0 times", "{view: pages/b/b, times: 0}", "steps[2]: never taken"),
    ("a way of weight 0", "choose: [{steps: []}, {weight: 0, steps: [share]}]", "steps[2].choose[1]: never taken"),
    ("an event that is not listed", "track: c_other", "c_other is not listed in app.events"),
    ("nearly listed", "track: c_ordr", "did you mean c_order?"),
    ("an event without c_", "track: order", "custom events begin with c_, such as c_order"),
    ("nearly an event of the tracker", "track: mini_program_opn", "did you mean mini_program_open?"),
    ("an event that the tracker sends", "track: mini_program_open", "this one counts as well"),
    ("a name of 33 characters", f"track: c_{'x' * 31}", "33 characters"),
    ("a second type in slot 1", "push: {identityType: mobile}", "slot 1 held applet-wechat"),
    ("one value for everybody", "push: {identityType2: mobile, identityValue2: '139'}", "the same value for every"),
    ("a type that nobody has", "push: {identityType3: email}", "nobody has email"),
    ("a scene that is none", "{maybe: 5%, steps: [hide: 1s, show: {scene: 4711}]}", "WeChat has no scene 4711"),
    ("a path that a class A scene ignores", "{maybe: 5%, steps: [hide: 1s, show: {scene: 1089, path: pages/b/b}]}",
     "scene 1089 keeps the pages"),
    ("a think as long as the limit", "{view: pages/b/b, think: 30m}", "did you mean hide?"),
]  # fmt: skip


@pytest.mark.parametrize(("step", "said"), [case[1:] for case in STEPS], ids=[case[0] for case in STEPS])
def test_a_step_to_warn_of(step: str, said: str) -> None:
    found = warnings("launch", BOTH, step, app="events: [c_order]")

    assert len(found) == 1
    assert said in found[0]


QUIET = [
    ("an event that is listed", "track: c_order"),
    ("the event of warm shows", "track: c_mp_show"),
    ("a name of 32 characters", f"track: {'c_order'.ljust(32, 'x')}"),
    ("the same type again", "push: {identityType: applet-wechat}"),
    ("a value of each visitor", "push: {identityType2: mobile, identityValue2: '139{visitor}'}"),
    ("a think just below the limit", "{view: pages/b/b, think: 29m59.999s}"),
    ("a think in the background", "{hide: 1s, think: 45m}"),
]


@pytest.mark.parametrize("step", [case[1] for case in QUIET], ids=[case[0] for case in QUIET])
def test_a_step_not_to_warn_of(step: str) -> None:
    assert warnings("launch", BOTH, step, app=f"events: [c_order, {'c_order'.ljust(32, 'x')}]") == []


def test_ways_of_a_choice_do_not_share_their_slots() -> None:
    ways = "choose: [{steps: [push: [applet-wechat]]}, {steps: [push: [mobile]]}]"

    assert warnings("launch", ways) == []


def test_a_literal_value_is_right_for_one_visitor() -> None:
    push = "push: {identityType: mobile, identityValue: '139'}"

    assert warnings("launch", push, visitors="{count: 1}") == []


OTHERS = [
    ("an identity that nobody pushes", {"visitors": "{count: 4, identities: {email: 5%}}"}, "no journey pushes email"),
    ("a mobile to share that nobody has", {"visitors": "{count: 4, share_mobile: 1%}"}, "nobody has a mobile"),
    ("a variable that stands nowhere", {"visitors": "{count: 4, vars: {sku: [a]}}"}, "{sku} stands nowhere"),
    ("a source of weight 0", {"sources": "{a: {}, b: {weight: 0}}"}, "unused source"),
    ("a code without a path", {"sources": "{a: {code: p7}}"}, "a code without a path"),
    ("content without source", {"sources": "{a: {path: 'pages/a/a?cl_ctnm=x'}}"}, "cl_ctnm without cl_sr"),
    ("a scene of a source", {"sources": "{a: {scene: 1999}}"}, "WeChat has no scene 1999"),
    ("an event without c_ in the list", {"app": "events: [order]"}, "custom events begin with c_, and order does not"),
    ("an event twice in the list", {"app": "events: [c_a, c_a]"}, "c_a stands here a second time"),
]


@pytest.mark.parametrize(("parts", "said"), [case[1:] for case in OTHERS], ids=[case[0] for case in OTHERS])
def test_a_section_to_warn_of(parts: dict[str, str], said: str) -> None:
    found = warnings("launch", **{"visitors": "{count: 4}", **parts})

    assert len(found) == 1
    assert said in found[0]


SPACED = "load.spacing: it spaces arrivals that have a rate; "
LOADS = [
    ("with users", "{users: 2, spacing: even}", [SPACED + "the users' own pace spaces them"]),
    ("with a list", "{arrivals: {file: morning.csv, column: at}, spacing: even}",
     [SPACED + "the file's instants are taken as they are"]),
    ("with a list and not given", "{arrivals: {file: morning.csv, column: at}}", []),
    ("with a rate", "{arrivals: [{rate: 2/s, for: 2s}], spacing: even}", []),
]  # fmt: skip


@pytest.mark.parametrize(("load_section", "said"), [case[1:] for case in LOADS], ids=[case[0] for case in LOADS])
def test_spacing_is_for_arrivals_with_a_rate(load_section: str, said: list[str]) -> None:
    rest = "scenario: a\napp: {pages: [a]}\njourneys: {a: {steps: [launch]}}\nvisitors: {count: 2}\n"
    scenario = load_scenario_text(f"{rest}load: {load_section}\n", "a.yaml", HERE / "errors" / "parts")

    assert [f"{complaint.path}: {complaint.text}" for complaint in lint(Loaded(scenario, (), Path()))] == said


def test_a_source_of_weight_0_that_a_step_names_is_used() -> None:
    assert warnings("launch: b", visitors="{count: 4}", sources="{a: {}, b: {weight: 0}}") == []


def test_the_starter_scenario_is_clean(tmp_path: Path) -> None:
    file = tmp_path / "scenario.yaml"
    file.write_text(template(), encoding="utf-8")

    assert lint(load(file)) == []
