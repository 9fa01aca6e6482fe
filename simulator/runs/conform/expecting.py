"""What a case comes to under a definition, and under which other definitions it would come to something else.

The numbers are the case's own, written by hand; nothing is counted here.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from itertools import product
from typing import Any

from simulator.contract import METRICS, Contract
from simulator.scenario.case_file import CaseSection, Figures, Values, When
from simulator.scenario.contracts import OF_TIMEOUT

Cell = tuple[str, str, str]  # metric, kind of cell, cell as the case names it; ("pv", "all", "") is the whole case
Expected = Mapping[Cell, int]

_KINDS = ("source", "content", "page", "hour", "day")
# What else a switch can be, in the order in which it is named.
_CHOICES: Mapping[str, tuple[Any, ...]] = {
    "opens": ("launch", "timeout", "every-foreground"),
    "user": ("device", "openid", "customer"),
    "dedupe": ("by_id", "none"),
    "timeout_inclusive": (False, True),
    "midnight": (False, True),
    "source_change": (False, True),
    "launch_opens": (True, False),
}
SWITCHES = tuple(_CHOICES)  # keys of a contract file


@dataclass(frozen=True, slots=True)
class Other:
    """An outcome that another definition has."""

    name: str  # such as "opens: every-foreground"
    switches: tuple[str, ...]  # that would be otherwise
    expected: Expected


def switches_of(contract: Contract, *, tenant: bool = False) -> dict[str, Any]:
    """The switches that a case can depend on, as a contract sets them.

    Args:
        tenant: whether it is known which tenant the collector is for.
    """
    definitions = contract.definitions
    return {
        "opens": definitions.opens.rule,
        "user": definitions.user,
        "dedupe": contract.dedupe,
        "timeout_inclusive": contract.timeout_inclusive,
        "midnight": contract.midnight,
        "source_change": contract.source_change,
        "launch_opens": contract.launch_opens,
        "tenant": tenant,
    }


def expected_under(case: CaseSection, switches: Mapping[str, Any]) -> dict[Cell, int]:
    """What a case comes to: its numbers, and over them those of each definition that is in force."""
    expected = _cells(case.expect)
    for one in case.under:
        if _holds(one.when, switches):
            expected |= _cells(one.figures)
    return expected


def others(case: CaseSection, switches: Mapping[str, Any]) -> Iterator[Other]:
    """The outcomes of all other definitions, those that differ by the fewest switches first."""
    here = expected_under(case, switches)
    names = [name for name in _CHOICES if any(name in one.when.switches for one in case.under)]
    found: list[tuple[int, Other]] = []
    for values in product(*(_CHOICES[name] for name in names)):
        there = {**switches, **dict(zip(names, values, strict=True))}
        changed = tuple(name for name in names if there[name] != switches[name])
        if there["opens"] != "timeout" and set(OF_TIMEOUT) & set(changed):
            continue  # they decide nothing there
        expected = expected_under(case, there)
        if changed and expected != here:
            said = ", ".join(f"{name}: {word(there[name])}" for name in changed)
            found.append((len(changed), Other(said, changed, expected)))
    found.sort(key=lambda pair: pair[0])
    yield from (other for _, other in found)


def accepted(case: CaseSection, switches: Mapping[str, Any]) -> Iterator[tuple[str, bool, dict[Cell, int]]]:
    """(name, whether it is as good as the first, figures) of outcomes that stand for no switch."""
    here = expected_under(case, switches)
    for one in case.also:
        if not _holds(one.when, switches):
            continue
        yield one.name, one.ok, {**here, **_cells(one.figures)}


def _holds(when: When, switches: Mapping[str, Any]) -> bool:
    return all(switches[name] == value for name, value in when.switches.items())


def _cells(figures: Figures) -> dict[Cell, int]:
    cells = {(metric, "all", ""): value for metric, value in _values(figures)}
    for by in _KINDS:
        for cell, values in getattr(figures, by).items():
            cells |= {(metric, by, cell): value for metric, value in _values(values)}
    return cells


def _values(values: Values) -> Iterator[tuple[str, int]]:
    for metric in METRICS:
        value = getattr(values, metric)
        if value is not None:
            yield metric, value


def word(value: object) -> str:
    """A value as a contract file writes it."""
    return str(value).lower() if isinstance(value, bool) else str(value)
