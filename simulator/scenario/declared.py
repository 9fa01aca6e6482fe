"""The events of its own that an application declares in its journeys, whoever may come to them.

Opens and views are in every journey; how a name looks on a wire, and whether it is a good one, is wire/.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from simulator.scenario.model import AnyStep, Choose, Maybe, Repeat, Scenario
from simulator.scenario.steps import Scoped, Track


def declared_events(scenario: Scenario) -> frozenset[str]:
    """The names of `track` that some visitor can come to: nothing of weight 0, probability 0 or repeated 0 times.

    A name with variables in it stands for many, and is none of these.
    """
    names = (name for journey in scenario.journeys.values() if journey.weight for name in _names_in(journey.steps))
    return frozenset(name for name in names if "{" not in name)


def _names_in(steps: Sequence[AnyStep]) -> Iterator[str]:
    for step in steps:
        if isinstance(step, Track) and step.times.high:
            yield step.track.event
        elif isinstance(step, Choose):
            for choice in step.choose:
                if choice.weight:
                    yield from _names_in(choice.steps)
        elif isinstance(step, Scoped) and _can_be_taken(step):
            yield from _names_in(step.steps)


def _can_be_taken(step: Scoped) -> bool:
    if isinstance(step, Maybe):
        return step.maybe > 0
    return not isinstance(step, Repeat) or step.repeat.high > 0
