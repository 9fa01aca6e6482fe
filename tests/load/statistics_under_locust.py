"""What Locust and its users' listeners are told of an attempt, held against Locust's own counting.

Importing Locust replaces sockets and threads, so test_statistics.py runs these in a process of their own.
"""

from __future__ import annotations

from collections import Counter
from types import SimpleNamespace
from typing import Any

from locust.stats import RequestStats  # first: it replaces sockets and threads for everything that follows

# isort: split

import gevent
import pytest
from hypothesis import given
from hypothesis import strategies as st

from simulator.load.statistics import LocustStatistics, row_name
from simulator.load.walk import Walk
from simulator.times import Ms
from simulator.wire.request import Action, Answer, Evidence, Outcome, Purpose, Record, Request

INTENDED, SENT, DONE = 1_000_000_000, 1_400_000_000, 1_500_000_000  # late by 400 ms, served in 100 ms


def record(event: str) -> Record:
    return Record(7, 0, "", Action.VIEW, event, None, "", ())


def request(*events: str, purpose: Purpose = Purpose.EVENT) -> Request:
    return Request(7, 0, purpose, Ms(0), "GET", "/u?event=x", (), b"", tuple(map(record, events)))


class Hook:
    """Locust's EventHook, as far as it is used."""

    def __init__(self, *handlers: Any) -> None:
        self._handlers = list(handlers)
        self.fired: list[dict[str, Any]] = []

    def fire(self, **facts: Any) -> None:
        self.fired.append(facts)


def of_locust() -> None:
    """Stands for Locust's own listener."""


def of_a_user() -> None:
    """Stands for a listener that a user added."""


of_locust.__module__ = "locust.runners"


def tell(
    hook: Hook, answer: Answer, outcome: Outcome, purpose: Purpose = Purpose.EVENT, times: int = 1
) -> RequestStats:
    numbers = RequestStats()
    walk = Walk(7, (request("mini_program_view", purpose=purpose),))
    walk.intended_ns = INTENDED
    statistics = LocustStatistics(SimpleNamespace(events=SimpleNamespace(request=hook), stats=numbers))
    for _ in range(times):
        statistics(walk, answer, outcome, SENT, DONE)
    statistics.flush()
    return numbers


def test_the_response_time_counts_from_the_intended_instant() -> None:
    numbers = tell(Hook(of_locust), Answer(Evidence.REPLY, 200, b"ok"), Outcome.ACKED)
    entry = numbers.entries["mini_program_view", "GET"]

    assert (entry.num_requests, entry.total_response_time, entry.total_content_length) == (1, 500.0, 2)


