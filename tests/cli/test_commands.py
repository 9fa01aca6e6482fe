"""What a command line says of a mistake, and how the commands word what they print."""

from __future__ import annotations

from pathlib import Path

import pytest

from simulator.cli.main import run

ROOT = Path(__file__).parents[2]


@pytest.mark.parametrize(("typed", "meant"), [("runn", "run"), ("verfy", "verify"), ("slftest", "selftest")])
def test_a_misspelt_command_names_the_nearest(typed: str, meant: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert run([typed]) == 5

    assert f"no command {typed!r}; did you mean {meant!r}?" in capsys.readouterr().err


def test_a_word_that_is_like_no_command_gets_no_suggestion(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["xyzzy"]) == 5

    said = capsys.readouterr().err
    assert "no command 'xyzzy'" in said
    assert "did you mean" not in said


def test_a_plan_of_one_visitor_says_one_visitor(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["plan", str(ROOT / "scenarios/anonymous.yaml"), "--visitors", "1"]) == 0

    assert ": 1 visitor, seed 1, " in capsys.readouterr().out


def test_a_report_of_a_run_without_a_result_points_to_verify(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "run.json").write_text("{}", encoding="utf-8")

    assert run(["report", str(tmp_path)]) == 5

    assert f"the run was not judged yet; mpsim verify {tmp_path} does that" in capsys.readouterr().err
