"""junit.xml: one test case per expectation, SLO and finding, for whatever shows test results in a pipeline.

    failure   judged, and wrong
    error     could not be judged: not read, not settled, too wide, or a fault of our own
    skipped   cannot be known on this wire, with the reason; or a phase that did not hold or was not judged: phases
              tell what a collector can take, and decide no verdict

The suite "run" repeats the run's verdict, so that a run which is not green for another reason (too much refused, a
lost worker, underload) is not green here either.
"""

from __future__ import annotations

import shlex
from pathlib import Path
from xml.etree import ElementTree as ET

from simulator.finding import Finding, Judged, Slo, Verdict
from simulator.report import words
from simulator.report.disk import write_whole
from simulator.report.page import PAGE_FILE
from simulator.report.phases import Numbered, comparable
from simulator.report.result import Result, to_json
from simulator.report.visible import visible, visible_lines

JUNIT_FILE = "junit.xml"

# The run's verdict as JUnit knows it; a word that is missing here would raise, never pass.
_RUN_OUTCOMES = {
    "pass": "",
    "fail": "failure",
    "slo": "failure",
    "underload": "failure",
    "incomplete": "error",
    "error": "error",
}
_STATUS_OUTCOMES: dict[words.Status, str] = {
    "pass": "",
    "fail": "failure",
    "inconclusive": "error",
    "not read": "error",
    "not checkable": "skipped",
    "error": "error",
}


def junit_xml(result: Result, folder: Path | None = None) -> bytes:
    """The document, UTF-8.

    Args:
        folder: the run directory, to say where the report is and how a failure is seen again; None: neither is told.
    """
    root = ET.Element("testsuites", name="mpsim")
    name = visible(result.scenario)
    _add_suite(root, f"{name}: run", [_run_case(result, folder)], result)
    _add_suite(root, f"{name}: expectations", [_expectation(name, judged) for judged in result.metrics], result)
    _add_suite(root, f"{name}: service levels", [_service_level(name, slo) for slo in result.slo], result)
    _add_suite(root, f"{name}: findings", _findings(name, result), result)
    _add_suite(root, f"{name}: phases", [_phase(name, one) for one in comparable(result)], result)
    for kind in ("tests", "failures", "errors", "skipped"):
        root.set(kind, str(sum(int(suite.get(kind, "0")) for suite in root)))
    root.set("time", f"{result.load.seconds:.3f}")
    ET.indent(root)
    return bytes(ET.tostring(root, encoding="utf-8", xml_declaration=True)) + b"\n"


def write_junit(path: Path, result: Result) -> None:
    """Write junit.xml, whole or not at all.

    Raises:
        OSError: as `write_whole`.
    """
    write_whole(path, junit_xml(result, path.parent))


def _add_suite(root: ET.Element, name: str, cases: list[ET.Element], result: Result) -> None:
    if not cases:
        return
    suite = ET.SubElement(root, "testsuite", name=name, tests=str(len(cases)))
    for count, outcome in (("failures", "failure"), ("errors", "error"), ("skipped", "skipped")):
        suite.set(count, str(sum(case.find(outcome) is not None for case in cases)))
    if result.created:
        suite.set("timestamp", visible(result.created.removesuffix("Z")))
    suite.extend(cases)


def _case(suite: str, group: str, name: str, outcome: str, message: str, text: str = "") -> ET.Element:
    case = ET.Element("testcase", classname=f"{suite}.{group}", name=name)
    if outcome:
        ET.SubElement(case, outcome, message=message, type=group).text = text or None
    return case


def _run_case(result: Result, folder: Path | None) -> ET.Element:
    head = words.headline(result)
    reasons = "\n".join(map(visible_lines, result.reasons))
    again = f"\nAgain: {visible_lines(result.command)}" if result.command else ""
    if folder is not None:
        again += f"\nReplay: mpsim replay {visible_lines(shlex.quote(str(folder)))}"
        again += f"\nReport: {visible_lines(str(folder / PAGE_FILE))}"
    outcome = _RUN_OUTCOMES[result.verdict]
    case = _case(
        visible(result.scenario),
        "run",
        "verdict",
        outcome,
        f"{head.word}: {head.sentence}",
        f"{reasons}{again}".strip(),
    )
    facts = ET.Element("properties")
    document = to_json(result)
    for key in ("run_id", "seed", "namespace", "target", "verdict", "exit_code", "mpsim"):
        ET.SubElement(facts, "property", name=key, value=visible(str(document[key])))
    for key, value in document["definitions"].items():
        ET.SubElement(facts, "property", name=key, value=visible(str(value)))
    case.insert(0, facts)
    return case


def _expectation(suite: str, judged: Judged) -> ET.Element:
    why = f": {visible_lines(judged.why)}" if judged.why else ""
    group = visible(judged.by)
    name = words.cell_title(judged)
    return _case(suite, group, name, _STATUS_OUTCOMES[words.status(judged)], f"{words.told(judged)}{why}")


def _service_level(suite: str, slo: Slo) -> ET.Element:
    name = visible(slo.expression)
    return _case(suite, "slo", name, "" if slo.met else "failure", f"{name}: {words.slo_value(slo)}")


def _phase(suite: str, one: Numbered) -> ET.Element:
    phase = one.phase
    outcome = "" if phase.verdict == "held" else "skipped"
    return _case(suite, "phase", one.label, outcome, f"{phase.verdict}: {visible_lines(phase.why)}")


def _findings(suite: str, result: Result) -> list[ET.Element]:
    """Those that change the verdict; a number after the code keeps two of one code apart."""
    seen: dict[str, int] = {}
    cases = []
    for finding in result.findings:
        if finding.verdict is Verdict.PASS:
            continue
        seen[finding.code] = seen.get(finding.code, 0) + 1
        cases.append(_finding(suite, finding, seen[finding.code]))
    return cases


def _finding(suite: str, finding: Finding, number: int) -> ET.Element:
    code = visible(finding.code)
    outcome = "failure" if finding.verdict is Verdict.FAIL else "error"
    who = f"visitors: {words.examples(finding.visitors)}" if finding.visitors else ""
    message = f"{code} x {words.whole(finding.count)}: {visible_lines(finding.text)}"
    return _case(suite, "finding", code if number == 1 else f"{code} {number}", outcome, message, who)
