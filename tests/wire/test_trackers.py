"""Every adapter but DM Hub's: what it sends is read back as it was meant, and is what happened."""

from __future__ import annotations

import re
from dataclasses import fields
from itertools import chain
from typing import Any

import pytest
from hypothesis import given, settings

from simulator.events import Event, Identity, Kind
from simulator.wire.request import Action, Adapter, Record, Request, fold_of, without_bytes
from simulator.wire.tracker import Tracker
from tests.wire.tracker_words import CASES, case, decoded, histories, sent_by, unplaced
from tests.wire.wire_builders import NOON, PHONE, happening

EVERY = sorted(CASES)
HISTORIES = settings(max_examples=10, deadline=None)

# Fields of a record that come back from the wire, by case; what is not here is not carried.
ALL = frozenset({"action", "event", "date", "external_id", "anonymous_id", "identities", "source", "content", "page"})
CARRIED = {
    "sensors": ALL,
    "sensors gzip": ALL,
    "sensors single": ALL,
    "snowplow": ALL | {"session"},
    "snowplow self-describing": ALL | {"session"},
    "matomo bulk": ALL - {"external_id"},
    "matomo single": ALL - {"external_id"},
    "segment": ALL,
    "posthog": ALL | {"session"},
    "posthog single": ALL | {"session"},
    "ga4": (ALL | {"session"}) - {"external_id"},
    "ga4 app": (ALL | {"session"}) - {"external_id"},
    "growingio": ALL | {"session"},
    "thinkingdata": ALL,
    "thinkingdata server": ALL,
    "aladdin": (ALL | {"session"}) - {"external_id"},
    "umeng": ALL | {"session", "length"},
    "generic json": ALL | {"session"},
    "generic query": ALL - {"external_id"},
    "generic form": ALL | {"session"},
    "generic xml": ALL - {"identities", "content"},
    "generic batch": ALL - {"identities", "content"},
    "generic lines": ALL - {"identities", "content", "source"},
}
NEVER = {"visitor", "number", "setup", "bad", "view", "waited"}  # of the plan, or of no wire here
# Times that a wire says in whole seconds.
SECONDS = {"matomo bulk", "matomo single", "generic query"}
ONE_USER = {"snowplow", "matomo", "segment", "posthog", "ga4", "growingio", "thinkingdata", "aladdin"}


def tracker(name: str) -> Tracker:
    of = case(name)
    assert isinstance(of, Tracker)
    return of


@pytest.mark.parametrize("name", EVERY)
def test_what_a_wire_carries_is_declared(name: str) -> None:
    assert tracker(name).carries == CARRIED[name]


@pytest.mark.parametrize("name", EVERY)
def test_what_an_adapter_promises_is_what_it_carries(name: str) -> None:
    of = case(name)
    promised = {
        "date": of.carries_time,
        "external_id": of.carries_id,
        "anonymous_id": of.carries_anonymous_id,
        "source": of.carries_source,
    }

    assert {field for field, carried in promised.items() if carried} == CARRIED[name] & promised.keys()


def check(name: str, history: list[Event]) -> None:
    """One history through one adapter, there and back."""
    of = case(name)
    requests = sent_by(of, history)
    records = [record for request in requests for record in request.records]

    for request in requests:
        assert decoded(of, request) == tuple(map(unplaced, request.records))
    never_said(name, records)
    as_it_happened(name, history, records)
    told_once(name, history, records)


@pytest.mark.parametrize("name", EVERY)
@given(history=histories())
@HISTORIES
def test_what_is_sent_is_read_back_as_it_was_meant_and_is_what_happened(name: str, history: list[Event]) -> None:
    check(name, history)


@pytest.mark.slow
@given(history=histories())
@settings(max_examples=60, deadline=None)
def test_the_same_of_many_histories(history: list[Event]) -> None:
    for name in EVERY:
        check(name, history)


def never_said(name: str, records: list[Record]) -> None:
    """What is not declared as carried stands in no record."""
    silent = [field.name for field in fields(Record) if field.name not in CARRIED[name] | NEVER]
    plain = Record(0, 0, "", Action.CUSTOM, "", None, "", ())
    for record in records:
        assert [getattr(record, field) for field in silent] == [getattr(plain, field) for field in silent]


def as_it_happened(name: str, history: list[Event], records: list[Record]) -> None:
    """Each record is of its event: instant, source, page, identities."""
    carried = CARRIED[name]
    seen = {number: happened(history, number) for number in range(len(history))}

    assert len({record.anonymous_id for record in records}) <= 1
    ids = [record.external_id for record in records if record.external_id]
    assert len(ids) == len(set(ids))
    for record in records:
        event, pushed = seen[record.number]
        if CASES[name][0] == "umeng" and (record.action is not Action.CUSTOM or record.event == "share"):
            continue  # sessions say what happened long before they end: test_umeng.py
        assert record.date == when(event, name)
        if "source" in carried and tells_source(name, record):
            assert record.source == as_told(name, event.source.name)
        if "content" in carried and tells_source(name, record):
            assert record.content == event.source.content
        if record.action is Action.VIEW:
            assert event.kind is Kind.VIEW
            assert record.page == event.page
        if "identities" in carried:
            assert set(record.identities) <= pushed
        if CASES[name][0] in ONE_USER:
            openids = {identity for identity in pushed if identity.type == "applet-wechat"}
            assert set(record.identities) == openids


