"""inspect.sarif: SARIF 2.1.0, which code hosts show beside the lines.

A finding without a line of the source is shown at app.js, since a host drops results that have no location. Paths are
relative to the program's folder, whose place the host gets as %SRCROOT%.

Source: OASIS, Static Analysis Results Interchange Format 2.1.0.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any
from urllib.parse import quote

from simulator import __version__
from simulator.inspect.rule import Level, Rule, RuleFinding
from simulator.inspect.rules import RULES
from simulator.report.disk import write_whole
from simulator.report.inspection.outcome import Outcome
from simulator.report.inspection.text import told_where
from simulator.report.visible import visible, visible_lines
from simulator.runtime.trace import Place

SARIF_FILE = "inspect.sarif"
SCHEMA = "https://json.schemastore.org/sarif-2.1.0.json"
_LEVELS = {Level.ERROR: "error", Level.WARNING: "warning", Level.INFO: "note"}
_EXAMPLES = 10
_FINGERPRINT = "mpsimInspect/v1"


def sarif(outcome: Outcome) -> dict[str, Any]:
    """The document."""
    return {
        "$schema": SCHEMA,
        "version": "2.1.0",
        "runs": [
            {
                "tool": {
                    "driver": {
                        "name": "mpsim inspect",
                        "version": outcome.mpsim or __version__,
                        "rules": [_rule(rule) for rule in RULES],
                    }
                },
                "originalUriBaseIds": {"%SRCROOT%": {"description": {"text": "The mini program's folder."}}},
                "columnKind": "utf16CodeUnits",
                "results": [_result(one, outcome) for one in outcome.inspection.findings],
            }
        ],
    }


def write_sarif(path: Path, outcome: Outcome) -> None:
    """Write inspect.sarif, whole or not at all.

    Raises:
        OSError: as `write_whole`.
    """
    write_whole(path, sarif_text(outcome).encode("utf-8", "backslashreplace"))


def sarif_text(outcome: Outcome) -> str:
    """The document as text."""
    return json.dumps(sarif(outcome), ensure_ascii=False, indent=2) + "\n"


def _rule(rule: Rule) -> dict[str, Any]:
    return {
        "id": rule.code,
        "name": "".join(part.capitalize() for part in rule.code.split("-")),
        "shortDescription": {"text": f"{rule.title}."},
        "fullDescription": {"text": f"Expected: {rule.expected}."},
        "helpUri": rule.document.url,
        "help": {"text": f"{rule.document}: {rule.says}. {rule.mend}"},
        "defaultConfiguration": {"level": _LEVELS.get(rule.level, "none"), "enabled": rule.level is not Level.OFF},
    }


def _result(one: RuleFinding, outcome: Outcome) -> dict[str, Any]:
    places = one.places[:_EXAMPLES] or (Place("app.js", 0),)
    seen = "\n".join(visible_lines(told_where(breach)) for breach in one.breaches[:_EXAMPLES] if told_where(breach))
    text = f"{visible(one.first.seen)}. Expected: {one.rule.expected}. {one.rule.mend}"
    result: dict[str, Any] = {
        "ruleId": one.rule.code,
        "ruleIndex": [rule.code for rule in RULES].index(one.rule.code),
        "level": _LEVELS[one.level],
        "message": {"text": f"{text}\n{seen}" if seen else text},
        "locations": [_location(places[0])],
        "relatedLocations": [{"id": number, **_location(place)} for number, place in enumerate(places[1:], start=1)],
        "partialFingerprints": {_FINGERPRINT: one.fingerprint},
        "occurrenceCount": one.count,
        "baselineState": "unchanged" if one.known else "new",
        "properties": {"scenario": outcome.scenario, "visitors": list(one.visitors[:_EXAMPLES])},
    }
    if one.known:
        result["suppressions"] = [{"kind": "external", "justification": "known to the baseline"}]
    return result


def _location(place: Place) -> dict[str, Any]:
    found: dict[str, Any] = {
        "artifactLocation": {"uri": quote(place.file, safe="/-_.~"), "uriBaseId": "%SRCROOT%"},
        "region": {"startLine": max(place.line, 1)},
    }
    if place.column:
        found["region"]["startColumn"] = place.column
    return {"physicalLocation": found}
