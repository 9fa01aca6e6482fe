"""Histories of one phone for the properties: likely ones, and keys and values at their worst."""

from __future__ import annotations

from dataclasses import replace

from hypothesis import strategies as st

from simulator.events import Call, Delivery, Event, Json, Kind, Source, Spoil
from simulator.times import Ms
from tests.wire.wire_builders import NOON, PHONE

texts = (
    st.text(st.characters(exclude_categories=()), max_size=8)  # halves of surrogate pairs too
    | st.sampled_from(["", "a" * 254 + "😀", "中" * 300, "\ud83d\ude00", "/pages/a?x=1", "100%"])
)
keys = st.text(max_size=4) | st.sampled_from(
    [
        "7", "0", "source", "contentName", "scene", "targetName", "targetId", "date", "externalId", "anonymousId",
        "tenantId", "event", "utma", "identityType", "identityValue", "identityType2", "identityValue2", "os", "a&b=c",
        "x#y", "名", "a b", "\ud800",
    ]
)  # fmt: skip
values: st.SearchStrategy[Json] = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | texts,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(texts, inner, max_size=2),
    max_leaves=4,
)
properties = st.lists(st.tuples(keys, values), max_size=4).map(tuple)
sources = st.builds(
    Source, texts, texts, st.lists(st.tuples(st.sampled_from(["source1", "source2"]), texts), max_size=2).map(tuple)
)
calls = st.builds(
    Call,
    event=st.sampled_from(["c_buy", "c_sell", "mini_program_view", "open_page", "c_" + "x" * 40]) | texts,
    name=texts,
    id=texts,
    params=properties,
    form=st.sampled_from(["object", "positional"]),
    callback=st.booleans(),
)


@st.composite
def happenings(draw: st.DrawFn) -> Event:
    """One event; when and in which place is `histories`' to say."""
    kind = draw(st.sampled_from(list(Kind)))
    return Event(
        visitor=0,
        number=0,
        at=Ms(0),
        kind=kind,
        device=PHONE,
        delivery=Delivery(Ms(0), skew=Ms(draw(st.sampled_from([0, 0, 0, 1_500, -3_600_000])))),
        scene=draw(st.sampled_from([1001, 1047])),
        source=draw(sources),
        page=draw(texts),
        query=draw(texts),
        pushed=draw(properties) if kind is Kind.PUSH else (),
        call=draw(calls) if kind is Kind.TRACK else None,
        code=draw(st.sampled_from(["", "", "p7"])) if kind in (Kind.LAUNCH, Kind.SHOW) else "",
        spoil=draw(st.sampled_from(list(Spoil))) if kind is Kind.MALFORMED else None,
        setup=draw(st.booleans()),
    )


@st.composite
def histories(draw: st.DrawFn) -> list[Event]:
    """Up to eight events on one phone, oldest first, some at one instant."""
    at, events = int(NOON), []
    for number, event in enumerate(draw(st.lists(happenings(), max_size=8))):
        at += draw(st.sampled_from([0, 1, 999, 60_000]))
        delivery = replace(event.delivery, leaves=Ms(at))
        events.append(replace(event, number=number, at=Ms(at), delivery=delivery))
    return events
