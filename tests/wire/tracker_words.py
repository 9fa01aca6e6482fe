"""Words for the tests of trackers: every adapter with its options, and likely histories of a phone."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any
from urllib.parse import quote

from hypothesis import strategies as st

from simulator.events import NO_SOURCE, Call, Delivery, Event, Json, Kind, Source
from simulator.times import Ms
from simulator.wire.registry import make_adapter
from simulator.wire.request import Adapter, Record, Request
from tests.wire.wire_builders import NOON, OPTIONS, PHONE

GENERIC_JSON: Mapping[str, Any] = {
    "body": {
        "json": {
            "type": "{event}",
            "kind": "{kind}",
            "at": "{ms}",
            "id": "{id}",
            "device": "{device}",
            "openid": "{identity.applet-wechat?}",
            "phone": "{identity.mobile?}",
            "from": {"source": "{source?}", "content": "{content?}"},
            "page": "{page}",
            "session": "{session}",
            "props": "{params}",
        }
    },
}
GENERIC_QUERY: Mapping[str, Any] = {
    "method": "GET",
    "path": "/pixel/{app}/{event}",
    "query": {"t": "{s}", "d": "{device}", "u": "{identity.applet-wechat?}", "url": "{address}", "k": "{kind}"},
}
GENERIC_FORM: Mapping[str, Any] = {
    "headers": {"X-Device": "{device}", "X-Name": "{name}"},
    "body": {"form": {"e": "{event}", "k": "{kind}", "when": "{local_time}", "i": "{uuid}", "who": "{identities}",
                      "p": "{page}", "s": "{source}", "c": "{content}", "n": "{session}"}},
}  # fmt: skip
GENERIC_XML: Mapping[str, Any] = {
    "body": {
        "text": '<e name="{event}" kind="{kind}" at="{time}" id="{id}" d="{device}" p="{page}">{source}|</e>',
        "escape": "xml",
    },
}
GENERIC_BATCH: Mapping[str, Any] = {
    "batch": 5,
    "event": {"n": "{event}", "k": "{kind}", "ts": "{us}", "id": "{id}", "pg": "{page?}", "src": "{source?}"},
    "body": {"json": {"app": "{app}", "dev": "{device}", "n": "{count}", "list": "{events}"}},
    "packed": True,
}
GENERIC_LINES: Mapping[str, Any] = {
    "batch": 5,
    "lines": True,
    "event": {"n": "{event}", "k": "{kind}", "ts": "{time}", "id": "{id}", "d": "{device}", "pg": "a {page} b"},
}

# Every way to write that the properties go through: name of the case → adapter and its options.
CASES: Mapping[str, tuple[str, Mapping[str, Any]]] = {
    "sensors": ("sensors", {"batch": 4}),
    "sensors gzip": ("sensors", {"gzip": True}),
    "sensors single": ("sensors", {"single": True}),
    "snowplow": ("snowplow", {"batch": 3}),
    "snowplow self-describing": ("snowplow", {"schema_of_custom": "iglu:com.acme/custom/jsonschema/1-0-0"}),
    "matomo bulk": ("matomo", {"opens": "event"}),
    "matomo single": ("matomo", {"single": True}),
    "segment": ("segment", {}),
    "posthog": ("posthog", {}),
    "posthog single": ("posthog", {"single": True, "view": "screen"}),
    "ga4": ("ga4", {}),
    "ga4 app": ("ga4", {"stream": "app", "batch": 2}),
    "growingio": ("growingio", {}),
    "thinkingdata": ("thinkingdata", {}),
    "thinkingdata server": ("thinkingdata", {"server": True, "batch": 6}),
    "aladdin": ("aladdin", {}),
    "umeng": ("umeng", {}),
    "generic json": ("generic", GENERIC_JSON),
    "generic query": ("generic", GENERIC_QUERY),
    "generic form": ("generic", GENERIC_FORM),
    "generic xml": ("generic", GENERIC_XML),
    "generic batch": ("generic", GENERIC_BATCH),
    "generic lines": ("generic", GENERIC_LINES),
}


def case(name: str, **options: Any) -> Adapter[Any]:
    """The adapter of a case, with options that all adapters have replaced."""
    adapter, own = CASES[name]
    return make_adapter(adapter, replace(OPTIONS, **options), own)


def own(name: str, /, **options: Any) -> Adapter[Any]:
    """An adapter with options of its own."""
    return make_adapter(name, OPTIONS, options)


def unplaced(record: Record) -> Record:
    """A record as a captured request says it: of nobody's plan."""
    return replace(record, visitor=-1, number=-1, setup=False)


