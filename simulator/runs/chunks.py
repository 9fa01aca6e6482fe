"""A run in chunks of neighbouring blocks: each is counted alone, in any process, and the counts are added.

How a run is cut depends on its plan and its ledger alone, so the sum is the same whoever counts what. Within a chunk
blocks go by in pieces of one phase, so what each phase comes to is a difference.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from itertools import chain

from simulator.journey.phases import PlannedPhase, pieces_of, planned_phases
from simulator.journey.plan import Plan
from simulator.ledger.index import AttemptIndex, by_request
from simulator.ledger.leases import Leases, read_leases
from simulator.runs.gathering import Attempts, Gathered, Gatherer
from simulator.runs.holes import with_possible
from simulator.times import Ms
from simulator.traffic.opened import OpenedRun
from simulator.traffic.sending import requests_of_block
from simulator.verify.earlier import with_earlier
from simulator.verify.listed import StoredIndex
from simulator.verify.oracle import Oracle, Part
from simulator.verify.phases import PhaseTally, PhaseTotals
from simulator.verify.reconcile import Reconciliation, reconcile, reconcile_others
from simulator.verify.sighting import Sighting, sightings_of
from simulator.wire.request import without_bytes

_ATTEMPTS = 50_000  # of a chunk, where visitors have about equally many
_MOST_VISITORS = 8_192


@dataclass(frozen=True, slots=True)
class Chunks:
    """How a run is cut: chunk n has the blocks from n · `blocks` on."""

    blocks: int
    visitors: int

    def of_plan(self, plan: Plan) -> list[int]:
        """The chunks in which somebody comes, ascending."""
        return sorted({block // self.blocks for block in plan.blocks})

    def blocks_of(self, plan: Plan, number: int) -> Sequence[int]:
        """The blocks of one chunk whose visitors come, ascending."""
        blocks = plan.blocks
        first, behind = number * self.blocks, (number + 1) * self.blocks
        return blocks[bisect_left(blocks, first) : bisect_left(blocks, behind)]


def chunks_of(plan: Plan, attempts: int) -> Chunks:
    """Cut a run of so many attempts."""
    each = max(attempts // max(plan.coming, 1), 1)
    blocks = max(min(_ATTEMPTS // each, _MOST_VISITORS) // plan.block, 1)
    return Chunks(blocks, blocks * plan.block)


@dataclass(frozen=True, slots=True)
class Basis:
    """What all chunks of a run are counted from."""

    opened: OpenedRun
    attempts: AttemptIndex
    leases: Leases
    phases: tuple[PlannedPhase, ...]
    begin: Ms
    end: Ms

    def oracle(self) -> Oracle:
        """An oracle for some blocks of the run, or for all of them."""
        carries = self.opened.adapter.carries_anonymous_id
        return Oracle(self.opened.contract, self.begin, self.end, carries_anonymous_id=carries)


def basis_of(opened: OpenedRun, attempts: AttemptIndex, begin: Ms, end: Ms) -> Basis:
    """The basis of a run judged in the period [begin, end).

    Raises:
        LedgerDamage: the lease table is damaged.
    """
    leases = read_leases(opened.folder, opened.manifest.run_id)
    return Basis(opened, attempts, leases, planned_phases(opened.plan), begin, end)


@dataclass(slots=True)
class Tallied:
    """What some chunks came to."""

    gathered: Gathered
    whole: Part  # every block, by the ledger
    part: Part  # the blocks in which plan, ledger and list do not all agree: by the ledger,
    instead: Part  # and as they are stored
    found: Reconciliation
    others: Reconciliation  # stored events that no block asked for
    phases: tuple[PhaseTally, ...] = field(default=())  # in the order of planned_phases


def tally_chunk(basis: Basis, blocks: Sequence[int], index: StoredIndex | None) -> Tallied:
    """Count some blocks of a run.

    Args:
        index: the stored events of just these blocks' visitors; None: the first stage alone.
    """
    gathered = Gathered()
    chunk = _Count(basis, index)
    phases = tuple(PhaseTally() for _ in basis.phases)
    for piece in pieces_of(basis.opened.plan, basis.phases, blocks):
        before = chunk.totals()
        own = chunk.add(piece.blocks)
        gathered.merge(own)
        if piece.phase is not None:
            phases[piece.phase].add(own.summary, own.latencies, own.silent, chunk.totals() - before)
        for phase, visitors in piece.shares:
            alone = _Count(basis, index)
            own = alone.add(piece.blocks, visitors)
            phases[phase].add(own.summary, own.latencies, own.silent, alone.totals())
    others = Reconciliation()
    if index is not None:
        reconcile_others(index, others, chunk.asked)
    parts = chunk.whole.part(), chunk.part.part(), chunk.instead.part()
    return Tallied(gathered, *parts, chunk.found, others, phases)


class _Count:
    """One count of some blocks: by the ledger, and by the stored events where they are listed."""

    def __init__(self, basis: Basis, index: StoredIndex | None) -> None:
        self._basis, self._index = basis, index
        self.whole, self.part, self.instead = (basis.oracle() for _ in range(3))
        self.found, self.asked = Reconciliation(), set[str]()

    def add(self, blocks: Sequence[int], visitors: range | None = None) -> Gathered:
        """Count some blocks, or some of their visitors alone."""
        gatherer = Gatherer(self._basis.opened.plan.count)
        zone = self._basis.opened.contract.definitions.day
        for sent in sightings_of_blocks(self._basis, blocks, gatherer, visitors):
            sightings = sent
            if self._index is not None and self._index.before:
                sightings = with_earlier(sent, self._index, self._basis.opened.contract)
            certain = self.whole.add_block(sightings)
            if self._index is None:
                continue
            dedupe = self._basis.opened.contract.dedupe
            stored = reconcile(sightings, self._index, self.found, self.asked, zone, dedupe)
            if not (certain and stored.same):
                self.part.add_block(sightings)
                self.instead.add_block(stored.rows)
        return gatherer.finish()

    def totals(self) -> PhaseTotals:
        """What all blocks so far come to."""
        expected = self.whole.totals()
        if self._index is None:
            return PhaseTotals(expected)
        stored = expected - self.part.totals() + self.instead.totals()
        return PhaseTotals(expected, stored, self.found.wrong)


def sightings_of_blocks(
    basis: Basis, blocks: Sequence[int], gatherer: Gatherer, visitors: range | None = None
) -> Iterator[list[Sighting]]:
    """The sightings of one block after another, from its plan and the attempts of its visitors.

    Args:
        gatherer: sums up the attempts.
        visitors: as if only these had come; None: everybody.
    """
    opened, leases = basis.opened, basis.leases
    adapter = without_bytes(opened.adapter)
    for block in blocks:
        requests = requests_of_block(opened.plan, adapter, block)
        if visitors is not None:
            requests = {visitor: own for visitor, own in requests.items() if visitor in visitors}
        found = Attempts()
        for visitor, own in requests.items():
            rows = basis.attempts.rows_of(visitor)
            gatherer.see(own)
            if leases.holes:
                gatherer.take(rows, Attempts())
                possible = with_possible(own, by_request(rows), leases)
                found.others.update({(visitor, number): several for number, several in possible.items()})
            else:
                gatherer.take(rows, found)
        planned = chain.from_iterable(requests.values())
        yield sightings_of(planned, found.others, opened.contract, found.acked)
