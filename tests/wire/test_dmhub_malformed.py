"""Events that are wrong on purpose, and events that are bad all the same."""

from __future__ import annotations

import pytest

from simulator.events import Call, Event, Identity, Spoil
from simulator.wire.query import parse
from simulator.wire.request import Action
from tests.wire.wire_builders import adapter, advert, fold, launch, malformed, push, queries, track, view

SPOILS = [
    (Spoil.NO_EVENT, "event is missing", Action.CUSTOM),
    (Spoil.LONG_EVENT, "event is longer than 32 characters", Action.CUSTOM),
    (Spoil.WRONG_TENANT, "tenantId is another tenant's", Action.VIEW),
    (Spoil.BAD_DATE, "date is unreadable", Action.VIEW),
    (Spoil.BAD_UTF8, "not UTF-8 after one percent-decoding", Action.VIEW),
]


def test_every_way_to_be_wrong_is_tested() -> None:
    assert {spoil for spoil, _, _ in SPOILS} == set(Spoil)


@pytest.mark.parametrize("name", ["dmhub", "dmhub-2018"])
@pytest.mark.parametrize(("spoil", "reason", "action"), SPOILS, ids=[spoil for spoil, _, _ in SPOILS])
def test_a_malformed_event_is_bad_and_says_why(name: str, spoil: Spoil, reason: str, action: Action) -> None:
    event = malformed(spoil, 2, page="pages/b", source=advert("ad"))
    request = fold(adapter(name), launch(), push(1, identityValue="o1"), event)[-1]
    record = request.records[0]

    assert (record.bad, record.action, record.number, len(record.identities)) == (reason, action, 2, 1)


@pytest.mark.parametrize("name", ["dmhub", "dmhub-2018"])
@pytest.mark.parametrize("spoil", list(Spoil))
def test_only_one_thing_is_wrong(name: str, spoil: Spoil) -> None:
    """Beside a good view at the same instant, only the spoilt pair differs."""
    of = adapter(name)
    good = parse(queries(of, view(1, "pages/b"))[-1])[0]
    bad = parse(queries(of, malformed(spoil, 1, page="pages/b"))[-1])[0]
    wrong = {Spoil.NO_EVENT: "event", Spoil.LONG_EVENT: "event", Spoil.WRONG_TENANT: "tenantId",
             Spoil.BAD_DATE: "date", Spoil.BAD_UTF8: "targetName"}[spoil]  # fmt: skip

    assert {key for key in good | bad if good.get(key) != bad.get(key)} == {wrong}


def test_the_bytes_that_are_no_utf8() -> None:
    assert "&targetName=pages%2Fb%FF&" in queries(adapter(), malformed(Spoil.BAD_UTF8, page="pages/b"))[0]


def test_a_malformed_event_outside_any_page() -> None:
    assert "&targetName=pages%2Fmalformed&" in queries(adapter(), malformed(Spoil.NO_EVENT))[0]


def test_without_a_tenant_another_one_is_wrong_on_purpose_all_the_same() -> None:
    (request,) = fold(adapter(tenant=""), malformed(Spoil.WRONG_TENANT))

    assert request.records[0].bad == "tenantId is another tenant's"


def test_a_malformed_event_moves_the_count() -> None:
    sent = queries(adapter(), launch(), malformed(Spoil.NO_EVENT, 1), view(2))

    assert [query.rpartition(".")[2] for query in sent] == ["1", "2", "3"]


LISTED = ("c_buy",)
NAMES = [
    ("registered", "c_buy", LISTED, ""),
    ("not registered", "c_sell", LISTED, "a c_ event that is not registered"),
    ("no list: not checked", "c_sell", (), ""),
    ("a show is always registered", "c_mp_show", LISTED, ""),
    ("a name without c_ is not checked", "buy", LISTED, ""),
    ("32 characters", "c_" + "x" * 30, (), ""),
    ("33 characters", "c_" + "x" * 31, (), "event is longer than 32 characters"),
    ("no name", "", (), "event is missing"),
]


@pytest.mark.parametrize("wire", ["dmhub", "dmhub-2018"])
@pytest.mark.parametrize(("name", "events", "expected"), [row[1:] for row in NAMES], ids=[row[0] for row in NAMES])
def test_an_event_is_bad_by_its_name(wire: str, name: str, events: tuple[str, ...], expected: str) -> None:
    (request,) = fold(adapter(wire, events=events), track(Call(name)))

    assert request.records[0].bad == expected


DATES = [
    ("with Z", "2026-03-01T00:00:00.001Z", ""),
    ("with an offset", "2026-03-01T08:00:00+08:00", ""),
    ("without an offset", "2026-03-01T00:00:00", "date is unreadable"),
    ("a day only", "2026-03-01", "date is unreadable"),
    ("no such day", "2026-02-30T00:00:00Z", "date is unreadable"),
    ("before 1970", "1969-12-31T23:59:59Z", "date is unreadable"),
    ("year 9999", "9999-12-31T23:59:59-12:00", "date is unreadable"),
    ("empty is none", "", ""),
]


@pytest.mark.parametrize(("date", "expected"), [row[1:] for row in DATES], ids=[row[0] for row in DATES])
def test_an_event_is_bad_by_its_date(date: str, expected: str) -> None:
    (request,) = fold(adapter("dmhub-2018"), track(Call("c_buy", params=(("date", date),))))

    assert request.records[0].bad == expected


def test_a_bad_event_still_says_who_and_where_from() -> None:
    events: list[Event] = [push(0, identityValue="o1"), track(Call("c_sell"), 1, source=advert("ad", "c"))]
    record = fold(adapter(events=LISTED), *events)[0].records[0]

    assert (record.identities, record.source, record.content) == ((Identity("applet-wechat", "o1"),), "ad", "c")
