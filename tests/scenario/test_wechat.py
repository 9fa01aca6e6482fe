"""Paths and WeChat's tables."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from simulator.wechat import (
    CLASS_A_SCENES,
    CODE_CHARACTERS,
    SCENES,
    UNLABELLED_SCENES,
    encode_path,
    parameters,
    split_path,
)

PATHS = [
    ("nothing to encode", "pages/a/a?id=1&b=2,3", "pages/a/a?id=1&b=2,3"),
    ("what stays as it is", "A-Za-z0-9-_.!~*'()/?=&,", "A-Za-z0-9-_.!~*'()/?=&,"),
    ("a Chinese character", "p?a=春", "p?a=%E6%98%A5"),
    ("an emoji", "p?a=😀", "p?a=%F0%9F%98%80"),
    ("a space", "p?a=b c", "p?a=b%20c"),
    ("a plus, a hash, a colon", "p?a=+#:", "p?a=%2B%23%3A"),
    ("encoded already", "p?a=%E6%98%A5", "p?a=%E6%98%A5"),
    ("encoded in small letters", "p?a=%e6", "p?a=%e6"),
    ("a bare per cent sign", "p?a=50%", "p?a=50%25"),
    ("per cent and one digit", "p?a=%4", "p?a=%254"),
    ("per cent and no hexadecimal", "p?a=%zz", "p?a=%25zz"),
    ("braces", "p?a={x}", "p?a=%7Bx%7D"),
    ("empty", "", ""),
]


@pytest.mark.parametrize(("path", "encoded"), [case[1:] for case in PATHS], ids=[case[0] for case in PATHS])
def test_encode_path(path: str, encoded: str) -> None:
    assert encode_path(path) == encoded


TEXT = st.text(st.characters(exclude_categories=["Cs"]))


@given(TEXT)
def test_encoding_twice_is_encoding_once(path: str) -> None:
    assert encode_path(encode_path(path)) == encode_path(path)


@given(TEXT)
def test_an_encoded_path_has_only_what_a_path_may_have(path: str) -> None:
    assert re.fullmatch(r"(?:[A-Za-z0-9\-_.!~*'()/?=&,]|%[0-9A-Fa-f]{2})*", encode_path(path))


@given(TEXT.filter(lambda value: not re.search(r"%[0-9A-Fa-f]{2}|&", value)))
def test_a_value_arrives_as_it_was_written(value: str) -> None:
    _, query = split_path(encode_path(f"pages/a/a?cl_sr={value}&x=1"))

    assert parameters(query) == (("cl_sr", value), ("x", "1"))


def test_a_value_is_decoded_once() -> None:
    assert parameters("a=%2541&b=1+1&c&&d=") == (("a", "%41"), ("b", "1+1"), ("c", ""), ("d", ""))


ROUTES = [
    ("pages/a/a", ("pages/a/a", "")),
    ("/pages/a/a?x=1", ("pages/a/a", "x=1")),
    ("pages/a/a?x=1?y=2", ("pages/a/a", "x=1?y=2")),
    ("?x=1", ("", "x=1")),
    ("", ("", "")),
]


@pytest.mark.parametrize(("path", "parts"), ROUTES)
def test_split_path(path: str, parts: tuple[str, str]) -> None:
    assert split_path(path) == parts


def test_the_tables_of_scenes() -> None:
    assert len(SCENES) == 141
    assert not SCENES.keys() & UNLABELLED_SCENES
    assert SCENES.keys() | UNLABELLED_SCENES >= CLASS_A_SCENES
    assert (SCENES[1045], SCENES[1047], SCENES[1231]) == (
        "Moments ad",
        "scan mini-program code",
        "dynamic message reminder",
    )


def test_no_code_carries_a_per_cent_sign_or_a_space() -> None:
    assert not CODE_CHARACTERS & set('% "\\^{}[]|<>春')
    assert len(CODE_CHARACTERS) == 82
