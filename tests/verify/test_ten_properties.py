"""The ten properties of the verification model (section 10), each over made-up histories or a made-up network.

    MPSIM_EXAMPLES=20000 python -m pytest tests/verify -n 2 --timeout 0

tries that many examples of each property, and of each cross check, instead of a bounded number. The engine that the
oracle is held against is brute.py, which shares nothing with it. The ninth property, that each seeded fault is killed,
is `mpsim selftest`; the tenth is here with a network in memory, and over real sockets in
`python -m simulator.runs.false_alarms`.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise
from math import prod
from typing import Any

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from simulator.contract import BY, METRICS, Contract
from simulator.events import Identity
from simulator.finding import Verdict
from simulator.ledger.record import Attempt
from simulator.scenario.model import Expect
from simulator.times import DAY, Ms
from simulator.verify.judging import judge
from simulator.verify.oracle import Expectations
from simulator.verify.readers.reading import Reading
from simulator.verify.sighting import Sighting, sightings_of
from simulator.wire.request import Action, Evidence, Outcome, Purpose, Record, Request
from tests.verify import brute
from tests.verify.histories import (
    DAY_AFTER,
    MIDNIGHT,
    RULES,
    C,
    P,
    arrivals,
    contract,
    examples,
    expect,
    happened,
    pair,
    view,
)

Cell = tuple[str, str, str]

WORLDS = 4_096  # the most that the oracle tries of one group (bounds.py)


# ---- made-up histories ----

MINUTES = [-1500, -31, -1, 0, 1, 2, 5, 20, 29, 30, 31, 45, 59, 60, 61, 75, 90, 92, 120, 150, 300, 479, 480, 700, 1000,
           1200, 1300, 1410, 1439, 1440, 1441, 1470]  # fmt: skip
ACTIONS = [Action.OPEN, Action.OPEN, Action.VIEW, Action.VIEW, Action.VIEW, Action.CUSTOM, Action.EXIT, Action.SHOW,
           Action.PING]  # fmt: skip
OTHERS = [(), (), (Identity("mobile", "1"),), (Identity("mobile", "2"),), (Identity("wechat-unionid", "u"),)]


@st.composite
def events(draw: st.DrawFn, most: int, copies: Sequence[tuple[int, int]] = (C, C, P)) -> list[Sighting]:
    """Events of a few devices and people at instants around the timeout, the hours and the midnights."""
    size = draw(st.integers(1, most))
    minutes = draw(st.lists(st.sampled_from(MINUTES), min_size=size, max_size=size, unique=True))
    arrived = draw(arrivals(minutes))
    return [
        happened(
            draw(st.sampled_from(ACTIONS)),
            minute,
            draw(st.sampled_from(copies)),
            device=draw(st.sampled_from(["a", "a", "b", "c"])),
            openid=draw(st.sampled_from(["", "", "X", "Y"])),
            others=draw(st.sampled_from(OTHERS)),
            source=draw(st.sampled_from(["", "ad", "share"])),
            content=draw(st.sampled_from(["", "spring"])),
            page=draw(st.sampled_from(["p/a", "p/b"])),
            session=draw(st.sampled_from(["s", "s", "t", ""])),
            view_id=draw(st.sampled_from(["v", "w", ""])),
            external_id=f"e{place}",
            arrived=arrived[place],
        )
        for place, minute in enumerate(minutes)
    ]


def stored(sightings: Sequence[Sighting], rules: Contract) -> list[Record]:
    """Their records in the collector's order, each once."""
    return [one.record for one in brute.in_order(sightings, rules)]


def counted(records: Sequence[Record], rules: Contract, shift: Ms = Ms(0)) -> Counter[Cell]:
    return brute.count(records, rules, Ms(MIDNIGHT + shift), Ms(DAY_AFTER + shift))


def outside(found: Expectations, truth: Mapping[Cell, int]) -> list[str]:
    """The cells whose interval does not contain the truth."""
    wrong = []
    for cell in {*found.intervals, *truth}:
        interval = found.expected(*cell)
        if interval is not None and truth.get(cell, 0) not in interval:
            wrong.append(f"{cell}: {truth.get(cell, 0)} is not in {interval}")
    return wrong


# ---- 1 to 5: the intervals ----


@given(events(24, (C, P, P)), RULES, st.data())
@examples(150)
def test_1_sound_whatever_part_of_the_unknown_is_stored(
    history: list[Sighting], rules: Contract, data: st.DataObject
) -> None:
    """More unknowns than can be tried: any one world lies within."""
    found = expect(history, rules)
    is_there = data.draw(st.lists(st.booleans(), min_size=len(history), max_size=len(history)))
    world = [one for one, there in zip(history, is_there, strict=True) if one.low or there]

    assert outside(found, counted(stored(world, rules), rules)) == []


