"""What became of each phase of a load, and whether the collector held it: the answer to "how much can it take".

A phase is judged by its own visitors: an attempt belongs to the phase of its visitor, whenever it was made. Its totals
are those of its visitors counted by themselves (a user or an open that two phases share counts in both, so phases can
add up to more than the run). Memory: counters and histograms for each phase, whatever the number of events.

The rule, first match:

    did not hold   a total of its visitors is wrong, one of their events is not stored as it was sent, or more of its
                   sends than `max_failed` were refused or unknown
    not judged     nobody arrived; the run was cut short in it; the load was not offered (as for exit 4)
    did not hold   a service level was missed
    not judged     its totals cannot be known, or the run's are wrong and nobody can say in which phase
    held           none of these

Which visitors are whose is journey/phases.py; the run's own verdict (verdict.py) asks no phase.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Literal

from simulator.contract import METRICS
from simulator.finding import Judged, Slo, Verdict
from simulator.scenario.model import PPM, Expect
from simulator.verify.judging import judge_cell, tolerance_of
from simulator.verify.oracle import Expectations
from simulator.verify.sighting import AttemptSummary
from simulator.verify.slo import Latencies
from simulator.verify.totals import NOTHING, Totals
from simulator.verify.verdict import PUNCTUAL, missed_text

Standing = Literal["held", "did not hold", "not judged"]

BY_ATTEMPTS = "by its attempts alone: stored events were not read, and the run's total allows what they say"


@dataclass(frozen=True, slots=True)
class PhaseTotals:
    """The totals of some blocks: what the ledger allows and, where stored events are listed, what is stored."""

    expected: Totals = NOTHING
    stored: Totals = NOTHING  # nothing where they are not listed
    wrong: int = 0  # events that are not stored as they were sent: lost, duplicated, altered, unexpected

    def __add__(self, other: PhaseTotals) -> PhaseTotals:
        return PhaseTotals(self.expected + other.expected, self.stored + other.stored, self.wrong + other.wrong)

    def __sub__(self, other: PhaseTotals) -> PhaseTotals:
        return PhaseTotals(self.expected - other.expected, self.stored - other.stored, self.wrong - other.wrong)


@dataclass(slots=True)
class PhaseTally:
    """What the visitors of one phase came to."""

    summary: AttemptSummary = field(default_factory=AttemptSummary)
    latencies: Latencies = field(default_factory=Latencies)
    silent: int = 0  # visitors with nothing to send
    totals: PhaseTotals = PhaseTotals()  # of all of them

    def add(self, summary: AttemptSummary, latencies: Latencies, silent: int, totals: PhaseTotals) -> None:
        """Take what some of its visitors came to."""
        self.summary += summary
        self.latencies.merge(latencies)
        self.silent += silent
        self.totals += totals

    @property
    def started(self) -> int:
        """Visitors who started, or had nothing to start with."""
        return self.latencies.late.count + self.silent

    @property
    def on_time(self) -> int:
        """Of them those who did so within a second of their instant."""
        return self.latencies.on_time + self.silent


@dataclass(frozen=True, slots=True)
class RunTotals:
    """What is known of the whole run when its phases are judged."""

    judged: Sequence[Judged]
    expectations: Expectations
    clean: bool  # every stored event is as the ledger allows: what is stored is what was unknown
    alone: bool  # the run has one phase, so its totals are the run's
    listed: bool  # stored events were read
    why_not_listed: str  # why they were not
    finished: bool  # every visitor was sent to the end
    left_out: frozenset[str] = frozenset()  # metrics that the collector does not have in total
    unexplained: bool = False  # a total of the run is wrong, and no phase's own is

    def total(self, metric: str) -> Judged | None:
        """The run's total of one metric, judged."""
        return next((one for one in self.judged if (one.metric, one.by) == (metric, "all")), None)


def judge_totals(tally: PhaseTally, run: RunTotals, expect: Expect, name: str) -> tuple[Judged, ...]:
    """The four totals of a phase's visitors, against what is stored of them or, in a run of one phase, was read.

    Args:
        name: of the phase; its cell.
    """
    told = [metric for metric in METRICS if run.listed or metric not in run.left_out]
    return tuple(_judge_total(metric, tally, run, expect, name) for metric in told)


