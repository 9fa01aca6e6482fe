"""What `mpsim compare` prints: a sentence, then what changed; of what did not, only the numbers that people ask for."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

from rich.console import Console, RenderableType
from rich.table import Table
from rich.text import Text

from simulator.finding import Judged
from simulator.report import words
from simulator.report.comparison import CellChange, Comparison, LatencyChange, Outcome, SloChange
from simulator.report.visible import visible, visible_lines

OUTCOME_WORDS: dict[Outcome, str] = {
    "same": "SAME",
    "better": "BETTER",
    "worse": "WORSE",
    "not comparable": "NOT COMPARABLE",
}
_STYLES = {"same": "green", "better": "green", "worse": "bold red", "changed": "yellow", "not comparable": "yellow"}
_CELLS = 20  # rows of cells that changed
_FINDINGS = 20


def print_comparison(console: Console, comparison: Comparison) -> None:
    """Print what changed from one run to another."""
    word = OUTCOME_WORDS[comparison.outcome]
    said = visible_lines(comparison.sentence)
    console.print(Text.assemble((word, _STYLES[comparison.outcome]), f"  {said}"), soft_wrap=True)
    for name, side in (("A", comparison.before), ("B", comparison.after)):
        about = (
            f"{name} {visible(side.folder)}: seed {side.seed}, {visible(side.target)}; {visible_lines(side.sentence)}"
        )
        console.print(Text(about), soft_wrap=True)
    console.print()
    for block in _blocks(comparison):
        console.print(block)
    for note in comparison.notes:
        console.print(Text(visible_lines(note)), soft_wrap=True)


def _blocks(comparison: Comparison) -> Iterator[RenderableType]:
    for text in comparison.reasons[1:]:
        yield Text(f"- {visible_lines(text)}")
    if comparison.reasons[1:]:
        yield Text()
    if comparison.differences:
        rows = [(one.what, visible(one.before), visible(one.after), "") for one in comparison.differences]
        yield from _table(("Asked for, or run with", "A", "B", ""), rows, right=False)
    totals = [one for one in comparison.cells if one.either.by == "all"]
    yield from _table(("Totals", "A", "B", ""), map(_cell, totals))
    changed = [one for one in comparison.cells if one.change != "same" and one.either.by != "all"]
    yield from _table(("Cells that changed", "A", "B", ""), map(_cell, changed[:_CELLS]))
    if len(changed) > _CELLS:
        yield Text(f"... {len(changed) - _CELLS:,} more\n", style="dim")
    yield from _table(("Latency", "A", "B", "B / A", ""), map(_latency, comparison.latency))
    rows = [
        (visible(one.code), words.whole(one.before), words.whole(one.after), one.change)
        for one in comparison.findings[:_FINDINGS]
    ]
    yield from _table(("Findings", "A", "B", ""), rows)
    yield from _table(("Service levels", "A", "B", ""), map(_slo, comparison.slo))
    if comparison.highest_phase is not None:
        before, after = map(visible, comparison.highest_phase)
        yield from _table(("Highest phase that held", "A", "B", ""), [("", before, after, "")], right=False)


def _table(heads: Sequence[str], rows: Iterable[tuple[str, ...]], *, right: bool = True) -> Iterator[RenderableType]:
    """A table with its status words last; nothing where there are no rows."""
    grid = Table(box=None, header_style="bold", pad_edge=False, padding=(0, 2, 0, 0))
    grid.add_column(heads[0], overflow="fold")
    for head in heads[1:-1]:
        grid.add_column(head, justify="right" if right else "left", overflow="fold")
    grid.add_column(heads[-1], overflow="fold")
    for row in rows:
        style = _STYLES.get(row[-1].partition(":")[0], "")
        grid.add_row(*map(Text, row[:-1]), Text(row[-1], style=style))
    if grid.row_count:
        yield grid
        yield Text()


def _cell(one: CellChange) -> tuple[str, ...]:
    why = f"{one.change}: {one.why}" if one.why else one.change
    return words.cell_title(one.either), _observed(one.before), _observed(one.after), why


def _observed(judged: Judged | None) -> str:
    return "0" if judged is None else words.observed_text(judged)


def _latency(one: LatencyChange) -> tuple[str, ...]:
    before, after = (
        "no samples" if value is None else words.milliseconds(value) for value in (one.before_ms, one.after_ms)
    )
    ratio = "" if one.ratio is None else f"{one.ratio[0]:.2f} to {one.ratio[1]:.2f}"
    return f"{one.measure} {one.percentile}", before, after, ratio, one.why or one.change


def _slo(one: SloChange) -> tuple[str, ...]:
    before, after = ("not asked" if slo is None else words.slo_value(slo) for slo in (one.before, one.after))
    return visible(one.expression), before, after, one.change
