"""As few visitors as can be found who show a fault again, by trying one set after another.

A set is tried by sending it; what shows the fault and what a try costs is the caller's. From whoever is suspected the
sets grow until one shows it. Then one visitor after another is found who cannot be left out, by bisecting the others:
about two tries for each visitor of the result and the logarithm of how many came.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass

MOST_TRIES = 40
_GROWTH = 8  # the next set has so many times the visitors

Visitors = tuple[int, ...]
Shows = Callable[[Visitors], bool]


@dataclass(frozen=True, slots=True)
class Smallest:
    """What the search came to."""

    visitors: Visitors  # lowest first; empty: not even everybody showed it, or the tries did not suffice to know
    tries: int
    least: bool  # with any one of them left out it was not shown; False: the tries were used up before that was known


def smallest_set(
    suspects: Sequence[int], everybody: Sequence[int], shows: Shows, most_tries: int = MOST_TRIES
) -> Smallest:
    """Search for the smallest set that shows a fault.

    What is found has shown it, also where a fault shows by chance. No set is tried twice.

    Args:
        suspects: tried first: the first of them alone, then all of them; none: the first visitors.
        everybody: all who can be tried, the suspects among them.
        shows: whether the fault is there when these visitors come, lowest first.
        most_tries: how often `shows` is asked at most.
    """
    tries = _Tries(shows, most_tries)
    found: Visitors = ()
    least = False
    try:
        found = next(filter(tries, _growing(suspects, everybody)), ())
        for smaller in _shrinking(found, tries):
            found = smaller
        least = bool(found)
    except _Spent:
        pass
    return Smallest(tuple(sorted(found)), tries.count, least)


def one_a_block(visitors: Iterable[int], block: int) -> Visitors:
    """The first of these visitors in each block of so many: who comes brings the others of the block along."""
    chosen: dict[int, int] = {}
    for visitor in visitors:
        chosen.setdefault(visitor // block, visitor)
    return tuple(chosen.values())


class _Spent(Exception):
    """No try is left."""


class _Tries:
    """Each set is tried once, in whatever order its visitors stand."""

    def __init__(self, shows: Shows, most: int) -> None:
        self._shows, self._most = shows, most
        self._known: dict[Visitors, bool] = {(): False}

    @property
    def count(self) -> int:
        return len(self._known) - 1

    def __call__(self, visitors: Visitors) -> bool:
        key = tuple(sorted(visitors))
        if key not in self._known:
            if self.count >= self._most:
                raise _Spent
            self._known[key] = self._shows(key)
        return self._known[key]


def _growing(suspects: Sequence[int], everybody: Sequence[int]) -> Iterator[Visitors]:
    """Ever larger sets, the last of them everybody."""
    first = list(dict.fromkeys(suspects))
    ordered = (*first, *sorted(set(everybody) - set(first)))
    sizes = [1, len(first)] if first else [1]
    while sizes[-1] < len(ordered):
        sizes.append(sizes[-1] * _GROWTH)
    for size in sizes:
        yield ordered[:size]


def _shrinking(whole: Visitors, shows: Shows) -> Iterator[Visitors]:
    """Ever smaller sets that show it, from one that does; no single visitor can be left out of the last."""
    needed: Visitors = ()
    while whole:
        size = _shortest(whole, needed, shows)
        needed = whole[size - 1 : size] + needed
        whole = whole[: max(size - 1, 0)]
        yield whole + needed
        if not size:
            break
    # Whoever was needed beside others need not be needed without them.
    fewer = (needed[:place] + needed[place + 1 :] for place in range(len(needed)))
    smaller = next(filter(shows, fewer), None)
    if smaller is not None:
        yield smaller
        yield from _shrinking(smaller, shows)


def _shortest(whole: Visitors, needed: Visitors, shows: Shows) -> int:
    """How many of the first visitors show it beside those who are needed, where one less does not; all of them do."""
    low, high = 0, len(whole)
    if not shows(whole[: high - 1] + needed):
        return high
    if shows(needed):
        return 0
    high -= 1
    while high - low > 1:
        middle = (low + high) // 2
        if shows(whole[:middle] + needed):
            high = middle
        else:
            low = middle
    return high
