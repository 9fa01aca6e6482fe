"""Numbers of several workers as one: counts add up, instants are the first and the last, histograms are merged."""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path
from typing import Any

import msgpack  # type: ignore[import-untyped]
import pytest
from hypothesis import given
from hypothesis import strategies as some

from simulator.journey.plan import Plan
from simulator.ledger.histogram import Histogram
from simulator.load.messages import BadMessage, told
from simulator.load.numbers import Times, Told, numbers, together
from simulator.scenario.load import load_scenario_text
from tests.builders import plan


def test_two_workers_are_one() -> None:
    one = Told({"a": 2, "b": 1}, {"sent": 50}, {"done": 70}, {"late": Histogram([1, 9])}, {"lookups": ({"n": 1},)})
    two = Told({"a": 3, "c": 4}, {"sent": 40}, {"done": 60}, {"late": Histogram([5])}, {"lookups": ({"n": 2},)})
    both = together([one, two])

    assert (both.counts, both.firsts, both.lasts) == ({"a": 5, "b": 1, "c": 4}, {"sent": 40}, {"done": 70})
    assert [both.histograms["late"].percentile(p) for p in (50, 100)] == [5, 9]
    assert both.examples == {"lookups": ({"n": 1}, {"n": 2})}


def test_what_has_not_happened_is_not_the_first() -> None:
    assert together([Told(firsts={"sent": 0}), Told(firsts={"sent": 7})]).firsts == {"sent": 7}
    assert together([Told(firsts={"sent": 0})]).firsts == {"sent": 0}


def test_nobody_is_nothing() -> None:
    assert together([]) == Told()
    assert (Told().sent, Told().failed, Told().count("anything")) == (0, 0, 0)


def test_putting_together_changes_none_of_the_parts() -> None:
    part = Told(histograms={"late": Histogram([1])})
    together([part, part])

    assert part.histograms["late"].count == 1


counts = some.dictionaries(some.sampled_from("abc"), some.integers(0, 1 << 60))
tellings = some.builds(
    Told,
    counts,
    counts,
    counts,
    some.dictionaries(some.sampled_from("xy"), some.builds(Histogram, some.lists(some.integers(0, 1 << 40)))),
)


def plain(one: Told) -> dict[str, Any]:
    return one.as_json()


@given(some.lists(tellings, max_size=4))
def test_numbers_arrive_as_they_were_told(made: list[Told]) -> None:
    for one in made:
        arrived = msgpack.loads(msgpack.dumps({"told": one.as_json()}), raw=False, strict_map_key=False)

        assert plain(told(arrived, "told")) == plain(one)


@given(some.lists(tellings, min_size=1, max_size=4), some.randoms(use_true_random=False))
def test_the_order_does_not_matter_and_neither_do_intermediate_sums(made: list[Told], random: Any) -> None:
    shuffled = list(made)
    random.shuffle(shuffled)
    cut = random.randrange(len(made))
    in_two = together([together(made[:cut]), together(made[cut:])])

    assert plain(together(shuffled)) == plain(together(made)) == plain(in_two)


@given(some.lists(some.lists(some.integers(0, 10**9), min_size=1), min_size=1, max_size=3))
def test_a_merged_percentile_is_that_of_all_values(values: list[list[int]]) -> None:
    merged = together(Told(histograms={"late": Histogram(each)}) for each in values).histograms["late"]
    whole = Histogram([value for each in values for value in each])

    assert [merged.percentile(Fraction(p)) for p in (50, 99, 100)] == [
        whole.percentile(Fraction(p)) for p in (50, 99, 100)
    ]


def histogram(*buckets: list[int]) -> dict[str, Any]:
    return Told().as_json() | {"histograms": {"h": {"buckets": list(buckets), "total": 0, "largest": 0}}}


NOT_TOLD: list[tuple[str, object]] = [
    ("nothing", None),
    ("a list", []),
    ("a kind is missing", {"counts": {}}),
    ("no number", Told().as_json() | {"counts": {"a": "x"}}),
    ("a bucket below zero", histogram([-1, 1])),
    ("an empty bucket", histogram([1, 0])),
    ("too many names", Told().as_json() | {"counts": {str(n): 1 for n in range(1_001)}}),
]


@pytest.mark.parametrize("value", [n[1] for n in NOT_TOLD], ids=[n[0] for n in NOT_TOLD])
def test_what_is_no_telling_is_refused(value: object) -> None:
    with pytest.raises(BadMessage, match="are no numbers"):
        told({"told": value}, "told")


SECOND = 1_000_000_000
OPEN = "load: {spacing: even, arrivals: [{rate: 10/s, for: 10s}]}"  # visitor k comes after k tenths of a second
CLOSED = "load: {users: 4, each: 1m, clock: {speed: flood}}"
LEFT: list[tuple[str, str, Times, int, float | None]] = [
    ("open: the last one comes after 9.9 s", OPEN, Times(4 * SECOND, 1, started_ns=SECOND), 30, 6.9),
    ("open: all came, some are on their way", OPEN, Times(12 * SECOND, 1, started_ns=SECOND), 90, None),
    ("closed: as fast as so far", CLOSED, Times(4 * SECOND, 1, started_ns=SECOND), 25, 9.0),
    ("closed: nobody is through", CLOSED, Times(4 * SECOND, 1, started_ns=SECOND), 0, None),
    ("not begun", OPEN, Times(4 * SECOND, 1), 0, None),
    ("stopped", OPEN, Times(4 * SECOND, 1, started_ns=SECOND, stopped_ns=3 * SECOND), 30, None),
]


def hundred(load: str) -> Plan:
    head = "scenario: s\napp: {pages: [pages/a]}\nvisitors: {count: 100}\njourneys: {j: {steps: [launch]}}\n"
    return plan(load_scenario_text(head + load, "s.yaml", Path()))


@pytest.mark.parametrize(
    ("load", "times", "finished", "left"), [case[1:] for case in LEFT], ids=[one[0] for one in LEFT]
)
def test_how_long_it_will_take(load: str, times: Times, finished: int, left: float | None) -> None:
    of = hundred(load)

    assert numbers(of, Told({"visitors.finished": finished}), times)["left"] == left


def test_of_a_load_that_is_over_nothing_is_left_to_tell() -> None:
    of = hundred(OPEN)

    assert "left" not in numbers(of, Told(), Times(9, 1, started_ns=2, ended_ns=8))
