"""From a request's bytes to a row: decoding, the cut, bad events, what a duplicate is."""

from __future__ import annotations

import json
from urllib.parse import quote

import pytest
from hypothesis import given
from hypothesis import strategies as st

from simulator.collector.ingest import (
    MAX_VALUE,
    BadEncoding,
    BadRow,
    EventRow,
    Rules,
    UnreadableBody,
    decode_body,
    decode_json,
    decode_pairs,
    event_row,
    load_json,
    request_line,
)
from simulator.times import Ms, parse_instant

ARRIVAL = Ms(1_772_700_000_000)
DATE = "2026-03-01T00:00:00.001Z"
LENIENT = Rules()
STRICT = Rules(tenant="740843171", registered=frozenset({"c_add_to_cart"}))


def row(fields: dict[str, str], rules: Rules = LENIENT, *, names_tenant: bool = True) -> EventRow | BadRow:
    return event_row({"event": "mini_program_view"} | fields, rules, ARRIVAL, "GET /", names_tenant=names_tenant)


def good(**fields: str) -> EventRow:
    made = row(fields)
    assert isinstance(made, EventRow), made
    return made


def reason(fields: dict[str, str], rules: Rules = LENIENT, *, names_tenant: bool = True) -> str:
    """Why it is bad; empty for a good one."""
    made = row(fields, rules, names_tenant=names_tenant)
    return made.reason if isinstance(made, BadRow) else ""


QUERIES = [
    ("a plain pair", b"a=1", {"a": "1"}),
    ("percent-encoded UTF-8", b"n=%E6%98%A5", {"n": "春"}),
    ("raw UTF-8", "n=春".encode(), {"n": "春"}),
    ("a plus is a plus", b"d=00:00+08:00", {"d": "00:00+08:00"}),
    ("an encoded plus too", b"d=00:00%2B08:00", {"d": "00:00+08:00"}),
    ("only one decoding", b"a=%2525", {"a": "%25"}),
    ("a percent sign alone stays", b"a=100%&b=%zz", {"a": "100%", "b": "%zz"}),
    ("an empty value", b"coupon=", {"coupon": ""}),
    ("no equals sign", b"flag", {"flag": ""}),
    ("an equals sign in the value", b"a=b=c", {"a": "b=c"}),
    ("empty pairs", b"&&a=1&", {"a": "1"}),
    ("a key twice: the last value", b"a=1&a=2", {"a": "2"}),
    ("an encoded key", b"%61=1", {"a": "1"}),
    ("nothing", b"", {}),
]


@pytest.mark.parametrize(("query", "fields"), [case[1:] for case in QUERIES], ids=[case[0] for case in QUERIES])
def test_a_query_is_decoded_once(query: bytes, fields: dict[str, str]) -> None:
    assert decode_pairs(query) == fields


UNRESERVED = "!~*'()"  # what encodeURIComponent leaves as it is, beside letters, digits and -_.
texts = st.text(st.characters(codec="utf-8"))


@given(st.dictionaries(texts.filter(bool), texts))
def test_what_encode_uri_component_writes_is_read_back(fields: dict[str, str]) -> None:
    query = "&".join(f"{quote(key, safe='')}={quote(text, safe=UNRESERVED)}" for key, text in fields.items())

    assert decode_pairs(query.encode()) == fields


def test_a_plus_in_a_form_is_a_space() -> None:
    assert decode_pairs(b"a=b+c%2B", form=True) == {"a": "b c+"}


@pytest.mark.parametrize("query", [b"event=%ff", b"%ff=1", b"event=\xff", b"a=%E6%98", b"a=%ED%A0%80"])
def test_invalid_utf8_is_told_with_what_could_be_read(query: bytes) -> None:
    with pytest.raises(BadEncoding, match="not UTF-8"):
        decode_pairs(b"x=1&" + query)


def test_what_could_be_read_of_invalid_utf8_is_kept() -> None:
    with pytest.raises(BadEncoding) as told:
        decode_pairs(b"x=1&event=%ff")

    assert told.value.fields == {"x": "1", "event": "�"}


JSON_VALUES = [
    ("text", "a", {"k": "a"}),
    ("a whole number", 3, {"k": "3"}),
    ("a whole float as JavaScript says it", 3.0, {"k": "3"}),
    ("a fraction", 129.5, {"k": "129.5"}),
    ("true", True, {"k": "true"}),
    ("null is absent", None, {}),
    ("nested", {"a": [1]}, {"k": '{"a":[1]}'}),
]


@pytest.mark.parametrize(("value", "fields"), [case[1:] for case in JSON_VALUES], ids=[case[0] for case in JSON_VALUES])
def test_a_json_value_as_text(value: object, fields: dict[str, str]) -> None:
    assert decode_json({"k": value}) == fields


