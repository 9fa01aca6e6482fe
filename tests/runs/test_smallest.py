"""The search for the smallest set: what it finds, what it promises, and what it costs."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from simulator.runs.smallest import Shows, Smallest, Visitors, one_a_block, smallest_set

EVERYBODY = range(30)
PLENTY = 10_000


def together(*needed: int) -> Shows:
    """A fault that shows when all of these come."""
    return lambda visitors: set(needed) <= set(visitors)


def at_least(count: int) -> Shows:
    """A fault that shows when so many come, whoever they are."""
    return lambda visitors: len(visitors) >= count


def never(_: Visitors) -> bool:
    return False


CASES = [
    ("one suspect alone", [7, 9], together(7), (7,), 1),
    ("another suspect", [7, 9], together(9), (9,), 3),
    ("somebody nobody suspected", [7, 9], together(0), (0,), 10),
    ("nobody is suspected", [], together(0), (0,), 1),
    ("two who meet", [], together(3, 20), (3, 20), 20),
    ("nobody shows it", [7, 9], never, (), 4),
]


@pytest.mark.parametrize(
    ("suspects", "shows", "visitors", "most"), [case[1:] for case in CASES], ids=[case[0] for case in CASES]
)
def test_what_is_found(suspects: list[int], shows: Shows, visitors: Visitors, most: int) -> None:
    found = smallest_set(suspects, EVERYBODY, shows)

    assert (found.visitors, found.least) == (visitors, bool(visitors))
    assert found.tries <= most


def test_so_many_visitors_are_needed() -> None:
    found = smallest_set([], EVERYBODY, at_least(13))

    assert (len(found.visitors), found.least) == (13, True)
    assert found.tries <= 25


@pytest.mark.parametrize(("most", "found"), [(1, ()), (2, ()), (3, tuple(EVERYBODY))])
def test_the_tries_are_used_up(most: int, found: Visitors) -> None:
    assert smallest_set([], EVERYBODY, at_least(29), most) == Smallest(found, most, least=False)


@pytest.mark.parametrize(
    ("visitors", "block", "chosen"),
    [([], 2, ()), ([5, 3, 4], 1, (5, 3, 4)), ([5, 3, 4, 2], 2, (5, 3)), ([0, 1, 2, 3], 4, (0,))],
)
def test_one_visitor_stands_for_a_block(visitors: list[int], block: int, chosen: Visitors) -> None:
    assert one_a_block(visitors, block) == chosen


@given(
    needed=st.sets(st.sampled_from(EVERYBODY), min_size=1, max_size=6),
    suspects=st.lists(st.sampled_from(EVERYBODY), max_size=5),
)
def test_who_is_needed_together_is_found_exactly(needed: set[int], suspects: list[int]) -> None:
    found = smallest_set(suspects, EVERYBODY, together(*needed), PLENTY)

    assert (found.visitors, found.least) == (tuple(sorted(needed)), True)


@given(shown=st.sets(st.frozensets(st.integers(0, 6))), suspects=st.lists(st.integers(0, 6)), most=st.integers(1, 60))
def test_whatever_shows_it_is_shown_by_what_is_found(
    shown: set[frozenset[int]], suspects: list[int], most: int
) -> None:
    """Of any fault, also one that needs somebody to stay away."""
    tried: list[Visitors] = []

    def shows(visitors: Visitors) -> bool:
        tried.append(visitors)
        return frozenset(visitors) in shown and len(visitors) > 0

    found = smallest_set(suspects, range(7), shows, most)

    assert len(set(tried)) == len(tried) == found.tries <= most
    if found.visitors:
        assert frozenset(found.visitors) in shown
    elif found.tries < most:
        assert tuple(range(7)) in tried
    if found.least and len(found.visitors) > 1:
        assert all(frozenset(found.visitors) - {one} not in shown for one in found.visitors)
