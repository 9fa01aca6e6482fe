"""A transport that sends twice: nothing is sent, and the run has a result that says so."""

from __future__ import annotations

from pathlib import Path
from xml.etree import ElementTree as ET

import pytest

from tests.e2e.commands import SCENARIOS, mpsim, result_of

pytestmark = pytest.mark.slow
SENDS_TWICE = Path(__file__).parent / "sends_twice"
SAID = "the transport's self-check failed, so nothing was sent: GET closed after a full request: 2 arrivals"


def test_a_failed_self_check_is_a_result_of_its_own(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PYTHONPATH", str(SENDS_TWICE))
    run = tmp_path / "run"
    ran = mpsim("run", SCENARIOS / "returning_visitors.yaml", "--visitors", 3, "--out", run, "-q")
    again = mpsim("verify", run)

    assert (ran.code, again.code) == (7, 7), ran
    assert "Traceback" not in ran.err
    for said in (ran.out, again.out):
        assert said.splitlines()[0].startswith("ERROR  The transport's self-check failed, so nothing was sent")
    result = result_of(run)
    (finding,) = result["findings"]
    assert (result["verdict"], result["exit_code"], result["metrics"]) == ("error", 7, [])
    assert (finding["code"], finding["verdict"], finding["text"].startswith(SAID)) == ("self_check", "error", True)
    assert (result["attempts"]["sent"], result["attempts"]["visitors"]) == (0, 3)
    assert (run / "report.html").exists()
    errors = [
        case.get("name") for case in ET.parse(run / "junit.xml").iter("testcase") if case.find("error") is not None
    ]
    assert errors == ["verdict", "self_check"]
