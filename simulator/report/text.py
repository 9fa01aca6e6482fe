"""What `mpsim run`, `verify` and `plan` print: verdict, totals, cells, findings, load.

Words carry the meaning, colour only repeats it. Without a terminal the same text comes plain, in ASCII but for names.
"""

from __future__ import annotations

import io
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from rich.box import Box
from rich.cells import cell_len
from rich.console import Console, Group, RenderableType
from rich.padding import Padding
from rich.table import Table as Grid
from rich.text import Text

from simulator.finding import Judged
from simulator.report import words
from simulator.report.phases import Numbered, capacity_sentence, comparable, rate_text
from simulator.report.result import Percentiles, PhaseResult, Result
from simulator.report.tables import Row, Table, not_checkable, not_right, remainder, shorten, table
from simulator.report.visible import visible, visible_lines

_HEAD_RULE = Box("    \n    \n -- \n    \n    \n    \n    \n    \n", ascii=True)  # a rule under the head, nothing else
_STYLES = {
    "pass": "green",
    "fail": "bold red",
    "error": "bold magenta",
    "inconclusive": "yellow",
    "not read": "yellow",
    "not checkable": "cyan",
    "remark": "dim",
    "slo": "yellow",
    "incomplete": "yellow",
    "underload": "yellow",
    "held": "green",
    "did not hold": "bold red",
    "not judged": "yellow",
}
_LOUD = {"fail": "FAIL", "error": "ERROR"}
_ROWS = {"source": 12, "content": 12, "page": 12, "day": 10, "hour": 8}  # at most so many rows in the console
_NOT_RIGHT = 10  # cells in the list of those that did not pass
_FINDINGS = 20
_PHASES = 20

Line = tuple[str, str]  # a status word or nothing, and what is said


@dataclass(frozen=True, slots=True)
class EventRow:
    """One planned event, for `mpsim plan`."""

    at: str  # in the day's zone
    visitor: int
    event: str
    page: str = ""
    source: str = ""
    detail: str = ""  # identities, parameters: whatever tells it from its neighbours


def print_verdict(console: Console, result: Result) -> None:
    """Print the verdict of a judged run with its reasons, and nothing else."""
    for line in _verdict(result):
        console.print(line)


def print_result(console: Console, result: Result, report: str = "") -> None:
    """Print a judged run.

    Args:
        report: where report.html is, as the reader would type it; empty when none was written.
    """
    for block in _result_blocks(result):
        console.print(block)
    for line in _closing(result, report):
        console.print(line, soft_wrap=True)  # a path or a command that is wrapped cannot be copied


def result_text(result: Result, report: str = "", width: int = 80) -> str:
    """What `print_result` prints where there is no terminal."""
    console = _plain(width)
    print_result(console, result, report)
    return _written(console)


def print_plan(
    console: Console,
    title: str,
    expected: Sequence[Judged],
    events: Sequence[EventRow],
    notes: Iterable[str] = (),
) -> None:
    """Print what a scenario will come to: expected totals by every kind of cell, then the first events.

    Args:
        title: which scenario, seed and period.
        expected: cells with nothing observed.
        notes: what else is worth knowing before a run, such as events that fall outside the period.
    """
    console.print(Text(visible_lines(title), style="bold"))
    console.print()
    totals = [judged for judged in expected if judged.by == "all"]
    grid = _grid(("Expected totals", "left"), ("expected", "right"))
    for judged in totals:
        grid.add_row(Text(words.metric_name(judged.metric)), words.expected_text(judged))
    console.print(_indented(grid))
    for block in _listed("Not checkable", _unknowable(expected)):
        console.print(block)
    for by in ("source", "content", "page", "day", "hour"):
        cells = table(expected, by)
        if cells.rows:
            console.print(_indented(_cells(cells, judging=False)))
    if events:
        console.print(_indented(_first_events(events, console.width)))
    for note in notes:
        console.print(Text(visible_lines(note)))


def plan_text(
    title: str,
    expected: Sequence[Judged],
    events: Sequence[EventRow],
    notes: Iterable[str] = (),
    width: int = 80,
) -> str:
    """What `print_plan` prints where there is no terminal."""
    console = _plain(width)
    print_plan(console, title, expected, events, notes)
    return _written(console)


def _plain(width: int) -> Console:
    return Console(
        file=io.StringIO(), width=width, force_terminal=False, color_system=None, legacy_windows=False, _environ={}
    )


def _written(console: Console) -> str:
    assert isinstance(console.file, io.StringIO)
    return "".join(f"{line.rstrip()}\n" for line in console.file.getvalue().split("\n")[:-1])


# ---- a judged run -------------------------------------------------------------------------------------------------


def _result_blocks(result: Result) -> Iterator[RenderableType]:
    yield _headline(result)
    yield ""
    yield _indented(_totals(result))
    yield from _listed("Not right", _wrong_cells(result))
    yield from _listed("Not checkable", _unknowable(result.metrics))
    yield from _listed("Findings", _findings(result))
    yield from _listed("Service levels", _service_levels(result))
    yield from _phases(comparable(result))
    for by in ("source", "content", "page", "day", "hour"):
        cells = table(result.metrics, by)
        if cells.rows:
            yield _indented(_cells(cells))
    yield from _listed("Load", _load_lines(result))
    yield from _listed("Notes", [("", visible_lines(note)) for note in result.notes])


