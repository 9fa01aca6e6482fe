"""What a pipeline shows beside the scenario file: the verdict, findings, service levels and wrong cells, the weightiest
first.

    github   workflow commands on standard output, `::error file=…,line=…,title=…::…`
    gitlab   a Code Quality report, a JSON file that a job names in `artifacts: reports: codequality`

A pass has none. Of many wrong cells the first few are told, and how many more there are: GitHub shows ten of a step.
Source: docs.github.com, "Workflow commands for GitHub Actions"; docs.gitlab.com, "Code Quality", report format.
"""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, get_args

from simulator.finding import Finding, Verdict
from simulator.report import words
from simulator.report.disk import write_whole
from simulator.report.result import Result
from simulator.report.tables import not_right
from simulator.report.visible import visible, visible_lines

CODE_QUALITY_FILE = "gl-code-quality-report.json"
Service = Literal["github", "gitlab"]
SERVICES: tuple[Service, ...] = get_args(Service)

Lines = Callable[[str], int]  # a place in the scenario, such as expect.slo[0] → its line, from 1

_MOST = 10
_MOST_TEXT = 600  # characters of one message


@dataclass(frozen=True, slots=True)
class Annotation:
    """One remark beside a line of the scenario file."""

    level: Literal["error", "warning"]  # warning: nothing is wrong, and not enough was seen
    check: str  # what kind of thing: run, slo, a finding's code, or a metric by a kind of cell
    title: str
    text: str
    line: int
    key: str  # the same thing has the same in every run


def annotations_of(result: Result, lines: Lines) -> tuple[Annotation, ...]:
    """At most ten; none for a pass.

    Args:
        lines: of the scenario file.
    """
    if result.verdict == "pass":
        return ()
    found = [_of_run(result, lines("scenario")), *_of_slos(result, lines), *_of_findings(result, lines("scenario"))]
    found += _of_cells(result, lines("expect.totals"))
    if len(found) <= _MOST:
        return tuple(found)
    left_out = len(found) - _MOST + 1
    more = f"{words.plural(left_out, 'more thing')} not told here; result.json and report.html have all"
    last = Annotation("warning", "run", "And more", more, lines("scenario"), "more")
    return (*found[: _MOST - 1], last)


def github_text(found: tuple[Annotation, ...], file: str) -> str:
    """Workflow commands, a line each.

    Args:
        file: the scenario's path from the root of the checkout.
    """
    return "".join(
        f"::{one.level} file={_property(file)},line={one.line},title={_property(one.title)}::{_data(one.text)}\n"
        for one in found
    )


def gitlab_json(found: tuple[Annotation, ...], file: str) -> bytes:
    """A Code Quality report; an empty list for a pass, by which GitLab sees that former ones are resolved."""
    severities = {"error": "critical", "warning": "minor"}
    document = [
        {
            "description": f"{one.title}: {one.text}",
            "check_name": f"mpsim/{one.check}",
            "fingerprint": hashlib.sha256(f"{file}\0{one.key}".encode("utf-8", "backslashreplace")).hexdigest(),
            "severity": severities[one.level],
            "location": {"path": file, "lines": {"begin": one.line}},
        }
        for one in found
    ]
    return (json.dumps(document, ensure_ascii=False, indent=2) + "\n").encode("utf-8", "backslashreplace")


def write_gitlab(path: Path, found: tuple[Annotation, ...], file: str) -> None:
    """Write the report, whole or not at all.

    Raises:
        OSError: as `write_whole`.
    """
    write_whole(path, gitlab_json(found, file))


def shown_file(scenario: Path, root: Path) -> str:
    """The scenario's path as a pipeline knows it: from the root of the checkout, with slashes; as given elsewhere."""
    full = Path(os.path.abspath(scenario))  # noqa: PTH100  a symbolic link stays what the checkout has
    return full.relative_to(root).as_posix() if full.is_relative_to(root) else scenario.as_posix()


def _of_run(result: Result, line: int) -> Annotation:
    head = words.headline(result)
    level: Literal["error", "warning"] = "warning" if result.verdict == "incomplete" else "error"
    title = f"mpsim {head.word}: {visible(result.scenario)}"
    return Annotation(level, "run", title, _cut(head.sentence), line, "run")


def _of_slos(result: Result, lines: Lines) -> Iterator[Annotation]:
    for number, slo in enumerate(result.slo):
        if not slo.met:
            name = visible(slo.expression)
            place = lines(f"expect.slo[{number}]")
            yield Annotation("error", "slo", f"{name} was missed", words.slo_value(slo), place, f"slo {slo.expression}")


def _of_findings(result: Result, line: int) -> Iterator[Annotation]:
    told = [one for one in result.findings if one.verdict is not Verdict.PASS]
    for one in sorted(told, key=lambda one: -one.verdict):
        title = f"{visible(one.code)} x {words.whole(one.count)}"
        yield Annotation(_level(one), visible(one.code), title, _finding(one), line, f"finding {one.code}")


def _of_cells(result: Result, line: int) -> Iterator[Annotation]:
    for one in not_right(result.metrics):
        level: Literal["error", "warning"] = "error" if one.verdict >= Verdict.FAIL else "warning"
        why = f" ({visible_lines(one.why)})" if one.why else ""
        key = f"cell {one.metric} {one.by} {one.cell}"
        title = f"{words.cell_title(one)}: {words.status(one)}"
        yield Annotation(
            level, f"{visible(one.metric)}-{visible(one.by)}", title, _cut(words.told(one) + why), line, key
        )


def _level(finding: Finding) -> Literal["error", "warning"]:
    return "warning" if finding.verdict is Verdict.INCONCLUSIVE else "error"


def _finding(finding: Finding) -> str:
    who = f" (visitors {words.examples(finding.visitors)})" if finding.visitors else ""
    return _cut(f"{visible_lines(finding.text)}{who}")


def _cut(text: str) -> str:
    return text if len(text) <= _MOST_TEXT else f"{text[: _MOST_TEXT - 1]}…"


def _data(text: str) -> str:
    return text.replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")


def _property(text: str) -> str:
    return _data(text).replace(":", "%3A").replace(",", "%2C")
