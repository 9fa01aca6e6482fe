"""The collector's totals read while a run is being sent, and kept; what they may be is watched.py.

About once a second, and so that reading never takes more than a twentieth of the time and a long run is read a few
hundred times: all kinds of cells while few attempts were made, then the four totals alone. A reading is a line of
readings.jsonl, written as soon as it is there, so that `verify` judges it too. A reply that cannot be used is no
reading; a collector under load may be too busy to count.

Where the period is not known before the run is over nothing is read: where the wire carries no time, and visitors are
known from an earlier visit, it begins with the last of these visits.
"""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from typing import Any

from simulator.contract import BY
from simulator.ledger.manifest import PROGRESS_FILE
from simulator.runs.reading import reading
from simulator.times import HOUR, Ms, instant
from simulator.traffic.opened import OpenedRun
from simulator.verify.readers.reading import Reading
from simulator.verify.readers.setting import TotalsReader

READINGS_FILE = "readings.jsonl"
MOST_ATTEMPTS = 20_000  # of a run whose cells are read, too
_FIRST_PAUSE = 1.0  # seconds
_SHARE = 20  # pauses are so many times as long as the reading before
_READINGS = 100  # and at least this part of the time so far
_REPLY_SECONDS = 5.0
_END_SECONDS = 2 * _REPLY_SECONDS * len(BY)
_MOST_BYTES = 16 << 20  # of the file; then the four totals alone are read
_LONGEST_RUN = 366 * 24 * HOUR


@contextmanager
def watching(opened: OpenedRun) -> Iterator[None]:
    """Read the totals for as long as the block runs."""
    period = watched_period(opened)
    if period is None:
        yield
        return
    over = threading.Event()
    thread = threading.Thread(target=_watch, args=(opened, *period, over), name="watching", daemon=True)
    thread.start()
    try:
        yield
    finally:
        over.set()
        thread.join(_END_SECONDS)


def read_watched(folder: Path) -> list[Reading]:
    """What was read while the run was sent, oldest first; nothing where there is no such file. A torn line ends it."""
    try:
        lines = (folder / READINGS_FILE).read_text(encoding="utf-8").splitlines(keepends=True)
    except OSError:
        return []
    found: list[Reading] = []
    for line in lines:
        if line.endswith("\n"):  # else the process that wrote it was killed meanwhile
            found.append(reading_of(json.loads(line)))
    return found


def reading_of(document: Mapping[str, Any]) -> Reading:
    """The reading that a line of the file says."""
    not_given = frozenset((metric, by) for metric, by in document.get("not_given", ()))
    return Reading(document["cells"], {}, document["invoked_ns"], document["completed_ns"], left_out=not_given)


def watched_period(opened: OpenedRun) -> tuple[Ms, Ms] | None:
    """What is read; None where the begin of the judged period is not known yet."""
    if opened.contract.time == "event":
        return opened.plan.start, opened.plan.end
    if opened.scenario.visitors.returning:
        return None
    created = instant(datetime.fromisoformat(opened.manifest.created))
    return created, Ms(created + _LONGEST_RUN)


def _watch(opened: OpenedRun, begin: Ms, end: Ms, over: threading.Event) -> None:
    with reading(opened) as readers:
        _read_on(opened, readers.totals, begin, end, over)


def _read_on(opened: OpenedRun, totals: TotalsReader, begin: Ms, end: Ms, over: threading.Event) -> None:
    ahead = time.time_ns() - time.monotonic_ns()  # a clock that is set meanwhile moves nothing
    began, pause, size = time.monotonic(), _FIRST_PAUSE, 0
    while not over.wait(pause):
        kinds = BY if size < _MOST_BYTES and _attempts(opened.folder) <= MOST_ATTEMPTS else ("all",)
        invoked = time.monotonic_ns()
        found = totals.read(begin, end, seconds=_REPLY_SECONDS, kinds=kinds)
        completed = time.monotonic_ns()
        if not found.errors:
            told = {"invoked_ns": invoked + ahead, "completed_ns": completed + ahead, "cells": found.cells}
            not_given = sorted({*found.missing, *found.left_out})
            line = json.dumps({**told, **({"not_given": not_given} if not_given else {})}, ensure_ascii=False)
            size += len(line)
            try:
                with (opened.folder / READINGS_FILE).open("a", encoding="utf-8") as file:
                    file.write(line + "\n")
            except OSError:
                return  # a full disk, of which the load will have more to say
        pause = max(_FIRST_PAUSE, _SHARE * (completed - invoked) / 1e9, (time.monotonic() - began) / _READINGS)


def _attempts(folder: Path) -> int:
    """How many were made so far, as the load says."""
    try:
        return int(json.loads((folder / PROGRESS_FILE).read_text(encoding="utf-8"))["attempts"]["sent"])
    except (OSError, ValueError, KeyError, TypeError):
        return 0
