"""Arrivals: the instant where the integral of the rate is k, or the k-th of a list; and whose phase that is."""

from __future__ import annotations

import itertools
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from fractions import Fraction
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from simulator.journey.arrivals import (
    Arrivals,
    Schedule,
    Stretch,
    closed_start,
    due_by,
    event_offset,
    make_listed,
    make_schedule,
    offset_us,
    visitors_of,
)
from simulator.scenario.model import Phase
from simulator.times import Ms, parse_instant

START = parse_instant("2026-03-02T00:00:00+08:00")  # a Monday


def schedule(
    *phases: Mapping[str, object],
    count: int | None = None,
    poisson: bool = False,
    speed: int = 1,
    start: str = "",
    zone: str = "Asia/Shanghai",
) -> Schedule:
    made = [Phase.model_validate(phase) for phase in phases]
    begin = parse_instant(start) if start else START
    return make_schedule(made, count=count, poisson=poisson, seed=3, start=begin, speed=Fraction(speed), zone=zone)


def by_hour(**factors: float) -> list[float]:
    """Factors of the named hours, such as h2=1.5; the others are 0."""
    return [factors.get(f"h{hour}", 0.0) for hour in range(24)]


def offsets(of: Arrivals) -> list[int]:
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


HOURS = [
    # what happens to the clock, its zone, an instant before it, factors, wall seconds of the arrivals
    ("an hour is skipped", "Europe/Berlin", "2026-03-29T00:00:00+01:00", by_hour(h1=1, h2=5, h3=2), [1, 2, 2.5]),
    ("an hour comes twice", "Europe/Berlin", "2026-10-25T00:00:00+02:00", by_hour(h2=2, h3=1), [2, 2.5, 3, 3.5, 4]),
    ("half an hour is skipped", "Australia/Lord_Howe", "2026-10-04T00:00:00+10:30", by_hour(h2=4, h3=2),
     [2, 2.25, 2.5, 3]),
    ("half an hour comes twice", "Australia/Lord_Howe", "2026-04-05T00:00:00+11:00", by_hour(h1=2, h2=1),
     [1, 1.5, 2, 2.5]),
    ("hours begin at half past in UTC", "Asia/Kolkata", "2026-03-01T05:30:00+05:30", by_hour(h5=2, h6=1), [0, 0.5]),
    ("the start is within an hour", "Asia/Shanghai", "2026-03-01T09:45:00+08:00", by_hour(h9=4, h10=1), [0, 0.25]),
]  # fmt: skip


@pytest.mark.parametrize(
    ("zone", "start", "hours", "wanted"), [row[1:] for row in HOURS], ids=[row[0] for row in HOURS]
)
def test_hours_are_those_of_the_local_clock(zone: str, start: str, hours: list[float], wanted: list[float]) -> None:
    """One event hour is one wall second."""
    made = schedule({"rate": "1/s", "for": "6s", "hours": hours}, speed=3600, start=start, zone=zone)

    assert offsets(made) == [at * 1_000_000 for at in wanted]


DAYS = [
    ("a day of 23 hours", "2026-03-28T00:00:00+01:00", 23),
    ("a day of 25 hours", "2026-10-24T00:00:00+02:00", 25),
    ("a day of 24 hours", "2026-06-20T00:00:00+02:00", 24),
]


@pytest.mark.parametrize(("start", "visitors"), [row[1:] for row in DAYS], ids=[row[0] for row in DAYS])
def test_days_are_as_long_as_the_local_calendar_has_them(start: str, visitors: int) -> None:
    """One visitor each hour of Sunday, from Saturday's midnight on; one event hour is one wall second."""
    days = [0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 1.0]
    made = schedule({"rate": "1/s", "for": "72s", "days": days}, speed=3600, start=start, zone="Europe/Berlin")

    assert offsets(made) == [(24 + hour) * 1_000_000 for hour in range(visitors)]


@pytest.mark.parametrize(
    ("phase", "speed", "said"),
    [
        ({"rate": "1/s", "for": "366d"}, 1_000, "the arrivals last longer than 36600d in event time"),
        ({"rate": "1/s", "for": "366d", "days": [1.0] * 7}, 11, "arrivals that follow the hours or days last longer"),
    ],
    ids=["past the calendar", "with a segment for every hour"],
)
def test_arrivals_that_last_too_long_are_an_error(phase: dict[str, object], speed: int, said: str) -> None:
    with pytest.raises(ValueError, match=said):
        schedule(phase, speed=speed)


shapes = st.lists(st.sampled_from([0.0, 0.5, 1.0, 3.0]), min_size=24, max_size=24).filter(any)
weeks = st.lists(st.sampled_from([0.0, 1.0, 2.0]), min_size=7, max_size=7).filter(any)
midnights = st.sampled_from(
    [
        ("Europe/Berlin", "2026-03-28T12:00:00+01:00"),
        ("Europe/Berlin", "2026-10-24T12:15:00+02:00"),
        ("Australia/Lord_Howe", "2026-10-03T12:00:00+10:30"),
        ("Australia/Lord_Howe", "2026-04-04T12:45:00+11:00"),
        ("Asia/Shanghai", "2026-03-01T00:30:00+08:00"),
    ]
)


