"""Events of one request with one instant: in any order, or as they stand, as the contract promises."""

from __future__ import annotations

from dataclasses import replace

import pytest

from simulator.contract import Contract, Definitions, Opens
from simulator.finding import Interval
from simulator.times import Ms
from simulator.verify.oracle import Oracle
from simulator.verify.sighting import Sighting
from simulator.verify.storing import is_settled
from simulator.wire.request import Action
from tests.verify.histories import MIDNIGHT, P, happened

END = Ms(MIDNIGHT + 86_400_000)


def rules(order: str) -> Contract:
    timeout = Definitions(Opens("timeout", Ms(30 * 60_000)), "device")
    return Contract(definitions=timeout, batch_order=order)  # type: ignore[arg-type]


def opens(rows: list[Sighting], order: str) -> Interval | None:
    oracle = Oracle(rules(order), MIDNIGHT, END)
    oracle.add_block(rows)
    return oracle.finish().expected("opens", "all", "")


def batch(*actions: Action, minute: float = 60) -> list[Sighting]:
    """Events of one instant in one request: sent and answered half a minute later."""
    sent = int(MIDNIGHT + (minute + 0.5) * 60_000) * 1_000_000
    made = [
        happened(action, minute, external_id=f"{minute}.{place}", arrived=sent, arrived_by=sent + 5_000)
        for place, action in enumerate(actions)
    ]
    return [replace(one, place=place) for place, one in enumerate(made)]


@pytest.mark.parametrize(
    ("order", "actions", "opened"),
    [
        # A launch always begins an open; what comes before it at the same instant has begun one by the gap already.
        ("kept", (Action.OPEN, Action.CUSTOM), (1, 1)),
        ("kept", (Action.CUSTOM, Action.OPEN), (2, 2)),
        ("any", (Action.OPEN, Action.CUSTOM), (1, 2)),
        ("any", (Action.CUSTOM, Action.OPEN), (1, 2)),
        ("kept", (Action.OPEN, Action.CUSTOM, Action.CUSTOM, Action.VIEW), (1, 1)),
    ],
)
def test_events_of_one_instant(order: str, actions: tuple[Action, ...], opened: tuple[int, int]) -> None:
    rows = batch(*actions)

    assert opens(rows, order) == Interval(*opened)
    assert is_settled(rows, rules(order)) == (order == "kept")


def test_many_batches_are_exact_where_the_order_is_kept() -> None:
    rows = [row for minute in range(60, 660, 60) for row in batch(Action.OPEN, Action.CUSTOM, minute=minute)]

    assert opens(rows, "kept") == Interval(10, 10)


def test_requests_of_two_visitors_are_in_no_order_though_they_have_one_window() -> None:
    one, other = batch(Action.CUSTOM, Action.OPEN)
    apart = [replace(one, place=0), replace(other, record=replace(other.record, visitor=1), place=1)]

    assert opens(apart, "kept") == Interval(1, 2)


def test_an_event_that_may_be_missing_leaves_the_others_in_their_order() -> None:
    first, second = batch(Action.CUSTOM, Action.OPEN)

    assert opens([replace(first, low=P[0], high=P[1]), second], "kept") == Interval(1, 2)
    assert opens([first, replace(second, low=P[0], high=P[1])], "kept") == Interval(1, 2)
