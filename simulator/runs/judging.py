"""A run directory to a Result: what the ledger allows, what the collector says, and the verdict.

Used at the end of a run and by `mpsim verify` any time later, also on a directory that was cut short.
"""

from __future__ import annotations

import json
import os
import shlex
import time
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import chain
from pathlib import Path
from typing import Any

from simulator import __version__
from simulator.contract import Contract
from simulator.errors import ConnectionFailed
from simulator.finding import Finding, Judged, Verdict
from simulator.ledger.histogram import Histogram
from simulator.ledger.index import AttemptIndex
from simulator.ledger.manifest import DATABASE_FILE, LOAD_FILE
from simulator.ledger.record import Attempt
from simulator.report.result import Attempts, Convergence, Latency, Load, Percentiles, Result, widths_of
from simulator.runs.baseline import read_baseline, since
from simulator.runs.collector_process import embedded_collector
from simulator.scenario.slo import parse_slo
from simulator.times import HOUR, Ms, instant, iso_local
from simulator.traffic.opened import OpenedRun
from simulator.traffic.sending import requests_of_block
from simulator.traffic.targets import check_connection
from simulator.verify.diagnose import diagnose
from simulator.verify.judging import in_range, judge
from simulator.verify.oracle import Expectations, expected_from_ledger
from simulator.verify.readers.monitor import read_monitor
from simulator.verify.readers.reading import Reading
from simulator.verify.settle import Settled, settle
from simulator.verify.sighting import AttemptsOf, AttemptSummary, attempt_summary
from simulator.verify.slo import Latencies, evaluate
from simulator.verify.verdict import LoadFacts, conclude
from simulator.wire.request import Request

_NS_PER_MS = 1_000_000
_EXAMPLES = 5


@dataclass(frozen=True, slots=True)
class LoadReport:
    """What the load process said of itself at its end; nothing of it where it died before."""

    facts: dict[str, Any]

    @property
    def is_there(self) -> bool:
        return bool(self.facts)

    def number(self, name: str, default: float = 0.0) -> float:
        value = self.facts.get(name, default)
        return float(value) if isinstance(value, int | float) else default


def read_load_report(folder: Path) -> LoadReport:
    """load.json of a run directory; empty where the load never ended by itself."""
    try:
        facts = json.loads((folder / LOAD_FILE).read_text(encoding="utf-8"))
    except (OSError, ValueError):
        facts = {}
    return LoadReport(facts if isinstance(facts, dict) else {})


def verify_run(opened: OpenedRun) -> Result:
    """Judge an earlier run: serve the embedded collector's database again, or read the target.

    Raises:
        ConnectionFailed: the target does not answer.
        EngineError: the embedded collector did not start.
        LedgerDamage: the ledger cannot be read.
    """
    with ExitStack() as running:
        if opened.manifest.target.embedded:
            app = opened.scenario.app
            definitions = opened.contract.definitions
            database = opened.folder / DATABASE_FILE
            if not database.exists():
                raise ConnectionFailed(f"{database} is gone, so the embedded collector's totals cannot be read again")
            url = running.enter_context(embedded_collector(database, definitions, app.tenant, app.events))
        else:
            url = opened.target_url
            check_connection(url)
        return judge_run(opened, url)


def judge_run(opened: OpenedRun, url: str) -> Result:
    """Judge a run whose collector answers at `url`."""
    gathered = _Gathered()
    report = read_load_report(opened.folder)
    begin, end = _period(opened, report)
    with AttemptIndex(opened.folder, opened.manifest.run_id) as index:
        expectations = expected_from_ledger(
            _blocks(opened, index, gathered),
            opened.contract,
            begin,
            end,
            carries_anonymous_id=opened.adapter.carries_anonymous_id,
        )
    settled = _settled(opened, url, begin, end, expectations)
    expect = opened.scenario.expect
    judged = judge(expectations, settled.reading, expect)
    slos = evaluate([parse_slo(text) for text in expect.slo], gathered.latencies, gathered.summary)
    findings = tuple(_findings(opened, judged, settled, report))
    conclusion = conclude(
        judged,
        findings,
        slos,
        gathered.summary,
        _load_facts(opened, report, gathered),
        max_failed=expect.max_failed,
        unacked=expectations.unacked,
    )
    return Result(
        run_id=opened.manifest.run_id,
        scenario=opened.scenario.scenario,
        about=opened.scenario.about,
        seed=opened.manifest.seed,
        namespace=opened.manifest.namespace,
        period=_shown_period(begin, end, opened.contract),
        target=url if not opened.manifest.target.embedded else "embedded collector",
        definitions=opened.contract.definitions,
        verdict=conclusion.verdict,
        exit_code=conclusion.exit_code,
        attempts=_attempts(gathered.summary, expectations, opened),
        load=_load(report),
        metrics=judged,
        findings=findings,
        slo=slos,
        latency=_latency(gathered.latencies),
        convergence=Convergence(
            settled.stable,
            settled.reads,
            settled.waited / 1000,
            tuple((metric, None if at is None else at / 1000) for metric, at in settled.convergence.items()),
        ),
        widths=widths_of(judged),
        reasons=conclusion.reasons,
        command=shlex.join(opened.manifest.command),
        created=datetime.now(UTC).isoformat(timespec="seconds"),
        mpsim=__version__,
        environment=(("adapter", opened.manifest.target.adapter), *opened.manifest.versions),
        notes=tuple(_notes(expectations)),
    )