@settings(max_examples=60, deadline=None)
@given(shapes, weeks, midnights, st.integers(0, 40), st.integers(1, 40))
def test_the_integral_of_a_shaped_rate_is_what_adding_up_quarter_hours_says(
    hours: list[float], days: list[float], where: tuple[str, str], low: int, high: int
) -> None:
    """One event quarter-hour is one wall second; a ramp over 36 event hours."""
    zone, start = where
    length = 144
    phase = {"rate": f"{low}/s..{high}/s", "for": f"{length}s", "hours": hours, "days": days}
    made = schedule(phase, speed=900, start=start, zone=zone)
    begin = datetime.fromisoformat(start)

    def integral(at_us: int) -> Fraction:
        total = Fraction(0)
        for quarter in range(length):
            until = min(Fraction(at_us, 1_000_000), Fraction(quarter + 1))
            if until <= quarter:
                break
            local = (begin.astimezone(UTC) + timedelta(minutes=15 * quarter)).astimezone(ZoneInfo(zone))
            factor = Fraction(hours[local.hour]) * Fraction(days[local.weekday()])
            middle = low + (high - low) * (quarter + until) / 2 / length
            total += factor * middle * (until - quarter)
        return total

    assert made.total == integral(length * 1_000_000)
    for visitor in range(0, made.count, 97):
        at = offset_us(made, visitor)
        assert integral(at) <= visitor <= integral(at + 1)


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


def test_a_list_says_the_event_time_whatever_the_speed() -> None:
    listed = make_listed([0, 1, 1, 1_000, 3_600_001], count=None, speed=Fraction(7), name="")

    assert [event_offset(listed, visitor, Fraction(7)) for visitor in range(5)] == [0, 1, 1, 1_000, 3_600_001]
    assert offsets(listed) == [0, 142, 142, 142_857, 514_285_857]


def test_a_list_is_taken_as_far_as_count_goes() -> None:
    assert offsets(make_listed([5, 6, 7], count=2, speed=Fraction(1), name="")) == [5_000, 6_000]
    with pytest.raises(ValueError, match="bring 3 visitors, fewer than"):
        make_listed([5, 6, 7], count=4, speed=Fraction(1), name="")


def test_a_list_is_one_phase_until_its_last_visitor_has_come() -> None:
    listed = make_listed([5, 6_000, 7_000], count=2, speed=Fraction(1), name="monday")

    assert listed.stretches == (Stretch("monday", "", 0, 6_000_001),)
    assert visitors_of(listed) == (range(2),)


def test_a_list_in_which_all_come_at_once_is_a_phase_of_a_second() -> None:
    assert make_listed([0, 0], count=None, speed=Fraction(9), name="").stretches == (Stretch("", "", 0, 1_000_000),)


def test_a_visitor_on_the_border_belongs_to_the_phase_that_begins_there() -> None:
    made = schedule({"name": "slow", "rate": "1/s", "for": "2s"}, {"rate": "0/s..2/s", "for": "4s"})

    assert made.stretches == (Stretch("slow", "1/s", 0, 2_000_000), Stretch("", "0/s..2/s", 2_000_000, 4_000_000))
    assert offsets(made)[2] == 2_000_000
    assert visitors_of(made) == (range(2), range(2, 6))


def test_a_phase_in_which_nobody_comes_has_no_visitors() -> None:
    made = schedule({"rate": "2/s", "for": "1s"}, {"rate": "0/s", "for": "9s"}, {"rate": "1/s", "for": "2s"}, count=3)

    assert visitors_of(made) == (range(2), range(2, 2), range(2, 3))


@settings(max_examples=40, deadline=None)
@given(st.lists(st.tuples(rates, st.integers(1, 8)), min_size=1, max_size=4), st.booleans())
def test_every_visitor_belongs_to_the_phase_in_which_it_arrives(
    phases: list[tuple[tuple[int, int], int]], poisson: bool
) -> None:
    made = schedule(
        *({"rate": f"{low}/s..{high}/s", "for": f"{seconds}s"} for (low, high), seconds in phases), poisson=poisson
    )
    ends = list(itertools.accumulate(seconds * 1_000_000 for _, seconds in phases))
    wanted = [[k for k, at in enumerate(offsets(made)) if end - seconds * 1_000_000 <= at < end]
              for end, (_, seconds) in zip(ends, phases, strict=True)]  # fmt: skip

    assert [list(visitors) for visitors in visitors_of(made)] == wanted


@given(
    st.lists(st.tuples(rates, st.integers(1, 8)), min_size=1, max_size=3),
    st.integers(1, 2_300),
    st.booleans(),
    st.integers(-1, 30_000_000),
)
@settings(deadline=None, max_examples=60)
def test_who_is_due_by_an_instant_is_whoever_comes_no_later(
    phases: list[tuple[tuple[int, int], int]], count: int, poisson: bool, until_us: int
) -> None:
    made = [{"rate": f"{low}/s..{high}/s", "for": f"{seconds}s"} for (low, high), seconds in phases]
    made.append({"rate": "400/s", "for": "6s"})
    of = schedule(*made, count=count, poisson=poisson)

    assert due_by(of, until_us) == sum(offset <= until_us for offset in offsets(of))


def test_who_is_due_by_an_instant_of_a_list() -> None:
    of = make_listed([0, 10, 10, 20], count=None, speed=Fraction(1), name="")

    assert [due_by(of, ms * 1_000) for ms in (-1, 0, 9, 10, 19, 20, 99)] == [0, 1, 1, 3, 3, 4, 4]
