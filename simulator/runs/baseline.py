"""What a collector held before the run, so that a second run on the same collector is judged rightly.

Another run's visitors are other users (the namespace is in every identity), so all four numbers of both together are
the sums, and the difference is this run's.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path

from simulator.errors import UsageError
from simulator.ledger.manifest import write_json
from simulator.verify.readers.reading import Cells, Reading

BASELINE_FILE = "baseline.json"


def write_baseline(folder: Path, reading: Reading) -> None:
    """Keep the reading that was taken before the first send."""
    write_json(folder / BASELINE_FILE, {"cells": reading.cells, "errors": reading.errors})


def read_baseline(folder: Path) -> Reading | None:
    """The reading before the run; None where the collector was fresh.

    Raises:
        UsageError: the file is damaged.
    """
    path = folder / BASELINE_FILE
    try:
        document = json.loads(path.read_text(encoding="utf-8"))
        return Reading(document["cells"], document["errors"])
    except FileNotFoundError:
        return None
    except (OSError, ValueError, KeyError, TypeError) as damaged:
        raise UsageError(f"{path} is damaged: {damaged}") from damaged


def since(reading: Reading, before: Reading | None) -> Reading:
    """The reading less what was there before; what could not be read then cannot be known now."""
    if before is None:
        return reading
    cells = {by: _less(now, before.cells[by]) for by, now in reading.cells.items() if by in before.cells}
    unread = {
        by: f"before the run: {before.errors.get(by, 'not read')}" for by in reading.cells if by not in before.cells
    }
    errors = {**{by: f"before the run: {why}" for by, why in before.errors.items()}, **unread, **reading.errors}
    return Reading(cells, errors, reading.invoked_ns, reading.completed_ns)


def _less(now: Cells, before: Cells) -> dict[str, Mapping[str, int | None]]:
    return {
        cell: {
            metric: _difference(now.get(cell, {}).get(metric, 0), before.get(cell, {}).get(metric, 0))
            for metric in now.get(cell, {}).keys() | before.get(cell, {}).keys()
        }
        for cell in now.keys() | before.keys()
    }


def _difference(now: int | None, before: int | None) -> int | None:
    return None if now is None or before is None else now - before
