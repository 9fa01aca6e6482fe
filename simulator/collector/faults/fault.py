"""What a fault says of itself, and the registry of all of them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from difflib import get_close_matches

from simulator.collector.options import CollectorOptions
from simulator.collector.parts import Collector
from simulator.contract import METRICS, Definitions, User, parse_opens
from simulator.errors import UsageError

Build = Callable[[CollectorOptions], Collector]


@dataclass(frozen=True, slots=True)
class Fault:
    """One way in which a collector is wrong, and how that has to come to light."""

    name: str
    family: str  # what is wrong: decoding, storing, labelling, users, opening
    does: str  # one sentence
    scenario: str  # the selftest scenario that covers it
    moves: tuple[str, ...]  # the metrics that must fail; empty where none can, as with a wrong lookup
    finding: str  # the code that must be among the findings
    build: Build  # the wrong collector
    one_visitor: bool = True  # one visitor's events alone show it; with a shared phone or mobile, one block's
    definitions: Definitions = field(default_factory=Definitions)  # to run under

    def __reduce__(self) -> tuple[Callable[[str], Fault], tuple[str]]:
        """A fault goes to another process by its name."""
        return named, (self.name,)


_registry: dict[str, Fault] = {}


def register(
    family: str,
    name: str,
    does: str,
    build: Build,
    *,
    scenario: str,
    moves: str,
    finding: str,
    one_visitor: bool = True,
    opens: str = "launch",
    user: User = "openid",
    day: str = "Asia/Shanghai",
) -> Fault:
    """Register a fault.

    Args:
        moves: the metrics, separated by spaces.

    Raises:
        ValueError: the name is taken, or a metric does not exist.
    """
    metrics = tuple(moves.split())
    if name in _registry or not set(metrics) <= set(METRICS):
        raise ValueError(f"fault {name}: the name is taken, or one of {metrics} is no metric")
    fault = Fault(
        name, family, does, scenario, metrics, finding, build, one_visitor, Definitions(parse_opens(opens), user, day)
    )
    _registry[name] = fault
    return fault


def registered() -> tuple[Fault, ...]:
    """Every fault, in the order of their registration."""
    return tuple(_registry.values())


def named(name: str) -> Fault:
    """The fault of that name.

    Raises:
        UsageError: there is none.
    """
    fault = _registry.get(name)
    if fault is None:
        near = get_close_matches(name, _registry, 1)
        hint = f"; did you mean {near[0]}?" if near else "; `mpsim selftest --list` names them"
        raise UsageError(f"no fault {name!r}{hint}")
    return fault
