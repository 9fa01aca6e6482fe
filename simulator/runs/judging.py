"""A run directory to a Result: what the ledger allows, held against what the collector says.

Used at the end of a run and by `mpsim verify` any time later, also on a directory that was cut short.
"""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from dataclasses import replace
from datetime import datetime

from simulator.errors import ConnectionFailed
from simulator.finding import Finding, Judged
from simulator.ledger.index import AttemptIndex
from simulator.ledger.leases import read_leases
from simulator.ledger.manifest import DATABASE_FILE
from simulator.ledger.read import read_ledger
from simulator.report import words
from simulator.report.result import Result
from simulator.runs.baseline import Namespace, read_baseline, read_namespace, since
from simulator.runs.collector_process import embedded_collector
from simulator.runs.comparing import MOST_DAYS, compared, not_compared
from simulator.runs.concluding import Judgement, result_of
from simulator.runs.counting import Counted, count_run
from simulator.runs.diagnosing import Period, findings_of, stage_note
from simulator.runs.holes import lost_findings, with_measured_clocks
from simulator.runs.known import namespace_findings, namespace_notes
from simulator.runs.latency_slices import write_latencies
from simulator.runs.listing import Listing
from simulator.runs.load_report import LoadReport, lookup_findings, read_load_report
from simulator.runs.looking import look
from simulator.runs.noting import disagreements, failure_notes
from simulator.runs.phasing import phases_of
from simulator.runs.reading import Readers, reading
from simulator.runs.reconciliation import write_reconciliation
from simulator.runs.watched import Run, watched_findings
from simulator.runs.watching import read_watched
from simulator.times import HOUR, Ms, instant, is_day
from simulator.traffic.opened import OpenedRun
from simulator.traffic.targets import check_connection
from simulator.verify.diagnose import settling_findings
from simulator.verify.judging import beside_others, judge, rising, untold_before
from simulator.verify.readers.interfaces import Others, read_others
from simulator.verify.readers.reading import Reading
from simulator.verify.settle import Settled, falls

_NS_PER_MS = 1_000_000


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
        return judge_run(opened, url, later=True)


def judge_run(opened: OpenedRun, url: str, *, later: bool = False) -> Result:
    """Judge a run whose collector answers at `url`.

    Args:
        later: some time after it was sent, so how long the totals took to become right is not known.
    """
    report = read_load_report(opened.folder)
    leases = read_leases(opened.folder, opened.manifest.run_id)
    opened = with_measured_clocks(opened, leases)
    period = _period(opened, report)
    fault = report.fault
    if fault is not None and not any(read_ledger(opened.folder, opened.manifest.run_id)):
        return _unsent(opened, url, report, period, fault)
    with (
        AttemptIndex(opened.folder, opened.manifest.run_id) as attempts,
        reading(opened, None if url == opened.target_url else url) as readers,
    ):
        listing = Listing(opened, readers.events)
        collector = _Collector(opened, readers, period, attempts, listing)
        last_reply = None if later else _last_reply(report)
        meanwhile = read_watched(opened.folder)
        looked = look(
            collector,
            opened.contract,
            opened.scenario.expect,
            clock=_now,
            wait=_sleep,
            last_reply=last_reply,
            before=meanwhile[-1] if meanwhile else None,
        )
        counted, fell = looked.counted, falls(meanwhile, rising(opened.contract))
        settled = replace(looked.settled, fell=(*fell, *looked.settled.fell))
        namespace = read_namespace(opened.folder)
        judged = _judged(opened, counted, settled, namespace)
        run = Run(opened, attempts, period.begin, period.end, collector.since)
        is_ours = namespace.state == "new" and not leases.holes  # all that is in the totals
        findings = (
            *findings_of(opened, attempts, counted, judged, period, looked.at_rest),
            *lookup_findings(report, counted.gathered.lookups, opened.folder, opened.manifest.run_id),
            *settling_findings(settled, opened.contract.quiet, still_growing=looked.still_growing),
            *lost_findings(leases),
            *namespace_findings(namespace),
            *(() if fault is None else (fault,)),
            *(watched_findings(run, meanwhile, settled, counted, judged, report) if is_ours else ()),
            *compared(opened, looked.others, counted, listing),
        )
    notes = (
        *_kept(opened, counted),
        *failure_notes(counted.gathered.failures),
        *disagreements(opened.scenario, opened.contract, url if readers.is_monitor else None),
        *_notes(counted, listing.why_not),
        *namespace_notes(opened, namespace),
        *not_compared(looked.others),
        *_left_out(readers.target.file.not_read),
    )
    phases = phases_of(
        opened,
        counted,
        judged,
        finished=bool(report.facts.get("finished")),
        why_not_listed=listing.why_not,
    )
    return result_of(opened, url, report, Judgement(period, counted, settled, judged, findings, notes, phases))


