"""JSON as a JavaScript tracker writes it (JSON.stringify), and a stranger's JSON read within bounds.

Not here: what the keys mean (the vendors' files).
"""

from __future__ import annotations

import json
import math
import re
from collections.abc import Mapping
from json.encoder import encode_basestring as _quoted

from simulator.events import Json
from simulator.wire.javascript import string, whole
from simulator.wire.request import WireError

MOST_BYTES = 8 << 20  # of a body that is read, unpacked; ours stay far below
_DEEPEST = 64

_python = json.JSONEncoder(ensure_ascii=False, separators=(",", ":"), check_circular=False).encode
# A number that JavaScript writes otherwise (5.0, 1e+16, 2**53 and more, NaN) stands behind one of three marks. What
# only looks like one, inside a text, costs time and nothing else.
_OTHERWISE = re.compile(
    "[:,\\[]-?(?:[0-9]+\\.0(?![0-9])|[0-9.]+e[+-]|[0-9]{17}|9[0-9]{15}|NaN|Infinity)|[\ud800-\udfff]"
)
_HALF = re.compile("[\ud800-\udfff]")


def stringify(value: Json) -> str:
    """JSON.stringify(value): no spaces, keys in their order, 5 for 5.0, null for what is no number.

    Half of a surrogate pair becomes its escape, so the text can always be sent as UTF-8.
    """
    if isinstance(value, (dict, list)):
        # Python writes most values as JavaScript does, and many times faster.
        text = _python(value)
        if _OTHERWISE.search(text) is None:
            return text
    return by_parts(value)


def by_parts(value: Json) -> str:
    """The same, value by value: right for all of them."""
    if isinstance(value, str):
        return _text(value)
    if value is None:
        return "null"
    if isinstance(value, (bool, int)):
        return string(value)
    if isinstance(value, float):
        return string(value) if math.isfinite(value) else "null"
    if isinstance(value, list):
        return f"[{','.join(map(by_parts, value))}]"
    return "{" + ",".join([f"{_text(key)}:{by_parts(one)}" for key, one in value.items()]) + "}"


def _text(text: str) -> str:
    quoted = _quoted(text)
    if quoted.isascii():
        return quoted
    return _HALF.sub(lambda half: f"\\u{ord(half[0]):04x}", whole(quoted))


def parse_json(text: bytes | str) -> Json:
    """The value of a JSON text.

    Raises:
        WireError: too large, not UTF-8, no JSON, or nested too deep.
    """
    if len(text) > MOST_BYTES:
        raise WireError(f"a JSON text of {len(text)} bytes; at most {MOST_BYTES} are read")
    try:
        value: Json = json.loads(text, parse_constant=_no_constant)
    except (ValueError, RecursionError) as bad:
        raise WireError(f"no JSON: {str(bad)[:120]}") from bad
    _check_depth(value, _DEEPEST)
    return value


def _no_constant(name: str) -> Json:
    raise ValueError(f"{name} is no JSON")


def _check_depth(value: Json, left: int) -> None:
    if left == 0:
        raise WireError(f"JSON nested deeper than {_DEEPEST}")
    inner = value if isinstance(value, list) else value.values() if isinstance(value, dict) else ()
    for one in inner:
        _check_depth(one, left - 1)


# ---- reading a value of whoever sent it ----------------------------------------------------------------------------


def object_in(value: Json, what: str) -> dict[str, Json]:
    """The value, which must be an object.

    Raises:
        WireError: it is none.
    """
    if not isinstance(value, dict):
        raise WireError(f"{what} is no JSON object")
    return value


def objects_in(value: Json, what: str) -> list[dict[str, Json]]:
    """The value, which must be an array of objects.

    Raises:
        WireError: it is none.
    """
    if not isinstance(value, list):
        raise WireError(f"{what} is no JSON array")
    return [object_in(one, f"an item of {what}") for one in value]


def part_of(value: Mapping[str, Json], key: str) -> dict[str, Json]:
    """An inner object; empty where there is none."""
    inner = value.get(key)
    return inner if isinstance(inner, dict) else {}


def text_of(value: Mapping[str, Json], key: str) -> str:
    """A text; of a number its digits; empty where there is neither."""
    one = value.get(key)
    if isinstance(one, str):
        return one
    return string(one) if isinstance(one, (int, float)) and not isinstance(one, bool) else ""


def number_of(value: Mapping[str, Json], key: str) -> int | None:
    """A whole number, also where it stands as text; None where there is none."""
    one = value.get(key)
    if isinstance(one, bool):
        return None
    if isinstance(one, int):
        return one
    if isinstance(one, float) and one.is_integer():
        return int(one)
    if isinstance(one, str) and re.fullmatch(r"-?[0-9]{1,18}", one):
        return int(one)
    return None