@given(st.lists(st.tuples(st.integers(0, 5_000_000), st.integers(0, 3_000), st.booleans()), min_size=1, max_size=60))
def test_numbers_told_together_are_those_told_one_by_one(attempts: list[tuple[int, int, bool]]) -> None:
    """Each attempt: so many µs, ended so many ms after the last, and whether it was acked."""
    together, alone = RequestStats(), RequestStats()
    hook = SimpleNamespace(request=Hook(of_locust))
    statistics = LocustStatistics(SimpleNamespace(events=hook, stats=together))
    done, answer = 10**15, Answer(Evidence.REPLY, 200, b"ok")
    seconds: Counter[int] = Counter()
    for micros, later_ms, acked in attempts:
        done += later_ms * 1_000_000
        walk = Walk(7, (request("mini_program_view"),))
        walk.intended_ns = done - micros * 1_000
        statistics(walk, answer, Outcome.ACKED if acked else Outcome.UNKNOWN, done, done)
        alone.log_request("GET", "mini_program_view", micros / 1_000, 2)
        seconds[done // 10**9] += 1
        if not acked:
            alone.log_error("GET", "mini_program_view", "unknown: HTTP 200")
    statistics.flush()

    for told, plain in (
        (together.total, alone.total),
        (together.entries["mini_program_view", "GET"], alone.entries["mini_program_view", "GET"]),
    ):
        for name in ("num_requests", "num_failures", "min_response_time", "max_response_time", "total_content_length"):
            assert getattr(told, name) == getattr(plain, name), name
        assert dict(told.response_times) == dict(plain.response_times)
        assert told.total_response_time == pytest.approx(plain.total_response_time)
        assert dict(told.num_reqs_per_sec) == dict(seconds)
        assert told.last_request_timestamp == done / 1e9
    assert {key: one.occurrences for key, one in together.errors.items()} == {
        key: one.occurrences for key, one in alone.errors.items()
    }


def test_what_waits_is_told_by_itself_after_a_while() -> None:
    numbers = RequestStats()
    walk = Walk(7, (request("mini_program_view"),))
    hook = SimpleNamespace(request=Hook(of_locust))
    LocustStatistics(SimpleNamespace(events=hook, stats=numbers))(
        walk, Answer(Evidence.REPLY, 200), Outcome.ACKED, SENT, DONE
    )
    with gevent.Timeout(10):
        while not numbers.num_requests:
            gevent.sleep(0.01)

    assert numbers.num_requests == 1


TROUBLES = [
    (Answer(Evidence.REPLY, 503), Outcome.UNKNOWN, "unknown: HTTP 503"),
    (Answer(Evidence.REPLY, 200, b"no"), Outcome.REFUSED, "refused: HTTP 200"),
    (Answer(Evidence.NO_CONNECTION), Outcome.REFUSED, "refused: no connection"),
    (Answer(Evidence.TIMEOUT), Outcome.UNKNOWN, "unknown: timeout"),
]


@pytest.mark.parametrize(("answer", "outcome", "text"), TROUBLES, ids=[t[2] for t in TROUBLES])
def test_what_is_not_acked_is_a_failure_with_its_reason(answer: Answer, outcome: Outcome, text: str) -> None:
    numbers = tell(Hook(of_locust), answer, outcome)

    assert [(one.method, one.name, one.error, one.occurrences) for one in numbers.errors.values()] == [
        ("GET", "mini_program_view", text, 1)
    ]


@pytest.mark.parametrize(
    "handlers", [(of_locust, of_a_user), (of_a_user,), ()], ids=["beside Locust's", "instead of Locust's", "none"]
)
def test_listeners_of_users_get_every_event(handlers: tuple[Any, ...]) -> None:
    hook = Hook(*handlers)
    numbers = tell(hook, Answer(Evidence.TIMEOUT), Outcome.UNKNOWN)

    assert numbers.num_requests == 0
    assert hook.fired == [
        {
            "request_type": "GET",
            "name": "mini_program_view",
            "response_time": 500.0,
            "response_length": 0,
            "exception": "unknown: timeout",
            "context": {},
            "start_time": 1.4,
            "url": "/u?event=x",
            "response": None,
        }
    ]


NAMES = [
    ("an event", request("c_add_to_cart"), "c_add_to_cart"),
    ("a malformed one without a name", request(""), "(no event)"),
    ("several in one request", request("a", "b"), "batch"),
    ("none", request(), "request"),
]


@pytest.mark.parametrize(("asked", "name"), [n[1:] for n in NAMES], ids=[n[0] for n in NAMES])
def test_rows_are_named_for_the_event_and_never_for_the_url(asked: Request, name: str) -> None:
    assert row_name(asked) == name


@pytest.mark.parametrize("purpose", [Purpose.SETUP, Purpose.LOOKUP], ids=["earlier visit", "lookup"])
def test_what_is_no_part_of_the_load_is_in_no_statistics(purpose: Purpose) -> None:
    hook = Hook(lambda **_: None, lambda **_: None)
    numbers = tell(hook, Answer(Evidence.REPLY, 200), Outcome.ACKED, purpose)

    assert (numbers.num_requests, hook.fired) == (0, [])
