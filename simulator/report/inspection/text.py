"""An inspection in lines: verdict, totals, each finding with what was expected, where that stands, how to mend it."""

from __future__ import annotations

from collections.abc import Iterator

from rich.console import Console
from rich.text import Text

from simulator.contract import METRICS
from simulator.finding import Judged, Verdict
from simulator.inspect.rule import Breach, Level, RuleFinding
from simulator.report import words
from simulator.report.inspection.outcome import Outcome
from simulator.report.visible import visible
from simulator.times import iso_utc

_EXAMPLES = 3  # pieces of evidence of one finding
_REQUEST = 140  # characters of a request in a line
_WRONG = 8  # totals that are named beside the four
_STYLES = {Level.ERROR: "bold red", Level.WARNING: "yellow", Level.INFO: "cyan"}
_SIGNS = {Level.ERROR: "✕", Level.WARNING: "!", Level.INFO: "i"}
Line = tuple[str, str]  # text, style


def print_inspection(console: Console, outcome: Outcome) -> None:
    """Print it; a line that is too long for the terminal breaks between words."""
    for text, style in inspection_lines(outcome):
        console.print(Text(text, style=style), highlight=False, soft_wrap=not console.is_terminal)


def inspection_lines(outcome: Outcome) -> Iterator[Line]:
    """The lines, with rich's name of a style; every text from outside is spelt out."""
    head = {"pass": "bold green", "fail": "bold red"}.get(outcome.word, "bold yellow")
    yield f"{outcome.word.upper()}  {headline(outcome)}", head
    yield from ((f"      {visible(reason)}", "") for reason in outcome.reasons)
    yield "", ""
    yield from _totals(outcome)
    for finding in outcome.fresh:
        yield from finding_lines(finding)
    if outcome.known:
        yield f"{words.plural(len(outcome.known), 'known finding')} of the baseline, not told again.", ""
    for mended in outcome.inspection.mended:
        yield f"mended  {visible(mended)} (write the baseline again)", "green"
    if outcome.inspection.silent:
        told = ", ".join(f"{code} (by {cause})" for code, cause in outcome.inspection.silent)
        yield f"Explained by another finding, so not told: {told}.", "dim"
    if outcome.inspection.off:
        yield f"Switched off: {', '.join(outcome.inspection.off)}.", "dim"
    for note in outcome.notes:
        yield f"note  {visible(note)}", ""


def headline(outcome: Outcome) -> str:
    """What was done and what it came to, in a sentence."""
    through = f"{visible(outcome.scenario)} through {visible(outcome.program)}"
    done = (
        f"{words.plural(outcome.visitors, 'visitor')} of {through}: "
        f"{words.plural(outcome.events, 'event')} in {words.plural(outcome.requests, 'request')}"
    )
    form = f" ({visible(outcome.format)})" if outcome.format else ""
    counts = [
        words.plural(count, level.value) for level in (Level.ERROR, Level.WARNING) if (count := outcome.count(level))
    ]
    wrong = sum(one.verdict is Verdict.FAIL for one in outcome.totals)
    if wrong and not counts:
        counts = [f"{words.plural(wrong, 'total')} not as planned"]
    return f"{done}{form}, {' and '.join(counts) or 'nothing to mend'}, in {outcome.seconds:.1f} s"


def _totals(outcome: Outcome) -> Iterator[Line]:
    totals = {one.metric: one for one in outcome.totals if one.by == "all"}
    for metric in METRICS:
        if metric in totals:
            one = totals[metric]
            sign = "✓" if one.verdict is Verdict.PASS else "✕" if one.verdict is Verdict.FAIL else "~"
            style = "" if one.verdict is Verdict.PASS else "red" if one.verdict is Verdict.FAIL else "yellow"
            yield f"  {sign} {words.metric_name(metric):<10} {told_total(one)}", style
    wrong = [one for one in outcome.totals if one.by != "all" and one.verdict is Verdict.FAIL]
    for one in wrong[:_WRONG]:
        yield f"  ✕ {visible(words.cell_title(one))}: {told_total(one)}", "red"
    if len(wrong) > _WRONG:
        yield f"    … {words.plural(len(wrong) - _WRONG, 'wrong total')} more", "red"
    right = sum(one.by != "all" and one.verdict is Verdict.PASS for one in outcome.totals)
    if right:
        yield f"    {words.plural(right, 'total')} by source, content and page as planned", "dim"
    yield "", ""


def told_total(judged: Judged) -> str:
    """A total beside what is planned."""
    observed = "not read" if judged.observed is None else words.whole(judged.observed)
    if judged.expected is None:
        return f"{observed}; what is right cannot be known: {visible(judged.why)}"
    planned = words.interval(judged.expected, "–")
    return f"{observed}, as planned" if judged.verdict is Verdict.PASS else f"{observed}, planned {planned}"


def finding_lines(finding: RuleFinding) -> Iterator[Line]:
    """One finding: what was seen and where, what was expected and where that stands, how to mend it; an empty line."""
    rule = finding.rule
    yield f"{_SIGNS[finding.level]} {finding.level.value}  {rule.code}: {rule.title}", _STYLES[finding.level]
    yield f"    seen      {visible(finding.first.seen)}{_how_often(finding)}", ""
    for breach in finding.breaches[:_EXAMPLES]:
        where = told_where(breach)
        if where:
            yield f"              {where}", "dim"
    yield f"    expected  {rule.expected}", ""
    yield f"    document  {rule.document}: {rule.says}", ""
    yield f"    mend      {rule.mend}", ""
    yield "", ""


def _how_often(finding: RuleFinding) -> str:
    visitors = len(finding.visitors)
    if finding.count == 1:
        return ""
    by_whom = f", {words.plural(visitors, 'visitor')}" if visitors else ""
    return f" ({finding.count:,} times{by_whom})"


def told_where(breach: Breach) -> str:
    """Who, when and where, in one line; empty where nothing is known."""
    parts: list[str] = []
    if breach.place is not None:
        line = f":{breach.place.line}" if breach.place.line else ""
        parts.append(f"{visible(breach.place.file)}{line}")
    if breach.visitor >= 0:
        parts.append(f"visitor {breach.visitor}")
    if breach.at is not None:
        parts.append(iso_utc(breach.at))
    if breach.page:
        parts.append(visible(breach.page))
    if breach.request:
        cut = len(breach.request) > _REQUEST
        parts.append(visible(f"{breach.request[: _REQUEST - 1]}…" if cut else breach.request))
    return ", ".join(parts)
