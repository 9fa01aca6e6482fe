"""What is summed up of a run's attempts while its visitors go by: outcomes, latencies, and how attempts failed.

Most visitors' requests were each sent once and acked. These are summed up from the ledger's numbers as they are; of
any other visitor every attempt is looked at by itself.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import chain

from simulator.ledger.index import by_request
from simulator.ledger.read import Fields
from simulator.ledger.record import Attempt
from simulator.ledger.write import DONE
from simulator.runs.noting import Failures, failures_of
from simulator.verify.sighting import AttemptSummary, attempt_summary
from simulator.verify.slo import Latencies
from simulator.wire.request import Outcome, Purpose

_MOST_WAITING = 65_536  # latencies that are put into buckets at once
_ACKED, _EVENT, _SETUP = int(Outcome.ACKED), int(Purpose.EVENT), int(Purpose.SETUP)
_NEVER = 1 << 64  # ns, after every instant


@dataclass(slots=True)
class Gathered:
    """The sums."""

    summary: AttemptSummary = field(default_factory=AttemptSummary)
    latencies: Latencies = field(default_factory=Latencies)
    failures: Failures = field(default_factory=Counter)
    lookups: Failures = field(default_factory=Counter)

    def merge(self, other: Gathered) -> None:
        """Add the sums of other visitors."""
        self.summary += other.summary
        self.latencies.merge(other.latencies)
        self.failures.update(other.failures)
        self.lookups.update(other.lookups)


@dataclass(slots=True)
class Attempts:
    """The attempts of a few visitors by (visitor, Request.number)."""

    acked: dict[tuple[int, int], Fields] = field(default_factory=dict)  # sent once, and acked
    others: dict[tuple[int, int], list[Attempt]] = field(default_factory=dict)


class Gatherer:
    """Sums up the attempts of one visitor after another."""

    def __init__(self) -> None:
        self._gathered = Gathered()
        self._acked = 0  # attempts that are not yet in the summary
        self._responses: list[int] = []  # ns, not yet in the latencies
        self._services: list[int] = []

    def take(self, rows: Sequence[Fields], found: Attempts) -> None:
        """Sum up all attempts of one visitor, and sort them into `found`."""
        acked: dict[tuple[int, int], Fields] = {}
        responses: list[int] = []
        services: list[int] = []
        first, due = _NEVER, 0
        for row in rows:
            intended, _, visitor, request, attempt, purpose, state, _, outcome, _, sent, done = row
            if attempt or state != DONE or outcome != _ACKED:
                break
            acked[visitor, request] = row
            if purpose == _EVENT:
                responses.append(done - intended)
                services.append(done - sent)
            elif purpose == _SETUP:
                continue
            if sent < first:
                first, due = sent, intended
        if len(acked) != len(rows):
            self._take_each(rows, found)
            return
        found.acked.update(acked)
        self._acked += len(responses)
        self._responses += responses
        self._services += services
        if first < _NEVER:
            self._gathered.latencies.start(due, first)
        if len(self._responses) > _MOST_WAITING:
            self._put_away()

    def _take_each(self, rows: Sequence[Fields], found: Attempts) -> None:
        gathered = self._gathered
        attempts = by_request(rows)
        for number, several in attempts.items():
            found.others[several[0].visitor, number] = several
        together = list(chain.from_iterable(attempts.values()))
        gathered.summary += attempt_summary(together)
        gathered.latencies.add_visitor(together)
        gathered.failures.update(failures_of(together))
        gathered.lookups.update(failures_of(together, Purpose.LOOKUP))

    def _put_away(self) -> None:
        self._gathered.summary += AttemptSummary(self._acked, self._acked, 0, 0)
        self._gathered.latencies.add_replies(self._responses, self._services)
        self._acked = 0
        self._responses, self._services = [], []

    def finish(self) -> Gathered:
        """The sums over all visitors taken so far."""
        self._put_away()
        return self._gathered
