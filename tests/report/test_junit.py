"""junit.xml as pipelines read it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import get_args
from xml.etree import ElementTree as ET

import pytest

from simulator.report.junit import junit_xml, write_junit
from simulator.report.result import Result, RunVerdict


def test_every_status_once(samples: dict[str, Result], golden: Callable[[str, str], None]) -> None:
    golden("small.junit.xml", junit_xml(samples["small"]).decode("utf-8"))


def outcomes(result: Result) -> dict[str, str]:
    """What each case came to, by suite-less class and name."""
    cases = ET.fromstring(junit_xml(result)).iter("testcase")
    return {
        f"{case.get('classname', '').split('.', 1)[-1]} {case.get('name')}": next(
            (child.tag for child in case if child.tag != "properties"), "passed"
        )
        for case in cases
    }


def test_failures_errors_and_what_cannot_be_known_are_kept_apart(samples: dict[str, Result]) -> None:
    assert outcomes(samples["small"]) == {
        "run verdict": "failure",
        "all PV in total": "passed",
        "all UV in total": "failure",
        "all Opens in total": "error",
        "all New users in total": "skipped",
        "source PV of source 春季 & Co.": "error",
        "day PV of day 2026-03-01": "error",
        "slo p95 < 200ms": "passed",
        "slo failed < 1%": "failure",
        "slo max < 1s": "failure",
        "finding lost": "failure",
        "finding lost 2": "failure",
        "finding worker_lost": "error",
    }


@pytest.mark.parametrize("verdict", get_args(RunVerdict))
def test_only_a_passing_run_is_green_whatever_its_cells_say(verdict: RunVerdict, samples: dict[str, Result]) -> None:
    """A run with too much refused has all cells right and is incomplete."""
    told = outcomes(replace(samples["passing"], verdict=verdict))

    assert (set(told.values()) == {"passed"}) == (verdict == "pass")


@pytest.mark.parametrize("name", ["passing", "failing", "incomplete", "hostile", "small", "staircase"])
def test_counts_agree_with_the_cases_and_no_two_cases_share_a_name(name: str, samples: dict[str, Result]) -> None:
    root = ET.fromstring(junit_xml(samples[name]))
    cases = list(root.iter("testcase"))

    assert len({(case.get("classname"), case.get("name")) for case in cases}) == len(cases)
    assert (root.get("tests"), root.get("failures"), root.get("errors"), root.get("skipped")) == (
        str(len(cases)),
        *(str(len(list(root.iter(tag)))) for tag in ("failure", "error", "skipped")),
    )


def test_text_that_xml_forbids_is_spelt_out(samples: dict[str, Result]) -> None:
    root = ET.fromstring(junit_xml(samples["hostile"]))
    texts = [value for element in root.iter() for value in (*element.attrib.values(), element.text or "")]

    assert any("<script>alert(1)</script>" in text and "\\x1b[31m\\u202e&\\ud800\\ufffe" in text for text in texts)


def test_the_file_is_written_whole(samples: dict[str, Result], tmp_path: Path) -> None:
    write_junit(tmp_path / "junit.xml", samples["small"])

    assert [path.name for path in tmp_path.iterdir()] == ["junit.xml"]
    assert (tmp_path / "junit.xml").read_bytes() == junit_xml(samples["small"], tmp_path)


def test_a_failure_says_where_the_report_is_and_how_it_is_seen_again(samples: dict[str, Result]) -> None:
    document = ET.fromstring(junit_xml(samples["failing"], Path("reports/a b")))

    text = document.findtext(".//testcase[@name='verdict']/failure")
    assert text is not None
    assert text.splitlines()[-2:] == ["Replay: mpsim replay 'reports/a b'", "Report: reports/a b/report.html"]
