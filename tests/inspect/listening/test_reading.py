"""A request to an entry: every adapter's own requests, and whatever else a stranger can send."""

from __future__ import annotations

import gzip
import json
import zlib
from typing import Any
from urllib.parse import quote

import pytest
from hypothesis import given
from hypothesis import strategies as st

from simulator.events import Call
from simulator.inspect.listening.entry import Entry, Kind, brief, details, weight
from simulator.inspect.listening.reading import MOST_SAID, Format, Reader
from simulator.runtime.trace import Exchange
from simulator.times import Ms
from simulator.wire.request import Action, Adapter, Request
from tests.wire.tracker_words import CASES, case
from tests.wire.wire_builders import NOON, OPTIONS, adapter, advert, fold, launch, push, track, view

HOST = "http://192.168.1.5:8001"
PLAIN = Format(OPTIONS)


def read(method: str = "GET", target: str = "/", body: bytes = b"", form: Format = PLAIN, **headers: str) -> Entry:
    given_headers = tuple((name.replace("_", "-"), value) for name, value in headers.items())
    exchange = Exchange(0, Ms(1), method, f"{HOST}{target}", given_headers, body)
    return Reader(form).read(exchange, "192.168.1.7").entry


def read_request(request: Request, form: Format = PLAIN) -> Entry:
    exchange = Exchange(0, Ms(1), request.method, f"{HOST}{request.target}", request.headers, request.body)
    return Reader(form).read(exchange, "192.168.1.7").entry


# ---- every adapter -------------------------------------------------------------------------------------------------

VISIT = (
    launch(page="pages/index/index", source=advert("ad", "spring")),
    view(1, "pages/index/index", source=advert("ad", "spring")),
    push(2, identityType="applet-wechat", identityValue="oTEST_openid_0001"),
    view(3, "pages/product/detail", source=advert("ad", "spring")),
    track(Call("c_add_to_cart"), 4, page="pages/product/detail", source=advert("ad", "spring")),
)


def entries(of: Adapter[Any], form: Format = PLAIN) -> list[Entry]:
    return [read_request(request, form) for request in fold(of, *VISIT)]


@pytest.mark.parametrize("name", ["dmhub", "dmhub-2018", *sorted(CASES)])
def test_every_adapters_requests_are_read_as_what_happened(name: str) -> None:
    is_generic = name.startswith("generic")
    of = case(name) if name in CASES else adapter(name)
    form = Format(OPTIONS, "generic", CASES[name][1]) if is_generic else PLAIN

    found = entries(of, form)

    sent = [record for request in fold(of, *VISIT) for record in request.records]
    said = [one for entry in found for one in entry.said]
    assert {entry.kind for entry in found} == {Kind.EVENTS}
    assert {entry.format for entry in found} == {"dmhub" if name == "dmhub-2018" else of.name}
    assert [(one.event, one.action, one.page, one.source) for one in said] == [
        (record.event, record.action.value, record.page, record.source) for record in sent
    ]
    assert "c_add_to_cart" in [one.event for one in said]
    assert [one.event for one in said if not one.fields] == []
    assert all(one.bad == "" for one in said)


def test_dmhubs_fields_are_as_the_tracker_wrote_them() -> None:
    *_, last = entries(adapter("dmhub"))

    (said,) = last.said
    assert (said.visitor, said.device, said.source, said.content) == ("oTEST_openid_0001", "anon-1", "ad", "spring")
    assert said.identities == (("applet-wechat", "oTEST_openid_0001"),)
    assert said.date == NOON + 4_000
    assert dict(said.fields)["model"] == "iPhone 13<iPhone14,5>"
    assert [name for name, _ in said.fields][:2] == ["identityType", "pageType"]


def test_fields_of_json_have_dotted_names() -> None:
    first = entries(case("sensors"))[0]

    fields = dict(first.said[0].fields)
    assert fields["type"] == "profile_set_once"
    assert fields["identities.$identity_mp_id"] == "anon-1"


def test_a_target_files_adapter_is_the_only_one() -> None:
    form = Format(OPTIONS, "segment")

    assert read(target="/cbe/__utm?event=mini_program_open", form=form).kind is Kind.UNKNOWN


# ---- what is bad ---------------------------------------------------------------------------------------------------


def test_a_bad_event_is_told_with_its_reason() -> None:
    entry = read(target=f"/cbe/__utm?event={'x' * 33}&tenantId={OPTIONS.tenant}")

    assert (entry.bad, entry.said[0].bad) == (1, "event is longer than 32 characters")


# ---- what nobody reads ---------------------------------------------------------------------------------------------

