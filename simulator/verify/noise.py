"""Whether a latency differs between two runs by more than noise; the rule by which runs are compared.

A run's visitors are cut into slices of equal size, and slice n of one run is held against slice n of the other: they
had the same place in the load, so a ramp or a rush is in both. Neighbours are put together until each has enough
samples for the percentile: TAIL above it. Of the ratios of all pairs the median is the estimate, and two of the sorted
ratios are the ends of an interval that covers the true median with at least SURE (the sign test's interval: exact,
whatever the distribution, and one slow slice in 20 moves nothing). Then

    slower   the interval lies above 1, the median above 1 + margin, and the run's percentile grew by FLOOR_US or more
    faster   the same mirrored: below 1, the median below 1 / (1 + margin), by FLOOR_US or more
    same     neither

Simulated (tests/verify/test_noise.py): of 500 pairs of equal runs none is called slower or faster where neighbouring
slices vary by 4 % together, and 2 % are where they vary by 10 % and one in twenty takes three times as long. Of runs
that are slower by a fifth 95 % are seen on the first machine, 45 % on the second.

A difference of the whole run, such as a machine that is busy with something else, is in all pairs alike: no slices can
tell it from a slower collector. That is what the margin is for, and why a flood, whose latencies say how fast the
machine is and nothing else, is not compared at all. Not here: which runs may be compared at all (runs/).
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from math import ceil, comb
from statistics import median
from typing import Literal

from simulator.ledger.histogram import Histogram

MARGIN = 0.10  # of the median ratio; a smaller change is no change
SURE = 0.999  # at least, that the true median ratio is in the interval; several percentiles are asked at once
FLOOR_US = 1_000  # microseconds: a timer and a scheduler move as much
TAIL = 10  # samples above a percentile that a pair of slices must have, on each side
LEAST_PAIRS = 11  # below this no interval covers SURE

Standing = Literal["slower", "faster", "same", "too few"]


@dataclass(frozen=True, slots=True)
class Shift:
    """What became of one percentile from one run to another."""

    standing: Standing
    before: int | None  # microseconds, of the whole run; None: no samples
    after: int | None
    ratio: float | None = None  # the median of the pairs', after / before; None: too few
    low: float | None = None  # of the interval that covers it
    high: float | None = None


def shift(
    before: Mapping[int, Histogram], after: Mapping[int, Histogram], percent: Fraction, margin: float = MARGIN
) -> Shift:
    """Hold one percentile of a run against another run's.

    Args:
        before, after: slice → its latencies in microseconds.
        percent: such as 95.
        margin: at least 0.
    """
    was, now = (_together(one.values()).percentile(percent) for one in (before, after))
    ratios = sorted(
        max(second.percentile(percent) or 0, 1) / max(first.percentile(percent) or 0, 1)
        for first, second in _pairs(before, after, ceil(TAIL * 100 / (100 - percent)))
    )
    if len(ratios) < LEAST_PAIRS or was is None or now is None:
        return Shift("too few", was, now)
    low, high = _interval(ratios)
    middle = median(ratios)
    grown = now - was
    standing: Standing = "same"
    if low > 1 and middle > 1 + margin and grown >= FLOOR_US:
        standing = "slower"
    elif high < 1 and middle < 1 / (1 + margin) and -grown >= FLOOR_US:
        standing = "faster"
    return Shift(standing, was, now, middle, low, high)


def _pairs(
    before: Mapping[int, Histogram], after: Mapping[int, Histogram], least: int
) -> Iterator[tuple[Histogram, Histogram]]:
    """Slices of both, neighbours together until each side has enough samples; a rest that has too few is left out."""
    first, second = Histogram(), Histogram()
    for number in sorted(before.keys() & after.keys()):
        first.merge(before[number])
        second.merge(after[number])
        if min(first.count, second.count) >= least:
            yield first, second
            first, second = Histogram(), Histogram()


def _interval(ratios: Sequence[float]) -> tuple[float, float]:
    """The innermost two of the sorted ratios between which the true median lies with at least `SURE`.

    At most d of n pairs lie below the true median with probability sum(C(n, i) for i <= d) / 2^n.
    """
    count, outside, left_out = len(ratios), 0, 0
    while 2 * (outside + comb(count, left_out)) <= (1 - SURE) * 2**count:
        outside += comb(count, left_out)
        left_out += 1
    return ratios[left_out - 1], ratios[count - left_out]


def _together(several: Iterable[Histogram]) -> Histogram:
    made = Histogram()
    for one in several:
        made.merge(one)
    return made
