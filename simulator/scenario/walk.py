"""Whether the steps of a journey can be taken in their order: entries, leaving, and the stack of pages.

Nothing is drawn here. A state says all that may be true after the steps so far, so a step is refused when it could
not be taken on at least one way through the journey. The rules themselves are CONTRACT section 1.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace

from simulator.scenario.model import (
    ONCE,
    AnyStep,
    Back,
    Choose,
    Disorder,
    Enter,
    Exit,
    Hide,
    Journey,
    Kill,
    Launch,
    Maybe,
    Offline,
    Repeat,
    Scenario,
    Show,
    Skew,
    Span,
    Timeout,
    View,
    Wait,
    action_of,
)
from simulator.times import Ms, format_duration
from simulator.wechat import CLASS_A_SCENES

MAX_STEPS = 100_000  # that one visitor may take; more is a slip in a repeat
RETURN_SCENE = 1089  # of a show that says nothing: class A
PATH_SCENE = 1000  # of a show with a path and no scene: class B

Fault = tuple[str, str]  # (path, what is wrong)


@dataclass(frozen=True, slots=True)
class _Hidden:
    """In the background."""

    pages: int  # at least so many are on the stack
    low: int  # at least so long
    high: int  # at most so long


@dataclass(frozen=True, slots=True)
class _State:
    """All that may be the case; at least one of the four."""

    fresh: bool = False  # nothing was launched yet
    closed: bool = False  # launched before, and destroyed
    pages: int | None = None  # in the foreground, with at least so many pages
    hidden: _Hidden | None = None

    def join(self, other: _State) -> _State:
        pages = [state.pages for state in (self, other) if state.pages is not None]
        hidden = [state.hidden for state in (self, other) if state.hidden is not None]
        return _State(
            self.fresh or other.fresh,
            self.closed or other.closed,
            min(pages, default=None),
            _Hidden(min(h.pages for h in hidden), min(h.low for h in hidden), max(h.high for h in hidden))
            if hidden
            else None,
        )


_OPEN = _State(pages=1)
_CLOSED = _State(closed=True)


def faults(scenario: Scenario, name: str, journey: Journey) -> Iterator[Fault]:
    """What cannot be taken in one journey, each place once."""
    path = f"journeys.{name}"
    taken = _taken(journey.steps)
    if taken > MAX_STEPS:
        yield path, f"one visit can take {taken} steps; expected at most {MAX_STEPS}, so repeat less"
        return
    walk = _Walk(scenario)
    walk.take(journey.steps, path, _State(fresh=True))
    yield from dict.fromkeys(walk.faults)


def _taken(steps: Sequence[AnyStep]) -> int:
    """The most steps that a visitor may take."""
    total = 0
    for step in steps:
        match step:
            case Repeat():
                total += step.repeat.high * _taken(step.steps)
            case Maybe() | Offline() | Disorder():
                total += _taken(step.steps)
            case Choose():
                total += max(_taken(choice.steps) for choice in step.choose)
            case _:
                total += getattr(step, "times", ONCE).high
    return total


@dataclass(slots=True)
class _Walk:
    scenario: Scenario
    faults: list[Fault] = field(default_factory=list)
    inside: str = ""  # the step that holds requests back, while its steps are taken

    def take(self, steps: Sequence[AnyStep], holder: str, state: _State) -> _State:
        for index, step in enumerate(steps):
            state = self.take_one(step, f"{holder}.steps[{index}]", state)
        return state

    def take_one(self, step: AnyStep, path: str, state: _State) -> _State:
        match step:
            case Maybe():
                taken = self.take(step.steps, path, state)
                return taken if step.maybe == 1_000_000 else state.join(taken)
            case Repeat():
                return self.repeat(step, path, state)
            case Choose():
                ways = [
                    self.take(choice.steps, f"{path}.choose[{number}]", state)
                    for number, choice in enumerate(step.choose)
                    if choice.weight
                ]
                for way in ways[1:]:
                    ways[0] = ways[0].join(way)
                return ways[0] if ways else state
            case Offline() | Disorder():
                return self.hold_back(step, path, state)
            case Skew():
                return state
        for _ in range(min(getattr(step, "times", ONCE).high, 2) if isinstance(step, Launch | Show) else 1):
            state = self.act(step, path, state)
        return state

    def repeat(self, step: Repeat, path: str, state: _State) -> _State:
        after = state if step.repeat.low == 0 else None
        for turn in range(1, step.repeat.high + 1):
            state = self.take(step.steps, path, state)
            if turn >= step.repeat.low:
                after = state if after is None else after.join(state)
        return after if after is not None else state

    def hold_back(self, step: Offline | Disorder, path: str, state: _State) -> _State:
        name = "offline" if isinstance(step, Offline) else "disorder"
        if self.inside:
            self.fault(path, f"{name} inside {self.inside}: only one can hold the requests back; take it out of there")
        outer, self.inside = self.inside, name
        state = self.take(step.steps, path, state)
        self.inside = outer
        return state

    # ---- single steps -----------------------------------------------------------------------------------------

    def act(self, step: AnyStep, path: str, state: _State) -> _State:
        match step:
            case Launch():
                self.may_launch(path, state)
                return _OPEN
            case Show():
                return self.show(step.show, path, state)
            case Wait():
                if state.fresh:
                    self.fault(path, "wait before the first launch; a visit begins with launch")
                return self.later(state, step.wait)
        self.may_act(step, path, state)
        if isinstance(step, Exit | Timeout | Kill):
            return _CLOSED
        pages = self.pages_in_front(state)
        match step:
            case Hide():
                return self.later(_State(hidden=_Hidden(pages, 0, 0)), step.hide, step.think)
            case View():
                return _State(pages=pages + step.times.low)
            case Back():
                return _State(pages=self.back(step, path, pages))
        return _State(pages=pages)

    def may_launch(self, path: str, state: _State) -> None:
        destroy = self.scenario.app.destroy
        limit = format_duration(destroy)
        if state.pages is not None:
            text = f"launch while the mini program is open; put exit, timeout or a hide of at least {limit} before it"
            self.fault(path, text)
        elif state.hidden is not None and state.hidden.low < destroy:
            hidden = format_duration(Ms(state.hidden.low))
            text = f"launch after {hidden} in the background, where it lives for {limit}; did you mean show?"
            self.fault(path, text)

    def show(self, enter: Enter, path: str, state: _State) -> _State:
        if state.fresh:
            self.fault(path, "show before the first launch; a visit begins with launch")
        if state.pages is not None:
            self.fault(path, "show while the mini program is open; put a hide before it")
        return _State(pages=self.pages_after_show(enter, state))

    def may_act(self, step: AnyStep, path: str, state: _State) -> None:
        action = action_of(step)
        if state.fresh:
            self.fault(path, f"{action} before the first launch; a visit begins with launch")
        if state.closed:
            text = f"{action} while the mini program is closed, after exit, timeout or kill; launch it first"
            self.fault(path, text)

    def back(self, step: Back, path: str, pages: int) -> int:
        left = pages - step.back * step.times.high
        if left >= 1:
            return left
        text = f"back by {step.back * step.times.high}, and there may be only {pages} open; view pages before it"
        self.fault(path, text.replace("1 open", "1 page open") if pages == 1 else text.replace("open;", "pages open;"))
        return 1

    # ---- what follows -----------------------------------------------------------------------------------------

    def later(self, state: _State, *spans: Span) -> _State:
        if state.hidden is None:
            return state
        low = state.hidden.low + sum(span.low for span in spans)
        high = state.hidden.high + sum(span.high for span in spans)
        return replace(state, hidden=_Hidden(state.hidden.pages, low, high))

    def pages_in_front(self, state: _State) -> int:
        """At least so many pages when a step acts; from the background it comes after an implicit return."""
        ways = [state.pages] if state.pages is not None else []
        if state.hidden is not None:
            ways.append(self.pages_after_show(Enter(), replace(state, pages=None)))
        return min(ways, default=1)

    def pages_after_show(self, enter: Enter, state: _State) -> int:
        """At least so many pages after an entry: a warm one of class A keeps them, one with a path opens that."""
        hidden = state.hidden
        if hidden is None or state.closed or hidden.high >= self.scenario.app.destroy:
            return 1
        source = self.scenario.sources.get(enter.source or "")
        path = enter.path if enter.path is not None else source.path if source is not None else None
        scene = enter.scene or (source.scene if source is not None else PATH_SCENE if path else RETURN_SCENE)
        return 1 if path and scene not in CLASS_A_SCENES else hidden.pages

    def fault(self, path: str, text: str) -> None:
        self.faults.append((path, text))
