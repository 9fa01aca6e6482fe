"""Figures and events out of a JSON document, by the JMESPath expressions of a target file.

A document is bounded before it comes here; an expression that finds nothing leaves its figure unread, and says so.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from functools import lru_cache
from itertools import islice
from typing import Any

import jmespath
from jmespath.exceptions import JMESPathError
from jmespath.parser import ParsedResult

from simulator.contract import METRICS
from simulator.events import Identity
from simulator.scenario.nearest import nearest
from simulator.scenario.target_reading import EventFields, FiguresSection
from simulator.times import Ms, parse_instant
from simulator.verify.readers.events import LONGEST_FIELD, TOLD, StoredEvent
from simulator.verify.readers.fetch import Unreadable, start_of
from simulator.verify.readers.figures import Figures, Nothing

Row = tuple[object, Mapping[str, object]]  # the cell, and metric → value

_MOST = 1 << 62  # a number above it is kept nowhere
_KEYS = re.compile(r"[A-Za-z_]\w*(?:\.[A-Za-z_]\w*)*", re.ASCII)  # an expression of keys alone
_MOST_KEYS = 1_000  # among which a near one is looked for
_SHOWN, _KEY = 8, 40  # keys of an object that are shown, and characters of each
_SECONDS = 100_000_000_000  # a number below it is an instant in seconds: so many milliseconds are of 1973


@lru_cache(maxsize=512)
def compiled(expression: str) -> ParsedResult:
    """A JMESPath expression of a target file, which was checked when that was read."""
    return jmespath.compile(expression)


def found(expression: str | None, document: object) -> Any:
    """What an expression finds; the document itself where there is none.

    Raises:
        Unreadable: it cannot be applied to this document.
    """
    if expression is None:
        return document
    try:
        return compiled(expression).search(document)
    except (JMESPathError, RecursionError, TypeError, ValueError) as bad:
        raise Unreadable(f"{expression} cannot be applied to it: {str(bad)[:120]}") from bad


def nothing_at(expression: str, document: object) -> str:
    """Why an expression finds nothing, in a sentence: how far its keys lead, and what there is instead."""
    reached, missing = "it", expression
    if _KEYS.fullmatch(expression):
        keys = expression.split(".")
        while len(keys) > 1 and isinstance(document, dict) and document.get(keys[0]) is not None:
            reached = keys[0] if reached == "it" else f"{reached}.{keys[0]}"
            document = document[keys.pop(0)]
        missing = keys[0]
    known = list(islice(document, _MOST_KEYS)) if isinstance(document, dict) else []
    if missing in known and _KEYS.fullmatch(expression):
        return f"{expression} is null"
    near = nearest(missing, known)
    hint = f" (did you mean {near[:64]!r}?)" if near is not None else ""
    return f"{expression} finds nothing, and {reached} holds {_held(document)}{hint}"


def _held(value: object) -> str:
    """What a value is, in a few words: never more of it than its first keys or characters."""
    if isinstance(value, dict):
        keys = ", ".join(repr(str(key)[:_KEY]) for key in islice(value, _SHOWN))
        return f"the keys {keys}{', …' if len(value) > _SHOWN else ''}" if keys else "no key"
    if isinstance(value, list):
        return f"a list of {len(value):,}" if value else "an empty list"
    return repr(value)[:60]


def _told(expression: str | None, value: object, document: object) -> str:
    """What an expression found instead of what was expected."""
    return _held(value) if value is not None or expression is None else nothing_at(expression, document)


def parsed(body: bytes) -> Any:
    """The document of a text.

    Raises:
        Unreadable: it is no JSON.
    """
    try:
        return json.loads(body)
    except (ValueError, RecursionError) as bad:
        raise Unreadable(f"not JSON: {start_of(body)}") from bad


# ---- figures ------------------------------------------------------------------------------------------------------


def figures_in(document: object, section: FiguresSection) -> list[Row]:
    """The rows of one page of a document, with their values.

    Raises:
        Unreadable: no rows where they are said to stand, or a row without a cell.
    """
    metrics = {metric: getattr(section, metric) for metric in section.metrics}
    return [
        (cell, {metric: _figure(expression, row) for metric, expression in metrics.items()})
        for cell, row in _rows(document, section)
    ]


def _figure(expression: str, row: object) -> object:
    value = found(expression, row)
    return Nothing(nothing_at(expression, row)) if value is None else value


def _rows(document: object, section: FiguresSection) -> Iterator[tuple[object, object]]:
    rows = found(section.rows, document)
    if section.by == "all":
        if isinstance(rows, list):
            if len(rows) != 1:
                raise Unreadable(f"{len(rows)} rows{_at(section)}, where the total is one")
            rows = rows[0]
        yield "", rows
        return
    if isinstance(rows, dict) and section.cell is None:
        yield from rows.items()
        return
    if isinstance(rows, dict):
        rows = list(rows.values())
    if not isinstance(rows, list):
        raise Unreadable(f"no rows{_at(section)}: {_told(section.rows, rows, document)}")
    if section.cell is None and rows:
        raise Unreadable(f"the rows{_at(section)} are a list; say with cell: where each has its name")
    for row in rows:
        yield found(section.cell, row), row


def _at(section: FiguresSection) -> str:
    return f" at {section.rows}" if section.rows else ""


def take_cells(document: object, figures: Figures) -> None:
    """Take a document in the shape of the readings themselves: {"source": {"ad": {"pv": 1, …}}, …}."""
    if not isinstance(document, dict):
        for by in figures.kinds:
            figures.wrong(by, f'no keys such as "all" in it: {str(document)[:60]!r}')
        return
    for by in figures.kinds:
        cells = document.get(by)
        if cells is None:
            continue
        with figures.reading(by, by):
            if not isinstance(cells, dict) or not all(isinstance(values, dict) for values in cells.values()):
                raise Unreadable("expected cells with their figures")
            spoken = {metric for values in cells.values() for metric in METRICS if metric in values}
            figures.add(by, cells.items(), spoken if cells else METRICS)


# ---- events -------------------------------------------------------------------------------------------------------


def fields_of(section: EventFields) -> frozenset[str]:
    """The fields of a StoredEvent that a section gives."""
    return frozenset(name for name in TOLD if getattr(section, name))


def compared_of(section: EventFields) -> frozenset[str]:
    """Those of them that are compared with the plan."""
    given = fields_of(section)
    return given if section.compare is None else given & {*section.compare, "external_id"}


def event_in(item: object, section: EventFields, cursor: int) -> StoredEvent:
    """One stored event out of an item of a list.

    Raises:
        Unreadable: no id, or an instant that cannot be read.
    """
    identifier = found(section.external_id, item)
    if not isinstance(identifier, str | int) or isinstance(identifier, bool):
        raise Unreadable(
            f"{section.external_id} finds no id in an item: {_told(section.external_id, identifier, item)}"
        )
    text = {
        name: _text(found(getattr(section, name), item))
        for name in ("event", "anonymous_id", "source", "content", "page", "session", "user")
        if getattr(section, name) is not None
    }
    return StoredEvent(
        cursor,
        str(identifier)[:LONGEST_FIELD],
        text.get("event", ""),
        _instant(section.date, item),
        text.get("anonymous_id", ""),
        _identities(section.identities, item),
        text.get("source", ""),
        text.get("content", ""),
        text.get("page", "").removeprefix("/"),
        _instant(section.received, item),
        "",
        section.action_of(text.get("event", "")),
        text.get("session", ""),
        text.get("user", ""),
    )


def _identities(where: str | Mapping[str, str], item: object) -> tuple[Identity, ...]:
    if isinstance(where, str):
        return identities_of(found(where, item))
    return tuple(
        Identity(kind, value) for kind, expression in where.items() if (value := _text(found(expression, item)))
    )


def identities_of(value: object) -> tuple[Identity, ...]:
    """Identities as a collector keeps them together: an object of type and value or a list of pairs, or that as JSON.

    Raises:
        Unreadable: neither, and not nothing.
    """
    if value is None or value == "":
        return ()
    try:
        given = json.loads(value) if isinstance(value, str | bytes) else value
    except (ValueError, RecursionError) as bad:
        raise Unreadable(f"identities are expected as JSON, not {str(value)[:40]!r}") from bad
    pairs = list(given.items()) if isinstance(given, dict) else given
    if not isinstance(pairs, list) or not all(isinstance(pair, list | tuple) and len(pair) == 2 for pair in pairs):
        raise Unreadable(f"identities are expected as an object or pairs of type and value, not {str(value)[:40]!r}")
    return tuple(Identity(str(kind)[:LONGEST_FIELD], text) for kind, one in pairs if (text := _text(one)))


def _text(value: object) -> str:
    if isinstance(value, str):
        return value[:LONGEST_FIELD]
    return str(value) if isinstance(value, int) and not isinstance(value, bool) else ""


def _instant(expression: str | None, item: object) -> Ms | None:
    return None if expression is None else instant_of(found(expression, item))


def instant_of(value: object) -> Ms | None:
    """An instant as a collector writes it: ISO 8601 with an offset, or seconds or milliseconds since 1970.

    Raises:
        Unreadable: neither, and not nothing.
    """
    if value is None or value == "":
        return None
    try:
        if isinstance(value, str):
            return parse_instant(value) if not value.isdecimal() else instant_of(int(value))
        if isinstance(value, int | float) and not isinstance(value, bool) and abs(value) < _MOST:
            return Ms(round(value * 1000)) if abs(value) < _SECONDS else Ms(round(value))
    except (ValueError, OverflowError):
        pass
    raise Unreadable(
        f"an instant is expected as ISO 8601 with an offset or a number since 1970, not {str(value)[:40]!r}"
    )


def listed(rows: object, section: str | None) -> list[object]:
    """The items of a list.

    Raises:
        Unreadable: it is none.
    """
    items = found(section, rows)
    if not isinstance(items, list):
        where = f" at {section}" if section else ""
        raise Unreadable(f"no list of events{where}: {_told(section, items, rows)}")
    return items
