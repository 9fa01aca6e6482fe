"""conform.html: the matrix of cases by targets, with the evidence of every cell, as one offline file.

Every cell leads to its requests and replies, to what was expected and read, and to the reason. Works without a script,
on a phone, on a wall and with a screen reader; see html.py for what makes it harmless.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

from jinja2 import Template

from simulator.report import words
from simulator.report.disk import write_whole
from simulator.report.html import html_template
from simulator.report.matrix import CaseFacts, Judgement, Matrix, Standing

PAGE_FILE = "conform.html"

_MOST_EXCHANGES = 40  # of one cell; conform.json has all of them
_MOST_ODD = 40  # cells that are told of beside the matrix
_SIGNS = {
    Standing.OK: "✓",
    Standing.INFORMATIONAL: "i",
    Standing.NOT_SUPPORTED: "–",
    Standing.FAILED: "✕",
    Standing.ENGINE_ERROR: "!",
}
_TONES = {
    Standing.OK: "good",
    Standing.INFORMATIONAL: "warn",
    Standing.NOT_SUPPORTED: "calm",
    Standing.FAILED: "bad",
    Standing.ENGINE_ERROR: "bad",
}
_MEANINGS = {
    Standing.OK: "every figure is as the case says",
    Standing.INFORMATIONAL: "another outcome that can be accepted, or a case too new to fail",
    Standing.NOT_SUPPORTED: "the wire, the contract or the reader cannot tell",
    Standing.FAILED: "a figure is wrong",
    Standing.ENGINE_ERROR: "no reply, or totals that could not be read: nothing can be said",
}


@dataclass(frozen=True, slots=True)
class Row:
    """One case with what became of it on each target."""

    case: CaseFacts
    judgements: tuple[Judgement, ...]  # in the order of the targets


@dataclass(frozen=True, slots=True)
class Area:
    """The cases of one area."""

    name: str
    rows: tuple[Row, ...]

    def right(self, target: int) -> int:
        """How many of its cases are ok on a target."""
        return sum(row.judgements[target].standing is Standing.OK for row in self.rows)


def conform_html(matrix: Matrix) -> str:
    """The document."""
    return _template().render(_context(matrix)) + "\n"


def write_conform_page(path: Path, matrix: Matrix) -> None:
    """Write conform.html, whole or not at all.

    Raises:
        OSError: as `write_whole`.
    """
    write_whole(path, conform_html(matrix).encode("utf-8"))


def areas_of(matrix: Matrix) -> tuple[Area, ...]:
    """The rows by area, in the order of the suite."""
    rows: dict[str, list[Row]] = {}
    for number, case in enumerate(matrix.cases):
        judgements = tuple(matrix.judgements[target.name][number] for target in matrix.targets)
        rows.setdefault(case.area, []).append(Row(case, judgements))
    return tuple(Area(name, tuple(some)) for name, some in rows.items())


def headline(matrix: Matrix) -> tuple[str, str, str]:
    """(tone, word, sentence) of the whole."""
    failed, errors = matrix.count(Standing.FAILED), matrix.count(Standing.ENGINE_ERROR)
    right, every = matrix.count(Standing.OK), len(matrix.cases) * len(matrix.targets)
    told = f"{words.whole(right)} of {words.plural(every, 'cell')} are ok"
    if failed:
        return "bad", "Failed", f"{words.plural(failed, 'case')} failed; {told}."
    if errors:
        return "warn", "Incomplete", f"{words.plural(errors, 'case')} could not be judged; {told}."
    if matrix.exit_code:
        return "warn", "Incomplete", f"Of one target nothing could be judged; {told}."
    rest = [
        f"{words.whole(count)} {standing.value}"
        for standing in (Standing.INFORMATIONAL, Standing.NOT_SUPPORTED)
        if (count := matrix.count(standing))
    ]
    return "good", "Conforms", f"{told}, {', '.join([*rest, 'none failed'])}."


def _context(matrix: Matrix) -> dict[str, Any]:
    tone, word, sentence = headline(matrix)
    areas = areas_of(matrix)
    odd = _odd(areas)
    return {
        "matrix": matrix,
        "tone": tone,
        "word": word,
        "sentence": sentence,
        "areas": areas,
        "odd": odd[:_MOST_ODD],
        "odd_more": max(0, len(odd) - _MOST_ODD),
        "standings": [(one, [matrix.count(one, target.name) for target in matrix.targets]) for one in Standing],
        "many": len(matrix.targets) > 1,
    }


def _odd(areas: Sequence[Area]) -> list[tuple[CaseFacts, int, Judgement]]:
    """The cells that somebody should look at, the worst first."""
    order = [Standing.FAILED, Standing.ENGINE_ERROR, Standing.INFORMATIONAL]
    found = [
        (row.case, number, judgement)
        for area in areas
        for row in area.rows
        for number, judgement in enumerate(row.judgements)
        if judgement.standing in order
    ]
    return sorted(found, key=lambda one: order.index(one[2].standing))


@lru_cache(maxsize=1)
def _template() -> Template:
    return html_template(
        "conform.html",
        ("page.css", "conform.css"),
        words=words,
        signs=_SIGNS,
        tones=_TONES,
        meanings=_MEANINGS,
        most_exchanges=_MOST_EXCHANGES,
        ok=Standing.OK,
    )
