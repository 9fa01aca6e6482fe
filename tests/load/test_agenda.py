"""Who is due when, in virtual time: the four ways to come, copies and retries, stopping."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from fractions import Fraction
from heapq import heappop, heappush
from itertools import accumulate

import pytest
from hypothesis import given
from hypothesis import strategies as some

from simulator.load.agenda import MOST_HELD, Agenda, ClosedPace, InTurn, OpenPace
from simulator.load.crowd import Crowd
from simulator.load.walk import Walk
from simulator.times import Ms
from simulator.wire.request import Outcome, Purpose, Request

ACKED, REFUSED, UNKNOWN = Outcome.ACKED, Outcome.REFUSED, Outcome.UNKNOWN
START = Ms(1_000_000)  # of the period, event time
ZERO_NS = 5_000_000_000_000  # of the wall, when the run starts
MS = 1_000_000


def request(
    visitor: int, number: int, at: int, purpose: Purpose = Purpose.EVENT, *, duplicates: int = 0, retries: int = 0
) -> Request:
    """A request that leaves `at` milliseconds after the start."""
    return Request(
        visitor, number, purpose, Ms(START + at), "GET", "/", (), b"", (), duplicates=duplicates, retries=retries
    )


def planned(*visitors: list[int]) -> dict[int, tuple[Request, ...]]:
    """Visitors by the milliseconds at which their requests leave."""
    return {k: tuple(request(k, n, at) for n, at in enumerate(ats)) for k, ats in enumerate(visitors)}


def crowd(plan: dict[int, tuple[Request, ...]], *, setup: bool = False) -> Crowd:
    return Crowd(lambda _: plan, len(plan), range(len(plan)), setup=setup)


def open_agenda(
    plan: dict[int, tuple[Request, ...]], speed: Fraction = Fraction(1), most_held: int = MOST_HELD
) -> Agenda:
    """Each visitor comes when their first request leaves."""
    firsts = {k: int((r[0].leaves - START) * 1000 / speed) for k, r in plan.items() if r}
    pace = OpenPace(ZERO_NS, START, speed, lambda visitor: firsts.get(visitor, 0))
    return Agenda(crowd(plan), pace, most_held=most_held)


def play(
    agenda: Agenda, lanes: int = 1_000, service_ms: int = 1, answer: Callable[[Walk], Outcome] = lambda _: ACKED
) -> list[tuple[int, int, int, float]]:
    """Send everything in virtual time: (visitor, request, attempt, lateness in ms) in the order of the sends.

    Every attempt takes `service_ms`; at most `lanes` are in flight.
    """
    sends: list[tuple[int, int, int, float]] = []
    flying: list[tuple[int, int, Walk]] = []
    now = ZERO_NS
    while True:
        while agenda.admit(now):
            pass
        while len(flying) < lanes and (walk := agenda.take(now)) is not None:
            fly(walk, now, service_ms, flying, sends)
        coming = [at for at in (agenda.next_due_ns, agenda.next_planning_ns) if at is not None]
        if flying and (len(flying) == lanes or not coming or flying[0][0] <= min(coming)):
            now, _, walk = heappop(flying)
            following = agenda.advance(walk, answer(walk), now)
            if following is not None:
                fly(following, now, service_ms, flying, sends)
        elif coming:
            now = max(now, min(coming))
        else:
            assert agenda.is_over
            return sends


def fly(
    walk: Walk, now: int, service_ms: int, flying: list[tuple[int, int, Walk]], sends: list[tuple[int, int, int, float]]
) -> None:
    sends.append((walk.visitor, walk.request.number, walk.attempt, (now - walk.intended_ns) / MS))
    heappush(flying, (now + service_ms * MS, walk.visitor, walk))


# ---- open ----


def test_open_visitors_come_at_their_instants_and_requests_leave_at_theirs() -> None:
    agenda = open_agenda(planned([0, 10_000], [4_000, 5_000], [20_000]))

    assert play(agenda) == [(0, 0, 0, 0), (1, 0, 0, 0), (1, 1, 0, 0), (0, 1, 0, 0), (2, 0, 0, 0)]
    assert agenda.finished == 3


def test_open_event_time_is_divided_by_the_speed() -> None:
    plan = planned([0, 86_400_000])
    agenda = open_agenda(plan, Fraction(2880))
    walk = _first(agenda)
    agenda.advance(walk, ACKED, ZERO_NS)

    assert agenda.next_due_ns == ZERO_NS + 30_000 * MS


def test_a_request_leaves_only_after_the_outcome_of_the_last_and_is_late_then() -> None:
    """Late from its own instant: a slow collector cannot hide (coordinated omission)."""
    agenda = open_agenda(planned([0, 100, 200]))

    assert play(agenda, service_ms=1_000) == [(0, 0, 0, 0), (0, 1, 0, 900), (0, 2, 0, 1_800)]


def test_a_slow_collector_does_not_slow_the_arrivals_down() -> None:
    agenda = open_agenda(planned(*[[k * 10] for k in range(100)]))

    assert max(late for *_, late in play(agenda, service_ms=60_000)) == 0


def test_without_a_free_lane_visitors_wait_longest_overdue_first() -> None:
    agenda = open_agenda(planned([0], [1], [2], [3]))

    assert play(agenda, lanes=1, service_ms=10) == [(0, 0, 0, 0), (1, 0, 0, 9), (2, 0, 0, 18), (3, 0, 0, 27)]


def test_visitors_are_planned_two_seconds_before_they_come() -> None:
    agenda = open_agenda(planned([0], [2_000], [2_001]))

    assert [agenda.admit(ZERO_NS) for _ in range(3)] == [True, True, False]
    assert agenda.next_planning_ns == ZERO_NS + 1 * MS


# ---- closed ----


def test_closed_model_keeps_so_many_on_the_way_and_paces_from_the_actual_start() -> None:
    plan = planned([0, 1_000], [50, 550], [900, 1_000])
    agenda = Agenda(crowd(plan), ClosedPace(Fraction(1)), places=2)

    assert play(agenda) == [(0, 0, 0, 0), (1, 0, 0, 0), (1, 1, 0, 0), (2, 0, 0, 0), (2, 1, 0, 0), (0, 1, 0, 0)]


def test_closed_model_counts_those_who_think_among_those_on_the_way() -> None:
    agenda = Agenda(crowd(planned([0, 5_000], [0])), ClosedPace(Fraction(1)), places=1)
    walk = _first(agenda)
    agenda.advance(walk, ACKED, ZERO_NS)

    assert (agenda.take(ZERO_NS + 4_999 * MS), agenda.next_due_ns) == (None, ZERO_NS + 5_000 * MS)
    assert agenda.take(ZERO_NS + 5_000 * MS) is walk


# ---- flood ----


def test_a_flood_waits_for_nothing_and_serves_who_came_first() -> None:
    plan = planned([0, 999_999], [5], [500_000, 500_001], [7])
    agenda = Agenda(crowd(plan), None, places=2)
    sends = play(agenda, lanes=2)

    assert [(visitor, number) for visitor, number, _, _ in sends] == [(0, 0), (1, 0), (0, 1), (2, 0), (3, 0), (2, 1)]
    assert {late for *_, late in sends} == {0}


# ---- copies and retries ----

ANSWERS = [
    # planned copies, retries, outcomes in turn,           attempts
    ("sent once", 0, 0, [ACKED], 1),
    ("sent once, whatever is answered", 0, 0, [UNKNOWN], 1),
    ("two copies", 2, 0, [ACKED, ACKED, ACKED], 3),
    ("copies are sent whatever is answered", 1, 0, [REFUSED, REFUSED], 2),
    ("acked at once, no retry", 0, 3, [ACKED], 1),
    ("retried until it is acked", 0, 3, [UNKNOWN, REFUSED, ACKED], 3),
    ("retried at most so often", 0, 2, [REFUSED, REFUSED, REFUSED], 3),
    ("retries, then copies", 1, 2, [UNKNOWN, ACKED, ACKED], 3),
    ("a failed copy of an acked request is not retried", 1, 2, [ACKED, UNKNOWN], 2),
    ("retries used up, then copies", 1, 1, [UNKNOWN, UNKNOWN, ACKED], 3),
]


@pytest.mark.parametrize(
    ("duplicates", "retries", "outcomes", "attempts"), [a[1:] for a in ANSWERS], ids=[a[0] for a in ANSWERS]
)
def test_a_request_is_sent_again_as_planned(
    duplicates: int, retries: int, outcomes: list[Outcome], attempts: int
) -> None:
    plan: dict[int, tuple[Request, ...]] = {
        0: (request(0, 0, 0, duplicates=duplicates, retries=retries), request(0, 1, 0))
    }
    answers = iter([*outcomes, ACKED])
    sends = play(open_agenda(plan), service_ms=0, answer=lambda _: next(answers))

    assert sends == [(0, 0, n, 0) for n in range(attempts)] + [(0, 1, 0, 0)]


def test_a_repetition_is_due_when_its_forerunner_is_through() -> None:
    agenda = open_agenda({0: (request(0, 0, 0, duplicates=1), request(0, 1, 100))})

    assert play(agenda, service_ms=70) == [(0, 0, 0, 0), (0, 0, 1, 0), (0, 1, 0, 40)]


# ---- the crowd ----


def test_setup_requests_and_judged_ones_are_two_courses() -> None:
    plan = {
        0: (request(0, 0, -9_000, Purpose.SETUP), request(0, 1, 0, Purpose.LOOKUP), request(0, 2, 1)),
        1: (request(1, 0, 5),),
    }
    setup = Agenda(crowd(plan, setup=True), None, places=1)

    assert [(v, n) for v, n, _, _ in play(setup)] == [(0, 0)]
    assert [(v, n) for v, n, _, _ in play(open_agenda(plan))] == [(0, 1), (0, 2), (1, 0)]
    assert setup.silent == 1


def test_blocks_are_planned_once_each_when_they_are_entered() -> None:
    asked: list[int] = []

    def plan_block(block: int) -> dict[int, tuple[Request, ...]]:
        asked.append(block)
        return {k: (request(k, 0, 0),) for k in range(block * 3, block * 3 + 3)}

    some_of_them = Crowd(plan_block, 3, range(2, 8))
    came = []
    while not some_of_them.is_empty:
        walk = some_of_them.come()
        assert walk is not None
        came.append(walk.visitor)

    assert (came, asked) == ([2, 3, 4, 5, 6, 7], [0, 1, 2])


@pytest.mark.parametrize("places", [None, 2], ids=["open", "closed"])
def test_visitors_with_nothing_to_send_are_passed_over(places: int | None) -> None:
    plan = planned([0], [], [], [1], [])
    agenda = open_agenda(plan) if places is None else Agenda(crowd(plan), ClosedPace(Fraction(1)), places)

    assert [visitor for visitor, *_ in play(agenda)] == [0, 3]
    assert (agenda.finished, agenda.silent) == (2, 3)


def test_places_belong_to_the_closed_model() -> None:
    with pytest.raises(ValueError, match="places"):
        Agenda(crowd(planned([0])), ClosedPace(Fraction(1)))


# ---- in turn ----


def test_in_turn_one_request_follows_another_as_they_are_planned_whoever_sends_them() -> None:
    """However many lanes there are and however long a request takes: the order is of the plan alone."""
    plan = planned([5_000, 9_000], [0, 9_000], [], [7_000])
    for lanes, service_ms in ((1, 1), (4, 1), (4, 20_000)):
        sends = play(Agenda(crowd(plan), InTurn()), lanes, service_ms)

        assert sends == [(1, 0, 0, 0), (0, 0, 0, 0), (3, 0, 0, 0), (0, 1, 0, 0), (1, 1, 0, 0)]


def test_in_turn_a_repetition_goes_before_everybody_else() -> None:
    plan = planned([0, 5], [0], [1])
    plan = {k: tuple(replace(one, retries=1) for one in own) for k, own in plan.items()}
    sends = play(Agenda(crowd(plan), InTurn()), 3, answer=lambda walk: REFUSED if walk.visitor == 1 else ACKED)

    assert [send[:3] for send in sends] == [(0, 0, 0), (1, 0, 0), (1, 0, 1), (2, 0, 0), (0, 1, 0)]


def test_in_turn_few_requests_are_held() -> None:
    plan = planned([0, 5], [0, 5], [0, 5])

    assert [send[:2] for send in play(Agenda(crowd(plan), InTurn(), most_held=0))] == [
        (0, 0), (1, 0), (2, 0), (0, 1), (1, 1), (2, 1),
    ]  # fmt: skip


# ---- stopping ----


def test_after_a_stop_nobody_is_handed_out_and_it_is_over_when_the_last_outcome_is_in() -> None:
    agenda = open_agenda(planned([0, 1], [0], [10]))
    walk = _first(agenda)
    agenda.stop()
    states = [agenda.is_over, agenda.take(ZERO_NS + 99 * MS), agenda.admit(ZERO_NS), agenda.next_due_ns]

    assert states == [False, None, False, None]
    assert agenda.advance(walk, ACKED, ZERO_NS) is None
    assert (agenda.is_over, agenda.finished) == (True, 0)


# ---- everybody, each once ----


@given(
    some.lists(some.lists(some.integers(0, 5_000), max_size=4).map(sorted), min_size=1, max_size=12),
    some.sampled_from(["open", "closed", "flood", "in turn"]),
    some.integers(1, 4),
    some.integers(0, 2_000),
)
def test_every_request_of_everybody_is_sent_once_and_in_order(
    visitors: list[list[int]], way: str, lanes: int, service_ms: int
) -> None:
    plan = planned(*sorted(visitors, key=lambda ats: ats[0] if ats else 0))
    if way == "open":
        agenda = open_agenda(plan)
    elif way == "in turn":
        agenda = Agenda(crowd(plan), InTurn())
    else:
        agenda = Agenda(crowd(plan), ClosedPace(Fraction(1)) if way == "closed" else None, places=lanes)
    sends = play(agenda, lanes, service_ms)

    assert sorted(send[:3] for send in sends) == sorted((r.visitor, r.number, 0) for rs in plan.values() for r in rs)
    for visitor, requests in plan.items():
        assert [number for k, number, *_ in sends if k == visitor] == [r.number for r in requests]
    assert all(late >= 0 for *_, late in sends)


def _first(agenda: Agenda) -> Walk:
    agenda.admit(ZERO_NS)
    walk = agenda.take(ZERO_NS)
    assert walk is not None
    return walk


GAPS = some.lists(some.sampled_from([0, 1, 900, 1_999, 2_000, 2_001, 60_000]), min_size=1, max_size=6)


@given(some.lists(GAPS, min_size=1, max_size=8), some.integers(0, 6), some.booleans())
def test_laying_long_waits_down_changes_nothing_that_is_sent(gaps: list[list[int]], held: int, fails: bool) -> None:
    """Each visitor: milliseconds between its requests; at most `held` requests of those who wait are kept."""
    plan = planned(*[list(accumulate(own)) for own in gaps])
    plan = {k: tuple(replace(one, retries=1, duplicates=one.number % 2) for one in own) for k, own in plan.items()}
    answer = (lambda walk: UNKNOWN if walk.request.number % 2 else ACKED) if fails else (lambda _: ACKED)

    sends = play(open_agenda(plan), lanes=2, answer=answer)

    assert play(open_agenda(plan, most_held=held), lanes=2, answer=answer) == sends


def test_who_waits_long_holds_no_request() -> None:
    agenda = open_agenda(planned([0, 60_000], [0, 60_000], [0, 60_000]), most_held=1)
    while agenda.admit(ZERO_NS):
        pass
    for walk in [agenda.take(ZERO_NS) for _ in range(3)]:
        assert walk is not None
        agenda.advance(walk, ACKED, ZERO_NS)

    held = [walk.left for _, _, walk in agenda._waiting]

    assert sorted(held) == [0, 0, 1]


def test_a_flood_holds_nobody_back() -> None:
    plan = planned([0, 5], [0, 5], [0, 5])
    agenda = Agenda(crowd(plan), None, places=2, most_held=0)

    assert [send[:2] for send in play(agenda, lanes=2)] == [(0, 0), (1, 0), (0, 1), (1, 1), (2, 0), (2, 1)]
