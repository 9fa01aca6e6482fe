"""A query string as a JavaScript tracker builds it, and taken apart again from whoever sent it.

Values are escaped by encodeURIComponent, keys are not escaped at all. Form encoding plays no part: a space is %20,
and a "+" is a plus.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from functools import lru_cache
from urllib.parse import quote, unquote_to_bytes

from simulator.wire.javascript import encode_component, in_key_order
from simulator.wire.request import WireError

MOST_BYTES = 65_536  # of a query that is read; ours stay far below
MOST_PAIRS = 1_024

_PLAIN_KEY = re.compile(r"[A-Za-z0-9_.!~*'()$-]+")
_REMOVED = str.maketrans("", "", "\t\r\n")
# What an HTTP client leaves as it is in a query: printable ASCII but space, quote and angle brackets.
_LEFT = "".join(map(chr, range(0x21, 0x7F))).translate(str.maketrans("", "", '"<>'))


@lru_cache(maxsize=4_096)
def is_plain(key: str) -> bool:
    """Whether a key comes back from a query as it went in, though nobody escapes it."""
    return _PLAIN_KEY.fullmatch(key) is not None


def build(fields: Mapping[str, str]) -> str:
    """The pairs in JavaScript's key order, as they leave the phone.

    Raises:
        UriError: a value holds half of a surrogate pair: no request is made.
    """
    return join({key: encode_component(value) for key, value in fields.items()})


def join(escaped: Mapping[str, str]) -> str:
    """The same for values that are already escaped."""
    query = "&".join([f"{key}={value}" for key, value in in_key_order(escaped).items()])
    return query if all(map(is_plain, escaped)) else _as_sent(query)


def _as_sent(query: str) -> str:
    """A query with raw keys as it goes on the request line, where a key can neither end the line nor the request.

    "&" and "=" in a key break the query, as they do on a phone.
    Assumed: what the tracker leaves raw, the phone's HTTP client treats as the URL standard says: a "#" ends the
    query, tabs and line ends vanish, the rest outside printable ASCII is escaped.
    Source: https://url.spec.whatwg.org/#query-state
    """
    before_fragment = query.partition("#")[0].translate(_REMOVED)
    text = before_fragment.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "replace")
    return quote(text, safe=_LEFT)


def parse(query: str) -> tuple[dict[str, str], bool]:
    """The fields of a query, percent-decoded once, and whether all of them were UTF-8.

    Bytes that are no UTF-8 become U+FFFD. Of a repeated key the last value counts, at the place of the first.

    Raises:
        WireError: larger than any tracker's.
    """
    if len(query) > MOST_BYTES:
        raise WireError(f"a query of {len(query)} characters; at most {MOST_BYTES} are read")
    pairs = query.split("&", MOST_PAIRS)
    if len(pairs) > MOST_PAIRS:
        raise WireError(f"a query of more than {MOST_PAIRS} pairs")
    fields: dict[str, str] = {}
    readable = True
    for pair in pairs:
        if not pair:
            continue
        key, _, value = pair.partition("=")
        decoded_key, good_key = _decoded(key)
        fields[decoded_key], good_value = _decoded(value)
        readable = readable and good_key and good_value
    return fields, readable


def _decoded(escaped: str) -> tuple[str, bool]:
    raw = unquote_to_bytes(escaped.encode("utf-8", "surrogatepass"))
    try:
        return raw.decode(), True
    except UnicodeDecodeError:
        return raw.decode(errors="replace"), False
