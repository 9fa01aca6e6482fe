"""The counting of nginx's log: hand-counted totals; it must be right, or a run against it proves nothing."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.bench.tally import Cell, Log, count, told

# The day of Asia/Shanghai begins at 16:00Z of the day before; 15:59:59.999Z is the last instant of 2026-02-28.
LINES = """\
open 2026-02-28T16:00:00.000Z a.0 A wechat_ad spring
view 2026-02-28T16:00:00.001Z a.1 A wechat_ad spring pages/a
view 2026-02-28T17:30:00.000Z a.2 A wechat_ad spring pages/b
view 2026-02-28T17:30:00.000Z a.2 A wechat_ad spring pages/b
open 2026-02-28T17:00:00.000Z b.0 B - -
view 2026-02-28T17:00:00.001Z b.1 B - - pages/a
view 2026-02-28T15:59:59.999Z c.0 C - - pages/a
open 2026-02-28T16:10:00.000Z c.1 C wechat_ad -
custom 2026-02-28T16:10:00.001Z c.2 C wechat_ad -
"""
BEGIN, END = 1_772_294_400_000, 1_772_301_600_000  # 2026-02-28T16:00Z to 18:00Z


def escaped(line: str) -> bytes:
    """A line as nginx writes it: the parameters as they were sent."""
    words = [*line.split(), *[""] * 7][:7]
    words[0] = {"open": "mini_program_open", "view": "mini_program_view"}.get(words[0], words[0])
    escaped = [("" if word == "-" else word).replace(":", "%3A").replace("/", "%2F") for word in words]
    return "\t".join([*escaped, "200"]).encode() + b"\n"


@pytest.fixture
def log(tmp_path: Path) -> Iterator[Log]:
    log = Log(tmp_path)
    yield log
    log.close()


def numbers(cells: dict[str, Cell]) -> dict[str, tuple[int, int, int, int]]:
    return {name: (cell.pv, cell.uv, cell.opens, cell.new_users) for name, cell in cells.items() if cell.uv}


def test_totals_are_as_counted_by_hand(log: Log) -> None:
    log.feed(b"".join(map(escaped, LINES.splitlines())))

    cells = count(log, BEGIN, END)

    # pv, uv, opens, new users. C was there before the period, so only A and B are new; a.2 came twice.
    assert numbers(cells["all"]) == {"": (3, 3, 3, 2)}
    assert numbers(cells["source"]) == {"wechat_ad": (2, 2, 2, 1), "(none)": (1, 1, 1, 1)}
    assert numbers(cells["content"]) == {"spring": (2, 1, 1, 1), "(none)": (1, 2, 2, 1)}
    assert numbers(cells["hour"]) == {"2026-02-28T16:00+00:00": (1, 2, 2, 1), "2026-02-28T17:00+00:00": (2, 2, 1, 1)}
    assert numbers(cells["day"]) == {"2026-03-01": (3, 3, 3, 2)}
    assert {name: numbers[:2] for name, numbers in numbers(cells["page"]).items()} == {
        "pages/a": (2, 2),
        "pages/b": (1, 1),
    }


def test_a_line_may_come_in_pieces(log: Log) -> None:
    data = b"".join(map(escaped, LINES.splitlines()))
    for at in range(0, len(data), 7):
        log.feed(data[at : at + 7])

    assert numbers(count(log, BEGIN, END)["all"]) == {"": (3, 3, 3, 2)}


def test_without_limits_everything_counts(log: Log) -> None:
    log.feed(b"".join(map(escaped, LINES.splitlines())))

    assert numbers(count(log, None, None)["day"]) == {"2026-02-28": (1, 1, 0, 1), "2026-03-01": (3, 3, 3, 2)}


def test_what_was_not_answered_with_200_does_not_count(log: Log) -> None:
    log.feed(escaped(LINES.splitlines()[0]).replace(b"200\n", b"502\n"))

    assert numbers(count(log, None, None)["all"]) == {}
    assert log.passed_over == 1


def test_of_equal_instants_the_first_that_arrived_is_the_first_event(log: Log) -> None:
    log.feed(
        escaped("open 2026-02-28T16:00:00.000Z a.0 A one -") + escaped("view 2026-02-28T16:00:00.000Z a.1 A two - p")
    )

    assert numbers(count(log, None, None)["source"]) == {"one": (0, 1, 1, 1), "two": (1, 1, 0, 0)}


def test_opens_and_new_users_of_a_page_are_not_told() -> None:
    assert told("page", {"pages/a": Cell(pv=2, uv=1)}) == {
        "by": "page",
        "cells": {"pages/a": {"pv": 2, "uv": 1, "opens": None, "new_users": None}},
    }


def test_all_is_told_even_when_there_is_nothing() -> None:
    assert told("all", {"": Cell()}) == {"by": "all", "cells": {"": {"pv": 0, "uv": 0, "opens": 0, "new_users": 0}}}


def test_a_date_without_milliseconds_is_refused(log: Log) -> None:
    with pytest.raises(ValueError, match="no date of this wire"):
        log.feed(escaped("open 2026-02-28T16:00:00Z a.0 A one -"))
