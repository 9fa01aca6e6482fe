"""One pass over a run: its plan with its ledger, and with the stored events where they are listed.

    by ledger    what the attempts allow: the first stage
    by event     the same where every unknown outcome is what the listing shows: the second stage

The second takes the place of the first only where the stored events are just what the ledger allows, so a collector
that lost an acked event, or stored one too many, is never judged against its own list. Blocks in which plan, ledger and
list agree are counted once for both.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from itertools import chain

from simulator.ledger.index import AttemptIndex
from simulator.ledger.record import Attempt
from simulator.runs.noting import Failures, failures_of
from simulator.times import Ms
from simulator.traffic.opened import OpenedRun
from simulator.traffic.sending import requests_of_block
from simulator.verify.oracle import Expectations, Oracle, exchanged, widened
from simulator.verify.reconcile import (
    MOST_FOREIGN,
    Reconciliation,
    StoredIndex,
    StoredRows,
    reconcile,
    reconcile_others,
    row_of,
)
from simulator.verify.sighting import AttemptsOf, AttemptSummary, Sighting, attempt_summary, sightings_of
from simulator.verify.slo import Latencies
from simulator.wire.request import Purpose, Request

_TOO_MANY_FOREIGN = f"more than {MOST_FOREIGN:,} events of others came meanwhile"


@dataclass(slots=True)
class Gathered:
    """What is summed up while the blocks go by."""

    summary: AttemptSummary = field(default_factory=AttemptSummary)
    latencies: Latencies = field(default_factory=Latencies)
    failures: Failures = field(default_factory=Counter)
    lookups: Failures = field(default_factory=Counter)


@dataclass(frozen=True, slots=True)
class Counted:
    """What one pass came to."""

    gathered: Gathered
    by_ledger: Expectations
    by_event: Expectations | None = None  # None: no list of events, or one that is not as the ledger allows
    index: StoredIndex | None = None
    found: Reconciliation | None = None

    @property
    def expectations(self) -> Expectations:
        """The sharper of the two."""
        return self.by_ledger if self.by_event is None else self.by_event


def count_run(opened: OpenedRun, attempts: AttemptIndex, begin: Ms, end: Ms, index: StoredIndex | None) -> Counted:
    """Count every block of a run.

    Args:
        index: the stored events; None: the first stage alone.
    """
    gathered = Gathered()
    whole, part, instead = (_oracle(opened, begin, end) for _ in range(3))
    found, asked = Reconciliation(), set[str]()
    for requests, attempts_of in _blocks(opened, attempts, gathered):
        sightings = sightings_of(requests, attempts_of, opened.contract)
        certain = whole.add_block(sightings)
        if index is None:
            continue
        stored = _stored(opened, sightings, index, found, asked)
        if not (certain and stored.same):
            part.add_block(sightings)
            instead.add_block(stored.rows)
    by_ledger = whole.finish()
    if index is None:
        return Counted(gathered, by_ledger)
    reconcile_others(index, found, asked)
    by_event = exchanged(by_ledger, part.finish(), instead.finish()) if found.clean else None
    if index.foreign_count:
        others = _of_others(opened, begin, end, index)
        by_ledger = _beside(by_ledger, others, index)
        by_event = None if by_event is None else _beside(by_event, others, index)
    return Counted(gathered, by_ledger, by_event, index, found)


@dataclass(frozen=True, slots=True)
class RunRows:
    """All stored rows of a run, or none of them and why."""

    rows: list[Sighting]
    why_none: str = ""  # completes "because"; empty where the rows are known


def rows_of_run(opened: OpenedRun, attempts: AttemptIndex, index: StoredIndex | None, most: int) -> RunRows:
    """The stored rows: as listed or, without a list, as the ledger says where nothing is unknown.

    Args:
        most: none are given where there are more (exactly so many are).
    """
    rows: list[Sighting] = []
    found, asked = Reconciliation(), set[str]()
    for requests, attempts_of in _blocks(opened, attempts, Gathered()):
        sightings = sightings_of(requests, attempts_of, opened.contract)
        if index is not None:
            rows.extend(_stored(opened, sightings, index, found, asked).rows)
        elif all(one.low == one.high and one.dated for one in sightings):
            rows.extend(one for one in sightings if one.high and not one.record.bad)
        else:
            return RunRows([], "some outcomes are unknown and no list of the stored events settles them")
        if len(rows) > most:
            return RunRows([], f"more than {most:,} events are stored")
    if index is not None:
        rows.extend(reconcile_others(index, found, asked))
    return RunRows(rows)


def _stored(
    opened: OpenedRun, sightings: list[Sighting], index: StoredIndex, found: Reconciliation, asked: set[str]
) -> StoredRows:
    return reconcile(sightings, index, found, asked, opened.contract.definitions.day)


def _oracle(opened: OpenedRun, begin: Ms, end: Ms) -> Oracle:
    return Oracle(opened.contract, begin, end, carries_anonymous_id=opened.adapter.carries_anonymous_id)


def _of_others(opened: OpenedRun, begin: Ms, end: Ms, index: StoredIndex) -> Expectations:
    """What the events of others add at most: alone they count for no less than beside what was there before."""
    oracle = Oracle(replace(opened.contract, dedupe="none"), begin, end)
    oracle.add_block([row_of(event) for event in index.foreign])
    return oracle.finish()


def _beside(expectations: Expectations, others: Expectations, index: StoredIndex) -> Expectations:
    if index.foreign_count > len(index.foreign):
        return replace(
            expectations, unknowable={(metric,): _TOO_MANY_FOREIGN for metric in ("pv", "uv", "opens", "new_users")}
        )
    # One event can make two users or opens of before the run one, or three customers.
    return widened(expectations, others, below=2 * index.foreign_count)


def _blocks(opened: OpenedRun, index: AttemptIndex, gathered: Gathered) -> Iterator[tuple[list[Request], AttemptsOf]]:
    """Every block with the attempts of its visitors, by visitor number: one look at the ledger is enough."""
    for block in opened.plan.blocks:
        requests = requests_of_block(opened.plan, opened.adapter, block)
        attempts: dict[tuple[int, int], list[Attempt]] = {}
        for visitor in requests:
            of_visitor = index.attempts_of(visitor)
            for number, found in of_visitor.items():
                attempts[visitor, number] = found
            together = list(chain.from_iterable(of_visitor.values()))
            gathered.summary += attempt_summary(together)
            gathered.latencies.add_visitor(together)
            gathered.failures.update(failures_of(together))
            gathered.lookups.update(failures_of(together, Purpose.LOOKUP))
        yield list(chain.from_iterable(requests.values())), attempts
