"""The generic adapter: every place escapes as it must, types are kept, and a template's mistakes are told."""

from __future__ import annotations

import gzip
import json
from typing import Any
from urllib.parse import parse_qsl
from xml.etree import ElementTree as ET

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from simulator.errors import UsageError
from simulator.events import Call, Event, Kind, Source
from simulator.scenario.event_template import parse_template
from simulator.wire.request import Action, Request, WireError
from simulator.wire.template_text import ESCAPES, as_header, from_header
from tests.wire.tracker_words import own, sent_by
from tests.wire.wire_builders import NOON, happening, launch, numbered, push, track, view

NASTY = 'a&b=c+d %41"\\\r\nX: 1</e>{id}'


def sent(events: list[Event], **options: Any) -> list[Request]:
    return sent_by(own("generic", **options), events)


def bought(name: str = NASTY, **params: Any) -> list[Event]:
    return numbered(launch(), track(Call("c_buy", name=name, params=tuple(params.items())), 1))


def last(events: list[Event], **options: Any) -> Request:
    return sent(events, **options)[-1]


# ---- each place escapes -------------------------------------------------------------------------------------------


def test_a_path_keeps_its_slashes_and_a_field_in_it_has_none() -> None:
    request = last(bought(), method="GET", path="/c/{event}/{name}/{{x}}", query={"k": "{kind}"})

    assert request.target == "/c/c_buy/a%26b%3Dc%2Bd%20%2541%22%5C%0D%0AX%3A%201%3C%2Fe%3E%7Bid%7D/{x}?k=custom"


def test_a_query_escapes_keys_and_whole_values() -> None:
    request = last(bought(), method="GET", query={"e": "{event}", "a b": "{name}", "both": "x={kind}&{number}"})

    query = request.target.partition("?")[2]
    assert query == "e=c_buy&a%20b=a%26b%3Dc%2Bd%20%2541%22%5C%0D%0AX%3A%201%3C%2Fe%3E%7Bid%7D&both=x%3Dcustom%262"


def test_a_form_escapes_a_space_as_a_plus() -> None:
    request = last(bought(), body={"form": {"e": "{event}", "n": "{name}"}})

    assert request.body == b"e=c_buy&n=a%26b%3Dc%2Bd+%2541%22%5C%0D%0AX%3A+1%3C%2Fe%3E%7Bid%7D"
    assert ("content-type", "application/x-www-form-urlencoded") in request.headers
    assert dict(parse_qsl(request.body.decode(), keep_blank_values=True))["n"] == NASTY


def test_a_json_body_keeps_types_and_escapes_texts() -> None:
    body = {
        "e": "{event}", "n": "{name}", "all": "{params}", "one": "{params.price}", "in": "price {params.price}!",
        "at": "{ms}", "text": "{ms}ms", "fixed": [1, True, None, 1.5], "none": "{params.missing}",
    }  # fmt: skip
    request = last(bought(price=129.5, tags=["a", {"b": None}]), body={"json": body})

    assert request.body.decode() == (
        '{"e":"c_buy","n":"a&b=c+d %41\\"\\\\\\r\\nX: 1</e>{id}","all":{"price":129.5,"tags":["a",{"b":null}]},'
        '"one":129.5,'
        '"in":"price 129.5!","at":1795444969250,"text":"1795444969250ms","fixed":[1,true,null,1.5],"none":null}'
    )


def test_a_header_can_neither_end_its_line_nor_lose_a_character() -> None:
    request = last(
        bought(" é中\r\nEvil: 1 "), headers={"X-Name": "{name}", "content-type": "text/x"}, query={"e": "{event}"}
    )

    assert ("X-Name", "%20%C3%A9%E4%B8%AD%0D%0AEvil: 1%20") in request.headers
    assert [value for name, value in request.headers if name.lower() == "content-type"] == ["text/x"]


