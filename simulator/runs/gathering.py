"""What is summed up of a run's attempts while its visitors go by: outcomes, latencies, and how attempts failed.

Most requests were sent once and acked. These are summed up from the ledger's numbers as they are; of any other request
every attempt is looked at by itself.
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
from simulator.verify.slo import Latencies, first_start
from simulator.wire.request import Outcome, Purpose, Request

SLICES = 20  # of a run, by which latencies are kept apart
_MOST_WAITING = 65_536  # latencies that are put into buckets at once
_ACKED, _EVENT, _SETUP = int(Outcome.ACKED), int(Purpose.EVENT), int(Purpose.SETUP)
_NEVER = (1 << 64, 0)  # after every instant


@dataclass(slots=True)
class Gathered:
    """The sums."""

    summary: AttemptSummary = field(default_factory=AttemptSummary)
    latencies: Latencies = field(default_factory=Latencies)
    slices: dict[int, Latencies] = field(default_factory=dict)  # the same by `slice_of`
    failures: Failures = field(default_factory=Counter)
    lookups: Failures = field(default_factory=Counter)
    silent: int = 0  # visitors with nothing to send

    def merge(self, other: Gathered) -> None:
        """Add the sums of other visitors."""
        self.summary += other.summary
        self.latencies.merge(other.latencies)
        for number, own in other.slices.items():
            self.slices.setdefault(number, Latencies()).merge(own)
        self.failures.update(other.failures)
        self.lookups.update(other.lookups)
        self.silent += other.silent


@dataclass(slots=True)
class Attempts:
    """The attempts of a few visitors by (visitor, Request.number)."""

    acked: dict[tuple[int, int], Fields] = field(default_factory=dict)  # sent once, and acked
    others: dict[tuple[int, int], list[Attempt]] = field(default_factory=dict)


def slice_of(visitor: int, count: int) -> int:
    """Which of the `SLICES` equal parts of a run's visitors somebody belongs to, from 0; earlier ones come earlier."""
    return visitor * SLICES // max(count, 1)


class Gatherer:
    """Sums up the attempts of one visitor after another.

    Args:
        count: of the plan's visitors, to put latencies into slices of the run; 0: all are in the first.
    """

    def __init__(self, count: int = 0) -> None:
        self._gathered = Gathered()
        self._count = count
        self._slice = 0
        self._latencies = Latencies()  # of that slice
        self._responses: list[int] = []  # ns; of acked attempts that are not yet in the sums
        self._services: list[int] = []

    def see(self, requests: Sequence[Request]) -> None:
        """Note one visitor's requests: who has none but those of an earlier visit never starts."""
        self._gathered.silent += all(request.purpose is Purpose.SETUP for request in requests)

    def take(self, rows: Sequence[Fields], found: Attempts) -> None:
        """Sum up all attempts of one visitor, and sort them into `found`."""
        if rows and self._count and (number := slice_of(rows[0][2], self._count)) != self._slice:
            self._put_away()
            self._slice = number
        acked: dict[tuple[int, int], Fields] = {}
        usual = True
        for row in rows:
            _, _, visitor, request, attempt, _, state, _, outcome, _, _, _ = row
            if attempt or state != DONE or outcome != _ACKED:
                usual = False
            else:
                acked[visitor, request] = row
        if not usual or len(acked) != len(rows):
            others = _others(rows, acked)
            first = self._take_each(others, found)
        else:
            first = _NEVER
        for intended, began, _, _, _, purpose, _, _, _, _, sent, done in acked.values():
            if purpose == _EVENT:
                self._responses.append(done - intended)
                self._services.append(done - sent)
            elif purpose == _SETUP:
                continue
            if began <= first[0]:
                first = min(first, (began, intended))
        found.acked.update(acked)
        if first is not _NEVER:
            self._latencies.start(*first)
        if len(self._responses) > _MOST_WAITING:
            self._sum_up()

    def _take_each(self, rows: Sequence[Fields], found: Attempts) -> tuple[int, int]:
        """Sum up some attempts of one visitor; the first that began among them."""
        gathered = self._gathered
        attempts = by_request(rows)
        for number, several in attempts.items():
            found.others[several[0].visitor, number] = several
        together = list(chain.from_iterable(attempts.values()))
        gathered.summary += attempt_summary(together)
        self._latencies.add_attempts(together)
        gathered.failures.update(failures_of(together))
        gathered.lookups.update(failures_of(together, Purpose.LOOKUP))
        return first_start(together) or _NEVER

    def _sum_up(self) -> None:
        acked = len(self._responses)
        self._gathered.summary += AttemptSummary(acked, acked, 0, 0)
        self._latencies.add_replies(self._responses, self._services)
        self._responses, self._services = [], []

    def _put_away(self) -> None:
        """End a slice; another one may follow, or the same again."""
        self._sum_up()
        if self._latencies.service.count or self._latencies.late.count:
            self._gathered.latencies.merge(self._latencies)
            self._gathered.slices.setdefault(self._slice, Latencies()).merge(self._latencies)
        self._latencies = Latencies()

    def finish(self) -> Gathered:
        """The sums over all visitors taken so far."""
        self._put_away()
        return self._gathered


def _others(rows: Sequence[Fields], acked: dict[tuple[int, int], Fields]) -> list[Fields]:
    """The attempts of all requests that were not just sent once and acked; these are taken out of `acked`."""
    seen: set[tuple[int, int]] = set()
    for row in rows:
        key = row[2:4]
        if key in seen or acked.get(key) is not row:
            acked.pop(key, None)
        seen.add(key)
    return [row for row in rows if row[2:4] not in acked]
