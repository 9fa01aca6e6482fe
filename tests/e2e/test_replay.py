"""`mpsim replay`: the same bytes on a fresh embedded collector; FIXED or STILL FAILING elsewhere."""

from __future__ import annotations

import json
import sqlite3
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from tests.e2e.commands import IMPATIENT, SCENARIOS, collector, mpsim, result_of

pytestmark = pytest.mark.slow
SOME = [part for visitor in range(12) for part in ("--visitor", visitor)]


def requests_of(database: Path) -> list[str]:
    with sqlite3.connect(database) as connection:
        rows = connection.execute("SELECT request FROM event").fetchall()
    connection.close()
    return sorted(row[0] for row in rows)


def test_a_replay_sends_the_same_bytes_again(tmp_path: Path) -> None:
    run, again = tmp_path / "run", tmp_path / "again"
    week = ("run", SCENARIOS / "returning_visitors.yaml", "--visitors", "30", "--speed", "flood", "-q")
    assert mpsim(*week, "--out", run).code == 0
    replayed = mpsim("replay", run, "--visitor", 7, "--visitor", 12, "--out", again)

    assert replayed.code == 0, replayed
    assert "FIXED: visitor 7, 12" in replayed.out
    sent = requests_of(again / "collector.db")
    assert sent
    assert set(sent) < set(requests_of(run / "collector.db"))
    manifest = json.loads((again / "run.json").read_text(encoding="utf-8"))
    assert manifest["options"]["only"] == [7, 12]
    # Mobiles are shared in this scenario, so a visitor comes with the other of its pair.
    assert result_of(again)["attempts"]["visitors"] == 4


def test_a_fault_is_still_there_until_it_is_mended(tmp_path: Path) -> None:
    run = tmp_path / "run"
    week = ("run", SCENARIOS / "returning_visitors.yaml", "--visitors", "30", "--speed", "flood", "-q")
    with collector(tmp_path / "faulty.db", fault="swaps-sources") as url:
        assert mpsim(*week, "--target", url, "--out", run, *IMPATIENT).code == 1
        still = mpsim("replay", run, *SOME)
    port = str(urlsplit(url).port)
    with collector(tmp_path / "mended.db", "--port", port):
        fixed = mpsim("replay", run, *SOME)

    assert (still.code, "STILL FAILING" in still.out) == (1, True), still
    assert (fixed.code, "FIXED" in fixed.out) == (0, True), fixed


@pytest.mark.parametrize(
    ("arguments", "said"),
    [(("--visitor", "1"), "no visitor 1: the run has visitors 0 to 0"), ((), "no finding of")],
    ids=["a visitor that the run does not have", "a run that passed"],
)
def test_nobody_to_replay_is_a_usage_error(tmp_path: Path, arguments: tuple[str, ...], said: str) -> None:
    assert mpsim("run", SCENARIOS / "first_open.yaml", "-q", "--out", tmp_path / "run").code == 0
    ran = mpsim("replay", tmp_path / "run", *arguments)

    assert ran.code == 5
    assert said in ran.err