def test_a_lone_surrogate_is_no_utf8() -> None:
    with pytest.raises(BadEncoding) as told:
        decode_json(json.loads('{"event": "\\ud800"}'))

    assert told.value.fields == {"event": "?"}


BODIES = [
    ("a form", b"event=a&x=1+2", "application/x-www-form-urlencoded", {"event": "a", "x": "1 2"}),
    ("JSON", b'{"event": "a"}', "application/json; charset=utf-8", {"event": "a"}),
    ("JSON without a type", b' {"event": "a"}', "", {"event": "a"}),
    ("a form without a type", b"event=a", "", {"event": "a"}),
    ("nothing, though called JSON", b"", "application/json", {}),
    ("blanks", b" \n", "application/json", {}),
]


@pytest.mark.parametrize(("body", "kind", "fields"), [case[1:] for case in BODIES], ids=[case[0] for case in BODIES])
def test_a_body(body: bytes, kind: str, fields: dict[str, str]) -> None:
    assert decode_body(body, kind) == fields


@pytest.mark.parametrize(
    "body",
    [b"{", b"nonsense", b"[1]", b"5", b"[" * 100_000, b'{"a": ' * 50_000, b"1" * 5000, b'"text"'],
    ids=lambda b: b[:9],
)
def test_a_body_that_is_no_event(body: bytes) -> None:
    with pytest.raises(UnreadableBody):
        decode_body(body, "application/json")


def test_json_that_is_not_utf8() -> None:
    with pytest.raises(BadEncoding):
        load_json(b'{"event": "\xff"}')


BAD = [
    ("no event", {"event": ""}, "event is missing"),
    ("32 characters", {"event": "e" * 32}, ""),
    ("33 characters", {"event": "e" * 33}, "event has 33 characters, at most 32 are allowed"),
    ("characters, not bytes", {"event": "春" * 32}, ""),
    ("no date", {}, ""),
    ("UTC", {"date": "2026-03-01T00:00:00.001Z"}, ""),
    ("an offset", {"date": "2026-03-01T08:00:00+08:00"}, ""),
    ("no offset", {"date": "2026-03-01T08:00:00"}, "date '2026-03-01T08:00:00' is not ISO 8601 with an offset"),
    ("the 2018 tracker's form", {"date": "2026-03-01 08:00:00.07"}, "date '2026-03-01 08:00:00.07' is not ISO"),
    ("a word", {"date": "yesterday"}, "date 'yesterday' is not ISO 8601"),
    ("the 30th of February", {"date": "2026-02-30T00:00:00Z"}, "date '2026-02-30T00:00:00Z' is not ISO 8601"),
    ("before 1970", {"date": "1969-12-31T23:59:59Z"}, "date '1969-12-31T23:59:59Z' is not ISO 8601"),
    ("the year 1", {"date": "0001-01-01T00:00:00+14:00"}, "date '0001-01-01T00:00:00+14:00' is not ISO 8601"),
    ("the year 9999", {"date": "9999-12-31T23:59:59Z"}, "date '9999-12-31T23:59:59Z' is not ISO 8601"),
    ("a number", {"date": "1772294400000"}, "date '1772294400000' is not ISO 8601"),
    ("a long date", {"date": "2" * 4000}, "date '2222"),
    ("any tenant, none checked", {"tenantId": "9"}, ""),
    ("any custom event, none checked", {"event": "c_new"}, ""),
]


@pytest.mark.parametrize(("fields", "expected"), [case[1:] for case in BAD], ids=[case[0] for case in BAD])
def test_why_an_event_is_bad(fields: dict[str, str], expected: str) -> None:
    told = reason(fields)

    assert told.startswith(expected)
    assert bool(told) == bool(expected)


CHECKED = [
    ("the tenant", {"tenantId": "740843171"}, ""),
    ("another tenant", {"tenantId": "9"}, "tenantId is '9', this collector is for '740843171'"),
    ("no tenant", {}, "tenantId is missing"),
    ("a registered event", {"tenantId": "740843171", "event": "c_add_to_cart"}, ""),
    ("one that is not", {"tenantId": "740843171", "event": "c_other"}, "custom event c_other is not registered"),
    ("c_mp_show always is", {"tenantId": "740843171", "event": "c_mp_show"}, ""),
    ("a name without c_ is not checked", {"tenantId": "740843171", "event": "exit_mobile_view"}, ""),
]


@pytest.mark.parametrize(("fields", "expected"), [case[1:] for case in CHECKED], ids=[case[0] for case in CHECKED])
def test_why_an_event_is_bad_with_tenant_and_events(fields: dict[str, str], expected: str) -> None:
    assert reason(fields, STRICT) == expected


