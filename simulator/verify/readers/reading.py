"""One look at a collector's totals."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

Cells = Mapping[str, Mapping[str, int | None]]  # cell → metric → value; None: the reply gave none that can be used


@dataclass(frozen=True, slots=True)
class Reading:
    """The totals as the collector told them, by kind of cell. A kind that could not be read is not in `cells`."""

    cells: Mapping[str, Cells] = field(default_factory=dict)  # by → cell → metric → value
    errors: Mapping[str, str] = field(default_factory=dict)  # by → why it, or a value in it, could not be read
    invoked_ns: int = 0  # wall clock before the first request
    completed_ns: int = 0  # and after the last reply
    missing: Mapping[tuple[str, str], str] = field(default_factory=dict)  # (metric, by) → why nobody gives it
    left_out: frozenset[tuple[str, str]] = frozenset()  # (metric, by) that the collector does not have: not judged
    values: Mapping[tuple[str, str], str] = field(default_factory=dict)  # (metric, by) → why a value of it is none

    @property
    def error(self) -> str:
        """What could not be read, in one text; empty when everything was."""
        return "; ".join(dict.fromkeys((*self.errors.values(), *self.missing.values())))

    def why_no_value(self, metric: str, by: str) -> str:
        """Why a cell has no value of a metric, as far as that is known; empty where it is not."""
        return self.values.get((metric, by)) or self.errors.get(by, "")

    def says_the_same(self, other: Reading) -> bool:
        """Whether both readings tell the same totals, whenever they were taken."""
        return (
            self.cells == other.cells
            and self.errors.keys() == other.errors.keys()
            and self.missing.keys() == other.missing.keys()
        )

    def gives(self, metric: str, by: str) -> bool:
        """Whether it speaks of a figure at all, so that a cell which it does not name is 0."""
        return by in self.cells and (metric, by) not in self.missing and (metric, by) not in self.left_out
