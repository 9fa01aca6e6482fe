"""What a collector held before the run, so that a second run on the same collector is judged rightly.

Another run's visitors are other users (the namespace is in every identity), so all four numbers of both together are
the sums, and the difference is this run's. What of the run's own namespace was there before is known.py.
"""

from __future__ import annotations

import json
from collections.abc import Collection, Mapping
from pathlib import Path
from typing import Any, Literal, NamedTuple

from simulator.errors import UsageError
from simulator.ledger.manifest import write_json
from simulator.verify.readers.interfaces import Counts
from simulator.verify.readers.reading import Cells, Reading

BASELINE_FILE = "baseline.json"


class Namespace(NamedTuple):
    """What a collector held of the run's namespace before the run."""

    state: Literal["new", "known", "untold"] = "new"  # untold: it may have, and no list says so
    example: str = ""  # externalId of a known event
    doubt: str = ""  # why the run's part of a total cannot be told for sure; empty where it can


class Cursors(NamedTuple):
    """Where the lists of stored events ended before the run."""

    good: int
    bad: int
    mark: str = ""  # what the lists begin with, where cursors mean nothing without it


def write_baseline(
    folder: Path,
    reading: Reading,
    cursors: Cursors | None = None,
    namespace: Namespace | None = None,
    counts: Counts | None = None,
) -> None:
    """Keep what was read before the first send, as far as it is no part of the run.

    Args:
        cursors: None where the collector lists no events.
        namespace: None: a new one.
        counts: None where the collector does not tell how many events it stores.
    """
    document = {
        "cells": reading.cells,
        "errors": reading.errors,
        "missing": [[*figure, why] for figure, why in reading.missing.items()],
        "values": [[*figure, why] for figure, why in reading.values.items()],
        "cursors": None if cursors is None else cursors._asdict(),
        "namespace": (namespace or Namespace())._asdict(),
        "counts": None if counts is None else counts._asdict(),
    }
    write_json(folder / BASELINE_FILE, document)


def read_baseline(folder: Path) -> Reading | None:
    """The reading before the run; None where the collector was fresh.

    Raises:
        UsageError: the file is damaged.
    """
    document = _document(folder)
    if document is None:
        return None
    missing = {(metric, by): why for metric, by, why in document.get("missing", ())}
    values = {(metric, by): why for metric, by, why in document.get("values", ())}
    return Reading(document["cells"], document["errors"], missing=missing, values=values)


def read_cursors(folder: Path) -> Cursors | None:
    """Where the lists of stored events ended before the run; None where that is not known.

    Raises:
        UsageError: the file is damaged.
    """
    document = _document(folder)
    ends = None if document is None else document.get("cursors")
    return None if ends is None else Cursors(ends["good"], ends["bad"], ends.get("mark", ""))


def read_namespace(folder: Path) -> Namespace:
    """What the collector held of the run's namespace before the run; a fresh one nothing.

    Raises:
        UsageError: the file is damaged.
    """
    document = _document(folder)
    return Namespace(**document["namespace"]) if document and "namespace" in document else Namespace()


def read_counts_before(folder: Path) -> Counts | None:
    """How many events the collector stored before the run; None where that is not known.

    Raises:
        UsageError: the file is damaged.
    """
    document = _document(folder)
    counts = None if document is None else document.get("counts")
    return None if counts is None else Counts(**counts)


def _document(folder: Path) -> dict[str, Any] | None:
    path = folder / BASELINE_FILE
    try:
        document = json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        return None
    except (OSError, ValueError) as damaged:
        raise UsageError(f"{path} is damaged: {damaged}") from damaged
    if not _is_sound(document):
        raise UsageError(f"{path} is damaged: expected cells, errors and cursors")
    return dict(document)


def _is_sound(document: object) -> bool:
    if not isinstance(document, dict):
        return False
    known = _are_numbers(document.get("cursors"), ("good", "bad"))
    known = known and _are_numbers(document.get("counts"), Counts._fields)
    namespace = document.get("namespace", {})
    told = isinstance(namespace, dict) and namespace.keys() <= set(Namespace._fields)
    return known and told and isinstance(document.get("cells"), dict) and isinstance(document.get("errors"), dict)


def _are_numbers(given: object, names: Collection[str]) -> bool:
    """Whether a part of the document has a number of each name; None: it is left out."""
    return given is None or (isinstance(given, dict) and all(isinstance(given.get(name), int) for name in names))


def since(reading: Reading, before: Reading | None) -> Reading:
    """The reading less what was there before; what could not be read then cannot be known now."""
    if before is None:
        return reading
    cells = {by: _less(now, before.cells[by]) for by, now in reading.cells.items() if by in before.cells}
    unread = {
        by: f"before the run: {before.errors.get(by, 'not read')}" for by in reading.cells if by not in before.cells
    }
    errors = {**{by: f"before the run: {why}" for by, why in before.errors.items()}, **unread, **reading.errors}
    missing = {**{figure: f"before the run: {why}" for figure, why in before.missing.items()}, **reading.missing}
    values = {**{figure: f"before the run: {why}" for figure, why in before.values.items()}, **reading.values}
    return Reading(cells, errors, reading.invoked_ns, reading.completed_ns, missing, reading.left_out, values)


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
