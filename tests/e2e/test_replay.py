"""`mpsim replay`: the same bytes on a fresh embedded collector; FIXED or STILL FAILING elsewhere."""

from __future__ import annotations

import json
import sqlite3
from itertools import pairwise
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from tests.builders import scenario_text
from tests.e2e.commands import IMPATIENT, SCENARIOS, collector, mpsim, result_of

pytestmark = pytest.mark.slow
LOOKS = "- launch\n- push: [applet-wechat]\n- {view: pages/b, think: 5s}\n- exit"
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


def test_without_visitors_the_smallest_set_is_found_kept_and_taken_again(tmp_path: Path) -> None:
    """Any two visitors show it, and nobody alone; whom the finding names is the second of two and more."""
    run, file = tmp_path / "run", tmp_path / "sample.yaml"
    file.write_text(scenario_text(LOOKS, count=9), encoding="utf-8")
    with collector(tmp_path / "faulty.db", fault="loses-others-opens") as url:
        assert mpsim("run", file, "--target", url, "--out", run, "-q", *IMPATIENT).code == 1
        found = mpsim("replay", run, "--out", tmp_path / "found")
        again = mpsim("replay", run, "--out", tmp_path / "again")
    port = str(urlsplit(url).port)
    with collector(tmp_path / "mended.db", "--port", port):
        fixed = mpsim("replay", run, "--out", tmp_path / "fixed")

    kept = json.loads((run / "smallest.json").read_text(encoding="utf-8"))
    pair = ", ".join(map(str, kept["visitors"]))
    assert (len(kept["visitors"]), kept["least"], kept["signs"]) == (2, True, ["lost", "total"])
    assert (found.code, again.code, fixed.code) == (1, 1, 0), found
    assert f"STILL FAILING: visitor {pair} (the smallest set found in" in found.out
    assert f"STILL FAILING: visitor {pair} (the smallest set found in 1 replay;" in again.out
    assert "FIXED: visitor 0, 1, 2, 3, 4, 5, 6, 7, 8 (nobody shows again what failed, in" in fixed.out
    assert [result_of(tmp_path / name)["attempts"]["visitors"] for name in ("found", "again", "fixed")] == [2, 2, 9]
    assert not list(tmp_path.glob(".search-*"))


def test_a_replay_comes_in_the_order_of_the_plan(tmp_path: Path) -> None:
    """So a collector that goes by what came first does the same each time."""
    run, file = tmp_path / "run", tmp_path / "sample.yaml"
    slow = "- {launch: , think: 20s}\n- {view: pages/b, think: 20s}\n- {view: pages/c}\n- exit"
    file.write_text(scenario_text(slow, count=9), encoding="utf-8")
    assert mpsim("run", file, "--out", run, "-q").code == 0
    assert mpsim("replay", run, *SOME[: 2 * 9], "--out", tmp_path / "again").code == 0
    with sqlite3.connect(tmp_path / "again" / "collector.db") as connection:
        came = connection.execute("SELECT at, anonymous_id FROM event ORDER BY id").fetchall()
    connection.close()

    assert [at for at, _ in came] == sorted(at for at, _ in came)
    turns = sum(one != other for (_, one), (_, other) in pairwise(came))
    assert turns > 2 * len({device for _, device in came})  # they are on their way at the same time


@pytest.mark.proof
def test_what_takes_several_at_once_is_shown_by_them(tmp_path: Path) -> None:
    run, file = tmp_path / "run", tmp_path / "sample.yaml"
    file.write_text(scenario_text(LOOKS, count=9), encoding="utf-8")
    with collector(tmp_path / "faulty.db", fault="loses-what-comes-together") as url:
        assert mpsim("run", file, "--target", url, "--out", run, "-q", *IMPATIENT).code == 1
        found = mpsim("replay", run, "--out", tmp_path / "found")
        kept = json.loads((run / "smallest.json").read_text(encoding="utf-8"))
        named = [part for visitor in kept["visitors"] for part in ("--visitor", visitor)]
        again = mpsim("replay", run, *named, "--out", tmp_path / "again")
    port = str(urlsplit(url).port)
    with collector(tmp_path / "mended.db", "--port", port):
        fixed = mpsim("replay", run, *named, "--out", tmp_path / "fixed")

    assert (len(kept["visitors"]) > 1, kept["in_turn"]) == (True, False)
    assert (found.code, again.code, fixed.code) == (1, 1, 0), found
    listed = ", ".join(map(str, kept["visitors"]))
    assert "; all at once)" in found.out
    assert f"STILL FAILING: visitor {listed} (all at once)" in again.out
    assert fixed.out.endswith(f"FIXED: visitor {listed}\n")
    assert not list(tmp_path.glob(".search-*"))


@pytest.mark.parametrize(
    ("arguments", "said"),
    [(("--visitor", "1"), "no visitor 1: the run has visitors 0 to 0"), ((), "nothing failed in")],
    ids=["a visitor that the run does not have", "a run that passed"],
)
def test_nobody_to_replay_is_a_usage_error(tmp_path: Path, arguments: tuple[str, ...], said: str) -> None:
    assert mpsim("run", SCENARIOS / "first_open.yaml", "-q", "--out", tmp_path / "run").code == 0
    ran = mpsim("replay", tmp_path / "run", *arguments)

    assert ran.code == 5
    assert said in ran.err
