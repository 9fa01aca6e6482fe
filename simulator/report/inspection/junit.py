"""junit.xml of an inspection: a test case a rule and a judged total, so that a pipeline shows which of them fails.

failure   a rule is broken (at a level that fails or not: the text says which), a total is wrong
skipped   a rule that is switched off, or whose findings the baseline knows; a total that cannot be known
"""

from __future__ import annotations

from pathlib import Path
from xml.etree import ElementTree as ET

from simulator.finding import Judged, Verdict
from simulator.inspect.rule import Level, Rule
from simulator.inspect.rules import RULES
from simulator.report import words
from simulator.report.disk import write_whole
from simulator.report.inspection.outcome import MOST_SHOWN, Outcome
from simulator.report.inspection.text import headline, told_total, told_where
from simulator.report.visible import visible, visible_lines


def junit_xml(outcome: Outcome) -> bytes:
    """The document, UTF-8."""
    root = ET.Element("testsuites", name="mpsim inspect")
    name = visible(Path(outcome.program).name or outcome.program)
    _add(root, f"{name}: inspection", [_verdict(name, outcome)])
    _add(root, f"{name}: rules", [_rule(name, rule, outcome) for rule in RULES])
    _add(root, f"{name}: totals", [_total(name, judged) for judged in outcome.totals])
    for kind in ("tests", "failures", "errors", "skipped"):
        root.set(kind, str(sum(int(suite.get(kind, "0")) for suite in root)))
    root.set("time", f"{outcome.seconds:.3f}")
    ET.indent(root)
    return bytes(ET.tostring(root, encoding="utf-8", xml_declaration=True)) + b"\n"


def write_junit(path: Path, outcome: Outcome) -> None:
    """Write junit.xml, whole or not at all.

    Raises:
        OSError: as `write_whole`.
    """
    write_whole(path, junit_xml(outcome))


def _add(root: ET.Element, name: str, cases: list[ET.Element]) -> None:
    if not cases:
        return
    suite = ET.SubElement(root, "testsuite", name=name, tests=str(len(cases)))
    for count, kind in (("failures", "failure"), ("errors", "error"), ("skipped", "skipped")):
        suite.set(count, str(sum(case.find(kind) is not None for case in cases)))
    suite.extend(cases)


def _case(group: str, name: str, kind: str = "", message: str = "", text: str = "") -> ET.Element:
    case = ET.Element("testcase", classname=group, name=name)
    if kind:
        ET.SubElement(case, kind, message=message, type=name).text = text or None
    return case


def _verdict(name: str, outcome: Outcome) -> ET.Element:
    kind = {"pass": "", "fail": "failure"}.get(outcome.word, "error")
    return _case(f"{name}.inspection", "verdict", kind, headline(outcome), "\n".join(map(visible, outcome.reasons)))


def _rule(name: str, rule: Rule, outcome: Outcome) -> ET.Element:
    group = f"{name}.rules"
    if rule.code in outcome.inspection.off:
        return _case(group, rule.code, "skipped", "switched off")
    fresh = [one for one in outcome.fresh if one.rule.code == rule.code]
    if fresh:
        told = "\n".join(
            visible_lines(f"{breach.seen} ({told_where(breach)})")
            for one in fresh
            for breach in one.breaches[:MOST_SHOWN]
        )
        level = fresh[0].level
        text = f"{told}\nexpected: {rule.expected}\n{rule.document}: {rule.says}\n{rule.mend}"
        kind = "skipped" if level is Level.INFO else "failure"
        return _case(group, rule.code, kind, f"{level.value}: {visible(fresh[0].first.seen)}", text)
    if any(one.rule.code == rule.code for one in outcome.known):
        return _case(group, rule.code, "skipped", "known to the baseline")
    return _case(group, rule.code)


def _total(name: str, judged: Judged) -> ET.Element:
    group, title = f"{name}.totals", visible(words.cell_title(judged))
    if judged.expected is None:
        return _case(group, title, "skipped", visible(judged.why))
    if judged.verdict is Verdict.PASS:
        return _case(group, title)
    kind = "failure" if judged.verdict is Verdict.FAIL else "error"
    return _case(group, title, kind, told_total(judged), visible_lines(judged.why))
