"""Rules over more than one value of a scenario: each finds complaints, and none stops another.

The order of steps is walk.py. Arrivals whose rate follows the hours or days are left to journey/arrivals.py.
"""

from __future__ import annotations

import itertools
import re
from collections.abc import Iterator
from fractions import Fraction
from urllib.parse import quote

from simulator.errors import Complaint
from simulator.events import Spoil
from simulator.scenario.model import (
    AnyStep,
    Choose,
    Enter,
    InstantsFile,
    Launch,
    Malformed,
    Phase,
    Push,
    Scenario,
    Share,
    Show,
    Tap,
    Track,
    View,
    action_of,
)
from simulator.scenario.nearest import did_you_mean
from simulator.scenario.steps_in import all_steps
from simulator.scenario.values import LONGEST_RUN
from simulator.scenario.variables import BUILT_IN, names_in, texts_in
from simulator.scenario.walk import faults
from simulator.times import format_duration
from simulator.wechat import (
    CODE_CHARACTERS,
    CUSTOM_PREFIX,
    IDENTITY_SLOTS,
    IDENTITY_TYPES,
    MAX_PATH_BYTES,
    encode_path,
    split_path,
)

_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
_MOST_ROUTES = 1_000  # that one path with variables is tried with
# Assumed: the longest of a Chinese name or city has six characters, of nine bytes each.
_LONGEST_BUILT_IN = {"visitor": "9" * 9, "name": "名" * 6, "city": "城" * 6}


def check(scenario: Scenario) -> list[Complaint]:
    """Everything that is wrong with a scenario beyond its single values, in no particular order."""
    rules = (_pages, _sources, _identities, _steps, _tenants, _weights, _load, _lengths)
    found = [complaint for rule in rules for complaint in rule(scenario)]
    for name, journey in scenario.journeys.items():
        found += [scenario.complaint(path, text) for path, text in faults(scenario, name, journey)]
    return found


def entering_paths(scenario: Scenario) -> Iterator[tuple[str, str]]:
    """(place in the file, path) of every path by which a visitor enters."""
    for name, source in scenario.sources.items():
        if source.path is not None:
            yield f"sources.{name}.path", source.path
    for place, step in all_steps(scenario):
        enter = step.launch if isinstance(step, Launch) else step.show if isinstance(step, Show) else None
        if enter is not None and enter.path is not None:
            yield f"{place}.{'launch' if isinstance(step, Launch) else 'show'}.path", enter.path


# ---- pages and paths ----------------------------------------------------------------------------------------------


def _pages(scenario: Scenario) -> Iterator[Complaint]:
    paths = list(entering_paths(scenario))
    for place, step in all_steps(scenario):
        if isinstance(step, View):
            paths.append((f"{place}.view", step.view))
        if isinstance(step, Share) and step.share is not None:
            paths.append((f"{place}.share", step.share))
    known = {encode_path(page) for page in scenario.app.pages}
    for place, path in paths:
        if not split_path(path)[0]:
            yield scenario.complaint(place, "a path begins with a page, such as pages/index/index?id=1")
            continue
        for route in _routes(scenario, path):
            if encode_path(route) not in known:
                text = f"unreachable page {route}: app.pages has no such page"
                yield scenario.complaint(place, text + did_you_mean(route, scenario.app.pages))
                break


def _routes(scenario: Scenario, path: str) -> Iterator[str]:
    """The routes that a path can have: one, or one for each value of the variables in it."""
    route = split_path(path)[0]
    names = [name for name in dict.fromkeys(names_in(route)) if name in scenario.visitors.vars]
    values = itertools.product(*(_values(scenario, name) for name in names))
    for chosen in itertools.islice(values, _MOST_ROUTES):
        filled = route
        for name, value in zip(names, chosen, strict=True):
            filled = filled.replace(f"{{{name}}}", quote(value, safe=""))
        yield filled


def _values(scenario: Scenario, name: str) -> list[str]:
    given = scenario.visitors.vars[name]
    return [str(value) for value in given] if isinstance(given, list) else scenario.lists.get(name, [])


def _longest(scenario: Scenario, path: str) -> int:
    """Bytes of a path, percent-encoded, for the visitor for whom it is longest."""
    for name in dict.fromkeys(names_in(path)):
        if name in scenario.visitors.vars:
            encoded = [quote(value, safe="") for value in _values(scenario, name)]
            path = path.replace(f"{{{name}}}", max(encoded, key=len, default=""))
        elif name in BUILT_IN:
            path = path.replace(f"{{{name}}}", quote(_LONGEST_BUILT_IN[name]))
    return len(encode_path(path))


