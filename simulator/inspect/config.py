"""`inspect.toml` beside a mini program: what its source does not tell, and which rules matter how much.

    tracker = "utils/cl_tracker.js"           # where the tracker is, if it has another name
    domains = ["cbe.convertlab.com"]          # the list of legal request domains
    [rules]
    event-time = "warning"                    # off, info, warning, error
    [[backend]]                               # what the app's own backend answers; anything else gets {}
    url = "https://api.shop.example/login"    # * stands for anything
    answer = {openid = "{applet-wechat}"}     # an identity of the visitor; without it the key is left out
    status = 200
    after = "80ms"

A command line's options go before the file's. Secrets have no place here: nothing is sent anywhere.
"""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from dataclasses import field
from pathlib import Path
from typing import Any

from simulator.errors import UsageError
from simulator.events import Json
from simulator.immutable import immutable
from simulator.inspect.inspection import checked_code, checked_level
from simulator.inspect.rule import Level
from simulator.scenario.nearest import did_you_mean
from simulator.times import Ms, parse_duration

FILE = "inspect.toml"
_MOST_BYTES = 1 << 20
_KEYS = ("tracker", "domains", "events", "identity_types", "rules", "backend")
_BACKEND_KEYS = ("url", "answer", "status", "after")
_USUAL_AFTER = Ms(80)


@immutable(frozen=True, slots=True)
class BackendRule:
    """What the application's own backend answers to some of its requests."""

    url: str  # with * for anything; method and query play no part where it has none
    answer: Json
    status: int = 200
    after: Ms = _USUAL_AFTER


@immutable(frozen=True, slots=True)
class Config:
    """What a file says; empty where there is none."""

    tracker: str = ""
    domains: frozenset[str] | None = None  # None: nobody told
    events: frozenset[str] = frozenset()  # registered beside those of the scenario
    identity_types: frozenset[str] = frozenset()  # declared beside those of the scenario
    rules: Mapping[str, Level] = field(default_factory=dict)
    backend: tuple[BackendRule, ...] = ()


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
    _check_keys(given, _KEYS, "")
    rules = given.get("rules", {})
    if not isinstance(rules, dict):
        raise UsageError('rules: expected a table such as [rules] with event-time = "warning"')
    backend = given.get("backend", [])
    if not isinstance(backend, list) or not all(isinstance(one, dict) for one in backend):
        raise UsageError("backend: expected tables [[backend]] with url and answer")
    tracker = given.get("tracker", "")
    if not isinstance(tracker, str):
        raise UsageError('tracker: expected a file such as "utils/cl_tracker.js"')
    return Config(
        tracker=tracker,
        domains=frozenset(map(str.lower, _texts(given, "domains"))) if "domains" in given else None,
        events=frozenset(_texts(given, "events")),
        identity_types=frozenset(_texts(given, "identity_types")),
        rules={checked_code(code): checked_level(code, str(level)) for code, level in rules.items()},
        backend=tuple(_backend(one, f"backend {place}") for place, one in enumerate(backend, start=1)),
    )


def _backend(given: Mapping[str, Any], place: str) -> BackendRule:
    _check_keys(given, _BACKEND_KEYS, f"{place}: ")
    url, status, after = given.get("url"), given.get("status", 200), given.get("after", "80ms")
    if not isinstance(url, str) or not url.startswith(("https://", "http://")):
        raise UsageError(f'{place}: url: expected one such as "https://api.shop.example/login"')
    if not isinstance(status, int) or not 200 <= status <= 599:
        raise UsageError(f"{place}: status: expected a number from 200 to 599, not {status!r}")
    try:
        wait = parse_duration(after) if isinstance(after, str) else None
    except ValueError as wrong:
        raise UsageError(f"{place}: after: {wrong}") from None
    if wait is None:
        raise UsageError(f'{place}: after: expected a duration such as "80ms"')
    return BackendRule(url, given.get("answer", {}), status, wait)


def _texts(given: Mapping[str, Any], key: str) -> list[str]:
    value = given.get(key, [])
    if not isinstance(value, list) or not all(isinstance(one, str) for one in value):
        raise UsageError(f"{key}: expected a list of texts")
    return value


def _check_keys(given: Mapping[str, Any], known: tuple[str, ...], place: str) -> None:
    for key in given:
        if key not in known:
            raise UsageError(f"{place}unknown key {key}; expected {', '.join(known)}{did_you_mean(key, known)}")


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
