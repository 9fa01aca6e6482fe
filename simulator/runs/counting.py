"""One pass over a run: its plan with its ledger, and with the stored events where they are listed.

    by ledger    what the attempts allow: the first stage
    by event     the same where every unknown outcome is what the listing shows: the second stage

The second takes the place of the first only where the stored events are just what the ledger allows, so a collector
that lost an acked event, or stored one too many, is never judged against its own list. Blocks in which plan, ledger and
list agree are counted once for both. How blocks are counted is chunks.py, and by which processes dividing.py; here the
counts are added.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace

from simulator.ledger.index import AttemptIndex
from simulator.runs.chunks import (
    Basis,
    Chunks,
    Tallied,
    basis_of,
    chunks_of,
    sightings_of_blocks,
    tally_chunk,
)
from simulator.runs.dividing import processes_for, tallied_by_processes
from simulator.runs.gathering import Gathered, Gatherer
from simulator.times import Ms
from simulator.traffic.opened import OpenedRun
from simulator.verify.listed import MOST_FOREIGN, ListedEvents
from simulator.verify.oracle import Expectations, Oracle, exchanged, widened
from simulator.verify.phases import PhaseTally
from simulator.verify.reconcile import Reconciliation, note_other, reconcile, reconcile_others, row_of
from simulator.verify.sighting import Sighting

_TOO_MANY_FOREIGN = f"more than {MOST_FOREIGN:,} events of others came meanwhile"


@dataclass(frozen=True, slots=True)
class Counted:
    """What one pass came to."""

    gathered: Gathered
    by_ledger: Expectations
    by_event: Expectations | None = None  # None: no list of events, or one that is not as the ledger allows
    listed: ListedEvents | None = None
    found: Reconciliation | None = None
    phases: tuple[PhaseTally, ...] = ()  # in the order of planned_phases

    @property
    def expectations(self) -> Expectations:
        """The sharper of the two."""
        return self.by_ledger if self.by_event is None else self.by_event


def count_run(
    opened: OpenedRun,
    attempts: AttemptIndex,
    begin: Ms,
    end: Ms,
    listed: ListedEvents | None,
    processes: int | None = None,
) -> Counted:
    """Count every block of a run.

    Args:
        listed: the stored events; None: the first stage alone.
        processes: that count; None: as many as the run is worth. The answer is the same for any number.

    Raises:
        LedgerDamage: the ledger was damaged since the index was made.
        EngineError: a process that counts died.
    """
    basis = basis_of(opened, attempts, begin, end)
    gathered = Gathered()
    whole, part, instead = (basis.oracle() for _ in range(3))
    found, others = Reconciliation(), Reconciliation()
    phases = tuple(PhaseTally() for _ in basis.phases)
    for tallied in _tallied(basis, listed, processes):
        gathered.merge(tallied.gathered)
        whole.add_part(tallied.whole)
        part.add_part(tallied.part)
        instead.add_part(tallied.instead)
        found.merge(tallied.found)
        others.merge(tallied.others)
        for phase, own in zip(phases, tallied.phases, strict=True):
            phase.add(own.summary, own.latencies, own.silent, own.totals)
    by_ledger = whole.finish()
    if listed is None:
        return Counted(gathered, by_ledger, phases=phases)
    found.merge(others)
    for event in listed.elsewhere():
        note_other(event, listed.owner.visitor_of(event.external_id), found)
    by_event = exchanged(by_ledger, part.finish(), instead.finish()) if found.clean else None
    if listed.strangers.foreign_count:
        strangers = _of_strangers(basis, listed)
        by_ledger = _beside(by_ledger, strangers, listed)
        by_event = None if by_event is None else _beside(by_event, strangers, listed)
    return Counted(gathered, by_ledger, by_event, listed, found, phases)


def _tallied(basis: Basis, listed: ListedEvents | None, processes: int | None) -> Iterator[Tallied]:
    """What each chunk of the run comes to, in their order."""
    plan, chunks = basis.opened.plan, _chunks(basis, listed)
    numbers = chunks.of_plan(plan)
    shared = None if listed is None else listed.shared()
    wanted = min(processes or processes_for(len(basis.attempts)), len(numbers))
    if wanted > 1:
        yield from tallied_by_processes(wanted, basis, chunks, shared)
        return
    for number in numbers:
        index = None if shared is None else shared.index_of(number)
        yield tally_chunk(basis, chunks.blocks_of(plan, number), index)


def _chunks(basis: Basis, listed: ListedEvents | None) -> Chunks:
    """As the stored events were put apart, or as the run is best cut."""
    plan = basis.opened.plan
    if listed is None:
        return chunks_of(plan, len(basis.attempts))
    return Chunks(listed.visitors // plan.block, listed.visitors)


@dataclass(frozen=True, slots=True)
class RunRows:
    """All stored rows of a run, or none of them and why."""

    rows: list[Sighting]
    why_none: str = ""  # completes "because"; empty where the rows are known


def rows_of_run(opened: OpenedRun, attempts: AttemptIndex, listed: ListedEvents | None, most: int) -> RunRows:
    """The stored rows: as listed or, without a list, as the ledger says where nothing is unknown.

    Args:
        most: none are given where there are more (exactly so many are).
    """
    basis = basis_of(opened, attempts, opened.plan.start, opened.plan.end)
    chunks, too_many = _chunks(basis, listed), RunRows([], f"more than {most:,} events are stored")
    rows: list[Sighting] = []
    found, asked = Reconciliation(), set[str]()
    shared = None if listed is None else listed.shared()
    for number in chunks.of_plan(opened.plan):
        index = None if shared is None else shared.index_of(number)
        for sightings in sightings_of_blocks(basis, chunks.blocks_of(opened.plan, number), Gatherer()):
            if index is not None:
                zone, dedupe = opened.contract.definitions.day, opened.contract.dedupe
                rows.extend(reconcile(sightings, index, found, asked, zone, dedupe).rows)
            elif all(one.low == one.high and one.dated for one in sightings):
                rows.extend(one for one in sightings if one.high and not one.record.bad)
            else:
                return RunRows([], "some outcomes are unknown and no list of the stored events settles them")
            if len(rows) > most:
                return too_many
        if index is not None:
            rows.extend(reconcile_others(index, found, asked))
    if listed is not None:
        for event in listed.elsewhere():
            if len(rows) > most:
                return too_many
            rows.append(note_other(event, listed.owner.visitor_of(event.external_id), found))
    if len(rows) > most:
        return too_many
    return RunRows(rows, "" if rows else "nothing is stored")


def _of_strangers(basis: Basis, listed: ListedEvents) -> Expectations:
    """What the events of others add at most: alone they count for no less than beside what was there before."""
    oracle = Oracle(replace(basis.opened.contract, dedupe="none"), basis.begin, basis.end)
    oracle.add_block([row_of(event) for event in listed.strangers.foreign])
    return oracle.finish()


def _beside(expectations: Expectations, strangers: Expectations, listed: ListedEvents) -> Expectations:
    count = listed.strangers.foreign_count
    if count > len(listed.strangers.foreign):
        return replace(
            expectations, unknowable={(metric,): _TOO_MANY_FOREIGN for metric in ("pv", "uv", "opens", "new_users")}
        )
    # One event can make two users or opens of before the run one, or three customers.
    return widened(expectations, strangers, below=2 * count)
