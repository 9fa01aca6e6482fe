"""What steps mean: launch, show, hide, destruction, page stack, source (CONTRACT section 1)."""

from __future__ import annotations

import pytest

from simulator.errors import ScenarioError
from simulator.events import Kind, Source
from tests.builders import only_visit, scenario, story

MINUTE = 60_000
HALF_HOUR = 30 * MINUTE

CASES = [
    # what happened, steps, (ms after arrival, kind, page)
    (
        "launch, view, exit: one open, two views",
        "[launch, view: pages/b, exit]",
        [(0, "launch", "pages/a"), (1, "view", "pages/a"), (2, "view", "pages/b")],
    ),
    (
        "hidden 1 ms less than the limit: a show",
        "[launch, hide: 29m59.999s, show, exit]",
        [
            (0, "launch", "pages/a"),
            (1, "view", "pages/a"),
            (HALF_HOUR, "show", ""),
            (HALF_HOUR, "view", "pages/a"),
        ],
    ),
    (
        "hidden for the limit: a launch",
        "[launch, hide: 30m, show, exit]",
        [
            (0, "launch", "pages/a"),
            (1, "view", "pages/a"),
            (HALF_HOUR + 1, "launch", "pages/a"),
            (HALF_HOUR + 2, "view", "pages/a"),
        ],
    ),
    (
        "hidden 1 ms more than the limit: a launch",
        "[launch, hide: 30m0.001s, show, exit]",
        [
            (0, "launch", "pages/a"),
            (1, "view", "pages/a"),
            (HALF_HOUR + 2, "launch", "pages/a"),
            (HALF_HOUR + 3, "view", "pages/a"),
        ],
    ),
    (
        "a wait in the background counts for the limit",
        "[launch, hide: 20m, wait: 10m, show, exit]",
        [
            (0, "launch", "pages/a"),
            (1, "view", "pages/a"),
            (HALF_HOUR + 1, "launch", "pages/a"),
            (HALF_HOUR + 2, "view", "pages/a"),
        ],
    ),
    (
        "a step after hide comes after a return",
        "[launch, hide: 1m, view: pages/b, exit]",
        [
            (0, "launch", "pages/a"),
            (1, "view", "pages/a"),
            (MINUTE + 1, "show", ""),
            (MINUTE + 1, "view", "pages/a"),
            (MINUTE + 2, "view", "pages/b"),
        ],
    ),
    (
        "timeout: the next launch is possible after the limit",
        "[launch, timeout, launch, exit]",
        [
            (0, "launch", "pages/a"),
            (1, "view", "pages/a"),
            (HALF_HOUR + 1, "launch", "pages/a"),
            (HALF_HOUR + 2, "view", "pages/a"),
        ],
    ),
    (
        "exit, and back at once: a launch",
        "[launch, exit, launch, exit]",
        [
            (0, "launch", "pages/a"),
            (1, "view", "pages/a"),
            (2, "launch", "pages/a"),
            (3, "view", "pages/a"),
        ],
    ),
    (
        "back reveals the page below",
        "[launch, view: pages/b, view: pages/c, back: 2, exit]",
        [
            (0, "launch", "pages/a"),
            (1, "view", "pages/a"),
            (2, "view", "pages/b"),
            (3, "view", "pages/c"),
            (4, "view", "pages/a"),
        ],
    ),
    (
        "class B return: the given path",
        "[launch, view: pages/b, hide: 1m, show: {path: pages/c, scene: 1007}, exit]",
        [
            (0, "launch", "pages/a"),
            (1, "view", "pages/a"),
            (2, "view", "pages/b"),
            (MINUTE + 2, "show", "pages/c"),
            (MINUTE + 2, "view", "pages/c"),
        ],
    ),
    (
        "class A return: the former top page whatever the path",
        "[launch, view: pages/b, hide: 1m, show: {path: pages/c, scene: 1089}, exit]",
        [
            (0, "launch", "pages/a"),
            (1, "view", "pages/a"),
            (2, "view", "pages/b"),
            (MINUTE + 2, "show", "pages/c"),
            (MINUTE + 2, "view", "pages/b"),
        ],
    ),
    (
        "think comes after each time",
        "[launch, {view: pages/b, times: 2, think: 5s}, {track: c_buy, think: 1s}, view: pages/c, exit]",
        [
            (0, "launch", "pages/a"),
            (1, "view", "pages/a"),
            (2, "view", "pages/b"),
            (5_002, "view", "pages/b"),
            (10_002, "track", ""),
            (11_002, "view", "pages/c"),
        ],
    ),
    (
        "killed in the background: the next entry is a launch",
        "[launch, kill: 10s, launch, exit]",
        [
            (0, "launch", "pages/a"),
            (1, "view", "pages/a"),
            (10_001, "launch", "pages/a"),
            (10_002, "view", "pages/a"),
        ],
    ),
]


