"""Latencies gathered from the ledger, and the service-level expressions about them.

The grammar is scenario/slo.py; here are the samples. Three ways to look at time: `response` from the intended instant
(what a visitor would feel, waiting for a late sender included), `service` from the actual send, and `late`, how long
after its instant a visitor started at all. A visitor has started when the first attempt's intent is written: opening a
connection comes after that, and a collector that is slow to accept one makes nobody late, only `response` longer.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from fractions import Fraction

from simulator.finding import Slo
from simulator.ledger.histogram import Histogram
from simulator.ledger.record import Attempt
from simulator.scenario.slo import SloExpression
from simulator.verify.sighting import AttemptSummary
from simulator.wire.request import Outcome, Purpose

_ON_TIME_US = 1_000_000  # a visitor who starts so long after the instant, or earlier, is on time


class Latencies:
    """The samples of a run, in microseconds of wall time."""

    def __init__(self) -> None:
        self.response = Histogram()
        self.service = Histogram()
        self.late = Histogram()  # one for each visitor that started
        self.on_time = 0  # visitors that started within 1 s of their instant
        self.last_late = 0  # of the visitor added last: how late it started

    def add_visitor(self, attempts: Sequence[Attempt]) -> None:
        """The attempts of one visitor, in any order; earlier visits are no part of the load.

        Lookups count for the start alone. A refused send has no latency: a quick refusal is no quick answer. Nor has
        one that never ended; `failed` counts both.
        """
        self.add_attempts(attempts)
        first = first_start(attempts)
        if first is not None:
            self.start(*first)

    def add_attempts(self, attempts: Sequence[Attempt]) -> None:
        """The latencies of some attempts, not the start of their visitor."""
        replied = [
            attempt
            for attempt in attempts
            if attempt.purpose is Purpose.EVENT and attempt.done_ns and attempt.outcome is not Outcome.REFUSED
        ]
        self.add_replies(
            [attempt.done_ns - attempt.intended_ns for attempt in replied],
            [attempt.done_ns - attempt.sent_ns for attempt in replied],
        )

    def add_replies(self, responses: Iterable[int], services: Iterable[int]) -> None:
        """Latencies in nanoseconds: of as many attempts from the intended instant and from the send."""
        self.response.add_all([latency // 1_000 for latency in responses])
        self.service.add_all([latency // 1_000 for latency in services])

    def start(self, began: int, due: int) -> None:
        """A visitor whose first attempt began at an instant, and was due at another; both in nanoseconds."""
        late = max(began - due, 0) // 1_000
        self.late.add(late)
        self.on_time += late <= _ON_TIME_US
        self.last_late = late

    def merge(self, other: Latencies) -> None:
        """The samples of another worker, or of visitors who arrive later."""
        self.response.merge(other.response)
        self.service.merge(other.service)
        self.late.merge(other.late)
        self.on_time += other.on_time
        if other.late.count:
            self.last_late = other.last_late


def first_start(attempts: Iterable[Attempt]) -> tuple[int, int] | None:
    """When the first of a visitor's attempts began, and when it was due; None where none is known to have begun.

    Earlier visits are no part of it. Of several at one instant it is the one that was due first.
    """
    starts = (
        (began, attempt.intended_ns)
        for attempt in attempts
        if attempt.purpose is not Purpose.SETUP and (began := attempt.began_ns or attempt.sent_ns)
    )
    return min(starts, default=None)


def measured(expression: SloExpression, latencies: Latencies, attempts: AttemptSummary) -> float | None:
    """The value that an expression is about: milliseconds, or the failed part from 0 to 1; None without samples."""
    if expression.percentile is None:
        return attempts.failed / attempts.sent if attempts.sent else None
    histogram = {"response": latencies.response, "service": latencies.service, "late": latencies.late}
    found = histogram[expression.measure].percentile(expression.percentile)
    return None if found is None else float(Fraction(found, 1_000))


def evaluate(expressions: Iterable[SloExpression], latencies: Latencies, attempts: AttemptSummary) -> tuple[Slo, ...]:
    """Each expression with its value; one without samples is missed."""
    values = [(one, measured(one, latencies, attempts)) for one in expressions]
    return tuple(Slo(one.text, value, one.met(value)) for one, value in values)
