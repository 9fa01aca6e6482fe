"""How the load of a run went, for its verdict: what the load process said (load.json) beside what the ledger shows."""

from __future__ import annotations

from simulator.runs.gathering import Gathered
from simulator.runs.load_report import LoadReport
from simulator.traffic.opened import OpenedRun
from simulator.verify.verdict import LoadFacts


def load_facts(opened: OpenedRun, report: LoadReport, gathered: Gathered) -> LoadFacts:
    """How the load went.

    A run that lost a worker, and was sent to its end otherwise, is not said to be cut short as well: the finding on the
    worker says what is missing.
    """
    latencies, lost = gathered.latencies, int(report.number("workers_lost"))
    why = _why_cut_short(report)
    wanted, offered = report.number("wanted_rate"), report.number("offered_rate")
    return LoadFacts(
        finished=bool(report.facts.get("finished")) or (bool(lost) and not why),
        reason=why,
        by_hand=report.is_there and report.was_interrupted,
        started=min(max(int(report.number("visitors_started")), latencies.late.count), opened.plan.coming),
        planned=opened.plan.coming,
        workers_lost=lost,
        punctual=_punctual(opened, report, gathered),
        late=latencies.late.count - latencies.on_time,
        held=int(report.number("visitors_held")) if "visitors_held" in report.facts else None,
        in_flight=opened.scenario.load.in_flight,
        offered=f"{offered:,.1f}/s were offered of {wanted:,.1f}/s wanted" if wanted else "",
    )


def _punctual(opened: OpenedRun, report: LoadReport, gathered: Gathered) -> float | None:
    """The part of the visitors that started within 1 s of their instant; None where they have none.

    Of a finished run all planned ones count: who never started was not on time. Of one that was stopped those whose
    instant had come. Where a worker was lost, or the load died, those who are known to have started.
    """
    if opened.plan.schedule is None or opened.plan.flood:
        return None
    latencies = gathered.latencies
    if report.facts.get("finished"):
        return (latencies.on_time + gathered.silent) / opened.plan.coming
    if report.is_there and not report.number("workers_lost"):
        return report.number("punctual", 1.0)
    return latencies.on_time / latencies.late.count if latencies.late.count else None


def _why_cut_short(report: LoadReport) -> str:
    """Why not everybody was sent, lost workers aside; empty where there is nothing else."""
    if report.failed_self_check:
        return "the transport is not fit to send"  # the finding has the reason in full
    if report.own_fault:
        return "a fault of our own stopped it"  # as above
    if not report.is_there:
        return "the load process died before its end"
    lost = {f"{worker} was lost" for worker in report.lost}
    return "; ".join(part for part in str(report.facts.get("reason", "")).split("; ") if part not in lost)
