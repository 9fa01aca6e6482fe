"""When a batch leaves, what is in it, and what its reply says of its events."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import pytest

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


def test_one_event_a_request_waits_for_nothing() -> None:
    assert sizes(sent_by(posthog(single=True), numbered(launch(), view(1)))) == [(0, 1), (1, 1)]


def test_a_number_of_an_event_is_that_of_the_plan() -> None:
    events = numbered(launch(), view(1), happening(Kind.TAP, 2), view(3), happening(Kind.HIDE, 4))
    numbers = [record.number for request in sent_by(posthog(), events) for record in request.records]

    assert numbers == [0, 1, 3, 4]


@pytest.mark.parametrize("name", ["ga4", "growingio", "segment"])
def test_more_than_a_collector_takes_is_an_error(name: str) -> None:
    from simulator.errors import UsageError

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
