"""A run's manifest, as small as it can be."""

from __future__ import annotations

from simulator.contract import Contract
from simulator.ledger.manifest import Manifest, Options, TargetFacts
from simulator.times import parse_instant

BEGIN, END = parse_instant("2026-03-01T00:00:00+08:00"), parse_instant("2026-03-02T03:00:00+08:00")


def manifest(seed: int = 7, options: Options = Options(), url: str = "") -> Manifest:  # noqa: B008  frozen
    return Manifest(
        run_id="r",
        scenario="campaign-day",
        file="campaign_day.yaml",
        seed=seed,
        namespace="",
        start=BEGIN,
        end=END,
        target=TargetFacts(url, not url, "dmhub", "/cbe/__utm"),
        contract=Contract(),
        options=options,
    )
