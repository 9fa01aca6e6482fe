"""The page for app developers lists every rule as it is."""

from __future__ import annotations

from simulator.inspect.rules import RULES
from tests.e2e.commands import ROOT

PAGE = ROOT / ".github" / "docs" / "inspect.md"
BEGIN, END = "<!-- rules -->\n", "<!-- /rules -->"


def rules_table() -> str:
    """The table of the page; where a rule changed, put this there."""
    rows = [f"| `{rule.code}` | {rule.level} | {rule.title} | {rule.document} |" for rule in RULES]
    return "\n".join(
        ["| rule | level | what holds where it is kept | where that is written |", "|---|---|---|---|", *rows, ""]
    )


def test_the_page_lists_the_rules_as_they_are() -> None:
    text = PAGE.read_text(encoding="utf-8")

    assert text.partition(BEGIN)[2].partition(END)[0] == rules_table()
