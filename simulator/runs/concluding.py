"""What was found in a run, with the facts of the run → its verdict and the Result."""

from __future__ import annotations

import shlex
from dataclasses import dataclass
from datetime import UTC, datetime

from simulator import __version__
from simulator.finding import Finding, Judged
from simulator.report.result import Attempts, Convergence, Course, Load, PhaseResult, Result, widths_of
from simulator.runs.counting import Counted
from simulator.runs.diagnosing import Period
from simulator.runs.latencies import latency_of
from simulator.runs.load_facts import load_facts
from simulator.runs.load_report import LoadReport
from simulator.scenario.declared import declared_events
from simulator.scenario.slo import parse_slo
from simulator.times import iso_local
from simulator.traffic.opened import OpenedRun
from simulator.traffic.target_files import target_of_run
from simulator.verify.oracle import Expectations
from simulator.verify.settle import Settled
from simulator.verify.slo import evaluate
from simulator.verify.verdict import conclude
from simulator.wire.dmhub_fields import event_fault


@dataclass(frozen=True, slots=True)
class Judgement:
    """What looking at a run came to."""

    period: Period
    counted: Counted
    settled: Settled | None  # None: the totals were not read
    metrics: tuple[Judged, ...]
    findings: tuple[Finding, ...]
    notes: tuple[str, ...] = ()
    phases: tuple[PhaseResult, ...] = ()


def result_of(opened: OpenedRun, url: str, report: LoadReport, judgement: Judgement) -> Result:
    """The result of a run with its verdict.

    Args:
        url: where the collector was read.
    """
    manifest, expect = opened.manifest, opened.scenario.expect
    gathered, expectations = judgement.counted.gathered, judgement.counted.expectations
    slos = evaluate([parse_slo(text) for text in expect.slo], gathered.latencies, gathered.summary)
    conclusion = conclude(
        judgement.metrics,
        judgement.findings,
        slos,
        gathered.summary,
        load_facts(opened, report, gathered),
        max_failed=expect.max_failed,
        unacked=expectations.unacked,
        undrawn=_undrawn(opened, expectations),
    )
    return Result(
        run_id=manifest.run_id,
        scenario=opened.scenario.scenario,
        about=opened.scenario.about,
        seed=manifest.seed,
        namespace=manifest.namespace,
        period=_shown_period(judgement.period, opened.contract.definitions.day),
        target=_shown_target(opened, url),
        definitions=opened.contract.definitions,
        verdict=conclusion.verdict,
        exit_code=conclusion.exit_code,
        attempts=_attempts(judgement.counted, opened),
        load=_load(report),
        metrics=judgement.metrics,
        findings=judgement.findings,
        slo=slos,
        latency=latency_of(gathered.latencies),
        convergence=None if judgement.settled is None else _convergence(judgement.settled),
        widths=widths_of(judgement.metrics),
        reasons=conclusion.reasons,
        command=shlex.join(manifest.command),
        created=datetime.now(UTC).isoformat(timespec="seconds"),
        mpsim=__version__,
        environment=(("adapter", manifest.target.adapter), *manifest.versions),
        notes=judgement.notes,
        course=Course(gathered.timeline.seconds, gathered.timeline.stretches()),
        phases=judgement.phases,
        not_read=tuple(target_of_run(manifest.target).file.not_read),
    )


def _shown_target(opened: OpenedRun, url: str) -> str:
    facts = opened.manifest.target
    if facts.embedded:
        return "embedded collector"
    return url if facts.document is None else f"{target_of_run(facts).name}, {url}"


def _undrawn(opened: OpenedRun, expectations: Expectations) -> tuple[str, ...]:
    """Good events that the journeys declare and nobody's plan has; of a replay nobody asks for more than its plan."""
    if opened.manifest.options.only:
        return ()
    registered = frozenset(opened.scenario.app.events)
    declared = {name for name in declared_events(opened.scenario) if not event_fault(name, registered)}
    return tuple(sorted(declared.difference(expectations.kinds)))


def _attempts(counted: Counted, opened: OpenedRun) -> Attempts:
    summary = counted.gathered.summary
    events, visitors = counted.expectations.planned, opened.plan.coming
    return Attempts(summary.sent, summary.acked, summary.refused, summary.unknown, events, visitors)


def _load(report: LoadReport) -> Load:
    return Load(
        report.number("wanted_rate"),
        report.number("offered_rate"),
        report.number("seconds"),
        int(report.number("workers", 1)),
        int(report.number("workers_lost")),
    )


def _convergence(settled: Settled) -> Convergence:
    convergence = tuple((metric, None if at is None else at / 1000) for metric, at in settled.convergence.items())
    return Convergence(settled.stable, settled.reads, settled.waited / 1000, convergence)


def _shown_period(period: Period, zone: str) -> tuple[str, str]:
    return iso_local(period.begin, zone), iso_local(period.end, zone)
