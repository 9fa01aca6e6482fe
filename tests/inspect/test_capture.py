"""A captured request is read by the format that it is of, wherever it was sent; what nobody reads is said to be so."""

from __future__ import annotations

import base64
import gzip

import pytest
from hypothesis import given
from hypothesis import strategies as st

from simulator.inspect.capture import Meaning, Recogniser, looks_like
from simulator.runtime.trace import Exchange
from simulator.times import Ms
from simulator.traffic.sending import requests_of_block
from simulator.wire.options import WireOptions
from simulator.wire.registry import adapter_names, make_adapter
from simulator.wire.request import Purpose, Request
from tests.builders import plan, scenario

OPTIONS = WireOptions(appid="wx0123456789abcdef", app_name="x", tenant="", namespace="")
STEPS = "- launch\n- push: [applet-wechat]\n- view: pages/b\n- track: c_buy\n- hide: 45m\n- show\n- exit"
OURS = [name for name in adapter_names() if name != "generic"]  # which says nothing without a template


def exchange(method: str, url: str, body: bytes = b"") -> Exchange:
    return Exchange(0, Ms(0), method, url, (), body)


def sent_by(name: str, own: dict[str, str]) -> list[Request]:
    adapter = make_adapter(name, OPTIONS, own)
    requests = requests_of_block(plan(scenario(STEPS)), adapter, 0)[0]
    return [request for request in requests if request.purpose is Purpose.EVENT]


@pytest.mark.parametrize("own", [{}, {"path": "/deep/own"}], ids=["usual path", "another path"])
@pytest.mark.parametrize("name", OURS)
def test_every_format_is_recognised_by_itself(name: str, own: dict[str, str]) -> None:
    recogniser = Recogniser(OPTIONS)
    requests = sent_by(name, own)

    captures = [
        recogniser.read(
            Exchange(0, Ms(0), request.method, f"https://c.example{request.target}", request.headers, request.body)
        )
        for request in requests
    ]

    expected = "dmhub" if name == "dmhub-2018" else name
    assert {(one.meaning, one.format) for one in captures} == {(Meaning.EVENTS, expected)}
    assert [len(one.records) for one in captures] == [len(request.records) for request in requests]


def test_a_named_format_is_the_only_one_that_is_tried() -> None:
    (request, *_) = sent_by("dmhub", {})
    seen = exchange("GET", f"https://c.example{request.target}")

    assert Recogniser(OPTIONS, format_name="sensors", hosts=("c.example",)).read(seen).meaning is Meaning.UNKNOWN
    assert Recogniser(OPTIONS, format_name="dmhub").read(seen).meaning is Meaning.EVENTS


OTHERS = [
    # what the application itself asks for                                        meaning
    ("its backend", exchange("GET", "https://shop.example/products?page=2"), Meaning.OTHER),
    ("its login", exchange("POST", "https://shop.example/login", b'{"code": "c"}'), Meaning.OTHER),
    ("a lookup by a code", exchange("GET", "https://c.example/v1/source/links/p7"), Meaning.LOOKUP),
    ("JSON to the tracker's path", exchange("POST", "https://c.example/cbe/__utm", b'{"a": 1}'), Meaning.UNKNOWN),
    ("gzip anywhere", exchange("POST", "https://c.example/q", gzip.compress(b"?")), Meaning.UNKNOWN),
]


@pytest.mark.parametrize(("seen", "meaning"), [one[1:] for one in OTHERS], ids=[one[0] for one in OTHERS])
def test_what_is_no_event_is_told_apart(seen: Exchange, meaning: Meaning) -> None:
    assert Recogniser(OPTIONS).read(seen).meaning is meaning


def test_a_host_that_sent_events_before_is_a_collector() -> None:
    recogniser = Recogniser(OPTIONS)
    recogniser.read(exchange("GET", "https://c.example/cbe/__utm?event=open_page&utma=1"))

    capture = recogniser.read(exchange("POST", "https://c.example/new", b"\x00\x01\x02"))

    assert (capture.meaning, capture.why) == (Meaning.UNKNOWN, "POST with a binary body of 3 bytes")


BODIES = [
    ("gzip", gzip.compress(b"{}"), "a gzip body"),
    ("base64 of gzip", base64.b64encode(gzip.compress(b'{"a": 1}')), "a body of base64, 40 bytes of gzip"),
    ("base64 of JSON", base64.b64encode(b'{"event": "open"}'), "a body of base64, 24 bytes of JSON"),
    ("LZString in UTF-16", "ᯡࠩ䄌؆祀⃠灨⌑┱".encode(), "a body of 26 bytes that looks packed into characters"),
    ("no UTF-8", b"\xff\xfe!!", "a body of 4 bytes that is no UTF-8"),
    ("JSON", b'{"a": "<b>"}', 'a JSON body of 12 bytes, beginning \'{"a": "<b>"}\''),
    ("text", b"hello", "a text body of 5 bytes, beginning 'hello'"),
]


@pytest.mark.parametrize(("body", "words"), [one[1:] for one in BODIES], ids=[one[0] for one in BODIES])
def test_what_a_body_looks_like_is_said(body: bytes, words: str) -> None:
    assert looks_like(body).startswith(words)


@given(
    st.sampled_from(["GET", "PUT"]),
    st.sampled_from(["https://c.example/", "https://[", ""]),
    st.text(max_size=40),
    st.binary(max_size=99),
)
def test_no_request_is_too_strange_to_be_read(method: str, head: str, tail: str, body: bytes) -> None:
    seen = exchange(method, head + tail, body)

    assert Recogniser(OPTIONS, everything=True).read(seen).exchange is seen


NO_URLS = ["https://[object Object]/track", "https://ev\x1b[31mil.example/", "https://a.example:99999/", "//[evil/"]


@pytest.mark.parametrize("url", NO_URLS)
def test_what_is_no_url_goes_nowhere_and_is_said(url: str) -> None:
    capture = Recogniser(OPTIONS).read(exchange("GET", url))

    assert capture.meaning is Meaning.UNKNOWN
    assert capture.why.startswith("a URL that is none: ")
