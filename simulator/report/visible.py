"""Text from outside made harmless and honest: what cannot be seen, or would be obeyed, is spelt out.

A cell named by a collector can hold terminal commands, marks that turn text around, or a space at its end. In a
report two names that differ must look different, and none may do anything. Escaping for HTML and XML is the writers'.
"""

from __future__ import annotations

import re
import unicodedata

_OBEYED = {"Cc", "Cf", "Cs", "Co", "Zl", "Zp"}  # controls, invisible formats, lone surrogates, private, separators
_LIMIT = 300  # characters of one name; a report stays readable and small whatever a collector sends
_NONCHARACTER = re.compile("[\ufdd0-\ufdef\ufffe\uffff]")  # forbidden in XML, or never text


def visible(text: str, limit: int = _LIMIT) -> str:
    """A name on one line, with every character that is not plainly visible written as its code, such as \\u200b.

    Two different names stay different: a backslash is doubled, and text that begins or ends with a space, holds two
    in a row or begins with a quote comes in quotes. Longer than `limit` (exactly `limit` is not), the middle gives
    way to a remark that says how much is missing: long names often differ at their end.
    """
    shown = "".join(map(_spelt, _shorten(text, limit).replace("\\", "\\\\")))
    if shown != shown.strip(" ") or "  " in shown or shown.startswith('"'):
        return '"' + shown.replace('"', '\\"') + '"'
    return shown


def visible_lines(text: str, limit: int = 4_000) -> str:
    """The same for sentences of our own that quote names from outside: line breaks stay, no quotes are added."""
    lines = _shorten(text, limit).splitlines() or [""]
    return "\n".join("".join(map(_spelt, line)) for line in lines)


def _shorten(text: str, limit: int) -> str:
    if len(text) <= limit:
        return text
    tail = limit // 4
    missing = len(text) - limit
    return f"{text[: limit - tail]} … {missing} characters … {text[-tail:]}"


def _spelt(character: str) -> str:
    if character == " " or (" " < character <= "~"):
        return character
    category = unicodedata.category(character)
    if category in _OBEYED or category == "Zs" or _is_noncharacter(character):
        code = ord(character)
        if code <= 0xFF:
            return f"\\x{code:02x}"
        return f"\\u{code:04x}" if code <= 0xFFFF else f"\\U{code:08x}"
    return character


def _is_noncharacter(character: str) -> bool:
    return bool(_NONCHARACTER.match(character)) or ord(character) & 0xFFFE == 0xFFFE
