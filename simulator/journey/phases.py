"""The phases of a run, and whose they are: a visitor belongs to the phase in which it arrives.

So do all its events, also those that happen when a later phase has begun: long visits carry the load of one phase into
the next. When visitors arrive is arrivals.py; what became of a phase is verify/phases.py.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from simulator.journey.arrivals import offset_us, visitors_of
from simulator.journey.plan import Plan


@dataclass(frozen=True, slots=True)
class PlannedPhase:
    """One phase with its visitors."""

    name: str  # as the scenario calls it; empty: not at all
    rate: str  # as a person writes it, such as 20/s..100/s; empty: a list of instants
    begin_us: int  # wall microseconds after the run's start
    length_us: int
    visitors: range
    last_us: int  # when the last of them arrives, after the run's start; its begin where nobody does

    @property
    def seconds(self) -> float:
        """How long it lasts, in wall time."""
        return self.length_us / 1e6


def planned_phases(plan: Plan) -> tuple[PlannedPhase, ...]:
    """The phases of a plan, in their order.

    None where visitors have no wall instant of their own (users, a flood), and for a replay of some visitors.
    """
    if plan.schedule is None or plan.flood or plan.settings.only:
        return ()
    schedule, phases = plan.schedule, []
    for one, visitors in zip(schedule.stretches, visitors_of(schedule), strict=True):
        last_us = offset_us(schedule, visitors[-1]) if visitors else one.begin_us
        phases.append(PlannedPhase(one.name, one.rate, one.begin_us, one.length_us, visitors, last_us))
    return tuple(phases)


@dataclass(frozen=True, slots=True)
class Piece:
    """Neighbouring blocks of one phase, or one block whose visitors belong to several."""

    blocks: Sequence[int]
    phase: int | None  # its place, from 0; None: there are several, or the run has no phases
    shares: tuple[tuple[int, range], ...] = ()  # of a block of several phases: (place, its visitors there)


def pieces_of(plan: Plan, phases: Sequence[PlannedPhase], blocks: Sequence[int]) -> Iterator[Piece]:
    """The blocks, which are ascending, cut where another phase begins; a range is cut into ranges."""
    if not phases:
        yield Piece(blocks, None)
        return
    size, done = plan.block, 0  # blocks that went by
    for place, phase in enumerate(phases):
        begin, end = phase.visitors.start, phase.visitors.stop
        if begin == end:
            continue
        if begin // size >= done and begin % size:
            done = begin // size + 1
            for block in _within(blocks, done - 1, done):
                yield Piece((block,), None, _shares(plan, phases, block))
        whole = -(-end // size) if end == plan.count else end // size
        if whole > done:
            own = _within(blocks, done, whole)
            done = whole
            if own:
                yield Piece(own, place)


def _within(blocks: Sequence[int], begin: int, end: int) -> Sequence[int]:
    return blocks[bisect_left(blocks, begin) : bisect_left(blocks, end)]


def _shares(plan: Plan, phases: Sequence[PlannedPhase], block: int) -> tuple[tuple[int, range], ...]:
    first, after = block * plan.block, min((block + 1) * plan.block, plan.count)
    common = (
        (place, range(max(first, phase.visitors.start), min(after, phase.visitors.stop)))
        for place, phase in enumerate(phases)
    )
    return tuple((place, visitors) for place, visitors in common if visitors)
