"""What a target file leaves to the environment: looked up when it is needed, and never in a text of ours.

Every error of a reader goes through `hidden`, so that what a library or a collector repeats of a secret is not told on.
"""

from __future__ import annotations

import os
from base64 import b64encode
from collections.abc import Mapping
from urllib.parse import quote, quote_plus

from simulator.scenario.secret import FromEnvironment, resolved

_SHORTEST = 4  # characters; hiding a shorter one would only spoil texts


class Secrets:
    """The environment as a target's readers see it. Its own text shows no value."""

    def __init__(self, environment: Mapping[str, str] | None = None) -> None:
        self._environment = os.environ if environment is None else environment
        self._known: dict[str, str] = {}  # a form of a value → what stands in its place

    def value(self, text: str | FromEnvironment) -> str:
        """The text, or what its variable holds.

        Raises:
            UsageError: the variable is not set, or empty.
        """
        value = resolved(text, self._environment)
        if isinstance(text, FromEnvironment):
            self.keep(value.removeprefix(text.before), text.env)
        return value

    def values(self, texts: Mapping[str, str | FromEnvironment]) -> dict[str, str]:
        """The same for each text of a map."""
        return {name: self.value(text) for name, text in texts.items()}

    def keep(self, value: str, name: str) -> None:
        """Hide a value from now on, and each form in which a request or a library would repeat it."""
        if len(value) < _SHORTEST:
            return
        shown = f"{{env: {name}}}"
        for form in (value, quote(value, safe=""), quote(value), quote_plus(value), repr(value)[1:-1]):
            self._known.setdefault(form, shown)
        self._known.setdefault(b64encode(value.encode()).decode(), shown)

    def hidden(self, text: str) -> str:
        """The text with the names of variables in the place of their values."""
        for form in sorted(self._known, key=len, reverse=True):
            text = text.replace(form, self._known[form])
        return text

    def __repr__(self) -> str:
        return f"Secrets({', '.join(sorted(set(self._known.values())))})"
