"""When visitor k arrives: where the integral of the arrival rate is k, or at the k-th instant of a list.

Open model by rate: phases become segments of linear rate; the instant is found by integer square roots, so it is the
same on any machine. Poisson spacing: within each block of 1000 visitors, sorted uniform draws over the block's stretch
of the integral (CONTRACT section 2). Hours and days are those of the local event time, so an hour that daylight saving
skips or repeats comes never or twice. Open model by list: the event time is the list's, to the millisecond.
Closed model: visitor k starts at k // users · each plus a draw in [0, each).

A visitor belongs to the phase in which it arrives. Reading a list is scenario/instants.py.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction
from functools import lru_cache
from math import ceil, isqrt, lcm

from simulator.rand import Stream
from simulator.scenario.model import Phase, Rate
from simulator.scenario.values import LONGEST_RUN
from simulator.times import DAY, HOUR, Ms, format_duration, zone_offset

POISSON_BLOCK = 1000
_LONGEST_SHAPED = Ms(3_660 * DAY)  # of event time where hours or days shape the rate: each hour is a segment
_DRAW_BITS = 32
_US = 1_000_000  # microseconds per second
_QUARTER_HOUR = 15 * 60_000  # clocks jump by no less (times.py)


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
class Stretch:
    """One phase of the open model, as it lies in wall time."""

    name: str  # as the scenario calls it; empty: not at all
    rate: str  # as a person writes it, such as 20/s..100/s; empty where there is none
    begin_us: int  # wall microseconds after the run's start
    length_us: int


@dataclass(frozen=True, slots=True)
class Schedule:
    """Arrivals of the open model by rate."""

    segments: tuple[Segment, ...]
    starts: tuple[Fraction, ...]  # `before` of each segment, for bisection
    total: Fraction  # the integral over all phases
    stretches: tuple[Stretch, ...]  # one a phase, in order, without gaps
    count: int
    poisson: bool
    seed: int

    def __hash__(self) -> int:  # one schedule a run: identity is enough and fast for the cache below
        return id(self)


@dataclass(frozen=True, slots=True)
class Listed:
    """Arrivals of the open model by list."""

    offsets: Sequence[int]  # event time after the start, in ms, ascending
    speed: Fraction  # event time per wall time
    count: int
    name: str  # of the one phase that a list is

    def __hash__(self) -> int:
        return id(self)

    @property
    def stretches(self) -> tuple[Stretch, ...]:
        """One phase, from the start until the last visitor has come, and at least a second long."""
        return (Stretch(self.name, "", 0, max(offset_us(self, self.count - 1) + 1, _US)),)


Arrivals = Schedule | Listed


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
        ValueError: the phases bring fewer visitors than `count`, or last too long.
    """
    _check_length(phases, speed)
    segments: list[Segment] = []
    stretches: list[Stretch] = []
    begin, before = 0, Fraction(0)
    for phase in phases:
        stretches.append(Stretch(phase.name, _written(phase.rate), begin, phase.for_ * 1000))
        for length_us, low, high in _pieces(phase, begin, start, speed, zone):
            segment = Segment(begin, length_us, low, high, before)
            segments.append(segment)
            begin += length_us
            before += segment.visitors
    return Schedule(
        tuple(segments),
        tuple(segment.before for segment in segments),
        before,
        tuple(stretches),
        _enough(ceil(before), count),
        poisson,
        seed,
    )


def make_listed(offsets: Sequence[int], *, count: int | None, speed: Fraction, name: str) -> Listed:
    """Arrivals at listed offsets from the start: as many as `count` says, or else all.

    Raises:
        ValueError: the list is shorter than `count`.
    """
    return Listed(offsets, speed, _enough(len(offsets), count), name)


def _enough(available: int, count: int | None) -> int:
    if count is not None and available < count:
        raise ValueError(f"the arrivals bring {available} visitors, fewer than visitors.count, {count}")
    return available if count is None else count


def _check_length(phases: Sequence[Phase], speed: Fraction) -> None:
    length = sum(phase.for_ for phase in phases) * speed
    shaped = any(phase.hours is not None or phase.days is not None for phase in phases)
    limit = _LONGEST_SHAPED if shaped else LONGEST_RUN
    if length > limit:
        what = "arrivals that follow the hours or days" if shaped else "the arrivals"
        raise ValueError(f"{what} last longer than {format_duration(limit)} in event time; lower the speed or the time")


