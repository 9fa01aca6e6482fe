"""What the totals must be by now, kept beside what was read last, in a file, for as long as a run is being sent.

live.json is for people who look on, at the terminal or in Locust's web UI; no verdict comes of it. At most a tenth of
the time goes into counting, so behind a fast load the count is late, and says so; beyond MOST_ATTEMPTS it ends.

    at_ns           when it was written
    attempts        that were taken in; of `waiting` blocks of visitors there is news that is not counted yet
    over            why nothing is counted any more; empty while it is
    read_ns         when the last reading was complete; 0: nothing was read
    totals          metric, source (null: in total), expected [low, high] (null: nobody can know, `why` says it),
                    observed (null: not read), `then`: [what had been acked before that reading, what had been sent
                    after it], each null where it is not known, and off: how many more than the second was observed,
                    or, below 0, how many less than the first; null where that cannot be said
"""

from __future__ import annotations

import json
import logging
import threading
import time
from collections import deque
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from typing import Any

from simulator.contract import METRICS
from simulator.errors import MpsimError
from simulator.finding import Interval
from simulator.ledger.manifest import LIVE_FILE, write_json
from simulator.ledger.tail import Tail
from simulator.report.visible import visible
from simulator.runs.baseline import read_baseline, since
from simulator.runs.so_far import SoFar
from simulator.runs.watching import READINGS_FILE, reading_of, watched_period
from simulator.traffic.opened import OpenedRun
from simulator.verify.oracle import Key
from simulator.verify.readers.reading import Reading

MOST_ATTEMPTS = 100_000  # that are kept in memory, well below a KiB each
_PAUSE = 0.5  # seconds between two counts at least
_SHARE = 9  # pauses are so many times as long as the count before
_AT_ONCE = 0.5  # seconds that a count may take
_SNAPSHOTS = 120
_MOST_SOURCES = 50
_NOTHING = Interval(0, 0)
_log = logging.getLogger("mpsim.runs")


@dataclass(frozen=True, slots=True)
class Snapshot:
    """What was expected once."""

    from_ns: int  # every attempt that had begun by then is in it, where it is whole
    until_ns: int  # nothing that happened later is
    whole: bool
    expected: Mapping[Key, Interval]


@contextmanager
def following(opened: OpenedRun) -> Iterator[None]:
    """Keep live.json for as long as the block runs; it is gone afterwards."""
    period = watched_period(opened)
    if period is None:
        yield
        return
    follower = Follower(opened, SoFar(opened, *period))
    over = threading.Event()
    thread = threading.Thread(target=follower.go, args=(over,), name="following", daemon=True)
    thread.start()
    try:
        yield
    finally:
        over.set()
        thread.join()
        (opened.folder / LIVE_FILE).unlink(missing_ok=True)


class Follower:
    """Reads the ledger and the readings on, and says where the totals are."""

    def __init__(self, opened: OpenedRun, so_far: SoFar) -> None:
        self._folder = opened.folder
        self._tail = Tail(opened.folder)
        self._so_far = so_far
        self._before = None if opened.manifest.target.embedded else read_baseline(opened.folder)
        self._snapshots: deque[Snapshot] = deque(maxlen=_SNAPSHOTS)
        self._reading: Reading | None = None
        self._read_on = 0  # bytes of the file of readings
        self._over = ""

    def go(self, over: threading.Event) -> None:
        """Count again and again until it is over. What goes wrong here is no matter of the run's."""
        pause = _PAUSE
        while not over.wait(pause):
            began = time.monotonic()
            try:
                self.look()
                with suppress(OSError):  # a full disk, of which the load will have more to say
                    write_json(self._folder / LIVE_FILE, self.document())
            except (MpsimError, OSError, ValueError, KeyError) as wrong:
                _log.warning("what the totals must be is followed no more: %s", wrong)
                return
            pause = max(_PAUSE, _SHARE * (time.monotonic() - began))

    def look(self, seconds: float = _AT_ONCE) -> None:
        """Take in what is new, and count."""
        if not self._over:
            from_ns = time.time_ns()
            self._so_far.take(self._tail.news())
            until_ns = time.time_ns()
            self._so_far.count(seconds)
            is_whole = not self._so_far.behind
            self._snapshots.append(Snapshot(from_ns, until_ns, is_whole, self._so_far.expected()))
        if self._so_far.attempts > MOST_ATTEMPTS and not self._over:
            self._so_far.forget()
            self._over = f"not counted beyond {MOST_ATTEMPTS:,} attempts while a run is sent"
        self._read_readings()

    def _read_readings(self) -> None:
        path = self._folder / READINGS_FILE
        with suppress(FileNotFoundError), path.open("rb") as file:
            file.seek(self._read_on)
            lines = file.read().splitlines(keepends=True)
            whole = [line for line in lines if line.endswith(b"\n")]
            self._read_on += sum(map(len, whole))
            if whole:
                self._reading = since(reading_of(json.loads(whole[-1])), self._before)

    def document(self) -> dict[str, Any]:
        """live.json."""
        now = self._snapshots[-1]
        return {
            "at_ns": time.time_ns(),
            "attempts": self._so_far.attempts,
            "waiting": self._so_far.behind,
            "over": self._over,
            "read_ns": 0 if self._reading is None else self._reading.completed_ns,
            "totals": [self._total(metric, source, now) for source in self._sources(now) for metric in METRICS],
        }

    def _sources(self, now: Snapshot) -> list[str | None]:
        names = {cell for _, by, cell in now.expected if by == "source"}
        if self._reading is not None:
            names |= set(self._reading.cells.get("source", {}))
        return [None, *sorted(names)[:_MOST_SOURCES]]

    def _total(self, metric: str, source: str | None, now: Snapshot) -> dict[str, Any]:
        key = (metric, "all", "") if source is None else (metric, "source", source)
        why = self._so_far.unknowable.get(metric, "")
        expected = now.expected.get(key, _NOTHING)
        observed, then = self._observed(key), self._then(key)
        return {
            "metric": metric,
            "source": None if source is None else visible(source),  # a collector may name anything
            "expected": None if why else [expected.low, expected.high],
            "why": why,
            "observed": observed,
            "then": then,
            "off": None if why or observed is None else _off(observed, *then),
        }

    def _observed(self, key: Key) -> int | None:
        metric, by, cell = key
        cells = {} if self._reading is None else self._reading.cells
        return cells[by].get(cell, {}).get(metric, 0) if by in cells else None

    def _then(self, key: Key) -> tuple[int | None, int | None]:
        """What had been acked before the last reading began, and what had been sent when it was complete."""
        if self._reading is None:
            return None, None
        acked = [one for one in self._snapshots if one.until_ns <= self._reading.invoked_ns]
        sent = [one for one in self._snapshots if one.whole and one.from_ns >= self._reading.completed_ns]
        return (
            acked[-1].expected.get(key, _NOTHING).low if acked else None,
            sent[0].expected.get(key, _NOTHING).high if sent else None,
        )


def _off(observed: int, low: int | None, high: int | None) -> int | None:
    if low is not None and observed < low:
        return observed - low
    if high is not None and observed > high:
        return observed - high
    return 0 if low is not None and high is not None else None
