"""How much a collector can take, in a sentence; and where the page and junit.xml say it."""

from __future__ import annotations

from dataclasses import replace
from xml.etree import ElementTree as ET

import pytest

from simulator.report.junit import junit_xml
from simulator.report.page import page_html
from simulator.report.phases import Numbered, capacity_sentence, comparable
from simulator.report.result import PhaseResult, Result, highest_that_held
from simulator.report.text import result_text
from tests.report.conftest import phase

HELD_20, HELD_40, HELD_60 = phase("a", 20.0), phase("", 40.0), phase("c", 60.0)
FELL_20, FELL_80 = phase("d", 20.0, "did not hold", "p95 was missed"), phase("e", 80.0, "did not hold", "pv: 1 missing")
OPEN_10, OPEN_80 = phase("f", 10.0, "not judged", "nobody"), phase("g", 80.0, "not judged", "not offered")

CASES = [
    ("up to a step", [HELD_20, HELD_40, FELL_80], 2,
     "The highest phase that held is phase 2 at 40.0 visitors/s; "
     "phase 3, e, at 80.0 visitors/s did not hold: pv: 1 missing."),
    ("all of them", [HELD_20, HELD_40, HELD_60], 3,
     "The highest phase that held is phase 3, c, at 60.0 visitors/s; no phase wanted more."),
    ("not in the order of the rates", [HELD_60, HELD_20], 1,
     "The highest phase that held is phase 1, c, at 60.0 visitors/s; no phase wanted more."),
    ("the last of two at one rate", [HELD_40, HELD_40, FELL_80], 2,
     "The highest phase that held is phase 2 at 40.0 visitors/s; "
     "phase 3, e, at 80.0 visitors/s did not hold: pv: 1 missing."),
    ("after a lower one that did not hold", [FELL_20, HELD_60], 2,
     "The highest phase that held is phase 2, c, at 60.0 visitors/s; no phase wanted more. "
     "But phase 1, d, at 20.0 visitors/s did not hold: p95 was missed."),
    ("at a rate that did not hold later", [HELD_20, FELL_80, FELL_20], 1,
     "The highest phase that held is phase 1, a, at 20.0 visitors/s; "
     "phase 2, e, at 80.0 visitors/s did not hold: pv: 1 missing. "
     "But phase 3, d, at 20.0 visitors/s did not hold: p95 was missed."),
    ("what is above could not be judged", [HELD_20, OPEN_80], 1,
     "The highest phase that held is phase 1, a, at 20.0 visitors/s; "
     "phase 2, g, at 80.0 visitors/s could not be judged: not offered."),
    ("none", [FELL_80, FELL_20], None, "No phase held; phase 2, d, at 20.0 visitors/s did not hold: p95 was missed."),
    ("none was judged", [OPEN_10, OPEN_80], None, "No phase could be judged: nobody."),
]  # fmt: skip


@pytest.mark.parametrize(
    ("phases", "highest", "sentence"), [case[1:] for case in CASES], ids=[case[0] for case in CASES]
)
def test_the_highest_phase_that_held(phases: list[PhaseResult], highest: int | None, sentence: str) -> None:
    assert highest_that_held(phases) == highest
    assert capacity_sentence([Numbered(number, one) for number, one in enumerate(phases, 1)]) == sentence


def test_a_single_phase_says_no_more_than_the_run(samples: dict[str, Result]) -> None:
    one = replace(samples["passing"], phases=(HELD_60,))

    assert comparable(one) == ()
    assert result_text(one) == result_text(samples["passing"])
    assert page_html(one) == page_html(samples["passing"])


def test_the_page_has_every_phase_with_its_rates_times_and_totals(samples: dict[str, Result]) -> None:
    page = page_html(samples["staircase"])
    section = page.split('<section aria-labelledby="phases">')[1].split("</section>")[0]

    assert "The highest phase that held is phase 3, campaign, at 60.0 visitors/s" in page.split("</section>")[0]
    assert '<a href="#phases">' in page
    for said in ("1 warm-up", "5 twice that", "1,160.0/s", "412.3/s", "812 ms", "not judged", "3 refused, 0 unknown",
                 "expected <span>200–204</span>", "11,600"):  # fmt: skip
        assert said in section


def test_a_phase_decides_no_verdict_in_a_pipeline(samples: dict[str, Result]) -> None:
    root = ET.fromstring(junit_xml(samples["staircase"]))
    (suite,) = [suite for suite in root if suite.get("name") == "campaign-day: phases"]

    assert [(case.get("name"), [child.tag for child in case]) for case in suite] == [
        ("1 warm-up", []),
        ("2", []),
        ("3 campaign", []),
        ("4 rush hour of the first day of a long campaign", ["skipped"]),
        ("5 twice that", ["skipped"]),
    ]
    assert (suite.get("failures"), suite.get("skipped")) == ("0", "2")
    assert suite[3][0].get("message") == "did not hold: p95 < 200ms was missed: 812 ms"