class _Gathered:
    """What is summed up while the blocks go by."""

    def __init__(self) -> None:
        self.summary = AttemptSummary()
        self.latencies = Latencies()


def _blocks(opened: OpenedRun, index: AttemptIndex, gathered: _Gathered) -> Iterator[tuple[list[Request], AttemptsOf]]:
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
        yield list(chain.from_iterable(requests.values())), attempts


def _period(opened: OpenedRun, report: LoadReport) -> tuple[Ms, Ms]:
    """The judged period: the plan's, or, where the wire carries no time, wall time from the end of the setup on."""
    if opened.contract.time == "event":
        return opened.plan.start, opened.plan.end
    setup_done = int(report.number("setup_done_ns")) // _NS_PER_MS
    begin = (
        Ms(setup_done + 1 + opened.contract.lag)
        if setup_done
        else instant(datetime.fromisoformat(opened.manifest.created))
    )
    return begin, Ms(time.time_ns() // _NS_PER_MS + HOUR)


def _settled(opened: OpenedRun, url: str, begin: Ms, end: Ms, expectations: Expectations) -> Settled:
    before = read_baseline(opened.folder)
    variable = opened.manifest.target.token_variable
    token = os.environ.get(variable, "") if variable else ""

    def read() -> Reading:
        return since(read_monitor(url, begin, end, access_token=token), before)

    return settle(
        read,
        lambda reading: in_range(expectations, reading, opened.scenario.expect),
        quiet=opened.contract.quiet,
        deadline=opened.contract.deadline,
        clock=lambda: Ms(time.monotonic_ns() // _NS_PER_MS),
        wait=lambda pause: time.sleep(pause / 1000),
    )


def _findings(
    opened: OpenedRun,
    judged: tuple[Judged, ...],
    settled: Settled,
    report: LoadReport,
) -> Iterator[Finding]:
    yield from diagnose(judged, opened.contract, opened.scenario.expect)
    lookups = report.facts.get("lookups")
    if isinstance(lookups, dict) and lookups.get("failed"):
        examples = [one for one in lookups.get("examples", []) if isinstance(one, dict)]
        why = str(examples[0].get("why", "")) if examples else ""
        yield Finding(
            "lookup",
            Verdict.FAIL,
            f"{lookups['failed']} of {lookups.get('sent', 0)} lookups of a complete URL did not give it: {why}",
            int(lookups["failed"]),
            tuple(sorted({int(one["visitor"]) for one in examples if isinstance(one.get("visitor"), int)})[:_EXAMPLES]),
        )
    if settled.reading.errors:
        yield Finding("unsettled", Verdict.INCONCLUSIVE, f"totals could not be read: {settled.reading.error}")
    elif not settled.stable and not any(one.verdict is Verdict.FAIL for one in judged):
        yield Finding("unsettled", Verdict.INCONCLUSIVE, "the totals were still changing at the deadline")


def _load_facts(opened: OpenedRun, report: LoadReport, gathered: _Gathered) -> LoadFacts:
    """How the load went. Punctuality is counted over all planned visitors: one who never started was not on time."""
    punctual = None
    if opened.plan.schedule is not None and not opened.plan.flood:
        punctual = gathered.latencies.on_time / opened.plan.coming
    reason = str(report.facts.get("reason", "")) if report.is_there else "the load process died before its end"
    return LoadFacts(
        finished=bool(report.facts.get("finished")),
        reason=reason,
        workers_lost=int(report.number("workers_lost")),
        punctual=punctual,
    )


def _attempts(summary: AttemptSummary, expectations: Expectations, opened: OpenedRun) -> Attempts:
    events, visitors = expectations.planned, opened.plan.coming
    return Attempts(summary.sent, summary.acked, summary.refused, summary.unknown, events, visitors)


def _load(report: LoadReport) -> Load:
    return Load(
        report.number("wanted_rate"),
        report.number("offered_rate"),
        report.number("seconds"),
        int(report.number("workers", 1)),
        int(report.number("workers_lost")),
    )


def _latency(latencies: Latencies) -> Latency:
    return Latency(_percentiles(latencies.response), _percentiles(latencies.service), _percentiles(latencies.late))


def _percentiles(samples: Histogram) -> Percentiles | None:
    found = [samples.percentile(percent) for percent in (50, 95, 99, 100)]
    if any(value is None for value in found):
        return None
    p50, p95, p99, most = (value / 1000 for value in found if value is not None)
    return Percentiles(p50, p95, p99, most)


def _shown_period(begin: Ms, end: Ms, contract: Contract) -> tuple[str, str]:
    zone = contract.definitions.day
    return iso_local(begin, zone), iso_local(end, zone)


def _notes(expectations: Expectations) -> Iterator[str]:
    if expectations.outside:
        yield f"{expectations.outside} events lie outside the period because of planned clock skew; they count nowhere."
    if expectations.bad.high:
        yield f"{expectations.bad} malformed events were sent on purpose; they count nowhere."
    if expectations.unknown:
        yield f"Of {expectations.unknown} events nobody knows whether they are stored; they widen what is allowed."
