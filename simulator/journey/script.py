"""The steps of a journey prepared once, so that each visitor takes them without asking the file again.

A step becomes an act: a function that is given the walk of one visitor and makes things happen in it. Paths without a
variable are taken apart here, and spans that leave nothing to draw are numbers. What the happenings mean for the mini
program is lifecycle.py; nothing here has a state.

Assumed: a step after `hide` that is no entry comes after an implicit return by scene 1089 without a query; a show with
a path and no scene has scene 1000 (class B).
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from typing import NamedTuple
from urllib.parse import quote

from simulator.events import Call, Json, Kind
from simulator.journey.lifecycle import HONEST, Address, Misbehaviour, Walk, written
from simulator.journey.population import VARIABLE
from simulator.rand import Weights
from simulator.scenario.model import (
    NOW,
    ONCE,
    AnyStep,
    Back,
    Choose,
    Count,
    Disorder,
    Enter,
    Exit,
    Hide,
    Kill,
    Launch,
    Malformed,
    Maybe,
    Offline,
    Push,
    Repeat,
    Scenario,
    Share,
    Show,
    Skew,
    Span,
    Tap,
    Timeout,
    Track,
    View,
    Wait,
)
from simulator.wechat import OTHER_SCENE, RETURN_SCENE

Act = Callable[[Walk], None]
Script = tuple[Act, ...]
_Draw = Callable[[Walk], int]

_MOST_KNOWN = 4_096  # addresses of one path with variables
_SLOT_TYPE = re.compile(r"identityType([23]?)")


class Entry(NamedTuple):
    """How a launch or show comes about: where to, by which scene, with which code; and what it means by it."""

    where: Callable[[Walk], Address | None]  # None: no path is given
    scene: int
    code: str


def script_of(scenario: Scenario, steps: Sequence[AnyStep]) -> Script:
    """The acts of some steps, in their order."""
    return tuple(_act(scenario, step) for step in steps)


def _act(scenario: Scenario, step: AnyStep) -> Act:
    match step:
        case Maybe():
            return _maybe(step.maybe, script_of(scenario, step.steps))
        case Repeat():
            return _repeat(_drawn(step.repeat), script_of(scenario, step.steps))
        case Choose():
            ways = tuple(script_of(scenario, choice.steps) for choice in step.choose)
            return _choose(Weights([choice.weight for choice in step.choose]), ways)
        case Offline():
            return _scope(Walk.offline, script_of(scenario, step.steps), _drawn(step.offline))
        case Disorder():
            return _scope(Walk.disorder, script_of(scenario, step.steps), _drawn(step.disorder))
        case Wait():
            return _wait(_drawn(step.wait))
        case Skew():
            return _skew(_drawn(step.skew))
    return _happening(step, _once(scenario, step))


# ---- steps around steps -------------------------------------------------------------------------------------------


def _maybe(part: int, script: Script) -> Act:
    def act(walk: Walk) -> None:
        if walk.draw.chance(part):
            take(walk, script)

    return act


def _repeat(times: _Draw, script: Script) -> Act:
    def act(walk: Walk) -> None:
        for _ in range(times(walk)):
            take(walk, script)

    return act


def _choose(weights: Weights, ways: Sequence[Script]) -> Act:
    def act(walk: Walk) -> None:
        take(walk, ways[walk.draw.pick(weights)])

    return act


def _scope(around: Callable[[Walk, int, Callable[[], int]], None], script: Script, span: _Draw) -> Act:
    def act(walk: Walk) -> None:
        first = len(walk.events)
        take(walk, script)
        around(walk, first, lambda: span(walk))

    return act


def _wait(span: _Draw) -> Act:
    def act(walk: Walk) -> None:
        walk.now += span(walk)

    return act


def _skew(span: _Draw) -> Act:
    def act(walk: Walk) -> None:
        walk.skew = span(walk)

    return act


def take(walk: Walk, script: Script) -> None:
    """Take a visitor through the acts."""
    for act in script:
        act(walk)


# ---- steps in which something happens ------------------------------------------------------------------------------


def _happening(step: AnyStep, once: Act) -> Act:
    """A step that happens in the mini program, as often as it says, with its pause."""
    returns = not isinstance(step, Launch | Show | Exit | Timeout | Kill)
    pause, times = getattr(step, "think", NOW), getattr(step, "times", ONCE)
    think, count = (None if pause == NOW else _drawn(pause)), (None if times == ONCE else _drawn(times))
    sending = _sending(step)

    def act(walk: Walk) -> None:
        if returns and walk.hidden_at is not None:
            walk.enter_again(None, RETURN_SCENE, "")
        if sending is not HONEST:
            walk.sending = sending
        for _ in range(1 if count is None else count(walk)):
            once(walk)
            if think is not None:
                walk.now += think(walk)
        walk.sending = HONEST

    return act


def _sending(step: AnyStep) -> Misbehaviour:
    duplicates, retries, late = getattr(step, "duplicates", 0), getattr(step, "retries", 0), getattr(step, "late", NOW)
    if not (duplicates or retries) and late == NOW:
        return HONEST
    return Misbehaviour(duplicates, retries, None if late == NOW else _drawn(late))


def _once(scenario: Scenario, step: AnyStep) -> Act:  # noqa: PLR0911  one line for each kind of step
    match step:
        case Launch():
            return _launch(scenario, step.launch)
        case Show():
            return _show(_show_entry(scenario, step.show))
        case View():
            return _view(_address(step.view))
        case Back():
            pages = step.back
            return lambda walk: walk.back(pages)
        case Push():
            return _push(step)
        case Track():
            return _track(step)
        case Tap():
            handler = step.tap
            return lambda walk: walk.happen(Kind.TAP, handler=handler)
        case Share():
            return _share(_address(step.share) if step.share else None)
        case Malformed():
            spoil = step.malformed
            return lambda walk: walk.happen(Kind.MALFORMED, spoil=spoil)
        case Hide():
            return _hide(_drawn(step.hide))
        case Exit():
            return Walk.leave
        case Timeout():
            return Walk.time_out
        case Kill():
            return _kill(step.kill.unsent, _drawn(step.kill.after))
    raise AssertionError(f"no act for {step!r}")


def _launch(scenario: Scenario, enter: Enter) -> Act:
    """By the given source, or else the visitor's own."""
    entries = {name: _launch_entry(scenario, enter, name) for name in ("", *scenario.sources)}
    given = enter.source

    def act(walk: Walk) -> None:
        entry = entries[given or walk.who.source]
        walk.launch_step(entry.where(walk), entry.scene, entry.code)

    return act


