"""What happened when: visitors and attempts in equal stretches of wall time, for the drawing of a run's load.

Stretches begin short and are joined two by two while a run has too many of them, so memory and report stay small
however long it takes. Attempts of an earlier visit, and lookups, are no part of it: as in the latencies (slo.py).
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from itertools import chain
from types import MappingProxyType

from simulator.immutable import immutable
from simulator.ledger.record import Attempt
from simulator.wire.request import Outcome, Purpose

MOST_STRETCHES = 240
_SHORTEST_NS = 125_000_000
_NS = 1_000_000_000

_KINDS = ("due", "started", "sent", "acked", "refused", "unknown")
_OUTCOMES = MappingProxyType({Outcome.ACKED: "acked", Outcome.REFUSED: "refused", Outcome.UNKNOWN: "unknown"})


@immutable(frozen=True, slots=True)
class Stretch:
    """What happened in one stretch of time."""

    begin: float  # wall seconds after the begin of the first stretch
    due: int  # visitors whose instant lay in it
    started: int  # visitors who started in it
    sent: int  # attempts; those that ended in it:
    acked: int
    refused: int
    unknown: int
    in_flight: int  # sent and not yet ended, when it ended


class Timeline:
    """Counts by stretch; mergeable."""

    __slots__ = ("_counts", "_width")

    def __init__(self) -> None:
        self._width = _SHORTEST_NS
        self._counts: dict[str, Counter[int]] = {kind: Counter() for kind in _KINDS}

    def start(self, began_ns: int, due_ns: int) -> None:
        """A visitor who started at one instant, and was due at another."""
        self._counts["started"][began_ns // self._width] += 1
        self._counts["due"][due_ns // self._width] += 1

    def add_acked(self, sent_ns: Iterable[int], done_ns: Iterable[int]) -> None:
        """Attempts that were acked: when they were sent, and when that was known."""
        width = self._width
        self._counts["sent"].update([at // width for at in sent_ns])
        self._counts["acked"].update([at // width for at in done_ns])
        self._bound()

    def add_attempts(self, attempts: Iterable[Attempt]) -> None:
        """Attempts of any outcome; one that never ended is in flight to the end."""
        for attempt in attempts:
            if attempt.purpose is not Purpose.EVENT:
                continue
            sent = attempt.sent_ns or attempt.began_ns or attempt.intended_ns  # one that never left has no more
            self._counts["sent"][sent // self._width] += 1
            if attempt.done_ns:
                self._counts[_OUTCOMES[attempt.outcome]][attempt.done_ns // self._width] += 1
        self._bound()

    def merge(self, other: Timeline) -> None:
        """Add what happened to others."""
        counts = {kind: Counter(row) for kind, row in other._counts.items()}
        width = other._width
        while self._width < width:
            self._join()
        while width < self._width:
            counts, width = _joined(counts), 2 * width
        for kind, row in counts.items():
            self._counts[kind].update(row)
        self._bound()

    @property
    def seconds(self) -> float:
        """Length of a stretch."""
        self._shorten()
        return self._width / _NS

    def stretches(self) -> tuple[Stretch, ...]:
        """From the first in which anything happened to the last, empty ones between them included."""
        return tuple(self._stretches())

    def _stretches(self) -> Iterator[Stretch]:
        seconds = self.seconds
        places = set(chain.from_iterable(self._counts.values()))
        if not places:
            return
        in_flight, first = 0, min(places)
        for place in range(first, max(places) + 1):
            row = {kind: counts[place] for kind, counts in self._counts.items()}
            in_flight += row["sent"] - _ended(row)
            yield Stretch((place - first) * seconds, **row, in_flight=max(in_flight, 0))

    def _bound(self) -> None:
        """Keep memory small. Asked for each visitor, so that how far the stretches lie apart is left for the end."""
        while max(map(len, self._counts.values())) > MOST_STRETCHES:
            self._join()

    def _shorten(self) -> None:
        while True:
            ends = [end for row in self._counts.values() if row for end in (min(row), max(row))]
            if not ends or max(ends) - min(ends) < MOST_STRETCHES:
                return
            self._join()

    def _join(self) -> None:
        self._counts, self._width = _joined(self._counts), 2 * self._width


def _ended(row: Mapping[str, int]) -> int:
    return sum(row[outcome] for outcome in _OUTCOMES.values())


def _joined(counts: Mapping[str, Mapping[int, int]]) -> dict[str, Counter[int]]:
    """Two neighbouring stretches each as one."""
    joined: dict[str, Counter[int]] = {kind: Counter() for kind in counts}
    for kind, row in counts.items():
        for place, count in row.items():
            joined[kind][place // 2] += count
    return joined
