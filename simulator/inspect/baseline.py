"""Findings that a team knows and lives with for now: a file of fingerprints, so that only new ones fail.

A fingerprint is of the rule and of what is broken, not of a line or a visitor, so it stays when the file around it
changes. What the file knows and a run does not show any more is told: it was mended, and the line can go.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from simulator.errors import UsageError
from simulator.inspect.inspection import Inspection
from simulator.inspect.rule import RuleFinding

VERSION = 1
_MOST_BYTES = 4 << 20


def read_baseline(file: Path) -> dict[str, str]:
    """The known findings: what each is, by its fingerprint.

    Raises:
        UsageError: no such file, or not one that `write_baseline` wrote.
    """
    try:
        with file.open("rb") as opened:
            document = json.loads(opened.read(_MOST_BYTES))
    except OSError as missing:
        raise UsageError(
            f"the baseline {file} cannot be read: {missing.strerror}; --write-baseline makes one"
        ) from None
    except (ValueError, RecursionError) as bad:
        raise UsageError(f"the baseline {file} is no JSON: {bad}") from None
    known = document.get("findings") if isinstance(document, dict) else None
    if not isinstance(known, list) or document.get("version") != VERSION:
        raise UsageError(f'the baseline {file}: expected {{"version": {VERSION}, "findings": […]}}')
    try:
        return {str(one["fingerprint"]): f"{one['rule']}: {one['seen']}" for one in known}
    except (KeyError, TypeError):
        raise UsageError(f"the baseline {file}: each finding has fingerprint, rule and seen") from None


def write_baseline(file: Path, findings: Sequence[RuleFinding]) -> None:
    """Write what is known from now on, in an order that keeps differences small.

    Raises:
        UsageError: the file cannot be written.
    """
    rows = [
        {"fingerprint": one.fingerprint, "rule": one.rule.code, "seen": one.first.seen}
        for one in sorted(findings, key=lambda one: (one.rule.code, one.fingerprint))
    ]
    text = json.dumps({"version": VERSION, "findings": rows}, ensure_ascii=False, indent=2)
    try:
        file.write_text(f"{text}\n", encoding="utf-8")
    except OSError as failed:
        raise UsageError(f"the baseline {file} cannot be written: {failed.strerror}") from None


def against(inspection: Inspection, known: dict[str, str]) -> Inspection:
    """The inspection with what is known marked, and what was mended told.

    A known finding whose rule was not asked, or fell silent behind another, is not taken to be mended.
    """
    shown = {one.fingerprint for one in inspection.findings}
    unasked = {*inspection.off, *(code for code, _ in inspection.silent)}
    mended = [
        told
        for fingerprint, told in known.items()
        if fingerprint not in shown and told.partition(":")[0] not in unasked
    ]
    findings = tuple(replace(one, known=one.fingerprint in known) for one in inspection.findings)
    return replace(inspection, findings=findings, mended=tuple(mended))
