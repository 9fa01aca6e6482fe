"""The plan as a whole: pure, the same in any process, inside its period, identities that never collide."""

from __future__ import annotations

import hashlib
import itertools
import os
import subprocess
import sys
from collections import Counter
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from simulator.errors import ScenarioError
from simulator.events import Visit
from simulator.journey.plan import Plan, visit_of, visits
from simulator.scenario.load import load_scenario_text
from simulator.times import DAY, HOUR, SECOND, Ms, iso_local, parse_instant
from tests.builders import START, plan, scenario

STEPS = """
- {launch: , think: 1s..9s}
- push: [applet-wechat, mobile]
- {view: "pages/b?id={sku}", times: 1..4, think: 2s..30s}
- maybe: 50%
  steps: [hide: 20m..40m, show, view: pages/c]
- choose:
    - {weight: 3, steps: [exit]}
    - {weight: 1, steps: [timeout, launch, exit]}
"""
WIDE = "vars: {sku: [x, y, z]}, returning: 30%, share_device: 20%, second_device: 20%, share_mobile: 10%"


def sample(count: int = 60) -> Plan:
    of = scenario(STEPS, count=count, visitors=WIDE.replace("returning", "returning"))
    return plan(of, seed=11)


def fingerprint(of: Plan) -> str:
    digest = hashlib.sha256()
    for visit in visits(of):
        digest.update(repr(visit).encode())
    return digest.hexdigest()


def test_the_same_input_gives_the_same_events() -> None:
    assert fingerprint(sample()) == fingerprint(sample())


@pytest.mark.parametrize("hash_seed", ["0", "1", "4242"])
def test_the_plan_is_the_same_in_another_process(hash_seed: str) -> None:
    code = "from tests.journey.test_plan import fingerprint, sample; print(fingerprint(sample()))"
    ran = subprocess.run(
        [sys.executable, "-c", code],
        capture_output=True,
        text=True,
        check=True,
        env={**os.environ, "PYTHONHASHSEED": hash_seed},
    )

    assert ran.stdout.strip() == fingerprint(sample())


def test_another_seed_gives_other_visits() -> None:
    of = scenario(STEPS, count=60, visitors=WIDE)

    assert fingerprint(plan(of, seed=1)) != fingerprint(plan(of, seed=2))


def test_a_namespace_changes_who_comes_and_nothing_that_they_do() -> None:
    of = scenario(STEPS, count=30, visitors=WIDE)

    def deeds(namespace: str) -> list[list[tuple[int, str, str]]]:
        return [
            [(event.at, event.kind, event.page) for event in visit.events]
            for visit in visits(plan(of, namespace=namespace))
        ]

    def names(namespace: str) -> set[str]:
        return {identity.value for visit in visits(plan(of, namespace=namespace)) for identity in visit.identities}

    assert deeds("one") == deeds("two")
    assert not names("one") & names("two")


def test_a_visit_asked_for_alone_is_the_visit_of_the_whole() -> None:
    of = sample()

    assert [visit_of(of, visitor) for visitor in range(of.count)] == list(visits(of))


@settings(max_examples=25, deadline=None)
@given(st.integers(0, 10_000))
def test_every_plan_keeps_its_promises(seed: int) -> None:
    of = plan(scenario(STEPS, count=40, visitors=WIDE), seed=seed)
    all_visits = list(visits(of))
    for visit in all_visits:
        assert [event.number for event in visit.events] == list(range(len(visit.events)))
        judged = [event for event in visit.events if not event.setup]
        sent = [event.at for event in judged if event.kind in {"launch", "view", "track"}]
        assert sent == sorted(set(sent))
        assert all(of.start <= event.at < of.end for event in judged)
        assert all(START - 30 * DAY <= event.at < START - DAY + 10 * SECOND for event in visit.events if event.setup)
    assert_devices_are_used_one_after_another(all_visits)


def assert_devices_are_used_one_after_another(all_visits: list[Visit]) -> None:
    spans: dict[str, list[tuple[Ms, Ms]]] = {}
    for visit in all_visits:
        used: dict[str, list[Ms]] = {}
        for event in visit.events:
            if not event.setup:
                used.setdefault(event.device.anonymous_id, []).append(event.at)
        for device, instants in used.items():
            spans.setdefault(device, []).append((min(instants), max(instants)))
    for visits_of_device in spans.values():
        visits_of_device.sort()
        for (_, end), (begin, _) in itertools.pairwise(visits_of_device):
            assert begin >= end + SECOND