@pytest.mark.parametrize(("steps", "expected"), [case[1:] for case in CASES], ids=[case[0] for case in CASES])
def test_steps(steps: str, expected: list[tuple[int, str, str]]) -> None:
    visit = only_visit(scenario(_block(steps)))

    assert story(visit) == expected


def _block(flow: str) -> str:
    """A flow list of steps as the block the builder wants: the loader reads both."""
    return "- repeat: 1\n  steps: " + flow


def test_a_show_takes_an_instant_of_its_own_where_it_is_sent() -> None:
    visit = only_visit(scenario(_block("[launch, hide: 1m, show, exit]")), foreground_event=True)

    assert story(visit)[2:] == [(MINUTE + 1, "show", ""), (MINUTE + 2, "view", "pages/a")]


def test_no_view_on_return_where_the_app_says_so() -> None:
    visit = only_visit(scenario(_block("[launch, hide: 1m, show, exit]"), app="view_on_return: false"))

    assert [kind for _, kind, _ in story(visit)] == ["launch", "view", "show"]


def test_the_older_destroy_rule_is_five_minutes() -> None:
    visit = only_visit(scenario(_block("[launch, hide: 5m, show, exit]"), app="destroy: 5m"))

    assert [kind for _, kind, _ in story(visit)] == ["launch", "view", "launch", "view"]


def test_back_below_the_bottom_page_is_a_scenario_error() -> None:
    with pytest.raises(ScenarioError, match="only 1 page open"):
        only_visit(scenario("- launch\n- maybe: 0%\n  steps: [view: pages/b]\n- back\n- exit"))


SOURCES = """
  ad: {scene: 1045, path: "pages/a?cl_sr=ad&cl_ctnm=%E6%98%A5&cl_source2=x"}
  card: {scene: 1007, path: "pages/b?cl_sr=card"}
  named: {scene: 1007, path: "pages/b?cl_ctnm=only_content"}
  plain: {scene: 1089}
  coded: {scene: 1047, code: p7, path: "pages/c?cl_sr=poster&cl_ctnm=海报"}
"""
AD, CARD = Source("ad", "春", (("source2", "x"),)), Source("card")

SOURCE_CASES = [
    ("a launch sets it", "[launch: ad, exit]", [AD, AD]),
    ("a launch without parameters has none", "[launch: ad, exit, launch: plain, exit]", [AD, AD, Source(), Source()]),
    ("a show without parameters keeps it", "[launch: ad, hide: 1m, show, exit]", [AD] * 4),
    ("a show with cl_sr replaces all of it", "[launch: ad, hide: 1m, show: card, exit]", [AD, AD, CARD, CARD]),
    ("cl_ctnm alone does not replace it", "[launch: ad, hide: 1m, show: named, exit]", [AD] * 4),
    (
        "a show with a code replaces it",
        "[launch: ad, hide: 1m, show: coded, exit]",
        [AD, AD, Source("poster", "海报"), Source("poster", "海报")],
    ),
    ("destruction forgets it", "[launch: ad, hide: 30m, show, exit]", [AD, AD, Source(), Source()]),
]


