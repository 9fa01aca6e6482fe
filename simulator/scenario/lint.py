"""What is legal in a scenario but rarely meant: warnings, each at its place. None of them changes an exit code."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

from simulator.errors import Complaint
from simulator.scenario.check import entering_paths
from simulator.scenario.load import Loaded
from simulator.scenario.model import (
    AnyStep,
    Choose,
    Enter,
    Hide,
    Launch,
    Maybe,
    Push,
    Repeat,
    Scenario,
    Show,
    Track,
)
from simulator.scenario.nearest import nearest
from simulator.scenario.steps import Scoped
from simulator.scenario.steps_in import all_steps
from simulator.scenario.variables import names_in, texts_in
from simulator.times import format_duration
from simulator.wechat import (
    CLASS_A_SCENES,
    CUSTOM_PREFIX,
    MAX_EVENT_NAME,
    SCENES,
    TRACKER_EVENTS,
    UNLABELLED_SCENES,
    parameters,
    split_path,
)

WARM_SHOW_EVENT = "c_mp_show"  # always registered; sent by the adapter itself under every-foreground
_SLOT = re.compile(r"identityType([23]?)")


def lint(loaded: Loaded) -> list[Complaint]:
    """The warnings about a scenario, in the order of the file."""
    rules = (_unreachable, _unused, _events, _slots, _identities, _scenes, _paths, _pauses, _arrivals)
    found = [complaint for rule in rules for complaint in rule(loaded.scenario)]
    return sorted(dict.fromkeys(found), key=lambda complaint: (complaint.file, complaint.line, complaint.column))


def _unreachable(scenario: Scenario) -> Iterator[Complaint]:
    """Steps that nobody ever takes."""
    for place, step in all_steps(scenario):
        times = getattr(step, "times", None)
        if isinstance(step, Maybe) and step.maybe == 0:
            yield scenario.complaint(f"{place}.steps", "never taken: the probability is 0%")
        elif isinstance(step, Repeat) and step.repeat.high == 0:
            yield scenario.complaint(f"{place}.steps", "never taken: repeated 0 times")
        elif times is not None and times.high == 0:
            yield scenario.complaint(place, "never taken: 0 times")
        elif isinstance(step, Choose):
            for number, choice in enumerate(step.choose):
                if choice.weight == 0:
                    yield scenario.complaint(f"{place}.choose[{number}]", "never taken: its weight is 0")


def _unused(scenario: Scenario) -> Iterator[Complaint]:
    """Journeys, sources, variables and pages that change nothing."""
    enters = [_enter_of(step) for _, step in all_steps(scenario)]
    named = {enter.source for enter in enters if enter is not None}
    for name, journey in scenario.journeys.items():
        if journey.weight == 0:
            yield scenario.complaint(f"journeys.{name}", "unused journey: its weight is 0", key=True)
    for name, source in scenario.sources.items():
        if source.weight == 0 and name not in named:
            text = "unused source: its weight is 0 and no step names it"
            yield scenario.complaint(f"sources.{name}", text, key=True)
    texts = texts_in(scenario.model_dump(include={"sources", "journeys"}))
    used = {name for text in texts for name in names_in(text)}
    for name in scenario.visitors.vars:
        if name not in used:
            yield scenario.complaint(f"visitors.vars.{name}", f"unused variable: {{{name}}} stands nowhere", key=True)
    for place, entries in (("app.pages", scenario.app.pages), ("app.events", scenario.app.events)):
        for index, entry in enumerate(entries):
            if entry in entries[:index]:
                yield scenario.complaint(f"{place}[{index}]", f"{entry} stands here a second time")


def _events(scenario: Scenario) -> Iterator[Complaint]:
    """Event names that a collector would list as bad, or that the tracker sends by itself."""
    registered = [*scenario.app.events, WARM_SHOW_EVENT]
    for index, name in enumerate(scenario.app.events):
        if not name.startswith(CUSTOM_PREFIX):
            yield scenario.complaint(f"app.events[{index}]", f"custom events begin with c_, and {name} does not")
    for place, step in all_steps(scenario):
        if not isinstance(step, Track):
            continue
        name = step.track.event
        if name in TRACKER_EVENTS:
            text = f"the tracker sends {name} by itself; this one counts as well"
        elif len(name) > MAX_EVENT_NAME:
            text = f"{len(name)} characters, and an event name has at most {MAX_EVENT_NAME}: a bad event"
        elif not name.startswith(CUSTOM_PREFIX):
            near = nearest(name, TRACKER_EVENTS)
            hint = f"did you mean {near}?" if near else f"custom events begin with c_, such as c_{name}"
            text = f"the tracker does not know {name}; {hint}"
        elif name not in registered:
            near = nearest(name, registered)
            hint = f"did you mean {near}?" if near else "add it there, unless the bad event is on purpose"
            text = f"{name} is not listed in app.events; {hint}"
        else:
            continue
        yield scenario.complaint(f"{place}.track", text)


def _slots(scenario: Scenario) -> Iterator[Complaint]:
    """The mistake that the source document warns of: a second identity type in a slot that held another."""
    for name, journey in scenario.journeys.items():
        yield from _slots_of(scenario, journey.steps, f"journeys.{name}", {})


def _slots_of(scenario: Scenario, steps: Sequence[AnyStep], holder: str, held: dict[str, str]) -> Iterator[Complaint]:
    for index, step in enumerate(steps):
        place = f"{holder}.steps[{index}]"
        if isinstance(step, Choose):
            ways = [dict(held) for _ in step.choose]
            for number, (choice, way) in enumerate(zip(step.choose, ways, strict=True)):
                yield from _slots_of(scenario, choice.steps, f"{place}.choose[{number}]", way)
            for way in ways:
                held.update(way)
        elif isinstance(step, Scoped):
            yield from _slots_of(scenario, step.steps, place, held)
        elif isinstance(step, Push):
            for where, slot, kind in pushed(step):
                before = held.get(slot, kind)
                if before != kind:
                    text = f"slot {slot} held {before}; pushing {kind} into it makes {before} invalid"
                    yield scenario.complaint(f"{place}.push{where}", text)
                held[slot] = kind


def pushed(step: Push) -> list[tuple[str, str, str]]:
    """(where inside the push, slot "1" to "3", identity type) of what a push puts into slots."""
    if isinstance(step.push, list):
        return [(f"[{slot}]", str(slot + 1), kind) for slot, kind in enumerate(step.push)]
    found = []
    for key, kind in step.push.items():
        match = _SLOT.fullmatch(key)
        if match is not None and isinstance(kind, str):
            found.append((f".{key}", match[1] or "1", kind))
    return found


def _identities(scenario: Scenario) -> Iterator[Complaint]:
    """Identities that nobody pushes or nobody has, and one value for everybody."""
    types: set[str] = set()
    has = scenario.visitors.identities
    for place, step in all_steps(scenario):
        if not isinstance(step, Push):
            continue
        for where, slot, kind in pushed(step):
            types.add(kind)
            value_key = f"identityValue{'' if slot == '1' else slot}"
            given = isinstance(step.push, dict) and value_key in step.push
            if not has.get(kind) and not given:
                text = f"nobody has {kind}, so nothing is pushed; give it a part in visitors.identities"
                yield scenario.complaint(f"{place}.push{where}", text)
        if isinstance(step.push, dict) and scenario.visitors.count != 1:
            for key, value in step.push.items():
                if key.startswith("identityValue") and not any(names_in(text) for text in texts_in(value)):
                    text = "the same value for every visitor, so all are one user; leave it out for the visitor's own"
                    yield scenario.complaint(f"{place}.push.{key}", text)
    for kind, part in has.items():
        if part and kind not in types:
            yield scenario.complaint(f"visitors.identities.{kind}", f"no journey pushes {kind}", key=True)
    if scenario.visitors.share_mobile and not has.get("mobile"):
        text = "nobody has a mobile that could be shared; give mobile a part in visitors.identities"
        yield scenario.complaint("visitors.share_mobile", text)


def _scenes(scenario: Scenario) -> Iterator[Complaint]:
    """Scenes that WeChat does not have."""
    scenes = [(f"sources.{name}.scene", source.scene) for name, source in scenario.sources.items()]
    for place, step in all_steps(scenario):
        enter = _enter_of(step)
        if enter is not None and enter.scene is not None:
            scenes.append((f"{place}.{'launch' if isinstance(step, Launch) else 'show'}.scene", enter.scene))
    for place, scene in scenes:
        if scene not in SCENES and scene not in UNLABELLED_SCENES:
            yield scenario.complaint(place, f"WeChat has no scene {scene}; 1000 is its word for other")


def _paths(scenario: Scenario) -> Iterator[Complaint]:
    """Source parameters that arrive nowhere."""
    for name, source in scenario.sources.items():
        if source.code is not None and source.path is None:
            text = "a code without a path looks up the bare home page; give the source its path"
            yield scenario.complaint(f"sources.{name}.code", text)
    for place, path in entering_paths(scenario):
        keys = {key for key, _ in parameters(split_path(path)[1])}
        if "cl_ctnm" in keys and "cl_sr" not in keys:
            yield scenario.complaint(place, "cl_ctnm without cl_sr: a content without a source, which no show takes")
    for place, step in all_steps(scenario):
        if isinstance(step, Show) and step.show.path is not None and step.show.scene in CLASS_A_SCENES:
            text = f"scene {step.show.scene} keeps the pages that were open (class A), so the path opens none"
            yield scenario.complaint(f"{place}.show.path", text)


def _pauses(scenario: Scenario) -> Iterator[Complaint]:
    """Pauses so long that a hide was meant."""
    destroy = scenario.app.destroy
    for place, step in all_steps(scenario):
        think = getattr(step, "think", None)
        if think is not None and think.high >= destroy and not isinstance(step, Hide):
            text = f"a think of {format_duration(think.high)} in the foreground; did you mean hide? (it is destroyed"
            yield scenario.complaint(f"{place}.think", f"{text} after {format_duration(destroy)} in the background)")


def _arrivals(scenario: Scenario) -> Iterator[Complaint]:
    """What says nothing about the arrivals it stands beside."""
    load = scenario.load
    if "spacing" in load.model_fields_set and not isinstance(load.arrivals, list):
        text = (
            "the users' own pace spaces them" if load.arrivals is None else "the file's instants are taken as they are"
        )
        yield scenario.complaint("load.spacing", f"it spaces arrivals that have a rate; {text}", key=True)


def _enter_of(step: AnyStep) -> Enter | None:
    return step.launch if isinstance(step, Launch) else step.show if isinstance(step, Show) else None
