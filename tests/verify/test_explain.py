"""Derivations, read as prose."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given

from simulator.contract import Contract
from simulator.verify.explain import derive, told
from simulator.verify.sighting import Sighting
from tests.verify.histories import DAY_AFTER, MIDNIGHT, RULES, contract, custom, examples, expect, left, opened, view
from tests.verify.test_oracle_bounds import histories

T30 = contract("timeout=30m")


def explained(metric: str, history: list[Sighting], rules: Contract, visitor: int = 0) -> list[str]:
    return list(told(derive(metric, visitor, history, rules, MIDNIGHT, DAY_AFTER)))


def of_visitor(number: int, *history: Sighting) -> list[Sighting]:
    return [replace(one, record=replace(one.record, visitor=number)) for one in history]


def test_opens_by_timeout() -> None:
    history = [opened(0, source="ad"), view(30, page="p/a"), view(60 + 1 / 60_000, page="p/b"), left(61), view(62)]

    assert explained("opens", history, T30) == [
        "opens of visitor 0: 3 = 1 launch + 1 event more than 30m after the one before + 1 event after an exit",
        "  2026-03-01T00:00:00+08:00      +1  mini_program_open: a launch; source ad; content (none); "
        "hour 2026-03-01T00:00+08:00; day 2026-03-01",
        "  2026-03-01T00:30:00+08:00       0  mini_program_view p/a: 30m after the event before, not more than 30m: "
        "the open goes on",
        "  2026-03-01T01:00:00.001+08:00  +1  mini_program_view p/b: 30m0.001s after the event before: "
        "an event more than 30m after the one before; source (none); content (none); "
        "hour 2026-03-01T01:00+08:00; day 2026-03-01",
        "  2026-03-01T01:01:00+08:00       0  exit: an exit ends the open",
        "  2026-03-01T01:02:00+08:00      +1  mini_program_view: an event after an exit; source (none); "
        "content (none); hour 2026-03-01T01:00+08:00; day 2026-03-01",
    ]


def test_opens_by_launch_are_the_launches() -> None:
    found = explained("opens", [opened(0), view(1), custom(2), opened(50)], contract())

    assert found[0] == "opens of visitor 0: 2 = 2 launches"
    assert len(found) == 3


def test_a_new_user_and_a_known_one() -> None:
    history = [
        *of_visitor(0, opened(5, device="a", openid="X"), view(6, device="a", page="p/a")),
        *of_visitor(1, opened(-600, device="b", openid="Y"), opened(9, device="b", openid="Y")),
    ]

    assert explained("new_users", history, contract()) == [
        "new_users of visitor 0: 1 = 1 new user",
        "  2026-03-01T00:05:00+08:00  +1  mini_program_open: the first open or view ever of user X; source (none); "
        "content (none); hour 2026-03-01T00:00+08:00; day 2026-03-01",
        "  2026-03-01T00:06:00+08:00   0  mini_program_view p/a: user X is known since 2026-03-01T00:05:00+08:00",
    ]
    assert explained("new_users", history, contract(), 1) == [
        "new_users of visitor 1: 0",
        "  2026-02-28T14:00:00+08:00   0  mini_program_open: the first open or view ever of user Y, so they are known "
        "from then on; outside the period",
        "  2026-03-01T00:09:00+08:00   0  mini_program_open: user Y is known since 2026-02-28T14:00:00+08:00",
    ]


def test_a_user_who_counts_as_another_visitor() -> None:
    history = [
        *of_visitor(0, opened(5, device="a", openid="X")),
        *of_visitor(1, opened(9, device="b", openid="X")),
    ]

    assert explained("uv", history, contract(), 1) == [
        "uv of visitor 1: 0",
        "  2026-03-01T00:09:00+08:00   0  mini_program_open: user X, who counts here already as visitor 0",
    ]


def test_events_that_count_nowhere_say_why() -> None:
    bad = view(3)
    history = [view(1, page="p/a"), view(-1), replace(bad, record=replace(bad.record, bad="date is unreadable"))]

    assert explained("pv", history, contract()) == [
        "pv of visitor 0: 1 = 1 view",
        "  2026-02-28T23:59:00+08:00   0  mini_program_view: a view of a page without a name; outside the period",
        "  2026-03-01T00:01:00+08:00  +1  mini_program_view p/a: a view of p/a; source (none); content (none); "
        "hour 2026-03-01T00:00+08:00; day 2026-03-01; page p/a",
        "  2026-03-01T00:03:00+08:00   0  mini_program_view: counts nowhere, it is malformed: date is unreadable",
    ]


@pytest.mark.parametrize("metric", ["pv", "uv", "opens", "new_users"])
@given(history=histories(), rules=RULES)
@examples(100)
def test_the_parts_of_all_visitors_add_up(metric: str, history: list[Sighting], rules: Contract) -> None:
    """Each number of a derivation is the sum of its lines, and the visitors' parts are the total."""
    certain = [
        replace(one, low=one.high, record=replace(one.record, visitor=place % 3)) for place, one in enumerate(history)
    ]
    parts = [derive(metric, visitor, certain, rules, MIDNIGHT, DAY_AFTER) for visitor in range(3)]

    assert all(sum(line.counts for line in part.lines) == part.count for part in parts)
    assert sum(part.count for part in parts) == expect(certain, rules).intervals[metric, "all", ""].low
