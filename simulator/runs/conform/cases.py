"""The suite: its version, and the cases of its files in their order.

A case keeps its id and its meaning for good. A stricter or new one comes with the next version of the suite and is
informational for that one version: it cannot fail anybody before it was there to be seen.

The files lie beside this module and not in scenarios/, because they are no scenarios: a user runs the suite, and
changes nothing in it.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from fnmatch import fnmatchcase
from functools import lru_cache
from pathlib import Path

from simulator.errors import UsageError
from simulator.scenario.case_file import CaseSection, read_suite
from simulator.scenario.nearest import did_you_mean

VERSION = 1  # of the suite; `since` of a new case is the next one
FOLDER = Path(__file__).parent / "suite"
# In the order of the matrix: first what the four numbers are, then what can go wrong on the way to them.
_FILES = (
    "views", "opens", "visitors", "new_users", "sources", "trends", "duplicates", "order", "unicode", "limits",
    "malformed", "methods",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Case:
    """A case with its area."""

    area: str
    section: CaseSection

    @property
    def id(self) -> str:
        return self.section.case

    def is_new(self, version: int = VERSION) -> bool:
        """Whether it came with this version, so that it cannot fail yet; those of the first one always could."""
        return self.section.since == version > 1


@lru_cache(maxsize=1)
def suite() -> tuple[Case, ...]:
    """Every case.

    Raises:
        ScenarioError: a file of ours is wrong.
    """
    cases = []
    for name in _FILES:
        path = FOLDER / f"{name}.yaml"
        read = read_suite(path.read_text(encoding="utf-8"), path.name)
        cases += [Case(read.area, section) for section in read.cases]
    return tuple(cases)


def chosen(patterns: Sequence[str], cases: Iterable[Case]) -> tuple[Case, ...]:
    """The cases whose id, or whose area, fits one of the patterns; all of them without one.

    Raises:
        UsageError: a pattern that fits none.
    """
    cases = tuple(cases)
    if not patterns:
        return cases
    for pattern in patterns:
        if not any(_fits(case, pattern) for case in cases):
            known = [name for case in cases for name in (case.id, case.area)]
            raise UsageError(
                f"--only {pattern}: no case and no area is called so{did_you_mean(pattern, known)}; "
                "--list names them all"
            )
    return tuple(case for case in cases if any(_fits(case, pattern) for pattern in patterns))


def _fits(case: Case, pattern: str) -> bool:
    return fnmatchcase(case.id, pattern) or fnmatchcase(case.area, pattern)