def _sources(scenario: Scenario) -> Iterator[Complaint]:
    for place, path in entering_paths(scenario):
        owner = place.split(".")[1] if place.startswith("sources.") else ""
        if owner and scenario.sources[owner].code is not None:
            continue
        length = _longest(scenario, path)
        if length > MAX_PATH_BYTES:
            text = f"the path has {length} bytes once percent-encoded, and {MAX_PATH_BYTES} is the limit"
            way = "give the source a code" if owner else "use a source with a code"
            yield scenario.complaint(place, f"{text}; shorten it, or {way} (method 2)")
    by_code: dict[str, tuple[str, str | None]] = {}
    for name, source in scenario.sources.items():
        if source.code is None:
            continue
        place = f"sources.{name}.code"
        wrong = sorted(set(source.code) - CODE_CHARACTERS)
        if wrong:
            text = f"a code may not contain {' '.join(wrong)}; expected letters, digits and !#$&'()*+,/:;=?@-._~"
            yield scenario.complaint(place, text)
        first, other = by_code.setdefault(source.code, (name, source.path))
        if other != source.path:
            text = f"the code {source.code} stands for another path already, in sources.{first}"
            yield scenario.complaint(place, f"{text}; one code is one link")
    for place, enter in _enters(scenario):
        if enter.source is not None and enter.source not in scenario.sources:
            text = f"unknown source {enter.source}{did_you_mean(enter.source, scenario.sources)}"
            yield scenario.complaint(place, text)


def _enters(scenario: Scenario) -> Iterator[tuple[str, Enter]]:
    for place, step in all_steps(scenario):
        if isinstance(step, Launch):
            yield f"{place}.launch.source", step.launch
        elif isinstance(step, Show):
            yield f"{place}.show.source", step.show


# ---- identities and texts -----------------------------------------------------------------------------------------


def _identities(scenario: Scenario) -> Iterator[Complaint]:
    known = [*sorted(IDENTITY_TYPES), *scenario.app.identity_types]

    def wrong(kind: str) -> str | None:
        if kind in known or kind.startswith(CUSTOM_PREFIX):
            return None
        said = f"unknown identity type {kind}{did_you_mean(kind, known)}"
        return f"{said} (own types begin with c_ or stand in app.identity_types)"

    for kind in scenario.visitors.identities:
        if (text := wrong(kind)) is not None:
            yield scenario.complaint(f"visitors.identities.{kind}", text, key=True)
    for place, step in all_steps(scenario):
        if isinstance(step, Push):
            for where, kind in _pushed_types(step):
                if (text := wrong(kind)) is not None:
                    yield scenario.complaint(f"{place}.push{where}", text)
            yield from _push_shape(scenario, f"{place}.push", step)


def _pushed_types(step: Push) -> list[tuple[str, str]]:
    """(where inside the push, identity type)."""
    if isinstance(step.push, list):
        return [(f"[{slot}]", kind) for slot, kind in enumerate(step.push)]
    slots = ("identityType", "identityType2", "identityType3")
    given = [(slot, step.push.get(slot)) for slot in slots]
    return [(f".{slot}", kind) for slot, kind in given if isinstance(kind, str) and "{" not in kind]


def _push_shape(scenario: Scenario, place: str, step: Push) -> Iterator[Complaint]:
    slots = ["identityType", "identityType2", "identityType3", "identityValue", "identityValue2", "identityValue3"]
    if not step.push:
        yield scenario.complaint(place, "nothing to push; expected identity types, such as [applet-wechat]")
    if isinstance(step.push, list):
        if len(step.push) > IDENTITY_SLOTS:
            text = f"{len(step.push)} identities, and the tracker has {IDENTITY_SLOTS} slots"
            yield scenario.complaint(place, f"{text}; push at most {IDENTITY_SLOTS} types")
        if len(set(step.push)) < len(step.push):
            yield scenario.complaint(place, "one identity type twice; expected each in one slot")
        return
    for key, value in step.push.items():
        if key.startswith(("identityType", "identityValue")) and key not in slots:
            text = f"unknown slot {key}{did_you_mean(key, slots)}"
            yield scenario.complaint(f"{place}.{key}", text, key=True)
        elif key in slots[:3] and not isinstance(value, str):
            yield scenario.complaint(f"{place}.{key}", "expected an identity type, such as applet-wechat")


def _steps(scenario: Scenario) -> Iterator[Complaint]:
    """Variables that no visitor has."""
    known = [*BUILT_IN, *scenario.visitors.vars]
    for place, text in _texts(scenario):
        for name in dict.fromkeys(names_in(text)):
            if _NAME.fullmatch(name) and name not in known:
                said = f"unknown variable {{{name}}}{did_you_mean(name, known)}"
                yield scenario.complaint(place, said)


def _tenants(scenario: Scenario) -> Iterator[Complaint]:
    """An event of another tenant can only be bad where there is a tenant."""
    for place, step in all_steps(scenario):
        if isinstance(step, Malformed) and step.malformed is Spoil.WRONG_TENANT and not scenario.app.tenant:
            yield scenario.complaint(f"{place}.malformed", "wrong_tenant needs app.tenant, which is empty")


def _texts(scenario: Scenario) -> Iterator[tuple[str, str]]:
    """(place, text) wherever {name} is filled in."""
    yield from entering_paths(scenario)
    for place, step in all_steps(scenario):
        value: object = None
        match step:
            case View():
                value = step.view
            case Share():
                value = step.share
            case Push():
                value = step.push
            case Track():
                value = [step.track.name, step.track.id, step.track.params]
            case Tap():
                value = step.tap
        for text in texts_in(value):
            yield _exact_place(place, step, text), text