def test_xml_escapes_text_and_attributes() -> None:
    body = {"text": '<e n="{name}" k="{kind}" f="{event}">{name}</e>', "escape": "xml"}
    request = last(bought(), body=body)

    element = ET.fromstring(request.body)
    assert element.attrib["n"] == element.text == NASTY


def test_a_text_body_escapes_as_it_says() -> None:
    line = last(bought(), body={"text": "{event}|{name}", "escape": "url"}).body
    text = last(bought(), body={"text": '{{"e":"{event}","n":"{name}"}}', "escape": "json"}).body

    assert line == b"c_buy|a%26b%3Dc%2Bd%20%2541%22%5C%0D%0AX%3A%201%3C%2Fe%3E%7Bid%7D"
    assert json.loads(text) == {"e": "c_buy", "n": NASTY}


@given(st.text(st.characters(exclude_categories=["Cs"])), st.sampled_from(["url", "json"]))
@settings(deadline=None)
def test_every_escape_has_its_inverse(text: str, kind: str) -> None:
    assert ESCAPES[f"from {kind}"](ESCAPES[kind](text)) == text
    assert from_header(as_header(text)) == text
    assert as_header(text).strip(" ") == as_header(text)
    assert as_header(text).isprintable() or not text


@given(st.text())
@settings(max_examples=50, deadline=None)
def test_a_field_never_opens_another(text: str) -> None:
    """What a field holds is not looked at for templates again."""
    try:
        request = last(bought(text), body={"json": {"e": "{event}", "n": "{name}"}})
    except UnicodeEncodeError:
        pytest.fail("JSON can say half of a pair")
    assert json.loads(request.body)["n"].encode("utf-16", "surrogatepass") == text.encode("utf-16", "surrogatepass")


# ---- what is left out, and what is there --------------------------------------------------------------------------


def test_a_question_mark_leaves_out_what_is_empty() -> None:
    events = numbered(launch(), view(1), push(2, identityType="applet-wechat", identityValue="oX"), view(3))
    options: dict[str, Any] = {
        "headers": {"X-User": "{identity.applet-wechat?}"},
        "query": {"u": "{identity.applet-wechat?}"},
        "body": {"json": {"e": "{event}", "u": "{identity.applet-wechat?}", "who": ["{identity.mobile?}", "x"]}},
    }

    anonymous, known = sent(events, **options)[1:]

    assert anonymous.target == "/collect"
    assert json.loads(anonymous.body) == {"e": "view", "who": ["x"]}
    assert "X-User" not in dict(anonymous.headers)
    assert known.target == "/collect?u=oX"
    assert json.loads(known.body) == {"e": "view", "u": "oX", "who": ["x"]}
    assert dict(known.headers)["X-User"] == "oX"


def test_every_field_of_the_page_on_templates_has_a_value() -> None:
    from simulator.scenario.event_template import OF_AN_EVENT, OF_THE_REQUEST

    names = [*OF_THE_REQUEST, *OF_AN_EVENT, "identity.applet-wechat", "params.price", "others.source1"]
    events = numbered(
        launch(source=Source("ad", "banner", (("source1", "x"),)), page="pages/a", query="id=1"),
        push(0.5, identityType="applet-wechat", identityValue="oX"),
        track(Call("c_buy", "Cup", "SKU", (("price", 2),)), 1, source=Source("ad", "banner", (("source1", "x"),))),
    )
    request = last(events, body={"json": {name: f"{{{name}}}" for name in names}})

    told = json.loads(request.body)
    opaque = {name: told.pop(name) for name in ("uuid", "session")}
    assert all(isinstance(value, str) and len(value) >= 32 for value in opaque.values())
    assert told == {
        "app": "wx1234567890abcdef", "app_name": "测试小程序", "tenant": "740843171", "namespace": "",
        "device": "anon-1", "model": "iPhone 13", "os": "iOS", "os_version": "17.4.1", "width": 390, "height": 753,
        "network": "wifi",
        "user_agent": "MicroMessenger/8.0.73", "sent_ms": NOON + 1000, "sent": "2026-11-23T14:42:49.250Z",
        "event": "c_buy", "kind": "custom", "id": "0.2", "number": 2, "ms": NOON + 1000, "us": (NOON + 1000) * 1000,
        "s": 1795444969, "time": "2026-11-23T14:42:49.250Z", "local_time": "2026-11-23T22:42:49.250+08:00",
        "page": "pages/a", "query": "id=1", "previous": "",
        "address": "app://wx1234567890abcdef/pages/a?id=1&utm_source=ad&utm_content=banner&source1=x", "scene": 1047,
        "source": "ad", "content": "banner", "session_number": 1, "shown_ms": 1000, "name": "Cup", "target": "SKU",
        "params": {"price": 2}, "identities": {"applet-wechat": "oX"}, "identity.applet-wechat": "oX",
        "params.price": 2, "others.source1": "x",
    }  # fmt: skip


