"""The other direction: what a captured request says, whoever sent it."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from simulator.events import Event, Identity
from simulator.wire.request import Action, Purpose, Record, WireError
from tests.wire.wire_builders import adapter, fold
from tests.wire.wire_strategies import histories

OPEN = "/cbe/__utm?tenantId=740843171&event=mini_program_open"


def decode(target: str, method: str = "GET", body: bytes = b"") -> Record:
    (record,) = adapter().decode(method, target, {}, body)
    return record


@pytest.mark.parametrize("name", ["dmhub", "dmhub-2018"])
@given(history=histories())
def test_decoding_undoes_encoding(name: str, history: list[Event]) -> None:
    of = adapter(name, namespace="run.7", events=("c_buy",))
    for request in fold(of, *history):
        if request.purpose is not Purpose.LOOKUP:
            (record,) = request.records
            place = (record.visitor, record.number) if record.external_id.startswith("run.7.") else (-1, -1)
            carried = replace(record, visitor=place[0], number=place[1], setup=False)

            assert of.decode(request.method, request.target, dict(request.headers), request.body) == (carried,)


def test_a_captured_event() -> None:
    target = (
        "/__utm?identityType=applet-wechat&identityValue=o1&identityType3=mobile&identityValue3=139"
        "&source=%E6%98%A5&contentName=a%2Bb+c&targetName=%2Fpages%2Fa%3Fid%3D1&date=2026-03-01T08:00:00.001%2B08:00"
        "&externalId=their-id&anonymousId=their-device&tenantId=740843171&event=open_page"
    )

    assert decode(target) == Record(
        visitor=-1,
        number=-1,
        external_id="their-id",
        action=Action.VIEW,
        event="open_page",
        date=1_772_323_200_001,  # type: ignore[arg-type]
        anonymous_id="their-device",
        identities=(Identity("applet-wechat", "o1"), Identity("mobile", "139")),
        source="春",
        content="a+b+c",
        page="pages/a",
    )


IDS = [
    ("ours", "r1", "r1.12.3", (12, 3)),
    ("of another run", "r1", "r2.12.3", (-1, -1)),
    ("without a namespace", "", "12.3", (12, 3)),
    ("a namespace where none is", "", "r1.12.3", (-1, -1)),
    ("a namespace of digits where none is", "", "5.12.3", (-1, -1)),
    ("leading zeros", "", "012.3", (-1, -1)),
    ("digits of another script", "", "٣.٣", (-1, -1)),
    ("too long to be ours", "", "1" * 19 + ".3", (-1, -1)),
    ("none", "", "", (-1, -1)),
]


@pytest.mark.parametrize(("namespace", "identifier", "place"), [row[1:] for row in IDS], ids=[row[0] for row in IDS])
def test_whose_event_it_is(namespace: str, identifier: str, place: tuple[int, int]) -> None:
    (record,) = adapter(namespace=namespace).decode("GET", f"{OPEN}&externalId={identifier}", {}, b"")

    assert (record.visitor, record.number) == place


BAD = [
    ("nothing at all", "/cbe/__utm", "event is missing"),
    ("an empty event", "/cbe/__utm?event=", "event is missing"),
    ("another tenant", "/cbe/__utm?tenantId=1&event=open_page", "tenantId is another tenant's"),
    ("no tenant", "/cbe/__utm?event=open_page", "tenantId is another tenant's"),
    ("no UTF-8", f"{OPEN}&x=%ff%fe", "not UTF-8 after one percent-decoding"),
    ("a key that is no UTF-8", f"{OPEN}&%ff=1", "not UTF-8 after one percent-decoding"),
    ("a lone surrogate, encoded", f"{OPEN}&x=%ED%A0%80", "not UTF-8 after one percent-decoding"),
    ("a raw surrogate", f"{OPEN}&x=\ud800", "not UTF-8 after one percent-decoding"),
    ("an event behind a fragment", "/cbe/__utm?tenantId=740843171#&event=open_page", "event is missing"),
]


@pytest.mark.parametrize(("target", "reason"), [row[1:] for row in BAD], ids=[row[0] for row in BAD])
def test_a_bad_event_is_no_error(target: str, reason: str) -> None:
    assert decode(target).bad == reason


def test_the_last_of_two_values_counts() -> None:
    assert decode(f"{OPEN}&source=a&source=b").source == "b"


def test_a_long_value_is_cut_and_not_bad() -> None:
    record = decode(f"{OPEN}&source=" + "%E6%98%A5" * 300)

    assert (record.source, record.bad) == ("春" * 255, "")


def test_a_stray_percent_sign_stays() -> None:
    assert decode(f"{OPEN}&source=100%&contentName=%zz").source == "100%"


def test_a_post_carries_its_pairs_in_query_and_body() -> None:
    record = decode("/cbe/__utm?tenantId=740843171", "POST", b"event=open_page&targetName=a+b")

    assert (record.event, record.page, record.bad) == ("open_page", "a b", "")


def test_a_body_that_is_no_utf8() -> None:
    assert decode(OPEN, "POST", b"source=\xff").bad == "not UTF-8 after one percent-decoding"


FOREIGN = [
    ("another method", "PUT", OPEN, b"", "GET or POST"),
    ("another path", "GET", "/v1/source/links/p7", b"", "not the path"),
    ("an absolute address", "GET", "http://x/cbe/__utm?event=a", b"", "not the path"),
    ("no target", "GET", "", b"", "not the path"),
    ("a JSON body", "POST", OPEN, b' {"event": "a"}', "a JSON body"),
    ("a very long query", "GET", OPEN + "&" + "a" * 70_000, b"", "at most 65536"),
    ("a huge target", "GET", OPEN + "a" * 200_000, b"", "larger than"),
    ("a huge body", "POST", OPEN, b"a" * 200_000, "larger than"),
    ("very many pairs", "GET", OPEN + "&a" * 2_000, b"", "more than 1024 pairs"),
]


@pytest.mark.parametrize(
    ("method", "target", "body", "complaint"), [row[1:] for row in FOREIGN], ids=[row[0] for row in FOREIGN]
)
def test_what_is_not_of_this_wire(method: str, target: str, body: bytes, complaint: str) -> None:
    with pytest.raises(WireError, match=complaint):
        decode(target, method, body)


anything = st.text(st.characters(exclude_categories=()))
pieces = st.sampled_from(
    ["event=", "date=", "&", "=", "%", "%ff", "%F0%9F", "2026-03-01T", "externalId=", "identityValue="]
)


@given(
    st.sampled_from(["GET", "POST", "PUT"]),
    st.lists(anything | pieces).map("".join),
    st.dictionaries(anything, anything),
    st.binary(),
)
def test_decoding_is_total(method: str, query: str, headers: dict[str, str], body: bytes) -> None:
    """A record or a WireError, whatever comes."""
    for target in (query, f"/cbe/__utm?{query}"):
        complaint = ""
        try:
            adapter().decode(method, target, headers, body)
        except WireError as error:
            complaint = str(error)

        assert len(complaint.splitlines()) <= 1
