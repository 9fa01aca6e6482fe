"""report.html of an inspection: one file, offline, without a script, in the look of a run's report (its page.css).

All text from outside is spelt out and escaped; the page's policy forbids it to load or run anything.
"""

from __future__ import annotations

from functools import lru_cache
from pathlib import Path

from jinja2 import Template

from simulator.contract import METRICS
from simulator.finding import Judged, Verdict
from simulator.inspect.rule import Level
from simulator.report import words
from simulator.report.disk import write_whole
from simulator.report.inspection.outcome import MOST_SHOWN, Outcome
from simulator.report.inspection.text import headline, told_total, told_where
from simulator.report.page import page_template
from simulator.report.tables import not_right

PAGE_FILE = "report.html"
_MOST_WRONG = 100
_TONES = {
    "pass": "good", "fail": "bad", "incomplete": "warn",
    Level.ERROR: "bad", Level.WARNING: "warn", Level.INFO: "calm",
}  # fmt: skip
_SIGNS = {"pass": "✓", "fail": "✕", "incomplete": "~", Level.ERROR: "✕", Level.WARNING: "!", Level.INFO: "i"}


def page_html(outcome: Outcome) -> str:
    """The document."""
    wrong = [one for one in not_right(outcome.totals) if one.by != "all"]
    return (
        _template().render(
            outcome=outcome,
            sentence=headline(outcome),
            totals=[one for one in outcome.totals if one.by == "all"],
            wrong=wrong[:_MOST_WRONG],
            wrong_more=max(0, len(wrong) - _MOST_WRONG),
            right=sum(one.verdict is Verdict.PASS for one in outcome.totals),
            most=MOST_SHOWN,
            metrics=METRICS,
            definitions=words.definitions_in_words(outcome.definitions),
        )
        + "\n"
    )


def write_page(path: Path, outcome: Outcome) -> None:
    """Write report.html, whole or not at all.

    Raises:
        OSError: as `write_whole`.
    """
    write_whole(path, page_html(outcome).encode("utf-8"))


def _tone(judged: Judged) -> str:
    if judged.expected is None:
        return "calm"
    return {Verdict.PASS: "good", Verdict.FAIL: "bad"}.get(judged.verdict, "warn")


@lru_cache(maxsize=1)
def _template() -> Template:
    return page_template(
        "inspection/page.html",
        inspection_tones=_TONES,
        inspection_signs=_SIGNS,
        tone_of=_tone,
        told_total=told_total,
        told_where=told_where,
    )
