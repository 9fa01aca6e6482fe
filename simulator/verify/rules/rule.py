"""One other way to count, what it sees, and the table of all of them.

A new alternative is a function with `@alternative(...)` above it, for the metrics that it can change, in the file of
its kind; it gives the rules that make sense for a scene, at most a handful, and the first that fits is taken.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

from simulator.contract import BY, Contract, Opens
from simulator.times import Ms
from simulator.verify.identity import users
from simulator.verify.opening import beginnings
from simulator.verify.recount import Naming, Opening
from simulator.verify.sighting import Sighting

Counts = Mapping[str, Mapping[str, int]]  # kind of cell → cell → count, zeros left out
Rows = Sequence[Sighting]


@dataclass(frozen=True, slots=True)
class Rule:
    """One way to count other than the definition."""

    says: str  # what the collector would be doing; completes "it …"
    code: str = "aggregation"
    kinds: tuple[str, ...] = BY  # kinds of cell that it changes; the others stay as the definition has them
    contract: Contract | None = None  # other switches
    rows: Callable[[Rows], Iterable[Sighting]] | None = None  # other rows; they are put in order again
    naming: Naming = users  # other users
    opening: Opening = beginnings  # other beginnings of opens
    label: Callable[[Sighting], Ms] | None = None  # the instant that names its hour and day; the period stays
    zone: str = ""  # of these names; empty: the definition's
    counts_as: str = ""  # the metric whose count is reported
    whole: bool = False  # it is about the events, so every other metric must be as it says, too
    last_resort: bool = False  # it fits whatever another rule explains better


@dataclass(frozen=True, slots=True)
class Scene:
    """One wrong metric, as an alternative sees it."""

    metric: str
    contract: Contract
    begin: Ms
    end: Ms
    rows: Rows  # in the collector's order
    received: Mapping[int, Ms]  # cursor of a row (`arrived`) → when it arrived, where the listing tells
    observed: Counts  # by the names of the judged cells; kinds that were not read are left out
    right: Counts  # the rows by the definition

    @property
    def timeout(self) -> Ms | None:
        """The timeout of the definition of opens; None where there is none or opens are not judged."""
        return self.contract.definitions.opens.timeout if self.metric == "opens" else None

    def with_opens(self, opens: Opens) -> Contract:
        """The contract with another definition of opens; session ids of the wire are none then."""
        definitions = replace(self.contract.definitions, opens=opens)
        return replace(self.contract, definitions=definitions, sessions="derived")

    def with_timeout(self, timeout: Ms) -> Contract:
        """The contract where a timeout cuts opens."""
        return self.with_opens(Opens("timeout", timeout))


Alternatives = Callable[[Scene], Iterator[Rule]]

_table: list[tuple[tuple[str, ...], Alternatives]] = []


def alternative(*metrics: str) -> Callable[[Alternatives], Alternatives]:
    """Enter a function in the table for some metrics."""

    def enter(function: Alternatives) -> Alternatives:
        _table.append((metrics, function))
        return function

    return enter


def alternatives_for(metric: str) -> list[Alternatives]:
    """What can be tried for a metric, in the order of the table."""
    return [function for metrics, function in _table if metric in metrics]
