"""The files of a conformance run beside its page: conform.json, junit.xml, and the badge as SVG and for shields.io.

failed         a JUnit failure
engine error   an error
not supported  skipped, with the reason
informational  skipped, with what it stands for: it is not wrong, and nobody should take it for ok
"""

from __future__ import annotations

import json
import re
from dataclasses import asdict
from pathlib import Path
from typing import Any
from xml.etree import ElementTree as ET

from simulator.report.conform_page import PAGE_FILE, write_conform_page
from simulator.report.disk import write_whole
from simulator.report.junit import JUNIT_FILE
from simulator.report.matrix import Judgement, Matrix, Standing, TargetFacts
from simulator.report.visible import visible, visible_lines

JSON_FILE = "conform.json"
BADGE_SVG, BADGE_JSON = "badge.svg", "badge.json"
VERSION = 1  # of conform.json

_OUTCOMES = {
    Standing.OK: "",
    Standing.FAILED: "failure",
    Standing.ENGINE_ERROR: "error",
    Standing.NOT_SUPPORTED: "skipped",
    Standing.INFORMATIONAL: "skipped",
}
_LABEL = "mpsim conform"
_COLOURS = {"brightgreen": "#3c8d1e", "red": "#c2382c", "orange": "#b35c00", "lightgrey": "#6b6b6b"}


def write_conform(folder: Path, matrix: Matrix) -> Path:
    """Write all files; the path of the page. conform.json comes first: the others can be made again from it.

    Raises:
        OSError: no permission, no space.
    """
    write_whole(folder / JSON_FILE, (json.dumps(to_json(matrix), ensure_ascii=False, indent=1) + "\n").encode())
    write_whole(folder / JUNIT_FILE, junit_xml(matrix))
    for name, target in _badges(matrix):
        write_whole(folder / f"{name}.svg", badge_svg(matrix, target).encode())
        write_whole(folder / f"{name}.json", (json.dumps(badge_json(matrix, target), indent=1) + "\n").encode())
    write_conform_page(folder / PAGE_FILE, matrix)
    return folder / PAGE_FILE


# ---- JSON ---------------------------------------------------------------------------------------------------------


def to_json(matrix: Matrix) -> dict[str, Any]:
    """The whole matrix."""
    return {
        "version": VERSION,
        "suite": matrix.version,
        "mpsim": matrix.mpsim,
        "created": matrix.created,
        "command": matrix.command,
        "exit_code": int(matrix.exit_code),
        "targets": [{**asdict(target), "counts": _counts(matrix, target.name)} for target in matrix.targets],
        "cases": [
            {
                **asdict(case),
                "results": {target.name: _result(matrix.judgements[target.name][number]) for target in matrix.targets},
            }
            for number, case in enumerate(matrix.cases)
        ],
    }


def _counts(matrix: Matrix, target: str) -> dict[str, int]:
    return {standing.value: matrix.count(standing, target) for standing in Standing}


def _result(judgement: Judgement) -> dict[str, Any]:
    document = asdict(judgement)
    del document["case"]
    return {
        **document,
        "standing": judgement.standing.value,
        "numbers": [{**asdict(one), "got": one.got} for one in judgement.numbers],
    }


# ---- JUnit --------------------------------------------------------------------------------------------------------


def junit_xml(matrix: Matrix) -> bytes:
    """A suite for each target, a test case for each case; UTF-8."""
    root = ET.Element("testsuites", name="mpsim conform")
    for target in matrix.targets:
        root.append(_suite(matrix, target))
    for kind in ("tests", "failures", "errors", "skipped"):
        root.set(kind, str(sum(int(suite.get(kind, "0")) for suite in root)))
    ET.indent(root)
    return bytes(ET.tostring(root, encoding="utf-8", xml_declaration=True)) + b"\n"