@given(events(10, (P, P, P, C)), RULES)
@examples(60)
def test_2_tight_up_to_ten_unknowns(history: list[Sighting], rules: Contract) -> None:
    """Each end of each interval is reached in some world."""
    found = expect(history, rules)
    tried = brute.interval_of(history, rules, MIDNIGHT, DAY_AFTER)

    assert prod(one.high - one.low + 1 for one in history) <= WORLDS
    assert {cell: (one.low, one.high) for cell, one in found.intervals.items() if one.high} == {
        cell: interval for cell, interval in tried.items() if interval[1]
    }


@given(events(7, (C, P, (0, 2), (1, 3))), RULES)
@examples(100)
def test_2_tight_with_several_copies(history: list[Sighting], rules: Contract) -> None:
    assume(prod(one.high - one.low + 1 for one in history) <= WORLDS)
    tried = brute.interval_of(history, rules, MIDNIGHT, DAY_AFTER)
    found = expect(history, rules).intervals

    assert {cell: (one.low, one.high) for cell, one in found.items() if one.high} == {
        cell: interval for cell, interval in tried.items() if interval[1]
    }


@given(events(30, (C,)), RULES)
@examples(100)
def test_3_exact_where_nothing_is_unknown(history: list[Sighting], rules: Contract) -> None:
    found = expect(history, rules).intervals

    assert all(one.width == 0 for one in found.values())
    assert {cell: one.low for cell, one in found.items() if one.low} == dict(counted(stored(history, rules), rules))


@given(events(14, (C, P, P, (0, 2))), RULES, st.data())
@examples(100)
def test_4_learning_outcomes_only_narrows(history: list[Sighting], rules: Contract, data: st.DataObject) -> None:
    """One after another, until nothing is unknown; each interval lies within the last.

    Beyond what can be tried in full the bounds are sound and no longer exact, so there only the union must hold.
    """
    assume(prod(one.high - one.low + 1 for one in history) <= WORLDS)
    unknown = [place for place, one in enumerate(history) if one.low != one.high]
    steps = [history]
    for place in data.draw(st.permutations(unknown)):
        one = steps[-1][place]
        known = data.draw(st.integers(one.low, one.high))
        steps.append([*steps[-1][:place], replace(one, low=known, high=known), *steps[-1][place + 1 :]])
    for before, after in pairwise(expect(step, rules) for step in steps):
        for cell in {*before.intervals, *after.intervals}:
            wide, narrow = before.expected(*cell), after.expected(*cell)
            assert wide is not None
            assert narrow is not None
            assert wide.low <= narrow.low <= narrow.high <= wide.high, cell


# ---- a made-up network ----


@dataclass(frozen=True, slots=True)
class Fate:
    """What becomes of one attempt: whether the collector stores it, and what the sender is told."""

    name: str
    stored: bool
    outcome: Outcome
    late: bool = False  # stored after everything else


FATES = (
    Fate("answered", True, Outcome.ACKED),
    Fate("answered, too", True, Outcome.ACKED),
    Fate("no connection", False, Outcome.REFUSED),
    Fate("refused", False, Outcome.REFUSED),
    Fate("dropped before", False, Outcome.UNKNOWN),
    Fate("500 before", False, Outcome.UNKNOWN),
    Fate("dropped after", True, Outcome.UNKNOWN),
    Fate("500 after", True, Outcome.UNKNOWN),
    Fate("late", True, Outcome.UNKNOWN, late=True),
)


@dataclass(frozen=True, slots=True)
class Sent:
    """Requests behind a network, what the ledger holds, and what a correct collector holds."""

    requests: list[Request]
    attempts: list[Attempt]
    arrivals: list[tuple[int, Record]]  # (instant of arrival in ns, record), every stored copy

    def by_request(self) -> dict[tuple[int, int], list[Attempt]]:
        found: dict[tuple[int, int], list[Attempt]] = {}
        for one in self.attempts:
            found.setdefault((one.visitor, one.request), []).append(one)
        for some in found.values():
            some.sort(key=lambda one: one.attempt)
        return found


SECOND = 1_000_000_000


