"""What `mpsim conform` prints: the counts by area and target, what somebody should look at, and the definitions."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from rich.console import Console
from rich.table import Table
from rich.text import Text

from simulator.report.conform_page import areas_of, headline
from simulator.report.matrix import Matrix, Standing, TargetFacts
from simulator.report.visible import visible, visible_lines

_STYLES = {"good": "bold green", "bad": "bold red", "warn": "bold yellow"}
_OF_STANDING = {
    Standing.OK: "green",
    Standing.INFORMATIONAL: "yellow",
    Standing.NOT_SUPPORTED: "dim",
    Standing.FAILED: "bold red",
    Standing.ENGINE_ERROR: "bold red",
}
_MOST = 20  # cells that are named


def print_matrix(console: Console, matrix: Matrix, files: Sequence[str]) -> None:
    """The whole on a terminal.

    Args:
        files: that were written.
    """
    tone, word, sentence = headline(matrix)
    console.print(Text.assemble((word.upper(), _STYLES[tone]), f"  {sentence}"))
    console.print()
    for number, target in enumerate(matrix.targets):
        _print_target(console, target, f"{number + 1}  " if len(matrix.targets) > 1 else "")
    table = Table(box=None, pad_edge=False, header_style="bold", padding=(0, 2, 0, 0))
    table.add_column("Area")
    for number, target in enumerate(matrix.targets):
        table.add_column(visible(target.name) if len(matrix.targets) == 1 else f"{number + 1}", justify="right")
    for area in areas_of(matrix):
        cells = [f"{area.right(number)}/{len(area.rows)} ok" for number in range(len(matrix.targets))]
        styles = ["" if area.right(number) == len(area.rows) else "yellow" for number in range(len(matrix.targets))]
        table.add_row(area.name, *(Text(cell, style) for cell, style in zip(cells, styles, strict=True)))
    console.print(table)
    _print_odd(console, matrix)
    console.print()
    for file in files:
        console.print(file, highlight=False, soft_wrap=True, markup=False)


def print_found(console: Console, target: TargetFacts, unknown: Mapping[str, str]) -> None:
    """What discovery found out of one target."""
    _print_target(console, target)
    if not unknown:
        console.print(Text("Everything that was looked for was found out.", "green"))


def _print_target(console: Console, target: TargetFacts, number: str = "") -> None:
    """Its definitions, under the number that its column has in the table."""
    where = "" if target.name == target.url else f", {visible(target.url)}"
    console.print(Text(f"{number}{visible(target.name)}{where} by {visible(target.adapter)}", "bold"))
    for one in target.definitions:
        console.print(Text.assemble(f"  {one.name}: {visible(one.value)} ", (one.known, "dim")))
    for remark in target.remarks:
        console.print(Text(f"  {visible_lines(remark)}", "dim"))
    console.print()


def _print_odd(console: Console, matrix: Matrix) -> None:
    wanted = (Standing.FAILED, Standing.ENGINE_ERROR, Standing.INFORMATIONAL, Standing.NOT_SUPPORTED)
    many = len(matrix.targets) > 1
    odd = [
        (target, judgement)
        for standing in wanted
        for target in matrix.targets
        for judgement in matrix.judgements[target.name]
        if judgement.standing is standing
    ]
    if odd:
        console.print()
    for target, judgement in odd[:_MOST]:
        where = f" on {visible(target.name)}" if many else ""
        line = Text.assemble(
            (f"{judgement.standing.value:13} ", _OF_STANDING[judgement.standing]),
            f"{judgement.case}{where}: {visible_lines(judgement.why)}",
        )
        console.print(line)
    if len(odd) > _MOST:
        console.print(f"… and {len(odd) - _MOST} more, which the page has", highlight=False)
