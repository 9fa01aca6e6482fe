"""What a check says: a verdict, and findings with their evidence.

verify/ and inspect/ make them, report/ prints them, runs/ maps them to an exit code (verify/verdict.py has the table).
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from enum import IntEnum


class Verdict(IntEnum):
    """Ordered so that the worst wins, as in TTCN-3."""

    PASS = 0
    INCONCLUSIVE = 1  # nothing wrong was seen, and not enough was seen to say it is right
    FAIL = 2
    ERROR = 3  # our own fault: nothing can be said about the collector

    @property
    def word(self) -> str:
        return self.name.lower()


class ExitCode(IntEnum):
    """What every command ends with (CONTRACT section 5); verify/verdict.py chooses among several."""

    PASS = 0
    FAIL = 1  # something judged was wrong
    SLO_MISSED = 2
    INCOMPLETE = 3  # cut short, unreadable, unsettled, inconclusive, or too many refused or unknown
    UNDERLOAD = 4  # the load was not offered as wanted
    USAGE = 5  # scenario or usage error
    NO_CONNECTION = 6  # nobody answered before the first event
    OWN_FAULT = 7  # self-check, full disk, bug


@dataclass(frozen=True, slots=True)
class Interval:
    """Whole numbers from low to high, both included."""

    low: int
    high: int

    def __post_init__(self) -> None:
        if self.low > self.high:
            raise ValueError(f"an interval from {self.low} to {self.high} is empty")

    @property
    def width(self) -> int:
        return self.high - self.low

    def __contains__(self, value: int) -> bool:
        return self.low <= value <= self.high

    def __add__(self, other: Interval) -> Interval:
        return Interval(self.low + other.low, self.high + other.high)

    def __str__(self) -> str:
        return str(self.low) if self.low == self.high else f"{self.low}..{self.high}"


@dataclass(frozen=True, slots=True)
class Judged:
    """One cell of one metric: what the plan and the ledger allow, what the collector said."""

    metric: str  # pv, uv, opens, new_users
    by: str  # all, source, content, hour, day, page
    cell: str  # empty for all
    expected: Interval | None  # None: cannot be known, `why` says the reason
    observed: int | None  # None: not read
    verdict: Verdict
    why: str = ""


@dataclass(frozen=True, slots=True)
class Finding:
    """Something worth telling, with whom it concerns."""

    code: str  # lost, duplicated, unexpected, … (CONTRACT section 6)
    verdict: Verdict  # PASS for a remark that does not change the run's verdict
    text: str
    count: int = 1
    visitors: tuple[int, ...] = ()  # examples, lowest first
    metrics: tuple[str, ...] = ()  # whose wrong totals it speaks of, in the order of contract.METRICS


NOBODY = "Nobody is named"  # and then why


def naming_nobody(finding: Finding, why: str) -> Finding:
    """The finding with the reason for which it concerns nobody in particular; as it is where it names somebody."""
    return finding if finding.visitors else replace(finding, text=f"{finding.text}. {NOBODY}: {why}")


@dataclass(frozen=True, slots=True)
class Slo:
    """One service-level expression and its measured value."""

    expression: str
    value: float | None  # None: no samples, which is a miss
    met: bool
