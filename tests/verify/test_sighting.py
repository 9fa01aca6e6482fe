"""Attempts of an event → least and most stored copies, and when they may have arrived."""

from __future__ import annotations

import pytest

from simulator.contract import Contract
from simulator.events import Identity
from simulator.ledger.record import Attempt
from simulator.times import DAY, HOUR, MINUTE, Ms
from simulator.verify.oracle import Expectations, Oracle
from simulator.verify.sighting import (
    NEVER,
    AttemptSummary,
    Sighting,
    attempt_summary,
    copies,
    planned_sightings,
    sightings_of,
)
from simulator.verify.storing import stored_rows
from simulator.wire.request import Action, Evidence, Outcome, Purpose, Record, Request
from tests.verify.histories import MIDNIGHT, contract, view

ACKED, REFUSED, UNKNOWN = Outcome.ACKED, Outcome.REFUSED, Outcome.UNKNOWN
NS = 1_000_000


def attempt(
    outcome: Outcome, sent: int, done: int, number: int = 0, request: int = 0, purpose: Purpose = Purpose.EVENT
) -> Attempt:
    """One attempt; instants in ms after midnight, done 0: never."""
    first, last = (MIDNIGHT + sent) * NS, (MIDNIGHT + done) * NS if done else 0
    return Attempt(0, request, number, purpose, first, first, last, outcome, Evidence.REPLY, 200)


def request(record: Record, number: int = 0, duplicates: int = 0) -> Request:
    return Request(0, number, Purpose.EVENT, MIDNIGHT, "GET", "/", (), b"", (record,), duplicates)


def said(external_id: str = "e1", date: Ms | None = MIDNIGHT, **more: object) -> Record:
    return Record(0, 0, external_id, Action.VIEW, "mini_program_view", date, "d", (), **more)  # type: ignore[arg-type]


def seen(record: Record, attempts: list[Attempt], rules: Contract) -> list[Sighting]:
    return sightings_of([request(record)], {(0, 0): attempts}, rules)


@pytest.mark.parametrize(
    ("acked", "unknown", "by_id", "none", "maybe"),
    [
        (0, 0, (0, 0), (0, 0), (0, 0)),
        (1, 0, (1, 1), (1, 1), (1, 1)),
        (0, 1, (0, 1), (0, 1), (0, 1)),
        (1, 1, (1, 1), (1, 2), (1, 2)),
        (2, 0, (1, 1), (2, 2), (1, 2)),
        (0, 3, (0, 1), (0, 3), (0, 3)),
        (2, 1, (1, 1), (2, 3), (1, 3)),
    ],
)
def test_copies(
    acked: int, unknown: int, by_id: tuple[int, int], none: tuple[int, int], maybe: tuple[int, int]
) -> None:
    """k acked and q unknown, by the promise about duplicates: reference/verification-model.md, section 4."""
    assert [copies(acked, unknown, rule) for rule in ("by_id", "by_content", "none", "maybe")] == [
        by_id, by_id, none, maybe,
    ]  # fmt: skip


@pytest.mark.parametrize(("dedupe", "new"), [("none", (3, 3)), ("maybe", (2, 3)), ("by_id", (2, 2))])
def test_by_arrival_a_copy_stands_where_it_came_and_not_beside_the_first(dedupe: str, new: tuple[int, int]) -> None:
    """The first event, the second, and both again.

    Of somebody who is forgotten at once the first is a new user, and the second each time; what is older than the one
    before is not.
    """
    rules = Contract(order="arrival", memory=Ms(0), dedupe=dedupe)  # type: ignore[arg-type]
    requests = [request(said("e1"), 0, 1), request(said("e2", Ms(MIDNIGHT + MINUTE)), 1, 1)]
    attempts = {
        (0, 0): [attempt(ACKED, 0, 5), attempt(ACKED, 20, 25, 1)],
        (0, 1): [attempt(ACKED, 10, 15, 0, 1), attempt(ACKED, 30, 35, 1, 1)],
    }
    oracle = Oracle(rules, MIDNIGHT, Ms(MIDNIGHT + DAY))
    oracle.add_block(sightings_of(requests, attempts, rules))
    found = oracle.finish().expected("new_users", "all", "")

    assert found is not None
    assert (found.low, found.high) == new


@pytest.mark.parametrize(
    ("record", "attempts", "rules", "expected"),
    [
        (said(), [], Contract(), (0, 0)),
        (said(), [attempt(REFUSED, 0, 5)], Contract(), (0, 0)),
        (said(), [attempt(ACKED, 0, 5)], Contract(), (1, 1)),
        (said(), [attempt(UNKNOWN, 0, 0)], Contract(), (0, 1)),
        (said(), [attempt(UNKNOWN, 0, 0), attempt(ACKED, 9, 12, 1)], Contract(), (1, 1)),
        (said(), [attempt(ACKED, 0, 5), attempt(ACKED, 9, 12, 1)], Contract(dedupe="none"), (2, 2)),
        (said(external_id=""), [attempt(ACKED, 0, 5), attempt(ACKED, 9, 12, 1)], Contract(), (1, 1)),
    ],
    ids=[
        "never attempted", "refused", "acked", "unknown", "unknown, then acked", "two copies without a promise",
        "no id but a date: one by content",
    ],
)  # fmt: skip
def test_an_event_and_its_attempts(
    record: Record, attempts: list[Attempt], rules: Contract, expected: tuple[int, int]
) -> None:
    (one,) = seen(record, attempts, rules)

    assert (one.low, one.high) == expected


