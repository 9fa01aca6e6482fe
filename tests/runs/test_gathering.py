"""Sums over attempts: those of a usual visitor, taken as numbers, are those of any other, taken one by one."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from simulator.ledger.read import Fields, decode
from simulator.ledger.write import DONE, OPEN
from simulator.runs.gathering import SLICES, Attempts, Gathered, Gatherer
from simulator.verify.sighting import AttemptSummary
from simulator.verify.slo import Latencies
from simulator.wire.request import Evidence, Outcome, Purpose

T = 1_772_300_000_000_000_000  # ns


@st.composite
def visitors(draw: st.DrawFn) -> list[Fields]:
    """Attempts of one visitor: mostly acked at once, of distinct requests."""
    rows: list[Fields] = []
    for request in range(draw(st.integers(0, 4))):
        number = draw(st.sampled_from([request] * 12 + [0]))
        attempt = draw(st.sampled_from([0] * 12 + [1]))
        purpose = draw(st.sampled_from([Purpose.EVENT, Purpose.EVENT, Purpose.SETUP, Purpose.LOOKUP]))
        intended = T + draw(st.integers(0, 3)) * 900_000_000
        began = intended + draw(st.integers(-2, 3_000)) * 1_000_000
        sent = began + draw(st.integers(0, 2_000)) * 1_000_000
        done = sent + draw(st.integers(0, 10_000_000))
        outcome = draw(st.sampled_from([Outcome.ACKED] * 12 + [Outcome.REFUSED, Outcome.UNKNOWN]))
        if draw(st.integers(0, 15)):
            rows.append((intended, began, 7, number, attempt, purpose, DONE, 200, outcome, Evidence.REPLY, sent, done))
        else:
            rows.append((intended, began, 7, number, attempt, purpose, OPEN, 0, 0, 0, 0, 0))
    return rows


def summed(visitors: list[list[Fields]], *, one_by_one: bool) -> tuple[Gathered, Attempts]:
    gatherer, found = Gatherer(), Attempts()
    for rows in visitors:
        if one_by_one:
            gatherer._take_each(rows, found)
        else:
            gatherer.take(rows, found)
    gathered = gatherer.finish()
    if one_by_one:
        gathered.latencies = Latencies()
        for rows in visitors:
            gathered.latencies.add_visitor([decode(row) for row in rows])
    return gathered, found


def told(gathered: Gathered) -> list[object]:
    latencies = gathered.latencies
    histograms = [latencies.response, latencies.service, latencies.late]
    figures = [(one.count, one.total, one.largest, one._buckets) for one in histograms]
    return [gathered.summary, *figures, latencies.on_time, gathered.failures, gathered.lookups]


@given(st.lists(visitors(), max_size=6))
def test_sums_are_the_same_either_way(several: list[list[Fields]]) -> None:
    assert told(summed(several, one_by_one=False)[0]) == told(summed(several, one_by_one=True)[0])


@given(visitors())
def test_no_attempt_is_left_out_and_acked_ones_are(rows: list[Fields]) -> None:
    _, found = summed([rows], one_by_one=False)
    _, expected = summed([rows], one_by_one=True)

    assert found.acked.keys().isdisjoint(found.others)
    decoded = {key: [decode(row)] for key, row in found.acked.items()}
    assert {**decoded, **found.others} == expected.others
    assert all(row[8] == Outcome.ACKED for row in found.acked.values())


@given(st.lists(visitors(), max_size=6), st.integers(0, 6))
def test_merging_is_summing_up_together(several: list[list[Fields]], cut: int) -> None:
    merged, _ = summed(several[:cut], one_by_one=False)
    merged.merge(summed(several[cut:], one_by_one=False)[0])

    assert told(merged) == told(summed(several, one_by_one=False)[0])


def test_a_usual_visitor() -> None:
    """A setup, a lookup and an event, each acked: one judged send. The lookup began before it was connected."""
    ms = 1_000_000
    rows: list[Fields] = [
        (T, T, 7, 0, 0, Purpose.SETUP, DONE, 200, Outcome.ACKED, Evidence.REPLY, T, T + 900 * ms),
        (
            T + 10 * ms,
            T + 11 * ms,
            7,
            1,
            0,
            Purpose.LOOKUP,
            DONE,
            200,
            Outcome.ACKED,
            Evidence.REPLY,
            T + 12 * ms,
            T + 15 * ms,
        ),
        (
            T + 20 * ms,
            T + 21 * ms,
            7,
            2,
            0,
            Purpose.EVENT,
            DONE,
            200,
            Outcome.ACKED,
            Evidence.REPLY,
            T + 23 * ms,
            T + 30 * ms,
        ),
    ]
    gathered, found = summed([rows], one_by_one=False)

    assert gathered.summary == AttemptSummary(sent=1, acked=1)
    assert (gathered.latencies.response.largest, gathered.latencies.service.largest) == (10_000, 7_000)
    assert (gathered.latencies.late.largest, gathered.latencies.on_time) == (1_000, 1)
    assert list(found.acked) == [(7, 0), (7, 1), (7, 2)]


@given(st.lists(visitors(), max_size=40), st.integers(1, 60))
def test_slices_together_are_the_whole(given: list[list[Fields]], count: int) -> None:
    """Each visitor is in the slice of its number, and nothing is in two or in none."""
    gatherer = Gatherer(count)
    for number, rows in enumerate(given[:count]):
        gatherer.take([(*row[:2], number, *row[3:]) for row in rows], Attempts())
    gathered = gatherer.finish()

    whole = Gathered(latencies=Latencies())
    for number in sorted(gathered.slices):
        whole.latencies.merge(gathered.slices[number])
    expected = [latencies.as_json() for latencies in (gathered.latencies.response, gathered.latencies.service)]
    assert [latencies.as_json() for latencies in (whole.latencies.response, whole.latencies.service)] == expected
    assert whole.latencies.late.as_json() == gathered.latencies.late.as_json()
    assert set(gathered.slices) <= {number * SLICES // count for number in range(count)}


def test_a_slice_that_is_met_again_goes_on() -> None:
    """Blocks of several phases come out of order."""
    gatherer = Gatherer(40)
    row = (T, T, 0, 0, 0, Purpose.EVENT, DONE, 200, Outcome.ACKED, Evidence.REPLY, T, T + 5_000)
    for visitor in (0, 39, 1, 39):
        gatherer.take([(*row[:2], visitor, *row[3:])], Attempts())

    assert {number: one.service.count for number, one in gatherer.finish().slices.items()} == {0: 2, 19: 2}
