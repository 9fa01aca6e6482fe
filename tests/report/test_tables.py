"""Rows and their order; what is not right, what cannot be known, what was left out."""

from __future__ import annotations

from simulator.finding import Interval, Judged, Verdict
from simulator.report.result import Result
from simulator.report.tables import (
    Row,
    Tally,
    Unknowable,
    not_checkable,
    not_right,
    remainder,
    shorten,
    table,
    tally,
)


def right(metric: str, by: str, cell: str, number: int = 1) -> Judged:
    return Judged(metric, by, cell, Interval(number, number), number, Verdict.PASS)


def wrong(metric: str, by: str, cell: str) -> Judged:
    return Judged(metric, by, cell, Interval(2, 2), 1, Verdict.FAIL)


def unknowable(metric: str, by: str, cell: str) -> Judged:
    return Judged(metric, by, cell, None, 1, Verdict.INCONCLUSIVE, "no id")


def names(cells: list[Judged], by: str) -> list[str]:
    return [row.cell for row in table(cells, by).rows]


def test_hours_are_in_the_order_of_instants() -> None:
    """The hour that daylight saving repeats is two cells, the one with the larger offset first."""
    cells = [
        right("pv", "hour", cell)
        for cell in ("2026-10-25T02:00+01:00", "2026-10-25T03:00+01:00", "no hour", "2026-10-25T02:00+02:00")
    ]

    assert names(cells, "hour") == [
        "2026-10-25T02:00+02:00",
        "2026-10-25T02:00+01:00",
        "2026-10-25T03:00+01:00",
        "no hour",
    ]


def test_other_cells_are_in_the_order_of_size_and_none_is_last() -> None:
    cells = [right("pv", "source", "(none)", 99), right("pv", "source", "b", 5), right("pv", "source", "a", 7)]

    assert names(cells, "source") == ["a", "b", "(none)"]


def test_a_row_has_only_the_metrics_of_its_cell() -> None:
    cells = table([right("uv", "page", "p"), right("pv", "page", "p"), right("opens", "source", "s")], "page")

    assert cells.metrics == ("pv", "uv")
    assert [list(row.judged) for row in cells.rows] == [["pv", "uv"]]


def test_what_cannot_be_known_does_not_hide_that_the_rest_is_right() -> None:
    row = Row("a", {"pv": right("pv", "source", "a"), "uv": unknowable("uv", "source", "a")})

    assert row.status == "pass"
    assert Row("a", {"uv": unknowable("uv", "source", "a")}).status == "not checkable"


def test_a_cut_table_keeps_what_is_wrong() -> None:
    rows = table(
        [*(right("pv", "day", f"2026-03-0{day}") for day in (1, 2, 3)), wrong("pv", "day", "2026-03-04")], "day"
    )

    shown, left_out = shorten(rows.rows, 2)

    assert [row.cell for row in shown] == ["2026-03-04", "2026-03-01"]
    assert remainder(left_out) == "… 2 more, all pass"


def test_a_table_that_fits_keeps_its_order() -> None:
    rows = table([right("pv", "day", "2026-03-01"), wrong("pv", "day", "2026-03-02")], "day").rows

    assert shorten(rows, 2) == (rows, ())


def test_a_remainder_says_when_something_in_it_is_not_right() -> None:
    rows = table([wrong("pv", "day", f"2026-03-0{day}") for day in (1, 2, 3)], "day").rows

    assert remainder(shorten(rows, 1)[1]) == "… 2 more, 2 of them not right"


def test_what_is_not_right_comes_worst_first_and_totals_before_their_parts(samples: dict[str, Result]) -> None:
    late = Judged("uv", "all", "", Interval(1, 1), None, Verdict.INCONCLUSIVE)
    cells = [
        right("pv", "all", ""),
        unknowable("opens", "all", ""),
        late,
        wrong("pv", "hour", "h"),
        wrong("pv", "all", ""),
    ]

    assert not_right(cells) == (cells[4], cells[3], late)
    assert not_right(samples["passing"].metrics) == ()


def test_what_cannot_be_known_is_grouped_by_metric_and_reason() -> None:
    cells = [unknowable("uv", "all", ""), unknowable("uv", "source", "a"), right("pv", "all", "")]

    assert not_checkable(cells) == (Unknowable("uv", "no id", 2),)


def test_a_tally_counts_the_cells_of_one_metric_and_kind() -> None:
    cells = [right("pv", "source", "a"), wrong("pv", "source", "b"), wrong("uv", "source", "a")]

    assert tally(cells, "pv", "source") == Tally(1, 2, "fail")
    assert tally(cells, "pv", "page") == Tally(0, 0, "not checkable")
