"""The load over time, drawn: hand-written stretches, and a page that holds the whole of a long one."""

from __future__ import annotations

import re
from dataclasses import replace

from simulator.report.course import drawings
from simulator.report.page import page_html
from simulator.report.result import Course, Result
from simulator.verify.timeline import MOST_STRETCHES, Stretch

TWO = Course(0.5, (Stretch(0.0, 10, 8, 20, 15, 0, 0, 5), Stretch(0.5, 0, 2, 5, 7, 1, 2, 0)))


def test_two_stretches_by_hand() -> None:
    visitors, attempts, flight = drawings(TWO)

    assert [(line.name, line.path) for line in visitors.lines] == [
        ("wanted", "M0 0.0V0.0H500.0V1000.0H1000.0"),
        ("offered", "M0 200.0V200.0H500.0V800.0H1000.0"),
    ]
    assert [line.name for line in attempts.lines] == ["acked", "refused", "unknown"]
    assert attempts.moments[1].title == "0.5 s: 14 acked, 2 refused, 4 unknown"
    assert flight.lines[0].path == "M0 166.7V166.7H500.0V1000.0H1000.0"
    assert flight.summary == "In flight, attempts sent and not yet ended, over 1 s: at most 5 in flight."
    assert [label.text for label in visitors.up] == ["20", "10", ""]


def test_what_never_happened_has_no_line() -> None:
    quiet = Course(1.0, tuple(replace(one, refused=0, unknown=0) for one in TWO.stretches))

    assert [line.name for line in drawings(quiet)[1].lines] == ["acked"]


def test_one_stretch_is_better_said_than_drawn() -> None:
    assert drawings(Course(1.0, TWO.stretches[:1])) == ()


def test_a_long_course_is_on_the_page_as_a_whole(samples: dict[str, Result]) -> None:
    stretches = tuple(Stretch(float(n), n, n, 1_000 + n, n * 7, 0, 0, n * 3) for n in range(MOST_STRETCHES))
    document = page_html(replace(samples["passing"], course=Course(1.0, stretches)))
    paths = re.findall(r'class="line offered" d="([^"]*)"', document)

    assert len(paths) == 1
    assert paths[0].count("H") == MOST_STRETCHES
    assert paths[0].endswith("H1000.0")
