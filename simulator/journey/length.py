"""The longest visit that a scenario allows: every duration has an upper bound, so the period has an end."""

from __future__ import annotations

from collections.abc import Iterable

from simulator.scenario.model import (
    NOW,
    ONCE,
    AnyStep,
    Choose,
    Disorder,
    Hide,
    Kill,
    Maybe,
    Offline,
    Repeat,
    Scenario,
    Timeout,
    Wait,
)
from simulator.times import Ms

# A step sends at most two events (a launch: the open and its view), each at least 1 ms after the one before.
_EVENTS_OF_A_STEP = 2


def longest_visit(scenario: Scenario) -> Ms:
    """The least bound on event time from a visitor's arrival to the last of its events, over all journeys."""
    return Ms(max(_steps(journey.steps, scenario.app.destroy) for journey in scenario.journeys.values()))


def _steps(steps: Iterable[AnyStep], destroy: Ms) -> int:
    return sum(_step(step, destroy) for step in steps)


def _step(step: AnyStep, destroy: Ms) -> int:
    match step:
        case Maybe():
            return _steps(step.steps, destroy)
        case Repeat():
            return step.repeat.high * _steps(step.steps, destroy)
        case Choose():
            return max(_steps(choice.steps, destroy) for choice in step.choose)
        case Offline() | Disorder():
            return _steps(step.steps, destroy)
        case Wait():
            return step.wait.high
    pause: int = getattr(step, "think", NOW).high
    times: int = getattr(step, "times", ONCE).high
    # An implicit return from the background may send a show and a view before the step's own events.
    length = times * (pause + _EVENTS_OF_A_STEP) + _EVENTS_OF_A_STEP
    match step:
        case Hide():
            length += step.hide.high
        case Kill():
            length += step.kill.after.high
        case Timeout():
            length += destroy
    return length
