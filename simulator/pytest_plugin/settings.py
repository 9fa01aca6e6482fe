"""The plugin's options: each on pytest's command line, and by its name with underscores in an ini file.

They mean what they mean for `mpsim run`, for every collected scenario and for the fixture `run_scenario`; one that is
not given leaves the value to the scenario file.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import pytest


@dataclass(frozen=True, slots=True)
class Option:
    """One option of the plugin."""

    name: str  # the argument of simulator.api.run_scenario
    text: str  # after --mpsim-
    metavar: str
    help: str
    several: bool = False
    is_path: bool = False  # or may be one
    least: int | None = None  # of a whole number; None: a text


OPTIONS = (
    Option(
        "target", "target", "URL|FILE", "collector to send to; without it the embedded one is started", is_path=True
    ),
    Option("visitors", "visitors", "N", "instead of each scenario's count", least=1),
    Option("seed", "seed", "N", "draws another plan", least=0),
    Option("speed", "speed", "S", 'event time per wall time, or "flood": nobody waits'),
    Option("contract", "contract", "NAME|FILE", "definitions and promises of the collector", is_path=True),
    Option("adapter", "adapter", "NAME", "wire format of the events"),
    Option("token_variable", "token-env", "NAME", "environment variable with the target's access token"),
    Option("allowed_hosts", "allow-host", "HOST", "load may go to this host, or be read there", several=True),
    Option(
        "out",
        "out",
        "DIR",
        "run directories are made here, and kept; without it they are pytest's to keep",
        is_path=True,
    ),
)


@dataclass(frozen=True, slots=True)
class Settings:
    """What the session was asked for."""

    given: dict[str, Any]  # by Option.name; what was not given is not there
    out: Path | None = None

    def for_run(self) -> dict[str, Any]:
        """Arguments of simulator.api.run_scenario."""
        return dict(self.given)


def add_options(parser: pytest.Parser) -> None:
    """Add them all, as options and as ini names."""
    group = parser.getgroup("mpsim", "scenarios of WeChat mini-program analytics (mpsim)")
    for option in OPTIONS:
        shared: dict[str, Any] = {"dest": _ini(option), "metavar": option.metavar, "help": f"mpsim: {option.help}"}
        group.addoption(
            f"--mpsim-{option.text}", default=None, action="append" if option.several else "store", **shared
        )
        kind: Literal["linelist", "string"] = "linelist" if option.several else "string"
        parser.addini(_ini(option), f"{option.help} (as --mpsim-{option.text})", type=kind, default=None)


def settings_of(config: pytest.Config) -> Settings:
    """What is asked for: the command line before the ini file.

    Raises:
        pytest.UsageError: a number that is none.
    """
    given: dict[str, Any] = {}
    for option in OPTIONS:
        typed, written = config.getoption(_ini(option), default=None), config.getini(_ini(option))
        if typed:
            given[option.name] = _read(option, typed)
        elif written:
            value = _read(option, written)
            beside = config.rootpath / str(value)
            given[option.name] = str(beside) if option.is_path and (option.name == "out" or beside.exists()) else value
    out = given.pop("out", None)
    return Settings(given, None if out is None else config.invocation_params.dir / out)


def _ini(option: Option) -> str:
    return f"mpsim_{option.text.replace('-', '_')}"


def _read(option: Option, value: Any) -> Any:
    if option.several:
        return tuple(value)
    if option.least is None:
        return value
    if not str(value).isdecimal() or int(value) < option.least:
        raise pytest.UsageError(
            f"--mpsim-{option.text} or {_ini(option)}: expected a whole number from {option.least}, not {value!r}"
        )
    return int(value)
