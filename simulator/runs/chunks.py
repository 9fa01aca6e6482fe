"""A run in chunks of neighbouring blocks: each is counted alone, in any process, and the counts are added.

How a run is cut depends on its plan and its ledger alone, so the sum is the same whoever counts what.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from itertools import chain

from simulator.journey.plan import Plan
from simulator.ledger.index import AttemptIndex
from simulator.runs.gathering import Attempts, Gathered, Gatherer
from simulator.times import Ms
from simulator.traffic.opened import OpenedRun
from simulator.traffic.sending import requests_of_block
from simulator.verify.listed import StoredIndex
from simulator.verify.oracle import Oracle, Part
from simulator.verify.reconcile import Reconciliation, reconcile, reconcile_others
from simulator.verify.sighting import Sighting, sightings_of

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


@dataclass(slots=True)
class Tallied:
    """What some chunks came to."""

    gathered: Gathered
    whole: Part  # every block, by the ledger
    part: Part | None = None  # the blocks in which plan, ledger and list do not all agree: by the ledger,
    instead: Part | None = None  # and as they are stored
    found: Reconciliation = field(default_factory=Reconciliation)
    others: Reconciliation = field(default_factory=Reconciliation)  # stored events that no block asked for


def tally_chunk(
    opened: OpenedRun, attempts: AttemptIndex, blocks: Sequence[int], begin: Ms, end: Ms, index: StoredIndex | None
) -> Tallied:
    """Count some blocks of a run.

    Args:
        index: the stored events of just these blocks' visitors; None: the first stage alone.
    """
    gatherer = Gatherer()
    whole, part, instead = (oracle_of(opened, begin, end) for _ in range(3))
    found, asked = Reconciliation(), set[str]()
    for sightings in sightings_of_blocks(opened, attempts, blocks, gatherer):
        certain = whole.add_block(sightings)
        if index is None:
            continue
        stored = reconcile(sightings, index, found, asked, opened.contract.definitions.day)
        if not (certain and stored.same):
            part.add_block(sightings)
            instead.add_block(stored.rows)
    if index is None:
        return Tallied(gatherer.finish(), whole.part())
    others = Reconciliation()
    reconcile_others(index, others, asked)
    return Tallied(gatherer.finish(), whole.part(), part.part(), instead.part(), found, others)


def oracle_of(opened: OpenedRun, begin: Ms, end: Ms) -> Oracle:
    """An oracle for some blocks of the run, or for all of them."""
    return Oracle(opened.contract, begin, end, carries_anonymous_id=opened.adapter.carries_anonymous_id)


def sightings_of_blocks(
    opened: OpenedRun, index: AttemptIndex, blocks: Sequence[int], gatherer: Gatherer
) -> Iterator[list[Sighting]]:
    """The sightings of one block after another, from its plan and the attempts of its visitors."""
    for block in blocks:
        requests = requests_of_block(opened.plan, opened.adapter, block)
        attempts = Attempts()
        for visitor in requests:
            gatherer.take(index.rows_of(visitor), attempts)
        planned = chain.from_iterable(requests.values())
        yield sightings_of(planned, attempts.others, opened.contract, attempts.acked)
