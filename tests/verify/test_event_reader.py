"""The reader of stored events: pages behind a cursor, and what it makes of hostile replies."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import httpx
import pytest

from simulator.events import Identity
from simulator.times import parse_instant
from simulator.verify.readers import events
from simulator.verify.readers.events import StoredEvent, TooMany, last_cursor, stored_events
from simulator.verify.readers.fetch import Unreadable

Answer = Callable[[httpx.Request], httpx.Response]
VIEW = {
    "externalId": "run.3.1",
    "event": "mini_program_view",
    "date": "2026-03-01T01:00:00.001Z",
    "anonymousId": "d3",
    "identityType": "applet-wechat",
    "identityValue": "oA",
    "source": "ad",
    "contentName": "spring",
    "targetName": "/pages/a?x=1",
}


def item(number: int, **more: object) -> dict[str, Any]:
    return {"id": number, "event": VIEW, "received": "2026-03-02T00:00:00.000Z", "request": "GET /", **more}


def collector(*items: dict[str, Any]) -> Answer:
    """A collector that knows `max`, `after` and `order`."""

    def answer(request: httpx.Request) -> httpx.Response:
        asked = request.url.params
        some = sorted(items, key=lambda one: one["id"], reverse=asked.get("order") == "newest")
        return httpx.Response(
            200, json=[one for one in some if one["id"] > int(asked.get("after", 0))][: int(asked["max"])]
        )

    return answer


def listed(answer: Answer, **more: Any) -> list[StoredEvent]:
    return list(stored_events("http://c.test", "good", transport=httpx.MockTransport(answer), **more))


def test_an_event_is_read_as_from_a_captured_request() -> None:
    (found,) = listed(collector(item(7, reason="")))

    assert found == StoredEvent(
        cursor=7,
        external_id="run.3.1",
        event="mini_program_view",
        date=parse_instant("2026-03-01T01:00:00.001Z"),
        anonymous_id="d3",
        identities=(Identity("applet-wechat", "oA"),),
        source="ad",
        content="spring",
        page="pages/a",
        received=parse_instant("2026-03-02T00:00:00Z"),
        reason="",
    )


def test_page_after_page_is_read_to_the_end(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(events, "PAGE", 2)

    assert [one.cursor for one in listed(collector(*map(item, (1, 2, 4, 8, 9))))] == [1, 2, 4, 8, 9]
    assert [one.cursor for one in listed(collector(*map(item, (1, 2, 4, 8))), after=2)] == [4, 8]


def test_values_that_are_no_text_count_as_missing() -> None:
    (found,) = listed(collector(item(1, event={"event": 5, "date": None, "source": ["x"]}, received=12)))

    assert (found.event, found.date, found.source, found.received) == ("", None, "", None)


@pytest.mark.parametrize(
    ("reply", "error"),
    [
        ({"status_code": 404}, "status 404"),
        ({"text": "<html>"}, "/events/good: not JSON: '<html>'"),
        ({"json": {"events": []}}, "no list of events"),
        ({"json": [1]}, "no list of events"),
        ({"json": [{"id": 1}]}, 'without an object "event"'),
        ({"json": [{"id": "1", "event": {}}]}, "no whole number: '1'"),
        ({"json": [{"id": True, "event": {}}]}, "no whole number"),
        ({"json": [{"id": 5, "event": {}}, {"id": 5, "event": {}}]}, "does not go on behind its cursor: 5 after 5"),
    ],
    ids=["not there", "no JSON", "an object", "numbers", "no event", "text for an id", "bool", "stands still"],
)  # fmt: skip
def test_an_unusable_reply_is_an_error_with_its_reason(reply: dict[str, Any], error: str) -> None:
    with pytest.raises(Unreadable, match=error.replace("(", r"\(")):
        listed(lambda _: httpx.Response(**{"status_code": 200, **reply}))


def test_a_collector_without_ids_can_be_read_as_far_as_one_reply_goes(monkeypatch: pytest.MonkeyPatch) -> None:
    bare = json.dumps([{"event": VIEW}, {"event": VIEW}])

    assert [one.cursor for one in listed(lambda _: httpx.Response(200, text=bare))] == [1, 2]
    monkeypatch.setattr(events, "PAGE", 2)
    with pytest.raises(Unreadable, match="no id to go on from"):
        listed(lambda _: httpx.Response(200, text=bare))


def test_more_events_than_the_limit_are_refused() -> None:
    assert len(listed(collector(item(1), item(2)), limit=2)) == 2
    with pytest.raises(TooMany, match="more than 2 events"):
        listed(collector(item(1), item(2), item(3)), limit=2)


def test_the_token_is_sent_and_never_told() -> None:
    asked: list[str] = []

    def answer(request: httpx.Request) -> httpx.Response:
        asked.append(request.url.params["access_token"])
        raise httpx.ConnectError(f"no way to {request.url}")

    with pytest.raises(Unreadable) as failed:
        listed(answer, access_token="secret")

    assert asked == ["secret"]
    assert "secret" not in str(failed.value)


@pytest.mark.parametrize(
    ("answer", "cursor"),
    [
        (collector(), 0),
        (collector(item(7)), 7),
        (collector(item(7), item(9), item(12)), 12),
        (lambda request: collector(item(7), item(9))(_without_order(request)), 9),
        (lambda request: httpx.Response(400) if "order" in request.url.params else collector(item(7))(request), 7),
    ],
    ids=["empty", "one", "told at once", "order is passed over", "order is refused"],
)
def test_the_cursor_behind_everything(answer: Answer, cursor: int) -> None:
    assert last_cursor("http://c.test", "good", transport=httpx.MockTransport(answer)) == cursor


def _without_order(request: httpx.Request) -> httpx.Request:
    return httpx.Request("GET", request.url.copy_remove_param("order"))