def _launch_entry(scenario: Scenario, enter: Enter, name: str) -> Entry:
    source = scenario.sources.get(name)
    home = scenario.app.pages[0]
    if enter.path is not None:
        return Entry(_address(enter.path, home), enter.scene or (source.scene if source else OTHER_SCENE), "")
    if source is not None:
        return Entry(_address(source.path or "", home), enter.scene or source.scene, source.code or "")
    return Entry(_address(home), enter.scene or RETURN_SCENE, "")


def _show_entry(scenario: Scenario, enter: Enter) -> Entry:
    source = scenario.sources.get(enter.source) if enter.source else None
    path = enter.path if enter.path is not None else (source.path or "" if source else "")
    scene = enter.scene or (source.scene if source else OTHER_SCENE if path else RETURN_SCENE)
    return Entry(
        _address(path) if path else lambda walk: None,  # noqa: ARG005
        scene,
        (source.code or "") if source and enter.path is None else "",
    )


def _show(entry: Entry) -> Act:
    where, scene, code = entry
    return lambda walk: walk.enter_again(where(walk), scene, code)


def _view(where: Callable[[Walk], Address]) -> Act:
    return lambda walk: walk.go(where(walk))


def _share(where: Callable[[Walk], Address] | None) -> Act:
    def act(walk: Walk) -> None:
        shared = where(walk) if where is not None else walk.stack[-1]
        walk.happen(Kind.SHARE, page=shared.route, query=shared.query)

    return act


