"""Totals that are possible one by one, and impossible together."""

from __future__ import annotations

from collections.abc import Mapping

import pytest
from hypothesis import given
from hypothesis import strategies as st

from simulator.contract import Contract
from simulator.finding import Finding, Judged, Verdict
from simulator.scenario.model import Expect
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
        "each total is possible, and all of them together are not: "
        "whether or not the event of unknown outcome is stored, some cell is wrong. "
        "Nobody is named: which cell it is depends on what is not known"
    )


def test_views_of_one_total_and_users_of_another_world() -> None:
    """Two unknown visitors: one view can only come with one user."""
    history = [view(0, P, device="a", page="p/a"), view(5, P, device="b", page="p/b")]
    found = expect(history, contract())
    one = brute.count([history[0].record], contract(), MIDNIGHT, DAY_AFTER)

    assert together(found, one) is None
    assert together(found, {**one, ("uv", "all", ""): 2}) is not None


@pytest.mark.parametrize(
    "history",
    [
        [opened(minute, P, device=f"d{minute}") for minute in range(13)],
        [view(0, (0, 2))],
        [view(0, C), custom(1, C)],
    ],
    ids=["thirteen unknown events", "an unknown number of copies", "nothing unknown"],
)
def test_nothing_is_said_where_it_is_not_known(history: list[Sighting]) -> None:
    found = expect(history, contract())

    assert found.choices == ()
    assert together(found, {}) is None


@given(histories(), RULES, st.data())
@examples(100)
def test_every_world_is_possible_together(history: list[Sighting], rules: Contract, data: st.DataObject) -> None:
    history = devices_only(history, rules)
    found = expect(history, rules)

    for world in data.draw(worlds(history, rules)):
        assert together(found, brute.count(world, rules, MIDNIGHT, DAY_AFTER)) is None
