"""JavaScript's rules by hand-written tables and by their inverses; test_javascript_node.py asks the real one."""

from __future__ import annotations

import json
from urllib.parse import unquote

import pytest
from hypothesis import given
from hypothesis import strategies as st

from simulator.events import Json
from simulator.wire.javascript import (
    UriError,
    cut,
    encode_component,
    in_key_order,
    is_index,
    string,
    truthy,
    units,
    whole,
)

any_text = st.text(st.characters(exclude_categories=()))  # lone surrogates too

STRINGS: list[tuple[str, Json, str]] = [
    ("null", None, "null"),
    ("true", True, "true"),
    ("false", False, "false"),
    ("a text is itself", "a b", "a b"),
    ("a whole number", 3, "3"),
    ("a negative one", -12, "-12"),
    ("one with a fraction", 129.5, "129.5"),
    ("a float without a fraction", 259.0, "259"),
    ("minus zero", -0.0, "0"),
    ("the largest that is written out", 1e20, "100000000000000000000"),
    ("twenty-one digits", 123456789012345680000.0, "123456789012345680000"),
    ("where the exponent begins", 1e21, "1e+21"),
    ("digits and an exponent", 1.5e300, "1.5e+300"),
    ("the smallest that is written out", 0.000001, "0.000001"),
    ("where the small exponent begins", 0.0000001, "1e-7"),
    ("the smallest double", 5e-324, "5e-324"),
    ("a sum that is not 0.3", 0.1 + 0.2, "0.30000000000000004"),
    ("the last exact whole number", 2**53, "9007199254740992"),
    ("one more is rounded", 2**53 + 1, "9007199254740992"),
    ("a whole number of 20 digits is rounded", 12345678901234567890, "12345678901234567000"),
    ("larger than any double", 10**400, "Infinity"),
    ("not a number", float("nan"), "NaN"),
    ("minus infinity", float("-inf"), "-Infinity"),
    ("an array", [1, "a", True], "1,a,true"),
    ("null in an array is empty", [1, None, 2], "1,,2"),
    ("arrays in arrays", [[1, 2], [3, [4]]], "1,2,3,4"),
    ("an empty array", [], ""),
    ("an object", {"a": 1}, "[object Object]"),
    ("objects in an array", [{}, {"a": 1}], "[object Object],[object Object]"),
]


@pytest.mark.parametrize(("value", "expected"), [row[1:] for row in STRINGS], ids=[row[0] for row in STRINGS])
def test_string(value: Json, expected: str) -> None:
    assert string(value) == expected


@given(st.floats(allow_nan=False, allow_infinity=False))
def test_a_number_comes_back_from_its_text(value: float) -> None:
    assert float(string(value)) == value


ESCAPES = [
    ("what stays", "AZaz09-_.!~*'()", "AZaz09-_.!~*'()"),
    ("a space is %20", "a b", "a%20b"),
    ("a plus is escaped", "1+1", "1%2B1"),
    ("a slash is escaped", "pages/home", "pages%2Fhome"),
    ("Chinese in upper case", "测试", "%E6%B5%8B%E8%AF%95"),
    ("four bytes", "😀", "%F0%9F%98%80"),
    ("two halves side by side", "\ud83d\ude00", "%F0%9F%98%80"),
    ("a percent sign is escaped again", "%20", "%2520"),
    ("zero byte and line end", "\0\r\n", "%00%0D%0A"),
    ("nothing", "", ""),
]


@pytest.mark.parametrize(("text", "expected"), [row[1:] for row in ESCAPES], ids=[row[0] for row in ESCAPES])
def test_encode_component(text: str, expected: str) -> None:
    assert encode_component(text) == expected


@pytest.mark.parametrize("text", ["\ud83d", "a\ude00", "\ude00\ud83d", "😀\ud83d"])
def test_half_of_a_pair_cannot_be_encoded(text: str) -> None:
    with pytest.raises(UriError):
        encode_component(text)


@given(st.text())
def test_encoding_is_undone_by_decoding(text: str) -> None:
    assert unquote(encode_component(text), errors="strict") == text


INDICES = [
    ("zero", "0", True),
    ("a digit", "7", True),
    ("the last index", "4294967294", True),
    ("one more", "4294967295", False),
    ("eleven digits", "10000000000", False),
    ("a leading zero", "01", False),
    ("a sign", "-1", False),
    ("a fraction", "1.5", False),
    ("digits of another script", "٣", False),
    ("empty", "", False),
    ("a line end behind", "7\n", False),
]


@pytest.mark.parametrize(("key", "expected"), [row[1:] for row in INDICES], ids=[row[0] for row in INDICES])
def test_is_index(key: str, expected: bool) -> None:
    assert is_index(key) is expected


def test_indices_come_first_and_ascend() -> None:
    fields = dict.fromkeys(["b", "10", "a", "9", "01", "0"], "")

    assert list(in_key_order(fields)) == ["0", "9", "10", "b", "a", "01"]


@given(st.dictionaries(st.text("019a", max_size=3), st.integers()))
def test_key_order_keeps_every_field(fields: dict[str, int]) -> None:
    assert dict(in_key_order(fields)) == fields


CUTS = [
    ("one below", "a" * 254, 254),
    ("exactly", "a" * 255, 255),
    ("one above", "a" * 256, 255),
    ("Chinese is one unit a character", "中" * 256, 255),
    ("an emoji is two", "😀" * 200, 255),
]


@pytest.mark.parametrize(("text", "length"), [row[1:] for row in CUTS], ids=[row[0] for row in CUTS])
def test_cut(text: str, length: int) -> None:
    assert len(units(cut(text, 255))) == length


def test_a_cut_may_split_a_pair() -> None:
    assert cut("a" * 254 + "😀", 255) == "a" * 254 + "\ud83d"


def test_a_cut_leaves_a_pair_that_ends_at_the_limit() -> None:
    assert cut("a" * 253 + "😀b", 255) == "a" * 253 + "😀"


@given(any_text, st.integers(0, 12))
def test_a_cut_keeps_the_first_units(text: str, most: int) -> None:
    assert units(cut(text, most)) == units(text)[:most]


@given(any_text)
def test_whole_changes_no_unit(text: str) -> None:
    assert units(whole(text)) == units(text)


def test_whole_joins_halves() -> None:
    assert whole("\ud83d\ude00!") == "😀!"


TRUTH: list[tuple[str, Json, bool]] = [
    ("null", None, False),
    ("false", False, False),
    ("zero", 0, False),
    ("minus zero", -0.0, False),
    ("NaN", float("nan"), False),
    ("empty text", "", False),
    ("the text 0", "0", True),
    ("an empty array", [], True),
    ("an empty object", {}, True),
    ("a number", 0.5, True),
]


@pytest.mark.parametrize(("value", "expected"), [row[1:] for row in TRUTH], ids=[row[0] for row in TRUTH])
def test_truthy(value: Json, expected: bool) -> None:
    assert truthy(value) is expected


@given(st.recursive(st.none() | st.booleans() | st.integers() | st.floats() | st.text(), st.lists))
def test_string_takes_whatever_json_says(value: Json) -> None:
    assert string(json.loads(json.dumps(value))) == string(value)