def test_neither_id_nor_date_makes_each_attempt_a_copy() -> None:
    found = seen(said("", None), [attempt(ACKED, 0, 5), attempt(UNKNOWN, 9, 0, 1)], Contract(time="arrival"))

    assert [(one.low, one.high) for one in found] == [(1, 1), (0, 1)]
    assert [one.latest for one in found] == [MIDNIGHT + 5, NEVER]


def test_an_arrival_window_reaches_over_the_clock_bound() -> None:
    (one,) = seen(said(), [attempt(ACKED, 10, 20)], Contract(time="arrival", clock_bound=Ms(3)))

    assert (one.earliest, one.latest, one.dated) == (MIDNIGHT + 7, MIDNIGHT + 23, False)


def test_the_first_stored_copy_came_no_later_than_the_first_reply() -> None:
    attempts = [attempt(UNKNOWN, 10, 500), attempt(ACKED, 600, 620, 1), attempt(ACKED, 700, 720, 2)]
    (one,) = seen(said(), attempts, Contract())

    assert (one.arrived, one.arrived_by) == ((MIDNIGHT + 10) * NS, (MIDNIGHT + 620) * NS)


@pytest.mark.parametrize(
    ("late", "expected"),
    [(HOUR - 1, (1, 1)), (HOUR, (1, 1)), (HOUR + 1, (0, 0))],
    ids=["younger than the limit", "exactly as old", "one millisecond older"],
)
def test_events_over_the_age_limit_are_not_stored(late: int, expected: tuple[int, int]) -> None:
    (one,) = seen(said(), [attempt(ACKED, late, late)], Contract(max_age=HOUR))

    assert (one.low, one.high) == expected


def test_an_event_that_reaches_the_age_limit_under_way_may_be_stored() -> None:
    (one,) = seen(said(), [attempt(ACKED, HOUR - 5, HOUR + 5)], Contract(max_age=HOUR))

    assert (one.low, one.high) == (0, 1)


def test_age_by_the_clock_of_the_device() -> None:
    rules = Contract(max_age=Ms(3 * DAY), age="device")

    assert [seen(said(waited=Ms(3 * DAY + more)), [attempt(ACKED, 0, 1)], rules)[0].high for more in (-1, 0, 1)] == [
        1,
        1,
        0,
    ]


def test_a_plan_counts_planned_duplicates_and_no_retries() -> None:
    twice = [request(said(), 0, duplicates=2)]

    assert [planned_sightings(twice, rules, MIDNIGHT)[0].high for rules in (Contract(), Contract(dedupe="none"))] == [
        1,
        3,
    ]


def test_attempts_are_summed_by_outcome_without_lookups_and_earlier_visits() -> None:
    attempts = [
        attempt(ACKED, 0, 1),
        attempt(REFUSED, 0, 1),
        attempt(UNKNOWN, 0, 0),
        attempt(UNKNOWN, 0, 0, purpose=Purpose.SETUP),
        attempt(ACKED, 0, 1, purpose=Purpose.LOOKUP),
    ]

    assert attempt_summary(attempts) == AttemptSummary(3, 1, 1, 1)
    assert attempt_summary(attempts).failed == 2


# ---- copies of each other -----------------------------------------------------------------------------------------


def by_content(source: str, arrived: int, low: int = 1, arrived_by: int | None = None) -> Sighting:
    return view(0, (low, 1), source=source, arrived=arrived, arrived_by=arrived_by)


@pytest.mark.parametrize(
    ("history", "expected"),
    [
        ([by_content("a", 10), by_content("b", 20)], {"a": (1, 1)}),
        ([by_content("a", 10, low=0), by_content("b", 20)], {"a": (0, 1), "b": (0, 1)}),
        ([by_content("a", 10), by_content("b", 20, low=0)], {"a": (1, 1)}),
        ([by_content("a", 10, arrived_by=30), by_content("b", 20)], {"a": (0, 1), "b": (0, 1)}),
    ],
    ids=["the first stored wins", "the first may be absent", "the second cannot win", "nobody knows which came first"],
)
def test_equal_contents_are_one_event(history: list[Sighting], expected: dict[str, tuple[int, int]]) -> None:
    rows = stored_rows(history, Contract())

    assert {row.record.source: (row.low, row.high) for row in rows} == expected


