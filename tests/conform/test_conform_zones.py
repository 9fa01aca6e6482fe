"""Zones by their local times: a collector that names its days and hours by each is known by its answers."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from itertools import pairwise

import pytest

from simulator.runs.conform.discovering.period import OLDEST
from simulator.runs.conform.discovering.zones import Said, canonical, names, narrow
from simulator.times import DAY, Ms, day_cell, hour_cell, iso_utc
from tests.conform.grounds import NOW

ZONES = ("Asia/Shanghai", "UTC", "America/New_York", "Europe/Vienna", "Australia/Lord_Howe", "Africa/Casablanca",
         "America/Argentina/San_Luis", "Asia/Kathmandu", "Pacific/Chatham", "Asia/Singapore")  # fmt: skip


def asked(
    zone: str, *, days: bool = True, hours: bool = True, in_utc: bool = False
) -> Callable[[Sequence[Ms]], list[Said]]:
    """What a collector with days of this zone says."""

    def hour(at: Ms) -> str | None:
        if not hours:
            return None
        return f"{iso_utc(at)[:13]}:00+00:00" if in_utc else hour_cell(at, zone)

    return lambda instants: [Said(at, day_cell(at, zone) if days else None, hour(at)) for at in instants]


@pytest.mark.parametrize("zone", ZONES)
def test_a_zone_is_known_by_its_hours_and_days(zone: str) -> None:
    left, _ = narrow(asked(zone), OLDEST, NOW, by_day=True, by_hour=True)

    assert canonical(left) == zone


@pytest.mark.parametrize("zone", ZONES)
def test_days_alone_leave_only_zones_whose_days_are_alike(zone: str) -> None:
    left, said = narrow(asked(zone, hours=False), OLDEST, NOW, by_day=True, by_hour=False)

    assert zone in left
    for name in left:
        assert all(day_cell(one.at, name) == day_cell(one.at, zone) for one in said)
    assert len(left) <= 12


def test_a_collector_that_takes_nothing_old_is_asked_nothing_old() -> None:
    oldest, instants = Ms(NOW - 90 * DAY), list[Ms]()
    answer = asked("Asia/Shanghai")

    def noting(some: Sequence[Ms]) -> list[Said]:
        instants.extend(some)
        return answer(some)

    left, _ = narrow(noting, oldest, NOW, by_day=True, by_hour=True)

    assert min(instants) > oldest
    assert canonical(left) == "Asia/Shanghai"
    assert "Asia/Singapore" in left  # only older events could tell them apart


def test_no_two_questions_of_one_round_have_a_day_in_common() -> None:
    answer = asked("America/New_York")

    def apart(some: Sequence[Ms]) -> list[Said]:
        ordered = sorted(some)
        assert all(after - before >= 4 * DAY for before, after in pairwise(ordered))
        return answer(some)

    narrow(apart, OLDEST, NOW, by_day=True, by_hour=True)


@pytest.mark.parametrize("zone", ["UTC", "America/New_York", "America/Danmarkshavn"])
def test_hours_named_in_utc_beside_days_do_not_mislead(zone: str) -> None:
    left, _ = narrow(asked(zone, in_utc=True), OLDEST, NOW, by_day=True, by_hour=True)

    assert zone in left


def test_hours_named_in_utc_without_days_tell_nothing() -> None:
    assert narrow(asked("UTC", days=False), OLDEST, NOW, by_day=False, by_hour=True)[0] == []


def test_days_that_no_zone_has_leave_none() -> None:
    def upside_down(some: Sequence[Ms]) -> list[Said]:
        return [Said(at, day_cell(Ms(at - 3 * DAY), "UTC"), None) for at in some]

    assert narrow(upside_down, OLDEST, NOW, by_day=True, by_hour=False)[0] == []


def test_of_several_names_that_which_people_use_is_told() -> None:
    assert canonical(["Asia/Jayapura", "Asia/Tokyo", "Pacific/Palau"]) == "Asia/Tokyo"
    assert canonical(["Africa/Abidjan", "UTC"]) == "UTC"
    assert {"Asia/Shanghai", "UTC", "Asia/Tokyo", "Etc/GMT-8"} <= set(names())
