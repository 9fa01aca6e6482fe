"""Texts of a target file that may come from the environment, because they are nobody's business: `{env: NAME}`.

A file names the variable and never holds its value; what the value is, is asked when it is needed (verify/readers/).
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Annotated

from pydantic import AfterValidator, BeforeValidator, WithJsonSchema

from simulator.errors import UsageError
from simulator.scenario.nearest import did_you_mean
from simulator.scenario.values import WrongAt, wrong

_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]{0,127}")
_KEYS = ("env", "before")
_LONGEST = 8_192
_LOOKS_SECRET = re.compile(
    r"(authorization|proxy-authorization|cookie|password|passwd|secret|token|token_auth|access_token|api_?key|"
    r"x-api-key|.*[_-](token|secret|password|key))",
    re.IGNORECASE,
)


@dataclass(frozen=True, slots=True)
class FromEnvironment:
    """A text that stands in an environment variable."""

    env: str  # the variable's name
    before: str = ""  # stands in front of its value, such as "Bearer "

    def __str__(self) -> str:
        return f"{self.before}{{env: {self.env}}}"


def _text(value: object) -> str | FromEnvironment:
    if isinstance(value, FromEnvironment):
        return value
    if not isinstance(value, str | Mapping):
        raise wrong("a text, or {env: NAME} for a value that is kept in the environment", value)
    if isinstance(value, str):
        if len(value) > _LONGEST:
            raise ValueError(f"expected at most {_LONGEST} characters, not {len(value)}")
        return value
    for key in value:
        if key not in _KEYS:
            raise ValueError(f"unknown key {key}{did_you_mean(str(key), _KEYS)}")
    name, before = value.get("env"), value.get("before", "")
    if not isinstance(name, str) or not _NAME.fullmatch(name):
        raise wrong("env: with the name of an environment variable, such as {env: READ_TOKEN}", name)
    if not isinstance(before, str):
        raise wrong('a text in front of the value, such as {env: READ_TOKEN, before: "Bearer "}', before)
    return FromEnvironment(name, before)


def looks_secret(name: str) -> bool:
    """Whether a header or a parameter of that name holds a secret."""
    return _LOOKS_SECRET.fullmatch(name) is not None


def only_by_name(value: str | FromEnvironment) -> str | FromEnvironment:
    """Refuse a secret that stands in a file.

    Raises:
        ValueError: it is a text, and no empty one.
    """
    if value == "":
        return value
    if not isinstance(value, FromEnvironment):
        raise ValueError("a secret does not belong into a file; write {env: NAME} and set that variable")  # noqa: TRY004
    return value


def _named(values: dict[str, str | FromEnvironment]) -> dict[str, str | FromEnvironment]:
    """Refuse a plain text under a name that says that it is a secret."""
    for name, value in values.items():
        if isinstance(value, str) and value and "{" not in value and looks_secret(name):
            raise WrongAt(f"{name} is a secret, which does not belong into a file; write {name}: {{env: NAME}}", name)
    return values


def resolved(text: str | FromEnvironment, environment: Mapping[str, str]) -> str:
    """The text, or what stands in front of what its variable holds, and that.

    Raises:
        UsageError: the variable is not set, or empty.
    """
    if isinstance(text, str):
        return text
    value = environment.get(text.env, "")
    if not value:
        raise UsageError(f"the environment variable {text.env} is not set, and the target takes a value from it")
    return text.before + value


_ENV_SCHEMA = {
    "type": "object",
    "properties": {
        "env": {"type": "string", "pattern": f"^{_NAME.pattern}$", "description": "Name of the environment variable."},
        "before": {"type": "string", "description": 'Stands in front of its value, such as "Bearer ".'},
    },
    "required": ["env"],
    "additionalProperties": False,
}

Text = Annotated[
    str | FromEnvironment,
    BeforeValidator(_text),
    WithJsonSchema({"anyOf": [{"type": "string"}, _ENV_SCHEMA]}),
]
Secret = Annotated[
    str | FromEnvironment, BeforeValidator(_text), AfterValidator(only_by_name), WithJsonSchema(_ENV_SCHEMA)
]
Texts = Annotated[dict[str, Text], AfterValidator(_named)]


def variables_in(value: object) -> Iterator[str]:
    """The names of the environment variables in a part of a target file, each as often as it stands there."""
    if isinstance(value, FromEnvironment):
        yield value.env
    elif isinstance(value, Mapping):
        for one in value.values():
            yield from variables_in(one)
    elif isinstance(value, Sequence) and not isinstance(value, str):
        for one in value:
            yield from variables_in(one)
    elif hasattr(value, "__pydantic_fields__"):
        yield from variables_in([getattr(value, name) for name in value.__pydantic_fields__])