BOMB = gzip.compress(b"0" * (64 << 20))
OTHERS = [
    # what comes                 how                                              kind            what is said
    ("a text", ("POST", "/x", b"hello"), Kind.UNKNOWN, "POST with a text body of 5 bytes, beginning 'hello'"),
    ("bytes", ("POST", "/x", bytes(range(256))), Kind.UNKNOWN, "POST with a binary body of 256 bytes"),
    ("nothing at all", ("GET", "/", b""), Kind.UNKNOWN, "GET with neither a query nor a body"),
    ("a gzip bomb", ("POST", "/x", BOMB), Kind.UNKNOWN, "a gzip body of"),
    ("a broken gzip", ("POST", "/x", BOMB[:500]), Kind.UNKNOWN, "a gzip body of 500 bytes"),
    ("JSON of nobody", ("POST", "/x", b'{"a":1}'), Kind.UNKNOWN, "a JSON body of 7 bytes"),
    ("very deep JSON", ("POST", "/batch/", b"[" * 100_000), Kind.UNKNOWN, "a JSON body of 100000 bytes"),
    ("settings", ("GET", "/config?appid=1", b""), Kind.ASIDE, "a tracker asks for its settings"),
    ("ids of Umeng", ("GET", "/uminiprogram_logs/wx/getuut?key=1", b""), Kind.ASIDE, "a tracker asks for ids"),
    ("a browser's icon", ("GET", "/favicon.ico", b""), Kind.ASIDE, "a browser asks for it"),
    ("a lookup", ("GET", "/v1/source/links/p7", b""), Kind.LOOKUP, "the complete URL of a code"),
]  # fmt: skip


@pytest.mark.parametrize(("how", "kind", "told"), [one[1:] for one in OTHERS], ids=[one[0] for one in OTHERS])
def test_what_is_no_event(how: tuple[str, str, bytes], kind: Kind, told: str) -> None:
    entry = read(*how)

    assert entry.kind is kind
    assert told in entry.why
    assert weight(entry) < 200_000


def test_what_the_headers_say_is_packed_is_taken_out() -> None:
    body = json.dumps(
        {"batch": [{"type": "track", "event": "c_x", "anonymousId": "d", "timestamp": "2026-03-01T00:00:00Z"}]}
    )

    for packing, packed in (("gzip", gzip.compress(body.encode())), ("deflate", zlib.compress(body.encode()))):
        entry = read("POST", "/v1/batch", packed, content_encoding=packing, content_type="application/json")

        assert (entry.format, [one.event for one in entry.said]) == ("segment", ["c_x"])
        assert (entry.size, entry.unpacked) == (len(packed), body.encode())


@pytest.mark.parametrize(
    ("packing", "body", "told"),
    [("gzip", BOMB, "too large when unpacked"), ("gzip", b"no", "neither gzip"), ("br", b"x", "br is not read here")],
)
def test_packing_that_is_not_taken_off_is_told(packing: str, body: bytes, told: str) -> None:
    entry = read("POST", "/v1/batch", body, content_encoding=packing)

    assert entry.kind is Kind.UNKNOWN
    assert entry.why.startswith("Content-Encoding ")
    assert told in entry.why


# ---- what is kept is bounded ---------------------------------------------------------------------------------------


def test_texts_are_cut() -> None:
    long = "é" * 20_000
    entry = read(
        target=f"/cbe/__utm?event=c_x&targetName={quote(long)[:40_000]}&{'&'.join(f'k{n}={n}' for n in range(900))}"
    )

    (said,) = entry.said
    assert max(len(value) for _, value in said.fields) == 301
    assert len(said.fields) == 121
    assert weight(entry) < 200_000


def test_events_of_one_request_are_counted_and_the_first_are_kept() -> None:
    one = {"type": "track", "event": "c_x", "anonymousId": "d", "timestamp": "2026-03-01T00:00:00Z"}
    entry = read("POST", "/v1/batch", json.dumps({"batch": [one] * 500}).encode())

    assert (entry.events, len(entry.said)) == (500, MOST_SAID)


def test_a_body_is_kept_in_part() -> None:
    entry = read("POST", "/x", b"a" * 1_000_000)

    assert (entry.size, len(entry.body)) == (1_000_000, 32_768)
    assert details(entry)["body"] == {"text": "a" * 4_096, "more": 28_672}


def test_a_body_that_is_no_text_is_shown_as_digits() -> None:
    assert details(read("POST", "/x", b"\x00\xff"))["body"] == {"hex": "00 ff", "more": 0}


def test_a_cut_within_a_character_does_not_make_a_body_binary() -> None:
    look = details(read("POST", "/x", "é".encode() * 5_000))["body"]

    assert isinstance(look, dict)
    assert look["text"] == "é" * 2_048


methods = st.sampled_from(["GET", "POST", "PUT", "OPTIONS", "BREW"])
paths = st.sampled_from(
    [
        "/cbe/__utm",
        "/sa",
        "/v1/batch",
        "/batch/",
        "/matomo.php",
        "/d.html",
        "/wxm_logs",
        "/sync_xcx",
        "/x",
        "//",
        "/%00",
    ]
)
queries = st.text(st.characters(min_codepoint=33, max_codepoint=126, exclude_characters="#"), max_size=60)
bodies = st.binary(max_size=80) | st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=5),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(max_size=5), inner),
).map(lambda value: json.dumps(value).encode())


@given(methods, paths, queries, bodies)
def test_whatever_comes_becomes_an_entry_that_json_can_say(method: str, path: str, query: str, body: bytes) -> None:
    entry = read(method, f"{path}?{query}", body)

    json.dumps([brief(entry), details(entry)]).encode()
    assert entry.kind in Kind
    assert entry.events == 0 or entry.kind is Kind.EVENTS


def test_actions_have_names() -> None:
    assert {one.value for one in Action} == {"open", "view", "show", "exit", "ping", "custom"}