def as_told(name: str, text: str) -> str:
    """XML has no form for most control characters."""
    return re.sub("[\x00-\x08\x0b\x0c\x0e-\x1f\ufffe\uffff]", "\ufffd", text) if name == "generic xml" else text


def happened(history: list[Event], number: int) -> tuple[Event, set[Identity]]:
    """The event of that number, and the identities that stand in the slots by then."""
    slots: dict[str, str] = {}
    for event in history[: number + 1]:
        slots |= {key: str(value) for key, value in event.pushed}
    pairs = [(slots.get(f"identityType{one}"), slots.get(f"identityValue{one}")) for one in ("", "2", "3")]
    return history[number], {Identity(kind, value) for kind, value in pairs if kind and value}


def when(event: Event, name: str) -> int:
    at = event.at + event.delivery.skew
    return at // 1000 * 1000 if name in SECONDS else at


def tells_source(name: str, record: Record) -> bool:
    """Umeng says it with a session's start and end alone, ThinkingData and Sensors not with profile records."""
    return CASES[name][0] != "umeng" and record.event not in ("profile_set_once", "user_set")


# Where a wire has no form for it, or says it with another word.
NO_OPEN = {"matomo single"}
SESSIONS = {"aladdin", "umeng", "growingio"}  # a return begins a session and says so as a launch does


def told_once(name: str, history: list[Event], records: list[Record]) -> None:
    """A record for each launch and each view, no more."""
    told = [record.action for record in records]
    launches = sum(event.kind is Kind.LAUNCH for event in history)
    shows = sum(event.kind is Kind.SHOW for event in history)
    if CASES[name][0] == "umeng":
        return  # a session that never ends is never told
    assert told.count(Action.VIEW) == sum(event.kind is Kind.VIEW for event in history)
    if name in NO_OPEN:
        assert Action.OPEN not in told
    elif CASES[name][0] in SESSIONS:
        assert launches <= told.count(Action.OPEN) <= launches + shows
    else:
        assert told.count(Action.OPEN) == launches


@pytest.mark.parametrize("name", EVERY)
@given(history=histories())
@HISTORIES
def test_bytes_are_a_function_of_what_happened_so_far_and_nobody_needs_them(name: str, history: list[Event]) -> None:
    whole = sent_by(case(name), history)
    of, steps = case(name), list[tuple[Request, ...]]()
    states = [of.boot(PHONE)]
    for event in history:
        state, requests = of.step(states[-1], event)
        states.append(state)
        steps.append(requests)

    assert sent_by(case(name), history) == whole
    # A state that was handed out stays what it was, whatever has happened since.
    again = [of.step(state, event) for state, event in zip(states[:-1], history, strict=True)]
    assert again == list(zip(states[1:], steps, strict=True))
    for _ in range(2):
        assert [*chain.from_iterable(steps), *of.flush(states[-1], NOON)[1]] == whole
    silent = sent_by(without_bytes(of), history)
    assert [(one.leaves, one.records) for one in silent] == [(one.leaves, one.records) for one in whole]


@pytest.mark.parametrize("name", EVERY)
def test_a_text_that_no_url_can_hold_is_no_traceback(name: str) -> None:
    from simulator.events import Call, Source

    half = "\ud800"
    events = [
        happening(Kind.LAUNCH, source=Source(half)),
        happening(Kind.VIEW, 1, page="pages/a", source=Source(half)),
        happening(Kind.TRACK, 2, call=Call("c_a", name=half, params=((half, half),))),
        happening(Kind.HIDE, 3),
    ]
    of = case(name)

    for request in sent_by(of, events):
        request.target.encode("ascii")
        decoded(of, request)


@pytest.mark.parametrize("name", EVERY)
def test_a_clock_that_no_calendar_has_is_no_traceback(name: str) -> None:
    from simulator.events import Delivery
    from simulator.times import Ms

    of = case(name)
    for skew in (10**15, -(10**13)):
        events = [
            happening(kind, second, delivery=Delivery(NOON, skew=Ms(skew)))
            for second, kind in enumerate((Kind.LAUNCH, Kind.VIEW, Kind.HIDE))
        ]
        for request in sent_by(of, events):
            assert all(record.date is None for record in decoded(of, request))


@pytest.mark.parametrize("name", EVERY)
def test_an_adapter_folds_by_its_steps(name: str) -> None:
    of: Adapter[Any] = case(name)
    events = [happening(Kind.LAUNCH), happening(Kind.VIEW, 1, page="pages/a"), happening(Kind.HIDE, 2)]

    _, sent = fold_of(of)(of.boot(PHONE), events)

    assert [request for _, request in sent] == sent_by(of, events)