def test_names_are_the_collectors_and_null_sends_nothing() -> None:
    events = numbered(
        launch(), view(1), happening(Kind.SHARE, 2), happening(Kind.HIDE, 3), happening(Kind.SHOW, 4),
        push(5, identityType="applet-wechat", identityValue="oX"),
    )  # fmt: skip
    body = {"json": {"e": "{event}"}}

    def names(**given: Any) -> list[str]:
        return [json.loads(request.body)["e"] for request in sent(events, body=body, **given)]

    assert names() == ["launch", "view"]
    others = {"launch": "open", "view": None, "hide": "bye", "push": "login", "show": "again", "share": "s"}
    assert names(names=others) == ["open", "s", "bye", "again", "login"]


def test_a_return_is_sent_where_opens_are_counted_by_it() -> None:
    from dataclasses import replace

    from simulator.wire.registry import make_adapter
    from tests.wire.wire_builders import OPTIONS

    of = make_adapter("generic", replace(OPTIONS, foreground_event=True), {"body": {"json": "{event}"}})
    requests = sent_by(of, numbered(launch(), happening(Kind.HIDE, 1), happening(Kind.SHOW, 2)))

    assert [(json.loads(one.body), one.records[0].action) for one in requests] == [
        ("launch", Action.OPEN),
        ("show", Action.SHOW),
    ]


def test_a_secret_stands_in_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLLECTOR_KEY", "k&1")
    options: dict[str, Any] = {"query": {"e": "{event}", "key": "{env.COLLECTOR_KEY}"}, "method": "GET"}

    assert sent(bought(), **options)[0].target == "/collect?e=launch&key=k%261"
    in_events = {"event": {"e": "{event}", "key": "{env.COLLECTOR_KEY}"}, "body": {"json": "{events}"}}
    assert sent(bought(), **in_events)[0].body == b'[{"e":"launch","key":"k&1"}]'
    monkeypatch.delenv("COLLECTOR_KEY")
    with pytest.raises(UsageError, match="environment variable COLLECTOR_KEY is not set"):
        own("generic", **options)
    with pytest.raises(UsageError, match="environment variable NO-NAME is not set"):
        own("generic", method="GET", query={"e": "{event}", "key": "{env.NO-NAME}"})


def test_a_secret_stands_in_the_environment_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    for held, written in (("s&1", "s%261"), ("k" * 1000, "k" * 1000)):
        monkeypatch.setenv("GA4_SECRET", held)
        (request,) = sent_by(own("ga4", batch=1, api_secret={"env": "GA4_SECRET"}), [launch()])
        assert request.target.endswith(f"&api_secret={written}")
    for wrong in ("plain", "a b", {"evn": "GA4_SECRET"}, {"env": "1A"}, 5):
        with pytest.raises(UsageError, match="the adapter ga4: api_secret: "):
            own("ga4", api_secret=wrong)
    for held in ("a b", "k" * 1001, "é"):
        monkeypatch.setenv("GA4_SECRET", held)
        with pytest.raises(UsageError, match="GA4_SECRET holds more than 1000 characters, or others than visible"):
            own("ga4", api_secret={"env": "GA4_SECRET"})


