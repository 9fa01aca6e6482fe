"""What an inspection came to, as the writers of this package read it; and the JSON of it.

The writers compute nothing: findings come from inspect/, totals and the exit code from runs/.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from simulator.contract import Definitions
from simulator.finding import ExitCode, Judged
from simulator.inspect.inspection import Inspection
from simulator.inspect.rule import Breach, Level, RuleFinding
from simulator.report.disk import write_whole
from simulator.times import iso_utc

VERSION = 1
JSON_FILE = "inspect.json"
MOST_SHOWN = 20  # pieces of evidence of one finding


@dataclass(frozen=True, slots=True)
class Outcome:
    """One inspection, judged."""

    program: str  # its folder, as it was given
    appid: str
    scenario: str
    seed: int
    visitors: int
    requests: int  # that the program made, of every kind
    events: int  # told by them, copies too
    format: str  # of most events; empty: there was none
    definitions: Definitions
    period: tuple[str, str]  # ISO 8601; the end is exclusive
    inspection: Inspection
    totals: tuple[Judged, ...]  # all, source, content, page
    exit_code: ExitCode
    reasons: tuple[str, ...]  # sentences, the weightiest first; none for a pass
    notes: tuple[str, ...] = ()
    seconds: float = 0.0
    created: str = ""
    mpsim: str = ""
    options: Mapping[str, str] = field(default_factory=dict)

    @property
    def word(self) -> str:
        """The verdict in one word."""
        return {ExitCode.PASS: "pass", ExitCode.FAIL: "fail"}.get(self.exit_code, "incomplete")

    @property
    def fresh(self) -> tuple[RuleFinding, ...]:
        """The findings that the baseline does not know."""
        return tuple(one for one in self.inspection.findings if not one.known)

    @property
    def known(self) -> tuple[RuleFinding, ...]:
        """Those that it knows."""
        return tuple(one for one in self.inspection.findings if one.known)

    def count(self, level: Level) -> int:
        """How many new findings of a level there are."""
        return sum(one.level is level for one in self.fresh)


def to_json(outcome: Outcome) -> dict[str, Any]:
    """The document of inspect.json."""
    return {
        "version": VERSION,
        "program": outcome.program,
        "appid": outcome.appid,
        "scenario": outcome.scenario,
        "seed": outcome.seed,
        "visitors": outcome.visitors,
        "requests": outcome.requests,
        "events": outcome.events,
        "format": outcome.format,
        "period": list(outcome.period),
        "definitions": outcome.definitions.as_json(),
        "verdict": outcome.word,
        "exit_code": int(outcome.exit_code),
        "reasons": list(outcome.reasons),
        "findings": [_finding(one) for one in outcome.inspection.findings],
        "explained": [{"rule": code, "by": cause} for code, cause in outcome.inspection.silent],
        "mended": list(outcome.inspection.mended),
        "off": list(outcome.inspection.off),
        "metrics": [_judged(one) for one in outcome.totals],
        "notes": list(outcome.notes),
        "seconds": round(outcome.seconds, 3),
        "created": outcome.created,
        "mpsim": outcome.mpsim,
    }


def _finding(one: RuleFinding) -> dict[str, Any]:
    return {
        "rule": one.rule.code,
        "level": one.level.value,
        "known": one.known,
        "fingerprint": one.fingerprint,
        "seen": one.first.seen,
        "count": one.count,
        "visitors": list(one.visitors[:MOST_SHOWN]),
        "expected": one.rule.expected,
        "document": {"name": str(one.rule.document), "url": one.rule.document.url, "says": one.rule.says},
        "mend": one.rule.mend,
        "evidence": [_evidence(breach) for breach in one.breaches[:MOST_SHOWN]],
    }


def _evidence(breach: Breach) -> dict[str, Any]:
    place = breach.place
    found: dict[str, Any] = {
        "seen": breach.seen,
        "visitor": breach.visitor if breach.visitor >= 0 else None,
        "at": iso_utc(breach.at) if breach.at is not None else None,
        "page": breach.page or None,
        "request": breach.request or None,
        "file": place.file if place is not None else None,
        "line": place.line or None if place is not None else None,
    }
    return {key: value for key, value in found.items() if value is not None}


def _judged(one: Judged) -> dict[str, Any]:
    expected = one.expected
    return {
        "metric": one.metric,
        "by": one.by,
        "cell": one.cell,
        "expected": None if expected is None else [expected.low, expected.high],
        "observed": one.observed,
        "verdict": one.verdict.word,
        "why": one.why,
    }


def json_text(outcome: Outcome) -> str:
    """inspect.json as text."""
    return json.dumps(to_json(outcome), ensure_ascii=False, indent=2) + "\n"


def write_json(path: Path, outcome: Outcome) -> None:
    """Write inspect.json, whole or not at all.

    Raises:
        OSError: as `write_whole`.
    """
    write_whole(path, json_text(outcome).encode("utf-8", "backslashreplace"))