def test_identities_are_a_bijection_unless_a_mobile_is_shared() -> None:
    of = plan(
        scenario(STEPS, count=3000, visitors="vars: {sku: [x]}, share_mobile: 10%").model_copy(),
        seed=5,
    )
    of_type: dict[str, Counter[str]] = {}
    for visit in visits(of):
        for identity in visit.identities:
            of_type.setdefault(identity.type, Counter())[identity.value] += 1

    assert set(of_type["applet-wechat"].values()) == {1}


def test_the_period_ends_at_the_first_full_hour_after_everything() -> None:
    of = plan(scenario("[launch, hide: 29m, show, exit]".replace("[", "- repeat: 1\n  steps: ["), count=1))

    assert (of.start, of.end) == (START, START + HOUR)
    assert iso_local(of.end, "Asia/Shanghai") == "2026-03-01T01:00:00+08:00"


def test_an_earlier_visit_that_no_age_limit_admits_is_a_scenario_error() -> None:
    of = scenario("- launch\n- exit", visitors="returning: 50%")

    with pytest.raises(ScenarioError, match="start: recent"):
        plan(of, max_age=DAY)


def test_openids_look_like_openids() -> None:
    of = plan(scenario("- launch\n- exit", count=5))
    values = [identity.value for visit in visits(of) for identity in visit.identities]

    assert all(len(value) == 28 and value.startswith("o") for value in values)


def test_identities_that_belong_to_nobody_say_so() -> None:
    of = plan(scenario("- launch\n- exit", count=5), real_looking=False)
    values = [identity.value for visit in visits(of) for identity in visit.identities]

    assert all(len(value) == 28 and value.startswith("oMPSIM") for value in values)


LISTED = """\
scenario: listed
app: {pages: [pages/a]}
visitors: {identities: {}}
journeys: {only: {steps: [launch, exit]}}
load: {arrivals: {file: at.txt}, clock: {speed: 7}}
"""
INSTANTS = ["09:00:00.000", "09:00:00.001", "09:00:00.001", "09:59:59.999"]


def listed(folder: Path, **settings: object) -> Plan:
    (folder / "at.txt").write_text("".join(f"2026-03-01T{at}+08:00\n" for at in INSTANTS), encoding="utf-8")
    return plan(load_scenario_text(LISTED, "s.yaml", folder), **settings)


def test_visitor_k_arrives_at_the_kth_instant_of_a_list(tmp_path: Path) -> None:
    arrivals = [visit.arrival for visit in visits(listed(tmp_path))]

    assert arrivals == [parse_instant(f"2026-03-01T{at}+08:00") for at in INSTANTS]


def test_the_period_of_a_list_ends_with_the_hour_after_its_last_visitor(tmp_path: Path) -> None:
    whole, part = listed(tmp_path), listed(tmp_path, visitors=3)

    assert iso_local(whole.start, "Asia/Shanghai") == "2026-03-01T09:00:00+08:00"
    assert iso_local(whole.end, "Asia/Shanghai") == "2026-03-01T11:00:00+08:00"
    assert iso_local(part.end, "Asia/Shanghai") == "2026-03-01T10:00:00+08:00"


def test_another_start_moves_a_list_as_a_whole(tmp_path: Path) -> None:
    moved = parse_instant("2026-05-05T05:05:05Z")
    arrivals = [visit.arrival for visit in visits(listed(tmp_path, start=moved))]

    assert arrivals == [moved, moved + 1, moved + 1, moved + HOUR - 1]


def test_a_list_shorter_than_the_visitors_asked_for_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(ScenarioError, match="bring 4 visitors, fewer than"):
        listed(tmp_path, visitors=5)


def test_users_or_a_rate_take_the_place_of_a_list(tmp_path: Path) -> None:
    assert listed(tmp_path, visitors=9, users=3).schedule is None
    assert listed(tmp_path, visitors=9, rate="3/s").count == 9
