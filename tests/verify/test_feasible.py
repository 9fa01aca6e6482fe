"""Totals that are possible one by one, and impossible together."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import product

import pytest
from hypothesis import given
from hypothesis import strategies as st

from simulator.contract import Contract
from simulator.finding import Finding, Judged, Verdict
from simulator.scenario.model import Expect
from simulator.verify.feasible import conflict
from simulator.verify.judging import impossible_together, judge
from simulator.verify.oracle import Expectations, cell_kinds
from simulator.verify.readers.reading import Reading
from simulator.verify.sighting import Sighting
from tests.verify import brute
from tests.verify.histories import (
    DAY_AFTER,
    MIDNIGHT,
    RULES,
    C,
    P,
    contract,
    custom,
    devices_only,
    examples,
    expect,
    opened,
    view,
    worlds,
)
from tests.verify.test_oracle_bounds import histories

T30 = contract("timeout=30m", "device")


def together(found: Expectations, said: Mapping[tuple[str, str, str], int]) -> Finding | None:
    cells: dict[str, dict[str, dict[str, int | None]]] = {by: {} for by in cell_kinds("pv")}
    for (metric, by, cell), value in said.items():
        cells[by].setdefault(cell, dict.fromkeys(("pv", "uv", "opens", "new_users"), 0))[metric] = value
    judged: tuple[Judged, ...] = judge(found, Reading(cells), Expect())
    return impossible_together(found, judged, Expect())


def test_an_open_begins_in_one_hour_or_the_other() -> None:
    """The model's fourth vector: hour 0 and hour 1 may each have the open, and never both."""
    history = [view(59, P), view(61)]
    found = expect(history, T30)
    stored = brute.count([history[0].record, history[1].record], T30, MIDNIGHT, DAY_AFTER)
    absent = brute.count([history[1].record], T30, MIDNIGHT, DAY_AFTER)
    both = {**stored, ("opens", "hour", "2026-03-01T01:00+08:00"): 1}

    assert together(found, stored) is None
    assert together(found, absent) is None
    finding = together(found, both)
    assert finding is not None
    assert (finding.code, finding.verdict) == ("aggregation", Verdict.FAIL)
    assert finding.text == (
        "each of these totals is possible, and together they are not, whether or not the event of unknown outcome is "
        "stored: opens by hour 2026-03-01T00:00+08:00 1, opens by hour 2026-03-01T01:00+08:00 1. "
        "Nobody is named: which of them is wrong depends on what is not known"
    )
    assert finding.metrics == ("opens",)


def test_a_cell_on_which_few_have_a_say_is_tried_whatever_is_unknown_elsewhere() -> None:
    """Thirteen others with an unknown event each, hours later: the first two hours are still one visitor's alone."""
    others = [opened(600 + minute, P, device=f"d{minute}") for minute in range(13)]
    history = [view(59, P), view(61), *others]
    found = expect(history, T30)
    absent = brute.count([history[1].record], T30, MIDNIGHT, DAY_AFTER)
    both = {**absent, ("opens", "hour", "2026-03-01T00:00+08:00"): 1}

    assert together(found, absent) is None
    finding = together(found, both)
    assert finding is not None
    assert "opens by hour 2026-03-01T00:00+08:00 1, opens by hour 2026-03-01T01:00+08:00 1" in finding.text


def test_cells_of_visitors_whose_worlds_are_too_many_are_left_out() -> None:
    """Somebody with fourteen unknown events has a say in the same hours, so nothing is said of these."""
    many = [view(minute, P, device="many") for minute in range(14)] + [view(62, P, device="many")]
    history = [view(59, P), view(61), *many]
    found = expect(history, T30)
    absent = brute.count([history[1].record], T30, MIDNIGHT, DAY_AFTER)

    assert ("opens", "hour", "2026-03-01T00:00+08:00") in found.closed
    assert together(found, {**absent, ("opens", "hour", "2026-03-01T00:00+08:00"): 1}) is None


def test_views_of_one_total_and_users_of_another_world() -> None:
    """Two unknown visitors: one view can only come with one user."""
    history = [view(0, P, device="a", page="p/a"), view(5, P, device="b", page="p/b")]
    found = expect(history, contract())
    one = brute.count([history[0].record], contract(), MIDNIGHT, DAY_AFTER)

    assert together(found, one) is None
    assert together(found, {**one, ("uv", "all", ""): 2}) is not None


@pytest.mark.parametrize(
    ("history", "choices"),
    [
        ([opened(minute, P, device=f"d{minute}") for minute in range(13)], 13),
        ([view(0, (0, 2))], 0),
        ([view(0, C), custom(1, C)], 0),
    ],
    ids=["thirteen unknown events", "an unknown number of copies", "nothing unknown"],
)
def test_nothing_is_said_where_it_is_not_known(history: list[Sighting], choices: int) -> None:
    found = expect(history, contract())

    assert len(found.choices) == choices
    assert together(found, {}) is None


KEYS = [("pv", "hour", str(hour)) for hour in range(4)]
GROUPS = st.lists(
    st.lists(st.dictionaries(st.sampled_from(KEYS), st.integers(1, 2), max_size=3), min_size=1, max_size=3), max_size=5
)
SUMS = st.dictionaries(st.sampled_from(KEYS), st.integers(0, 6))


def summed(chosen: Sequence[Mapping[tuple[str, str, str], int]]) -> dict[tuple[str, str, str], int]:
    return {key: sum(totals.get(key, 0) for totals in chosen) for key in KEYS}


@given(GROUPS, SUMS, st.sets(st.sampled_from(KEYS), max_size=2))
@examples(1_000)
def test_a_conflict_is_told_just_where_no_choices_add_up(
    groups: list[list[dict[tuple[str, str, str], int]]],
    said: dict[tuple[str, str, str], int],
    closed: set[tuple[str, str, str]],
) -> None:
    """By trying every choice. Totals on which no choice has a say are judged one by one, and not here."""
    worlds = [summed(chosen) for chosen in product(*groups)]
    decided = {key for key in KEYS if len({world[key] for world in worlds}) > 1} - closed
    keys = conflict(said, {}, groups, closed)

    possible = any(all(world[key] == said[key] for key in decided & said.keys()) for world in worlds)
    assert bool(keys) is not possible
    assert set(keys) <= decided & said.keys()
    assert not any(all(world[key] == said[key] for key in keys) for world in worlds) or not keys
    for left_out in keys:
        assert any(all(world[key] == said[key] for key in keys if key != left_out) for world in worlds)


@given(histories(), RULES, st.data())
@examples(100)
def test_every_world_is_possible_together(history: list[Sighting], rules: Contract, data: st.DataObject) -> None:
    history = devices_only(history, rules)
    found = expect(history, rules)

    for world in data.draw(worlds(history, rules)):
        assert together(found, brute.count(world, rules, MIDNIGHT, DAY_AFTER)) is None