def _judge_total(metric: str, tally: PhaseTally, run: RunTotals, expect: Expect, name: str) -> Judged:
    total = run.total(metric)
    if run.alone and total is not None:
        return Judged(metric, "phase", name, total.expected, total.observed, total.verdict, total.why)
    reason = run.expectations.why(metric, "all", "")
    if reason:
        return Judged(metric, "phase", name, None, None, Verdict.INCONCLUSIVE, f"not checkable: {reason}")
    expected = tally.totals.expected.of(metric)
    if not run.listed:
        return _by_attempts(Judged(metric, "phase", name, expected, None, Verdict.INCONCLUSIVE), total, run, expect)
    stored = tally.totals.stored.of(metric)
    if run.clean:
        expected = stored
    verdict, why = judge_cell(expected, stored.low, expect.max_width, tolerance_of(metric, expect))
    return Judged(metric, "phase", name, expected, stored.low, verdict, why)


def _by_attempts(one: Judged, total: Judged | None, run: RunTotals, expect: Expect) -> Judged:
    """A total that only its attempts tell: right where they leave no doubt, and the run's total is no contradiction."""
    assert one.expected is not None
    # What would any value inside be worth? A range that is too wide proves nothing.
    verdict, why = judge_cell(one.expected, one.expected.low, expect.max_width, tolerance_of(one.metric, expect))
    if verdict is Verdict.PASS and total is not None and total.observed is not None and total.verdict < Verdict.FAIL:
        return Judged(one.metric, one.by, one.cell, one.expected, None, Verdict.PASS, BY_ATTEMPTS)
    if verdict is Verdict.PASS:
        why = f"not read: {run.why_not_listed or 'stored events were not listed'}"
    return Judged(one.metric, one.by, one.cell, one.expected, None, Verdict.INCONCLUSIVE, why)


def stand(
    tally: PhaseTally,
    visitors: int,
    totals: Sequence[Judged],
    slos: Sequence[Slo],
    run: RunTotals,
    *,
    max_failed: int,
) -> tuple[Standing, str]:
    """Whether a phase held, and why not; the rule is the module's.

    Args:
        visitors: planned.
        max_failed: most of its sends that may be refused or unknown, in millionths (exactly so many may).
    """
    sent = tally.summary
    wrong = next((one for one in totals if one.verdict >= Verdict.FAIL), None)
    if wrong is not None:
        return "did not hold", f"{wrong.metric} of its visitors: {wrong.why}"
    if tally.totals.wrong:
        return "did not hold", f"{_events(tally.totals.wrong)} of its visitors not stored as sent"
    if sent.failed * PPM > max_failed * sent.sent:
        share = sent.failed * 100 / sent.sent
        return "did not hold", f"{sent.failed:,} of {sent.sent:,} sends ({share:.3g} %) were refused or unknown"
    not_offered = _not_offered(tally, visitors, run)
    if not_offered:
        return "not judged", not_offered
    missed = next((slo for slo in slos if not slo.met), None)
    if missed is not None:
        return "did not hold", missed_text(missed)
    if run.unexplained:
        return "not judged", "totals of the run are wrong, and no stored event says in which phase"
    unknown = next((one for one in totals if one.verdict is not Verdict.PASS), None)
    if unknown is not None:
        return "not judged", f"{unknown.metric} of its visitors: {unknown.why}"
    return "held", ""


def _not_offered(tally: PhaseTally, visitors: int, run: RunTotals) -> str:
    if not visitors:
        return "nobody arrives in it"
    if not run.finished and tally.started < visitors:
        return f"the run was cut short: {tally.started:,} of its {visitors:,} visitors started"
    punctual = tally.on_time / visitors
    if punctual < PUNCTUAL:
        return (
            f"the load was not offered: only {punctual * 100:.3g} % of its visitors started within 1 s of their instant"
        )
    return ""


def _events(count: int) -> str:
    return "1 event" if count == 1 else f"{count:,} events"
