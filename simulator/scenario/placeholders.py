"""`{name}` in the requests, commands and (as `:name`) queries of a target file: what may stand there, and filling it.

The values of a run and a period are put together where they are known (verify/readers/setting.py).
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator, Mapping
from types import MappingProxyType
from typing import Final

from simulator.scenario.nearest import meaning
from simulator.scenario.values import WrongAt

OF_THE_RUN: Final = MappingProxyType(
    {
        "from": "begin of the judged period, such as 2026-03-01T00:00:00.000Z",
        "to": "its end, which lies outside",
        "from_ms": "the begin in milliseconds since 1970",
        "to_ms": "the end likewise",
        "from_s": "the begin in seconds since 1970",
        "to_s": "the end likewise",
        "from_day": "the day of the begin in the day's zone, such as 2026-03-01",
        "to_day": "the last day of the period",
        "created": "when the run was made, less the contract's clock_bound: nothing of the run is older",
        "namespace": "the run's namespace, which begins each event's id where that is {id} or externalId",
        "zone": "the zone of hours and days, such as Asia/Shanghai",
        "appid": "the scenario's appid",
        "tenant": "the scenario's tenant",
    }
)
OF_A_PAGE: Final = MappingProxyType(
    {
        "cursor": "what the last page said to go on from; empty at first",
        "page": "number of the page",
        "offset": "how many rows were read before",
    }
)
SQL_NAMES = tuple(OF_THE_RUN)

_MEANT: Final = MappingProxyType(
    {
        "begin": "from", "start": "from", "since": "from", "startms": "from_ms", "starttime": "from",
        "begindate": "from_day", "startdate": "from_day", "end": "to", "until": "to", "endms": "to_ms", "endtime": "to",
        "enddate": "to_day", "run": "namespace", "runid": "namespace", "prefix": "namespace", "timezone": "zone",
        "tz": "zone", "app": "appid",
    }
)  # fmt: skip

_IN_BRACES = re.compile(r"\{(?:(\{[A-Za-z_]\w{0,63}\})|([A-Za-z_]\w{0,63}))\}")
# As SQLAlchemy finds them: not behind a word, a colon or a backslash, and not before a colon (a cast of PostgreSQL).
_BOUND = re.compile(r"(?<![:\w\\]):(\w+)(?!:)")


def names_in(text: str) -> list[str]:
    """The names in braces, in their order."""
    return [match[2] for match in _IN_BRACES.finditer(text) if match[2]]


def bound_in(query: str) -> list[str]:
    """The names behind a colon in a query, in their order."""
    return _BOUND.findall(query)


def check_names(names: Collection[str], known: Collection[str], write: str, form: str = "{{{}}}") -> None:
    """Refuse names that nobody fills.

    Args:
        write: how a literal one is written.
        form: how a name stands in the text.

    Raises:
        ValueError: the first of them.
    """
    for name in names:
        if name not in known:
            raise ValueError(f"nobody knows {form.format(name)}{meaning(name, known, _MEANT)} ({write})")


def fill(text: str, values: Mapping[str, str]) -> str:
    """The text with its names replaced; `{{name}}` is {name}, and all other braces are what they are."""

    def one(match: re.Match[str]) -> str:
        return values[match[2]] if match[2] else match[1]

    return _IN_BRACES.sub(one, text)


def fill_all(value: object, values: Mapping[str, str]) -> object:
    """The same in every text of a JSON value; not in keys."""
    if isinstance(value, str):
        return fill(value, values)
    if isinstance(value, Mapping):
        return {key: fill_all(one, values) for key, one in value.items()}
    if isinstance(value, list | tuple):
        return [fill_all(one, values) for one in value]
    return value


def texts_in(value: object) -> list[str]:
    """Every text in a JSON value; not its keys."""
    return [text for text, _ in placed_texts(value)]


def placed_texts(value: object, *keys: str | int) -> Iterator[tuple[str, tuple[str | int, ...]]]:
    """The same with the keys that lead to each."""
    if isinstance(value, str):
        yield value, keys
    elif isinstance(value, Mapping):
        for key, one in value.items():
            yield from placed_texts(one, *keys, str(key))
    elif isinstance(value, list | tuple):
        for place, one in enumerate(value):
            yield from placed_texts(one, *keys, place)


def check_placed(value: object, known: Collection[str], write: str, *keys: str | int) -> None:
    """Refuse names that nobody fills in any text of a JSON value.

    Args:
        keys: that lead to the value.

    Raises:
        WrongAt: the first of them.
    """
    for text, where in placed_texts(value, *keys):
        try:
            check_names(names_in(text), known, write)
        except ValueError as wrong:
            raise WrongAt(str(wrong), *where) from wrong
