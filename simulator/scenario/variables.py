"""`{name}` in paths and events: what may stand there, and which names a text uses. Filling them is journey/."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping

# What every visitor has without a list of the file: its number, and a Chinese name and city.
BUILT_IN = ("visitor", "name", "city")
VARIABLE_NAME = r"^[a-z_][a-z0-9_]{0,63}$"

_IN_BRACES = re.compile(r"\{([^{}]*)\}")


def names_in(text: str) -> tuple[str, ...]:
    """Whatever stands in braces, in its order; also what can be no variable, such as `{SKU}`."""
    return tuple(_IN_BRACES.findall(text))


def texts_in(value: object) -> Iterator[str]:
    """Every text inside a value of YAML: itself, items of lists, values of maps (not their keys)."""
    if isinstance(value, str):
        yield value
    elif isinstance(value, Mapping):
        for item in value.values():
            yield from texts_in(item)
    elif isinstance(value, Iterable):
        for item in value:
            yield from texts_in(item)
