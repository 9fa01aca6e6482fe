"""Whether one world gives all reported totals together, where few outcomes are unknown.

Each total may lie in its interval and several of them together still be impossible: a view just before the full hour is
either stored or not, so the open begins in the one hour or in the other, and never in both. Tried are totals on which
few linked groups have a say, whatever is unknown in the rest of the run; where events are listed there is nothing
unknown, and no need for it.

Source: reference/verification-model.md, section 6.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from operator import add, le

from simulator.contract import METRICS, Contract
from simulator.verify.cells import CellBook
from simulator.verify.recount import place_in, units
from simulator.verify.sighting import Sighting
from simulator.verify.worlds import MAX_UNKNOWN, worlds

MAX_WORLDS = 1 << MAX_UNKNOWN  # of the groups that have a say on some totals together
MAX_TRIED = 1 << 14  # worlds that are counted one by one, of all groups of a run
_MOST_SETS = 64  # of groups that are tried

Key = tuple[str, str, str]  # metric, by, cell
Totals = Mapping[Key, int]


@dataclass(slots=True)
class Choices:
    """What each linked group may add in which something is unknown, as long as not too many worlds are counted."""

    groups: list[list[Totals]] = field(default_factory=list)
    closed: set[Key] = field(default_factory=set)  # totals on which groups have a say whose worlds are not told apart
    tried: int = 0  # worlds counted one by one
    few: bool = True  # False: too many

    def add(self, groups: Sequence[list[Totals]], tried: int) -> None:
        """Take more groups, with the worlds counted for them."""
        self.tried += tried
        if self.tried > MAX_TRIED:
            self.give_up()
        else:
            self.groups.extend(groups)

    def give_up(self) -> None:
        """Forget everything, for good."""
        self.few = False
        self.groups = []
        self.closed = set()

    def merge(self, other: Choices) -> None:
        """Take the groups of other blocks, as if they had been added here."""
        if not (self.few and other.few):
            self.give_up()
        else:
            self.closed |= other.closed
            self.add(other.groups, other.tried)


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
            cells = {cell for row in rows for cell in self._book.possible(row, page=True)}
            self.choices.closed |= {(metric, *self._book.names[cell]) for metric in METRICS for cell in cells}
        else:
            self.choices.add([_distinct([self._totals(world) for world in possible])], len(possible))

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


def conflict(
    observed: Totals, certain: Totals, choices: Sequence[Sequence[Totals]], closed: Collection[Key] = ()
) -> tuple[Key, ...]:
    """Some totals that no choice for each group gives together, as few as show it; none where none are found.

    Sound: what is said to be impossible is. Tried are sets of groups with at most MAX_WORLDS worlds together, on the
    totals on which nobody else has a say.

    Args:
        certain: what is added to the choices.
        closed: totals of which the choices do not tell everything.
    """
    fixed, voices = _voices(certain, choices)
    open_keys = {key: groups for key, groups in voices.items() if key in observed and key not in closed}
    for groups in _sets(open_keys.values(), choices)[:_MOST_SETS]:
        keys = sorted(key for key, own in open_keys.items() if own <= groups)
        wanted = {key: observed[key] - fixed.get(key, 0) for key in keys}
        worlds_of = [_where_it_has_a_say(group, choices[group], voices) for group in sorted(groups)]
        if not _reachable(keys, wanted, worlds_of):
            return _fewest(keys, wanted, worlds_of)
    return ()


def _voices(certain: Totals, choices: Sequence[Sequence[Totals]]) -> tuple[dict[Key, int], dict[Key, frozenset[int]]]:
    """What each total has whatever the groups choose, and which groups have a say on it."""
    fixed = dict(certain)
    voices: dict[Key, set[int]] = {}
    for group, own in enumerate(choices):
        for key in {key for totals in own for key in totals}:
            values = {totals.get(key, 0) for totals in own}
            if len(values) == 1:
                fixed[key] = fixed.get(key, 0) + values.pop()
            else:
                voices.setdefault(key, set()).add(group)
    return fixed, {key: frozenset(groups) for key, groups in voices.items()}


def _where_it_has_a_say(
    group: int, own: Sequence[Totals], voices: Mapping[Key, frozenset[int]]
) -> list[dict[Key, int]]:
    """What a group may add beyond what it adds in any case, which is fixed."""
    return [{key: value for key, value in totals.items() if group in voices.get(key, ())} for totals in own]


def _sets(voices: Iterable[frozenset[int]], choices: Sequence[Sequence[Totals]]) -> list[frozenset[int]]:
    """Sets of groups that are few enough to be tried, the larger ones first; overlapping ones as one where they are."""
    found: list[frozenset[int]] = []
    for groups in sorted(set(voices), key=lambda one: (len(one), sorted(one))):
        if _count(groups, choices) <= MAX_WORLDS:
            found = _joined(groups, found, choices)
    return sorted(found, key=lambda one: (-len(one), sorted(one)))


def _joined(
    groups: frozenset[int], found: list[frozenset[int]], choices: Sequence[Sequence[Totals]]
) -> list[frozenset[int]]:
    """The sets with one more, joined with each that it overlaps while together they are few enough."""
    apart: list[frozenset[int]] = []
    for other in found:
        if groups & other and _count(groups | other, choices) <= MAX_WORLDS:
            return _joined(groups | other, [one for one in found if one is not other], choices)
        apart.append(other)
    return [*apart, groups]


def _count(groups: frozenset[int], choices: Sequence[Sequence[Totals]]) -> int:
    count = 1
    for group in groups:
        count *= len(choices[group])
        if count > MAX_WORLDS:
            break
    return count


def _reachable(keys: Sequence[Key], wanted: Totals, worlds_of: Sequence[Sequence[Totals]]) -> bool:
    """Whether one choice for each group adds up to what is wanted of these totals."""
    target = tuple(wanted[key] for key in keys)
    sums = {(0,) * len(keys)}
    for own in worlds_of:
        steps = {tuple(totals.get(key, 0) for key in keys) for totals in own}
        sums = {added for one in sums for step in steps if all(map(le, added := tuple(map(add, one, step)), target))}
    return target in sums


def _fewest(keys: Sequence[Key], wanted: Totals, worlds_of: Sequence[Sequence[Totals]]) -> tuple[Key, ...]:
    """Of totals that cannot be together some that cannot either, and can with one left out; of one metric if any."""
    of_metrics = ([key for key in keys if key[0] == metric] for metric in METRICS)
    left = next((own for own in of_metrics if own and not _reachable(own, wanted, worlds_of)), list(keys))
    for key in list(left):
        fewer = [other for other in left if other != key]
        if fewer and not _reachable(fewer, wanted, worlds_of):
            left = fewer
    return tuple(left)
