"""Values of the reading sections of a target file, and how each is checked: expressions, templates, queries, figures.

Each is pydantic's `Annotated`, as those of values.py. The sections are target_reading.py.
"""

from __future__ import annotations

import re
from typing import Annotated

import jmespath
from jmespath.exceptions import JMESPathError
from pydantic import AfterValidator, BeforeValidator, Discriminator, Field, Tag, WithJsonSchema

from simulator.contract import BY, METRICS
from simulator.scenario.log_format import parse_format
from simulator.scenario.nearest import did_you_mean
from simulator.scenario.placeholders import (
    OF_A_PAGE,
    OF_THE_RUN,
    SQL_NAMES,
    bound_in,
    check_names,
    check_placed,
    names_in,
)
from simulator.scenario.secret import Text
from simulator.scenario.values import shown, wrong

_BRACES = "one of your own is written {{name}}"


def _expression(text: str) -> str:
    try:
        jmespath.compile(text)
    except JMESPathError as bad:
        at = getattr(bad, "lex_position", getattr(bad, "lexer_position", None))
        where = "" if at is None else f" (it goes wrong at character {at + 1})"
        raise ValueError(f"this is no JMESPath expression: {shown(text)}{where}; expected such as data.rows") from bad
    return text


def check_of_a_request(texts: object) -> None:
    """Refuse names that nobody fills in the texts of a request, which may be one of several pages.

    Raises:
        WrongAt: the first of them.
    """
    check_placed(texts, (*OF_THE_RUN, *OF_A_PAGE), _BRACES)


def check_texts_of_the_run(texts: object) -> None:
    """Refuse names that nobody fills where there are no pages.

    Raises:
        WrongAt: the first of them.
    """
    check_placed(texts, OF_THE_RUN, _BRACES)


def check_of_the_run(text: str) -> str:
    """A text that is filled where there are no pages.

    Raises:
        ValueError: it has a name that nobody fills there.
    """
    check_names(names_in(text), OF_THE_RUN, _BRACES)
    return text


def _path(text: str) -> str:
    if not text.startswith("/") or re.search(r"\s", text):
        raise wrong("a path that begins with a slash, such as /api/stats", text)
    check_of_a_request(text)
    return text


def check_base(text: str) -> str:
    """A base URL: scheme, host and port, perhaps a path; no user, password, query.

    Raises:
        ValueError: anything else.
    """
    match = re.fullmatch(r"(https?)://([^/?#\s]+)(/[^?#\s]*)?", text)
    if match is None:
        raise wrong("a URL such as http://127.0.0.1:8080", text)
    if "@" in match[2]:
        raise ValueError("a user and a password do not belong into a URL; use auth with {env: NAME}")
    return text.rstrip("/")


def _query(text: str) -> str:
    check_names(bound_in(text), SQL_NAMES, "a colon of your own is written \\:", ":{}")
    if not re.match(r"(?:\s|--[^\n]*(?:\n|$)|/\*.*?\*/|\()*(?:select|with|values)\b", text, re.IGNORECASE | re.DOTALL):
        raise wrong("a query that begins with select or with", text.strip())
    return text


def _queries(value: object) -> object:
    return [value] if isinstance(value, str) else value


def _several(value: object) -> object:
    return value if isinstance(value, list) else [value]


def _argv(value: object) -> object:
    if not isinstance(value, list):
        raise ValueError(  # noqa: TRY004  what pydantic takes for a complaint
            f"expected a list of the program and its arguments, such as [python3, totals.py], not {shown(value)}; "
            "no shell reads it"
        )
    return value


def _format(text: str) -> str:
    parse_format(text)
    return text


Expression = Annotated[
    str, AfterValidator(_expression), WithJsonSchema({"type": "string", "description": "A JMESPath expression."})
]
Identities = Annotated[
    Annotated[Expression, Tag("<all>")] | Annotated[dict[str, Expression], Tag("<each>")],
    Discriminator(lambda value: "<all>" if isinstance(value, str) else "<each>"),
]
Query = Annotated[str, AfterValidator(_query)]
Queries = Annotated[
    list[Query],
    BeforeValidator(_queries),
    Field(min_length=1),
    WithJsonSchema({"anyOf": [{"type": "string"}, {"type": "array", "items": {"type": "string"}, "minItems": 1}]}),
]
Files = Annotated[
    list[Text], BeforeValidator(_several), Field(min_length=1), WithJsonSchema({"type": ["string", "array", "object"]})
]
Argv = Annotated[
    list[Annotated[str, AfterValidator(check_of_the_run)]], BeforeValidator(_argv), Field(min_length=1, max_length=100)
]
Pages = Annotated[int, Field(strict=True, ge=1, le=100_000)]
PathText = Annotated[str, AfterValidator(_path)]
BaseUrl = Annotated[str, AfterValidator(check_base)]
FormatText = Annotated[str, AfterValidator(_format)]


def _figure(text: str) -> str:
    metric, by, kind = text.partition(" by ")
    if text in METRICS or text in BY[1:]:
        return text
    if by and metric in METRICS and kind in BY:
        return text
    words = (*METRICS, *BY[1:])
    if by and metric in METRICS:
        raise ValueError(f"{shown(kind)} is no kind of cell{did_you_mean(kind, BY)}")
    raise ValueError(f"{shown(text)} is no figure{did_you_mean(metric, words)}, or such as opens by hour")


Figure = Annotated[str, AfterValidator(_figure)]


def figures_named(given: list[str]) -> frozenset[tuple[str, str]]:
    """(metric, kind of cell) of figures as they are written: "opens", "page", "uv by content"."""
    found = set()
    for text in given:
        metric, by, kind = text.partition(" by ")
        if by:
            found.add((metric, kind))
        elif text in METRICS:
            found.update((text, one) for one in BY)
        else:
            found.update((one, text) for one in METRICS)
    return frozenset(found)
