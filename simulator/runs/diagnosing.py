"""Judged totals and reconciled events → findings: what kind of fault it is, by which rule, and whom it concerns.

Ingest faults are told event by event. A total that is wrong although the stored events are right is an aggregation or
attribution fault; the rule that would explain it is looked for. A total that is just what the stored events come to is
explained by what is wrong with these, and told no second time.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

from simulator.contract import METRICS
from simulator.finding import Finding, Judged, Verdict
from simulator.ledger.index import AttemptIndex
from simulator.runs.counting import Counted, RunRows, rows_of_run
from simulator.times import Ms
from simulator.traffic.opened import OpenedRun
from simulator.verify.diagnose import contradictions, diagnose
from simulator.verify.judging import impossible_together
from simulator.verify.listed import ListedEvents
from simulator.verify.readers.reading import Reading
from simulator.verify.reconcile import Reconciliation, reconciled_findings
from simulator.verify.rules.instants import what_became
from simulator.verify.rules.origins import what_origin
from simulator.verify.rules.search import MOST_ROWS, WORDS, Explained, explain_metrics, rule_finding, suspects
from simulator.verify.rules.text import what_changed


@dataclass(frozen=True, slots=True)
class Period:
    """The judged period."""

    begin: Ms
    end: Ms


def findings_of(
    opened: OpenedRun,
    attempts: AttemptIndex,
    counted: Counted,
    judged: Sequence[Judged],
    period: Period,
    at_rest: Reading | None = None,
    *,
    most_rows: int = MOST_ROWS,
) -> Iterator[Finding]:
    """Everything that is wrong with what is stored and counted, ingest before counting.

    Args:
        at_rest: all that the collector says, of one moment; None where its totals never rested, so that nothing is
            known of several of them together.
        most_rows: of more stored events no rule is tried, and the findings say so.
    """
    wrong = [metric for metric in METRICS if any(one.metric == metric and _fails(one) for one in judged)]
    stored = rows_of_run(opened, attempts, counted.listed, most_rows) if wrong else RunRows([])
    rows = stored.rows
    explained: dict[str, Explained] = {}
    others: dict[str, tuple[int, ...]] = {}
    if rows:
        contract, begin, end = opened.contract, period.begin, period.end
        explained = explain_metrics(wrong, judged, rows, _received(counted.listed), contract, begin, end)
        if _is_clean(counted):
            # Right events rightly counted are no reason for a wrong total.
            explained = {metric: reason for metric, reason in explained.items() if reason.rule is not None}
        others = {
            metric: suspects(metric, judged, rows, contract, begin, end) for metric in wrong if metric not in explained
        }
    if counted.found is not None:
        yield from _ingest(counted.found, counted.listed, explained, judged)
    for reason in explained.values():
        finding = rule_finding(reason, judged)
        if finding is not None:
            yield finding
    yield from diagnose(
        judged,
        opened.contract,
        explained=explained,
        events_right=_is_clean(counted),
        suspects=others,
        untried=stored.why_none,
    )
    if at_rest is None:
        return
    yield from contradictions(at_rest, opened.contract, opened.scenario.expect)
    together = impossible_together(counted.expectations, judged, opened.scenario.expect)
    if together is not None:
        yield together


def _fails(one: Judged) -> bool:
    return one.verdict is Verdict.FAIL


def _is_clean(counted: Counted) -> bool:
    return counted.found is not None and counted.found.clean


def _received(listed: ListedEvents | None) -> Mapping[int, Ms]:
    return {} if listed is None else listed.received()


def findings_of_events(found: Reconciliation, listed: ListedEvents | None) -> Iterator[Finding]:
    """What is wrong with the stored events, whatever the totals say."""
    changed = _changed(found)
    strangers = None if listed is None else listed.strangers
    foreign = 0 if strangers is None else strangers.foreign_count
    ids = [] if strangers is None else [event.external_id for event in strangers.foreign[:3]]
    for finding in reconciled_findings(found, foreign=foreign, others=ids):
        if finding.code == "altered" and changed:
            yield replace(finding, text=f"{finding.text}. {changed}")
        else:
            yield finding


def _ingest(
    found: Reconciliation, listed: ListedEvents | None, explained: Mapping[str, Explained], judged: Sequence[Judged]
) -> Iterator[Finding]:
    """What is wrong with the stored events, with the totals that are wrong for it."""
    metrics = tuple(metric for metric in METRICS if metric in explained and explained[metric].rule is None)
    consequence = _consequence(metrics, judged)
    for finding in findings_of_events(found, listed):
        text = finding.text
        if finding.verdict is Verdict.FAIL and consequence:
            text, consequence = f"{text}. {consequence}", ""  # once is enough
        yield replace(finding, text=text, metrics=metrics if finding.verdict is Verdict.FAIL else ())


def _consequence(metrics: Sequence[str], judged: Sequence[Judged]) -> str:
    said = []
    for metric in metrics:
        total = next((one for one in judged if (one.metric, one.by) == (metric, "all")), None)
        if total is not None and total.expected is not None and total.observed is not None:
            off = _off(total)
            said.append(f"{WORDS[metric]} {off:+,}" if off else f"{WORDS[metric]} in some cells")
    return f"The totals are what the stored events come to: {', '.join(said)}" if said else ""


def _off(total: Judged) -> int:
    assert total.expected is not None
    assert total.observed is not None
    if total.observed > total.expected.high:
        return total.observed - total.expected.high
    return min(total.observed - total.expected.low, 0)


def _changed(found: Reconciliation) -> str:
    ways = {
        name: what_became(pairs) if name == "date" else what_changed(pairs)
        for name, pairs in sorted(found.changes.items())
    }
    said = [f"Every altered {name} is the one that was sent, {way}" for name, way in ways.items() if way]
    origin = what_origin(found.origins, found.altered_fields.get("source", 0))
    return ". ".join([*([origin] if origin and not ways.get("source") else []), *(["; ".join(said)] if said else [])])


def stage_note(counted: Counted, why_not: str) -> str:
    """What is to be said of the second stage: what it found of the unknown, or why there was none."""
    if counted.found is None:
        return f"Stored events were not compared one by one: {why_not}." if why_not else ""
    return _stage_note(counted, counted.found) + _uncompared(counted, counted.found)


def _stage_note(counted: Counted, found: Reconciliation) -> str:
    recovered, absent = found.count("recovered"), found.count("absent")
    if counted.by_event is None and found.clean:
        return "The stored events were compared with the plan, and the totals are held against the ledger alone."
    if counted.by_event is None:
        return "What is stored differs from what was sent, so the totals are held against the ledger alone."
    every = "Every stored event was" if not found.count("uncompared") else "The stored events with an id were"
    if not recovered and not absent:
        return f"{every} compared with the plan."
    return (
        f"{every} compared with the plan. Of {recovered + absent:,} events of unknown outcome "
        f"{recovered:,} are stored and {absent:,} are not; the totals are held against just that."
    )


def _uncompared(counted: Counted, found: Reconciliation) -> str:
    number = found.count("uncompared")
    if not number or counted.listed is None:
        return ""
    names = ", ".join(list(dict.fromkeys(case.event for case in found.cases["uncompared"]))[:3])
    which = "event was sent without an id and was" if number == 1 else "events were sent without an id and were"
    return f" {number:,} {which} not compared ({names}): {counted.listed.why_unnamed}."
