"""Gathered latencies as a result has them: percentiles in milliseconds."""

from __future__ import annotations

from simulator.ledger.histogram import Histogram
from simulator.report.result import Latency, Percentiles
from simulator.verify.slo import Latencies


def latency_of(latencies: Latencies) -> Latency:
    """Three ways to look at time; None where there are no samples."""
    return Latency(_percentiles(latencies.response), _percentiles(latencies.service), _percentiles(latencies.late))


def _percentiles(samples: Histogram) -> Percentiles | None:
    found = [samples.percentile(percent) for percent in (50, 95, 99, 100)]
    if any(value is None for value in found):
        return None
    p50, p95, p99, most = (value / 1000 for value in found if value is not None)
    return Percentiles(p50, p95, p99, most)
