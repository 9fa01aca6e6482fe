"""reconciliation.json: every event with which something is wrong, by kind, for whoever wants more than examples."""

from __future__ import annotations

import json
from dataclasses import asdict
from pathlib import Path

from simulator.ledger.manifest import write_json
from simulator.verify.reconcile import MOST_CASES, Reconciliation

RECONCILIATION_FILE = "reconciliation.json"


def write_reconciliation(folder: Path, found: Reconciliation) -> None:
    """Write the events of each kind, at most MOST_CASES of one; `counts` has all of them."""
    cases = {kind: [asdict(case) for case in some] for kind, some in sorted(found.cases.items())}
    document = {"counts": dict(sorted(found.counts.items())), "most": MOST_CASES, "events": cases}
    write_json(folder / RECONCILIATION_FILE, document)


def lost_events(folder: Path) -> frozenset[str]:
    """The externalIds of the lost events of a judged run; empty where its raw events could not be listed."""
    try:
        document = json.loads((folder / RECONCILIATION_FILE).read_text(encoding="utf-8"))
    except FileNotFoundError:
        return frozenset()
    return frozenset(case["external_id"] for case in document["events"].get("lost", ()) if case["external_id"])
