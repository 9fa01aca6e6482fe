"""What Locust and its users' listeners are told of an attempt."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest

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


class Numbers:
    def __init__(self) -> None:
        self.logged: list[tuple[Any, ...]] = []

    def log_request(self, *facts: Any) -> None:
        self.logged.append(facts)

    def log_error(self, *facts: Any) -> None:
        self.logged.append(facts)


def of_locust() -> None:
    """Stands for Locust's own listener."""


def of_a_user() -> None:
    """Stands for a listener that a user added."""


of_locust.__module__ = "locust.runners"


def tell(hook: Hook, answer: Answer, outcome: Outcome, purpose: Purpose = Purpose.EVENT) -> Numbers:
    numbers = Numbers()
    walk = Walk(7, (request("mini_program_view", purpose=purpose),))
    walk.intended_ns = INTENDED
    LocustStatistics(SimpleNamespace(events=SimpleNamespace(request=hook), stats=numbers))(
        walk, answer, outcome, SENT, DONE
    )
    return numbers


def test_the_response_time_counts_from_the_intended_instant() -> None:
    numbers = tell(Hook(of_locust), Answer(Evidence.REPLY, 200, b"ok"), Outcome.ACKED)

    assert numbers.logged == [("GET", "mini_program_view", 500.0, 2)]


TROUBLES = [
    (Answer(Evidence.REPLY, 503), Outcome.UNKNOWN, "unknown: HTTP 503"),
    (Answer(Evidence.REPLY, 200, b"no"), Outcome.REFUSED, "refused: HTTP 200"),
    (Answer(Evidence.NO_CONNECTION), Outcome.REFUSED, "refused: no connection"),
    (Answer(Evidence.TIMEOUT), Outcome.UNKNOWN, "unknown: timeout"),
]


@pytest.mark.parametrize(("answer", "outcome", "text"), TROUBLES, ids=[t[2] for t in TROUBLES])
def test_what_is_not_acked_is_a_failure_with_its_reason(answer: Answer, outcome: Outcome, text: str) -> None:
    numbers = tell(Hook(of_locust), answer, outcome)

    assert numbers.logged[1:] == [("GET", "mini_program_view", text)]


@pytest.mark.parametrize(
    "handlers", [(of_locust, of_a_user), (of_a_user,), ()], ids=["beside Locust's", "instead of Locust's", "none"]
)
def test_listeners_of_users_get_every_event(handlers: tuple[Any, ...]) -> None:
    hook = Hook(*handlers)
    numbers = tell(hook, Answer(Evidence.TIMEOUT), Outcome.UNKNOWN)

    assert numbers.logged == []
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

    assert (numbers.logged, hook.fired) == ([], [])
