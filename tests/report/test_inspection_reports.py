"""An inspection's reports: the same facts in every form, escaped, and in the shape that their readers want."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any
from xml.etree import ElementTree as ET

import jsonschema
import pytest

from simulator.contract import Definitions
from simulator.finding import ExitCode, Interval, Judged, Verdict
from simulator.inspect.inspection import Inspection, inspect
from simulator.inspect.rules import RULES
from simulator.report.inspection.folder import write_inspection
from simulator.report.inspection.junit import junit_xml
from simulator.report.inspection.outcome import Outcome, to_json
from simulator.report.inspection.page import page_html
from simulator.report.inspection.sarif import sarif
from simulator.report.inspection.text import headline, inspection_lines
from tests.inspect.stories import Story, case, program

MARKUP = "<img src=x onerror=alert(1)>"
TOTALS = (
    Judged("pv", "all", "", Interval(3, 3), 3, Verdict.PASS),
    Judged("uv", "all", "", Interval(2, 2), 2, Verdict.PASS),
    Judged("opens", "all", "", Interval(2, 2), 1, Verdict.FAIL, "1 missing"),
    Judged("new_users", "all", "", Interval(2, 2), 2, Verdict.PASS),
    Judged("pv", "source", MARKUP, Interval(0, 0), 1, Verdict.FAIL, "1 too many"),
)


def outcome(inspection: Inspection, totals: tuple[Judged, ...] = TOTALS) -> Outcome:
    return Outcome(
        program="apps/shop",
        appid="wx0123456789abcdef",
        scenario="campaign_day",
        seed=1,
        visitors=2,
        requests=9,
        events=7,
        format="dmhub",
        definitions=Definitions(),
        period=("2026-03-01T00:00:00+08:00", "2026-03-02T00:00:00+08:00"),
        inspection=inspection,
        totals=totals,
        exit_code=ExitCode.FAIL,
        reasons=("1 finding of the rules: event-prefix.",),
        seconds=1.5,
    )


def test_where_a_total_is_wrong_there_is_something_to_mend() -> None:
    wrong = outcome(inspect(case(Story().launch().open().view())))
    right = outcome(wrong.inspection, TOTALS[:2])

    assert wrong.inspection.findings == ()
    assert "7 events in 9 requests (dmhub), 2 totals not as planned, in 1.5 s" in headline(wrong)
    assert "nothing to mend" in headline(right)


def broken() -> Outcome:
    story = Story().launch().open().view().sent("add_to_cart", note=MARKUP).sent(f"c_{MARKUP}"[:32])
    return outcome(inspect(case(story, source=program(utils__a_js="getApp().cl_tracker.track('add_to_cart');"))))


def clean() -> Outcome:
    return outcome(inspect(case(Story().launch().open().view(), source=program())), TOTALS[:2])


def test_the_lines_of_a_finding_say_all_five_things() -> None:
    text = "\n".join(line for line, _ in inspection_lines(broken()))

    start = text.index("✕ error  event-prefix")
    assert re.sub(r"https://\S+", "URL", text[start:]).split("\n")[:8] == [
        "✕ error  event-prefix: Custom events begin with c_",
        "    seen      track('add_to_cart'): neither the tracker's own event nor c_… (2 times, 1 visitor)",
        "              utils/a.js:1",
        "              visitor 0, 2026-03-01T02:00:02.030Z, pages/index/index, GET URL",
        "    expected  mini_program_open, mini_program_view, open_page, or a name that begins with c_",
        "    document  DM Hub help centre, Mini program monitoring, 3 Examples of recording events: custom events "
        "start with c_ and are added in the system first",
        "    mend      Call it c_…, and register it under that name.",
        "",
    ]


def test_the_lines_begin_with_the_verdict_and_the_totals() -> None:
    lines = [line for line, _ in inspection_lines(broken())]

    assert lines[:2] == [
        "FAIL  2 visitors of campaign_day through apps/shop: 7 events in 9 requests (dmhub), 2 errors, in 1.5 s",
        "      1 finding of the rules: event-prefix.",
    ]
    assert "  ✕ Opens      1, planned 2" in lines
    assert "  ✓ PV         3, as planned" in lines


def test_names_that_contain_markup_are_text_on_the_page() -> None:
    page = page_html(broken())

    assert "<img" not in page
    assert "&lt;img src=x" in page
    assert "<script" not in page


def test_the_page_needs_nothing_from_outside() -> None:
    page = page_html(broken())

    assert "default-src 'none'" in page
    assert not re.search(
        r'(?:src|href)="(?!#|https://(?:app|api-docs)\.convertlab\.com|https://developers\.weixin)', page
    )


def test_a_page_without_findings_says_so() -> None:
    assert "Every rule that was asked is kept" in page_html(clean())


def test_junit_has_a_case_a_rule_and_a_total() -> None:
    root = ET.fromstring(junit_xml(broken()))

    cases = {case.get("name"): case for case in root.iter("testcase")}
    assert {rule.code for rule in RULES} <= cases.keys()
    assert cases["event-prefix"].find("failure") is not None
    assert cases["open-target"].find("failure") is None
    assert (root.get("failures"), root.get("tests")) == ("5", str(1 + len(RULES) + len(TOTALS)))


def test_json_tells_where_and_how_to_mend() -> None:
    document = to_json(broken())

    (finding,) = [one for one in document["findings"] if one["rule"] == "event-prefix"]
    assert (document["verdict"], document["exit_code"], finding["count"], finding["visitors"]) == ("fail", 1, 2, [0])
    assert finding["evidence"][0]["file"] == "utils/a.js"
    assert finding["evidence"][1]["page"] == "pages/index/index"
    assert document["metrics"][2]["expected"] == [2, 2]


# The main shape of SARIF 2.1.0, as its public schema has it: what a code host reads.
SARIF_SHAPE: dict[str, Any] = {
    "type": "object",
    "required": ["version", "runs"],
    "properties": {
        "version": {"const": "2.1.0"},
        "$schema": {"type": "string", "format": "uri"},
        "runs": {
            "type": "array",
            "items": {
                "type": "object",
                "required": ["tool", "results"],
                "properties": {
                    "tool": {
                        "type": "object",
                        "required": ["driver"],
                        "properties": {
                            "driver": {
                                "type": "object",
                                "required": ["name", "rules"],
                                "properties": {
                                    "rules": {
                                        "type": "array",
                                        "uniqueItems": True,
                                        "items": {
                                            "type": "object",
                                            "required": ["id"],
                                            "properties": {
                                                "id": {"type": "string"},
                                                "shortDescription": {"$ref": "#/definitions/message"},
                                                "fullDescription": {"$ref": "#/definitions/message"},
                                                "help": {"$ref": "#/definitions/message"},
                                                "helpUri": {"type": "string", "format": "uri"},
                                                "defaultConfiguration": {
                                                    "type": "object",
                                                    "properties": {"level": {"$ref": "#/definitions/level"}},
                                                },
                                            },
                                        },
                                    }
                                },
                            }
                        },
                    },
                    "columnKind": {"enum": ["utf16CodeUnits", "unicodeCodePoints"]},
                    "results": {
                        "type": "array",
                        "items": {
                            "type": "object",
                            "required": ["message"],
                            "properties": {
                                "ruleId": {"type": "string"},
                                "ruleIndex": {"type": "integer", "minimum": -1},
                                "level": {"$ref": "#/definitions/level"},
                                "message": {"$ref": "#/definitions/message"},
                                "baselineState": {"enum": ["new", "unchanged", "updated", "absent"]},
                                "occurrenceCount": {"type": "integer", "minimum": 1},
                                "partialFingerprints": {"type": "object", "additionalProperties": {"type": "string"}},
                                "locations": {"type": "array", "minItems": 1, "items": {"$ref": "#/definitions/place"}},
                            },
                        },
                    },
                },
            },
        },
    },
    "definitions": {
        "level": {"enum": ["none", "note", "warning", "error"]},
        "message": {"type": "object", "required": ["text"], "properties": {"text": {"type": "string"}}},
        "place": {
            "type": "object",
            "required": ["physicalLocation"],
            "properties": {
                "physicalLocation": {
                    "type": "object",
                    "properties": {
                        "artifactLocation": {"type": "object", "properties": {"uri": {"type": "string"}}},
                        "region": {
                            "type": "object",
                            "properties": {
                                "startLine": {"type": "integer", "minimum": 1},
                                "startColumn": {"type": "integer", "minimum": 1},
                            },
                        },
                    },
                }
            },
        },
    },
}


def test_sarif_has_the_shape_of_its_schema() -> None:
    jsonschema.validate(sarif(broken()), SARIF_SHAPE)


def test_a_sarif_result_points_at_its_rule_and_line() -> None:
    (run,) = sarif(broken())["runs"]

    (result,) = [one for one in run["results"] if one["ruleId"] == "event-prefix"]
    assert run["tool"]["driver"]["rules"][result["ruleIndex"]]["id"] == "event-prefix"
    assert result["locations"][0]["physicalLocation"] == {
        "artifactLocation": {"uri": "utils/a.js", "uriBaseId": "%SRCROOT%"},
        "region": {"startLine": 1, "startColumn": 1},
    }


def test_every_form_is_written(tmp_path: Path) -> None:
    page = write_inspection(tmp_path / "out", broken())

    assert page.name == "report.html"
    assert {file.name for file in page.parent.iterdir()} == {
        "inspect.json",
        "inspect.sarif",
        "junit.xml",
        "report.html",
    }
    assert json.loads((page.parent / "inspect.sarif").read_text())["version"] == "2.1.0"


@pytest.mark.parametrize("made", [broken, clean], ids=["findings", "none"])
def test_the_same_inspection_is_told_with_the_same_bytes(made: Any) -> None:
    assert page_html(made()) == page_html(made())
    assert junit_xml(made()) == junit_xml(made())
