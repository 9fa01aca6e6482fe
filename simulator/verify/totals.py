"""The four totals of some blocks, without their cells: what a phase is judged by."""

from __future__ import annotations

from dataclasses import dataclass

from simulator.contract import METRICS
from simulator.finding import Interval


@dataclass(frozen=True, slots=True)
class Totals:
    """Intervals in the order of METRICS, and how many distinct good events were planned.

    Blocks are counted alone, so the totals of blocks add up, and what came between two looks at a sum is a difference.
    """

    low: tuple[int, ...] = (0,) * len(METRICS)
    high: tuple[int, ...] = (0,) * len(METRICS)
    planned: int = 0

    def __add__(self, other: Totals) -> Totals:
        return self._combined(other, 1)

    def __sub__(self, other: Totals) -> Totals:
        return self._combined(other, -1)

    def of(self, metric: str) -> Interval:
        """The interval of one metric."""
        place = METRICS.index(metric)
        return Interval(self.low[place], self.high[place])

    def _combined(self, other: Totals, sign: int) -> Totals:
        low = tuple(one + sign * two for one, two in zip(self.low, other.low, strict=True))
        high = tuple(one + sign * two for one, two in zip(self.high, other.high, strict=True))
        return Totals(low, high, self.planned + sign * other.planned)


NOTHING = Totals()
