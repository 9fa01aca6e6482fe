"""Counted phases to the phases of a Result: rates, latencies, totals and a verdict for each.

What is counted for a phase is counting.py, and by which rule it held verify/phases.py.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from simulator.finding import Judged, Verdict
from simulator.journey.phases import PlannedPhase, planned_phases
from simulator.report.result import Attempts, PhaseResult
from simulator.runs.counting import Counted
from simulator.runs.latencies import latency_of
from simulator.scenario.model import Expect
from simulator.scenario.slo import parse_slo
from simulator.traffic.opened import OpenedRun
from simulator.traffic.target_files import target_of_run
from simulator.verify.phases import PhaseTally, RunTotals, judge_totals, stand
from simulator.verify.slo import evaluate


def phases_of(
    opened: OpenedRun,
    counted: Counted,
    judged: Sequence[Judged],
    *,
    finished: bool,
    why_not_listed: str,
) -> tuple[PhaseResult, ...]:
    """The phases of a run, judged; none where it has none.

    Args:
        finished: every visitor was sent to the end.
        why_not_listed: why stored events were not read; empty where they were.
    """
    planned = planned_phases(opened.plan)
    run = RunTotals(
        judged,
        counted.expectations,
        clean=counted.by_event is not None,
        alone=len(planned) == 1,
        listed=counted.found is not None,
        why_not_listed=why_not_listed,
        finished=finished,
        left_out=frozenset(metric for metric, by in target_of_run(opened.manifest.target).left_out if by == "all"),
    )
    totals = [
        judge_totals(tally, run, opened.scenario.expect, phase.name or f"phase {number}")
        for number, (phase, tally) in enumerate(zip(planned, counted.phases, strict=True), 1)
    ]
    wrong = any(one.verdict is Verdict.FAIL for one in judged if one.by == "all")
    explained = any(one.verdict is Verdict.FAIL for own in totals for one in own)
    run = replace(run, unexplained=wrong and not explained)
    return tuple(
        _phase_result(phase, tally, own, run, opened.scenario.expect)
        for phase, tally, own in zip(planned, counted.phases, totals, strict=True)
    )


def _phase_result(
    phase: PlannedPhase, tally: PhaseTally, totals: tuple[Judged, ...], run: RunTotals, expect: Expect
) -> PhaseResult:
    slos = evaluate([parse_slo(text) for text in expect.slo], tally.latencies, tally.summary)
    verdict, why = stand(tally, len(phase.visitors), totals, slos, run, max_failed=expect.max_failed)
    return PhaseResult(
        name=phase.name,
        rate=phase.rate,
        begin=phase.begin_us / 1e6,
        seconds=phase.seconds,
        started=tally.started,
        wanted_rate=round(len(phase.visitors) / phase.seconds, 3),
        offered_rate=round(_offered(phase, tally), 3),
        attempts=_attempts(phase, tally),
        latency=latency_of(tally.latencies),
        metrics=totals,
        slo=slos,
        verdict=verdict,
        why=why,
    )


def _offered(phase: PlannedPhase, tally: PhaseTally) -> float:
    """Visitors of the phase started per wall second: from its begin to its end or, later, to the start of the last."""
    last_us = phase.last_us - phase.begin_us + tally.latencies.last_late
    return tally.started / max(phase.seconds, last_us / 1e6)


def _attempts(phase: PlannedPhase, tally: PhaseTally) -> Attempts:
    sent = tally.summary
    planned = tally.totals.expected.planned
    return Attempts(sent.sent, sent.acked, sent.refused, sent.unknown, planned, len(phase.visitors))
