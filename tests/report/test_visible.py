"""Text from outside, spelt out."""

from __future__ import annotations

import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from simulator.report.visible import visible, visible_lines

CASES = [
    ("plain", "pages/index/index", "pages/index/index"),
    ("Chinese", "春季会员店", "春季会员店"),
    ("empty", "", ""),
    ("terminal command", "\x1b[31mred", "\\x1b[31mred"),
    ("line break", "a\nb", "a\\x0ab"),
    ("text turned around", "a\u202eb", "a\\u202eb"),
    ("invisible space", "a\u200bb", "a\\u200bb"),
    ("space that is none", "a\u00a0b", "a\\xa0b"),
    ("lone surrogate", "\ud800", "\\ud800"),
    ("noncharacter of a high plane", "\U0001fffe", "\\U0001fffe"),
    ("space at the end", "ad ", '"ad "'),
    ("two spaces", "a  b", '"a  b"'),
    ("quotes of its own", '"ad "', '"\\"ad \\""'),
    ("backslash", "\\x1b", "\\\\x1b"),
]


@pytest.mark.parametrize(("text", "shown"), [case[1:] for case in CASES], ids=[case[0] for case in CASES])
def test_a_name_is_spelt_out(text: str, shown: str) -> None:
    assert visible(text) == shown


LENGTHS = [
    ("at the limit", "abcdefgh", "abcdefgh"),
    ("one over", "abcdefghi", "abcdef … 1 characters … hi"),
]


@pytest.mark.parametrize(("text", "shown"), [case[1:] for case in LENGTHS], ids=[case[0] for case in LENGTHS])
def test_the_middle_of_a_long_name_gives_way(text: str, shown: str) -> None:
    assert visible(text, limit=8) == shown


nasty = st.text(st.sampled_from('ab \\"x\x1b\u200b\u3000春\ud800'), max_size=6)


@given(nasty, nasty)
def test_names_that_differ_look_different(one: str, other: str) -> None:
    assert (visible(one) == visible(other)) == (one == other)


@given(st.text(st.characters()))
def test_nothing_is_left_that_is_obeyed_or_unseen(text: str) -> None:
    categories = {unicodedata.category(character) for character in visible(text) + visible_lines(text)}

    # A line break is all that may remain, in sentences.
    assert categories.isdisjoint({"Cf", "Cs", "Zl", "Zp"})
    assert not {character for character in visible_lines(text) if unicodedata.category(character) == "Cc"} - {"\n"}
