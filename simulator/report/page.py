"""report.html: one file that shows a run to somebody who was not there.

Works offline, without a script, on a phone, on paper and with a screen reader. Its policy forbids it to load or run
anything, so a name that slips through the escaping is still only text. Tables are cut after some rows: a report of
ten million events is no larger than one of a thousand.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

from jinja2 import Template

from simulator.contract import BY, METRICS
from simulator.finding import Judged, Verdict
from simulator.report import charts, words
from simulator.report.course import drawings
from simulator.report.disk import write_whole
from simulator.report.html import html_template
from simulator.report.phases import capacity_sentence, comparable, rate_text
from simulator.report.result import Percentiles, Result
from simulator.report.tables import (
    Row,
    Tally,
    not_checkable,
    not_right,
    remainder,
    shorten,
    table,
    tally,
)
from simulator.report.visible import visible, visible_lines

PAGE_FILE = "report.html"

_ROWS = {"source": 100, "content": 100, "page": 100, "day": 100, "hour": 200}
_NOT_RIGHT = 50
_FINDINGS = 100
_PHASES = 200
# A sign beside each word, so that nothing is told by colour alone.
_SIGNS = {
    "pass": "✓",
    "fail": "✕",
    "error": "!",
    "inconclusive": "~",
    "not read": "?",
    "not checkable": "–",
    "remark": "i",
    "slo": "✕",
    "incomplete": "~",
    "underload": "✕",
    "held": "✓",
    "did not hold": "✕",
    "not judged": "~",
}
# Which of the page's four tones a status wears.
_TONES = {
    "pass": "good",
    "fail": "bad",
    "error": "bad",
    "slo": "bad",
    "underload": "warn",
    "incomplete": "warn",
    "inconclusive": "warn",
    "not read": "warn",
    "not checkable": "calm",
    "remark": "calm",
    "held": "good",
    "did not hold": "bad",
    "not judged": "warn",
}


@dataclass(frozen=True, slots=True)
class Cells:
    """One table of cells, cut to what a page can hold."""

    by: str
    metrics: tuple[str, ...]
    rows: tuple[tuple[Row, float], ...]  # each with its length as a bar, per cent of the longest
    more: str  # what was left out; empty: nothing
    count: int


def page_html(result: Result) -> str:
    """The document. All text from outside is spelt out by `visible` and escaped by the template."""
    return _template().render(_context(result)) + "\n"


def write_page(path: Path, result: Result) -> None:
    """Write report.html, whole or not at all.

    Raises:
        OSError: as `write_whole`.
    """
    write_whole(path, page_html(result).encode("utf-8"))


def _context(result: Result) -> dict[str, Any]:
    odd = not_right(result.metrics)
    findings = sorted(result.findings, key=lambda finding: -finding.verdict)
    head = words.headline(result)
    phases = comparable(result)
    trends = [drawn for metric in METRICS if (drawn := charts.trend(result.metrics, metric))]
    tables = [_cells(result, by) for by in ("source", "content", "page", "day", "hour")]
    return {
        "result": result,
        "head": head,
        "reasons": [reason for reason in result.reasons if visible_lines(reason) != head.sentence],
        "totals": [judged for judged in result.metrics if judged.by == "all"],
        "overview": _overview(result),
        "metric_columns": METRICS,
        "not_right": odd[:_NOT_RIGHT],
        "not_right_more": max(0, len(odd) - _NOT_RIGHT),
        "not_checkable": not_checkable(result.metrics),
        "findings": findings[:_FINDINGS],
        "findings_more": max(0, len(findings) - _FINDINGS),
        "capacity": capacity_sentence(phases) if phases else "",
        "phases": phases[:_PHASES],
        "phases_more": max(0, len(phases) - _PHASES),
        "trends": trends,
        "unknown_in_trends": any(not spot.known for drawn in trends for spot in drawn.spots),
        "tables": [cells for cells in tables if cells.rows],
        "outcomes": _outcomes(result),
        "course": drawings(result.course),
        "latencies": _latencies(result),
        "definitions": words.definitions_in_words(result.definitions),
    }


def _overview(result: Result) -> list[tuple[str, list[Tally]]]:
    """What was judged, kind by kind; kinds without a cell are left out."""
    rows = [(by, [tally(result.metrics, metric, by) for metric in METRICS]) for by in BY]
    return [(by, tallies) for by, tallies in rows if any(one.total for one in tallies)]


def _cells(result: Result, by: str) -> Cells:
    cells = table(result.metrics, by)
    shown, left_out = shorten(cells.rows, _ROWS[by])
    longest = max((_length(row) for row in shown), default=0)
    rows = tuple((row, round(100 * _length(row) / longest, 2) if longest else 0.0) for row in shown)
    return Cells(by, cells.metrics, rows, remainder(left_out) if left_out else "", len(cells.rows))


def _length(row: Row) -> int:
    """What a row's bar shows: the observed PV, or the first metric that the table has."""
    first = next(iter(row.judged.values()))
    return max(first.observed or 0, 0)


def _outcomes(result: Result) -> list[tuple[str, int, float, float]]:
    """(outcome, attempts, begin and length of its stretch of the bar in per cent)."""
    sends = result.attempts
    named = (("acked", sends.acked), ("refused", sends.refused), ("unknown", sends.unknown))
    stretches = charts.shares([count for _, count in named])
    return [(name, count, *stretch) for (name, count), stretch in zip(named, stretches, strict=True)]


def _latencies(result: Result) -> list[tuple[str, str, Percentiles]]:
    kinds = (
        ("Response", "from the intended instant", result.latency.response_ms),
        ("Service", "from the actual send", result.latency.service_ms),
        ("Late starts", "of visitors, after their instant", result.latency.late_ms),
    )
    return [(name, meaning, values) for name, meaning, values in kinds if values is not None]


@lru_cache(maxsize=1)
def _template() -> Template:
    return page_template("page.html")


def page_template(name: str, **known: Any) -> Template:
    """A template of a page in this look, with what these share: style, signs, words.

    Args:
        known: what it knows beside that and what it is rendered with.
    """
    return html_template(
        name,
        ("page.css",),
        grid=charts.GRID,
        words=words,
        rate_text=rate_text,
        signs=_SIGNS,
        tones=_TONES,
        told_width=_width,
        cell_text=_cell_text,
        is_remark=lambda finding: finding.verdict is Verdict.PASS,
        **known,
    )


def _width(judged: Judged) -> str:
    if judged.expected is None:
        return "cannot be known"
    return "exact" if not judged.expected.width else f"width {words.whole(judged.expected.width)}"


def _cell_text(by: str, cell: str) -> str:
    """The name of a cell as a reader meets it; pages, sources and contents stay byte for byte."""
    return visible(cell.replace("T", " ", 1) if by == "hour" else cell)
