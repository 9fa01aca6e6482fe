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
    may_move: tuple[str, ...]  # those that fail as well, or not: it depends on who is struck
    findings: tuple[str, ...]  # the codes of the findings, these and no others; the first says what is wrong
    build: Build  # the wrong collector
    one_visitor: bool = True  # one visitor's events alone show it; with a shared phone or mobile, one block's
    definitions: Definitions = field(default_factory=Definitions)  # to run under

    @property
    def finding(self) -> str:
        """The code of the finding that says what is wrong; the others come with it."""
        return self.findings[0]

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
    may_move: str = "",
    one_visitor: bool = True,
    opens: str = "launch",
    user: User = "openid",
    day: str = "Asia/Shanghai",
) -> Fault:
    """Register a fault.

    Args:
        moves, may_move: the metrics, separated by spaces.
        finding: the code of the finding, with those of the findings that come with it behind.

    Raises:
        ValueError: the name is taken, no finding is named, or a metric does not exist or is named twice.
    """
    metrics, others = tuple(moves.split()), tuple(may_move.split())
    named_once = len({*metrics, *others}) == len(metrics) + len(others)
    if name in _registry or not finding or not named_once or not {*metrics, *others} <= set(METRICS):
        raise ValueError(f"fault {name}: the name is taken, or one of {metrics + others} is no metric, or twice there")
    definitions = Definitions(parse_opens(opens), user, day)
    fault = Fault(
        name, family, does, scenario, metrics, others, tuple(finding.split()), build, one_visitor, definitions
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
