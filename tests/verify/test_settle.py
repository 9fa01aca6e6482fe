"""Settling in virtual time: right, unchanged, and long enough."""

from __future__ import annotations

from collections.abc import Mapping

import pytest

from simulator.times import Ms
from simulator.verify.readers.reading import Reading
from simulator.verify.settle import Settled, settle

QUIET, DEADLINE = Ms(1_000), Ms(10_000)


def settled(
    timeline: Mapping[int, int | None],
    *,
    right: int = 5,
    takes: int = 0,
    quiet: Ms = QUIET,
    deadline: Ms = DEADLINE,
    rising: tuple[str, ...] = (),
) -> Settled:
    """Settle on a collector whose pv changes at these instants; None: it answers nothing usable from then on."""
    now = 0

    def clock() -> Ms:
        return Ms(now)

    def wait(pause: Ms) -> None:
        nonlocal now
        now += pause

    def read() -> Reading:
        nonlocal now
        value = next(value for at, value in sorted(timeline.items(), reverse=True) if at <= now)
        now += takes
        return Reading({}, {"all": "gone"}) if value is None else Reading({"all": {"": {"pv": value}}})

    def in_range(reading: Reading) -> dict[str, bool]:
        cells = reading.cells.get("all")
        return {"pv": cells is not None and cells[""]["pv"] == right}

    def surplus(reading: Reading) -> bool:
        return "pv" in rising and "all" in reading.cells and (reading.cells["all"][""]["pv"] or 0) > right

    return settle(
        read,
        in_range,
        quiet=quiet,
        deadline=deadline,
        clock=clock,
        wait=wait,
        surplus=surplus,
        rising=rising,
    )


def test_a_right_total_must_stay_so() -> None:
    found = settled({0: 5})

    assert (found.stable, found.waited, found.convergence) == (True, 1_000, {"pv": 0})
    assert found.reads >= 2


def test_a_total_that_passes_through_the_right_value_is_not_taken() -> None:
    found = settled({0: 4, 500: 5, 1_200: 6})

    assert not found.stable
    assert found.resting
    assert found.reading.cells["all"][""]["pv"] == 6
    assert found.convergence == {"pv": None}
    assert found.waited >= DEADLINE


def test_convergence_is_the_time_from_which_it_stayed_right() -> None:
    found = settled({0: 5, 200: 4, 3_000: 5})
    since = found.convergence["pv"]

    assert found.stable
    assert since is not None
    assert 3_000 <= since <= 4_000


@pytest.mark.parametrize(
    ("quiet", "stable"), [(999, True), (1_000, True), (1_001, False)], ids=["shorter", "exactly", "longer"]
)
def test_quiet_up_to_the_deadline(quiet: int, stable: bool) -> None:
    assert settled({0: 5}, quiet=Ms(quiet), deadline=Ms(1_000)).stable == stable


def test_totals_that_never_rest_are_not_stable() -> None:
    found = settled({at: 5 if at % 400 else 4 for at in range(0, 20_000, 200)})

    assert (found.stable, found.resting) == (False, False)


def test_an_unreadable_reply_is_never_right() -> None:
    found = settled({0: 5, 300: None})

    assert not found.stable
    assert found.reading.error == "gone"
    assert found.convergence == {"pv": None}


def test_a_slow_reader_ends_soon_after_the_deadline() -> None:
    found = settled({0: 4}, takes=3_000)

    assert DEADLINE <= found.waited <= DEADLINE + 6_000


def test_nothing_that_could_be_right_only_has_to_rest() -> None:
    now = 0

    def wait(pause: Ms) -> None:
        nonlocal now
        now += pause

    found = settle(Reading, lambda _: {}, quiet=QUIET, deadline=DEADLINE, clock=lambda: Ms(now), wait=wait)

    assert (found.stable, found.waited) == (True, 1_000)


def test_a_surplus_of_what_can_only_rise_needs_no_deadline() -> None:
    found = settled({0: 4, 500: 6, 1_500: 7}, rising=("pv",))

    assert (found.stable, found.resting, found.reading.cells["all"][""]["pv"]) == (False, True, 7)
    assert found.waited < 4_000


def test_a_surplus_of_what_may_fall_waits_for_the_deadline() -> None:
    assert settled({0: 6}).waited >= DEADLINE


def test_a_fall_of_what_can_only_rise_is_told() -> None:
    assert settled({0: 6, 300: 5}, rising=("pv",)).fell == ("pv in total: 6, then 5",)
    assert settled({0: 6, 300: 5}).fell == ()
    assert settled({0: 4, 300: 5}, rising=("pv",)).fell == ()
