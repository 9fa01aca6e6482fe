"""Whether one world gives all reported totals together, where few outcomes are unknown.

Each total may lie in its interval and all of them together still be impossible: a view just before the full hour is
either stored or not, so the open begins in the one hour or in the other, and never in both. Only where the worlds of
the whole run are few; where events are listed there is nothing unknown, and no need for it.

Source: reference/verification-model.md, section 6.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

from simulator.contract import METRICS, Contract
from simulator.verify.cells import CellBook
from simulator.verify.recount import place_in, units
from simulator.verify.sighting import Sighting
from simulator.verify.worlds import MAX_UNKNOWN, worlds

MAX_WORLDS = 1 << MAX_UNKNOWN

Key = tuple[str, str, str]  # metric, by, cell
Totals = Mapping[Key, int]


@dataclass(slots=True)
class Choices:
    """What each linked group may add in which something is unknown, as long as the worlds of all are few."""

    groups: list[list[Totals]] = field(default_factory=list)
    worlds: int = 1  # of all groups together
    tried: int = 0  # worlds counted one by one
    few: bool = True  # False: too many, or of a kind whose worlds are not told apart here

    def add(self, groups: Sequence[list[Totals]], worlds: int, tried: int) -> None:
        """Take more groups, with their worlds together and the worlds counted for them."""
        self.worlds *= worlds
        self.tried += tried
        if max(self.worlds, self.tried) > MAX_WORLDS:
            self.give_up()
        else:
            self.groups.extend(groups)

    def give_up(self) -> None:
        """Forget everything, for good."""
        self.few = False
        self.groups = []

    def merge(self, other: Choices) -> None:
        """Take the groups of other blocks, as if they had been added here."""
        if not (self.few and other.few):
            self.give_up()
        else:
            self.add(other.groups, other.worlds, other.tried)


class OpenGroups:
    """Finds the choices of one linked group after another."""

    def __init__(self, contract: Contract, book: CellBook, max_unknown: int = MAX_UNKNOWN) -> None:
        self._contract, self._book, self._max_unknown = contract, book, max_unknown
        self.choices = Choices()

    def add(self, rows: Sequence[Sighting]) -> None:
        """Take one group, in the collector's order."""
        if not self.choices.few:
            return
        plain = all(row.dated and row.high in (row.low, 1) for row in rows)
        possible = worlds(rows, self._contract, self._max_unknown) if plain else None
        if possible is None:
            self.choices.give_up()
        else:
            distinct = _distinct([self._totals(world) for world in possible])
            self.choices.add([distinct], len(distinct), len(possible))

    def _totals(self, world: Sequence[Sighting]) -> Totals:
        stored = [row if row.low else replace(row, low=1) for row in world]
        found: dict[Key, int] = {}
        for unit in units(stored, self._contract, place_in(self._book), metrics=METRICS):
            for number in unit.cells:
                key = (unit.metric, *self._book.names[number])
                found[key] = found.get(key, 0) + unit.times
        return found


def _distinct(totals: Sequence[Totals]) -> list[Totals]:
    return list({frozenset(one.items()): one for one in totals}.values())


def jointly_possible(observed: Totals, certain: Totals, choices: Sequence[Sequence[Totals]]) -> bool:
    """Whether one choice for each group, added to what is certain, gives every observed total.

    Exact. Order: the worlds of all groups, MAX_WORLDS at most; groups that overshoot are given up at once.
    """
    left = {key: value - certain.get(key, 0) for key, value in observed.items()}
    return _fits(left, choices)


def _fits(left: Totals, choices: Sequence[Sequence[Totals]]) -> bool:
    if any(value < 0 for value in left.values()):
        return False
    if not choices:
        return not any(left.values())
    return any(
        _fits({key: value - totals.get(key, 0) for key, value in left.items()}, choices[1:]) for totals in choices[0]
    )
