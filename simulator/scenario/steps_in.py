"""Every step of a scenario with its path, also those inside others."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from simulator.scenario.model import AnyStep, Choose, Scenario
from simulator.scenario.steps import Scoped


def all_steps(scenario: Scenario) -> Iterator[tuple[str, AnyStep]]:
    """(path, step), in the order of the file, a step before those inside it."""
    for name, journey in scenario.journeys.items():
        yield from steps_in(journey.steps, f"journeys.{name}")


def steps_in(steps: Sequence[AnyStep], holder: str) -> Iterator[tuple[str, AnyStep]]:
    """The same for the list `steps` of one holder, such as journeys.browse."""
    for index, step in enumerate(steps):
        path = f"{holder}.steps[{index}]"
        yield path, step
        if isinstance(step, Choose):
            for number, choice in enumerate(step.choose):
                yield from steps_in(choice.steps, f"{path}.choose[{number}]")
        elif isinstance(step, Scoped):
            yield from steps_in(step.steps, path)
