"""Values that a target file takes from the environment, hidden wherever a request or a reply is shown."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator, Mapping, Sequence

from simulator.verify.readers.secrets import Secrets

_IN_TEXT = re.compile(r"\{env\.([A-Za-z_][A-Za-z0-9_]{0,127})\}")


def hide_environment(secrets: Secrets, document: object) -> None:
    """Hide every variable that a document names, as `{env: NAME}` or as `{env.NAME}` in a template."""
    for name in _names(document):
        value = os.environ.get(name, "")
        if value:
            secrets.keep(value, name)


def _names(value: object) -> Iterator[str]:
    if isinstance(value, str):
        yield from _IN_TEXT.findall(value)
    elif isinstance(value, Mapping):
        if isinstance(name := value.get("env"), str):
            yield name
        for one in value.values():
            yield from _names(one)
    elif isinstance(value, Sequence):
        for one in value:
            yield from _names(one)
