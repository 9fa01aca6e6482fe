"""The rule that tells a slower collector from noise: what it must see, and how rarely it may be wrong."""

from __future__ import annotations

import random
from dataclasses import dataclass
from fractions import Fraction
from math import comb, exp

import pytest

from simulator.ledger.histogram import Histogram
from simulator.verify.noise import FLOOR_US, LEAST_PAIRS, SURE, Shift, shift

SLICES = 20
PAIRS = 100
P95 = Fraction(95)


@dataclass(frozen=True, slots=True)
class Machine:
    """How much the slices of one run differ, and how many of them are slowed to three times, as by a pause."""

    unrest: float
    pauses: float
    alarms: int  # at most, of a hundred pairs of equal runs
    seen: int  # at least, in percent: of runs that are slower by a fifth


CALM = Machine(0.03, 0.01, alarms=0, seen=90)
RESTLESS = Machine(0.08, 0.05, alarms=3, seen=35)
MACHINES = pytest.mark.parametrize(
    "machine", [pytest.param(CALM, id="calm"), pytest.param(RESTLESS, id="restless", marks=pytest.mark.proof)]
)


def simulated(seed: int, machine: Machine = CALM, *, slower: float = 1.0, each: int = 500) -> dict[int, Histogram]:
    """A run's latencies by slices: lognormal around 20 ms, twice as slow in its second half (a ramp, in every run).

    Neighbouring slices are slow together: an autoregressive factor.
    """
    draw = random.Random(seed)
    made, factor = {}, 0.0
    for number in range(SLICES):
        factor = 0.6 * factor + draw.gauss(0, machine.unrest)
        pause = 3.0 if draw.random() < machine.pauses else 1.0
        middle = 20_000 * (1 + (number >= SLICES // 2)) * exp(factor) * pause * slower
        made[number] = Histogram(int(middle * exp(draw.gauss(0, 0.5))) for _ in range(each))
    return made


@MACHINES
def test_a_hundred_pairs_of_equal_runs_raise_hardly_an_alarm(machine: Machine) -> None:
    """No interval that is 99.9 % sure can promise none at all where slices differ by more than the margin."""
    alarms = 0
    for pair in range(PAIRS):
        before, after = simulated(2 * pair, machine), simulated(2 * pair + 1, machine)
        found = [shift(before, after, Fraction(percent)).standing for percent in (50, 95)]
        alarms += "slower" in found or "faster" in found

    assert alarms <= machine.alarms


@MACHINES
def test_a_shift_of_a_fifth_is_seen(machine: Machine) -> None:
    """On a restless machine not always: there a fifth is hardly more than what two equal runs differ by."""
    seen = []
    for pair in range(PAIRS):
        before, after = simulated(2 * pair, machine), simulated(2 * pair + 1, machine, slower=1.2)
        seen += [shift(before, after, Fraction(percent)).standing for percent in (50, 95)]

    assert seen.count("slower") * 100 >= machine.seen * len(seen)
    assert "faster" not in seen


def test_what_became_faster_by_a_third_is_seen_too() -> None:
    found = shift(simulated(1), simulated(2, slower=0.66), P95)

    assert found.standing == "faster"
    assert found.high is not None
    assert found.high < 1


def alike(values: list[int], slices: int = SLICES) -> dict[int, Histogram]:
    return {number: Histogram(values) for number in range(slices)}


FLAT = [20_000] * 1_000
CASES = [
    # what happened                           before, after                              standing
    ("the same numbers", alike(FLAT), alike(FLAT), "same"),
    ("just above the margin", alike([20_000]), alike([22_100]), "too few"),
    ("a little more than the margin", alike(FLAT), alike([22_200] * 1_000), "slower"),
    ("less than the margin", alike(FLAT), alike([21_800] * 1_000), "same"),
    ("twice, but under a millisecond", alike([400] * 1_000), alike([800] * 1_000), "same"),
    ("twice, and over a millisecond", alike([1_100] * 1_000), alike([2_200] * 1_000), "slower"),
    ("half", alike(FLAT), alike([10_000] * 1_000), "faster"),
    ("one slice in twenty is ten times as slow", alike(FLAT), alike(FLAT) | {3: Histogram([200_000] * 1_000)}, "same"),
    ("nothing was measured", {}, {}, "too few"),
    ("one run has nothing", alike(FLAT), {}, "too few"),
    ("ten slices", alike(FLAT, 10), alike([90_000] * 1_000, 10), "too few"),
    ("eleven slices", alike(FLAT, 11), alike([90_000] * 1_000, 11), "slower"),
    ("nothing took any time", alike([0] * 1_000), alike([0] * 1_000), "same"),
]


@pytest.mark.parametrize(("before", "after", "standing"), [case[1:] for case in CASES], ids=[case[0] for case in CASES])
def test_what_is_slower(before: dict[int, Histogram], after: dict[int, Histogram], standing: str) -> None:
    assert shift(before, after, P95).standing == standing


def test_slices_are_put_together_until_ten_samples_lie_above_the_percentile() -> None:
    """p95 takes 200 samples: 20 slices of 110 are 10 pairs of two, and 20 of 120 as many; 22 of 100 are 11."""
    assert shift(alike([20_000] * 110), alike([40_000] * 110), P95).standing == "too few"
    assert shift(alike([20_000] * 100, 22), alike([40_000] * 100, 22), P95).standing == "slower"
    assert shift(alike([20_000] * 99, 22), alike([40_000] * 99, 22), P95).standing == "too few"


def test_the_interval_is_that_of_the_sign_test() -> None:
    """Of 20 pairs the third from either end: fewer than three below the median come with 2 * 211 in 2^20."""
    before = alike(FLAT)
    after = {number: Histogram([20_000 + 1_000 * number] * 1_000) for number in range(SLICES)}

    found = shift(before, after, Fraction(50))

    ratios = sorted((after[number].percentile(50) or 0) / 20_095 for number in range(SLICES))
    assert found.low == pytest.approx(ratios[2], rel=0.01)
    assert found.high == pytest.approx(ratios[-3], rel=0.01)
    assert 2 * sum(comb(20, count) for count in range(3)) / 2**20 <= 1 - SURE
    assert 2 * sum(comb(20, count) for count in range(4)) / 2**20 > 1 - SURE
    assert 2 / 2**LEAST_PAIRS <= 1 - SURE < 2 / 2 ** (LEAST_PAIRS - 1)


def test_a_shift_says_both_percentiles_of_the_whole_run() -> None:
    found = shift(alike(FLAT), alike([40_000] * 1_000), P95)

    assert found == Shift("slower", 20_000, 40_000, found.ratio, found.low, found.high)
    assert found.ratio == pytest.approx(2, abs=0.02)
    assert found.after is not None
    assert found.before is not None
    assert found.after - found.before >= FLOOR_US
