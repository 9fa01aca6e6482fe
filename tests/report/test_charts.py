"""The points of the drawings."""

from __future__ import annotations

from simulator.finding import Interval, Judged, Verdict
from simulator.report.charts import Label, shares, trend


def hour(cell: str, low: int | None, high: int | None, observed: int | None) -> Judged:
    expected = None if low is None or high is None else Interval(low, high)
    verdict = Verdict.PASS if expected and observed is not None and observed in expected else Verdict.FAIL
    return Judged("pv", "hour", cell, expected, observed, verdict)


def test_the_band_goes_forward_high_and_back_low_and_the_line_through_what_was_seen() -> None:
    drawn = trend([hour("2026-03-01T00:00+08:00", 2, 4, 3), hour("2026-03-01T01:00+08:00", 1, 1, 1)], "pv")

    assert drawn is not None
    assert drawn.band == "M250.0 0.0 L750.0 750.0 L750.0 750.0 L250.0 500.0Z"
    assert drawn.line == "M250.0 250.0 L250.0 250.0 L750.0 750.0"
    assert drawn.up == (Label(0.0, "4"), Label(50.0, "2"), Label(100.0, ""))
    assert drawn.across == (Label(25.0, "00:00"), Label(75.0, "01:00"))
    assert drawn.summary == "PV in 2 hours: all as expected; the most is 3 at 2026-03-01 00:00."


def test_an_hour_that_nobody_names_is_zero() -> None:
    drawn = trend([hour("2026-03-01T00:00+08:00", 4, 4, 4), hour("2026-03-01T02:00+08:00", 4, 4, 4)], "pv")

    assert drawn is not None
    assert [spot.title for spot in drawn.spots] == [
        "2026-03-01 00:00: expected 4, observed 4, pass",
        "2026-03-01 01:00: expected 0, observed 0, pass",
        "2026-03-01 02:00: expected 4, observed 4, pass",
    ]


def test_hours_in_which_nothing_is_expected_lie_on_the_axis_and_have_no_thick_band() -> None:
    drawn = trend([hour("2026-03-01T00:00+08:00", 4, 4, 4), hour("2026-03-01T04:00+08:00", 4, 4, 4)], "pv")

    assert drawn is not None
    # The flanks are of the band; from the second hour to the fourth there is only the axis.
    assert (
        drawn.band
        == "M100.0 0.0 L300.0 1000.0 L300.0 1000.0 L100.0 0.0ZM700.0 1000.0 L900.0 0.0 L900.0 0.0 L700.0 1000.0Z"
    )
    assert drawn.nought == "M300.0 1000.0 L700.0 1000.0"


def test_a_lone_hour_between_unknown_ones_is_drawn_as_what_it_is() -> None:
    unknown = [hour(f"2026-03-01T0{number}:00+08:00", None, None, None) for number in (0, 2, 4)]

    drawn = trend(
        [*unknown, hour("2026-03-01T01:00+08:00", 0, 0, 0), hour("2026-03-01T03:00+08:00", 1, 1, 1)],
        "pv",
    )

    assert drawn is not None
    assert (drawn.nought, drawn.band) == ("M300.0 1000.0 L300.0 1000.0", "M700.0 0.0 L700.0 0.0Z")
    assert [spot.known for spot in drawn.spots] == [False, True, False, True, False]


def test_an_hour_that_was_not_read_has_no_place_on_the_value_axis() -> None:
    drawn = trend([hour("2026-03-01T00:00+08:00", 1, 1, None), hour("2026-03-01T01:00+08:00", 1, 1, 0)], "pv")

    assert drawn is not None
    assert [spot.y for spot in drawn.spots] == [None, 100.0]


def test_a_side_that_says_nothing_of_any_hour_does_not_say_zero_between_them() -> None:
    unread = trend([hour(f"2026-03-01T0{number}:00+08:00", 1, 1, None) for number in (0, 2)], "pv")
    unknown = trend([hour(f"2026-03-01T0{number}:00+08:00", None, None, 1) for number in (0, 2)], "pv")

    assert unread is not None
    assert unread.spots[1].title == "2026-03-01 01:00: expected 0, not read, not read"
    assert unknown is not None
    assert unknown.spots[1].title == "2026-03-01 01:00: cannot be known, observed 0, not checkable"


def test_what_is_not_known_interrupts() -> None:
    drawn = trend(
        [
            hour("2026-03-01T00:00+08:00", 2, 2, 2),
            hour("2026-03-01T01:00+08:00", None, None, None),
            hour("2026-03-01T02:00+08:00", 2, 2, 2),
        ],
        "pv",
    )

    assert drawn is not None
    assert (drawn.band.count("M"), drawn.line.count("M"), drawn.nought) == (2, 2, "")
    assert "1 hour not as expected" in drawn.summary


def test_a_long_period_is_drawn_by_day() -> None:
    hours = [hour("2026-01-01T00:00+08:00", 1, 1, 1), hour("2026-03-01T00:00+08:00", 1, 1, 1)]
    days = [Judged("pv", "day", cell, Interval(1, 1), 1, Verdict.PASS) for cell in ("2026-01-01", "2026-03-01")]

    drawn = trend([*hours, *days], "pv")

    assert drawn is not None
    assert (drawn.by, len(drawn.spots)) == ("day", 2)


def test_what_a_collector_invents_does_not_break_a_drawing() -> None:
    invented = ("tomorrow", "2026-03-01", "0001-01-01T00:00+14:00", "2026-03-01T00:00+08:00", "2026-03-01T01:00+08:00")

    drawn = trend([hour(cell, 0, 0, -5) for cell in invented], "pv")

    assert drawn is not None
    assert [(spot.y, spot.status) for spot in drawn.spots] == [(100.0, "fail"), (100.0, "fail")]


def test_one_point_is_no_drawing() -> None:
    assert trend([Judged("pv", "all", "", Interval(1, 1), 1, Verdict.PASS)], "pv") is None
    assert trend([hour("2026-03-01T00:00+08:00", 4, 4, 4)], "pv") is None


def test_parts_lie_side_by_side() -> None:
    assert shares([1, 0, 3]) == ((0.0, 25.0), (25.0, 0.0), (25.0, 75.0))
    assert shares([0, 0]) == ((0.0, 0.0), (0.0, 0.0))
