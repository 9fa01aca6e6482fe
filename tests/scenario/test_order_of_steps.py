"""Which steps may follow which: entries, leaving, the background, the stack of pages."""

from __future__ import annotations

import pytest

from simulator.errors import ScenarioError
from tests.scenario.scenario_samples import scenario_of

SOURCES = "{ad: {scene: 1045, path: pages/b/b}, recent: {scene: 1089, path: pages/b/b}, bare: {scene: 1045}}"

FINE = [
    ("a launch and nothing else", ["launch"]),
    ("a wrong clock from the beginning", ["skew: 2h", "launch"]),
    ("launch, exit, launch", ["launch", "exit", "launch"]),
    ("after timeout", ["launch", "timeout", "wait: 1d", "launch"]),
    ("after kill", ["launch", "kill", "launch: ad"]),
    ("a show after exit is a launch", ["launch", "exit", "show"]),
    ("killed in the background", ["launch", "hide: 5s", "kill: 5s", "launch"]),
    ("exit from the background", ["launch", "hide: 5s", "exit"]),
    ("a hide of exactly the limit, then a launch", ["launch", "hide: 30m", "launch"]),
    ("hide and wait make up the limit", ["launch", "hide: 10m", "wait: 15m", "wait: 5m", "launch"]),
    ("an implicit return", ["launch", "hide: 5s", "view: pages/b/b", "back"]),
    ("hide, wait, show", ["launch", "hide: 5s", "wait: 5s", "show"]),
    ("a warm return keeps the pages", ["launch", "view: pages/b/b", "hide: 29m59.999s", "show", "back"]),
    ("class A with a path keeps the pages too", ["launch", "view: pages/b/b", "hide: 1s", "show: recent", "back"]),
    ("class B without a path keeps them", ["launch", "view: pages/b/b", "hide: 1s", "show: bare", "back"]),
    ("all the pages that are certain", ["launch", "{view: pages/b/b, times: 2..5}", "back: 2"]),
    ("back in a loop", ["launch", "{repeat: 0..9, steps: [{view: pages/b/b}, back]}"]),
    ("views in one loop, back in another", [
        "launch", "{repeat: 3, steps: [view: pages/b/b]}", "{repeat: 0..3, steps: [back]}"]),
    ("an exit that is certain", ["launch", "{maybe: 100%, steps: [exit]}", "launch"]),
    ("every way of a choice exits", ["launch", "choose: [{steps: [exit]}, {steps: [timeout]}]", "launch"]),
    ("a way of weight 0 is no way", ["launch", "choose: [{steps: [exit]}, {weight: 0, steps: []}]", "launch"]),
    ("offline, then disorder", [
        "launch", "{offline: 1m, steps: [share]}", "{disorder: 1m, steps: [share]}"]),
    ("a hundred thousand steps", ["launch", "{repeat: 33333, steps: [{view: pages/b/b}, share, back]}"]),
]  # fmt: skip


@pytest.mark.parametrize("steps", [case[1] for case in FINE], ids=[case[0] for case in FINE])
def test_what_may_be(steps: list[str]) -> None:
    scenario_of(*steps, sources=SOURCES)


WRONG = [
    ("view first", ["view: pages/b/b"], 0, "view before the first launch"),
    ("wait first", ["wait: 5s", "launch"], 0, "wait before the first launch"),
    ("show first", ["show", "exit"], 0, "show before the first launch"),
    ("launch twice", ["launch", "launch"], 1, "launch while the mini program is open"),
    ("launch times two", ["{launch: , times: 2}"], 0, "launch while the mini program is open"),
    ("show twice", ["launch", "hide: 1s", "{show: , times: 2}"], 2, "show while the mini program is open"),
    ("one millisecond short of the limit", ["launch", "hide: 29m59.999s", "launch"], 2, "did you mean show"),
    ("a range that begins below the limit", ["launch", "hide: 20m..40m", "launch"], 2, "launch after 20m"),
    ("hide and wait below the limit", ["launch", "hide: 10m", "wait: 19m", "launch"], 3, "launch after 29m"),
    ("view after exit", ["launch", "exit", "view: pages/b/b"], 2, "view while the mini program is closed"),
    ("push after timeout", ["launch", "timeout", "push: mobile"], 2, "push while the mini program is closed"),
    ("hide after kill", ["launch", "kill", "hide: 1s"], 2, "hide while the mini program is closed"),
    ("kill after exit", ["launch", "exit", "kill"], 2, "kill while the mini program is closed"),
    ("an exit that may be", ["launch", "{maybe: 1%, steps: [exit]}", "share"], 2, "while the mini program is closed"),
    ("an exit in a loop", ["launch", "{repeat: 0..2, steps: [exit]}"], 1, "exit while the mini program is closed"),
    ("back at once", ["launch", "back"], 1, "there may be only 1 page open"),
    ("back too far", ["launch", "view: pages/b/b", "back: 2"], 2, "there may be only 2 pages open"),
    ("back times", ["launch", "view: pages/b/b", "{back: 1, times: 1..2}"], 2, "back by 2"),
    ("a view that may not be", ["launch", "{view: pages/b/b, times: 0..1}", "back"], 2, "only 1 page open"),
    ("a class B show opens its page alone", ["launch", "view: pages/b/b", "hide: 1s", "show: ad", "back"], 4, "only 1"),
    ("a path alone is class B", [
        "launch", "view: pages/b/b", "hide: 1s", "show: {path: pages/b/b}", "back"], 4, "only 1"),
    ("destroyed at the limit", ["launch", "view: pages/b/b", "hide: 30m", "show", "back"], 4, "only 1"),
    ("destroyed perhaps", ["launch", "view: pages/b/b", "hide: 5m..30m", "back"], 3, "only 1"),
    ("a loop that goes down", [
        "launch", "{view: pages/b/b, times: 2}", "{repeat: 3, steps: [back]}"], 2, "only 1"),
    ("offline in offline", [
        "launch", "{offline: 1m, steps: [{offline: 1m, steps: [share]}]}"], 1, "offline inside offline"),
    ("a step too many", ["launch", "{repeat: 50000, steps: [share, share]}"], -1, "100001 steps"),
]  # fmt: skip


@pytest.mark.parametrize(("steps", "index", "said"), [case[1:] for case in WRONG], ids=[case[0] for case in WRONG])
def test_what_may_not_be(steps: list[str], index: int, said: str) -> None:
    with pytest.raises(ScenarioError) as refused:
        scenario_of(*steps, sources=SOURCES)
    first = refused.value.complaints[0]

    assert said in first.text
    assert first.path.startswith("journeys.walk" if index < 0 else f"journeys.walk.steps[{index}]")


def test_the_older_rule_of_five_minutes() -> None:
    scenario_of("launch", "hide: 5m", "launch", app="destroy: 5m")
    with pytest.raises(ScenarioError, match=r"launch after 4m59\.999s in the background, where it lives for 5m"):
        scenario_of("launch", "hide: 4m59.999s", "launch", app="destroy: 5m")
