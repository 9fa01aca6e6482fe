"""What discovery finds out of collectors, told nothing of how they count.

Of the embedded one a few every day, with --proofs a set in which each pair of switches occurs;
`python -m tests.e2e.discover_all` tries all of them.
"""

from __future__ import annotations

from pathlib import Path

import pytest

from simulator.contract import User
from simulator.runs.conform.discovering.contract_text import as_contract, contract_text
from tests.conform.collectors import embedded, found_of, switchable
from tests.conform.sampling import every_day_and_proofs, some_every_day

EVERY_DAY: tuple[tuple[str, User, str], ...] = (
    ("launch", "device", "Asia/Shanghai"),
    ("timeout=17m3.007s", "openid", "Asia/Kathmandu"),  # a timeout that nobody would guess, to the millisecond
)
PAIRS: tuple[tuple[str, User, str], ...] = (
    ("launch", "openid", "UTC"),
    ("launch", "customer", "America/New_York"),
    ("timeout=30m", "device", "UTC"),
    ("timeout=30m", "openid", "America/New_York"),
    ("timeout=30m", "customer", "Asia/Shanghai"),
    ("every-foreground", "device", "America/New_York"),
    ("every-foreground", "openid", "Asia/Shanghai"),
    ("every-foreground", "customer", "UTC"),
    ("timeout=26h", "device", "Australia/Lord_Howe"),  # longer than a day; a zone with half an hour of summer time
)
_OF_TIMEOUT = {"timeout_inclusive": "false", "midnight": "false", "source_change": "false", "launch_opens": "true"}


@pytest.mark.slow
@pytest.mark.parametrize(
    ("opens", "user", "day"), every_day_and_proofs(EVERY_DAY, PAIRS), ids=lambda one: str(one).replace("/", "_")
)
def test_the_switches_of_the_embedded_collector_are_found_out(opens: str, user: User, day: str, tmp_path: Path) -> None:
    with embedded(tmp_path, opens, user, day) as url:
        found = found_of(tmp_path, url)

    shown = "timeout=1d2h" if opens == "timeout=26h" else opens
    expected = {"opens": shown, "user": user, "day": day, "dedupe": "by_id", "time": "event"}
    assert found.keys == expected | (_OF_TIMEOUT if opens.startswith("timeout") else {})
    assert found.unknown == {}


SWITCHES = {
    "a boundary that is inside": {"opens": "timeout=5m", "timeout_inclusive": "true"},
    "midnight": {"opens": "timeout=30m", "midnight": "true"},
    "another source": {"opens": "timeout=30m", "source_change": "true"},
    "a launch alone begins nothing": {"opens": "timeout=30m", "launch_opens": "false"},
    "all of these": {
        "opens": "timeout=10m",
        "timeout_inclusive": "true",
        "midnight": "true",
        "source_change": "true",
        "launch_opens": "false",
        "dedupe": "none",
    },
    "every copy counts": {"opens": "launch", "dedupe": "none"},
    "old events are not taken": {"opens": "launch", "max_age": "30d"},
}


@pytest.mark.slow
@pytest.mark.parametrize("named", some_every_day(SWITCHES, "all of these"))
def test_switches_that_other_collectors_have_are_found_out(named: str, tmp_path: Path) -> None:
    said = {"user": "openid", "day": "Asia/Shanghai", "dedupe": "by_id", "time": "event", **SWITCHES[named]}
    with switchable(tmp_path, "".join(f"{key}: {value}\n" for key, value in said.items())) as url:
        found = found_of(tmp_path, url)

    assert found.keys == (_OF_TIMEOUT if said["opens"].startswith("timeout") else {}) | said
    assert found.unknown == {}


@pytest.mark.slow
def test_a_collector_that_counts_by_arrival_is_known_as_one_and_nothing_is_guessed_of_its_days(tmp_path: Path) -> None:
    with switchable(tmp_path, "opens: timeout=30m\ntime: arrival\ndedupe: by_id\n") as url:
        found = found_of(tmp_path, url)

    assert found.keys == {"time": "arrival", "user": "openid", "dedupe": "by_id"}
    assert found.unknown["day"] == "events are counted when they arrive, and nobody waits for midnight"
    assert "by waiting for it" in found.unknown["opens"]


