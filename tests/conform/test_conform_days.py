"""Days for cases: none shared, none with a jump of the clock, none too old."""

from __future__ import annotations

from datetime import date, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from simulator.runs.conform.cases import suite
from simulator.runs.conform.days import Need, rounds
from simulator.runs.conform.staging import days_of, local_instant, put_back
from simulator.times import DAY, HOUR, MINUTE, Ms, zone_offset
from tests.conform.grounds import NOW, contract, staged

ZONES = ("Asia/Shanghai", "UTC", "America/New_York", "Europe/Berlin", "Australia/Lord_Howe", "Pacific/Apia")


@given(st.lists(st.integers(1, 9), min_size=1, max_size=40), st.sampled_from(ZONES), st.sampled_from([None, 20, 60]))
def test_no_two_cases_of_a_round_share_a_day_and_no_day_has_a_jump(
    sizes: list[int], zone: str, limit: int | None
) -> None:
    needs = [Need(f"{place}", days) for place, days in enumerate(sizes)]
    max_age = None if limit is None else Ms(limit * DAY)

    made, homeless = rounds(needs, zone, NOW, max_age)

    assert homeless == []
    assert sorted(name for one in made for name in one.first) == sorted(need.name for need in needs)
    for one in made:
        used = [first + timedelta(day) for name, first in one.first.items() for day in range(sizes[int(name)])]
        assert len(used) == len(set(used))
        for day in used:
            begin, end = local_instant(day, (1, 0), zone), local_instant(day, (2, 0), zone)
            assert end < NOW
            assert max_age is None or begin > NOW - max_age
    for one in made:
        for name, first in one.first.items():
            for later in range(min(3, sizes[int(name)])):
                begin = local_instant(first + timedelta(later), (1, 0), zone)
                assert zone_offset(begin, zone) == zone_offset(Ms(begin + DAY), zone)


def test_a_case_that_needs_more_days_than_are_taken_has_no_room() -> None:
    made, homeless = rounds([Need("long", 9), Need("short", 1)], "UTC", NOW, Ms(5 * DAY))

    assert homeless == ["long"]
    assert [list(one.first) for one in made] == [["short"]]


def test_an_age_limit_of_less_than_two_days_leaves_no_room() -> None:
    assert rounds([Need("x", 1)], "UTC", NOW, Ms(30 * HOUR)) == ([], ["x"])


def test_the_hour_that_comes_twice_is_on_a_day_on_which_the_clock_is_put_back() -> None:
    made, _ = rounds([Need("twice", 1, put_back=True), Need("x", 5)], "Europe/Berlin", NOW, None)

    assert made[0].first["twice"] == date(2025, 10, 26)


@pytest.mark.parametrize(
    ("day", "zone", "at"),
    [
        (date(2025, 11, 2), "America/New_York", "2025-11-02T06:00Z"),
        (date(2025, 10, 26), "Europe/Berlin", "2025-10-26T01:00Z"),
        (date(2026, 4, 5), "Australia/Lord_Howe", "2026-04-04T15:00Z"),
    ],
)
def test_the_moment_at_which_a_clock_is_put_back(day: date, zone: str, at: str) -> None:
    from simulator.times import parse_instant

    assert put_back(day, zone) == parse_instant(at)
    assert put_back(day, "Asia/Shanghai") is None
    assert put_back(day + timedelta(1), zone) is None


@pytest.mark.parametrize("opens", ["launch", "timeout=30s", "timeout=12h", "timeout=23h58m", "timeout=3d"])
def test_every_event_of_a_case_lies_in_its_own_days(opens: str) -> None:
    judged_by = contract(opens)
    for number, case in enumerate(suite()):
        one = staged(case, judged_by, number)
        dates = [record.date for request in one.requests for record in request.records if record.date is not None]
        assert one.begin <= min(dates), case.id
        assert max(dates) < one.end, case.id


def test_a_case_measured_by_a_long_timeout_needs_more_days() -> None:
    gap = next(case for case in suite() if case.id == "opens-gap-again").section

    assert [days_of(gap, contract(opens)) for opens in ("launch", "timeout=30m", "timeout=12h", "timeout=3d")] == [
        1, 1, 2, 7,
    ]  # fmt: skip


def test_two_runs_of_a_case_have_nothing_in_common_but_the_days() -> None:
    case = next(case for case in suite() if case.id == "visitors-three-identities")

    def texts(number: int) -> set[str]:
        return {
            text
            for request in staged(case, contract(), number).requests
            for record in request.records
            for text in (record.external_id, record.anonymous_id, record.source, record.page,
                         *(identity.value for identity in record.identities))
        } - {""}  # fmt: skip

    assert texts(1) & texts(2) == set()


def test_the_shortest_span_of_a_case_is_below_every_timeout() -> None:
    case = next(case for case in suite() if case.id == "views-return")
    for opens in ("timeout=1s", "timeout=3s", "timeout=5m"):
        dates = [r.date for one in staged(case, contract(opens)).requests for r in one.records if r.date is not None]
        assert max(dates) - min(dates) < min(MINUTE, 1000 if opens == "timeout=1s" else 3000)