def _exact_place(place: str, step: AnyStep, text: str) -> str:
    if isinstance(step, Track):
        for key, value in (("name", step.track.name), ("id", step.track.id)):
            if value == text:
                return f"{place}.track.{key}"
        for key, inner in step.track.params.items():
            if text in texts_in(inner):
                return f"{place}.track.params.{key}"
    if isinstance(step, Push) and isinstance(step.push, dict):
        for key, inner in step.push.items():
            if text in texts_in(inner):
                return f"{place}.push.{key}"
    return f"{place}.{action_of(step)}"


# ---- weights and load ---------------------------------------------------------------------------------------------


def _weights(scenario: Scenario) -> Iterator[Complaint]:
    text = "every weight is 0, so nobody could be drawn; expected at least one above 0"
    for section in ("sources", "journeys"):
        entries = scenario.sources if section == "sources" else scenario.journeys
        if entries and not any(entry.weight for entry in entries.values()):
            yield scenario.complaint(section, text, key=True)
    for place, step in all_steps(scenario):
        if isinstance(step, Choose) and not any(choice.weight for choice in step.choose):
            yield scenario.complaint(f"{place}.choose", text, key=True)


def _load(scenario: Scenario) -> Iterator[Complaint]:
    load, count = scenario.load, scenario.visitors.count
    if load.arrivals is not None and load.users is not None:
        yield scenario.complaint("load.users", "users beside arrivals; expected one of the two", key=True)
    elif load.arrivals is None and load.users is None:
        text = "nobody comes; expected arrivals: [{rate: 20/s, for: 30s}] or users: 50"
        yield scenario.complaint("load", text, key=True)
    elif load.arrivals is None and count is None:
        yield scenario.complaint("load.users", "users need visitors.count, which is missing", key=True)
    elif load.arrivals is not None:
        if isinstance(load.arrivals, InstantsFile):
            yield from _listed(scenario, count)
        else:
            yield from _arrivals(scenario, load.arrivals, count)
        if load.each is not None:
            yield scenario.complaint("load.each", "each belongs to users; arrivals have their rate", key=True)
    for name in ("connect", "reply"):
        if getattr(load.timeouts, name) == 0:
            yield scenario.complaint(f"load.timeouts.{name}", "expected more than 0s, such as 10s")
    if load.each == 0:
        yield scenario.complaint("load.each", "expected more than 0s, such as 1m")


def _arrivals(scenario: Scenario, phases: list[Phase], count: int | None) -> Iterator[Complaint]:
    names: set[str] = set()
    for index, phase in enumerate(phases):
        if phase.for_ == 0:
            yield scenario.complaint(f"load.arrivals[{index}].for", "expected more than 0s, such as 30s")
        if phase.name in names:
            text = f"a second phase named {phase.name}; give each a name of its own, or none"
            yield scenario.complaint(f"load.arrivals[{index}].name", text)
        names |= {phase.name} - {""}
    if any(phase.hours or phase.days for phase in phases):
        return
    # The visitor k comes where the integral of the rate is k, strictly before the end: 2 and a half bring 0, 1, 2.
    area = sum(((phase.rate.low + phase.rate.high) / 2 * phase.for_ / 1000 for phase in phases), Fraction(0))
    bring = -(-area.numerator // area.denominator)
    if bring == 0:
        yield scenario.complaint("load.arrivals", "nobody arrives: every rate is 0", key=True)
    elif count is not None and count > bring:
        text = f"the arrivals bring {bring} visitors, and visitors.count asks for {count}"
        yield scenario.complaint("load.arrivals", f"{text}; raise the rate or the time, or lower the count", key=True)


def _listed(scenario: Scenario, count: int | None) -> Iterator[Complaint]:
    listed = len(scenario.instants)
    if listed and count is not None and count > listed:  # none: the file itself was complained of
        text = f"the file lists {listed} instants, and visitors.count asks for {count}; leave it out, or lower it"
        yield scenario.complaint("load.arrivals", text, key=True)


def _lengths(scenario: Scenario) -> Iterator[Complaint]:
    """Event time must stay inside the calendar."""
    load, count = scenario.load, scenario.visitors.count
    speed = Fraction(1) if load.clock.speed == "flood" else Fraction(str(load.clock.speed))
    limit = format_duration(LONGEST_RUN)
    if isinstance(load.arrivals, list) and sum(phase.for_ for phase in load.arrivals) * speed > LONGEST_RUN:
        text = f"the arrivals last longer than {limit} in event time; lower the speed or the time"
        yield scenario.complaint("load.arrivals", text, key=True)
    if load.users is not None and load.each is not None and count is not None:
        rounds = -(-count // load.users)
        if rounds * load.each > LONGEST_RUN:
            text = f"{rounds} visitors one after another last longer than {limit} in event time; lower each"
            yield scenario.complaint("load.each", text)
