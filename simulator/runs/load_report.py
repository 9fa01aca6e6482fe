"""What the load process said of itself at its end (load.json), and what follows from it for the verdict."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from http import HTTPStatus
from itertools import islice
from pathlib import Path
from typing import Any

from simulator.errors import EngineError
from simulator.finding import ExitCode, Finding, Verdict
from simulator.ledger.manifest import LOAD_FILE, read_document, write_json
from simulator.ledger.read import read_ledger
from simulator.runs.noting import Failures
from simulator.wire.request import Evidence, Outcome, Purpose

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
        return not self.is_there or self.interrupted_by_signal

    @property
    def interrupted_by_signal(self) -> bool:
        """Whether it says that somebody stopped it so."""
        return str(self.facts.get("reason", "")).startswith("interrupted by a signal")

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
    def lost(self) -> tuple[str, ...]:
        """The workers that were lost, as a sentence calls them."""
        fleet = self.facts.get("fleet")
        told = [one for one in fleet if isinstance(one, dict)] if isinstance(fleet, list) else []
        return tuple(f"{one.get('worker')} on {one.get('host')}" for one in told if one.get("state") == "lost")

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
    return LoadReport(read_document(folder / LOAD_FILE))


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


def lookup_findings(report: LoadReport, failed: Failures, folder: Path, run_id: str) -> Iterator[Finding]:
    """Lookups of method 2 that did not give the complete URL.

    A reply that is wrong or refuses is the collector's fault; any other, or none, may be the network's.

    Args:
        failed: how the failed ones ended, by the ledger.
        folder: whose ledger tells of whom, where the load could not.
    """
    if not failed:
        return
    count = sum(failed.values())
    wrong = any(outcome is Outcome.REFUSED and evidence is Evidence.REPLY for outcome, evidence, _ in failed)
    told = report.facts.get("lookups")
    of_all, why, visitors = "", "", tuple[int, ...]()
    if isinstance(told, dict):
        examples = [one for one in told.get("examples", []) if isinstance(one, dict)]
        of_all = f" of {told.get('sent', 0)}"
        why = str(examples[0].get("why", "")) if examples else ""
        visitors = tuple(sorted({one["visitor"] for one in examples if isinstance(one.get("visitor"), int)}))
    if not visitors:
        why, visitors = why or _how(failed), tuple(_of_whom(folder, run_id))
    text = f"{count}{of_all} lookups of a complete URL did not give it: {why}"
    verdict = Verdict.FAIL if wrong else Verdict.INCONCLUSIVE
    yield Finding("lookup", verdict, text, count, visitors[:_EXAMPLES])


def _how(failed: Failures) -> str:
    """The way that weighs most: a wrong reply before a missing one, then the most frequent."""
    ways = sorted(failed.items(), key=lambda way: (way[0][0] is not Outcome.REFUSED, -way[1]))
    (outcome, evidence, status), _ = ways[0]
    if evidence is Evidence.REPLY:
        phrase = "with another body" if outcome is Outcome.REFUSED and status == HTTPStatus.OK else ""
        return f"HTTP {status} {_phrase(status)} {phrase}".rstrip()
    return evidence.name.lower().replace("_", " ")


def _phrase(status: int) -> str:
    try:
        return HTTPStatus(status).phrase
    except ValueError:
        return ""


def _of_whom(folder: Path, run_id: str) -> list[int]:
    """The first visitors of the ledger whose lookup failed."""
    found = (
        attempt.visitor
        for attempt in read_ledger(folder, run_id)
        if attempt.purpose is Purpose.LOOKUP and attempt.outcome is not Outcome.ACKED
    )
    return sorted(islice(dict.fromkeys(found), _EXAMPLES))
