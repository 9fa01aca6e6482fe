"""`inspect.toml` beside a mini program: what its source does not tell, and which rules matter how much.

What the application's own backend answers is a file of its own (runtime/backend.py).

    tracker = "utils/cl_tracker.js"           # where the tracker is, if it has another name
    domains = ["cbe.convertlab.com"]          # the list of legal request domains
    [rules]
    event-time = "warning"                    # off, info, warning, error

A command line's options go before the file's. Secrets have no place here: nothing is sent anywhere.
"""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from dataclasses import field
from pathlib import Path
from typing import Any

from simulator.errors import UsageError
from simulator.immutable import immutable
from simulator.inspect.inspection import checked_code, checked_level
from simulator.inspect.rule import Level
from simulator.scenario.nearest import did_you_mean

FILE = "inspect.toml"
_MOST_BYTES = 1 << 20
_KEYS = ("tracker", "domains", "events", "identity_types", "rules")


@immutable(frozen=True, slots=True)
class Config:
    """What a file says; empty where there is none."""

    tracker: str = ""
    domains: frozenset[str] | None = None  # None: nobody told
    events: frozenset[str] = frozenset()  # registered beside those of the scenario
    identity_types: frozenset[str] = frozenset()  # declared beside those of the scenario
    rules: Mapping[str, Level] = field(default_factory=dict)


def read_config(file: Path) -> Config:
    """The file's values.

    Raises:
        UsageError: no such file, no TOML, or a key or value that does not fit.
    """
    try:
        with file.open("rb") as opened:
            given = tomllib.loads(opened.read(_MOST_BYTES).decode())
    except OSError as missing:
        raise UsageError(f"{file} cannot be read: {missing.strerror}") from None
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as bad:
        raise UsageError(f"{file}: no TOML: {bad}") from None
    try:
        return _config(given)
    except UsageError as wrong:
        raise UsageError(f"{file}: {wrong}") from None


def _config(given: Mapping[str, Any]) -> Config:
    for key in given:
        if key not in _KEYS:
            raise UsageError(f"unknown key {key}{did_you_mean(key, _KEYS)}")
    rules = given.get("rules", {})
    if not isinstance(rules, dict):
        raise UsageError('rules: expected a table such as [rules] with event-time = "warning"')
    tracker = given.get("tracker", "")
    if not isinstance(tracker, str):
        raise UsageError('tracker: expected a file such as "utils/cl_tracker.js"')
    return Config(
        tracker=tracker,
        domains=frozenset(map(str.lower, _texts(given, "domains"))) if "domains" in given else None,
        events=frozenset(_texts(given, "events")),
        identity_types=frozenset(_texts(given, "identity_types")),
        rules={checked_code(code): checked_level(code, str(level)) for code, level in rules.items()},
    )


def _texts(given: Mapping[str, Any], key: str) -> list[str]:
    value = given.get(key, [])
    if not isinstance(value, list) or not all(isinstance(one, str) for one in value):
        raise UsageError(f"{key}: expected a list of texts")
    return value


def read_domains(file: Path) -> frozenset[str]:
    """A list of legal request domains: one a line, `#` begins a remark; a scheme in front is taken off.

    Raises:
        UsageError: no such file, or not text.
    """
    try:
        with file.open("rb") as opened:
            text = opened.read(_MOST_BYTES).decode()
    except OSError as missing:
        raise UsageError(f"--domains {file} cannot be read: {missing.strerror}") from None
    except UnicodeDecodeError:
        raise UsageError(f"--domains {file} is no UTF-8") from None
    lines = (line.partition("#")[0].strip().lower() for line in text.splitlines())
    return frozenset(line.removeprefix("https://").rstrip("/") for line in lines if line)