@pytest.mark.parametrize(
    ("steps", "expected"), [case[1:] for case in SOURCE_CASES], ids=[case[0] for case in SOURCE_CASES]
)
def test_source(steps: str, expected: list[Source]) -> None:
    visit = only_visit(scenario(_block(steps), sources=SOURCES))

    shown = [event for event in visit.events if event.kind in {Kind.LAUNCH, Kind.SHOW, Kind.VIEW}]
    assert [event.source for event in shown] == expected


def test_method_2_carries_the_code_and_knows_the_link() -> None:
    visit = only_visit(scenario(_block("[launch: coded, exit]"), sources=SOURCES))
    launch = visit.events[0]

    assert (launch.page, launch.query, launch.code) == ("pages/c", "scene=p7", "p7")
    assert launch.link == "pages/c?cl_sr=poster&cl_ctnm=%E6%B5%B7%E6%8A%A5"


def test_a_push_skips_types_that_the_visitor_lacks() -> None:
    visit = only_visit(scenario(_block("[launch, push: [mobile, applet-wechat], exit]"), visitors="vars: {sku: [x]}"))
    (push,) = [event for event in visit.events if event.kind is Kind.PUSH]
    (openid,) = visit.identities

    assert push.pushed == (("identityType2", "applet-wechat"), ("identityValue2", openid.value))


def test_a_push_as_the_tracker_takes_it_may_name_its_own_value() -> None:
    steps = "[launch, push: {identityType: wechat, identityValue: oTEST, level: gold}, exit]"
    visit = only_visit(scenario(_block(steps)))
    (push,) = [event for event in visit.events if event.kind is Kind.PUSH]

    assert push.pushed == (("identityType", "wechat"), ("identityValue", "oTEST"), ("level", "gold"))


def test_variables_are_filled_and_encoded_in_paths() -> None:
    steps = '[launch, view: "pages/b?id={sku}", track: {event: c_buy, id: "{sku}"}, exit]'
    visit = only_visit(scenario(_block(steps), visitors='vars: {sku: ["a&b 春"]}'))

    assert [event.query for event in visit.events if event.page == "pages/b"] == ["id=a%26b%20%E6%98%A5"]
    assert [event.call.id for event in visit.events if event.call] == ["a&b 春"]


def test_unsent_events_of_a_kill_are_lost_and_the_others_are_not() -> None:
    visit = only_visit(scenario(_block("[launch, view: pages/b, kill: {after: 10s, unsent: 2}]")))

    assert [event.delivery.lost for event in visit.events if event.kind is not Kind.HIDE] == [False, True, True]


def test_offline_events_leave_when_the_network_is_back() -> None:
    steps = "[launch, {offline: 1m, steps: [{view: pages/b, think: 10s}, view: pages/c]}, view: pages/a, exit]"
    visit = only_visit(scenario(_block(steps)))
    leaves = [(event.at - visit.arrival, event.delivery.leaves - visit.arrival) for event in visit.events[1:5]]

    assert leaves == [(1, 1), (2, 10_002 + MINUTE), (10_002, 10_002 + MINUTE), (10_003, 10_002 + MINUTE)]


def test_a_late_event_keeps_its_instant() -> None:
    visit = only_visit(scenario(_block("[launch, {view: pages/b, late: 20m}, exit]")))
    late = visit.events[2]

    assert (late.at - visit.arrival, late.delivery.leaves - late.at) == (2, 20 * MINUTE)


def test_skew_moves_the_date_of_what_follows() -> None:
    visit = only_visit(scenario(_block('[launch, skew: "-90s", view: pages/b, skew: 0s, view: pages/c, exit]')))

    assert [event.delivery.skew for event in visit.events if event.kind is Kind.VIEW] == [0, -90_000, 0]
