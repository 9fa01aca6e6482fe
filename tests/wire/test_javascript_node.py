"""The same rules asked of a real JavaScript engine, where one is installed."""

from __future__ import annotations

import json
import random
import shutil
import struct
import subprocess

import pytest

from simulator.events import Json
from simulator.wire.javascript import UriError, cut, encode_component, in_key_order, string, truthy

NODE = shutil.which("node")

# Text travels as UTF-16 code units, because JSON parsers differ on lone surrogates.
SCRIPT = """
const text = units => String.fromCharCode(...units);
const units = value => Array.from({length: value.length}, (_, i) => value.charCodeAt(i));
const escaped = value => { try { return encodeURIComponent(value); } catch (e) { return e.name; } };
const order = keys => { const o = {}; for (const key of keys) o[key] = 1; return Object.keys(o); };
const {values, texts, keys} = JSON.parse(require("fs").readFileSync(0, "utf8"));
process.stdout.write(JSON.stringify({
  strings: values.map(String),
  truths: values.map(Boolean),
  escapes: texts.map(t => escaped(text(t))),
  cuts: texts.map(t => units(text(t).slice(0, 5))),
  orders: keys.map(order),
}));
"""

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(NODE is None, reason="node is not installed; the tables of test_javascript.py still hold"),
]


def some_values(draw: random.Random) -> list[Json]:
    doubles = [struct.unpack("<d", draw.randbytes(8))[0] for _ in range(2_000)]
    small = [draw.choice([1, -1]) * draw.randrange(10**6) * 10.0 ** draw.randrange(-12, 24) for _ in range(2_000)]
    whole = [draw.randrange(-(10**22), 10**22) for _ in range(200)]
    numbers: list[Json] = [number for number in doubles if number - number == 0]
    others: list[Json] = [None, True, False, "", "a", [], {}, [None], [1, [None, 2.5], {"a": 1}, "x"], [[], [[]]]]
    return numbers + list[Json](small) + list[Json](whole) + others


def some_text(draw: random.Random) -> str:
    alphabet = "aZ09 -_.!~*'()/+%&=#\0é中\ud83d\ude00\udfff\ud800"
    return "".join(draw.choice(alphabet) for _ in range(draw.randrange(9)))


def as_units(text: str) -> list[int]:
    raw = text.encode("utf-16-le", "surrogatepass")
    return [int.from_bytes(raw[at : at + 2], "little") for at in range(0, len(raw), 2)]


def escaped(text: str) -> str:
    try:
        return encode_component(text)
    except UriError:
        return "URIError"


def test_the_rules_are_those_of_node() -> None:
    draw = random.Random(7)
    values = some_values(draw)
    texts = [some_text(draw) for _ in range(3_000)]
    names = ["0", "1", "7", "10", "01", "-1", "1.5", "a", "b", "4294967294", "4294967295", "99999999999", ""]
    keys = [draw.sample(names, draw.randrange(len(names))) for _ in range(500)]
    assert NODE is not None
    question = {"values": values, "texts": [as_units(text) for text in texts], "keys": keys}
    answer = subprocess.run(
        [NODE, "-e", SCRIPT], input=json.dumps(question), capture_output=True, text=True, check=True, timeout=60
    )

    assert json.loads(answer.stdout) == {
        "strings": [string(value) for value in values],
        "truths": [truthy(value) for value in values],
        "escapes": [escaped(text) for text in texts],
        "cuts": [as_units(cut(text, 5)) for text in texts],
        "orders": [list(in_key_order(dict.fromkeys(row, 1))) for row in keys],
    }
