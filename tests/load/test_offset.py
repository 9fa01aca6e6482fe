"""The offset of another clock: always within its bound, whatever the ways took."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as some

from simulator.load.offset import Offset

MS = 1_000_000
DRIFT = 1_201  # 600 ppm of two milliseconds


def echo(offset: Offset, sent: int, there: int, back: int, ahead: int) -> None:
    """Sent and back by our clock, and the instant between at which the other looked at its own."""
    offset.add(sent, there + ahead, back)


def test_equal_ways_give_the_offset_itself() -> None:
    offset = Offset()
    echo(offset, 0, 1 * MS, 2 * MS, ahead=5_000 * MS)

    assert (offset.ahead_ns, offset.bound_ns) == (5_000 * MS, 1 * MS + DRIFT)


def test_unequal_ways_shift_the_guess_within_its_bound() -> None:
    offset = Offset()
    echo(offset, 0, 9 * MS, 10 * MS, ahead=0)

    assert (offset.ahead_ns, offset.bound_ns) == (4 * MS, 5 * MS + 6_001)


def test_the_shortest_way_says_most() -> None:
    offset = Offset()
    echo(offset, 0, 40 * MS, 80 * MS, ahead=7 * MS)
    echo(offset, 80 * MS, 80 * MS + 100_000, 80 * MS + 200_000, ahead=7 * MS)
    echo(offset, 81 * MS, 120 * MS, 170 * MS, ahead=7 * MS)

    assert abs(offset.ahead_ns - 7 * MS) <= 100_000
    assert offset.bound_ns < 300_000


def test_an_applied_guess_keeps_the_worst_bound_there_ever_was() -> None:
    offset = Offset()
    echo(offset, 0, 1 * MS, 2 * MS, ahead=0)
    assert offset.apply() == 0
    echo(offset, 1_000 * MS, 1_030 * MS, 1_031 * MS, ahead=30 * MS)  # it was set forward by 30 ms
    echo(offset, 1_031 * MS, 1_032 * MS, 1_033 * MS, ahead=0)  # and back

    assert offset.apply() == 0
    assert 60 * MS <= offset.bound_ns < 61 * MS  # 1.030 s + 30 ms - 1.000 s: all of the way may be the way there


def test_an_answer_from_before_the_question_says_nothing() -> None:
    offset = Offset()
    offset.add(10, 5, 9)

    assert offset.echoes == 0


ways = some.tuples(some.integers(0, 200 * MS), some.integers(0, 200 * MS), some.integers(0, 2_000 * MS))


@given(some.integers(-(10**12), 10**12), some.integers(-300, 300), some.lists(ways, min_size=1, max_size=12))
def test_the_true_offset_lies_within_the_bound_while_the_clock_drifts(
    ahead: int, drift_ppm: int, trips: list[tuple[int, int, int]]
) -> None:
    offset, now = Offset(), 0

    def true_at(instant: int) -> int:
        return ahead + instant * drift_ppm // 1_000_000

    applied_at = len(trips) // 2
    for number, (there, back, pause) in enumerate(trips):
        sent, looked, came = now, now + there, now + there + back
        offset.add(sent, looked + true_at(looked), came)
        now = came + pause
        if number == applied_at:
            offset.apply()
        guess = offset.apply() if number >= applied_at else offset.ahead_ns
        assert abs(true_at(came) - guess) <= offset.bound_ns + 1
