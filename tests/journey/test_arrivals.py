"""Arrivals: the instant where the integral of the rate is k."""

from __future__ import annotations

import itertools
from collections.abc import Mapping
from fractions import Fraction

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from simulator.journey.arrivals import Schedule, closed_start, make_schedule, offset_us
from simulator.scenario.model import Phase
from simulator.times import Ms, parse_instant

START = parse_instant("2026-03-02T00:00:00+08:00")  # a Monday


def schedule(
    *phases: Mapping[str, object], count: int | None = None, poisson: bool = False, speed: int = 1
) -> Schedule:
    made = [Phase.model_validate(phase) for phase in phases]
    zone = "Asia/Shanghai"
    return make_schedule(made, count=count, poisson=poisson, seed=3, start=START, speed=Fraction(speed), zone=zone)


def offsets(of: Schedule) -> list[int]:
    return [offset_us(of, visitor) for visitor in range(of.count)]


def test_a_constant_rate_spaces_evenly_and_stops_before_the_end() -> None:
    assert offsets(schedule({"rate": "4/s", "for": "1s"})) == [0, 250_000, 500_000, 750_000]


def test_a_ramp_arrives_where_the_triangle_has_area_k() -> None:
    # Rate 0 to 2/s over 4 s: the integral is t²/4, so visitor k comes at 2·√k seconds.
    assert offsets(schedule({"rate": "0/s..2/s", "for": "4s"})) == [0, 2_000_000, 2_828_427, 3_464_101]


def test_a_falling_ramp_is_the_mirror_of_a_rising_one() -> None:
    # Rate 2/s to 0 over 4 s: 4 visitors; visitor k comes at 4 - 2·√(4-k) seconds.
    assert offsets(schedule({"rate": "2/s..0/s", "for": "4s"})) == [0, 535_898, 1_171_572, 2_000_000]


def test_phases_follow_each_other() -> None:
    assert offsets(schedule({"rate": "1/s", "for": "2s"}, {"rate": "2/s", "for": "1s"})) == [
        0, 1_000_000, 2_000_000, 2_500_000,
    ]  # fmt: skip


def test_count_caps_the_arrivals() -> None:
    assert len(offsets(schedule({"rate": "100/s", "for": "1s"}, count=7))) == 7


def test_arrivals_that_cannot_reach_the_count_are_an_error() -> None:
    with pytest.raises(ValueError, match="bring 10 visitors, fewer than"):
        schedule({"rate": "10/s", "for": "1s"}, count=11)


def test_the_hours_of_the_day_shape_the_rate() -> None:
    # One event hour is one wall second: 1 visitor in the first hour, 3 in the second, none after that.
    hours = [1.0, 3.0] + [0.0] * 22
    made = schedule({"rate": "1/s", "for": "24s", "hours": hours}, speed=3600)

    assert offsets(made) == [0, 1_000_000, 1_333_333, 1_666_666]


def test_the_days_of_the_week_shape_the_rate() -> None:
    # One event day is one wall second: Monday 2 visitors, Wednesday 1.
    days = [2.0, 0.0, 1.0, 0.0, 0.0, 0.0, 0.0]
    made = schedule({"rate": "1/s", "for": "7s", "days": days}, speed=86_400)

    assert offsets(made) == [0, 500_000, 2_000_000]


rates = st.tuples(st.integers(0, 400), st.integers(0, 400)).filter(lambda pair: sum(pair) > 0)


@settings(max_examples=60, deadline=None)
@given(st.lists(st.tuples(rates, st.integers(1, 8)), min_size=1, max_size=3))
def test_every_instant_brackets_the_integral(phases: list[tuple[tuple[int, int], int]]) -> None:
    """At the microsecond of visitor k the integral is at most k; a microsecond later it is at least k."""
    made = schedule(*({"rate": f"{low}/s..{high}/s", "for": f"{seconds}s"} for (low, high), seconds in phases))

    def integral(at_us: int) -> Fraction:
        total, begin = Fraction(0), 0
        for (low, high), seconds in phases:
            t = Fraction(min(max(at_us - begin, 0), seconds * 1_000_000), 1_000_000)
            total += low * t + Fraction(high - low, 2 * seconds) * t * t
            begin += seconds * 1_000_000
        return total

    found = offsets(made)
    assert all(integral(at) <= k <= integral(at + 1) for k, at in enumerate(found))
    assert found == sorted(found)


@settings(max_examples=30, deadline=None)
@given(st.integers(1, 2500), st.integers(1, 500))
def test_poisson_blocks_stay_on_their_stretch(count: int, rate: int) -> None:
    length = -(-count // rate)
    made = schedule({"rate": f"{rate}/s", "for": f"{length}s"}, count=count, poisson=True)
    found = offsets(made)

    assert found == sorted(found)
    for first in range(0, count, 1000):
        block = found[first : first + 1000]
        assert first / rate * 1e6 - 1 <= block[0]
        assert block[-1] < (first + len(block)) / rate * 1e6 + 1


def test_poisson_gaps_look_exponential() -> None:
    """The mean gap is the rate's, and about 37 % of the gaps are longer than the mean."""
    found = offsets(schedule({"rate": "1000/s", "for": "20s"}, poisson=True))
    gaps = [after - before for before, after in itertools.pairwise(found)]

    assert 0.34 < sum(gap > 1000 for gap in gaps) / len(gaps) < 0.40


def test_the_closed_model_starts_a_round_of_users_every_each() -> None:
    starts = [closed_start(visitor, users=3, each=Ms(10_000), seed=1) for visitor in range(9)]

    assert [start // 10_000 for start in starts] == [0, 0, 0, 1, 1, 1, 2, 2, 2]
    assert len(set(starts)) == 9
