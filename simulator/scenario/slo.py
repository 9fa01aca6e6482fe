"""Service-level and abort expressions: `p95 < 200ms`, `service p99 <= 1s`, `failed < 1%`, `failed > 50% for 10s`.

Only the grammar; the samples are measured by load/ and judged by runs/.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from fractions import Fraction
from typing import Literal, cast

from simulator.times import Ms, parse_duration

Measure = Literal["response", "service", "late", "failed"]
Below = Literal["<", "<="]
Above = Literal[">", ">="]

SLO_EXAMPLE = "p95 < 200ms, max <= 5s, service p99 < 1s, late p99 < 1s or failed < 1%"
SLO_PATTERN = (
    r"^\s*(?:(?:(?:service|late)\s+)?(?:p\d{1,2}(?:\.\d{1,3})?|max)\s*<=?\s*[0-9.a-z]+|failed\s*<=?\s*[0-9.]+%)\s*$"
)
ABORT_PATTERN = r"^\s*failed\s*>=?\s*[0-9.]+%\s+for\s+[0-9.a-z]+\s*$"

_SLO = re.compile(r"\s*(?:(service|late)\s+)?(p\d{1,2}(?:\.\d{1,3})?|max|failed)\s*(<=?)\s*(\S+)\s*")
_ABORT = re.compile(r"\s*failed\s*(>=?)\s*(\S+)\s+for\s+(\S+)\s*")
_PART = re.compile(r"(\d{1,3})(?:\.(\d{1,4}))?%")


@dataclass(frozen=True, slots=True)
class SloExpression:
    """One objective.

    response: from the intended instant of a request to its reply, the default of p50 … p99.9 and max.
    service: from the actual send. late: start of a visitor after its instant. failed: (refused + unknown) / sent.
    """

    text: str  # as written
    measure: Measure
    percentile: Fraction | None  # 0 < p <= 100, 100 for max; None for failed
    op: Below
    limit: Fraction  # milliseconds; for failed a part from 0 to 1

    def met(self, value: float | None) -> bool:
        """Whether a measured value, in the limit's unit, keeps the objective (at the limit: `<=` yes, `<` no).

        None, no samples, is a miss.
        """
        if value is None:
            return False
        limit = float(self.limit)  # rounded as the quotient of two counts is, so that 5 of 100 are 5%
        return value < limit if self.op == "<" else value <= limit


@dataclass(frozen=True, slots=True)
class AbortRule:
    """When a run gives up: the failed part of the attempts stays above a limit for so long."""

    text: str
    op: Above
    limit: Fraction  # a part from 0 to 1
    duration: Ms  # wall time

    def broken(self, failed: float) -> bool:
        """Whether a failed part counts towards giving up (at the limit: `>=` yes, `>` no)."""
        limit = float(self.limit)
        return failed > limit if self.op == ">" else failed >= limit


def parse_slo(text: str) -> SloExpression:
    """Read one objective.

    Raises:
        ValueError: another word, a limit without its unit, a percentile of 0.
    """
    match = _SLO.fullmatch(text)
    if match is None:
        raise ValueError(f"{text!r} is no objective; expected such as {SLO_EXAMPLE}")
    prefix, word, op, limit = match[1], match[2], cast("Below", match[3]), match[4]
    if word == "failed":
        if prefix:
            raise ValueError(f"{text!r}: failed stands alone, without {prefix}")
        return SloExpression(text.strip(), "failed", None, op, _part(limit))
    percentile = Fraction(100) if word == "max" else Fraction(word[1:])
    if not percentile:
        raise ValueError(f"{text!r}: there is no percentile 0; expected p50 to p99.9 or max")
    try:
        duration = parse_duration(limit)
    except ValueError as bad:
        raise ValueError(f"{text!r}: {bad}") from bad
    return SloExpression(text.strip(), cast("Measure", prefix or "response"), percentile, op, Fraction(duration))


def parse_abort(text: str) -> AbortRule:
    """Read one rule for giving up.

    Raises:
        ValueError: not `failed > PART for DURATION`.
    """
    match = _ABORT.fullmatch(text)
    if match is None:
        raise ValueError(f"expected such as failed > 50% for 10s, not {text!r}")
    op, part, duration = cast("Above", match[1]), match[2], match[3]
    return AbortRule(text.strip(), op, _part(part), parse_duration(duration))


def _part(text: str) -> Fraction:
    match = _PART.fullmatch(text)
    if match is None or Fraction(text[:-1]) > 100:
        raise ValueError(f"expected a part from 0% to 100%, such as 1%, not {text}")
    return Fraction(text[:-1]) / 100
