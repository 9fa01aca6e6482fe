"""What the load process said of itself at its end (load.json), and what follows from it for the verdict."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from simulator.errors import EngineError
from simulator.finding import ExitCode, Finding, Verdict
from simulator.ledger.manifest import LOAD_FILE, write_json
from simulator.runs.noting import Failures
from simulator.wire.request import Evidence

_EXAMPLES = 5


@dataclass(frozen=True, slots=True)
class LoadReport:
    """What the load process said of itself at its end; nothing of it where it died before."""

    facts: dict[str, Any]

    @property
    def is_there(self) -> bool:
        return bool(self.facts)

    @property
    def was_interrupted(self) -> bool:
        """Whether somebody stopped it by a signal; one that died without a word was killed."""
        return not self.is_there or str(self.facts.get("reason", "")).startswith("interrupted by a signal")

    @property
    def failed_self_check(self) -> str:
        """Why the transport was not fit to send, so that nothing was sent; empty where it was, or was not checked."""
        said = self.facts.get("self_check")
        return said if isinstance(said, str) and said != "ok" else ""

    @property
    def own_fault(self) -> str:
        """Why sending could not go on, where that was no fault of the collector's, such as a full disk; else empty."""
        if self.failed_self_check or self.facts.get("exit_code") != ExitCode.OWN_FAULT:
            return ""
        return str(self.facts.get("reason", "")) or "the load ended by a fault of our own"

    @property
    def fault(self) -> Finding | None:
        """The finding of a fault of our own; None where there is none."""
        if self.failed_self_check:
            return Finding("self_check", Verdict.ERROR, self.failed_self_check)
        return Finding("own_fault", Verdict.ERROR, self.own_fault) if self.own_fault else None

    def number(self, name: str, default: float = 0.0) -> float:
        value = self.facts.get(name, default)
        return float(value) if isinstance(value, int | float) else default


def read_load_report(folder: Path) -> LoadReport:
    """load.json of a run directory; empty where the load never ended by itself."""
    try:
        facts = json.loads((folder / LOAD_FILE).read_text(encoding="utf-8"))
    except (OSError, ValueError):
        facts = {}
    return LoadReport(facts if isinstance(facts, dict) else {})


def note_own_fault(folder: Path, run_id: str, reason: str) -> None:
    """Write load.json for a load process that died of a fault of our own and could not say so itself.

    Raises:
        EngineError: there is no place for it either.
    """
    facts = {"version": 1, "run_id": run_id, "finished": False, "exit_code": ExitCode.OWN_FAULT, "reason": reason}
    try:
        write_json(folder / LOAD_FILE, facts)
    except OSError as full:
        raise EngineError(f"{reason}; and {folder / LOAD_FILE} cannot be written: {full.strerror}") from full


def lookup_findings(report: LoadReport, failed: Failures) -> Iterator[Finding]:
    """Lookups of method 2 that did not give the complete URL.

    Args:
        failed: how the failed ones ended.
    """
    lookups = report.facts.get("lookups")
    if isinstance(lookups, dict) and lookups.get("failed"):
        # A reply with another URL, or none, is the collector's fault; a lookup without a reply is the network's.
        wrong = sum(n for (_, evidence, status), n in failed.items() if evidence is Evidence.REPLY and status < 500)
        examples = [one for one in lookups.get("examples", []) if isinstance(one, dict)]
        why = str(examples[0].get("why", "")) if examples else ""
        yield Finding(
            "lookup",
            Verdict.FAIL if wrong else Verdict.INCONCLUSIVE,
            f"{lookups['failed']} of {lookups.get('sent', 0)} lookups of a complete URL did not give it: {why}",
            int(lookups["failed"]),
            tuple(sorted({int(one["visitor"]) for one in examples if isinstance(one.get("visitor"), int)})[:_EXAMPLES]),
        )
