"""When visitor k arrives: where the integral of the arrival rate is k, in exact arithmetic.

Open model: phases become segments of linear rate; the instant is found by integer square roots, so it is the same on
any machine. Poisson spacing: within each block of 1000 visitors, sorted uniform draws over the block's stretch of the
integral (CONTRACT section 2). Closed model: visitor k starts at k // users · each plus a draw in [0, each).
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction
from functools import lru_cache
from math import ceil, isqrt, lcm

from simulator.rand import Stream
from simulator.scenario.model import Phase
from simulator.times import DAY, HOUR, Ms, next_full_hour, zone_offset

POISSON_BLOCK = 1000
_DRAW_BITS = 32
_US = 1_000_000  # microseconds per second


@dataclass(frozen=True, slots=True)
class Segment:
    """A stretch of wall time with a linear rate."""

    begin_us: int  # wall microseconds after the run's start
    length_us: int
    low: Fraction  # visitors per second at its begin
    high: Fraction  # and at its end
    before: Fraction  # integral of the rate up to its begin: visitors

    @property
    def visitors(self) -> Fraction:
        """The integral over this segment."""
        return (self.low + self.high) / 2 * Fraction(self.length_us, _US)


@dataclass(frozen=True, slots=True)
class Schedule:
    """Arrivals of the open model."""

    segments: tuple[Segment, ...]
    starts: tuple[Fraction, ...]  # `before` of each segment, for bisection
    total: Fraction  # the integral over all phases
    length_us: int  # wall time of all phases
    count: int
    poisson: bool
    seed: int

    def __hash__(self) -> int:  # one schedule a run: identity is enough and fast for the cache below
        return id(self)


def make_schedule(
    phases: Sequence[Phase],
    *,
    count: int | None,
    poisson: bool,
    seed: int,
    start: Ms,
    speed: Fraction,
    zone: str,
) -> Schedule:
    """Turn phases into segments; hour and day factors are those of the local event time.

    The count is the scenario's, or else every arrival strictly before the phases end.

    Raises:
        ValueError: the phases bring fewer visitors than `count`.
    """
    segments: list[Segment] = []
    begin, before = 0, Fraction(0)
    for phase in phases:
        for length_us, low, high in _pieces(phase, begin, start, speed, zone):
            segment = Segment(begin, length_us, low, high, before)
            segments.append(segment)
            begin += length_us
            before += segment.visitors
    available = ceil(before)
    if count is not None and available < count:
        raise ValueError(f"the arrivals bring {available} visitors, fewer than visitors.count, {count}")
    return Schedule(
        tuple(segments),
        tuple(segment.before for segment in segments),
        before,
        begin,
        available if count is None else count,
        poisson,
        seed,
    )


def _pieces(phase: Phase, begin_us: int, start: Ms, speed: Fraction, zone: str) -> list[tuple[int, Fraction, Fraction]]:
    """The phase as (length in µs, rate at begin, rate at end), cut where the factor of its hour changes."""
    length_us = phase.for_ * 1000
    low, high = phase.rate.low, phase.rate.high
    if phase.hours is None and phase.days is None:
        return [(length_us, low, high)]
    pieces = []
    offset = 0
    while offset < length_us:
        at = Ms(start + int((begin_us + offset) * speed / 1000))
        until = int(Fraction((next_full_hour(at, zone) - start) * 1000) / speed) - begin_us
        cut = min(length_us, max(until, offset + 1))
        factor = _factor(phase, at, zone)
        at_low = low + (high - low) * Fraction(offset, length_us)
        at_high = low + (high - low) * Fraction(cut, length_us)
        pieces.append((cut - offset, at_low * factor, at_high * factor))
        offset = cut
    return pieces


def _factor(phase: Phase, at: Ms, zone: str) -> Fraction:
    local = at + zone_offset(at, zone)
    factor = Fraction(1)
    if phase.hours is not None:
        factor *= Fraction(str(phase.hours[local % DAY // HOUR]))
    if phase.days is not None:
        # 1970-01-01 was a Thursday; days begin with Monday.
        factor *= Fraction(str(phase.days[(local // DAY + 3) % 7]))
    return factor


def offset_us(schedule: Schedule, visitor: int) -> int:
    """Wall microseconds after the run's start at which a visitor arrives.

    Raises:
        ValueError: the visitor is not in 0..count-1.
    """
    if not 0 <= visitor < schedule.count:
        raise ValueError(f"visitor {visitor} is not in 0..{schedule.count - 1}")
    if not schedule.poisson:
        return _where(schedule, visitor)
    return _poisson_block(schedule, visitor // POISSON_BLOCK)[visitor % POISSON_BLOCK]


@lru_cache(maxsize=8)
def _poisson_block(schedule: Schedule, block: int) -> tuple[int, ...]:
    first = block * POISSON_BLOCK
    size = min(POISSON_BLOCK, schedule.count - first)
    stretch = min(Fraction(first + size), schedule.total) - first
    stream = Stream("arrivals", schedule.seed, block)
    draws = sorted(stream.below(1 << _DRAW_BITS) for _ in range(size))
    parts = stretch.denominator << _DRAW_BITS
    return tuple(_where(schedule, first * parts + stretch.numerator * draw, parts) for draw in draws)


@dataclass(frozen=True, slots=True)
class _Curve:
    """The integral over one segment in whole numbers, all with the same scale: `square`·t² + `linear`·t, t in µs."""

    begin_us: int
    last_us: int  # of the segment, after its begin
    square: int
    linear: int
    before: int
    scale: int


@lru_cache(maxsize=8)
def _curves(schedule: Schedule) -> tuple[_Curve, ...]:
    curves = []
    for segment in schedule.segments:
        # low·t + (high - low)·t²/(2T) in seconds; here in microseconds.
        square = (segment.high - segment.low) / Fraction(2 * segment.length_us * _US)
        linear = segment.low / _US
        scale = lcm(square.denominator, linear.denominator, segment.before.denominator)
        whole = (int(square * scale), int(linear * scale), int(segment.before * scale))
        curves.append(_Curve(segment.begin_us, segment.length_us - 1, *whole, scale))
    return tuple(curves)


def _where(schedule: Schedule, visitors: int, parts: int = 1) -> int:
    """The whole microsecond in which the integral of the rate reaches visitors/parts."""
    index = bisect_right(schedule.starts, Fraction(visitors, parts)) - 1 if len(schedule.starts) > 1 else 0
    curve = _curves(schedule)[index]
    # b·t² + a·t = c, every term times `parts`.
    b, a = curve.square * parts, curve.linear * parts
    c = visitors * curve.scale - curve.before * parts
    if b == 0:
        offset = c // a if a else 0
    elif b > 0:
        offset = (isqrt(a * a + 4 * b * c) - a) // (2 * b)
    else:
        inside = max(a * a + 4 * b * c, 0)
        root = isqrt(inside)
        offset = (a - (root if root * root == inside else root + 1)) // (-2 * b)
    return curve.begin_us + min(offset, curve.last_us)


def closed_start(visitor: int, *, users: int, each: Ms, seed: int) -> Ms:
    """Event time after the start at which a visitor of the closed model begins."""
    return Ms(visitor // users * each + Stream("closed", seed, visitor).below(max(each, 1)))
