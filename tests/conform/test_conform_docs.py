"""The page on conformance names what there is."""

from __future__ import annotations

import re
import shlex

import pytest

from simulator.cli.conform import command
from simulator.report.conform_files import BADGE_JSON, BADGE_SVG, JSON_FILE
from simulator.report.conform_page import PAGE_FILE
from simulator.report.junit import JUNIT_FILE
from simulator.report.matrix import Standing
from simulator.runs.conform.cases import chosen, suite
from simulator.runs.conform.discovering.contract_text import KEYS
from tests.e2e.commands import ROOT

PAGE = (ROOT / ".github" / "docs" / "conform.md").read_text(encoding="utf-8")
COMMANDS = [line.partition("#")[0] for line in re.findall(r"^mpsim conform.*$", PAGE, re.MULTILINE)]


@pytest.mark.parametrize("standing", Standing)
def test_every_standing_is_in_the_table(standing: Standing) -> None:
    assert f"| {standing.value} |" in PAGE


@pytest.mark.parametrize("key", KEYS)
def test_everything_that_discovery_can_find_out_is_told(key: str) -> None:
    assert f"`{key}`" in PAGE


def test_every_file_and_every_area_is_named() -> None:
    for name in (PAGE_FILE, JSON_FILE, JUNIT_FILE, BADGE_SVG, BADGE_JSON, *(case.area for case in suite())):
        assert " ".join(name.split()) in " ".join(PAGE.split())


@pytest.mark.parametrize("line", COMMANDS)
def test_every_command_of_the_page_is_one(line: str) -> None:
    context = command.make_context("conform", shlex.split(line)[2:])

    assert chosen(context.params["only"], suite())
