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
from simulator.runs.chunks import Tallied, chunks_of, oracle_of, sightings_of_blocks, tally_chunk
from simulator.runs.dividing import processes_for, tallied_by_processes
from simulator.runs.gathering import Gathered, Gatherer
from simulator.times import Ms
from simulator.traffic.opened import OpenedRun
from simulator.verify.listed import MOST_FOREIGN, ListedEvents
from simulator.verify.oracle import Expectations, Oracle, exchanged, widened
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
        listed: the stored events, by the chunks of this run; None: the first stage alone.
        processes: that count; None: as many as the run is worth. The answer is the same for any number.

    Raises:
        LedgerDamage: the ledger was damaged since the index was made.
        EngineError: a process that counts died.
    """
    gathered = Gathered()
    whole, part, instead = (oracle_of(opened, begin, end) for _ in range(3))
    found, others = Reconciliation(), Reconciliation()
    for tallied in _tallied(opened, attempts, begin, end, listed, processes):
        gathered.merge(tallied.gathered)
        whole.add_part(tallied.whole)
        if tallied.part is not None and tallied.instead is not None:
            part.add_part(tallied.part)
            instead.add_part(tallied.instead)
        found.merge(tallied.found)
        others.merge(tallied.others)
    by_ledger = whole.finish()
    if listed is None:
        return Counted(gathered, by_ledger)
    found.merge(others)
    for event in listed.elsewhere():
        note_other(event, listed.owner.visitor_of(event.external_id), found)
    by_event = exchanged(by_ledger, part.finish(), instead.finish()) if found.clean else None
    if listed.strangers.foreign_count:
        strangers = _of_strangers(opened, begin, end, listed)
        by_ledger = _beside(by_ledger, strangers, listed)
        by_event = None if by_event is None else _beside(by_event, strangers, listed)
    return Counted(gathered, by_ledger, by_event, listed, found)


def _tallied(
    opened: OpenedRun,
    attempts: AttemptIndex,
    begin: Ms,
    end: Ms,
    listed: ListedEvents | None,
    processes: int | None,
) -> Iterator[Tallied]:
    """What each chunk of the run comes to, in their order."""
    chunks = chunks_of(opened.plan, len(attempts))
    numbers = chunks.of_plan(opened.plan)
    shared = None if listed is None else listed.shared()
    wanted = min(processes or processes_for(len(attempts)), len(numbers))
    if wanted > 1:
        yield from tallied_by_processes(wanted, opened, attempts, chunks, begin, end, shared)
        return
    for number in numbers:
        index = None if shared is None else shared.index_of(number)
        yield tally_chunk(opened, attempts, chunks.blocks_of(opened.plan, number), begin, end, index)


def rows_of_run(opened: OpenedRun, attempts: AttemptIndex, listed: ListedEvents | None, most: int) -> list[Sighting]:
    """All stored rows of a run: as listed or, without a list, as the ledger says where nothing is unknown.

    Empty where they are more than `most`, or not known.
    """
    rows: list[Sighting] = []
    chunks = chunks_of(opened.plan, len(attempts))
    found, asked = Reconciliation(), set[str]()
    shared = None if listed is None else listed.shared()
    for number in chunks.of_plan(opened.plan):
        index = None if shared is None else shared.index_of(number)
        for sightings in sightings_of_blocks(opened, attempts, chunks.blocks_of(opened.plan, number), Gatherer()):
            if index is not None:
                rows.extend(reconcile(sightings, index, found, asked, opened.contract.definitions.day).rows)
            elif all(one.low == one.high and one.dated for one in sightings):
                rows.extend(one for one in sightings if one.high and not one.record.bad)
            else:
                return []
            if len(rows) > most:
                return []
        if index is not None:
            rows.extend(reconcile_others(index, found, asked))
    if listed is not None:
        for event in listed.elsewhere():
            if len(rows) > most:
                break
            rows.append(note_other(event, listed.owner.visitor_of(event.external_id), found))
    return rows if len(rows) <= most else []


def _of_strangers(opened: OpenedRun, begin: Ms, end: Ms, listed: ListedEvents) -> Expectations:
    """What the events of others add at most: alone they count for no less than beside what was there before."""
    oracle = Oracle(replace(opened.contract, dedupe="none"), begin, end)
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
