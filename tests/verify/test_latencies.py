"""Latencies of a run, the histogram that keeps them, and the expressions about them."""

from __future__ import annotations

from dataclasses import replace
from fractions import Fraction
from math import ceil

import pytest
from hypothesis import given
from hypothesis import strategies as st

from simulator.finding import Slo
from simulator.ledger.histogram import Histogram
from simulator.ledger.record import Attempt
from simulator.scenario.slo import parse_slo
from simulator.verify.sighting import AttemptSummary
from simulator.verify.slo import Latencies, evaluate
from simulator.wire.request import Evidence, Outcome, Purpose
from tests.verify.histories import examples

MS = 1_000_000  # ns


def attempt(
    intended: float, sent: float, done: float, outcome: Outcome = Outcome.ACKED, purpose: Purpose = Purpose.EVENT
) -> Attempt:
    """Instants in ms after an arbitrary one; done 0: never."""
    base = 1_700_000_000_000_000_000
    first, second = round(base + intended * MS), round(base + sent * MS)
    return Attempt(
        0, 0, 0, purpose, first, second, round(base + done * MS) if done else 0, outcome, Evidence.REPLY, 200
    )


values = st.lists(st.integers(0, 10**11), min_size=1, max_size=200)
percents = st.fractions(min_value=Fraction(1, 10), max_value=100)


@given(values, percents)
@examples(200)
def test_a_percentile_is_at_most_one_percent_high_and_never_over_the_maximum(
    samples: list[int], percent: Fraction
) -> None:
    true = sorted(samples)[ceil(percent * len(samples) / 100) - 1]
    found = Histogram(samples).percentile(percent)

    assert found is not None
    assert true <= found <= max(samples)
    assert found - true <= true / 100


@given(values, values, percents)
@examples(50)
def test_merging_is_counting_together(one: list[int], other: list[int], percent: Fraction) -> None:
    merged = Histogram(one)
    merged.merge(Histogram(other))
    together = Histogram(one + other)

    assert merged.percentile(percent) == together.percentile(percent)
    assert (merged.count, merged.total, merged.largest) == (together.count, together.total, together.largest)


@pytest.mark.parametrize(
    ("samples", "percent", "found"),
    [
        ([], 50, None),
        ([7], 1, 7),
        ([1, 2, 3, 4], 50, 2),
        ([1, 2, 3, 4], 51, 3),
        ([1, 2, 3, 1_000_003], 100, 1_000_003),
        ([-5], 50, 0),
    ],
    ids=["no samples", "one sample", "exactly half", "more than half", "the exact maximum", "a clock set back"],
)
def test_percentiles(samples: list[int], percent: int, found: int | None) -> None:
    assert Histogram(samples).percentile(percent) == found


@pytest.mark.parametrize("percent", [0, 101, -1])
def test_no_such_percentile(percent: int) -> None:
    with pytest.raises(ValueError, match="above 0"):
        Histogram([1]).percentile(percent)


def test_three_ways_to_look_at_time() -> None:
    latencies = Latencies()
    latencies.add_visitor([attempt(0, 30, 50), attempt(100, 100, 110)])
    latencies.add_visitor([attempt(0, 1_001, 1_002, purpose=Purpose.LOOKUP), attempt(1_010, 1_010, 1_015)])
    latencies.add_visitor([attempt(0, 1_000, 1_010, Outcome.REFUSED), attempt(1_020, 1_020, 0, Outcome.UNKNOWN)])
    latencies.add_visitor([attempt(0, 500, 600, purpose=Purpose.SETUP)])

    assert (latencies.response.count, latencies.response.largest) == (3, 50_000)
    assert (latencies.service.count, latencies.service.largest) == (3, 20_000)
    assert (latencies.late.count, latencies.late.largest, latencies.on_time) == (3, 1_001_000, 2)


def test_a_collector_that_is_slow_to_accept_a_connection_makes_nobody_late() -> None:
    """Dialled in time, connected 3 s later: the visitor waits for it, and our load is the one that was asked for."""
    slow = attempt(0, 3_000, 3_010)
    began = slow.intended_ns + 2 * MS
    latencies = Latencies()
    latencies.add_visitor([replace(slow, began_ns=began)])

    assert (latencies.late.largest, latencies.on_time) == (2_000, 1)
    assert (latencies.response.largest, latencies.service.largest) == (3_010_000, 10_000)


def test_the_lateness_of_the_last_visitor_is_kept_whoever_adds_it() -> None:
    first, second, nobody = Latencies(), Latencies(), Latencies()
    first.add_visitor([attempt(0, 5, 6)])
    second.add_visitor([attempt(0, 40, 50)])
    second.add_visitor([attempt(0, 7, 9)])
    first.merge(second)
    first.merge(nobody)

    assert (first.last_late, first.late.count, nobody.last_late) == (7_000, 3, 0)


@given(st.lists(values, max_size=5), percents)
@examples(50)
def test_parts_merge_to_the_whole_in_any_order(parts: list[list[int]], percent: Fraction) -> None:
    forth, back, whole = Histogram(), Histogram(), Histogram(sample for part in parts for sample in part)
    for part in parts:
        forth.merge(Histogram(part))
    for part in reversed(parts):
        back.merge(Histogram(part))

    assert forth.percentile(percent) == back.percentile(percent) == whole.percentile(percent)
    assert (forth.count, forth.total, forth.largest) == (back.count, back.total, back.largest)


@given(values)
@examples(50)
def test_percentiles_rise_up_to_the_exact_maximum(samples: list[int]) -> None:
    histogram = Histogram(samples)
    found = [histogram.percentile(Fraction(percent)) or 0 for percent in (1, 50, 90, 95, 99, "99.9", 100)]

    assert found == sorted(found)
    assert found[-1] == max(samples)


@given(st.integers(0, 10**12), st.integers(1, 1_000))
@examples(50)
def test_equal_samples_have_one_percentile(value: int, times: int) -> None:
    histogram = Histogram([value] * times)

    assert {histogram.percentile(percent) for percent in (1, 50, 99, 100)} == {value}


def test_an_attempt_without_a_known_send_is_no_start() -> None:
    open_one = Attempt(0, 0, 0, Purpose.EVENT, 5, 0, 0, Outcome.UNKNOWN, Evidence.NONE, 0)
    latencies = Latencies()
    latencies.add_visitor([open_one])

    assert (latencies.late.count, latencies.response.count) == (0, 0)


@pytest.mark.parametrize(
    ("expression", "value", "met"),
    [
        ("p50 <= 11ms", 10.0, True),
        ("p50 < 10ms", 10.0, False),
        ("max < 51ms", 50.0, True),
        ("service max <= 20ms", 20.0, True),
        ("late p99 < 29ms", 30.0, False),
        ("failed <= 5%", 0.05, True),
        ("failed < 5%", 0.05, False),
    ],
)
def test_expressions(expression: str, value: float, met: bool) -> None:
    latencies = Latencies()
    latencies.add_visitor([attempt(0, 30, 50), attempt(100, 100, 110)])
    (slo,) = evaluate([parse_slo(expression)], latencies, AttemptSummary(100, 95, 2, 3))

    assert slo.expression == expression
    assert slo.value is not None
    assert abs(slo.value - value) <= value / 100
    assert slo.met is met


@pytest.mark.parametrize("expression", ["p95 < 1s", "service max < 1s", "late p99 < 1s", "failed < 1%"])
def test_no_samples_are_a_miss(expression: str) -> None:
    assert evaluate([parse_slo(expression)], Latencies(), AttemptSummary()) == (Slo(expression, None, False),)
