"""Every path of the collector, over ASGI: what it answers to good input and to bad."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from tests.collector.conftest import Site, Start

VIEW = {"event": "mini_program_view", "anonymousId": "d", "targetName": "pages/a"}
DATE = "2026-03-01T00:00:00.000Z"
TREND = "/datacube/getweanalysisappiddailyvisittrend"
FORM = "application/x-www-form-urlencoded"


@pytest.mark.parametrize("path", ["/cbe/__utm", "/__utm"])
def test_the_tracker_paths_take_get_and_post(site: Site, path: str) -> None:
    answers = [
        site.get(path + "?event=c_get"),
        site.post(path + "?event=c_query"),
        site.post(path, {"event": "c_json"}),
        site.post(path, b"event=c_form&note=a+b", FORM),
        site.post(path + "?event=c_both&note=query", {"note": "body"}),
    ]

    assert [(answer.status_code, answer.content) for answer in answers] == [(200, b"{}")] * 5
    assert site.good() == [
        {"event": "c_get"},
        {"event": "c_query"},
        {"event": "c_json"},
        {"event": "c_form", "note": "a b"},
        {"event": "c_both", "note": "body"},
    ]


def test_a_bad_event_is_answered_200_and_listed(start: Start) -> None:
    site = start(tenant="1", events=frozenset({"c_known"}))
    answers = [
        site.get("/cbe/__utm?tenantId=1"),
        site.get("/cbe/__utm?tenantId=1&event=" + "e" * 33),
        site.get("/cbe/__utm?tenantId=2&event=c_known"),
        site.get("/cbe/__utm?tenantId=1&event=c_known&date=yesterday"),
        site.get("/cbe/__utm?tenantId=1&event=c_known&note=%ff"),
        site.get("/cbe/__utm?tenantId=1&event=c_unknown"),
        site.post("/cbe/__utm", b"{garbage"),
        site.post("/cbe/__utm", [1, 2]),
        site.post("/cbe/__utm", b'{"event": "\xff"}'),
        site.get("/cbe/__utm?tenantId=1&event=c_known"),
    ]

    assert {(answer.status_code, answer.content) for answer in answers} == {(200, b"{}")}
    assert [reason.split(":")[0] for reason in site.reasons()] == [
        "event is missing",
        "event has 33 characters, at most 32 are allowed",
        "tenantId is '2', this collector is for '1'",
        "date 'yesterday' is not ISO 8601 with an offset, such as 2026-03-01T00",
        "not UTF-8 after one decoding",
        "custom event c_unknown is not registered",
        "the body is not JSON",
        "an event must be a JSON object",
        "not UTF-8 after one decoding",
    ]
    assert site.get("/events/all").json() == {"total": 10, "good": 1, "bad": 9}


@pytest.mark.parametrize("method", ["PUT", "DELETE", "OPTIONS", "HEAD"])
def test_other_methods_on_the_tracker_paths_are_refused(site: Site, method: str) -> None:
    answer = site.request(method, "/cbe/__utm?event=c_x")

    assert answer.status_code == 405
    assert site.get("/events/all").json()["total"] == 0


def test_an_item_of_the_lists(site: Site) -> None:
    site.get("/cbe/__utm?event=c_x&note=%E6%98%A5")
    site.get("/cbe/__utm?note=1")

    assert site.get("/events/good").json() == [
        {
            "id": 1,
            "event": {"event": "c_x", "note": "春"},
            "received": "2026-03-05T12:00:00.000Z",
            "request": "GET /cbe/__utm?event=c_x&note=%E6%98%A5",
            "reason": "",
        }
    ]
    assert site.get("/events/bad").json() == [
        {
            "id": 1,
            "event": {"note": "1"},
            "received": "2026-03-05T12:00:00.000Z",
            "request": "GET /cbe/__utm?note=1",
            "reason": "event is missing",
        }
    ]


def test_the_lists_are_read_in_pages(site: Site) -> None:
    for number in range(5):
        site.track(event="c_x", externalId=str(number))

    def ids(query: str) -> list[int]:
        return [item["id"] for item in site.get("/events/good" + query).json()]

    assert ids("?max=2") == [1, 2]
    assert ids("?max=2&after=2") == [3, 4]
    assert ids("?max=2&after=5") == []
    assert ids("?max=2&order=newest") == [5, 4]
    assert ids("?max=2&order=newest&after=4") == [3, 2]


def test_a_reset_forgets_everything_but_links(site: Site) -> None:
    site.track(**VIEW)
    site.post("/v1/source/links", {"url": "pages/a", "code": "p7"})

    assert site.post("/events/reset").json() == {"total": 0, "good": 0, "bad": 0}
    assert site.get("/events/all").json() == {"total": 0, "good": 0, "bad": 0}
    assert site.cells() == {"": (0, 0, 0, 0)}
    assert site.get("/v1/source/links/p7").json() == {"url": "pages/a"}


def test_a_page_of_another_site_cannot_reset(site: Site) -> None:
    site.track(**VIEW)

    assert site.post("/events/reset", origin="http://evil.example").status_code == 403
    assert site.get("/events/all").json()["total"] == 1
    assert site.post("/events/reset", origin="http://collector").status_code == 200


def test_totals(site: Site) -> None:
    site.track(event="mini_program_open", anonymousId="d", date=DATE, source="ad", externalId="1")
    site.track(**VIEW, date="2026-03-01T00:00:00.001Z", source="ad", externalId="2")
    site.track(**VIEW, date="2026-03-01T00:00:00.001Z", source="ad", externalId="2")

    numbers = {"pv": 1, "uv": 1, "opens": 1, "new_users": 1}
    assert site.get("/monitor/totals").json() == {"by": "all", "cells": {"": numbers}}
    assert site.get("/monitor/totals?by=source").json() == {"by": "source", "cells": {"ad": numbers}}
    assert site.get("/monitor/totals?by=page").json() == {
        "by": "page",
        "cells": {"pages/a": {"pv": 1, "uv": 1, "opens": None, "new_users": None}},
    }


WITHIN = [
    ("by=source", {"ad": (2, 1, 1, 1), "(none)": (1, 1, 1, 1)}),
    ("source=ad", {"": (2, 1, 1, 1)}),
    ("source=(none)", {"": (1, 1, 1, 1)}),
    ("source=nobody", {"": (0, 0, 0, 0)}),
    ("source=ad&by=content", {"spring": (1, 1, 1, 1), "(none)": (1, 1, 0, 0)}),
    ("source=ad&content=spring", {"": (1, 1, 1, 1)}),
    ("content=(none)", {"": (2, 2, 1, 1)}),
    ("source=ad&by=page", {"pages/a": (1, 1, None, None), "pages/b": (1, 1, None, None)}),
    ("page=pages/a", {"": (2, 2, None, None)}),
    ("page=pages/a&by=source", {"ad": (1, 1, None, None), "(none)": (1, 1, None, None)}),
    ("page=pages/b&content=spring&by=day", {}),
    ("source=ad&end=2026-03-01T00:00:00.001Z", {"": (0, 1, 1, 1)}),
]  # fmt: skip


@pytest.mark.parametrize(("query", "cells"), WITHIN, ids=[case[0] for case in WITHIN])
def test_totals_within_a_source_a_content_or_a_page(site: Site, query: str, cells: dict[str, Any]) -> None:
    ad = {"anonymousId": "d", "source": "ad"}
    site.track(event="mini_program_open", date="2026-03-01T00:00:00.000Z", contentName="spring", **ad)
    site.track(
        event="mini_program_view", date="2026-03-01T00:00:00.001Z", contentName="spring", targetName="pages/a", **ad
    )
    site.track(event="mini_program_view", date="2026-03-01T00:00:00.002Z", targetName="pages/b", **ad)
    site.track(event="mini_program_open", date="2026-03-01T00:00:00.003Z", anonymousId="e")
    site.track(event="mini_program_view", date="2026-03-01T00:00:00.004Z", anonymousId="e", targetName="pages/a")

    told = site.get(f"/monitor/totals?{query}").json()["cells"]

    assert {cell: tuple(figures.values()) for cell, figures in told.items()} == cells


PERIODS = [
    ("from the open on", "begin=2026-03-01T08:00:00%2B08:00", 1),
    ("a plus as it is", "begin=2026-03-01T08:00:00+08:00", 1),
    ("after the open", "begin=2026-03-01T08:00:00.001%2B08:00", 0),
    ("up to the open", "end=2026-03-01T00:00:00Z", 0),
    ("up to after it", "end=2026-03-01T00:00:00.001Z", 1),
    ("an empty period", "begin=2026-03-01T00:00:00Z&end=2026-03-01T00:00:00Z", 0),
]


@pytest.mark.parametrize(("query", "opens"), [case[1:] for case in PERIODS], ids=[case[0] for case in PERIODS])
def test_totals_of_a_period(site: Site, query: str, opens: int) -> None:
    site.track(event="mini_program_open", anonymousId="d", date=DATE)

    assert site.get("/monitor/totals?" + query).json()["cells"][""]["opens"] == opens


REFUSED = [
    ("/monitor/totals?by=week", 400, "by: expected one of all, source, content, hour, day, page, not 'week'"),
    ("/monitor/totals?begin=2026-03-01", 400, "begin: expected ISO 8601 with an offset"),
    ("/monitor/totals?begin=2026-03-01T00:00:00", 400, "begin: expected ISO 8601 with an offset"),
    ("/monitor/totals?end=9999999999999999999", 400, "end: expected ISO 8601 with an offset"),
    ("/monitor/totals?begin=2026-03-02T00:00:00Z&end=2026-03-01T00:00:00Z", 400, "begin is after end"),
    ("/monitor/totals?from=2026-03-01T00:00:00Z", 400, "unknown parameter 'from'; known are by, begin, end"),
    ("/monitor/totals?by=%ff", 400, "the query is not UTF-8"),
    ("/events/good?max=0", 400, "max: expected a whole number from 1 to 10000, not '0'"),
    ("/events/good?max=10001", 400, "max: expected a whole number"),
    ("/events/bad?after=-1", 400, "after: expected a whole number"),
    ("/events/bad?after=" + "9" * 5000, 400, "after: expected a whole number"),
    ("/events/bad?after=٣", 400, "after: expected a whole number"),
    ("/events/good?order=random", 400, "order: expected one of oldest, newest"),
    ("/v1/customerevents?max=1001", 400, "max: expected a whole number from 1 to 1000"),
    ("/v1/customerevents?sidx=fields", 400, "sidx: expected one of id, date, lastUpdated"),
    ("/v1/customerevents?partition=202613", 400, "partition: expected yyyymm or yyyy, not '202613'"),
    ("/v1/source/links/nobody", 404, "code 'nobody' is not registered"),
    ("/security/accesstoken", 400, "grant_type: expected client_credentials"),
    ("/security/accesstoken?grant_type=client_credentials&appid=a", 400, "appid and secret are required"),
    ("/", 200, ""),
    ("/nowhere", 404, "GET /nowhere: Not Found"),
    ("/cbe/__utm/", 404, "GET /cbe/__utm/: Not Found"),
    ("/events/reset", 405, "GET /events/reset: Method Not Allowed"),
    ("/..%2f..%2fetc/passwd", 404, "GET "),
    ("/monitor/page.css/../../server.py", 404, "GET "),
]


@pytest.mark.parametrize(("target", "status", "reason"), REFUSED, ids=[case[0][:40] for case in REFUSED])
def test_an_error_is_json_with_a_reason(site: Site, target: str, status: int, reason: str) -> None:
    answer = site.get(target)

    assert answer.status_code == status
    if status != 200:
        assert answer.json()["success"] is False
        assert answer.json()["reason"].startswith(reason)


def test_push_one_event(site: Site) -> None:
    answer = site.post("/v1/collector/pushevent", {**VIEW, "date": DATE, "price": 129.5})

    assert answer.json() == {"success": True}
    assert site.good() == [{**VIEW, "date": DATE, "price": "129.5"}]


def test_a_bad_pushed_event_is_listed_and_told(site: Site) -> None:
    answer = site.post("/v1/collector/pushevent", {"date": DATE})

    assert answer.status_code == 200
    assert answer.json() == {"success": True, "bad": [{"index": 0, "reason": "event is missing"}]}
    assert site.reasons() == ["event is missing"]


def test_push_many_events_with_common_properties(site: Site) -> None:
    body = {"events": [{"event": "c_a", "source": "own"}, {"event": "c_b"}, 5], "commonProps": {"source": "common"}}

    answer = site.post("/v1/collector/batchPushEvents", body)

    assert answer.json() == {"success": True, "bad": [{"index": 2, "reason": "an event must be a JSON object"}]}
    assert site.good() == [{"event": "c_a", "source": "common"}, {"event": "c_b", "source": "common"}]


@pytest.mark.parametrize(("count", "status"), [(0, 400), (1, 200), (99, 200), (100, 200), (101, 400)])
def test_at_most_100_events_a_batch(site: Site, count: int, status: int) -> None:
    answer = site.post("/v1/collector/batchPushEvents", {"events": [{"event": "c_a"}] * count})

    assert answer.status_code == status
    assert site.get("/events/all").json()["good"] == (count if status == 200 else 0)


@pytest.mark.parametrize("path", ["/v1/collector/pushevent", "/v1/collector/batchPushEvents", "/v1/source/links"])
@pytest.mark.parametrize(
    "body", [b"", b"{", b"\xff", b"[" * 100_000, b'{"events": {}}', b'{"url": 5}'], ids=lambda body: repr(body[:12])
)
def test_garbage_bodies_store_nothing_good(site: Site, path: str, body: bytes) -> None:
    answer = site.post(path, body)

    assert answer.status_code in {200, 400}
    assert answer.json().get("bad") or answer.json()["reason"]
    assert site.get("/events/all").json()["good"] == 0


@pytest.mark.parametrize("path", ["/cbe/__utm", "/v1/collector/pushevent", "/v1/source/links", "/events/reset"])
def test_a_body_out_of_bounds(site: Site, path: str) -> None:
    answer = site.post(path, b'{"event": "c_x", "url": "' + b"x" * 5_000_000 + b'"}')

    assert answer.status_code == (200 if path == "/events/reset" else 413)
    assert site.get("/events/all").json()["total"] == 0


GUARDED = ["/v1/collector/pushevent", "/v1/collector/batchPushEvents"]


@pytest.mark.parametrize("path", GUARDED)
@pytest.mark.parametrize(("token", "status"), [("", 401), ("?access_token=wrong", 401), ("?access_token=T%C3%A9", 200)])
def test_the_token_of_the_openapi(start: Start, path: str, token: str, status: int) -> None:
    site = start(token="Té")

    assert site.post(path + token, {"events": [{"event": "c_a"}], "event": "c_a"}).status_code == status
    assert site.get("/v1/customerevents" + token).status_code == status


def test_a_token_can_be_had_and_is_in_no_list(start: Start) -> None:
    site = start(token="T")
    answer = site.get("/security/accesstoken?grant_type=client_credentials&appid=a&secret=s").json()

    assert answer == {"error_code": 0, "access_token": "T", "expires_in": 7200}
    site.post("/v1/collector/pushevent?access_token=T", {"event": "c_a"})
    assert site.get("/events/good").json()[0]["request"] == "POST /v1/collector/pushevent"


def test_without_a_token_none_is_asked_for(site: Site) -> None:
    assert site.post("/v1/collector/pushevent?access_token=any", {"event": "c_a"}).status_code == 200


def listed(site: Site, query: str) -> list[int]:
    return [item["id"] for item in site.get("/v1/customerevents" + query).json()]


QUERIES = [
    ("", [1, 2, 3, 4]),
    ("?event=c_a", [1, 3]),
    ("?event=c_a,c_b", [1, 2, 3]),
    ("?idFrom=2", [2, 3, 4]),
    ("?idFrom=2&idTo=3", [2, 3]),
    ("?max=2", [1, 2]),
    ("?sord=desc&max=2", [4, 3]),
    ("?sidx=date", [3, 2, 1, 4]),
    ("?sidx=date&sord=desc", [4, 1, 2, 3]),
    ("?sidx=lastUpdated", [1, 2, 3, 4]),
    ("?customerId=applet-wechat:o1", [1, 3]),
    ("?customerId=:e", [2]),
    ("?customerId=nobody", []),
    ("?lastUpdatedFrom=2026-03-05T12:00:00Z", [1, 2, 3, 4]),
    ("?lastUpdatedFrom=2026-03-05T12:00:00.001Z", []),
    ("?lastUpdatedTo=2026-03-05T12:00:00Z", [1, 2, 3, 4]),
    ("?lastUpdatedTo=2026-03-05T11:59:59.999Z", []),
    ("?partition=202603", [1, 2, 3]),
    ("?partition=202602", []),
    ("?partition=2026", [1, 2, 3, 4]),
    ("?event=c_a'%20OR%201=1--", []),
]


@pytest.mark.parametrize(("query", "ids"), QUERIES, ids=[case[0] or "everything" for case in QUERIES])
def test_customer_events(site: Site, query: str, ids: list[int]) -> None:
    site.track(event="c_a", anonymousId="d", date="2026-03-03T00:00:00Z")
    site.track(event="c_b", anonymousId="e", date="2026-03-02T00:00:00Z")
    site.track(
        event="c_a", anonymousId="d", identityType="applet-wechat", identityValue="o1", date="2026-03-01T00:00:00Z"
    )
    site.track(event="c_c", date="2026-04-01T00:00:00Z")

    assert listed(site, query) == ids


def test_a_customer_event(site: Site) -> None:
    site.track(event="c_a", anonymousId="d", date="2026-03-01T08:00:00+08:00", targetId="t")

    assert site.get("/v1/customerevents").json() == [
        {
            "event": "c_a",
            "anonymousId": "d",
            "date": "2026-03-01T00:00:00.000Z",
            "targetId": "t",
            "id": 1,
            "customerId": ":d",
            "lastUpdated": "2026-03-05T12:00:00.000Z",
        }
    ]


@pytest.mark.parametrize(("total", "most"), [(20, ""), (21, ""), (25, "?max=25")])
def test_twenty_customer_events_unless_asked(site: Site, total: int, most: str) -> None:
    site.post("/v1/collector/batchPushEvents", {"events": [{"event": "c_a"}] * total})

    assert len(listed(site, most)) == (25 if most else 20)


def test_a_link_is_registered_looked_up_and_replaced(site: Site) -> None:
    assert site.post("/v1/source/links", {"url": "pages/a?x=春", "code": "p7"}).json() == {"code": "p7"}
    assert site.get("/v1/source/links/p7").json() == {"url": "pages/a?x=春"}
    assert site.post("/v1/source/links", {"url": "pages/b", "code": "p7"}).json() == {"code": "p7"}
    assert site.get("/v1/source/links/p7").json() == {"url": "pages/b"}


def test_a_code_of_the_collectors_own_is_the_same_for_the_same_url(site: Site) -> None:
    first, again, other = (
        site.post("/v1/source/links", {"url": url}).json()["code"] for url in ("pages/a", "pages/a", "pages/b")
    )

    assert first == again != other
    assert len(first) <= 32
    assert site.get("/v1/source/links/" + other).json() == {"url": "pages/b"}


CODES = [
    ("1 character", "a", 200),
    ("32 characters", "a" * 32, 200),
    ("33 characters", "a" * 33, 400),
    ("none", "", 400),
    ("the marks that a code can carry", "!#$&'()*+,/:;=?@-._~", 200),
    ("a space", "a b", 400),
    ("Chinese", "春", 400),
    ("a number", 5, 400),
]


@pytest.mark.parametrize(("code", "status"), [case[1:] for case in CODES], ids=[case[0] for case in CODES])
def test_codes(site: Site, code: Any, status: int) -> None:
    assert site.post("/v1/source/links", {"url": "pages/a", "code": code}).status_code == status


def test_a_code_with_marks_is_found_percent_encoded(site: Site) -> None:
    site.post("/v1/source/links", {"url": "pages/a", "code": "a/b?c"})

    assert site.get("/v1/source/links/a%2Fb%3Fc").json() == {"url": "pages/a"}


def test_the_trend_in_wechats_shape(site: Site) -> None:
    for number, (name, date) in enumerate(
        [
            ("mini_program_open", "2026-02-28T15:59:59.999Z"),  # the last millisecond of 28 February in Shanghai
            ("mini_program_open", "2026-02-28T16:00:00Z"),
            ("mini_program_view", "2026-03-01T01:00:00Z"),
            ("mini_program_view", "2026-03-01T02:00:00Z"),
            ("mini_program_open", "2026-03-01T15:59:59.999Z"),
            ("mini_program_view", "2026-03-01T16:00:00Z"),  # 2 March
        ]
    ):
        site.track(event=name, anonymousId=f"d{min(number, 4)}", date=date)

    assert site.post(TREND, {"begin_date": "20260301", "end_date": "20260301"}).json() == {
        "list": [
            {
                "ref_date": "20260301",
                "session_cnt": 2,
                "visit_pv": 2,
                "visit_uv": 4,
                "visit_uv_new": 4,
                "stay_time_uv": None,
                "stay_time_session": None,
                "visit_depth": 1.0,
            }
        ]
    }


def test_a_day_without_events_in_wechats_shape(site: Site) -> None:
    trend = site.post(TREND, {"begin_date": "20260301", "end_date": "20260301"}).json()["list"][0]

    assert [trend[key] for key in ("session_cnt", "visit_pv", "visit_uv", "visit_uv_new", "visit_depth")] == [0] * 5


TRENDS: list[tuple[Any, int]] = [
    ({"begin_date": "20260301", "end_date": "20260302"}, 61501),
    ({"begin_date": "20260302", "end_date": "20260301"}, 61501),
    ({"begin_date": "2026-03-01", "end_date": "2026-03-01"}, 61500),
    ({"begin_date": "20260230", "end_date": "20260230"}, 61500),
    ({"begin_date": "00010101", "end_date": "00010101"}, 61500),
    ({"begin_date": 20260301, "end_date": 20260301}, 61500),
    ({}, 61500),
    ([], 61500),
    (b"{", 47001),
]


@pytest.mark.parametrize(("body", "code"), TRENDS, ids=[str(case[0])[:50] for case in TRENDS])
def test_errors_in_wechats_shape(site: Site, body: Any, code: int) -> None:
    answer = site.post(TREND, body)

    assert answer.status_code == 200
    assert answer.json()["errcode"] == code
    assert answer.json()["errmsg"]


def test_other_definitions_count_the_same_file_anew(start: Start) -> None:
    site = start("launch", "device")
    site.track(event="mini_program_open", anonymousId="d", date="2026-03-01T00:00:00Z")
    site.track(**VIEW, date="2026-03-01T01:00:00Z")
    assert site.cells() == {"": (1, 1, 1, 1)}

    site = start("timeout=30m", "device", "America/New_York")

    assert site.cells("hour") == {
        "2026-02-28T19:00-05:00": (0, 1, 1, 1),
        "2026-02-28T20:00-05:00": (1, 1, 1, 0),
    }


def test_health(site: Site) -> None:
    assert site.get("/healthz").json() == {"status": "ok"}


def test_a_failing_store_is_a_503_and_nothing_is_stored(site: Site) -> None:
    connection = site.collector.store._connection
    connection.execute("PRAGMA query_only = 1")  # as a disk that has become read-only

    answers = [site.get("/cbe/__utm?event=c_x"), site.post("/v1/collector/pushevent", {"event": "c_x"})]

    connection.execute("PRAGMA query_only = 0")
    assert [answer.status_code for answer in answers] == [503, 503]
    assert "did not take it" in answers[0].json()["reason"]
    assert site.get("/events/all").json()["total"] == 0


def test_a_bug_is_a_500_with_json(site: Site, capsys: pytest.CaptureFixture[str]) -> None:
    def broken(*_: Any, **__: Any) -> Any:
        raise ZeroDivisionError

    site.collector.totals.cells = broken  # type: ignore[method-assign]

    answer = site.get("/monitor/totals")

    assert answer.status_code == 500
    assert answer.json()["success"] is False
    assert "ZeroDivisionError" in capsys.readouterr().err
