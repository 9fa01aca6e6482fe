"""A run directory to a Result: what the ledger allows, held against what the collector says.

Used at the end of a run and by `mpsim verify` any time later, also on a directory that was cut short.
"""

from __future__ import annotations

import os
import time
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import replace
from datetime import datetime

from simulator.errors import ConnectionFailed
from simulator.finding import Finding, Verdict
from simulator.ledger.index import AttemptIndex
from simulator.ledger.manifest import DATABASE_FILE
from simulator.report.result import Result
from simulator.runs.baseline import read_baseline, since
from simulator.runs.collector_process import embedded_collector
from simulator.runs.concluding import Judgement, result_of
from simulator.runs.counting import Counted, count_run
from simulator.runs.diagnosing import Period, findings_of, stage_note
from simulator.runs.listing import Listing
from simulator.runs.load_report import LoadReport, lookup_findings, read_load_report
from simulator.runs.noting import disagreements, failure_notes
from simulator.runs.reconciliation import write_reconciliation
from simulator.times import HOUR, Ms, instant
from simulator.traffic.opened import OpenedRun
from simulator.traffic.targets import check_connection
from simulator.verify.diagnose import settling_findings
from simulator.verify.judging import has_surplus, in_range, judge, rising
from simulator.verify.oracle import Expectations
from simulator.verify.readers.monitor import read_monitor
from simulator.verify.readers.reading import Reading
from simulator.verify.settle import Settled, settle

_NS_PER_MS = 1_000_000
_MOST_LOOKS = 4  # at the list of stored events


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
    report = read_load_report(opened.folder)
    period = _period(opened, report)
    if report.failed_self_check:
        return _unsent(opened, url, report, period)
    looking = _Looking(opened, url, period)
    with AttemptIndex(opened.folder, opened.manifest.run_id) as attempts:
        counted, settled = looking.to_the_end(attempts)
        judged = judge(counted.expectations, settled.reading, opened.scenario.expect)
        findings = (
            *findings_of(opened, attempts, counted, judged, period),
            *lookup_findings(report, counted.gathered.lookups),
            *settling_findings(settled, opened.contract.quiet),
        )
    if counted.found is not None:
        write_reconciliation(opened.folder, counted.found)
    notes = (
        *failure_notes(counted.gathered.failures),
        *disagreements(opened.scenario, opened.contract, url),
        *_notes(counted, looking.listing.why_not),
    )
    return result_of(opened, url, report, Judgement(period, counted, settled, judged, findings, notes))


def _unsent(opened: OpenedRun, url: str, report: LoadReport, period: Period) -> Result:
    """The result of a run that was never sent: totals of nothing would prove nothing, so none is read or judged."""
    with AttemptIndex(opened.folder, opened.manifest.run_id) as attempts:
        counted = count_run(opened, attempts, period.begin, period.end, None)
    finding = Finding("self_check", Verdict.ERROR, report.failed_self_check)
    return result_of(opened, url, report, Judgement(period, counted, None, (), (finding,)))


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


class _Looking:
    """Listing, counting and reading, until all three are of one moment."""

    def __init__(self, opened: OpenedRun, url: str, period: Period) -> None:
        variable = opened.manifest.target.token_variable
        self._token = os.environ.get(variable, "") if variable else ""
        self._opened, self._url, self._period = opened, url, period
        self._before = read_baseline(opened.folder)
        self._began = _now()
        self.listing = Listing(opened, url, self._token)

    def to_the_end(self, attempts: AttemptIndex) -> tuple[Counted, Settled]:
        """The last pass over the run, and the reading that belongs to it.

        What an attempt allows is known at once, what is stored only when it has come: while acked events are missing
        in the list, and while the totals are not what the list comes to, there is time until the deadline.
        """
        expect = self._opened.scenario.expect
        counted = self._count(attempts)
        settled = self._settle(counted.by_ledger, self._opened.contract.deadline)
        for _ in range(_MOST_LOOKS):
            late = self._is_late(counted)
            if late:
                counted = self._count(attempts)
            elif all(in_range(counted.expectations, settled.reading, expect).values()) or not self._left():
                break
            # Twice the quiet time is enough to see whether the totals rest, whatever time is left.
            time_left = Ms(max(self._left(), 2 * self._opened.contract.quiet))
            settled = _joined(settled, self._settle(counted.expectations, time_left))
        return counted, settled

    def _is_late(self, counted: Counted) -> bool:
        """Whether the list has more by now, or may have when the deadline has come; then it has."""
        if counted.index is None or counted.found is None:
            return False
        if counted.found.count("lost") and self._left():
            time.sleep(self._left() / 1000)
            return True
        return self.listing.grew(counted.index)

    def _left(self) -> Ms:
        return Ms(max(self._began + self._opened.contract.deadline - _now(), 0))

    def _count(self, attempts: AttemptIndex) -> Counted:
        return count_run(self._opened, attempts, self._period.begin, self._period.end, self.listing.take())

    def _read(self) -> Reading:
        begin, end = self._period.begin, self._period.end
        return since(read_monitor(self._url, begin, end, access_token=self._token), self._before)

    def _settle(self, expectations: Expectations, deadline: Ms) -> Settled:
        contract, expect = self._opened.contract, self._opened.scenario.expect
        only_rise = rising(contract)
        return settle(
            self._read,
            lambda reading: in_range(expectations, reading, expect),
            quiet=contract.quiet,
            deadline=deadline,
            clock=_now,
            wait=lambda pause: time.sleep(pause / 1000),
            surplus=lambda reading: has_surplus(expectations, reading, expect, only_rise),
            rising=only_rise,
        )


def _now() -> Ms:
    return Ms(time.monotonic_ns() // _NS_PER_MS)


def _joined(first: Settled, second: Settled) -> Settled:
    """Two stretches of reading as one; what was right only later is right since then."""
    convergence = {metric: None if at is None else Ms(first.waited + at) for metric, at in second.convergence.items()}
    return replace(
        second,
        reads=first.reads + second.reads,
        waited=Ms(first.waited + second.waited),
        convergence=convergence,
        fell=tuple(dict.fromkeys((*first.fell, *second.fell))),
    )


def _notes(counted: Counted, why_not: str) -> Iterator[str]:
    expectations = counted.expectations
    if expectations.outside:
        yield f"{expectations.outside} events lie outside the period because of planned clock skew; they count nowhere."
    if expectations.bad.high:
        yield f"{expectations.bad} malformed events were sent on purpose; they count nowhere."
    if expectations.unknown and counted.by_event is None:
        yield f"Of {expectations.unknown} events nobody knows whether they are stored; they widen what is allowed."
    note = stage_note(counted, why_not)
    if note:
        yield note
