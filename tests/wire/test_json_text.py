"""JSON as JavaScript writes it, the quick way and the slow one, and a stranger's JSON within bounds."""

from __future__ import annotations

import json
import math
import shutil
import subprocess

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from simulator.events import Json
from simulator.wire.json_text import by_parts, number_of, parse_json, stringify, text_of
from simulator.wire.request import WireError
from tests.wire.wire_strategies import values

NODE = shutil.which("node")


@pytest.mark.parametrize(
    ("value", "text"),
    [
        ({"a": 5.0, "b": -0.0, "c": 1.5}, '{"a":5,"b":0,"c":1.5}'),
        (
            [1e16, 1e21, 1e-5, 1e-7, 123456789012345680000],
            "[10000000000000000,1e+21,0.00001,1e-7,123456789012345680000]",
        ),
        ([2**53 + 1, 2**53], "[9007199254740992,9007199254740992]"),
        ([math.nan, math.inf, -math.inf, None, True], "[null,null,null,null,true]"),
        ({"é中": 'a"\\/\b\f\n\r\t\x01\x7f\u2028'}, '{"é中":"a\\"\\\\/\\b\\f\\n\\r\\t\\u0001\x7f\u2028"}'),
        (["\ud800", "\ud83d\ude00", "x\udfff"], '["\\ud800","😀","x\\udfff"]'),
        ({"\ud800": "NaN", "a": ":1e+5"}, '{"\\ud800":"NaN","a":":1e+5"}'),
        ("text", '"text"'),
        (5.0, "5"),
        ({}, "{}"),
    ],
)
def test_as_javascript_writes_it(value: Json, text: str) -> None:
    assert stringify(value) == by_parts(value) == text


@given(st.lists(values, max_size=3) | st.dictionaries(st.text(max_size=4), values, max_size=3))
@settings(deadline=None, max_examples=200)
def test_the_quick_way_is_the_slow_one(value: Json) -> None:
    assert stringify(value) == by_parts(value)
    stringify(value).encode()


@pytest.mark.slow
@pytest.mark.skipif(NODE is None, reason="node is not installed; the table above still holds")
def test_a_real_engine_writes_the_same() -> None:
    numbers: list[Json] = [
        sign * digits * 10.0**power
        for sign in (1, -1)
        for digits in (1, 1.5, 123456789.125)
        for power in range(-12, 24)
    ]
    value: Json = {"numbers": numbers, "texts": [chr(unit) for unit in range(0x2100) if not 0xD800 <= unit < 0xE000]}
    assert NODE is not None
    script = 'process.stdout.write(JSON.stringify(JSON.parse(require("fs").readFileSync(0, "utf8"))))'

    told = subprocess.run(
        [NODE, "-e", script], input=json.dumps(value).encode(), capture_output=True, check=True
    ).stdout

    assert stringify(value).encode() == told


@pytest.mark.parametrize(
    "text", [b"", b"{", b"\xff", b"NaN", b"[Infinity]", b"[" * 70 + b"]" * 70, b'"' + b"x" * (9 << 20)]
)
def test_what_is_no_json_or_too_much_is_told(text: bytes) -> None:
    with pytest.raises(WireError):
        parse_json(text)


def test_a_number_may_stand_as_text_and_a_text_as_number() -> None:
    told: dict[str, Json] = {"n": "17", "f": 5.0, "t": True, "x": "1e5", "l": [1], "s": 3}

    assert [number_of(told, key) for key in ("n", "f", "t", "x", "l", "no")] == [17, 5, None, None, None, None]
    assert [text_of(told, key) for key in ("n", "s", "t", "l", "no")] == ["17", "3", "", "", ""]