def _judged(opened: OpenedRun, counted: Counted, settled: Settled, namespace: Namespace) -> tuple[Judged, ...]:
    """Every total, as far as it can be told from what others count and what was there before."""
    judged, only_rise = judge(counted.expectations, settled.reading, opened.scenario.expect), rising(opened.contract)
    if counted.listed is not None and counted.listed.strangers.foreign_count:
        judged = beside_others(judged, only_rise)
    if namespace.state == "untold" or (namespace.state == "known" and counted.listed is None):
        judged = untold_before(judged, only_rise, by_event=opened.contract.time == "event")
    return judged


def _unsent(opened: OpenedRun, url: str, report: LoadReport, period: Period, fault: Finding) -> Result:
    """The result of a run that was never sent: totals of nothing would prove nothing, so none is read or judged."""
    with AttemptIndex(opened.folder, opened.manifest.run_id) as attempts:
        counted = count_run(opened, attempts, period.begin, period.end, None)
    return result_of(opened, url, report, Judgement(period, counted, None, (), (fault,)))


def _period(opened: OpenedRun, report: LoadReport) -> Period:
    """The judged period: the plan's, or, where the wire carries no time, wall time from the end of the setup on."""
    if opened.contract.time == "event":
        return Period(opened.plan.start, opened.plan.end)
    setup_done = int(report.number("setup_done_ns")) // _NS_PER_MS
    begin = (
        Ms(setup_done + 1 + opened.contract.lag)
        if setup_done
        else instant(datetime.fromisoformat(opened.manifest.created))
    )
    # What came until the last reply, or could still come of an attempt without one.
    last_done = int(report.number("last_done_ns")) // _NS_PER_MS
    wait = opened.contract.lag + opened.contract.deadline + opened.contract.clock_bound
    return Period(begin, Ms(last_done + 1 + wait) if last_done else Ms(time.time_ns() // _NS_PER_MS + HOUR))


class _Collector:
    """The collector of a run, as looking.py looks at it."""

    def __init__(
        self, opened: OpenedRun, readers: Readers, period: Period, attempts: AttemptIndex, listing: Listing
    ) -> None:
        self._opened, self._readers, self._period, self._attempts = opened, readers, period, attempts
        self._listing = listing
        self._before = read_baseline(opened.folder)

    def count(self) -> Counted:
        """One pass over the run, with what is listed now."""
        listed = self._listing.take(len(self._attempts))
        return count_run(self._opened, self._attempts, self._period.begin, self._period.end, listed)

    def grew(self, counted: Counted) -> bool:
        """Whether more is listed than was counted."""
        return counted.listed is not None and self._listing.grew(counted.listed)

    def read(self) -> Reading:
        """The totals of the judged period."""
        return self._readers.totals.read(self._period.begin, self._period.end)

    def since(self, reading: Reading) -> Reading:
        """The totals less what was there before the run."""
        return since(reading, self._before)

    def others(self, reading: Reading) -> Others:
        """What the other interfaces say of the days with the most views, and of how many events there are."""
        if not self._readers.is_monitor:
            return Others()
        days = reading.cells.get("day", {})
        most = sorted(filter(is_day, days), key=lambda day: (-(days[day].get("pv") or 0), day))[:MOST_DAYS]
        zone = self._opened.contract.definitions.day
        return read_others(self._readers.setting.url, sorted(most), zone, access_token=self._readers.token)


def _now() -> Ms:
    return Ms(time.monotonic_ns() // _NS_PER_MS)


def _last_reply(report: LoadReport) -> Ms | None:
    """When the last judged event was answered, by the clock of `_now`; None where the load did not say."""
    last_done = int(report.number("last_done_ns"))
    return Ms(_now() - max(time.time_ns() - last_done, 0) // _NS_PER_MS) if last_done else None


def _sleep(pause: Ms) -> None:
    time.sleep(pause / 1000)


def _kept(opened: OpenedRun, counted: Counted) -> Iterator[str]:
    """Keep every event with which something is wrong, and latencies by slices of the run.

    A full disk is no reason for a run without a verdict.
    """
    try:
        if counted.found is not None:
            write_reconciliation(opened.folder, counted.found)
    except OSError as full:
        yield f"The events with which something is wrong could not be written to a file: {full.strerror}."
    try:
        write_latencies(opened.folder, counted.gathered.slices)
    except OSError as full:
        yield f"The latencies for comparing this run could not be written to a file: {full.strerror}."


def _left_out(figures: Sequence[str]) -> Iterator[str]:
    if figures:
        yield f"Not read, because the target file says that the collector does not have it: {', '.join(figures)}."


def _notes(counted: Counted, why_not: str) -> Iterator[str]:
    expectations = counted.expectations
    if expectations.outside:
        yield words.outside_sentence(expectations.outside)
    if expectations.bad.high:
        yield words.malformed_sentence(expectations.bad)
    if expectations.unknown and counted.by_event is None:
        yield f"Of {expectations.unknown} events nobody knows whether they are stored; they widen what is allowed."
    note = stage_note(counted, why_not)
    if note:
        yield note