@pytest.mark.slow
def test_without_cells_by_source_and_by_day_the_rest_is_still_found_out(tmp_path: Path) -> None:
    with switchable(tmp_path, "opens: timeout=30m\nuser: customer\nday: UTC\n", "only-all") as url:
        found = found_of(tmp_path, url)

    assert (found.keys["opens"], found.keys["user"], found.keys["dedupe"]) == ("timeout=30m", "customer", "by_id")
    assert found.unknown["day"] == "the reader has no cells by day and none by hour"
    assert "cells by source" in found.unknown["max_age"]


@pytest.mark.slow
@pytest.mark.proof
def test_hours_that_are_named_in_utc_are_not_taken_for_the_zone(tmp_path: Path) -> None:
    with switchable(tmp_path, "opens: launch\nday: America/New_York\n", "utc-hours") as url:
        found = found_of(tmp_path, url)

    assert found.keys["day"] == "America/New_York"


@pytest.mark.slow
@pytest.mark.proof
def test_hours_in_utc_without_days_tell_no_zone(tmp_path: Path) -> None:
    with switchable(tmp_path, "opens: launch\nday: America/New_York\n", "utc-hours", "no-days") as url:
        found = found_of(tmp_path, url)

    assert "names hours as instants in UTC" in found.unknown["day"]


@pytest.mark.slow
@pytest.mark.proof
def test_totals_that_lag_behind_are_waited_for(tmp_path: Path) -> None:
    with switchable(tmp_path, "opens: timeout=30m\nuser: device\nday: UTC\n", "lag=150") as url:
        found = found_of(tmp_path, url, "quiet: 50ms\ndeadline: 3s\n")

    assert (found.keys["opens"], found.keys["user"], found.keys["day"]) == ("timeout=30m", "device", "UTC")


@pytest.mark.slow
def test_a_rule_that_mpsim_has_no_word_for_is_told_and_left_out_of_the_file(tmp_path: Path) -> None:
    with switchable(tmp_path, "opens: launch\n", "keep-last") as url:
        found = found_of(tmp_path, url)
        text = contract_text(found, "odd", "found")

    assert "dedupe" not in found.keys
    assert "# dedupe was not found out: of two events with one id the last is kept" in text
    assert as_contract(found, "odd").file.dedupe is None


FAULTS = {
    "timeout-inclusive": ("timeout_inclusive", "true"),
    "midnight-opens": ("midnight", "true"),
    "counts-duplicates": ("dedupe", "none"),
    "exit-ignored": ("launch_opens", "false"),
}


@pytest.mark.slow
@pytest.mark.parametrize("fault", some_every_day(FAULTS, "exit-ignored"))
def test_a_fault_that_is_only_another_definition_is_found_as_that(fault: str, tmp_path: Path) -> None:
    opens = "launch" if fault == "counts-duplicates" else "timeout=30m"
    with embedded(tmp_path, opens, "openid", "Asia/Shanghai", fault=fault) as url:
        found = found_of(tmp_path, url)

    key, value = FAULTS[fault]
    assert found.keys[key] == value


NO_RULE = {
    "identified-from-then-on": ("user", "events before the identification stay another user's"),
    "uv-by-open": ("user", "no rule that mpsim has"),
    "hour-by-arrival": ("time", "days by arrival"),
}


@pytest.mark.slow
@pytest.mark.parametrize("fault", some_every_day(NO_RULE, "identified-from-then-on"))
def test_a_fault_that_is_no_definition_at_all_is_never_told_as_one(fault: str, tmp_path: Path) -> None:
    with embedded(tmp_path, "launch", "openid", "Asia/Shanghai", fault=fault) as url:
        found = found_of(tmp_path, url)

    key, why = NO_RULE[fault]
    assert key not in found.keys
    assert why in found.unknown[key]