def test_where_the_wire_carries_no_tenant_only_a_named_one_is_compared() -> None:
    assert reason({}, STRICT, names_tenant=False) == ""
    assert reason({"tenantId": "9"}, STRICT, names_tenant=False) == "tenantId is '9', this collector is for '740843171'"


@pytest.mark.parametrize("length", [MAX_VALUE - 1, MAX_VALUE, MAX_VALUE + 1, 5000])
def test_a_long_value_is_cut_and_not_bad(length: int) -> None:
    made = good(source="春" * length)

    assert made.source == "春" * min(length, 255)
    assert json.loads(made.fields)["source"] == made.source


def test_the_row_of_a_view() -> None:
    made = good(
        date="2026-03-01T08:00:00.001+08:00", externalId="x1", anonymousId="d1", source="ad", contentName="spring",
        targetName="/pages/a/b?id=1", identityType="mobile", identityValue="138", identityType2="applet-wechat",
        identityValue2="o1", identityType3="c_x", identityValue3="",
    )  # fmt: skip

    assert made._replace(fields="") == EventRow(
        received=ARRIVAL,
        at=parse_instant(DATE),
        name="mini_program_view",
        sameness="id:x1",
        anonymous_id="d1",
        openid="o1",
        identities='[["mobile","138"],["applet-wechat","o1"]]',
        source="ad",
        content="spring",
        page="pages/a/b",
        fields="",
        request="GET /",
    )


def test_the_row_of_an_event_that_says_nothing() -> None:
    assert good(event="c_x", targetName="pages/a") == EventRow(
        ARRIVAL, ARRIVAL, "c_x", None, None, None, None, "", "", None, '{"event":"c_x","targetName":"pages/a"}', "GET /"
    )


ME = {"identityType": "mobile", "identityValue": "1"}
SAME = [
    ("the same id, whatever else", {"externalId": "1", "date": DATE}, {"externalId": "1", "event": "c_x"}, True),
    ("another id", {"externalId": "1", "date": DATE}, {"externalId": "2", "date": DATE}, False),
    (
        "an id is not a date",
        {"externalId": "1", "date": DATE, "anonymousId": "d"},
        {"date": DATE, "anonymousId": "d"},
        False,
    ),
    (
        "the same date and device",
        {"date": DATE, "anonymousId": "d"},
        {"date": DATE, "anonymousId": "d", "source": "x"},
        True,
    ),
    (
        "the same instant said otherwise",
        {"date": DATE, "anonymousId": "d"},
        {"date": "2026-03-01T08:00:00.001+08:00", "anonymousId": "d"},
        True,
    ),
    (
        "another event",
        {"date": DATE, "anonymousId": "d"},
        {"date": DATE, "anonymousId": "d", "event": "open_page"},
        False,
    ),
    ("another device", {"date": DATE, "anonymousId": "d"}, {"date": DATE, "anonymousId": "e"}, False),
    (
        "a millisecond later",
        {"date": DATE, "anonymousId": "d"},
        {"date": "2026-03-01T00:00:00.002Z", "anonymousId": "d"},
        False,
    ),
    (
        "one device, other identities",
        {"date": DATE, "anonymousId": "d"},
        {"date": DATE, "anonymousId": "d", **ME},
        True,
    ),
    ("no device, the same identities", {"date": DATE, **ME}, {"date": DATE, **ME}, True),
    ("no device, other identities", {"date": DATE, **ME}, {"date": DATE, **ME, "identityValue": "2"}, False),
    (
        "a device called like an identity",
        {"date": DATE, **ME},
        {"date": DATE, "anonymousId": '[["mobile","1"]]'},
        False,
    ),
    ("neither id nor date", {"anonymousId": "d"}, {"anonymousId": "d"}, False),
]


@pytest.mark.parametrize(("one", "other", "same"), [case[1:] for case in SAME], ids=[case[0] for case in SAME])
def test_what_a_duplicate_is(one: dict[str, str], other: dict[str, str], same: bool) -> None:
    first, second = good(**one).sameness, good(**other).sameness

    assert (first is not None and first == second) is same


@given(
    st.dictionaries(st.sampled_from(["event", "date", "externalId", "source", "targetName", "anonymousId"]), st.text())
)
def test_no_field_makes_it_raise(fields: dict[str, str]) -> None:
    made = event_row(fields, STRICT, ARRIVAL, "GET /")

    assert isinstance(made, (EventRow, BadRow))


def test_the_request_is_kept_as_it_came() -> None:
    assert request_line("GET", b"/cbe/__utm", b"a=%20\xff") == "GET /cbe/__utm?a=%20\\xff"
    assert len(request_line("GET", b"/__utm", b"a" * 50_000)) == 8192