def _hide(span: _Draw) -> Act:
    def act(walk: Walk) -> None:
        walk.hide()
        walk.now += span(walk)

    return act


def _kill(unsent: int, after: _Draw) -> Act:
    def act(walk: Walk) -> None:
        walk.lose(unsent)
        walk.hide()
        walk.now += after(walk)
        walk.running = False

    return act


def _push(step: Push) -> Act:
    """Identity types by slot, or the tracker's own object; a type that the visitor lacks is skipped."""
    if isinstance(step.push, list):
        slots = [("" if slot == 0 else str(slot + 1), kind) for slot, kind in enumerate(step.push)]
        asked: list[tuple[str, str, str]] = [
            (f"identityType{number}", kind, f"identityValue{number}") for number, kind in slots
        ]
        return lambda walk: walk.push(tuple(_own(asked, walk)))
    given = step.push

    def act(walk: Walk) -> None:
        has = walk.who.identities_by_type
        pushed: list[tuple[str, Json]] = []
        for key, value in given.items():
            slot_type = _SLOT_TYPE.fullmatch(key)
            value_key = f"identityValue{slot_type[1]}" if slot_type else ""
            if slot_type and value_key not in given:
                if isinstance(value, str) and value in has:
                    pushed += [(key, value), (value_key, has[value])]
            else:
                pushed.append((key, walk.fill_json(value)))
        walk.push(tuple(pushed))

    return act


def _own(asked: Sequence[tuple[str, str, str]], walk: Walk) -> list[tuple[str, Json]]:
    has = walk.who.identities_by_type
    pushed: list[tuple[str, Json]] = []
    for type_key, kind, value_key in asked:
        if kind in has:
            pushed += [(type_key, kind), (value_key, has[kind])]
    return pushed


def _track(step: Track) -> Act:
    tracked = step.track
    params = tuple(tracked.params.items())
    if not _has_variable([tracked.name, tracked.id, tracked.params]):
        fixed = Call(tracked.event, tracked.name, tracked.id, params, tracked.form, tracked.callback)
        return lambda walk: walk.happen(Kind.TRACK, call=fixed)

    def act(walk: Walk) -> None:
        filled = tuple((key, walk.fill_json(value)) for key, value in params)
        name, target = walk.fill(tracked.name), walk.fill(tracked.id)
        walk.happen(Kind.TRACK, call=Call(tracked.event, name, target, filled, tracked.form, tracked.callback))

    return act


def _has_variable(value: Json) -> bool:
    if isinstance(value, str):
        return "{" in value
    inside = value.values() if isinstance(value, dict) else value if isinstance(value, list) else ()
    return any(map(_has_variable, inside))


# ---- what is known before anybody comes ----------------------------------------------------------------------------


def _drawn(span: Span | Count) -> _Draw:
    """A number of the span, both ends included; nothing is drawn where there is no choice."""
    low, choices = span.low, span.high - span.low + 1
    if choices == 1:
        return lambda walk: low  # noqa: ARG005
    return lambda walk: low + walk.draw.below(choices)


def _address(path: str, empty: str = "") -> Callable[[Walk], Address]:
    """Where a path leads, or `empty` does where nothing stands in it.

    In a path a variable's value is percent-encoded whole, so that it arrives as it is.
    """
    parts = VARIABLE.split(path)  # text, name, text, name, … text
    if len(parts) == 1:
        fixed = written(path or empty)
        return lambda walk: fixed  # noqa: ARG005
    names = parts[1::2]
    known: dict[tuple[str, ...], Address] = {}  # by the values of the variables

    def filled(walk: Walk) -> Address:
        values = tuple([walk.value(name) for name in names])
        found = known.get(values)
        if found is None:
            if len(known) >= _MOST_KNOWN:
                known.clear()
            parts[1::2] = [quote(text, safe="") for text in values]
            found = known[values] = written("".join(parts) or empty)
        return found

    return filled
