"""The files of a conformance run: what they say, and that nothing from outside can do anything in them."""

from __future__ import annotations

import json
import re
from html.parser import HTMLParser
from io import StringIO
from pathlib import Path
from typing import cast
from xml.etree import ElementTree as ET

import pytest
from rich.console import Console

from simulator.finding import ExitCode
from simulator.report.conform_files import badge_json, badge_svg, junit_xml, to_json, write_conform
from simulator.report.conform_page import conform_html, headline
from simulator.report.conform_text import print_found, print_matrix
from simulator.report.matrix import Standing
from tests.conform.matrices import EACH, matrix

OK, INFO, NONE, FAILED, ERROR = EACH


@pytest.mark.parametrize(
    ("standings", "code"),
    [
        ((OK, OK), ExitCode.PASS),
        ((OK, INFO, NONE), ExitCode.PASS),
        ((OK, FAILED, ERROR), ExitCode.FAIL),
        ((OK, ERROR), ExitCode.INCOMPLETE),
        ((NONE, NONE), ExitCode.INCOMPLETE),
        ((INFO,), ExitCode.INCOMPLETE),
        ((), ExitCode.INCOMPLETE),
    ],
    ids=["all ok", "nothing failed", "one failed", "one without a reply", "nothing supported", "nothing ok", "no case"],
)
def test_the_exit_code_is_that_of_the_worst_cell(standings: tuple[Standing, ...], code: ExitCode) -> None:
    assert matrix(*standings).exit_code == code


def test_a_target_of_which_nothing_is_ok_makes_the_whole_incomplete() -> None:
    two = matrix(OK, targets=2)
    alone = {**two.judgements, "other 1": matrix(NONE).judgements["ours"]}

    assert type(two)(**{**{name: getattr(two, name) for name in two.__slots__}, "judgements": alone}).exit_code == 3


class _Page(HTMLParser):
    """The ids and links of a page, and every tag in it."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.ids: list[str] = []
        self.links: list[str] = []
        self.tags: set[str] = set()
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.add(tag)
        found = dict(attrs)
        if found.get("id"):
            self.ids.append(str(found["id"]))
        if tag == "a":
            self.links.append(str(found.get("href")))


@pytest.mark.parametrize("targets", [1, 3])
def test_every_cell_leads_to_its_evidence(targets: int) -> None:
    page = _Page(conform_html(matrix(*EACH, targets=targets)))

    assert len(page.ids) == len(set(page.ids))
    assert all(link.startswith("#") and link[1:] in page.ids for link in page.links)
    cells = {f"#case-{case}-{target}" for case in range(len(EACH)) for target in range(targets)}
    assert cells <= set(page.links)


def test_nothing_from_outside_can_run_or_be_loaded() -> None:
    text = conform_html(matrix(*EACH, targets=2, name="<img src=x onerror=alert(1)>"))

    assert "script" not in _Page(text).tags
    assert "img" not in _Page(text).tags
    assert "default-src 'none'" in text
    assert not re.search(r"(?:src|href)=\"(?!#|data:)", text)
    assert "\x1b" not in text
    assert "\u202e" not in text


def test_the_page_tells_each_standing_in_words_and_not_by_colour_alone() -> None:
    text = conform_html(matrix(*EACH))

    for standing in EACH:
        assert f'<span class="word">{standing.value}</span>' in text


@pytest.mark.parametrize(
    ("standings", "word"),
    [((OK,), "Conforms"), ((OK, INFO), "Conforms"), ((FAILED, OK), "Failed"), ((ERROR, OK), "Incomplete"),
     ((NONE,), "Incomplete")],
)  # fmt: skip
def test_the_headline(standings: tuple[Standing, ...], word: str) -> None:
    assert headline(matrix(*standings))[1] == word


def test_what_neither_failed_nor_is_ok_stands_in_the_headline() -> None:
    assert headline(matrix(OK, INFO, NONE, NONE))[2] == (
        "1 of 4 cells are ok, 1 informational, 2 not supported, none failed."
    )
    assert headline(matrix(OK, OK))[2] == "2 of 2 cells are ok, none failed."


def test_the_terminal_names_a_target_once_and_by_the_number_of_its_column() -> None:
    console = Console(file=StringIO(), width=120)
    print_found(console, matrix(OK, name="http://127.0.0.1:1").targets[0], {})
    print_matrix(console, matrix(OK, targets=2), [])

    text = cast("StringIO", console.file).getvalue()
    lines = [line.strip() for line in text.splitlines() if line.rstrip().endswith(" by dmhub")]
    assert lines == [
        "http://127.0.0.1:1 by dmhub",
        "1  ours, http://127.0.0.1:1 by dmhub",
        "2  other 1, http://127.0.0.1:1 by dmhub",
    ]


def test_junit_keeps_wrong_unknown_and_not_told_apart() -> None:
    root = ET.fromstring(junit_xml(matrix(*EACH)))

    outcomes = [[child.tag for child in one] for one in root.iter("testcase")]
    assert outcomes == [[], ["skipped"], ["skipped"], ["failure"], ["error"]]
    assert (root.get("tests"), root.get("failures"), root.get("errors"), root.get("skipped")) == ("5", "1", "1", "2")
    messages = [str(one[0].get("message")) for one in root.iter("testcase") if len(one)]
    assert [message.split(":")[0] for message in messages] == [
        "informational", "not supported", "failed", "engine error",
    ]  # fmt: skip


def test_the_json_has_every_number_and_every_exchange() -> None:
    document = json.loads(json.dumps(to_json(matrix(OK, FAILED))))

    failed = document["cases"][1]["results"]["ours"]
    assert failed["standing"] == "failed"
    assert failed["numbers"][0] == {
        "name": "pv by source ad", "expected": 2, "before": 10, "after": 13, "why": "", "got": 3,
    }  # fmt: skip
    assert failed["exchanges"][0]["outcome"] == "acked"
    assert document["targets"][0]["counts"] == {
        "ok": 1, "informational": 0, "not supported": 0, "failed": 1, "engine error": 0,
    }  # fmt: skip
    assert document["exit_code"] == 1


@pytest.mark.parametrize(
    ("standings", "message", "colour"),
    [
        ((OK, OK), "2 ok", "brightgreen"),
        ((OK, INFO, NONE), "1 ok, 1 informational, 1 not supported", "brightgreen"),
        ((OK, FAILED), "1 ok, 1 failed", "red"),
        ((OK, ERROR), "1 ok, 1 engine error", "orange"),
        ((NONE,), "1 not supported", "lightgrey"),
    ],
)
def test_the_badge_has_the_counts(standings: tuple[Standing, ...], message: str, colour: str) -> None:
    assert badge_json(matrix(*standings)) == {
        "schemaVersion": 1, "label": "mpsim conform v1", "message": message, "color": colour,
    }  # fmt: skip
    picture = ET.fromstring(badge_svg(matrix(*standings)))
    assert picture.get("aria-label") == f"mpsim conform v1: {message}"


def test_several_targets_have_a_badge_each(tmp_path: Path) -> None:
    write_conform(tmp_path, matrix(OK, targets=2, name="ours / prod"))

    assert sorted(file.name for file in tmp_path.iterdir()) == [
        "badge-other-1.json", "badge-other-1.svg", "badge-ours-prod.json", "badge-ours-prod.svg", "badge.json",
        "badge.svg", "conform.html", "conform.json", "junit.xml",
    ]  # fmt: skip
