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

    @property
    def error(self) -> str:
        """What could not be read, in one text; empty when everything was."""
        return "; ".join(dict.fromkeys(self.errors.values()))

    def says_the_same(self, other: Reading) -> bool:
        """Whether both readings tell the same totals, whenever they were taken."""
        return self.cells == other.cells and self.errors.keys() == other.errors.keys()