def test_a_key_that_is_no_secret_may_stand_in_either_place(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("WK", "wk-1")

    for key in ("wk-1", {"env": "WK"}):
        (request,) = sent_by(own("segment", batch=1, write_key=key), [launch()])
        assert b'"writeKey":"wk-1"' in request.body
    for wrong in ("", "a b", "k" * 257):
        with pytest.raises(UsageError, match="the adapter segment: write_key: "):
            own("segment", write_key=wrong)


# ---- batches ------------------------------------------------------------------------------------------------------

BATCH: dict[str, Any] = {
    "batch": 3,
    "event": {"n": "{event}", "at": "{ms}", "sent": "{sent_ms}"},
    "body": {"json": {"device": "{device}", "count": "{count}", "list": "{events}"}},
}


def test_a_batch_stands_where_events_stands() -> None:
    full, rest = sent(numbered(launch(), view(1), view(2), view(3), happening(Kind.HIDE, 4)), **BATCH)

    happened = (("launch", 0), ("view", 1000), ("view", 2000))
    listed = [{"n": name, "at": NOON + at, "sent": NOON + 2000} for name, at in happened]
    assert json.loads(full.body) == {"device": "anon-1", "count": 3, "list": listed}
    assert json.loads(rest.body)["count"] == 1
    assert [len(full.records), len(rest.records)] == [3, 1]


def test_lines_are_one_event_each_and_may_be_packed() -> None:
    options = {"batch": 10, "lines": True, "packed": True, "event": ["{event}", "{name}"]}
    (request,) = sent([*bought("a\nb"), happening(Kind.HIDE, 2)], **options)

    assert ("content-encoding", "gzip") in request.headers
    assert ("content-type", "application/x-ndjson") in request.headers
    assert gzip.decompress(request.body) == b'["launch",""]\n["c_buy","a\\nb"]\n'


def test_a_captured_request_of_another_form_is_told() -> None:
    of = own(
        "generic",
        method="POST",
        path="/c/{app}",
        query={"e": "{event}"},
        body={"json": {"t": "{ms}", "in": {"d": "{device}"}}},
    )

    wrong: list[tuple[tuple[str, str, dict[str, str], bytes], str]] = [
        (("GET", "/c/a?e=x", {}, b"{}"), "sent by POST"),
        (("POST", "/d/a?e=x", {}, b"{}"), "not of the form"),
        (("POST", "/c/a", {}, b'{"t":1,"in":{"d":"x"}}'), "the query has no e"),
        (("POST", "/c/a?e=x", {}, b'{"t":1}'), "the key in is missing"),
        (("POST", "/c/a?e=x", {}, b'{"t":1,"in":[]}'), "expected a JSON object"),
        (("POST", "/c/a?e=x", {}, b"<"), "no JSON"),
    ]
    for captured, complaint in wrong:
        with pytest.raises(WireError, match=complaint):
            of.decode(*captured)
    (record,) = of.decode("POST", "/c/a?e=view&more=1", {}, b'{"t":1795444968250,"in":{"d":"x","y":1},"z":2}')
    assert (record.action, record.date, record.anonymous_id) == (Action.VIEW, NOON, "x")


# ---- mistakes -----------------------------------------------------------------------------------------------------

E = {"json": "{event}"}
MISTAKES: list[tuple[str, dict[str, Any], str]] = [
    ("a field that nobody knows", {"body": {"json": {"a": "{evnt}"}}}, "nobody knows {evnt}; did you mean event?"),
    ("in a query", {"query": {"a": "{sorce}"}}, "query.a: nobody knows {sorce}; did you mean source?"),
    ("in a path", {"path": "/c/{ap}"}, "path: nobody knows {ap}; did you mean app?"),
    ("in a header", {"headers": {"X": "{idd}"}}, "headers.X: nobody knows {idd}; did you mean id?"),
    ("a route", {"body": {"json": ["{event}", "{route}"]}}, "body.json.1: nobody knows {route}; did you mean page?"),
    ("a user", {"body": {"json": ["{event}", "{user}"]}}, "{user}; did you mean identity.applet-wechat?"),
    ("an openid", {"query": {"e": "{event}", "o": "{openid}"}}, "query.o: nobody knows {openid}; did you mean id"),
    ("a date", {"query": {"e": "{event}", "o": "{date}"}}, "nobody knows {date}; did you mean time?"),
    ("an anonymous id", {"query": {"e": "{event}", "o": "{anonymous_id}"}}, "{anonymous_id}; did you mean device?"),
    ("nothing like it", {"query": {"e": "{event}", "o": "{title}"}}, "{title}; expected app, app_name, tenant, "),
    ("nothing like it, with all names", {"query": {"o": "{title}"}}, "count, identity.…, params.…, others.… or env.…"),
    ("a prefix alone", {"body": {"json": ["{event}", "{params.}"]}}, "nobody knows {params.}"),
    ("a lone brace", {"body": {"json": "{event} {"}}, "a lone { in '{event} {'; a field is {name}"),
    ("an expression", {"body": {"json": "{event.upper()}"}}, "a lone {"),
    ("a path with a query", {"path": "/c?x=1", "body": E}, "expected a path such as /collect/{app}, without a query"),
    ("a header that is none", {"headers": {"X Y": "1"}, "body": E}, "headers.X Y"),
    ("a GET with a body", {"method": "GET", "body": E}, "a GET has no body"),
    ("nothing is sent", {}, "nothing says what is sent"),
    ("nothing tells the events apart", {"body": {"json": "{ms}"}}, "no template says which event it is"),
    ("two bodies", {"body": {"json": "{event}", "form": {}}}, "expected exactly one of json, form and text"),
    ("text without its escape", {"body": {"text": "{event}"}}, "expected escape: json, url or xml beside text"),
    ("a batch without an event", {"batch": 2, "body": E}, "batch: 2 needs event"),
    ("events without an event", {"body": {"json": ["{events}", "{event}"]}}, "body.json.0: {events}, {count}"),
    ("an event that stands nowhere", {"event": "{event}", "body": {"json": {"a": 1}}}, "stand nowhere"),
    ("events inside a text", {"event": "{event}", "body": {"json": "x{events}"}}, "body.json: the events of"),
    ("an event's field around", {"event": "{event}", "body": {"json": ["{id}", "{events}"]}}, "body.json.0: {id} is"),
    ("events inside an event", {"event": ["{event}", "{events}"], "body": {"json": "{events}"}}, "event.1: {events}"),
    ("answers without an event", {"body": E, "answers": {"acked": 1}}, "answers speaks of the events of a request"),
    ("an answer that means both", {"body": E, "answers": {"acked": 1, "refused": 1}}, "answers: the value 1 of item"),
    ("lines beside a body", {"event": "{event}", "lines": True, "body": {"json": "{events}"}}, "lines is a whole body"),
    ("one name for two", {"body": E, "names": {"view": "launch"}}, "two kinds of events are called launch"),
    ("an option that is none", {"body": E, "metod": "GET"}, "metod"),
    ("a zone that is none", {"body": E, "zone": "Asia/Shangai"}, "zone"),
]  # fmt: skip


@pytest.mark.parametrize(("options", "complaint"), [row[1:] for row in MISTAKES], ids=[row[0] for row in MISTAKES])
def test_mistakes_are_told(options: dict[str, Any], complaint: str) -> None:
    with pytest.raises(UsageError) as error:
        own("generic", **options)

    assert str(error.value).startswith("the adapter generic: ")
    assert complaint in str(error.value)


def test_a_template_is_cut_into_texts_and_fields_once() -> None:
    assert parse_template("a{b}{{c}}{d.e-f?}") == ("a", ("b", False), "{c}", ("d.e-f", True))
    assert parse_template("") == ("",)
