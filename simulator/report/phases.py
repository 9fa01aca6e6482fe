"""How much the collector can take, in words: which phase held, and which was the highest of them.

Only what a reader compares is worked out here; each phase's verdict is verify/phases.py.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from simulator.report.result import PhaseResult, Result, highest_that_held
from simulator.report.visible import visible, visible_lines


@dataclass(frozen=True, slots=True)
class Numbered:
    """A phase with its place in the run, from 1."""

    number: int
    phase: PhaseResult

    @property
    def label(self) -> str:
        """ "3 push", or "3" without a name."""
        return f"{self.number} {visible(self.phase.name)}".rstrip()

    @property
    def told(self) -> str:
        """The same with its rate, for a sentence: "phase 3, push, at 90.0 visitors/s"."""
        name = f", {visible(self.phase.name)}," if self.phase.name else ""
        return f"phase {self.number}{name} at {self.phase.wanted_rate:,.1f} visitors/s"


def numbered(result: Result) -> tuple[Numbered, ...]:
    """The phases of a run with their numbers."""
    return tuple(Numbered(number, phase) for number, phase in enumerate(result.phases, 1))


def comparable(result: Result) -> tuple[Numbered, ...]:
    """The phases where there are several; a single one says no more than the run itself."""
    return numbered(result) if len(result.phases) > 1 else ()


def capacity_sentence(phases: Sequence[Numbered]) -> str:
    """How much the collector can take, as far as this run shows it: a sentence or two."""
    fallen = sorted((one for one in phases if one.phase.verdict == "did not hold"), key=_rate_of)
    number = highest_that_held([one.phase for one in phases])
    if number is None and fallen:
        return f"No phase held; {_reason(fallen[0])}."
    if number is None:
        return f"No phase could be judged: {visible_lines(phases[0].phase.why)}."
    best = phases[number - 1]
    above = sorted((one for one in phases if _rate_of(one) > _rate_of(best)), key=_rate_of)
    next_one = _reason(above[0]) if above else "no phase wanted more"
    said = f"The highest phase that held is {best.told}; {next_one}."
    if fallen and _rate_of(fallen[0]) <= _rate_of(best):
        said += f" But {_reason(fallen[0])}."
    return said


def rate_text(rate: float) -> str:
    """ "90.0/s"."""
    return f"{rate:,.1f}/s"


def _rate_of(one: Numbered) -> float:
    return one.phase.wanted_rate


def _reason(one: Numbered) -> str:
    verdict = "did not hold" if one.phase.verdict == "did not hold" else "could not be judged"
    return f"{one.told} {verdict}: {visible_lines(one.phase.why)}"
