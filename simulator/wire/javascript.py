"""JavaScript's rules that a tracker's bytes depend on: String(), encodeURIComponent, key order, UTF-16 lengths.

Values are what JSON can say; `undefined`, functions and Date objects do not occur. Python text may hold lone
surrogates, as JavaScript's may.
"""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from decimal import Decimal
from functools import lru_cache
from typing import TypeVar
from urllib.parse import quote

from simulator.events import Json

_Value = TypeVar("_Value")

_UNESCAPED = "!~*'()"  # beside letters, digits, "-", "_" and "."
_PLAIN = re.compile(r"[A-Za-z0-9_.!~*'()-]*")
_EXACT = 2**53  # up to here every whole number is a double of its own
_INDEX = re.compile(r"0|[1-9][0-9]{0,9}")
_LAST_INDEX = 2**32 - 2


class UriError(ValueError):
    """What encodeURIComponent throws (URIError): the text holds half of a surrogate pair."""


def encode_component(text: str) -> str:
    """encodeURIComponent: UTF-8, percent-encoded in upper case, all but ``A-Z a-z 0-9 - _ . ! ~ * ' ( )``.

    Raises:
        UriError: a surrogate without its other half.
    """
    # Ids are of this kind, and each of them comes once: no cache is to be filled with them.
    if _PLAIN.fullmatch(text) is not None:
        return text
    return _encoded(text)


@lru_cache(maxsize=65_536)
def _encoded(text: str) -> str:
    try:
        return quote(text, safe=_UNESCAPED)
    except UnicodeEncodeError:
        pass
    # Two halves side by side are one character to JavaScript; only in Python can they stand apart.
    try:
        return quote(_utf16(text).decode("utf-16-le"), safe=_UNESCAPED)
    except UnicodeDecodeError as half:
        raise UriError("URI malformed") from half


def string(value: Json) -> str:
    """String(value): null, true, 129.5, 1e+21; an array joined with commas (null inside is empty), [object Object].

    Whole numbers that no double holds are rounded first, as JSON.parse does (2**53 + 1 is 9007199254740992).
    """
    if isinstance(value, str):
        return value
    if value is None:
        return "null"
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, (int, float)):
        return _number(value)
    if isinstance(value, list):
        return ",".join("" if item is None else string(item) for item in value)
    return "[object Object]"


def _number(value: float) -> str:
    if isinstance(value, int) and -_EXACT <= value <= _EXACT:
        return str(value)
    try:
        double = float(value)
    except OverflowError:
        double = math.inf if value > 0 else -math.inf
    if not math.isfinite(double):
        return "NaN" if math.isnan(double) else ("Infinity" if double > 0 else "-Infinity")
    if double == 0:
        return "0"  # -0 too
    # Python's repr has the digits that ECMAScript asks for, the fewest that give the same double again.
    sign, digits, exponent = Decimal(repr(double)).as_tuple()
    text = "".join(map(str, digits)).rstrip("0")
    point = len(digits) + int(exponent)  # of the digits, so many stand before the decimal point
    return ("-" if sign else "") + _placed(text, point)


def _placed(digits: str, point: int) -> str:
    """Digits with their decimal point, by the ranges of ECMAScript's Number::toString."""
    if len(digits) <= point <= 21:
        return digits + "0" * (point - len(digits))
    if 0 < point <= 21:
        return f"{digits[:point]}.{digits[point:]}"
    if -6 < point <= 0:
        return "0." + "0" * -point + digits
    fraction = f".{digits[1:]}" if len(digits) > 1 else ""
    return f"{digits[0]}{fraction}e{point - 1:+d}"


def truthy(value: Json) -> bool:
    """Whether `if (value)` holds: not for null, false, 0, NaN and the empty text, but for an empty array or object."""
    if isinstance(value, (list, dict)):
        return True
    return bool(value) and value == value  # noqa: PLR0124 - NaN is the value that is not itself


@lru_cache(maxsize=4_096)
def is_index(key: str) -> bool:
    """Whether a property name is an array index, 0 to 4294967294 in plain decimal ("01" is not)."""
    return _INDEX.fullmatch(key) is not None and int(key) <= _LAST_INDEX


def in_key_order(fields: Mapping[str, _Value]) -> Mapping[str, _Value]:
    """The same fields as JavaScript enumerates them: indices first and ascending, then the rest as inserted."""
    indices = [key for key in fields if is_index(key)]
    if not indices:
        return fields
    ordered = {key: fields[key] for key in sorted(indices, key=int)}
    return {**ordered, **fields}


def units(text: str) -> list[int]:
    """The text's UTF-16 code units; a character beyond U+FFFF is two."""
    raw = _utf16(text)
    return [raw[i] | raw[i + 1] << 8 for i in range(0, len(raw), 2)]


def cut(text: str, most: int) -> str:
    """text.slice(0, most): at most so many UTF-16 code units; a pair may lose its second half."""
    if text.isascii():
        return text[:most]
    return _utf16(text)[: 2 * most].decode("utf-16-le", "surrogatepass")


def whole(text: str) -> str:
    """The same text to JavaScript, with halves of a surrogate pair that stand side by side made one character."""
    return text if text.isascii() else _utf16(text).decode("utf-16-le", "surrogatepass")


def _utf16(text: str) -> bytes:
    return text.encode("utf-16-le", "surrogatepass")
