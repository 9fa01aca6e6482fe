"""What `mpsim target check` says while it waits."""

from __future__ import annotations

import pytest

from simulator.cli.target import _Progress


def said(live: bool, seconds: list[float], capsys: pytest.CaptureFixture[str]) -> str:
    progress = _Progress(live=live)
    for at in seconds:
        progress.waiting(at, 300, "pv is 0, expected 3")
    progress.clear()
    return capsys.readouterr().err


def test_without_a_terminal_there_is_a_line_every_ten_seconds(capsys: pytest.CaptureFixture[str]) -> None:
    lines = said(False, [0, 0.25, 9.9, 10.1, 20, 20.2], capsys).splitlines()

    assert lines == [f"waiting for the totals, {at} s of at most 300 s: pv is 0, expected 3" for at in (0, 10, 20)]


def test_on_a_terminal_one_line_changes_and_is_gone_at_last(capsys: pytest.CaptureFixture[str]) -> None:
    text = said(True, [0, 0.25, 0.6], capsys)

    assert "\n" not in text
    assert text.count("\r\x1b[Kwaiting") == 2
    assert text.endswith("\r\x1b[K")


def test_nothing_is_said_where_nobody_waits(capsys: pytest.CaptureFixture[str]) -> None:
    assert said(True, [], capsys) == said(False, [], capsys) == ""