@st.composite
def networks(draw: st.DrawFn, most: int = 8, fates: Sequence[Fate] = FATES) -> Sent:
    """Every request sent, again while it is not acked, and again for its planned copies; batches of one to three."""
    records = [one.record for one in draw(events(most, (C,)))]
    batches: list[list[Record]] = []
    while records:
        size = draw(st.sampled_from([1, 1, 1, 2, 3]))
        batches.append(records[:size])
        records = records[size:]
    sent = Sent([], [], [])
    now = DAY_AFTER * 1_000_000
    for number, batch in enumerate(batches):
        retries, duplicates = draw(st.sampled_from([0, 0, 1, 2])), draw(st.sampled_from([0, 0, 0, 1]))
        request = Request(0, number, Purpose.EVENT, Ms(0), "GET", "/", (), b"", tuple(batch), duplicates, retries)
        sent.requests.append(request)
        attempt = 0
        acked = False
        while True:
            fate = draw(st.sampled_from(fates))
            began, done = now, now + SECOND
            now += 2 * SECOND
            sent.attempts.append(
                Attempt(0, number, attempt, Purpose.EVENT, began, began, done, fate.outcome, Evidence.REPLY, 0)
            )
            if fate.stored:
                arrived = began + (draw(st.integers(5, 100_000)) * SECOND if fate.late else SECOND // 2)
                sent.arrivals.extend((arrived, record) for record in batch)
            attempt += 1
            acked = acked or fate.outcome is Outcome.ACKED
            if not acked and retries:
                retries -= 1
            elif duplicates:
                retries, duplicates = 0, duplicates - 1
            else:
                break
    return sent


def kept(sent: Sent, rules: Contract, copies_kept: Callable[[int], int]) -> list[Record]:
    """What a correct collector holds in its order, its duplicates removed as it promises."""
    held: list[tuple[Ms, int, Record]] = []
    copies: Counter[str] = Counter()
    for arrived, record in sorted(sent.arrivals, key=lambda one: one[0]):
        copies[record.external_id] += 1
        if rules.dedupe == "by_id" and copies[record.external_id] > 1:
            continue
        if rules.dedupe == "maybe" and copies[record.external_id] > 1 and not copies_kept(len(held)):
            continue
        assert record.date is not None
        held.append((record.date, arrived, record))
    by_arrival = rules.order == "arrival"
    return [record for _, _, record in sorted(held, key=lambda one: (0 if by_arrival else one[0], one[1]))]


DEDUPE = st.sampled_from(["by_id", "by_id", "none", "maybe"])


def expected(sent: Sent, rules: Contract) -> Expectations:
    return expect(sightings_of(sent.requests, sent.by_request(), rules), rules)


@given(networks(), RULES, DEDUPE, st.randoms(use_true_random=False))
@examples(150)
def test_5_the_order_of_ledger_lines_is_irrelevant(sent: Sent, rules: Contract, dedupe: Any, random: Any) -> None:
    rules = replace(rules, dedupe=dedupe)
    lines = list(sent.attempts)
    random.shuffle(lines)

    assert expected(replace(sent, attempts=lines), rules) == expected(sent, rules)


# ---- 6: what holds between cells ----


@given(events(12, (C,)), RULES)
@examples(200)
def test_6_the_sums_over_cells_hold_in_every_world(history: list[Sighting], rules: Contract) -> None:
    """A history of certain events is one world; so these must hold for whatever a correct collector reports."""
    world = counted(stored(history, rules), rules)

    def total(metric: str, by: str) -> int:
        return sum(value for (one, kind, _), value in world.items() if (one, kind) == (metric, by))

    def largest(by: str) -> int:
        return max((value for (one, kind, _), value in world.items() if (one, kind) == ("uv", by)), default=0)

    # What is counted by a name of its own may be in two cells, as users are.
    adding = ["new_users"]
    adding += ["pv"] if rules.views == "each" else []
    adding += ["opens"] if rules.sessions == "derived" else []
    for by in ("source", "content", "hour", "day"):
        for metric in adding:
            assert total(metric, by) == world[metric, "all", ""], (metric, by)
        assert largest(by) <= world["uv", "all", ""] <= total("uv", by)
    if rules.views == "each":
        assert total("pv", "page") == world["pv", "all", ""]
    assert largest("page") <= world["uv", "all", ""]
    if rules.memory is None:  # who is forgotten is new again
        assert world["new_users", "all", ""] <= world["uv", "all", ""]


def test_6_opens_are_no_bound_for_users_nor_views_for_opens() -> None:
    """Why `uv <= opens <= pv` is no cross check: a refused launch with an acked view, and a launch before the hour."""
    alone = counted(stored([view(1)], contract()), contract())
    over_the_hour = counted(stored([happened(Action.OPEN, 59), view(61)], contract()), contract())
    first, second = "2026-03-01T00:00+08:00", "2026-03-01T01:00+08:00"

    assert (alone["uv", "all", ""], alone["opens", "all", ""]) == (1, 0)
    assert (over_the_hour["opens", "hour", first], over_the_hour["pv", "hour", first]) == (1, 0)
    assert (over_the_hour["uv", "hour", second], over_the_hour["opens", "hour", second]) == (1, 0)


# ---- 7 and 8: what changes nothing ----


@given(events(8, (C, P)), RULES, st.integers(-400, 400))
@examples(100)
def test_7_shifting_by_whole_days_shifts_cells_only(history: list[Sighting], rules: Contract, days: int) -> None:
    shift = Ms(days * DAY)
    moved = [
        replace(
            one,
            record=replace(one.record, date=Ms((one.record.date or 0) + shift)),
            earliest=Ms(one.earliest + shift),
            latest=Ms(one.latest + shift),
            arrived=one.arrived + shift * 1_000_000,
            arrived_by=one.arrived_by + shift * 1_000_000,
        )
        for one in history
    ]
    here = expect(history, rules).intervals
    there = expect(moved, rules, begin=Ms(MIDNIGHT + shift), end=Ms(DAY_AFTER + shift)).intervals

    for metric in METRICS:
        for by in BY:
            before = sorted((cell, one) for (kind, of, cell), one in here.items() if (kind, of) == (metric, by))
            after = sorted((cell, one) for (kind, of, cell), one in there.items() if (kind, of) == (metric, by))
            assert [one for _, one in before] == [one for _, one in after]
            if by not in {"hour", "day"}:
                assert before == after


@given(networks(), RULES, DEDUPE)
@examples(150)
def test_8_splitting_a_batch_changes_nothing(sent: Sent, rules: Contract, dedupe: Any) -> None:
    """Each event in a request of its own, with the attempts of the batch it came from."""
    rules = replace(rules, dedupe=dedupe)
    alone = Sent([], [], sent.arrivals)
    for request in sent.requests:
        for record in request.records:
            number = len(alone.requests)
            alone.requests.append(replace(request, number=number, records=(record,)))
            alone.attempts.extend(
                replace(one, request=number) for one in sent.attempts if one.request == request.number
            )

    assert expected(alone, rules) == expected(sent, rules)


# ---- 10: a network that fails ----


@given(networks(most=12), RULES, DEDUPE, st.data())
@examples(300)
def test_10_a_correct_collector_never_fails(sent: Sent, rules: Contract, dedupe: Any, data: st.DataObject) -> None:
    rules = replace(rules, dedupe=dedupe)
    held = kept(sent, rules, lambda _: data.draw(st.integers(0, 1)))
    truth = counted(held, rules)
    found = expected(sent, rules)

    assert outside(found, truth) == []
    assert [one for one in judge(found, read(truth), Expect()) if one.verdict >= Verdict.FAIL] == []


@given(networks(most=12), RULES, st.data())
@examples(200)
def test_10_a_collector_that_loses_an_acked_view_fails_unless_something_unknown_hides_it(
    sent: Sent, rules: Contract, data: st.DataObject
) -> None:
    """Each lost view moves pv by one, so pv fails as soon as more views are lost than unknown ones are stored.

    Where each is counted for itself: not one an id, nor only those of a session.
    """
    rules = replace(rules, dedupe="by_id", views="each", sessions="derived")
    found = expected(sent, rules)
    certain = [
        one.record
        for one in sightings_of(sent.requests, sent.by_request(), rules)
        if one.low and one.record.action is Action.VIEW and MIDNIGHT <= one.earliest < DAY_AFTER
    ]
    assume(certain)
    lost = data.draw(st.sets(st.sampled_from([one.external_id for one in certain]), min_size=1))
    held = [one for one in kept(sent, rules, lambda _: 1) if one.external_id not in lost]
    truth = counted(held, rules)
    low, _ = pair(found, "pv")
    recovered = truth["pv", "all", ""] - (low - len(lost))
    failed = {(one.metric, one.by) for one in judge(found, read(truth), Expect()) if one.verdict is Verdict.FAIL}

    assert (("pv", "all") in failed) == (len(lost) > recovered)


def read(totals: Mapping[Cell, int]) -> Reading:
    """The totals as a collector would report them."""
    cells: dict[str, dict[str, dict[str, int | None]]] = {by: {} for by in BY}
    for (metric, by, cell), value in totals.items():
        cells[by].setdefault(cell, dict.fromkeys(METRICS, 0))[metric] = value
    return Reading(cells, {})


# ---- the vector of section 5.7 that is not in test_oracle_bounds.py ----


@pytest.mark.parametrize("user", ["openid", "customer"])
def test_the_vector_of_users_that_one_unknown_event_joins(user: str) -> None:
    """view (a, X) certain, view b certain, view (b, X) possible: one user or two."""
    history = [view(0, device="a", openid="X"), view(1, device="b"), view(2, P, device="b", openid="X")]

    assert pair(expect(history, contract("launch", user)), "uv") == (1, 2)
