"""The phases of a run, and whose they are: a visitor belongs to the phase in which it arrives.

So do all its events, also those that happen when a later phase has begun: long visits carry the load of one phase into
the next. When visitors arrive is arrivals.py; what became of a phase is verify/phases.py.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import groupby

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

    blocks: tuple[int, ...]
    phase: int | None  # its place, from 0; None: there are several, or the run has no phases
    shares: tuple[tuple[int, range], ...] = ()  # of a block of several phases: (place, its visitors there)


def pieces_of(plan: Plan, phases: Sequence[PlannedPhase], blocks: Iterable[int]) -> Iterator[Piece]:
    """The blocks, which are ascending, cut where another phase begins."""
    if not phases:
        yield Piece(tuple(blocks), None)
        return
    starts = [phase.visitors.start for phase in phases]

    def places(block: int) -> tuple[int, int, int]:
        members = range(block * plan.block, min((block + 1) * plan.block, plan.count))
        first, last = (bisect_right(starts, member) - 1 for member in (members[0], members[-1]))
        return first, last, -1 if first == last else block  # a block of several phases is a piece of its own

    for (first, last, block), group in groupby(blocks, key=places):
        if first == last:
            yield Piece(tuple(group), first)
            continue
        members = range(block * plan.block, min((block + 1) * plan.block, plan.count))
        shares = ((place, _common(members, phases[place].visitors)) for place in range(first, last + 1))
        yield Piece((block,), None, tuple((place, visitors) for place, visitors in shares if visitors))


def _common(one: range, other: range) -> range:
    return range(max(one.start, other.start), min(one.stop, other.stop))
