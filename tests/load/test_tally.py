"""Counting a run: outcomes by purpose, lateness, failed lookups, when to give up."""

from __future__ import annotations

import pytest

from simulator.load.numbers import told_by
from simulator.load.tally import AbortWatch, Tally, Tried
from simulator.load.walk import Walk
from simulator.scenario.slo import parse_abort
from simulator.times import Ms
from simulator.traffic.links import wrong_lookup
from simulator.wire.request import Answer, Evidence, Outcome, Purpose, Request

SECOND = 1_000_000_000
LINK = "pages/index/index?cl_sr=poster"


def walk(purpose: Purpose = Purpose.EVENT, visitor: int = 7) -> Walk:
    return Walk(visitor, (Request(visitor, 0, purpose, Ms(0), "GET", "/", (), b"", (), expects=LINK),))


def test_only_judged_events_are_attempts() -> None:
    tally = Tally()
    tally.note(walk(), Outcome.ACKED, 10, 20)
    tally.note(walk(), Outcome.UNKNOWN, 30, 40)
    tally.note(walk(Purpose.SETUP), Outcome.REFUSED, 1, 2)
    tally.note(walk(Purpose.LOOKUP), Outcome.ACKED, 50, 60)

    assert (tally.sent, tally.failed, tally.setup[Outcome.REFUSED], tally.lookups) == (2, 1, 1, 1)
    assert (tally.first_sent_ns, tally.last_done_ns) == (10, 40)


def test_earlier_visits_count_where_it_is_asked_whether_the_collector_is_down() -> None:
    tally = Tally()
    tally.note(walk(), Outcome.ACKED, 10, 20)
    tally.note(walk(Purpose.SETUP), Outcome.REFUSED, 1, 2)
    tally.note(walk(Purpose.SETUP), Outcome.ACKED, 1, 2)

    assert tried(tally) == Tried(sent=3, failed=1)


@pytest.mark.parametrize(
    ("late_ns", "punctual"),
    [(SECOND - 1000, 1), (SECOND, 1), (SECOND + 1000, 0)],
    ids=["a microsecond less than a second", "a second", "a microsecond more"],
)
def test_a_visitor_is_punctual_within_a_second(late_ns: int, punctual: int) -> None:
    tally = Tally()
    tally.start(late_ns, 5)

    assert (tally.started, tally.punctual, tally.late.largest) == (1, punctual, late_ns // 1000)


def test_a_few_failed_lookups_are_kept_and_all_are_counted() -> None:
    tally = Tally()
    for visitor in range(100):
        tally.note_failed_lookup(walk(Purpose.LOOKUP, visitor), "HTTP 404")

    assert tally.lookups_failed == 100
    assert [one.visitor for one in tally.failed_lookups] == [0, 1, 2, 3, 4]
    assert (tally.failed_lookups[0].expected, tally.failed_lookups[0].why) == (LINK, "HTTP 404")


LOOKUPS = [
    ("the registered URL", Answer(Evidence.REPLY, 200, b'{"url": "pages/index/index?cl_sr=poster"}'), ""),
    ("another URL", Answer(Evidence.REPLY, 200, b'{"url": "x"}'), "another URL: x"),
    ("no URL", Answer(Evidence.REPLY, 200, b"{}"), "another URL: None"),
    ("a list", Answer(Evidence.REPLY, 200, b"[]"), "another URL: None"),
    ("no JSON", Answer(Evidence.REPLY, 200, b"<html>"), "a reply that is no JSON"),
    ("no UTF-8", Answer(Evidence.REPLY, 200, b'{"url": "\xff"}'), "a reply that is no JSON"),
    ("deep nesting", Answer(Evidence.REPLY, 200, b"[" * 100_000), "a reply that is no JSON"),
    ("not found", Answer(Evidence.REPLY, 404), "HTTP 404"),
    ("no connection", Answer(Evidence.NO_CONNECTION), "no connection"),
]


@pytest.mark.parametrize(("answer", "why"), [one[1:] for one in LOOKUPS], ids=[one[0] for one in LOOKUPS])
def test_a_lookup_gives_the_complete_url_or_a_reason(answer: Answer, why: str) -> None:
    assert wrong_lookup(walk(Purpose.LOOKUP).request, answer) == why


# ---- giving up ----


def tried(tally: Tally) -> Tried:
    return told_by(tally, silent=0, finished=0, in_flight=0).tried


def gives_up(rule: str, seconds: list[tuple[int, int]]) -> int | None:
    """The second at which a run is given up; each has so many (acked, failed) attempts."""
    tally, watch = Tally(), AbortWatch(parse_abort(rule))
    watch.look(tried(tally), SECOND)
    for second, (acked, failed) in enumerate(seconds, start=1):
        for _ in range(acked):
            tally.note(walk(), Outcome.ACKED, 1, 2)
        for _ in range(failed):
            tally.note(walk(), Outcome.REFUSED, 1, 2)
        if watch.look(tried(tally), SECOND + second * SECOND):
            return second
    return None


ABORTS = [
    ("nothing fails", "failed > 50% for 3s", [(10, 0)] * 9, None),
    ("everything fails", "failed > 50% for 3s", [(0, 10)] * 9, 3),
    ("exactly the limit is not above it", "failed > 50% for 3s", [(5, 5)] * 9, None),
    ("exactly the limit, at least", "failed >= 50% for 3s", [(5, 5)] * 9, 3),
    ("one good second begins anew", "failed > 50% for 3s", [(0, 9), (0, 9), (9, 0), (0, 9), (0, 9), (0, 9)], 6),
    ("a second without attempts says nothing", "failed > 50% for 3s", [(0, 9), (0, 0), (0, 9)], 3),
    ("nothing at all", "failed > 50% for 3s", [(0, 0)] * 9, None),
]


@pytest.mark.parametrize(("rule", "seconds", "at"), [one[1:] for one in ABORTS], ids=[one[0] for one in ABORTS])
def test_when_a_run_is_given_up(rule: str, seconds: list[tuple[int, int]], at: int | None) -> None:
    assert gives_up(rule, seconds) == at


def test_the_reason_for_giving_up_says_the_rule_and_the_numbers() -> None:
    tally, watch = Tally(), AbortWatch(parse_abort("failed > 50% for 1s"))
    watch.look(tried(tally), SECOND)
    tally.note(walk(), Outcome.UNKNOWN, 1, 2)

    assert watch.look(tried(tally), 2 * SECOND) == "failed > 50% for 1s: 1 of 1 attempts failed"
