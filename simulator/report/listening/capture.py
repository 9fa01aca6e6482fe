"""What the rules say of a recorded capture, as lines: what was seen, what was expected, and how to mend it."""

from __future__ import annotations

from rich.console import Console
from rich.text import Text

from simulator.finding import ExitCode
from simulator.inspect.inspection import Inspection
from simulator.inspect.listening.recorded import Recorded
from simulator.inspect.rule import Level
from simulator.report.inspection.text import finding_lines
from simulator.report.listening.terminal import totals
from simulator.report.words import plural, whole

_LOUD = {ExitCode.PASS: ("PASS", "green"), ExitCode.FAIL: ("FAIL", "bold red")}


def print_capture(console: Console, recorded: Recorded, inspection: Inspection, code: ExitCode) -> None:
    """The verdict, the findings, the gravest first, and the totals."""
    word, style = _LOUD.get(code, ("INCOMPLETE", "yellow"))
    _say(console, Text.assemble((word, style), "  ", _sentence(recorded, inspection)))
    console.print()
    for finding in inspection.findings:
        for text, tone in finding_lines(finding):
            _say(console, Text(text, tone))
    if recorded.events:
        console.print(totals(recorded.rows, 50))


def _say(console: Console, line: Text) -> None:
    console.print(line, soft_wrap=True, highlight=False)


def _sentence(recorded: Recorded, inspection: Inspection) -> str:
    came = f"{plural(recorded.events, 'event')} in {plural(recorded.requests, 'request')}"
    unread = f", {whole(recorded.unknown)} of which nobody here can read" if recorded.unknown else ""
    counts = {
        level: sum(1 for one in inspection.findings if one.level is level)
        for level in (Level.ERROR, Level.WARNING, Level.INFO)
    }
    told = [plural(count, level.value) for level, count in counts.items() if count and level is not Level.INFO]
    told += [f"{whole(counts[Level.INFO])} to know"] if counts[Level.INFO] else []
    return f"{came}{unread}: {', '.join(told) if told else 'no rule is broken'}."
