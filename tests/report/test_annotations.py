"""What GitHub and GitLab are told: the weightiest first, at the right line, and nothing that they would obey."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from simulator.api import Run
from simulator.cli.annotating import annotate
from simulator.finding import Interval, Judged, Verdict
from simulator.ledger.manifest import write_manifest
from simulator.report.annotations import Annotation, annotations_of, github_text, gitlab_json, shown_file
from simulator.report.result import Result
from tests.report.conftest import failing, hostile, incomplete, passing
from tests.runs.two_run_samples import manifest

FILE = "scenarios/campaign_day.yaml"
LINES = {"scenario": 12, "expect.totals": 90, "expect.slo[0]": 92, "expect.slo[1]": 93}


def of(result: Result) -> tuple[Annotation, ...]:
    return annotations_of(result, LINES.__getitem__)


def test_a_pass_tells_nothing() -> None:
    assert of(passing()) == ()
    assert github_text((), FILE) == ""
    assert json.loads(gitlab_json((), FILE)) == []


def test_a_failing_run_tells_its_verdict_levels_findings_and_cells_at_their_lines() -> None:
    assert [(one.level, one.check, one.line, one.title) for one in of(failing())] == [
        ("error", "run", 12, "mpsim FAIL: campaign-day"),
        ("error", "slo", 92, "p95 < 200ms was missed"),
        ("error", "attribution", 12, "attribution x 1"),
        ("error", "lost", 12, "lost x 1"),
        ("error", "pv-all", 90, "PV in total: fail"),
        ("error", "opens-source", 90, "Opens of source wechat_ad: fail"),
        ("error", "pv-source", 90, "PV of source 春季海报: fail"),
        ("error", "opens-source", 90, "Opens of source 春季海报: fail"),
        ("error", "pv-hour", 90, "PV of hour 2026-03-01T12:00+08:00: fail"),
    ]


def test_an_incomplete_run_is_a_warning_but_for_a_level_that_is_missed() -> None:
    assert {one.level for one in of(incomplete()) if one.check != "slo"} == {"warning"}


def test_ten_at_most_and_how_many_more() -> None:
    many = tuple(Judged("pv", "page", f"p{number}", Interval(1, 1), 0, Verdict.FAIL) for number in range(40))
    found = of(replace(failing(), metrics=many))

    assert len(found) == 10
    assert found[-1].text == "35 more things not told here; result.json and report.html have all"


def test_github_is_told_in_its_words() -> None:
    one = Annotation("error", "pv", "a: b, 100%", "50 %\nof it: x, y", 7, "k")

    assert github_text((one,), "a,b.yaml") == (
        "::error file=a%2Cb.yaml,line=7,title=a%3A b%2C 100%25::50 %25%0Aof it: x, y\n"
    )


def test_gitlab_is_told_in_its_words_and_knows_the_same_thing_again() -> None:
    rows = json.loads(gitlab_json(of(failing()), FILE))

    assert rows[0] == {
        "description": "mpsim FAIL: campaign-day: "
        "5 of 130 totals are wrong: PV in total: expected 11,339, observed 11,338.",
        "check_name": "mpsim/run",
        "fingerprint": rows[0]["fingerprint"],
        "severity": "critical",
        "location": {"path": FILE, "lines": {"begin": 12}},
    }
    assert len({row["fingerprint"] for row in rows}) == len(rows)
    again = json.loads(gitlab_json(of(replace(failing(), reasons=("Otherwise.",))), FILE))
    assert [row["fingerprint"] for row in again] == [row["fingerprint"] for row in rows]


@pytest.mark.parametrize("write", [github_text, gitlab_json])
def test_names_from_outside_are_told_and_not_obeyed(write: Callable[[tuple[Annotation, ...], str], object]) -> None:
    said = write(of(hostile()), FILE)
    text = said.decode() if isinstance(said, bytes) else str(said)

    assert not any(character in text for character in "\x1b\u202e\ud800")
    if write is github_text:
        assert all(line.startswith(("::error file=", "::warning file=")) for line in text.splitlines())


def test_a_path_is_told_from_the_root_of_the_checkout(tmp_path: Path) -> None:
    assert shown_file(tmp_path / "scenarios" / "a.yaml", tmp_path) == "scenarios/a.yaml"
    assert shown_file(Path("/elsewhere/a.yaml"), tmp_path) == "/elsewhere/a.yaml"


@pytest.fixture
def run(tmp_path: Path) -> Run:
    scenario = Path(__file__).parents[2] / FILE
    (tmp_path / "run" / "scenario").mkdir(parents=True)
    (tmp_path / "run" / "scenario" / scenario.name).write_bytes(scenario.read_bytes())
    write_manifest(tmp_path / "run", replace(manifest(), given=str(tmp_path / "checkout" / FILE)))
    return Run(failing(), tmp_path / "run")


SERVICES = [
    # asked, environment, GitHub's lines on standard output, GitLab's file
    ("github", {}, True, False),
    ("gitlab", {}, False, True),
    ("auto", {}, False, False),
    ("auto", {"GITHUB_ACTIONS": "true"}, True, False),
    ("auto", {"GITLAB_CI": "true"}, False, True),
    (None, {"GITHUB_ACTIONS": "true"}, False, False),
]


@pytest.mark.parametrize(("asked", "environment", "github", "gitlab"), SERVICES)
def test_who_is_told_is_asked_for_or_seen(
    run: Run,
    asked: str | None,
    environment: dict[str, str],
    github: bool,
    gitlab: bool,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    for name in ("GITHUB_ACTIONS", "GITLAB_CI", "CI_PROJECT_DIR"):
        monkeypatch.delenv(name, raising=False)
    for name, value in {**environment, "GITHUB_WORKSPACE": str(tmp_path / "checkout")}.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setenv("CI_PROJECT_DIR", str(tmp_path / "checkout"))

    annotate(run, asked)

    said = capsys.readouterr().out
    assert said.startswith(f"::error file={FILE},line=11,title=mpsim FAIL%3A campaign-day::") is github
    file = run.folder / "gl-code-quality-report.json"
    assert file.exists() is gitlab
    if gitlab:
        assert json.loads(file.read_text(encoding="utf-8"))[0]["location"]["path"] == FILE
