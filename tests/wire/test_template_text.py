"""Reading a filled template back: as a regular expression with lazy groups would, and in one pass."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from simulator.scenario.event_template import FieldIn, parse_template
from simulator.wire.request import WireError
from simulator.wire.template_text import match_text

NAMES = ("id", "ms", "name", "page", "event")
PIECES = st.lists(st.one_of(st.sampled_from([f"{{{name}}}" for name in NAMES]), st.text("ab", max_size=3)), max_size=7)


def by_expression(template: str, text: str) -> dict[str, str] | None:
    parts = parse_template(template)
    names = [part.name for part in parts if isinstance(part, FieldIn)]
    pattern = "".join("(.*?)" if isinstance(part, FieldIn) else re.escape(part) for part in parts)
    match = re.fullmatch(pattern, text, re.S)
    return None if match is None else dict(zip(names, match.groups(), strict=True))


@given(pieces=PIECES, text=st.text("ab\n", max_size=12))
def test_it_is_read_as_by_an_expression(pieces: list[str], text: str) -> None:
    template = "".join(pieces)
    wanted = by_expression(template, text)
    if wanted is None:
        with pytest.raises(WireError):
            match_text(template, text, str)
    else:
        assert match_text(template, text, str) == wanted


@pytest.mark.parametrize(
    ("template", "text", "fields"),
    [
        ("/c/{id}/{ms}.gif", "/c/1.7/9.gif", {"id": "1.7", "ms": "9"}),
        ("{id}{ms}", "17", {"id": "", "ms": "17"}),
        ("{id}-{ms}", "1-2-3", {"id": "1", "ms": "2-3"}),
        ("a{id}a", "aa", {"id": ""}),
        ("{{{id}}}", "{7}", {"id": "7"}),
        ("", "", {}),
    ],
)
def test_what_stands_where(template: str, text: str, fields: dict[str, str]) -> None:
    assert match_text(template, text, str) == fields


@pytest.mark.parametrize(("template", "text"), [("a{id}a", "a"), ("x", "xx"), ("{id}b{ms}b", "b"), ("", "a")])
def test_what_does_not_match(template: str, text: str) -> None:
    with pytest.raises(WireError, match="is not of the form"):
        match_text(template, text, str)


@pytest.mark.timeout(20)
def test_a_hostile_text_takes_one_pass() -> None:
    """A backtracking expression would try every way to place four fields in a million letters."""
    with pytest.raises(WireError):
        match_text("{id}a{ms}a{name}a{page}b{event}c", "a" * 1_000_000, str)
