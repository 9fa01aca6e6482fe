"""The intervals of the oracle: the model's own vectors, and every world tried on made-up histories."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from simulator.contract import Contract
from simulator.events import Identity
from simulator.times import Ms
from simulator.verify.sighting import Sighting
from simulator.wire.request import Action
from tests.verify import brute
from tests.verify.histories import (
    DAY_AFTER,
    MIDNIGHT,
    RULES,
    TWICE,
    C,
    P,
    arrivals,
    contract,
    custom,
    devices_only,
    examples,
    expect,
    happened,
    left,
    opened,
    pair,
    view,
)

T30 = contract("timeout=30m", "device")
HOUR_0, HOUR_1 = "2026-03-01T00:00+08:00", "2026-03-01T01:00+08:00"

# reference/verification-model.md, section 5.7; the merge through devices is no definition of CONTRACT section 3
VECTORS = [
    # what happened                        what it shows                                   cells
    ("lost view would have joined", [view(0), view(25, P), view(50)], {("opens", "all", ""): (1, 2)}),
    ("lost exit", [view(0), left(5, P), view(10)], {("opens", "all", ""): (1, 2)}),
    ("nothing is certain", [view(0, P), view(100, P)], {("opens", "all", ""): (0, 2)}),
    (
        "over the hour",
        [view(59, P), view(61)],
        {
            ("opens", "hour", HOUR_0): (0, 1),
            ("opens", "hour", HOUR_1): (0, 1),
            ("opens", "all", ""): (1, 1),
            ("new_users", "hour", HOUR_0): (0, 1),
            ("new_users", "hour", HOUR_1): (0, 1),
            ("new_users", "all", ""): (1, 1),
            ("uv", "hour", HOUR_0): (0, 1),
            ("uv", "hour", HOUR_1): (1, 1),
        },
    ),
    (
        "the source of an open is that of its first event",
        [view(0, P, source="ad"), view(10, source="share"), view(20, source="share")],
        {
            ("opens", "source", "ad"): (0, 1),
            ("opens", "source", "share"): (0, 1),
            ("opens", "all", ""): (1, 1),
        },
    ),
    ("gap of exactly the timeout", [view(0), view(30)], {("opens", "all", ""): (1, 1)}),
    ("gap one millisecond longer", [view(0), view(30 + 1 / 60_000)], {("opens", "all", ""): (2, 2)}),
    ("gap one millisecond shorter", [view(0), view(30 - 1 / 60_000)], {("opens", "all", ""): (1, 1)}),
    ("return after an exit", [view(0), left(1), view(2)], {("opens", "all", ""): (2, 2)}),
    ("exit alone opens nothing", [left(0)], {("opens", "all", ""): (0, 0)}),
]


@pytest.mark.parametrize(("history", "cells"), [case[1:] for case in VECTORS], ids=[case[0] for case in VECTORS])
def test_vectors_of_the_model(history: list[Sighting], cells: dict[tuple[str, str, str], tuple[int, int]]) -> None:
    found = expect(history, T30)

    assert {cell: pair(found, *cell) for cell in cells} == cells


@pytest.mark.parametrize(
    ("history", "rules", "cell", "interval"),
    [
        ([opened(0, TWICE)], contract(), ("opens", "all", ""), (2, 2)),
        ([opened(0, (1, 3)), view(0, P)], contract(), ("opens", "all", ""), (1, 3)),
        ([view(0, (1, 3))], contract(), ("pv", "all", ""), (1, 3)),
        ([opened(0, (0, 2)), view(1)], contract("timeout=30m"), ("opens", "all", ""), (1, 2)),
        ([custom(0), view(1)], contract("timeout=30m"), ("opens", "all", ""), (1, 1)),
        ([view(-20), view(5)], contract("timeout=30m"), ("opens", "all", ""), (0, 0)),
        ([view(-40), view(5)], contract("timeout=30m"), ("opens", "all", ""), (1, 1)),
        ([opened(-40, P), view(5)], contract(), ("new_users", "all", ""), (0, 1)),
        ([view(0, device="a"), view(1, P, device="a", openid="X"), view(2, device="b", openid="X")],
         contract(), ("uv", "all", ""), (1, 2)),
        ([custom(0, openid="X"), opened(1, P)], contract(), ("uv", "all", ""), (0, 1)),
    ],
    ids=[
        "each stored launch is an open", "one launch, two more copies possible", "copies of a view",
        "a launch stored twice opens twice, absent the view opens", "a custom event opens under timeout",
        "the gap from before the period counts", "a long gap from before the period", "an unknown earlier visit",
        "one unknown event joins two devices", "a custom event makes no user",
    ],
)  # fmt: skip
def test_single_cells(
    history: list[Sighting], rules: Contract, cell: tuple[str, str, str], interval: tuple[int, int]
) -> None:
    assert pair(expect(history, rules), *cell) == interval


@st.composite
def histories(draw: st.DrawFn, ties: bool = False) -> list[Sighting]:
    """Up to seven events of up to three devices, at instants around the timeout, midnight and each other."""
    minutes = [-31, -1, 0, 1, 29, 30, 31, 59, 61, 92, 479, 480, 481, 1439, 1441, 1470]
    found = []
    size = draw(st.integers(1, 5 if ties else 7))
    times = draw(st.lists(st.sampled_from(minutes), min_size=size, max_size=size, unique=not ties))
    arrived = draw(arrivals(times))
    for place, minute in enumerate(times):
        action = draw(st.sampled_from([Action.OPEN, Action.VIEW, Action.VIEW, *Action]))
        openid = draw(st.sampled_from(["", "", "X", "Y"]))
        others = draw(st.sampled_from([(), (), (Identity("mobile", "1"),), (Identity("mobile", "2"),)]))
        found.append(
            happened(
                action,
                minute,
                draw(st.sampled_from([C, C, P, P, (0, 2), (1, 2)])),
                device=draw(st.sampled_from(["a", "a", "b", "c", ""])),
                openid=openid,
                others=others,
                source=draw(st.sampled_from(["", "ad", "share"])),
                content="spring" if minute > 30 else "",
                page=draw(st.sampled_from(["", "p/a", "p/b"])),
                session=draw(st.sampled_from(["", "s", "s", "t"])),
                view_id=draw(st.sampled_from(["", "v", "v", "w"])),
                arrived=place * 10 if ties else arrived[place],
                arrived_by=place * 10 + draw(st.sampled_from([1, 15])) if ties else None,
            )
        )
    return found


def _agrees(history: list[Sighting], rules: Contract) -> None:
    history = devices_only(history, rules)
    found = expect(history, rules)
    tried = brute.interval_of(history, rules, MIDNIGHT, DAY_AFTER)
    named = {key: (one.low, one.high) for key, one in found.intervals.items() if one.high}

    assert named == {key: one for key, one in tried.items() if one[1]}


@given(histories(), RULES)
@examples(400)
def test_intervals_are_the_least_and_most_over_all_worlds(history: list[Sighting], rules: Contract) -> None:
    _agrees(history, rules)


@given(histories(ties=True), RULES)
@examples(200)
def test_equal_dates_take_every_order_that_their_arrivals_allow(history: list[Sighting], rules: Contract) -> None:
    _agrees(history, rules)


@given(histories(), RULES)
@examples(200)
def test_certain_histories_have_exact_totals(history: list[Sighting], rules: Contract) -> None:
    certain = [
        Sighting(one.record, 1, 1, one.earliest, one.latest, one.arrived, one.arrived_by)
        for one in history
        if one.record.anonymous_id
    ]
    found = expect(certain, rules)
    plain = brute.count([one.record for one in brute.in_order(certain, rules)], rules, MIDNIGHT, DAY_AFTER)

    assert {key: one.low for key, one in found.intervals.items() if one.low} == dict(plain)
    assert all(one.width == 0 for one in found.intervals.values())


@given(st.lists(histories(), min_size=2, max_size=3), RULES)
@examples(60)
def test_groups_that_share_nothing_add_up(parts: list[list[Sighting]], rules: Contract) -> None:
    """One block of several groups, and each group in a block of its own, are the same expectations."""
    apart = [[_renamed(one, place) for one in part if one.record.anonymous_id] for place, part in enumerate(parts)]
    together = expect([one for part in apart for one in part], rules)
    summed: dict[tuple[str, str, str], tuple[int, int]] = {}
    for part in apart:
        for key, interval in expect(part, rules).intervals.items():
            low, high = summed.get(key, (0, 0))
            summed[key] = (low + interval.low, high + interval.high)

    assert {key: (one.low, one.high) for key, one in together.intervals.items()} == summed


def _renamed(one: Sighting, place: int) -> Sighting:
    said = one.record
    identities = tuple(Identity(own.type, f"{own.value}{place}") for own in said.identities)
    record = replace(
        said,
        anonymous_id=f"{said.anonymous_id}{place}",
        identities=identities,
        session=said.session and f"{said.session}{place}",
        view=said.view and f"{said.view}{place}",
    )
    return replace(one, record=record)


@given(histories(), RULES, st.data())
@examples(150)
def test_learning_an_outcome_only_narrows(history: list[Sighting], rules: Contract, data: st.DataObject) -> None:
    place = data.draw(st.integers(0, len(history) - 1))
    known = data.draw(st.sampled_from(sorted({history[place].low, history[place].high})))
    narrowed = [replace(one, low=known, high=known) if at == place else one for at, one in enumerate(history)]
    wide, narrow = expect(history, rules), expect(narrowed, rules)

    for key in wide.intervals.keys() | narrow.intervals.keys():
        before, after = wide.expected(*key), narrow.expected(*key)
        if before is not None and after is not None:
            assert before.low <= after.low
            assert after.high <= before.high


@given(histories(), RULES, st.randoms(use_true_random=False))
@examples(100)
def test_the_order_of_ledger_lines_is_irrelevant(history: list[Sighting], rules: Contract, random: object) -> None:
    shuffled = list(history)
    random.shuffle(shuffled)  # type: ignore[attr-defined]

    assert expect(shuffled, rules).intervals == expect(history, rules).intervals


def test_more_unknowns_than_can_be_tried_stay_sound() -> None:
    """Twenty unknown events that move between two users: no world is outside, though the pair is wide."""
    history = [
        view(minute, P if minute % 2 else C, device="ab"[minute % 3 % 2], openid=["", "X", "Y"][minute % 3])
        for minute in range(40)
    ]
    found = expect(history, contract())
    certain = [one for one in history if one.low]
    everything = brute.count([one.record for one in history], contract(), MIDNIGHT, DAY_AFTER)
    least = brute.count([one.record for one in certain], contract(), MIDNIGHT, DAY_AFTER)

    for key in [("uv", "all", ""), ("new_users", "all", ""), ("pv", "all", "")]:
        low, high = pair(found, *key)
        assert low <= min(everything[key], least[key])
        assert high >= max(everything[key], least[key])


def test_an_event_at_the_begin_counts_and_one_at_the_end_does_not() -> None:
    found = expect([view(0), view(24 * 60), view(24 * 60 - 1 / 60_000)], contract())

    assert pair(found, "pv") == (2, 2)
    assert found.outside == 1


def test_events_outside_the_period_are_told() -> None:
    found = expect([view(-1), view(5), view(24 * 60 + 3)], contract(), end=Ms(DAY_AFTER))

    assert (found.planned, found.outside) == (3, 2)
