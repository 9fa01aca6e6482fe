"""What happened so far in a run: the numbers of progress.json and load.json. Nothing is judged from them but `abort`.

`attempts` are those of judged events; setup visits and lookups are counted apart (CONTRACT section 6).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

from simulator.ledger.histogram import Histogram
from simulator.load.held import Held
from simulator.load.walk import Walk
from simulator.scenario.slo import AbortRule
from simulator.wire.request import Outcome, Purpose

_EXAMPLES = 5  # of failed lookups that are kept
_PUNCTUAL_US = 1_000_000  # a visitor who starts later than this is late (CONTRACT section 5, exit 4)


@dataclass(frozen=True, slots=True)
class FailedLookup:
    """A lookup that did not give the complete URL; the plan's source is sent all the same."""

    visitor: int
    request: int
    expected: str
    why: str


class Tally:
    """Counts, without a clock."""

    def __init__(self) -> None:
        self.started = 0  # visitors
        self.punctual = 0  # of them within a second of their instant
        self.held = 0  # of those who were not: they waited for the collector's replies to others
        self.late = Histogram()  # how much later than planned visitors started
        self.outcomes = {Outcome.ACKED: 0, Outcome.REFUSED: 0, Outcome.UNKNOWN: 0}
        self.setup = {Outcome.ACKED: 0, Outcome.REFUSED: 0, Outcome.UNKNOWN: 0}
        self.lookups = 0
        self.lookups_failed = 0
        self.failed_lookups: list[FailedLookup] = []  # the first few
        self.first_sent_ns = 0  # of judged events; 0: none
        self.last_done_ns = 0
        self.first_start_ns = 0  # of visitors
        self.last_start_ns = 0

    @property
    def sent(self) -> int:
        """Attempts of judged events that are through."""
        return sum(self.outcomes.values())

    @property
    def failed(self) -> int:
        """Of them those that were not acked."""
        return self.outcomes[Outcome.REFUSED] + self.outcomes[Outcome.UNKNOWN]

    def start(self, late_ns: int, now_ns: int, held: Held | None = None) -> None:
        """A visitor's first request is about to be sent.

        Args:
            held: who can say why it is late, of the open model.
        """
        late_us = late_ns // 1_000
        self.started += 1
        if late_us <= _PUNCTUAL_US:
            self.punctual += 1
        elif held is not None and held.explains(late_ns):
            self.held += 1
        self.late.add(late_us)
        self.first_start_ns = self.first_start_ns or now_ns
        self.last_start_ns = now_ns

    def note(self, walk: Walk, outcome: Outcome, sent_ns: int, done_ns: int) -> None:
        """The current attempt of a visitor is through."""
        purpose = walk.request.purpose
        if purpose is Purpose.EVENT:
            self.outcomes[outcome] += 1
            self.first_sent_ns = self.first_sent_ns or sent_ns
            self.last_done_ns = done_ns
        elif purpose is Purpose.SETUP:
            self.setup[outcome] += 1
        else:
            self.lookups += 1

    def note_failed_lookup(self, walk: Walk, why: str) -> None:
        """A lookup did not give the complete URL."""
        self.lookups_failed += 1
        if len(self.failed_lookups) < _EXAMPLES:
            request = walk.request
            self.failed_lookups.append(FailedLookup(walk.visitor, request.number, request.expects, why))


class Tried(NamedTuple):
    """How many attempts are through, and of them how many were not acked."""

    sent: int
    failed: int


class AbortWatch:
    """Watches whether the failed part of the attempts stays above the limit of `load.abort` for its duration.

    It is asked about once a second. A stretch without attempts says nothing, so a collector that answers nothing for
    a minute neither breaks the rule nor saves the run from it.
    """

    def __init__(self, rule: AbortRule) -> None:
        self._rule = rule
        self._sent = 0
        self._failed = 0
        self._looked_ns = 0
        self._broken_since_ns: int | None = None

    def look(self, tried: Tried, now_ns: int) -> str:
        """Why to give up now; empty to go on.

        Args:
            tried: since the run began, earlier visits included.
        """
        sent, failed = tried.sent - self._sent, tried.failed - self._failed
        since_ns, self._looked_ns = self._looked_ns or now_ns, now_ns
        if sent:
            self._sent, self._failed = tried
            if not self._rule.broken(failed / sent):
                self._broken_since_ns = None
            elif self._broken_since_ns is None:
                self._broken_since_ns = since_ns
        if self._broken_since_ns is None or now_ns - self._broken_since_ns < self._rule.duration * 1_000_000:
            return ""
        return f"{self._rule.text}: {tried.failed} of {tried.sent} attempts failed"
