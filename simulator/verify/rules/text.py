"""What a text may have become on its way into a row or a cell."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from functools import partial
from urllib.parse import unquote, unquote_plus


def _ascii_head(text: str) -> str:
    return next((text[:place] for place, character in enumerate(text) if not character.isascii()), text)


def _bytes(text: str, length: int) -> str:
    return text.encode(errors="replace")[:length].decode(errors="ignore")


def _head(text: str, length: int) -> str:
    return text[:length]


def _plus_as_blank(text: str) -> str:
    return text.replace("+", " ")


def _last_part(text: str) -> str:
    return text.rpartition("/")[2]


def _first_part(text: str) -> str:
    return text.partition("/")[0]


TEXTS: tuple[tuple[str, Callable[[str], str]], ...] = (
    ("in lower case", str.lower),
    ("in upper case", str.upper),
    ("with blanks stripped", str.strip),
    ("percent-decoded once more", unquote),
    ("with a blank for each plus sign", _plus_as_blank),
    ("percent-decoded once more, with a blank for each plus sign", unquote_plus),
    ("as the last part of its path", _last_part),
    ("as the first part of its path", _first_part),
    ("cut at the first character beyond ASCII", _ascii_head),
    ("cut to 255 bytes", partial(_bytes, length=255)),
    *((f"cut to {length} bytes", partial(_bytes, length=length)) for length in (128, 64, 32, 16)),
    *((f"cut to {length} characters", partial(_head, length=length)) for length in (128, 100, 64, 50, 32, 20, 16, 8)),
)


def what_changed(changes: Iterable[tuple[str, str]]) -> str:
    """How each stored text came from the planned one: "in lower case" …; empty where no one way explains all."""
    pairs = list(changes)
    if not pairs:
        return ""
    return next((text for text, change in TEXTS if all(change(planned) == stored for planned, stored in pairs)), "")
