"""Two runs of one scenario held against each other, as a value and as JSON.

What changed is decided in runs/two_runs.py. Only the change is judged: two runs that are wrong alike are the same.
Latencies are in milliseconds.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any, Literal

from simulator.finding import Interval, Judged, Slo
from simulator.report.result import RunVerdict

VERSION = 1

Change = Literal["same", "better", "worse", "changed", "not compared"]  # changed: neither better nor worse
Outcome = Literal["same", "better", "worse", "not comparable"]


@dataclass(frozen=True, slots=True)
class Side:
    """One of the two runs."""

    folder: str
    run_id: str
    verdict: RunVerdict
    exit_code: int
    seed: int
    target: str
    created: str  # ISO 8601, UTC: when it was judged
    sentence: str  # its verdict in words


@dataclass(frozen=True, slots=True)
class Difference:
    """Something that the two runs were asked for, or ran on, and that is not the same."""

    what: str
    before: str
    after: str


@dataclass(frozen=True, slots=True)
class CellChange:
    """One cell of one metric in both runs; None where a run has no such cell."""

    before: Judged | None
    after: Judged | None
    change: Change
    why: str = ""  # a phrase; empty for the same

    @property
    def either(self) -> Judged:
        """For its metric, by and cell."""
        found = self.after or self.before
        assert found is not None  # one of them has it
        return found


@dataclass(frozen=True, slots=True)
class LatencyChange:
    """One percentile in both runs."""

    measure: str  # response or service
    percentile: str  # p50, p95, p99
    before_ms: float | None  # None: no samples
    after_ms: float | None
    ratio: tuple[float, float] | None  # after / before lies between, with 99.9 %; None: too few samples
    change: Change
    why: str = ""


@dataclass(frozen=True, slots=True)
class FindingChange:
    """How often a kind of finding that changes a verdict was found in each run."""

    code: str
    before: int
    after: int
    change: Change
    text: str  # of the later run, else of the earlier


@dataclass(frozen=True, slots=True)
class SloChange:
    """A service level in both runs; None where a run has no such."""

    expression: str
    before: Slo | None
    after: Slo | None
    change: Change


@dataclass(frozen=True, slots=True)
class Comparison:
    """What changed from one run to another."""

    scenario: str
    before: Side
    after: Side
    outcome: Outcome
    exit_code: int  # 0: same or better
    sentence: str  # the outcome in words
    reasons: tuple[str, ...]  # why it is worse or not comparable, the weightiest first
    differences: tuple[Difference, ...]
    cells: tuple[CellChange, ...]
    latency: tuple[LatencyChange, ...]
    findings: tuple[FindingChange, ...]
    slo: tuple[SloChange, ...]
    highest_phase: tuple[str, str] | None = None  # of each run, the highest phase that held; None: it has no phases
    notes: tuple[str, ...] = ()  # what was not compared, and why


def comparison_json(comparison: Comparison) -> dict[str, Any]:
    """The document of `mpsim compare --json`; of cells those that are not the same, and all that are in total."""
    return {
        "version": VERSION,
        "scenario": comparison.scenario,
        "before": asdict(comparison.before),
        "after": asdict(comparison.after),
        "outcome": comparison.outcome,
        "exit_code": comparison.exit_code,
        "sentence": comparison.sentence,
        "reasons": list(comparison.reasons),
        "differences": [asdict(one) for one in comparison.differences],
        "cells_compared": len(comparison.cells),
        "metrics": [_cell_json(one) for one in comparison.cells if one.change != "same" or one.either.by == "all"],
        "latency": [{**asdict(one), "ratio": one.ratio and list(one.ratio)} for one in comparison.latency],
        "findings": [asdict(one) for one in comparison.findings],
        "slo": [_slo_json(one) for one in comparison.slo],
        "highest_phase": comparison.highest_phase and list(comparison.highest_phase),
        "notes": list(comparison.notes),
    }


def _cell_json(one: CellChange) -> dict[str, Any]:
    cell = one.either
    return {
        "metric": cell.metric,
        "by": cell.by,
        "cell": cell.cell,
        "before": _judged_json(one.before),
        "after": _judged_json(one.after),
        "change": one.change,
        "why": one.why,
    }


def _judged_json(judged: Judged | None) -> dict[str, Any] | None:
    if judged is None:
        return None
    return {"expected": _ends(judged.expected), "observed": judged.observed, "verdict": judged.verdict.word}


def _ends(expected: Interval | None) -> list[int] | None:
    return None if expected is None else [expected.low, expected.high]


def _slo_json(one: SloChange) -> dict[str, Any]:
    sides = {
        name: None if slo is None else {"value": slo.value, "verdict": "pass" if slo.met else "fail"}
        for name, slo in (("before", one.before), ("after", one.after))
    }
    return {"expression": one.expression, **sides, "change": one.change}
