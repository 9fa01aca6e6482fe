"""Where a visitor is and came from: the source under a format's own names, and the address of a page in web shape.

A mini program has no URL; web-shaped formats want one, `app://{appid}/{route}?{query}`, and their collectors read
campaigns from it.

Source: openmost's Matomo SDK for mini programs writes `app://{appid}/{route}?{query}`.
Assumed: a source's name is utm_source, its content utm_content, `source1` … stand there under their own names.
"""

from __future__ import annotations

from typing import NamedTuple

from simulator.events import Json, Source
from simulator.wire.javascript import encode_component
from simulator.wire.query import parse


class Names(NamedTuple):
    """Under which parameters the source stands."""

    name: str
    content: str


UTM = Names("utm_source", "utm_content")


def texts_of(source: Source, names: Names) -> dict[str, str]:
    """What is known of a source, under the names that a format gives it."""
    given = ((names.name, source.name), (names.content, source.content), *source.others)
    return {key: value for key, value in given if value}


def values_of(source: Source, names: Names) -> dict[str, Json]:
    """The same among the values of a JSON object."""
    return dict(texts_of(source, names))


def address(appid: str, route: str, query: str, source: Source, names: Names = UTM) -> str:
    """The address of a page; route and query come percent-encoded.

    Raises:
        UriError: a source holds half of a surrogate pair.
    """
    named = [f"{key}={encode_component(value)}" for key, value in texts_of(source, names).items()]
    pairs = [query, *named] if query else named
    plain = f"app://{encode_component(appid)}/{route}"
    return f"{plain}?{'&'.join(pairs)}" if pairs else plain


def read_address(text: str, names: Names = UTM) -> tuple[str, str, str]:
    """Route, source and content in an address; a parameter that occurs twice counts as it stands last.

    Raises:
        WireError: a query larger than any tracker's.
    """
    plain, _, query = text.partition("#")[0].partition("?")
    _, scheme, rest = plain.partition("://")
    route = rest.partition("/")[2] if scheme else plain.removeprefix("/")
    fields, _ = parse(query)
    return route, fields.get(names.name, ""), fields.get(names.content, "")