def decoded(of: Adapter[Any], request: Request) -> tuple[Record, ...]:
    return of.decode(request.method, request.target, dict(request.headers), request.body)


# ---- histories ----------------------------------------------------------------------------------------------------

texts = st.text(st.characters(exclude_categories=["Cs"]), max_size=8) | st.sampled_from(
    [
        "a&b=c",
        "100%",
        "%41",
        "+ +",
        '"\\',
        "\r\nX: 1",
        "{x}",
        "经典款",
        "😀",
        "<a b='c'>",
        "]]>",
        "null",
        "0",
        "\u200b",
        "~!*'()",
    ]
)
# What stands in a route or query when it reaches a tracker: percent-encoded.
parts = st.text("abcXYZ019-_.é中 %&", min_size=1, max_size=6).map(lambda text: quote(text, safe=""))
pages = st.lists(parts, min_size=1, max_size=3).map("/".join)
page_queries = st.lists(st.tuples(st.sampled_from(["id", "from", "q"]), parts), max_size=2).map(
    lambda pairs: "&".join(f"{key}={value}" for key, value in pairs)
)
sources = st.just(NO_SOURCE) | st.builds(
    Source, texts, texts, st.lists(st.tuples(st.just("source1"), texts), max_size=1).map(tuple)
)
values: st.SearchStrategy[Json] = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | texts,
    lambda inner: st.lists(inner, max_size=2) | st.dictionaries(texts, inner, max_size=2),
    max_leaves=3,
)
names = st.text("abcdefgh_", min_size=1, max_size=8).map(lambda text: f"c_{text}")
calls = st.builds(
    Call, event=names, name=texts, id=texts, params=st.lists(st.tuples(names, values), max_size=3).map(tuple)
)
identity_values = st.text("abcXYZ0189_-", min_size=1, max_size=28)


@st.composite
def pushes(draw: st.DrawFn) -> tuple[tuple[str, Json], ...]:
    """Slots as an application fills them: the openid first, perhaps the others."""
    kinds = ["applet-wechat", *draw(st.sampled_from([[], ["mobile"], ["wechat-unionid", "mobile"]]))]
    pushed: list[tuple[str, Json]] = []
    for number, kind in enumerate(kinds, 1):
        suffix = "" if number == 1 else str(number)
        pushed += [(f"identityType{suffix}", kind), (f"identityValue{suffix}", draw(identity_values))]
    return tuple(pushed)


@st.composite
def histories(draw: st.DrawFn) -> list[Event]:
    """A launch and what may follow on one phone, oldest first: pushes, views, hides, returns, other launches."""
    kinds = [
        Kind.LAUNCH,
        *draw(st.lists(st.sampled_from([kind for kind in Kind if kind is not Kind.MALFORMED]), max_size=9)),
    ]
    at, events = int(NOON), []
    source, page, query, scene = draw(sources), draw(pages), draw(page_queries), 1047
    for number, kind in enumerate(kinds):
        at += draw(st.sampled_from([1, 1, 999, 31_000, 1_900_000]))
        if kind in (Kind.LAUNCH, Kind.SHOW):
            source, scene = draw(sources), draw(st.sampled_from([1047, 1089]))
        if kind in (Kind.LAUNCH, Kind.VIEW):
            page, query = draw(pages), draw(page_queries)
        events.append(
            Event(
                visitor=0,
                number=number,
                at=Ms(at),
                kind=kind,
                device=PHONE,
                delivery=Delivery(Ms(at), skew=Ms(draw(st.sampled_from([0, 0, 0, 1_500, -3_600_000])))),
                scene=scene,
                source=source,
                page=page if kind in (Kind.LAUNCH, Kind.VIEW) else "",
                query=query if kind in (Kind.LAUNCH, Kind.VIEW) else "",
                pushed=draw(pushes()) if kind is Kind.PUSH else (),
                call=draw(calls) if kind is Kind.TRACK else None,
            )
        )
    return events


def sent_by(of: Adapter[Any], events: list[Event]) -> list[Request]:
    """Everything that is sent while they happen, and at the end."""
    state, sent = of.boot(PHONE), list[Request]()
    for event in events:
        state, requests = of.step(state, event)
        sent.extend(requests)
    return [*sent, *of.flush(state, NOON)[1]]
