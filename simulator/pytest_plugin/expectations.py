"""What the tests of a scenario are, and what each says of a run.

    run                the verdict as a whole: also what no other test is about, such as a load that was not offered
    pv[all] pv[source] …   a metric by a kind of cell, one test for each that there is
    slo[p95 < 200ms]   a service level of the file
    findings[…]        that nothing was found: among stored events, in totals, at the collector, in the run itself

A test passes where what it is about was judged, and is right. What was not judged is a failure, never a pass; only what
cannot be known on this wire, or is left out by the target file, is skipped, with the reason.
"""

from __future__ import annotations

import shlex
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Literal

from simulator.api import Finding, Judged, Run, Verdict
from simulator.contract import BY, METRICS
from simulator.report import words
from simulator.report.visible import visible, visible_lines
from simulator.runs.reconciliation import RECONCILIATION_FILE
from simulator.scenario.target_values import figures_named

_PAGE_METRICS = ("pv", "uv")  # the others have no cell by page
_MOST = 10  # cells or findings of one failure
_CODES = {
    "events": frozenset({"lost", "duplicated", "unexpected", "altered", "misplaced"}),
    "totals": frozenset({"aggregation", "attribution", "boundary", "lag"}),
    "collector": frozenset({"lookup", "foreign", "unsettled"}),
}
_REST = "run"  # findings with any other code


@dataclass(frozen=True, slots=True)
class Said:
    """What a test says of a run."""

    outcome: Literal["pass", "fail", "skip"]
    text: str = ""  # several lines of a failure, one of a skip


@dataclass(frozen=True, slots=True)
class Expectation:
    """One test of a scenario."""

    name: str
    place: str  # in the scenario file, such as expect.slo[0]
    judge: Callable[[Run], Said]


def expectations(slo: Sequence[str]) -> Iterator[Expectation]:
    """The tests of a scenario, in their order.

    Args:
        slo: its service levels.
    """
    yield Expectation("run", "scenario", _whole)
    for by in BY:
        for metric in METRICS if by != "page" else _PAGE_METRICS:
            yield Expectation(f"{metric}[{by}]", "expect.totals", lambda run, m=metric, b=by: _cells(run, m, b))  # type: ignore[misc]
    for number, expression in enumerate(slo):
        yield Expectation(
            f"slo[{expression}]",
            f"expect.slo[{number}]",
            lambda run, e=expression: _service_level(run, e),  # type: ignore[misc]
        )
    for kind in (*_CODES, _REST):
        yield Expectation(f"findings[{kind}]", "scenario", lambda run, k=kind: _findings(run, k))  # type: ignore[misc]


def _whole(run: Run) -> Said:
    if run.passed:
        return Said("pass")
    reasons = [f"  {visible_lines(reason)}" for reason in run.reasons if not run.sentence.endswith(reason)]
    return _fail(run, run.sentence, reasons)


def _cells(run: Run, metric: str, by: str) -> Said:
    rows = [one for one in run.metrics if (one.metric, one.by) == (metric, by)]
    title = f"{words.metric_name(metric)} {words.BY_NAMES[by]}"
    if not rows:
        if (metric, by) in figures_named(list(run.result.not_read)):
            return Said("skip", f"{title}: the target file says that the collector does not have it")
        return _fail(run, f"{title}: not judged. {run.sentence}")
    wrong = [one for one in rows if one.verdict >= Verdict.FAIL]
    undecided = [one for one in rows if one.verdict is Verdict.INCONCLUSIVE and one.expected is not None]
    if wrong or undecided:
        shown = [*wrong, *undecided]
        what = "wrong" if wrong else "not known to be right"
        told = [f"{words.told(one)}{_why(one)}" for one in shown[:_MOST]]
        if by == "all":
            return _fail(run, told[0], _told_by_findings(run, metric))
        lines = _cut([f"  {one}" for one in told], len(shown))
        return _fail(run, f"{title}: {_of(shown, rows)} {what}", [*lines, *_told_by_findings(run, metric)])
    unknowable = [one for one in rows if one.expected is None]
    if unknowable:
        return Said("skip", f"{title}: cannot be known for {_of(unknowable, rows)}: {visible_lines(unknowable[0].why)}")
    return Said("pass")


def _service_level(run: Run, expression: str) -> Said:
    found = next((one for one in run.slo if one.expression == expression), None)
    if found is None:
        return _fail(run, f"{expression}: not measured. {run.sentence}")
    if found.met:
        return Said("pass")
    return _fail(run, f"{expression}: missed, {words.slo_value(found)}")


def _findings(run: Run, kind: str) -> Said:
    def concerns(code: str) -> bool:
        return code in _CODES[kind] if kind in _CODES else not any(code in codes for codes in _CODES.values())

    found = [one for one in run.findings if one.verdict is not Verdict.PASS and concerns(one.code)]
    if found:
        return _fail(run, f"{_line(found[0])}", [f"  {_line(one)}" for one in found[1:_MOST]])
    if not run.metrics:
        return _fail(run, f"nothing was looked for. {run.sentence}")
    if kind == "events" and not (run.folder / RECONCILIATION_FILE).exists():
        why = next((note for note in run.result.notes if note.startswith("Stored events were not compared")), "")
        return Said("skip", visible_lines(why) or "stored events were not compared one by one")
    return Said("pass")


# ---- words ----------------------------------------------------------------------------------------------------------


def _fail(run: Run, head: str, lines: Sequence[str] = ()) -> Said:
    """What is wrong, why, where to look, and how to see it again."""
    place = shlex.quote(str(run.folder))
    more = [f"report: {run.report}", f"replay: mpsim replay {place}"]
    if run.result.command:
        more.append(f"again:  {visible_lines(run.result.command)}")
    return Said("fail", "\n".join([visible_lines(head), *lines, *more]))


def _of(some: Sequence[Judged], rows: Sequence[Judged]) -> str:
    return f"{len(some):,} of {words.plural(len(rows), 'cell')}"


def _why(judged: Judged) -> str:
    return f" ({visible_lines(judged.why)})" if judged.why else ""


def _cut(lines: list[str], count: int) -> list[str]:
    return [*lines, f"  and {count - len(lines):,} more"] if count > len(lines) else lines


def _told_by_findings(run: Run, metric: str) -> list[str]:
    """What was found that may explain a wrong total."""
    told = [
        one for one in run.findings if one.verdict is not Verdict.PASS and (not one.metrics or metric in one.metrics)
    ]
    return [f"  found: {_line(one)}" for one in told[:_MOST]]


def _line(finding: Finding) -> str:
    who = f" (visitors {words.examples(finding.visitors)})" if finding.visitors else ""
    return f"{visible(finding.code)} x {words.whole(finding.count)}: {visible_lines(finding.text)}{who}"
