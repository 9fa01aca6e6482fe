"""Totals and events asked for over HTTP: requests, pages, figures, and what is said of replies that cannot be used."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from dataclasses import replace
from typing import Any
from urllib.parse import parse_qs, parse_qsl

import httpx
import pytest

from simulator.contract import METRICS, Contract, Definitions, Opens
from simulator.ledger.manifest import Options
from simulator.runs.planning import blocks_of
from simulator.scenario.load import load_scenario
from simulator.scenario.target_reading import HttpEventsSection, HttpSection
from simulator.times import Ms
from simulator.traffic.making import Wanted, draft
from simulator.traffic.opened import adapter_of
from simulator.verify.readers import fetch, requesting
from simulator.verify.readers.counted import CountedTotals
from simulator.verify.readers.events import TooMany
from simulator.verify.readers.fetch import Unreadable
from simulator.verify.readers.http_events import HttpEvents
from simulator.verify.readers.http_totals import HttpTotals
from simulator.verify.readers.items import BATCH
from simulator.verify.readers.reading import Reading
from simulator.verify.reconcile import differences
from simulator.wire.options import DEFAULT_PATH
from simulator.wire.registry import format_of
from simulator.wire.request import Request
from tests.e2e.commands import SCENARIOS
from tests.targets.settings import BEGIN, END, setting

SCENARIO = SCENARIOS / "first_open.yaml"

Answer = Callable[[httpx.Request], httpx.Response]
TOKEN = "s3cret/+token"


def totals(answer: Answer, *requests: dict[str, Any], **more: Any) -> Reading:
    section = HttpSection.model_validate({"requests": list(requests), **more})
    reader = HttpTotals(section, setting(environment={"TOKEN": TOKEN}), httpx.MockTransport(answer))
    try:
        return reader.read(BEGIN, END)
    finally:
        reader.close()


def says(document: object) -> Answer:
    return lambda _: httpx.Response(200, json=document)


ALL = {"path": "/stats", "pv": "pv", "uv": "uv", "opens": "opens", "new_users": "new"}
SOURCE = {"path": "/by", "by": "source", "rows": "rows", "cell": "name", "pv": "views"}


def test_a_document_has_the_four_totals() -> None:
    reading = totals(says({"pv": 12, "uv": 3, "opens": "4", "new": 2.0}), ALL)

    assert reading.cells == {"all": {"": {"pv": 12, "uv": 3, "opens": 4, "new_users": 2}}}


def test_rows_are_cells_by_their_names_or_their_keys() -> None:
    listed = totals(says({"rows": [{"name": "ad", "views": 3}, {"name": "", "views": 1}]}), SOURCE)
    keyed = totals(says({"rows": {"ad": {"views": 3}, "": {"views": 1}}}), {**SOURCE, "cell": None})

    assert listed.cells["source"] == keyed.cells["source"]
    assert {cell: values["pv"] for cell, values in listed.cells["source"].items()} == {"ad": 3, "(none)": 1}


def test_a_figure_that_nobody_gives_is_not_read_and_never_zero() -> None:
    reading = totals(says({"rows": [{"name": "ad", "views": 3}]}), SOURCE)

    assert reading.cells["source"]["ad"] == {"pv": 3, "uv": None, "opens": None, "new_users": None}
    assert reading.missing["uv", "source"] == "the target file does not say where it stands"
    assert not reading.gives("uv", "source")
    assert reading.gives("pv", "source")
    assert ("opens", "page") not in reading.missing  # there is no such figure


@pytest.mark.parametrize(
    ("document", "said"),
    [
        ({"pv": None}, "pv is nothing: pv is null"),
        ({}, "pv is nothing: pv finds nothing, and it holds no key"),
        ({"pv": -1}, "pv is expected to be a whole number from 0 on, not -1"),
        ({"pv": 1.5}, "pv is expected to be a whole number from 0 on, not 1.5"),
        ({"pv": True}, "pv is expected to be a whole number from 0 on, not True"),
        ({"pv": "many"}, "pv is expected to be a whole number from 0 on, not 'many'"),
        ({"pv": 1e300}, "pv is expected to be a whole number from 0 on"),
        ([{"pv": 1}, {"pv": 2}], "2 rows, where the total is one"),
    ],
)
def test_a_value_that_is_no_number_is_not_read(document: object, said: str) -> None:
    reading = totals(says(document), {"path": "/stats", "pv": "pv"})

    assert said in reading.errors["all"]
    assert reading.cells.get("all", {}).get("", {}).get("pv") is None


@pytest.mark.parametrize(
    ("answer", "said"),
    [
        (lambda _: httpx.Response(200, text="<html>"), "GET /by: not JSON: '<html>'"),
        (lambda _: httpx.Response(401), "GET /by: status 401 where 200 was expected"),
        (lambda _: httpx.Response(302, headers={"location": "/"}), "GET /by: status 302 where 200 was expected"),
        (says({"rows": 3}), "GET /by: no rows at rows: 3"),
        (says({"rows": [{"views": 1}, {"views": 2}]}), "GET /by: '(none)' twice"),
        (says({"rows": [{"name": {"a": 1}, "views": 1}]}), "GET /by: the name of a cell is expected to be a text"),
        (says({"rows": [3]}), "GET /by: pv of the cell '(none)' is nothing: views finds nothing, and it holds 3"),
    ],
)
def test_a_reply_that_cannot_be_used_is_told(answer: Answer, said: str) -> None:
    reading = totals(answer, SOURCE)

    assert said in reading.errors["source"]
    assert all(values["pv"] is None for values in reading.cells.get("source", {}).values())


def test_half_a_list_that_goes_wrong_leaves_no_cell_at_zero() -> None:
    reading = totals(says({"rows": [{"name": "ad", "views": 1}, {"name": "ad", "views": 2}]}), SOURCE)

    assert "source" not in reading.cells
    assert not reading.gives("pv", "source")


def test_a_reply_over_the_bound_is_not_read(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(fetch, "MAX_BYTES", 10)

    assert "a reply of more than" in totals(says({"rows": []}), SOURCE).errors["source"]


@pytest.mark.parametrize("deep", ["[" * 5_000 + "]" * 5_000, '{"rows": ' * 2_000 + "1" + "}" * 2_000])
def test_a_deep_document_does_not_break_the_reader(deep: str) -> None:
    reading = totals(lambda _: httpx.Response(200, text=deep), SOURCE)

    assert reading.errors["source"]


def test_requests_are_filled_with_the_period_and_the_namespace() -> None:
    asked: list[httpx.Request] = []

    def answer(request: httpx.Request) -> httpx.Response:
        asked.append(request)
        return httpx.Response(200, json={"rows": []})

    query = {"from": "{from}", "to": "{to_ms}", "day": "{from_day}..{to_day}", "who": "{namespace}", "brace": "{{x}}"}
    totals(
        answer,
        {**SOURCE, "path": "/by/{namespace}?zone={zone}", "query": query},
        {**SOURCE, "by": "content", "method": "POST", "json": {"q": ["{from_s}", 1, {"z": "{appid} {tenant}"}]}},
        {**SOURCE, "by": "day", "method": "POST", "form": {"token_auth": {"env": "TOKEN"}, "at": "{to_s}"}},
    )

    assert asked[0].url.path == "/by/n"
    assert parse_qs(asked[0].url.query.decode()) == {
        "zone": ["Asia/Shanghai"],
        "from": ["2026-02-28T16:00:00.000Z"],
        "to": ["1772388000000"],
        "day": ["2026-03-01..2026-03-02"],
        "who": ["n"],
        "brace": ["{x}"],
    }
    assert json.loads(asked[1].content) == {"q": ["1772294400", 1, {"z": "wx1 7"}]}
    assert parse_qs(asked[2].content.decode()) == {"token_auth": [TOKEN], "at": ["1772388000"]}


def test_a_query_in_the_path_is_sent_as_it_is_written_with_what_is_filled_in_one_piece() -> None:
    asked: list[list[tuple[str, str]]] = []

    def answer(request: httpx.Request) -> httpx.Response:
        asked.append(parse_qsl(request.url.query.decode(), keep_blank_values=True))
        cursor = "a+b=&c=d?" if len(asked) == 1 else ""
        return httpx.Response(200, json={"rows": [], "cursor": cursor})

    path = "/by?site=1&site=2&after={cursor}&of=other"
    totals(answer, {**SOURCE, "path": path, "query": {"of": "me"}, "pages": {"cursor": "cursor"}})

    assert asked == [[("site", "1"), ("site", "2"), ("after", after), ("of", "me")] for after in ("", "a+b=&c=d?")]


def test_headers_of_all_requests_are_filled_and_those_of_one_stand_over_them() -> None:
    asked: list[httpx.Request] = []

    def answer(request: httpx.Request) -> httpx.Response:
        asked.append(request)
        return httpx.Response(200, json={"rows": []})

    totals(
        answer,
        SOURCE,
        {**SOURCE, "headers": {"x-run": "{zone}"}},
        headers={"x-run": "{namespace} {{x}}", "x-key": {"env": "TOKEN"}},
    )

    assert [(one.headers["x-run"], one.headers["x-key"]) for one in asked] == [
        ("n {x}", TOKEN),
        ("Asia/Shanghai", TOKEN),
    ]


@pytest.mark.parametrize(
    ("auth", "header"),
    [
        ({"bearer": {"env": "TOKEN"}}, f"Bearer {TOKEN}"),
        ({"basic": {"user": "me", "password": {"env": "TOKEN"}}}, "Basic bWU6czNjcmV0Lyt0b2tlbg=="),
    ],
)
def test_who_asks_is_said_in_a_header(auth: dict[str, Any], header: str) -> None:
    told: list[str] = []

    def answer(request: httpx.Request) -> httpx.Response:
        told.append(request.headers["authorization"])
        return httpx.Response(200, text=f"no {told[-1]} here")

    reading = totals(answer, SOURCE, auth=auth)

    assert told == [header]
    assert TOKEN not in str(reading)
    assert header.split()[1] not in str(reading)
    assert "{env: TOKEN}" in reading.errors["source"]


def pages_of(rows: list[dict[str, object]], size: int) -> Answer:
    """An interface with every way to go on at once."""

    def answer(request: httpx.Request) -> httpx.Response:
        asked = parse_qs(request.url.query.decode())
        first = int(asked.get("offset", [0])[0])
        if "page" in asked:
            first = (int(asked["page"][0]) - 1) * size
        if "after" in asked:
            first = int(asked["after"][0] or 0)
        last = first + size
        more = last < len(rows)
        return httpx.Response(
            200,
            json={
                "rows": rows[first:last],
                "next": f"/by?offset={last}" if more else None,
                "cursor": str(last) if more else "",
            },
        )

    return answer


@pytest.mark.parametrize(
    ("query", "pages"),
    [
        ({}, {"next": "next"}),
        ({"after": "{cursor}"}, {"cursor": "cursor"}),
        ({"page": "{page}"}, {}),
        ({"page": "{page}"}, {"size": 3}),
        ({"offset": "{offset}"}, {}),
    ],
    ids=["next", "cursor", "page until none", "page until fewer", "offset"],
)
@pytest.mark.parametrize("count", [0, 1, 3, 4, 7, 9])
def test_every_page_is_read_once(query: dict[str, str], pages: dict[str, Any], count: int) -> None:
    rows: list[dict[str, object]] = [{"name": f"s{number}", "views": number} for number in range(count)]

    reading = totals(pages_of(rows, 3), {**SOURCE, "query": query, "pages": pages})

    assert reading.errors == {}
    assert {cell: values["pv"] for cell, values in reading.cells["source"].items()} == {
        f"s{number}": number for number in range(count)
    }


def test_pages_without_an_end_are_told() -> None:
    answer = says({"rows": [], "next": "/by?x=1", "cursor": "7"})
    many = lambda request: httpx.Response(200, json={"rows": [{"name": str(request.url), "views": 1}]})  # noqa: E731

    circle = totals(answer, {**SOURCE, "pages": {"next": "next"}})
    endless = totals(many, {**SOURCE, "query": {"p": "{page}"}, "pages": {"most": 5}})

    assert circle.errors["source"] == "GET /by: the pages run in a circle"
    assert endless.errors["source"] == "GET /by: more than 5 pages"


def test_all_pages_together_are_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(requesting, "_MOST_BYTES", 100)
    rows: list[dict[str, object]] = [{"name": f"s{number}", "views": number} for number in range(50)]

    reading = totals(pages_of(rows, 3), {**SOURCE, "pages": {"next": "next"}})

    assert "in all pages" in reading.errors["source"]


def test_a_next_page_of_another_host_is_not_asked_for() -> None:
    reading = totals(says({"rows": [], "next": "http://evil.example/"}), {**SOURCE, "pages": {"next": "next"}})

    assert reading.errors["source"] == "GET /by: the next page is of another host: http://evil.example"


# ---- events -------------------------------------------------------------------------------------------------------

FIELDS = {
    "external_id": "id",
    "event": "name",
    "date": "at",
    "anonymous_id": "device",
    "identities": {"applet-wechat": "openid", "mobile": "phone"},
    "source": "props.source",
    "page": "page",
}


def events(answer: Answer, **more: Any) -> HttpEvents:
    section = HttpEventsSection.model_validate({"path": "/events", "rows": "items", "fields": FIELDS, **more})
    return HttpEvents(section, setting(), httpx.MockTransport(answer))


ITEM = {"id": "n.0.1", "name": "mini_program_view", "at": "2026-03-01T09:00:00.001+08:00", "device": "d", "openid": "o"}


def test_events_are_listed_in_their_order_with_the_fields_that_are_told() -> None:
    more = {**ITEM, "id": "n.0.2", "at": 1772326800, "props": {"source": "ad"}, "page": "/pages/a"}
    reader = events(says({"items": [ITEM, more]}))

    first, second = reader.events("good")

    assert (first.cursor // BATCH, first.external_id, first.date, first.source) == (1, "n.0.1", 1772326800001, "")
    assert [(one.type, one.value) for one in first.identities] == [("applet-wechat", "o")]
    assert (second.cursor // BATCH, second.date, second.source, second.page) == (2, 1772326800000, "ad", "pages/a")
    assert "content" not in reader.fields
    assert {"external_id", "identities", "page"} <= reader.fields


@pytest.mark.parametrize(
    "kept",
    [
        {"applet-wechat": "o", "mobile": 13, "c_card": None},
        [["applet-wechat", "o"], ["mobile", "13"]],
        '{"applet-wechat": "o", "mobile": "13"}',
    ],
    ids=["an object", "pairs", "JSON in a text"],
)
def test_identities_may_stand_together(kept: object) -> None:
    reader = events(says({"items": [{**ITEM, "logins": kept}, ITEM]}), fields={**FIELDS, "identities": "logins"})

    first, second = reader.events("good")

    assert [(one.type, one.value) for one in first.identities] == [("applet-wechat", "o"), ("mobile", "13")]
    assert second.identities == ()
    assert reader.identity_types is None
    assert events(says({})).identity_types == frozenset({"applet-wechat", "mobile"})


def test_a_list_that_begins_with_the_newest_is_turned_round() -> None:
    reader = events(says({"items": [{**ITEM, "id": "2"}, {**ITEM, "id": "1"}]}), newest_first=True)

    assert [event.external_id for event in reader.events("good")] == ["1", "2"]
    first, _ = reader.events("good")
    assert [event.external_id for event in reader.events("good", after=first.cursor)] == ["2"]
    assert list(reader.events("good", after=reader.last_cursor("good"))) == []
    assert reader.last_cursor("bad") == 0


def test_names_of_another_product_are_told_apart_by_the_target_file() -> None:
    fields = {**FIELDS, "actions": {"view": ["$pageview"], "open": ["$launch"]}}
    items = [{**ITEM, "name": name} for name in ("$pageview", "$launch", "$identify")]

    listed = events(says({"items": items}), fields=fields).events("good")

    assert [event.action for event in listed] == ["view", "open", "custom"]


@pytest.mark.parametrize(
    ("document", "said"),
    [
        ({"items": 3}, "GET /events: no list of events at items: 3"),
        (
            {"items": [{**ITEM, "logins": 3}]},
            "identities are expected as an object or pairs of type and value, not '3'",
        ),
        ({"items": [{**ITEM, "logins": "x"}]}, "identities are expected as JSON, not 'x'"),
        ({"items": [{"id": None}]}, "id finds no id in an item: id is null"),
        (
            {"itemz": [], "next": None},
            "GET /events: no list of events at items: items finds nothing, and it holds the keys 'itemz', 'next' "
            "(did you mean 'itemz'?)",
        ),
        ({"items": [{**ITEM, "at": "yesterday"}]}, "an instant is expected as ISO 8601 with an offset"),
        ({"items": [{**ITEM, "at": "2026-03-01T09:00:00"}]}, "an instant is expected as ISO 8601 with an offset"),
        ({"items": [{**ITEM, "at": True}]}, "an instant is expected"),
        ({"items": [{**ITEM, "at": 10**30}]}, "an instant is expected"),
    ],
)
def test_a_list_that_cannot_be_used_is_told(document: object, said: str) -> None:
    fields = {**FIELDS, "identities": "logins"} if "identities" in said else FIELDS
    with pytest.raises(Unreadable, match=re.escape(said)):
        list(events(says(document), fields=fields).events("good"))


def test_more_events_than_are_listed_are_told() -> None:
    with pytest.raises(TooMany):
        list(events(says({"items": [ITEM, ITEM, ITEM]})).events("good", limit=2))


def test_a_cursor_may_include_what_it_points_at() -> None:
    rows: list[dict[str, object]] = [{**ITEM, "id": f"n.{number}.1"} for number in range(7)]

    def answer(request: httpx.Request) -> httpx.Response:
        after = parse_qs(request.url.query.decode(), keep_blank_values=True)["after"][0]
        first = next((place for place, row in enumerate(rows) if row["id"] == after), 0)
        return httpx.Response(200, json={"items": rows[first : first + 3]})

    reader = events(answer, query={"after": "{cursor}"}, pages={"cursor": "items[-1].id", "size": 3})

    assert [event.external_id for event in reader.events("good")] == [row["id"] for row in rows]


def test_what_is_counted_by_need_not_be_compared() -> None:
    fields = {**FIELDS, "user": "customer", "compare": ["event", "source"]}
    reader = events(says({"items": [{**ITEM, "customer": 7}]}), fields=fields)

    assert [event.user for event in reader.events("good")] == ["7"]
    assert reader.compared == {"external_id", "event", "source"}
    assert "date" in reader.fields


TIMEOUT = Contract(definitions=Definitions(Opens("timeout", Ms(1_800_000))))


@pytest.mark.parametrize(
    ("contract", "fields", "given"),
    [
        (Contract(), set(), {"pv", "opens"}),
        (Contract(), {"anonymous_id"}, {"pv", "uv", "opens", "new_users"}),
        (Contract(), {"identities"}, {"pv", "uv", "opens", "new_users"}),
        (Contract(), {"user"}, {"pv", "uv", "opens", "new_users"}),
        (Contract(definitions=Definitions(user="device")), {"identities"}, {"pv", "opens"}),
        (TIMEOUT, {"identities"}, {"pv", "uv", "new_users"}),
        (TIMEOUT, {"anonymous_id"}, {"pv", "uv", "opens", "new_users"}),
        (Contract(sessions="given"), {"anonymous_id"}, {"pv", "uv", "new_users"}),
        (Contract(sessions="given"), {"anonymous_id", "session"}, {"pv", "uv", "opens", "new_users"}),
    ],
)
def test_a_total_whose_fields_are_not_listed_is_not_read(contract: Contract, fields: set[str], given: set[str]) -> None:
    where: dict[str, Any] = {
        "anonymous_id": "device", "identities": {"applet-wechat": "openid"}, "user": "customer", "session": "visit",
    }  # fmt: skip
    usual = {"external_id": "id", "event": "name", "date": "at"}
    reader = events(says({"items": [ITEM]}), fields={**usual, **{name: where[name] for name in fields}})

    reading = CountedTotals(reader, setting(contract)).read(BEGIN, END)

    assert {metric for metric in METRICS if reading.gives(metric, "all")} == given
    assert {metric for metric in METRICS if reading.gives(metric, "day")} == given
    assert {metric for metric in METRICS if reading.gives(metric, "source")} == set()
    assert reading.cells["all"][""]["pv"] == 1


# ---- events that are kept as the requests that brought them ----


def decoded(answer: Answer, adapter: str, decode: dict[str, Any]) -> HttpEvents:
    section = HttpEventsSection.model_validate({"path": "/micro/good", "decode": decode})
    made = adapter_of(adapter, DEFAULT_PATH, load_scenario(SCENARIO), "n", Options())
    chosen = replace(setting(), adapter=made, path=format_of(adapter).path)
    return HttpEvents(section, chosen, httpx.MockTransport(answer))


def sent(adapter: str) -> list[Request]:
    """What the first visitors send."""
    draft_ = draft(Wanted(SCENARIO, "http://127.0.0.1:1", adapter=adapter, namespace="n", visitors=6))
    made = adapter_of(adapter, DEFAULT_PATH, draft_.plan.scenario, "n", draft_.options)
    return [one for block in blocks_of(draft_.plan, made) for one in block]


def test_events_of_another_wire_are_decoded_out_of_what_the_collector_kept() -> None:
    requests = sent("snowplow")
    kept = [part for request in requests for part in json.loads(request.body)["data"]]
    body = "{schema: 'iglu:com.snowplowanalytics.snowplow/payload_data/jsonschema/1-0-4', data: [rawEvent.parameters]}"
    reader = decoded(says([{"rawEvent": {"parameters": one}} for one in kept]), "snowplow", {"body": body})

    listed = list(reader.events("good"))

    planned = [record for request in requests for record in request.records]
    assert [event.external_id for event in listed] == [record.external_id for record in planned]
    for event, record in zip(listed, planned, strict=True):
        assert differences(record, event) == []
        assert (event.action, event.session) == (record.action.value, record.session)
    assert reader.lists_bad


def test_a_query_is_decoded_as_a_text_or_as_keys() -> None:
    requests = sent("dmhub")
    queries = [request.target.partition("?")[2] for request in requests]
    pairs = [dict(parse_qsl(query, keep_blank_values=True)) for query in queries]

    texts = decoded(says([{"q": query} for query in queries]), "dmhub", {"method": "GET", "query": "q"})
    keys = decoded(says([{"q": query} for query in pairs]), "dmhub", {"method": "GET", "query": "q"})
    whole = decoded(says([{"t": one.target} for one in requests]), "dmhub", {"method": "GET", "target": "t"})

    assert list(texts.events("good")) == list(keys.events("good")) == list(whole.events("good"))
    assert len(list(texts.events("good"))) == len(requests)


@pytest.mark.parametrize(
    ("item", "said"),
    [({"t": 3}, "t finds no path in an item: '3'"), ({"t": "/other"}, "an item is no request of the adapter dmhub")],
)
def test_an_item_that_is_no_request_is_told(item: object, said: str) -> None:
    with pytest.raises(Unreadable, match=said):
        list(decoded(says([item]), "dmhub", {"method": "GET", "target": "t"}).events("good"))