def _written(rate: Rate) -> str:
    low, high = f"{float(rate.low):g}/s", f"{float(rate.high):g}/s"
    return low if low == high else f"{low}..{high}"


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
        until = ceil(Fraction((_next_hour(at, zone) - start) * 1000) / speed) - begin_us
        cut = min(length_us, max(until, offset + 1))
        factor = _factor(phase, at, zone)
        at_low = low + (high - low) * Fraction(offset, length_us)
        at_high = low + (high - low) * Fraction(cut, length_us)
        pieces.append((cut - offset, at_low * factor, at_high * factor))
        offset = cut
    return pieces


def _next_hour(at: Ms, zone: str) -> int:
    """The first instant after `at` at which the zone's clock shows another hour, whichever way it jumps there."""
    hour = (at + zone_offset(at, zone)) // HOUR
    later = (at // _QUARTER_HOUR + 1) * _QUARTER_HOUR
    while (later + zone_offset(Ms(later), zone)) // HOUR == hour:
        later += _QUARTER_HOUR
    return later


def _factor(phase: Phase, at: Ms, zone: str) -> Fraction:
    local = at + zone_offset(at, zone)
    factor = Fraction(1)
    if phase.hours is not None:
        factor *= Fraction(str(phase.hours[local % DAY // HOUR]))
    if phase.days is not None:
        # 1970-01-01 was a Thursday; days begin with Monday.
        factor *= Fraction(str(phase.days[(local // DAY + 3) % 7]))
    return factor


def offset_us(schedule: Arrivals, visitor: int) -> int:
    """Wall microseconds after the run's start at which a visitor arrives.

    Raises:
        ValueError: the visitor is not in 0..count-1.
    """
    if not 0 <= visitor < schedule.count:
        raise ValueError(f"visitor {visitor} is not in 0..{schedule.count - 1}")
    if isinstance(schedule, Listed):
        return schedule.offsets[visitor] * 1000 * schedule.speed.denominator // schedule.speed.numerator
    if not schedule.poisson:
        return _where(schedule, visitor)
    return _poisson_block(schedule, visitor // POISSON_BLOCK)[visitor % POISSON_BLOCK]


def event_offset(schedule: Arrivals, visitor: int, speed: Fraction) -> Ms:
    """Event time after the start at which a visitor arrives; a list says it to the millisecond, whatever the speed.

    Raises:
        ValueError: as `offset_us`.
    """
    wall_us = offset_us(schedule, visitor)
    if isinstance(schedule, Listed):
        return Ms(schedule.offsets[visitor])
    return Ms(wall_us * speed.numerator // (speed.denominator * 1000))


def visitors_of(schedule: Arrivals) -> tuple[range, ...]:
    """The visitors of each phase: those whose instant lies in it, its begin included and its end not.

    Order: O(log n) instants for each phase.
    """
    numbers = range(schedule.count)
    ends = [
        bisect_left(numbers, stretch.begin_us + stretch.length_us, key=lambda visitor: offset_us(schedule, visitor))
        for stretch in schedule.stretches
    ]
    return tuple(range(begin, end) for begin, end in zip([0, *ends], ends, strict=False))


def due_by(schedule: Arrivals, until_us: int) -> int:
    """How many visitors have arrived when so many wall microseconds have passed; one whose instant it is has.

    Order: O(log n), and at most one block of draws.
    """
    if isinstance(schedule, Schedule) and schedule.poisson:
        # All of a block lie between where the integral reaches its first number and where it reaches the next block's.
        blocks = range(-(-schedule.count // POISSON_BLOCK))
        begun = bisect_right(blocks, until_us, key=lambda block: _where(schedule, block * POISSON_BLOCK))
        if begun == 0:
            return 0
        block = begun - 1
        return block * POISSON_BLOCK + bisect_right(_poisson_block(schedule, block), until_us)
    return bisect_right(range(schedule.count), until_us, key=lambda visitor: offset_us(schedule, visitor))


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