def _verdict(result: Result) -> list[Text]:
    """The word with its sentence, every other reason, and which phase held."""
    head = words.headline(result)
    line = Text.assemble((head.word, f"{_STYLES[result.verdict]} reverse"), "  ", head.sentence)
    compared = comparable(result)
    capacity = [Text(capacity_sentence(compared))] if compared else []
    reasons = [
        Text(f"- {visible_lines(reason)}") for reason in result.reasons if visible_lines(reason) != head.sentence
    ]
    return [line, *reasons, *capacity]


def _headline(result: Result) -> RenderableType:
    about = f"{visible(result.scenario)}, seed {result.seed}, {words.period_text(result.period)}"
    against = f"against {visible(result.target)}; {_definitions(result)}"
    return Group(*_verdict(result), Text(about, style="dim"), Text(against, style="dim"))


def _definitions(result: Result) -> str:
    return ", ".join(f"{name}: {value}" for name, value in result.definitions.as_json().items())


def _totals(result: Result) -> Grid:
    grid = _grid(("Totals", "left"), ("expected", "right"), ("observed", "right"), ("", "left"))
    for judged in result.metrics:
        if judged.by == "all":
            grid.add_row(
                Text(words.metric_name(judged.metric)),
                words.expected_text(judged),
                words.observed_text(judged),
                _status(words.status(judged)),
            )
    return grid


def _wrong_cells(result: Result) -> list[Line]:
    odd = not_right(result.metrics)
    lines = [
        (words.status(judged), words.told(judged) + (f" ({visible_lines(judged.why)})" if judged.why else ""))
        for judged in odd[:_NOT_RIGHT]
    ]
    return lines + _more(len(odd) - _NOT_RIGHT, "in the tables and in result.json")


def _unknowable(metrics: Iterable[Judged]) -> list[Line]:
    return [
        ("", f"{words.unknowable_title(group.metric, group.cells)}: {visible_lines(group.why or 'no reason given')}")
        for group in not_checkable(metrics)
    ]


def _findings(result: Result) -> list[Line]:
    lines = []
    for finding in sorted(result.findings, key=lambda finding: -finding.verdict)[:_FINDINGS]:
        who = f" (visitors {words.examples(finding.visitors)})" if finding.visitors else ""
        said = f"{visible(finding.code)} x {words.whole(finding.count)}: {visible_lines(finding.text)}{who}"
        lines.append((words.finding_status(finding), said))
    return lines + _more(len(result.findings) - _FINDINGS, "in result.json")


def _more(count: int, where: str) -> list[Line]:
    return [("", f"... {count:,} more {where}")] if count > 0 else []


def _service_levels(result: Result) -> list[Line]:
    return [("pass" if slo.met else "fail", f"{visible(slo.expression)}: {words.slo_value(slo)}") for slo in result.slo]


def _phases(phases: Sequence[Numbered]) -> Iterator[RenderableType]:
    """One row a phase, then why those did not hold that did not. Response times; late are the starts of visitors."""
    if not phases:
        return
    names = ("wanted", "offered", "p95", "late p99", "failed")
    grid = _grid(("Phase", "left"), *((name, "right") for name in names), ("", "left"))
    grid.columns[-1].no_wrap = True
    for one in phases[:_PHASES]:
        grid.add_row(Text(one.label), *_phase_numbers(one.phase), _status(one.phase.verdict))
    yield _indented(grid)
    lines = [("", f"{one.label}: {visible_lines(one.phase.why)}") for one in phases if one.phase.why]
    more = _more(max(len(phases), len(lines)) - _PHASES, "in result.json")
    yield from _listed("Phases that did not hold or could not be judged", lines[:_PHASES] + more)


def _phase_numbers(phase: PhaseResult) -> tuple[str, ...]:
    response, late = phase.latency.response_ms, phase.latency.late_ms
    sends = phase.attempts
    return (
        rate_text(phase.wanted_rate),
        rate_text(phase.offered_rate),
        "-" if response is None else words.milliseconds(response.p95),
        "-" if late is None else words.milliseconds(late.p99),
        words.share(sends.refused + sends.unknown, sends.sent),
    )


def _load_lines(result: Result) -> list[Line]:
    latency = result.latency
    lines = [
        ("", words.attempts_sentence(result.attempts)),
        ("", words.load_sentence(result.load)),
        *(
            ("", f"{name}: {_percentiles(values)}")
            for name, values in (
                ("response time", latency.response_ms),
                ("service time", latency.service_ms),
                ("late starts", latency.late_ms),
            )
            if values is not None
        ),
        ("", f"{words.whole(result.widths.exact)} of {words.plural(result.widths.cells, 'cell')} checked exactly"),
    ]
    if result.convergence is not None:
        lines.append(("", words.convergence_sentence(result.convergence)))
    return lines


