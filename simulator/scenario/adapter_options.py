"""The kinds of values that an adapter's own options are of, and those that trackers have in common.

Each adapter's file (wire/) declares its options as a model of these, with its own defaults; so a target file's errors
have lines, and only scenario/ knows the library behind the models.
"""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from typing import Annotated, Any, TypeVar

from pydantic import AfterValidator, Field, ValidationError

from simulator.errors import UsageError
from simulator.scenario.secret import FromEnvironment, Text, only_by_name, resolved
from simulator.scenario.values import Duration, IdentityType, Model, place_of_mistake
from simulator.times import SECOND, Ms

EventPath = Annotated[
    str, Field(max_length=1_000, pattern=r"^(/[A-Za-z0-9._~!$&'()*+,;=:@%/\-]*)?$", description="Of the event request.")
]
UpTo25 = Annotated[int, Field(strict=True, ge=1, le=25, description="Most events in one request; no more are taken.")]
UpTo50 = Annotated[int, Field(strict=True, ge=1, le=50, description="Most events in one request; no more are taken.")]
UpTo2500 = Annotated[
    int, Field(strict=True, ge=1, le=2_500, description="Most events in one request; no more are taken.")
]
Size = Annotated[int, Field(strict=True, ge=1, le=10_000, description="Most events in one request.")]
Number = Annotated[int, Field(strict=True, ge=0, le=2**53)]
Words = Annotated[str, Field(max_length=256)]
_CARRIED = re.compile(r"[!-~]{1,1000}")
_KEY = re.compile(r"[!-~]{1,256}")
Hours = Annotated[int, Field(strict=True, ge=-12, le=14, description="Of the phones' zone from UTC.")]


def _key(key: str | FromEnvironment) -> str | FromEnvironment:
    if isinstance(key, str) and not _KEY.fullmatch(key):
        raise ValueError("expected 1 to 256 characters of visible ASCII, or {env: NAME}")
    return key


Key = Annotated[Text, AfterValidator(_key)]  # of an app, a project, a site: no secret, and yet not everybody's business
Secret = Annotated[Text, AfterValidator(only_by_name)]


def revealed(text: str | FromEnvironment) -> str:
    """The text of a key or a secret.

    Raises:
        UsageError: its variable is not set, or empty, or holds what no header or query can carry.
    """
    found = resolved(text, os.environ)
    if found and not _CARRIED.fullmatch(found):
        name = text.env if isinstance(text, FromEnvironment) else "the key"
        raise UsageError(f"{name} holds more than 1000 characters, or others than visible ASCII")
    return found


class PathOptions(Model):
    """Where events go, if not where the adapter sends them on its own."""

    path: EventPath = ""

    @property
    def fixed_path(self) -> str:
        """The path, where it is one and the same for all events; empty where nothing is said."""
        return self.path


Own = TypeVar("Own", bound=PathOptions)


def read_options(adapter: str, model: type[Own], given: Mapping[str, Any]) -> Own:
    """An adapter's own options, held against its model; what stands in a file is checked there, where lines are known.

    Raises:
        UsageError: what does not fit.
    """
    try:
        return model.model_validate(dict(given))
    except ValidationError as error:
        wrongs = [
            f"{'.'.join(map(str, place_of_mistake(one))) or 'options'}: {one['msg'].removeprefix('Value error, ')}"
            for one in error.errors(include_url=False)
        ]
        raise UsageError(f"the adapter {adapter}: {'; '.join(wrongs)}") from error


class UserOptions(PathOptions):
    """Of a wire that names one kind of user."""

    user: IdentityType = Field(
        default="applet-wechat", description="Type of the pushed identity that is sent as the user's id."
    )


class BatchOptions(PathOptions):
    """Of a tracker that gathers events."""

    batch: Size = Field(default=1, description="A request leaves with so many events at the latest.")
    every: Duration = Field(default=Ms(5 * SECOND), description="And so long after the first of its events.")


class SessionOptions(PathOptions):
    """Of a wire that has sessions of the tracker's own."""

    session: Duration = Field(
        default=Ms(30 * SECOND), description="After longer than this, a visitor begins another session."
    )