def test_contents_differ_by_name_instant_and_device() -> None:
    history = [view(0), view(0, device="e"), view(1), view(0, device="", openid="X"), view(0, device="", openid="Y")]

    assert len(stored_rows(history, Contract())) == 5


# ---- wires without time or ids ------------------------------------------------------------------------------------


def arrival_oracle(attempts: list[Attempt], records: list[Record], opens: str = "launch") -> Expectations:
    rules = contract(opens, time="arrival")
    requests = [request(record, number) for number, record in enumerate(records)]
    by_request = {(0, number): [one] for number, one in enumerate(attempts)}
    oracle = Oracle(rules, MIDNIGHT, Ms(MIDNIGHT + DAY), carries_anonymous_id=False)
    oracle.add_block(sightings_of(requests, by_request, rules))
    return oracle.finish()


def test_a_request_over_the_full_hour_may_count_in_either() -> None:
    hour = 3_600_000
    found = arrival_oracle([attempt(ACKED, hour - 5, hour + 5), attempt(ACKED, 10, 20)], [said("", None)] * 2)

    assert found.cells("pv", "hour") == ("2026-03-01T00:00+08:00", "2026-03-01T01:00+08:00")
    assert [str(found.expected("pv", "hour", cell)) for cell in found.cells("pv", "hour")] == ["1..2", "0..1"]
    assert str(found.expected("pv", "all", "")) == "2"


def test_an_unknown_request_may_count_in_every_later_hour_of_the_period() -> None:
    found = arrival_oracle([attempt(UNKNOWN, 22 * 3_600_000 + 5, 0)], [said("", None)])

    assert found.cells("pv", "hour") == ("2026-03-01T22:00+08:00", "2026-03-01T23:00+08:00")
    assert str(found.expected("pv", "all", "")) == "0..1"


def test_anonymous_visitors_without_an_id_cannot_be_told_apart() -> None:
    identified = Record(0, 0, "", Action.VIEW, "open_page", None, "", (Identity("applet-wechat", "X"),), source="ad")
    anonymous = Record(0, 0, "", Action.VIEW, "open_page", None, "", (), source="share")
    found = arrival_oracle([attempt(ACKED, 10, 20), attempt(ACKED, 30, 40)], [anonymous, identified])

    assert found.expected("uv", "all", "") is None
    assert found.expected("uv", "source", "share") is None
    assert str(found.expected("uv", "source", "ad")) == "1"
    assert found.expected("new_users", "source", "ad") is None
    assert "told apart" in found.why("uv", "all", "")


def test_gaps_without_devices_cannot_be_known() -> None:
    record = Record(0, 0, "", Action.VIEW, "open_page", None, "", ())
    found = arrival_oracle([attempt(ACKED, 10, 20)], [record], opens="timeout=30m")

    assert found.expected("opens", "all", "") is None
    assert "gaps" in found.why("opens", "all", "")


@pytest.mark.parametrize(
    ("sent", "done", "opens"),
    [
        (30 * MINUTE - 20, 30 * MINUTE, "1"),
        (30 * MINUTE - 20, 30 * MINUTE + 1, "1..2"),
        (30 * MINUTE + 9, 30 * MINUTE + 15, "1..2"),
        (30 * MINUTE + 11, 30 * MINUTE + 15, "2"),
    ],
    ids=["at most the timeout", "may be a millisecond longer", "may be shorter", "surely longer"],
)
def test_a_gap_between_arrivals_is_a_range(sent: int, done: int, opens: str) -> None:
    """The first request takes 10 ms, so the gap is between sent - 10 and done."""
    rules = contract("timeout=30m", time="arrival")
    records = [said("", None), said("", None)]
    attempts = {(0, 0): [attempt(ACKED, 0, 10)], (0, 1): [attempt(ACKED, sent, done, request=1)]}
    oracle = Oracle(rules, MIDNIGHT, Ms(MIDNIGHT + DAY))
    oracle.add_block(sightings_of([request(one, number) for number, one in enumerate(records)], attempts, rules))

    assert str(oracle.finish().expected("opens", "all", "")) == opens


def test_a_plan_for_a_wire_without_time_knows_totals_and_no_hours() -> None:
    rules = contract(time="arrival")
    oracle = Oracle(rules, MIDNIGHT, Ms(MIDNIGHT + DAY), planned=True)
    oracle.add_block(planned_sightings([request(said("", None))], rules, MIDNIGHT))
    found = oracle.finish()

    assert str(found.expected("pv", "all", "")) == "1"
    assert found.expected("pv", "hour", "2026-03-01T00:00+08:00") is None
    assert [key for key, interval, _ in found if interval is None] == [
        ("pv", "hour", ""), ("pv", "day", ""), ("uv", "hour", ""), ("uv", "day", ""), ("opens", "hour", ""),
        ("opens", "day", ""), ("new_users", "source", ""), ("new_users", "content", ""), ("new_users", "hour", ""),
        ("new_users", "day", ""),
    ]  # fmt: skip