def _percentiles(latency: Percentiles) -> str:
    return ", ".join(
        f"{name} {words.milliseconds(value)}"
        for name, value in (
            ("p50", latency.p50),
            ("p95", latency.p95),
            ("p99", latency.p99),
            ("max", latency.max),
        )
    )


def _closing(result: Result, report: str) -> Iterator[Text]:
    if report:
        yield Text.assemble(("Report   ", "bold"), visible_lines(report))
    if result.command:
        yield Text.assemble(("Again    ", "bold"), visible_lines(result.command))
    word = words.VERDICT_WORDS[result.verdict]
    yield Text.assemble(("Verdict  ", "bold"), (word, _STYLES[result.verdict]), f" (exit code {result.exit_code})")


# ---- pieces -------------------------------------------------------------------------------------------------------


def _grid(*columns: tuple[str, str]) -> Grid:
    grid = Grid(box=_HEAD_RULE, header_style="bold", pad_edge=False, show_edge=False, safe_box=False)
    for title, side in columns:
        # A name is folded rather than cut: its end may be what tells it from another.
        grid.add_column(title, justify="right" if side == "right" else "left", overflow="fold", no_wrap=side == "right")
    return grid


def _cells(cells: Table, judging: bool = True) -> Grid:
    """One row a cell. One number: expected and observed agree. Else the second line says what was expected."""
    shown, left_out = shorten(cells.rows, _ROWS[cells.by])
    heads = [(words.metric_name(metric), "right") for metric in cells.metrics]
    grid = _grid((words.BY_NAMES[cells.by].capitalize(), "left"), *heads, *([("", "left")] if judging else []))
    for row in shown:
        numbers = [_number(row, metric, judging) for metric in cells.metrics]
        grid.add_row(_cell_name(cells.by, row.cell), *numbers, *([_status(row.status)] if judging else []))
    if left_out:
        more = remainder(left_out) if judging else f"… {len(left_out):,} more"
        grid.add_row(Text(more.replace("…", "..."), style="dim"))
    return grid


def _cell_name(by: str, cell: str) -> Text:
    return Text(visible(cell.replace("T", " ", 1) if by == "hour" else cell, limit=120))


def _number(row: Row, metric: str, judging: bool) -> Text:
    judged = row.judged.get(metric)
    if judged is None:
        return Text("0", style="dim")
    if not judging:
        return Text(words.expected_text(judged))
    if words.agrees(judged):
        return Text(words.observed_text(judged))
    if judged.expected is None or judged.observed is None:
        joint = "expected"
    else:  # what is too wide to be judged may well lie within
        joint = "in" if words.status(judged) == "pass" or judged.observed in judged.expected else "not"
    style = _STYLES[words.status(judged)]
    return Text(f"{words.observed_text(judged)}\n{joint} {words.expected_text(judged)}", style=style)


_EVENT_COLUMNS = ("First events", "visitor", "event", "page", "source")


def _first_events(events: Sequence[EventRow], width: int) -> RenderableType:
    """A row an event; lines where a row is wider than the console: a broken value can be neither read nor copied."""
    rows = [(row.at, str(row.visitor), visible(row.event), visible(row.page), visible(row.source)) for row in events]
    columns = zip(_EVENT_COLUMNS, *rows, strict=True)
    if sum(max(map(cell_len, column)) for column in columns) + 3 * len(_EVENT_COLUMNS) > width:
        return Group(Text(_EVENT_COLUMNS[0], style="bold"), *(line for row in events for line in _event_lines(row)))
    grid = _grid(*((name, "right" if name == "visitor" else "left") for name in _EVENT_COLUMNS))
    for row in events:
        cells = (row.at, str(row.visitor), row.event, row.page, row.source)
        grid.add_row(*(Text(visible(cell)) for cell in cells))
        if row.detail:
            grid.add_row("", "", Text(visible_lines(row.detail), style="dim"))
    return grid


def _event_lines(row: EventRow) -> Iterator[RenderableType]:
    yield Text(f"{row.at}  visitor {row.visitor}  {visible(row.event)}")
    parts = [f"page {visible(row.page)}" if row.page else "", f"source {visible(row.source)}" if row.source else ""]
    for part in (", ".join(filter(None, parts)), visible_lines(row.detail)):
        if part:
            yield Padding(Text(part, style="dim"), (0, 0, 0, 2))


def _listed(title: str, lines: Sequence[Line]) -> Iterator[RenderableType]:
    """A title and indented lines, each with its status before it; long ones hang."""
    if not lines:
        return
    yield Text(title, style="bold")
    grid = Grid.grid(padding=(0, 2, 0, 0))
    marked = any(word for word, _ in lines)
    if marked:
        grid.add_column(no_wrap=True)
    grid.add_column(overflow="fold")
    for word, said in lines:
        grid.add_row(*([_status(word)] if marked else []), Text(said))
    yield Padding(grid, (0, 0, 1, 2))


def _status(word: str) -> Text:
    return Text(_LOUD.get(word, word), style=_STYLES.get(word, ""))


def _indented(part: RenderableType) -> RenderableType:
    return Group(part, "")
