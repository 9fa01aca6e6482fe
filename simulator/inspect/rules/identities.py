"""Whom events say they are of: which identities, in which slots, from when on.

What the application itself knows is read in the answers of its own backend: an identity of the visitor that occurs
there is known from then on. Without such answers the rules about when and whence find nothing to say.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from functools import lru_cache

from simulator.events import Identity
from simulator.immutable import immutable
from simulator.inspect.capture import Capture
from simulator.inspect.case import Case, Seen, told
from simulator.inspect.documents import IDENTITY, MONITORING
from simulator.inspect.rule import Breach, Level, rule
from simulator.inspect.rules.launching import CAUSES
from simulator.inspect.source import Value
from simulator.runtime.trace import Moment
from simulator.times import Ms, format_duration
from simulator.wechat import (
    IDENTITY_PRIORITY,
    IDENTITY_SLOTS,
    IDENTITY_TYPES,
    MAX_IDENTITY_TYPE,
    MAX_IDENTITY_VALUE,
)
from simulator.wire.dmhub_fields import SLOTS
from simulator.wire.request import Record

_TYPES = MONITORING.at("2.4.1 Common Identity Types for Mini Programs")
_SETTING = MONITORING.at("2.4.2 Identity Setting")
_ANONYMOUS = MONITORING.at("2.4.3 Identify users")
_NOT_THERE = frozenset({"undefined", "null", "NaN", "[object Object]", "[object Undefined]", "None", "false"})
_MOST_READ = 262_144  # bytes of an answer in which identities are looked for


@immutable(frozen=True, slots=True)
class Pushed:
    """A slot as an application gives it, in the source or at run time."""

    slot: str  # the key of its type
    type: str
    value: str | None  # None: not known before the program runs
    breach: Breach  # with its evidence, its sentence still empty

    def told(self, text: str, key: str) -> Breach:
        """What is wrong with it."""
        found = self.breach
        return Breach(text, key, found.visitor, found.at, found.page, found.request, found.place)


def _in_source(case: Case) -> Iterator[Pushed]:
    for called in case.code.tracker_calls("push") if case.code is not None and case.is_dmhub() else ():
        for given in called.values():
            if isinstance(given, dict):
                yield from _slots_of(given, Breach("", "", place=called.place))


def _at_run_time(case: Case) -> Iterator[Pushed]:
    for seen in case.visitors:
        for mark in seen.trace.marks:
            if mark.moment is Moment.CALL and mark.detail == "push" and isinstance(mark.data, list):
                for given in mark.data:
                    if isinstance(given, dict):
                        yield from _slots_of(given, Breach("", "", seen.visitor, mark.at, mark.page, place=mark.place))


def _slots_of(given: Mapping[str, object] | Mapping[str, Value], breach: Breach) -> Iterator[Pushed]:
    for key in given:
        if key.startswith("identityType"):
            kind, value = given[key], given.get(key.replace("Type", "Value"))
            if isinstance(kind, str):
                yield Pushed(key, kind, value if isinstance(value, str) else None, breach)


def _sent(case: Case) -> Iterator[Pushed]:
    """The slots of every event that names somebody."""
    for seen, capture, _ in case.dmhub_events():
        for key, value_key in SLOTS:
            kind, value = capture.fields.get(key, ""), capture.fields.get(value_key, "")
            if kind and value:
                yield Pushed(key, kind, value, told(seen, capture, "", ""))


def _everywhere(case: Case) -> Iterator[Pushed]:
    yield from _in_source(case)
    yield from _at_run_time(case)
    yield from _sent(case)


# ---- types and slots -----------------------------------------------------------------------------------------------


@rule(
    "identity-type",
    Level.ERROR,
    title="Identity types are known, and custom ones are declared",
    expected=f"{', '.join(sorted(IDENTITY_TYPES))}, or a type of one's own that is declared",
    document=_TYPES,
    says="In addition to the system default identity, you can create a custom identity in [Settings]-[Identity]",
    mend="Correct the type, or create it in the system and declare it under app.identity_types of the scenario.",
)
def identity_type(case: Case) -> Iterator[Breach]:
    known = IDENTITY_TYPES | case.facts.identity_types
    for pushed in _everywhere(case):
        if pushed.type not in known:
            yield pushed.told(f"the identity type {pushed.type[:64]!r} is neither known nor declared", pushed.type)


@rule(
    "identity-slots",
    Level.ERROR,
    title=f"There are at most {IDENTITY_SLOTS} identities at a time",
    expected="identityType, identityType2 and identityType3 with their values, and no others",
    document=_SETTING,
    says="If there are multiple identities: (support up to 3 identities at the same time)",
    mend="Leave out the identity of the lowest priority.",
)
def identity_slots(case: Case) -> Iterator[Breach]:
    usual = {key for key, _ in SLOTS}
    for pushed in (*_in_source(case), *_at_run_time(case)):
        if pushed.slot not in usual:
            yield pushed.told(f"{pushed.slot} is given, a slot that there is not", pushed.slot)
    for seen, capture, record in case.dmhub_events():
        for key in capture.fields:
            if key.startswith("identityType") and key not in usual:
                yield told(seen, capture, f"{key} is on {record.event}, a slot that there is not", key)


@rule(
    "identity-slot-type",
    Level.ERROR,
    title="A slot keeps its identity type for good",
    expected="each of identityType, identityType2 and identityType3 always with one and the same type",
    document=_SETTING,
    says="The same identityType should always correspond to one identity type. The result is that the first "
    "identityType is invalid",
    mend="Give each type a slot of its own: identityType for the openid, identityType2 for the unionid, and so on.",
)
def identity_slot_type(case: Case) -> Iterator[Breach]:
    written: dict[str, str] = {}
    for pushed in _in_source(case):
        first = written.setdefault(pushed.slot, pushed.type)
        if pushed.type != first:
            yield pushed.told(f"{pushed.slot} is given {pushed.type!r} here and {first!r} elsewhere", pushed.slot)
    given: dict[tuple[int, str], str] = {}
    for pushed in _at_run_time(case):
        first = given.setdefault((pushed.breach.visitor, pushed.slot), pushed.type)
        if pushed.type != first:
            yield pushed.told(f"{pushed.slot} was given {pushed.type!r} and {first!r} before", pushed.slot)
    devices: dict[tuple[str, str], str] = {}
    for seen, capture, record in case.dmhub_events():
        for key, value_key in SLOTS:
            kind = capture.fields.get(key, "")
            if kind and capture.fields.get(value_key):
                device = record.anonymous_id or str(seen.visitor)
                first = devices.setdefault((device, key), kind)
                if kind != first:
                    yield told(seen, capture, f"{key} became {kind!r} and was {first!r} before", key)
                    devices[device, key] = kind


# ---- values --------------------------------------------------------------------------------------------------------


@rule(
    "identity-literal",
    Level.ERROR,
    title="No identity is the text of something that was not there",
    expected="a value that the backend gave; nothing is pushed while there is none",
    document=_ANONYMOUS,
    says="The event will remain anonymous if there is no identity value",
    mend="Push inside the callback that brings the value, and only if it is there.",
)
def identity_literal(case: Case) -> Iterator[Breach]:
    for pushed in (*_in_source(case), *_sent(case)):
        if pushed.value is not None and pushed.value.strip() in _NOT_THERE:
            yield pushed.told(f"the {pushed.type} is the text {pushed.value!r}", pushed.type)


@rule(
    "identity-case",
    Level.ERROR,
    title="Identities keep their upper and lower case",
    expected="the value letter by letter as WeChat gave it",
    document=_SETTING,
    says="identityValue: 'oI_M5xC_YlVhrGe5kcYhkzEQM6wM' // the openid or unionid of the user",
    mend="Do not lower or raise the letters of an openid or unionid: another case is another customer.",
)
def identity_case(case: Case) -> Iterator[Breach]:
    for seen in case.visitors:
        known = {value.lower(): value for _, value in _values_of(seen)}
        for capture, record in seen.events():
            for identity in record.identities:
                right = known.get(identity.value.lower())
                if right is not None and right != identity.value:
                    text = f"the {identity.type} is {identity.value!r}; the backend said {right!r}"
                    yield told(seen, capture, text, identity.type)


@rule(
    "identity-size",
    Level.ERROR,
    title=f"Identities have at most {MAX_IDENTITY_VALUE} characters, and their types {MAX_IDENTITY_TYPE}",
    expected=f"a type of at most {MAX_IDENTITY_TYPE} characters and a value of at most {MAX_IDENTITY_VALUE}",
    document=IDENTITY,
    says=f"type at most {MAX_IDENTITY_TYPE} characters, value at most {MAX_IDENTITY_VALUE}",
    mend="Push the identity itself, not a token or an encrypted text in its place.",
)
def identity_size(case: Case) -> Iterator[Breach]:
    for pushed in _everywhere(case):
        if len(pushed.type) > MAX_IDENTITY_TYPE:
            yield pushed.told(f"an identity type of {len(pushed.type)} characters", pushed.type)
        if pushed.value is not None and len(pushed.value) > MAX_IDENTITY_VALUE:
            yield pushed.told(f"the {pushed.type} has {len(pushed.value)} characters", pushed.type)


# ---- when and whence -----------------------------------------------------------------------------------------------


@rule(
    "identity-early",
    Level.ERROR,
    title="Events are anonymous until the visitor is known",
    expected="no identityValue before the backend gave one; identityType alone may stand there",
    document=_ANONYMOUS,
    says="The event will remain anonymous if there is no identity value. After obtaining the user's openId, please "
    "set it",
    mend="Do not push a made-up value such as a random id or 'guest': it becomes a customer of its own.",
    follows=("identity-literal", "identity-case", "identity-size"),
)
def identity_early(case: Case) -> Iterator[Breach]:
    answers = [text for seen in case.visitors for _, text in _answers(seen)]
    planned = {identity.value for seen in case.visitors if seen.visit for identity in seen.visit.identities}
    if not answers:
        return
    is_told = lru_cache(maxsize=None)(lambda value: value in planned or any(f'"{value}"' in text for text in answers))
    for seen in case.visitors:
        for capture, record in seen.events():
            for identity in record.identities:
                if identity.type in IDENTITY_TYPES and not is_told(identity.value):
                    text = f"{record.event} has the {identity.type} {identity.value[:64]!r}, which nobody gave"
                    yield told(seen, capture, text, identity.type)


@rule(
    "identity-at-once",
    Level.ERROR,
    title="An identity is set as soon as it is known",
    expected="push() in the callback that brings the identity, so that the next event carries it",
    document=_SETTING,
    says="After getting the corresponding identity, you should immediately set the customer identity",
    mend="Call push() in the success callback of the login, before anything else is tracked.",
    follows=(*CAUSES, "event-time", "identity-case", "identity-literal", "identity-slot-type"),
)
def identity_at_once(case: Case) -> Iterator[Breach]:
    for seen in case.visitors:
        known = _known_at(seen)
        carried = {identity.type for _, record in seen.events() for identity in record.identities}
        for identity, since in known.items():
            if identity.type not in IDENTITY_PRIORITY or (carried and identity.type not in carried):
                continue  # one that is never sent beside others is identity-priority's
            late = _without(seen, identity, since)
            if late is not None:
                capture, record = late
                after = format_duration(Ms(_when(capture, record) - since))
                text = f"{record.event} lacks the {identity.type}, which the backend gave {after} before"
                yield told(seen, capture, text, identity.type)


@rule(
    "identity-priority",
    Level.WARNING,
    title="Of the identities that are known, the one of the highest priority is sent",
    expected=f"of {' > '.join(IDENTITY_PRIORITY)} every one that is known, the first of them above all",
    document=_TYPES,
    says="The priority of the three identities is: mobile phone number > WeChat unionid > applet openId",
    mend="Push the higher one too, into a slot of its own.",
    follows=(*CAUSES, "event-time", "identity-case", "identity-literal", "identity-slot-type", "identity-type"),
)
def identity_priority(case: Case) -> Iterator[Breach]:
    for seen in case.visitors:
        known = {identity.type: since for identity, since in _known_at(seen).items()}
        best = next((kind for kind in IDENTITY_PRIORITY if kind in known), None)
        if best is None:
            continue
        later = [(capture, record) for capture, record in seen.events() if _when(capture, record) > known[best]]
        named = [one for one in later if one[1].identities]
        if named and not any(identity.type == best for _, record in named for identity in record.identities):
            capture, record = named[0]
            kinds = ", ".join(identity.type for identity in record.identities)
            text = f"{record.event} names {kinds}; the backend also gave the {best}, which is never sent"
            yield told(seen, capture, text, best)


def _values_of(seen: Seen) -> Iterator[tuple[str, str]]:
    for identity in seen.visit.identities if seen.visit is not None else ():
        yield identity.type, identity.value


def _answers(seen: Seen) -> Iterator[tuple[Ms, str]]:
    """What the application was told by its own backend, and when."""
    for _, reply in seen.others():
        yield reply.at, reply.body[:_MOST_READ].decode(errors="replace")


def _known_at(seen: Seen) -> dict[Identity, Ms]:
    """The visitor's identities that the backend told, each from when on."""
    known: dict[Identity, Ms] = {}
    for at, text in _answers(seen):
        for kind, value in _values_of(seen):
            if f'"{value}"' in text:
                known.setdefault(Identity(kind, value), at)
    return known


def _when(capture: Capture, record: Record) -> Ms:
    """When an event happened, as far as it says so; else when it was sent."""
    return capture.exchange.at if record.date is None else record.date


def _without(seen: Seen, identity: Identity, since: Ms) -> tuple[Capture, Record] | None:
    """The first event after an identity was known that does not carry one of its type."""
    for capture, record in seen.events():
        if _when(capture, record) > since:
            return None if any(one.type == identity.type for one in record.identities) else (capture, record)
    return None


RULES = (
    identity_type, identity_slots, identity_slot_type, identity_literal, identity_case, identity_size, identity_early,
    identity_at_once, identity_priority,
)  # fmt: skip
