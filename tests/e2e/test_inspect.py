"""`mpsim inspect` as it is typed: exit codes, what is printed, the files of a report, a baseline, wrong options."""

from __future__ import annotations

import json
from pathlib import Path
from xml.etree import ElementTree as ET

import pytest

from simulator.cli.main import run
from tests.e2e.commands import ROOT, mpsim

APPS = ROOT / "scenarios" / "apps"
SHOP, BROKEN = APPS / "shop", APPS / "broken" / "event-prefix"
JOURNEYS = ("--journeys", str(ROOT / "scenarios" / "campaign_day.yaml"))
FEW = (*JOURNEYS, "--visitors", "3", "--no-trials")


@pytest.mark.slow
def test_the_shop_passes_and_every_form_of_its_report_is_written(tmp_path: Path) -> None:
    ran = mpsim("inspect", str(SHOP), *FEW, "--out", str(tmp_path / "out"))

    assert ran.code == 0, ran
    assert ran.out.startswith("PASS  3 visitors of campaign_day through ")
    result = json.loads((tmp_path / "out" / "inspect.json").read_text())
    assert (result["verdict"], result["findings"], result["visitors"]) == ("pass", [], 3)
    assert ET.parse(tmp_path / "out" / "junit.xml").getroot().get("failures") == "0"


@pytest.mark.slow
def test_a_finding_fails_until_its_rule_is_off_or_the_baseline_knows_it(tmp_path: Path) -> None:
    baseline = tmp_path / "known.json"
    command = ("inspect", str(BROKEN), *FEW)

    printed = mpsim(*command, "--format", "sarif")
    off = mpsim(*command, "--rule", "event-prefix=off")
    written = mpsim(*command, "--write-baseline", str(baseline))
    known = mpsim(*command, "--baseline", str(baseline), "--format", "json")
    mended = mpsim("inspect", str(SHOP), *FEW, "--baseline", str(baseline))

    (result,) = json.loads(printed.out)["runs"][0]["results"]
    place = result["locations"][0]["physicalLocation"]
    assert (printed.code, result["ruleId"]) == (1, "event-prefix")
    assert (place["artifactLocation"]["uri"], place["region"]["startLine"]) == ("pages/product/detail.js", 9)
    assert (off.code, written.code, known.code, mended.code) == (0, 0, 0, 0)
    assert f"1 finding written to {baseline}" in written.out
    assert json.loads(known.out)["findings"][0]["known"] is True
    assert "mended  event-prefix: track('add_to_cart')" in mended.out


@pytest.mark.slow
def test_without_a_list_of_domains_the_rule_says_that_it_could_not_be_asked(tmp_path: Path) -> None:
    config = tmp_path / "inspect.toml"
    config.write_text("", encoding="utf-8")

    ran = mpsim("inspect", str(SHOP), *FEW, "--config", str(config))
    told = mpsim("inspect", str(SHOP), *FEW)

    said = "domain-legal had nothing to hold the tracker against: say the list of legal request domains with --domains"
    assert (ran.code, said in " ".join(ran.out.split())) == (0, True), ran
    assert "domain-legal" not in told.out


WRONG = [
    (("inspect", str(SHOP)), "expected --journeys SCENARIO"),
    (("inspect", str(SHOP / "pages"), *JOURNEYS), "holds neither app.js nor app.json"),
    (("inspect", "no/such/folder", *JOURNEYS), "no/such/folder"),
    (("inspect", str(SHOP), *JOURNEYS, "--rule", "event-prefx=off"), "did you mean event-prefix?"),
    (("inspect", str(SHOP), *JOURNEYS, "--baseline", "none.json"), "the baseline none.json cannot be read"),
    (("inspect", str(SHOP), *JOURNEYS, "--domains", "none.txt"), "--domains none.txt cannot be read"),
    (("inspect", str(SHOP), *JOURNEYS, "--config", "none.toml"), "none.toml cannot be read"),
    (
        ("inspect", str(SHOP), *JOURNEYS, "--pass-on", "http://127.0.0.1:1"),
        "--pass-on has no part in an inspection by APP_DIR",
    ),
    (("inspect", "--listen", "127.0.0.1:0", "--seed", "2"), "--seed has no part in an inspection by --listen"),
    (("inspect", str(SHOP), "--listen", "127.0.0.1:0"), "expected one of APP_DIR"),
    (("inspect",), "expected one of APP_DIR, the folder of a mini program, --listen"),
]


@pytest.mark.parametrize(("command", "told"), WRONG, ids=[told for _, told in WRONG])
def test_what_cannot_be_used_is_said(command: tuple[str, ...], told: str, capsys: pytest.CaptureFixture[str]) -> None:
    code = run(command)

    assert (code, told in (err := capsys.readouterr().err)) == (5, True), err


def test_the_rules_are_listed(capsys: pytest.CaptureFixture[str]) -> None:
    code = run(["inspect", "--rules"])

    line = "tracker-first-line   error    The tracker is required on the first line of app.js"
    assert (code, line in capsys.readouterr().out.splitlines()) == (0, True)
