"""A template filled with fields, each escaped for where it stands, and read back from what was sent.

Nothing is evaluated: a template is texts and fields in a row. Reading back is for captured requests; where two fields
stand side by side with nothing between them, the first takes as little as it can.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from typing import Final
from urllib.parse import quote, unquote
from xml.sax.saxutils import escape, unescape

from simulator.events import Json
from simulator.scenario.event_template import FieldIn, fields_in, parse_template
from simulator.wire.javascript import encode_component, string
from simulator.wire.json_text import parse_json, stringify
from simulator.wire.query import parse
from simulator.wire.request import WireError

Fields = Mapping[str, Json]
Message = dict[str, Json]

LEFT_OUT: Final[Json] = {"": "left out"}  # a value whose only field is optional and empty; compared by identity
_VISIBLE = "".join(map(chr, range(0x20, 0x7F))).replace("%", "")  # what a header can hold, but for the escape itself
_QUOTE = {'"': "&quot;", "'": "&apos;", "\t": "&#9;", "\n": "&#10;", "\r": "&#13;"}
_NO_XML = re.compile("[^\t\n\r -\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


def as_text(value: Json) -> str:
    """A field inside a text: nothing for null, JSON for an object or array."""
    if value is None:
        return ""
    return stringify(value) if isinstance(value, (dict, list)) else string(value)


def fill_text(template: str, fields: Fields, escape_: Callable[[str], str]) -> str | None:
    """A template filled, its fields escaped; None where a field that may be left out is empty.

    Raises:
        UriError: half of a surrogate pair, where percent-encoding has no form for it.
    """
    filled = []
    for part in parse_template(template):
        if isinstance(part, FieldIn):
            text = as_text(fields[part.name])
            if part.optional and not text:
                return None
            filled.append(escape_(text))
        else:
            filled.append(part)
    return "".join(filled)


def fill_value(template: Json, fields: Fields) -> Json:
    """The same of a JSON value; LEFT_OUT where it is a text that is left out. Keys and items left out are not there."""
    if isinstance(template, str):
        parts = parse_template(template)
        if len(parts) == 1 and isinstance(parts[0], FieldIn):
            value = fields[parts[0].name]
            return LEFT_OUT if parts[0].optional and value in ("", None, {}) else value
        text = fill_text(template, fields, str)
        return LEFT_OUT if text is None else text
    if isinstance(template, dict):
        filled = {key: fill_value(one, fields) for key, one in template.items()}
        return {key: one for key, one in filled.items() if one is not LEFT_OUT}
    if isinstance(template, list):
        return [one for one in (fill_value(item, fields) for item in template) if one is not LEFT_OUT]
    return template


def match_text(template: str, text: str, plain_: Callable[[str], str]) -> Message:
    """The fields of a text that a template was filled to. Of a field that stands twice, the last.

    Args:
        plain_: takes a field's escapes off.

    Raises:
        WireError: it was not.
    """
    found = _matched(parse_template(template), text)
    if found is None:
        raise WireError(f"{text[:64]!r} is not of the form {template[:64]!r}")
    return {name: plain_(value) for name, value in found}


def _matched(parts: Sequence[str | FieldIn], text: str) -> list[tuple[str, str]] | None:
    """Each field with what stands there; in one pass, however hostile the text. None: it does not match."""
    begin, end = 0, len(text)
    if parts and isinstance(parts[-1], str):
        end -= len(parts[-1])
        if end < 0 or not text.endswith(parts[-1]):
            return None
        parts = parts[:-1]
    found: list[tuple[str, str]] = []
    waiting = ""  # the field whose end is not known yet
    for part in parts:
        if isinstance(part, FieldIn):
            if waiting:
                found.append((waiting, ""))
            waiting = part.name
            continue
        at = text.find(part, begin, end) if waiting else begin if text.startswith(part, begin, end) else -1
        if at < 0:
            return None
        if waiting:
            found.append((waiting, text[begin:at]))
        waiting, begin = "", at + len(part)
    if waiting:
        found.append((waiting, text[begin:end]))
    elif begin != end:
        return None
    return found


def match_value(template: Json, value: Json) -> Message:
    """The same of a JSON value; keys that the template does not have are passed over.

    Raises:
        WireError: it is not of the template's form.
    """
    if isinstance(template, str):
        parts = parse_template(template)
        if len(parts) == 1 and isinstance(parts[0], FieldIn):
            return {parts[0].name: value}
        if not isinstance(value, str):
            raise WireError(f"expected a text of the form {template[:64]!r}")
        return match_text(template, value, str)
    found: Message = {}
    if isinstance(template, dict):
        if not isinstance(value, dict):
            raise WireError("expected a JSON object")
        for key, one in template.items():
            if key in value:
                found |= match_value(one, value[key])
            elif not _may_be_left_out(one):
                raise WireError(f"the key {key} is missing")
        return found
    if isinstance(template, list):
        if not isinstance(value, list) or len(value) > len(template):
            raise WireError(f"expected a JSON array of {len(template)}")
        items = template if len(value) == len(template) else [one for one in template if not _may_be_left_out(one)]
        if len(items) != len(value):
            raise WireError(f"expected a JSON array of {len(template)}")
        for one, item in zip(items, value, strict=True):
            found |= match_value(one, item)
    return found


def _may_be_left_out(template: Json) -> bool:
    return isinstance(template, str) and any(field.optional for field in fields_in(template))


# ---- escapes ------------------------------------------------------------------------------------------------------


def plain(text: str) -> str:
    """Percent-decoded once; bytes that are no UTF-8 become U+FFFD."""
    return unquote(text)


def as_header(text: str) -> str:
    """A header's value: all but visible ASCII is percent-encoded, so that no value can end its line; so is a space at
    either end, which HTTP would take off."""
    kept = text.strip(" ")
    before, after = len(text) - len(text.lstrip(" ")), len(text) - len(text.rstrip(" "))
    written = quote(kept.encode("utf-8", "replace"), safe=_VISIBLE)
    return "%20" * before + written + "%20" * (after if kept else 0)


def from_header(text: str) -> str:
    """Its inverse."""
    return unquote(text)


def read_form(body: bytes) -> dict[str, str]:
    """The pairs of a form, where a plus is a space.

    Raises:
        WireError: larger than any tracker's.
    """
    return parse(body.decode("utf-8", "replace").replace("+", "%20"))[0]


def _as_form(text: str) -> str:
    return encode_component(text).replace("%20", "+")


def _as_json(text: str) -> str:
    return stringify(text)[1:-1]


def _from_json(text: str) -> str:
    value = parse_json(f'"{text}"')
    if not isinstance(value, str):
        raise WireError("no text of JSON")
    return value


def _as_xml(text: str) -> str:
    """Escaped for text and attribute, where line ends and tabs are kept by their numbers."""
    return escape(text, _QUOTE)


def as_xml_can(value: Json) -> Json:
    """A text as XML 1.0 can say it: what it has no form for is U+FFFD. Other values are what they are."""
    return _NO_XML.sub("\ufffd", value) if isinstance(value, str) else value


def _from_xml(text: str) -> str:
    return unescape(text, {value: key for key, value in _QUOTE.items()})


ESCAPES: Mapping[str, Callable[[str], str]] = {
    "url": encode_component,
    "form": _as_form,
    "json": _as_json,
    "xml": _as_xml,
    "from url": plain,
    "from json": _from_json,
    "from xml": _from_xml,
}