def _suite(matrix: Matrix, target: TargetFacts) -> ET.Element:
    name = visible(target.name)
    suite = ET.Element("testsuite", name=name, tests=str(len(matrix.cases)))
    facts = ET.SubElement(suite, "properties")
    for key, value in [("suite", str(matrix.version)), *((one.name, one.value) for one in target.definitions)]:
        ET.SubElement(facts, "property", name=key, value=visible(value))
    for case, judgement in zip(matrix.cases, matrix.judgements[target.name], strict=True):
        one = ET.SubElement(suite, "testcase", classname=f"{name}.{case.area}", name=case.id)
        outcome = _OUTCOMES[judgement.standing]
        if outcome:
            message = f"{judgement.standing.value}: {visible_lines(judgement.why)}"
            ET.SubElement(one, outcome, message=message, type=judgement.standing.value).text = case.title
    for count, outcome in (("failures", "failure"), ("errors", "error"), ("skipped", "skipped")):
        suite.set(count, str(len(suite.findall(f"testcase/{outcome}"))))
    suite.set("timestamp", matrix.created.removesuffix("Z"))
    return suite


# ---- the badge ----------------------------------------------------------------------------------------------------


def badge_json(matrix: Matrix, target: str | None = None) -> dict[str, Any]:
    """What shields.io's endpoint badge reads."""
    message, colour = _said(matrix, target)
    return {"schemaVersion": 1, "label": _label(matrix), "message": message, "color": colour}


def badge_svg(matrix: Matrix, target: str | None = None) -> str:
    """The same as a picture that needs nobody's service."""
    label = _label(matrix)
    message, colour = _said(matrix, target)
    left, right = _width(label), _width(message)
    whole = left + right
    grounds = (
        f'<rect width="{left}" height="20" fill="#444"/>'
        f'<rect x="{left}" width="{right}" height="20" fill="{_COLOURS[colour]}"/>'
    )
    letters = 'fill="#fff" text-anchor="middle" font-family="Verdana,Geneva,DejaVu Sans,sans-serif" font-size="11"'
    said = f"{label}: {message}"
    return f"""<svg xmlns="http://www.w3.org/2000/svg" width="{whole}" height="20" role="img" aria-label="{said}">
<title>{said}</title>
<clipPath id="r"><rect width="{whole}" height="20" rx="3"/></clipPath>
<g clip-path="url(#r)">{grounds}</g>
<g {letters}>
<text x="{left / 2:g}" y="14" textLength="{left - 12}">{label}</text>
<text x="{left + right / 2:g}" y="14" textLength="{right - 12}">{message}</text>
</g>
</svg>
"""


def _badges(matrix: Matrix) -> list[tuple[str, str | None]]:
    """The badge of all targets together and, where there are several, of each."""
    names: list[tuple[str, str | None]] = [("badge", None)]
    if len(matrix.targets) > 1:
        names += [(f"badge-{file_name(target.name)}", target.name) for target in matrix.targets]
    return names


def file_name(name: str) -> str:
    """A target's name as a part of a file's."""
    return re.sub(r"[^A-Za-z0-9_-]+", "-", name).strip("-")[:64] or "target"


def _label(matrix: Matrix) -> str:
    return f"{_LABEL} v{matrix.version}"


def _said(matrix: Matrix, target: str | None) -> tuple[str, str]:
    """The counts, and the colour of the worst of them; what is not judged is counted, too."""
    counts = [(standing, matrix.count(standing, target)) for standing in Standing]
    message = ", ".join(f"{count} {standing.value}" for standing, count in counts if count) or "nothing"
    present = {standing for standing, count in counts if count}
    if Standing.FAILED in present:
        return message, "red"
    if Standing.ENGINE_ERROR in present:
        return message, "orange"
    return message, "brightgreen" if Standing.OK in present else "lightgrey"


def _width(text: str) -> int:
    """About how wide a text of the badge is, in pixels, with its margins."""
    return round(sum(3.9 if one in "iljt.,:' " else 9.5 if one in "mwMW" else 6.9 for one in text)) + 12
