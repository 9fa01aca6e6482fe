"""When a batch leaves, what is in it, and what its reply says of its events."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import pytest

from simulator.errors import UsageError
from simulator.events import Call, Delivery, Kind
from simulator.times import Ms
from simulator.wire.request import Answer, Evidence, Outcome, Purpose, Request, outcomes_of
from tests.wire.tracker_words import own, sent_by
from tests.wire.wire_builders import NOON, happening, launch, numbered, track, view


def posthog(**options: Any) -> Any:
    return own("posthog", **{"batch": 3, "every": "10s", **options})


def sizes(requests: list[Request]) -> list[tuple[float, int]]:
    """(seconds after NOON, events) of each request."""
    return [((request.leaves - NOON) / 1000, len(request.records)) for request in requests]


def test_a_full_batch_leaves_with_the_event_that_fills_it() -> None:
    assert sizes(sent_by(posthog(), numbered(launch(), view(1), view(2), view(3)))) == [(2, 3), (13, 1)]


def test_a_batch_leaves_when_its_time_is_up_and_not_before() -> None:
    first = numbered(launch(), view(9.999), view(20))
    exact = numbered(launch(), view(10), view(20))

    assert sizes(sent_by(posthog(), first)) == [(10, 2), (30, 1)]
    assert sizes(sent_by(posthog(), exact)) == [(10, 1), (20, 1), (30, 1)]  # 10 s after the first: without the view


def test_hiding_sends_everything_with_the_hide_itself() -> None:
    assert sizes(sent_by(posthog(), numbered(launch(), happening(Kind.HIDE, 1), launch(60)))) == [(1, 2), (70, 1)]


def test_what_is_lost_is_in_no_batch_and_one_that_holds_nothing_else_is_none() -> None:
    lost = Delivery(NOON, lost=True)
    events = numbered(launch(), view(1, delivery=lost), view(2, page="pages/b"), happening(Kind.HIDE, 3))
    (request,) = sent_by(posthog(batch=9), events)

    assert [record.number for record in request.records] == [0, 2, 3]
    assert sent_by(posthog(batch=9), numbered(launch(delivery=lost), view(1, delivery=lost))) == []


def test_a_batch_leaves_when_the_last_of_its_events_may_and_is_repeated_as_a_whole() -> None:
    late = Delivery(Ms(NOON + 60_000), duplicates=2)
    events = numbered(
        launch(), view(1, delivery=late), track(Call("c_a", callback=True), 2, delivery=Delivery(NOON, retries=3))
    )
    (request,) = sent_by(posthog(), events)

    assert (request.leaves, request.duplicates, request.retries, request.waits) == (NOON + 60_000, 2, 3, True)


def test_visitors_and_the_earlier_visit_never_share_a_request() -> None:
    events = numbered(
        launch(setup=True), launch(1), view(2), replace(launch(3), visitor=1), replace(view(4), visitor=1)
    )
    requests = sent_by(posthog(batch=9), events)

    assert [(one.visitor, one.purpose, len(one.records)) for one in requests] == [
        (0, Purpose.SETUP, 1),
        (0, Purpose.EVENT, 2),
        (1, Purpose.EVENT, 2),
    ]
    assert all(record.setup == (one.purpose is Purpose.SETUP) for one in requests for record in one.records)


def test_a_batch_of_segment_stays_below_its_bytes() -> None:
    big = Call("c_big", params=(("text", "中" * 10_000),))  # 30 kB each
    events = numbered(launch(), *[track(big, second / 10) for second in range(1, 60)])
    requests = sent_by(own("segment", batch=2_500), events)

    assert sum(len(request.records) for request in requests) == 60
    assert all(len(request.body) <= 500_000 for request in requests)
    assert max(len(request.body) for request in requests) > 450_000


def sized(bytes_: int) -> Call:
    return Call("c_big", params=(("text", "v" * bytes_),))


def test_an_event_that_segment_would_refuse_is_not_sent_and_one_at_the_limit_is() -> None:
    of = own("segment")
    (plain,) = json.loads(sent_by(of, numbered(track(sized(0))))[0].body)["batch"]
    room = 32_000 - len(json.dumps(plain, ensure_ascii=False, separators=(",", ":")).encode())
    (request,) = sent_by(of, numbered(launch(), track(sized(room), 1), track(sized(room + 1), 2), view(3)))
    batch = json.loads(request.body)["batch"]

    assert [one.get("event", one["type"]) for one in batch] == ["Application Opened", "c_big", "screen"]
    assert [record.number for record in request.records] == [0, 1, 3]


def test_a_body_of_snowplow_stays_below_what_its_collector_takes() -> None:
    schema = "iglu:com.acme/custom/jsonschema/1-0-0"
    events = numbered(launch(), *[track(sized(60_000), second / 1000) for second in range(1, 60)])
    requests = sent_by(own("snowplow", batch=10_000, every="1h", schema_of_custom=schema), events)
    many = sent_by(
        own("snowplow", batch=10_000, every="1h"), numbered(launch(), *[view(s / 1000) for s in range(1, 4_000)])
    )

    assert sum(len(request.records) for request in requests) == 60
    for sent in (requests, many):
        assert all(len(request.body) <= 1_000_000 for request in sent)
        assert max(len(request.body) for request in sent) > 900_000


def test_an_event_that_fits_into_no_body_of_snowplow_is_not_sent() -> None:
    schema = "iglu:com.acme/custom/jsonschema/1-0-0"
    events = numbered(launch(), track(sized(1_000_000), 1), view(2))
    (request,) = sent_by(own("snowplow", schema_of_custom=schema), events)

    assert [record.number for record in request.records] == [0, 2]


def test_a_request_of_sensors_has_at_most_a_hundred_records() -> None:
    events = numbered(launch(), *[track(Call("c_x"), second / 1000) for second in range(1, 300)])
    requests = sent_by(own("sensors", batch=100, every="1h"), events)

    # Three automatic ones with the launch, and its view is none of them.
    assert [len(request.records) for request in requests] == [100, 100, 100, 2]


@pytest.mark.parametrize("name", ["sensors", "matomo", "posthog"])
@pytest.mark.parametrize("option", [{"batch": 50}, {"every": "3s"}])
def test_a_queue_where_each_event_leaves_alone_is_an_error(name: str, option: dict[str, Any]) -> None:
    (key,) = option

    with pytest.raises(UsageError, match=f"the adapter {name}: {key}: with single each event leaves alone"):
        own(name, single=True, **option)
    own(name, single=False, **option)


def test_gzip_where_sensors_sends_no_form_is_an_error() -> None:
    with pytest.raises(UsageError, match="the adapter sensors: gzip: with single "):
        own("sensors", single=True, gzip=True)


def test_one_event_a_request_waits_for_nothing() -> None:
    assert sizes(sent_by(own("posthog", single=True), numbered(launch(), view(1)))) == [(0, 1), (1, 1)]


def test_a_number_of_an_event_is_that_of_the_plan() -> None:
    events = numbered(launch(), view(1), happening(Kind.TAP, 2), view(3), happening(Kind.HIDE, 4))
    numbers = [record.number for request in sent_by(posthog(), events) for record in request.records]

    assert numbers == [0, 1, 3, 4]


@pytest.mark.parametrize("name", ["ga4", "growingio", "segment", "sensors"])
def test_more_than_a_collector_takes_is_an_error(name: str) -> None:
    with pytest.raises(UsageError, match=f"the adapter {name}: batch: Input should be less than or equal to"):
        own(name, batch=2_501)


# ---- what a reply says --------------------------------------------------------------------------------------------

MATOMO_REPLIES: list[tuple[int, object, Outcome]] = [
    (200, {"status": "success", "tracked": 3, "invalid": 0}, Outcome.ACKED),
    (200, {"status": "success", "tracked": 0, "invalid": 3}, Outcome.REFUSED),
    (200, {"status": "success", "tracked": 2, "invalid": 1}, Outcome.UNKNOWN),
    (200, {"status": "error", "tracked": 0}, Outcome.UNKNOWN),
    (204, None, Outcome.ACKED),
    (400, {"status": "success", "tracked": 3, "invalid": 0}, Outcome.REFUSED),
    (500, None, Outcome.UNKNOWN),
]


@pytest.mark.parametrize(("status", "body", "outcome"), MATOMO_REPLIES)
def test_matomo_counts_what_it_tracked(status: int, body: object, outcome: Outcome) -> None:
    from simulator.contract import Replies
    from simulator.wire.registry import make_adapter
    from tests.wire.wire_builders import OPTIONS

    of = make_adapter("matomo", replace(OPTIONS, replies=Replies(acked=(200, 204))))
    text = b"" if body is None else json.dumps(body).encode()

    assert of.outcome(Answer(Evidence.REPLY, status, text)) is outcome


def test_matomo_tells_each_hit_only_where_places_and_counts_agree() -> None:
    def told(**reply: object) -> object:
        body = json.dumps({"status": "success", "tracked": 2, "invalid": 1, **reply}).encode()
        return outcomes_of(own("matomo"))(3, Answer(Evidence.REPLY, 200, body))  # type: ignore[misc]

    assert told(invalid_indices=[1]) == [Outcome.ACKED, Outcome.REFUSED, Outcome.ACKED]
    for unclear in ([], [0, 1], [3], ["1"], None, {"1": 1}):
        assert told(invalid_indices=unclear) is None
    assert told(invalid_indices=[1], tracked=5) is None
    assert told(invalid_indices=[1], status="error") is None


def test_a_gif_is_an_ack_and_a_torn_bulk_reply_is_unknown() -> None:
    of = own("matomo")

    assert of.outcome(Answer(Evidence.REPLY, 200, b"GIF89a")) is Outcome.ACKED
    assert of.outcome(Answer(Evidence.REPLY, 200, b'{"status":"succ')) is Outcome.UNKNOWN
    assert of.outcome(Answer(Evidence.TIMEOUT)) is Outcome.UNKNOWN
    assert of.outcome(Answer(Evidence.NO_CONNECTION)) is Outcome.REFUSED
