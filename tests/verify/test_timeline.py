"""What happened when: hand-written instants, and any way of cutting a run into parts says the same."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from simulator.ledger.record import Attempt
from simulator.verify.timeline import MOST_STRETCHES, Timeline
from simulator.wire.request import Evidence, Outcome, Purpose

SECOND = 1_000_000_000
BEGIN = 1_800_000_000 * SECOND


def attempt(sent: int, done: int, outcome: Outcome, purpose: Purpose = Purpose.EVENT) -> Attempt:
    return Attempt(0, 0, 0, purpose, sent, sent, done, outcome, Evidence.REPLY, 200)


def test_two_seconds_by_hand() -> None:
    line = Timeline()
    line.start(BEGIN + SECOND // 2, BEGIN)
    line.add_acked([BEGIN, BEGIN + SECOND], [BEGIN + SECOND, BEGIN + SECOND + 1])
    line.add_attempts(
        [
            attempt(BEGIN, 0, Outcome.UNKNOWN),
            attempt(BEGIN, BEGIN + 1, Outcome.REFUSED),
            attempt(BEGIN, BEGIN + SECOND, Outcome.UNKNOWN),
            attempt(BEGIN, BEGIN + 1, Outcome.ACKED, Purpose.SETUP),
        ]
    )
    rows = {one.begin: one for one in line.stretches()}

    assert line.seconds == 0.125
    assert list(rows) == [number * 0.125 for number in range(9)]
    assert (rows[0].due, rows[0].started, rows[0].sent, rows[0].refused, rows[0].in_flight) == (1, 0, 4, 1, 3)
    assert (rows[0.5].due, rows[0.5].started, rows[0.5].sent, rows[0.5].in_flight) == (0, 1, 0, 3)
    last = rows[1.0]
    # The one that never ended is in flight to the end.
    assert (last.sent, last.acked, last.refused, last.unknown, last.in_flight) == (1, 2, 0, 1, 1)


def test_nothing_has_no_stretch() -> None:
    assert Timeline().stretches() == ()


def test_a_day_has_no_more_stretches_than_a_minute() -> None:
    line = Timeline()
    at = [BEGIN + number * 60 * SECOND for number in range(24 * 60)]
    line.add_acked(at, at)

    assert MOST_STRETCHES // 2 <= len(line.stretches()) <= MOST_STRETCHES
    assert sum(one.acked for one in line.stretches()) == 24 * 60


INSTANTS = st.integers(0, 500 * SECOND)


@given(st.lists(st.tuples(INSTANTS, INSTANTS), max_size=60), st.data())
def test_parts_add_up_to_the_whole(pairs: list[tuple[int, int]], data: st.DataObject) -> None:
    sends = [(BEGIN + min(pair), BEGIN + max(pair)) for pair in pairs]
    whole, parts = Timeline(), [Timeline(), Timeline(), Timeline()]
    for sent, done in sends:
        whole.add_acked([sent], [done])
        data.draw(st.sampled_from(parts)).add_acked([sent], [done])
    merged = Timeline()
    for part in parts:
        merged.merge(part)

    assert merged.stretches() == whole.stretches()
    assert len(whole.stretches()) <= MOST_STRETCHES
    begin, width = min((sent for sent, _ in sends), default=0), int(whole.seconds * SECOND)
    for number, one in enumerate(whole.stretches()):
        place = begin // width + number  # by brute force
        assert one.sent == sum(sent // width == place for sent, _ in sends)
        assert one.acked == sum(done // width == place for _, done in sends)
        assert one.in_flight == sum(sent // width <= place < done // width for sent, done in sends)
