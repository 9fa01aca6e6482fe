"""What the steps of a journey mean for a mini program: launch, show, hide, destruction, the page stack, the source.

One `_Walk` takes one visitor through the steps and collects events; nothing here sends or reads a clock.

Source: CONTRACT section 1; the order of hooks and the classes of scenes: wechat.md sections 1 to 3.
Assumed: a step after `hide` that is no entry comes after an implicit return by scene 1089 without a query; a show with
a path and no scene has scene 1000 (class B); the limit of ten pages is not simulated.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import replace
from typing import NamedTuple
from urllib.parse import quote

from simulator.errors import ScenarioError
from simulator.events import NO_SOURCE, Call, Delivery, Event, Json, Kind, Source, Spoil
from simulator.journey.population import Person, value_of
from simulator.rand import Stream
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
from simulator.times import Ms
from simulator.wechat import CLASS_A_SCENES, encode_path, parameters, split_path

RETURN_SCENE = 1089  # chat-list pull-down, recently used: class A
OTHER_SCENE = 1000  # "other": class B
_VARIABLE = re.compile(r"\{([a-z_][a-z0-9_]*)\}")
_SLOT_TYPE = re.compile(r"identityType([23]?)")
_CODE_SAFE = "-_.!~*'()/?=&,"  # what the encoding of a path leaves alone
_ALWAYS_SENT = frozenset({Kind.LAUNCH, Kind.VIEW, Kind.TRACK, Kind.MALFORMED})


class _Misbehaviour(NamedTuple):
    """How the requests of the current step leave."""

    duplicates: int = 0
    retries: int = 0
    late: Span = NOW


_HONEST = _Misbehaviour()


def walk(
    scenario: Scenario, seed: int, who: Person, arrival: Ms, steps: Sequence[AnyStep], *, shows: bool
) -> list[Event]:
    """The events of one visitor from its arrival on, numbered from 0.

    Args:
        shows: a warm show takes an instant, because the tracker sends an event for it.
    """
    journey = _Walk(scenario, seed, who, arrival, shows)
    journey.take(steps)
    return journey.events


def earlier_visit(scenario: Scenario, seed: int, who: Person, at: Ms) -> list[Event]:
    """The visit that made a visitor known: launch without source on the first device, then exit; no push."""
    journey = _Walk(scenario, seed, who, at, shows=False)
    journey.launch("", RETURN_SCENE, "")
    journey.leave()
    return [replace(event, setup=True) for event in journey.events]


def source_of(query: str) -> Source:
    """The source parameters of a percent-encoded query: cl_sr, cl_ctnm, cl_sourceN; values decoded once."""
    name = content = ""
    others: dict[str, str] = {}
    for key, value in parameters(query):
        if key == "cl_sr":
            name = value
        elif key == "cl_ctnm":
            content = value
        elif key.startswith("cl_source") and key[9:].isdecimal():
            others[f"source{key[9:]}"] = value
    return Source(name, content, tuple(others.items()))


class _Walk:
    """The state of one visitor's mini program while the steps are taken."""

    def __init__(self, scenario: Scenario, seed: int, who: Person, arrival: Ms, shows: bool) -> None:
        self.scenario = scenario
        self.seed = seed
        self.who = who
        self.shows = shows
        self.events: list[Event] = []
        self.draw = Stream("steps", seed, who.visitor)
        self.now: int = arrival
        self.last: int = arrival - 1  # instant of the last event that took one
        self.hidden_at: int | None = None  # in the background since
        self.running = False  # launched and not destroyed
        self.launches = 0  # by launch steps: the second one takes the second device
        self.device = who.device
        self.stack: list[tuple[str, str]] = []  # (route, query) of the open pages, top last
        self.scene = OTHER_SCENE
        self.source = NO_SOURCE
        self.skew: int = 0
        self.online_at: int = 0  # no request leaves before the network is back
        self.delivery = _HONEST

    # ---- steps ------------------------------------------------------------------------------------------------

    def take(self, steps: Sequence[AnyStep]) -> None:
        for step in steps:
            self.take_one(step)

    def take_one(self, step: AnyStep) -> None:
        match step:
            case Maybe():
                if self.draw.chance(step.maybe):
                    self.take(step.steps)
            case Repeat():
                for _ in range(self.count(step.repeat)):
                    self.take(step.steps)
            case Choose():
                weights = [choice.weight for choice in step.choose]
                self.take(step.choose[self.draw.weighted(weights)].steps)
            case Offline():
                self.offline(step)
            case Disorder():
                self.disorder(step)
            case Wait():
                self.now += self.span(step.wait)
            case Skew():
                self.skew = self.span(step.skew)
            case _:
                self.act(step)

    def act(self, step: AnyStep) -> None:
        """A step that happens in the mini program, as often as it says, with its pause."""
        if self.hidden_at is not None and not isinstance(step, Launch | Show | Exit | Timeout | Kill):
            self.enter_again("", RETURN_SCENE, "")
        self.delivery = _Misbehaviour(
            getattr(step, "duplicates", 0),
            getattr(step, "retries", 0),
            getattr(step, "late", NOW),
        )
        for _ in range(self.count(getattr(step, "times", ONCE))):
            self.act_once(step)
            self.now += self.span(step.think) if hasattr(step, "think") else 0
        self.delivery = _HONEST

    def act_once(self, step: AnyStep) -> None:
        match step:
            case Launch():
                self.launch_step(step.launch)
            case Show():
                self.show_step(step.show)
            case View():
                self.stack.append(self.page(step.view))
                self.view()
            case Back():
                self.back(step.back)
            case Push():
                self.push(step)
            case Track():
                self.track(step)
            case Tap():
                self.happen(Kind.TAP, handler=step.tap)
            case Share():
                route, query = self.page(step.share) if step.share else self.stack[-1]
                self.happen(Kind.SHARE, page=route, query=query)
            case Malformed():
                self.happen(Kind.MALFORMED, spoil=step.malformed)
            case Hide():
                self.hide()
                self.now += self.span(step.hide)
            case Exit():
                self.leave()
            case Timeout():
                self.hide()
                self.now += self.scenario.app.destroy
                self.running = False
            case Kill():
                self.kill(step)

    # ---- entering ---------------------------------------------------------------------------------------------

    def launch_step(self, enter: Enter) -> None:
        if self.launches and self.who.second_device is not None:
            self.device = self.who.second_device
        self.launches += 1
        source = self.scenario.sources.get(enter.source or self.who.source)
        if enter.path is not None:
            self.launch(enter.path, enter.scene or (source.scene if source else OTHER_SCENE), "")
        elif source is not None:
            self.launch(source.path or "", enter.scene or source.scene, source.code or "")
        else:
            self.launch("", enter.scene or RETURN_SCENE, "")

    def launch(self, path: str, scene: int, code: str) -> None:
        """A cold start: the page of its path, an open, one view. Without parameters the source is none."""
        link = encode_path(self.fill(path, quoted=True) or self.scenario.app.pages[0])
        route, query = split_path(link)
        self.running, self.hidden_at = True, None
        self.scene, self.source = scene, source_of(query)
        if code:
            query = f"scene={quote(code, safe=_CODE_SAFE)}"
        self.stack = [(route, query)]
        self.happen(Kind.LAUNCH, page=route, query=query, code=code, link=link if code else "")
        self.view()

    def show_step(self, enter: Enter) -> None:
        source = self.scenario.sources.get(enter.source) if enter.source else None
        path = enter.path if enter.path is not None else (source.path or "" if source else "")
        scene = enter.scene or (source.scene if source else OTHER_SCENE if path else RETURN_SCENE)
        self.enter_again(path, scene, (source.code or "") if source and enter.path is None else "")

    def enter_again(self, path: str, scene: int, code: str) -> None:
        """Back from the background: a show while it is alive, from the destroy limit on a launch (at it too)."""
        hidden = self.now - self.hidden_at if self.hidden_at is not None else 0
        if not self.running or hidden >= self.scenario.app.destroy:
            self.launch(path, scene, code)
            return
        self.hidden_at, self.scene = None, scene
        link = encode_path(self.fill(path, quoted=True)) if path else ""
        route, query = split_path(link) if link else ("", "")
        coming = source_of(query)
        if coming.name or code:
            self.source = coming
        if code:
            query = f"scene={quote(code, safe=_CODE_SAFE)}"
        if route and scene not in CLASS_A_SCENES:
            self.stack = [(route, query)]
        self.happen(Kind.SHOW, page=route, query=query, code=code, link=link if code else "")
        if self.scenario.app.view_on_return:
            self.view()

    # ---- pages, tracker, leaving ------------------------------------------------------------------------------

    def page(self, path: str) -> tuple[str, str]:
        return split_path(encode_path(self.fill(path, quoted=True)))

    def view(self) -> None:
        route, query = self.stack[-1]
        self.happen(Kind.VIEW, page=route, query=query)

    def back(self, pages: int) -> None:
        if pages >= len(self.stack):
            text = f"back goes below the bottom page for visitor {self.who.visitor}; view a page before it"
            raise ScenarioError([self.scenario.complaint(f"journeys.{self.who.journey}", text)])
        del self.stack[-pages:]
        self.view()

    def push(self, step: Push) -> None:
        has = {identity.type: identity.value for identity in self.who.identities}
        pushed: list[tuple[str, Json]] = []
        if isinstance(step.push, list):
            for slot, kind in enumerate(step.push):
                if kind in has:
                    number = "" if slot == 0 else str(slot + 1)
                    pushed += [(f"identityType{number}", kind), (f"identityValue{number}", has[kind])]
        else:
            for key, value in step.push.items():
                slot_type = _SLOT_TYPE.fullmatch(key)
                value_key = f"identityValue{slot_type[1]}" if slot_type else ""
                if slot_type and value_key not in step.push:
                    if isinstance(value, str) and value in has:
                        pushed += [(key, value), (value_key, has[value])]
                else:
                    pushed.append((key, self.fill_json(value)))
        if pushed:
            self.happen(Kind.PUSH, pushed=tuple(pushed))

    def track(self, step: Track) -> None:
        tracked = step.track
        params = tuple((key, self.fill_json(value)) for key, value in tracked.params.items())
        name, target = self.fill(tracked.name), self.fill(tracked.id)
        self.happen(Kind.TRACK, call=Call(tracked.event, name, target, params, tracked.form, tracked.callback))

    def hide(self) -> None:
        if self.hidden_at is None:
            self.happen(Kind.HIDE)
            self.hidden_at = self.now

    def leave(self) -> None:
        """Hidden and destroyed at once."""
        self.hide()
        self.running = False

    def kill(self, step: Kill) -> None:
        unsent = step.kill.unsent
        for index in range(len(self.events) - 1, -1, -1):
            if unsent == 0:
                break
            event = self.events[index]
            if self.takes_instant(event.kind):
                self.events[index] = replace(event, delivery=replace(event.delivery, lost=True))
                unsent -= 1
        self.hide()
        self.now += self.span(step.kill.after)
        self.running = False

    # ---- what the network does on purpose ---------------------------------------------------------------------

    def offline(self, step: Offline) -> None:
        first = len(self.events)
        self.take(step.steps)
        online = max(self.now, self.last) + self.span(step.offline)
        for index in range(first, len(self.events)):
            event = self.events[index]
            leaves = Ms(max(event.delivery.leaves, online))
            self.events[index] = replace(event, delivery=replace(event.delivery, leaves=leaves))
        self.online_at = online

    def disorder(self, step: Disorder) -> None:
        first = len(self.events)
        self.take(step.steps)
        end = max(self.now, self.last)
        for index in range(first, len(self.events)):
            event = self.events[index]
            leaves = Ms(end + self.span(step.disorder))
            self.events[index] = replace(event, delivery=replace(event.delivery, leaves=leaves))

    # ---- events -----------------------------------------------------------------------------------------------

    def takes_instant(self, kind: Kind) -> bool:
        return kind in _ALWAYS_SENT or (kind is Kind.SHOW and self.shows)

    def happen(
        self,
        kind: Kind,
        *,
        page: str = "",
        query: str = "",
        pushed: tuple[tuple[str, Json], ...] = (),
        call: Call | None = None,
        code: str = "",
        link: str = "",
        spoil: Spoil | None = None,
        handler: str = "",
    ) -> None:
        """Collect an event. One that is sent happens at the later of now and 1 ms after the last such event."""
        if self.takes_instant(kind):
            self.now = self.last = max(self.now, self.last + 1)
        leaves = Ms(max(self.now, self.online_at) + self.span(self.delivery.late))
        delivery = Delivery(leaves, self.delivery.duplicates, self.delivery.retries, Ms(self.skew))
        self.events.append(
            Event(
                self.who.visitor,
                len(self.events),
                Ms(self.now),
                kind,
                self.device,
                delivery,
                self.scene,
                self.source,
                page,
                query,
                pushed,
                call,
                code,
                link,
                spoil,
                handler,
            )
        )

    # ---- draws and templates ----------------------------------------------------------------------------------

    def span(self, span: Span) -> int:
        return span.low if span.low == span.high else self.draw.between(span.low, span.high)

    def count(self, count: Count) -> int:
        return count.low if count.low == count.high else self.draw.between(count.low, count.high)

    def fill(self, text: str, *, quoted: bool = False) -> str:
        """Replace {variables}. In a path a value is percent-encoded whole, so that it arrives as it is."""
        if "{" not in text:
            return text

        def value(match: re.Match[str]) -> str:
            found = value_of(self.scenario, self.seed, self.who.visitor, match[1])
            return quote(found, safe="") if quoted else found

        return _VARIABLE.sub(value, text)

    def fill_json(self, value: Json) -> Json:
        if isinstance(value, str):
            return self.fill(value)
        if isinstance(value, list):
            return [self.fill_json(item) for item in value]
        if isinstance(value, dict):
            return {key: self.fill_json(item) for key, item in value.items()}
        return value
