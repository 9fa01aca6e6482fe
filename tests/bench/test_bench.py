"""The benchmarks run and write their rows; no figure is judged here, only that there is one."""

from __future__ import annotations

import json
import time
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.bench import ten_million
from tests.bench.__main__ import ROWS, main
from tests.bench.judged import run, verify
from tests.bench.machine import pinned_cores
from tests.bench.sink import GIF_PATH, Sink, sink, why_not
from tests.bench.throughput import BYTES, MPSIM, RATIO
from tests.bench.visits import EVENTS, flood

LONG = {"tls", "post", "lateness", "workers"}  # like `get` and `waiting`, and many seconds each

needs_nginx = pytest.mark.skipif(bool(why_not(tls=True)), reason=why_not(tls=True) or "it is there")


def row_of(folder: Path, name: str) -> dict[str, Any]:
    (row,) = json.loads((folder / "benchmarks.json").read_text(encoding="utf-8"))["rows"]
    assert row["name"] == name
    return dict(row)


@needs_nginx
@pytest.mark.slow
@pytest.mark.parametrize(
    "name", [pytest.param(name, marks=pytest.mark.proof) if name in LONG else name for name in ROWS]
)
def test_a_row_is_measured_and_written(name: str, tmp_path: Path) -> None:
    code = main(["--small", "--only", name, "--out", str(tmp_path)])

    row = row_of(tmp_path, name)
    assert (code, row["failed"]) == (0, "")
    assert row["unavailable"] == ""
    assert all(figure["samples"] for figure in row["figures"])
    assert row["figures"]
    assert row["title"] in (tmp_path / "benchmarks.md").read_text(encoding="utf-8")
    if name in ("get", "post", "tls"):
        check_fairness(row)


def check_fairness(row: dict[str, Any]) -> None:
    """Whoever is compared is there, and sends about as many bytes a request as mpsim."""
    sizes = {one["subject"]: one["median"] for one in row["figures"] if one["label"] == BYTES}
    ratios = {one["subject"] for one in row["figures"] if one["label"] == RATIO}
    assert sizes.keys() == {MPSIM, *ratios}
    assert "FastHttpUser" in ratios
    assert all(0.93 < size / sizes[MPSIM] < 1.07 for size in sizes.values()), sizes


def totals(counting: Sink) -> object:
    reply = httpx.get(f"{counting.url}/monitor/totals", params={"by": "all"}, trust_env=False)
    return reply.json() if reply.status_code == 200 else None


@needs_nginx
@pytest.mark.slow
def test_a_run_against_nginx_is_judged_by_what_arrived(tmp_path: Path) -> None:
    """The totals pass; one more view in nginx's log, and they fail."""
    visitors = 40
    with sink(tmp_path / "sink", pinned_cores(), tally=True) as counting:
        done = run(tmp_path / "run", flood(visitors), counting)

        assert done.exit_code == 0, done.said
        assert counting.events() == visitors * EVENTS

        view = {
            "event": "mini_program_view",
            "date": "2026-02-28T16:00:01.000Z",
            "externalId": "nobody.0.0",
            "anonymousId": "nobody",
            "targetName": "pages/index/index",
        }
        before = totals(counting)
        assert httpx.get(f"{counting.url}{GIF_PATH}", params=view, trust_env=False).status_code == 200
        deadline = time.monotonic() + 60
        while totals(counting) in (before, None):  # nginx keeps the lines of its log for a second
            assert time.monotonic() < deadline
            time.sleep(0.05)
        judged = verify(tmp_path / "run", counting)

        assert judged.exit_code == 1, judged.said


@needs_nginx
@pytest.mark.slow
def test_the_ten_million_proof_holds_for_a_few(tmp_path: Path) -> None:
    assert ten_million.main(["--events", "500", "--out", str(tmp_path), "--temporary", str(tmp_path)]) == 0

    document = json.loads((tmp_path / "ten_million.json").read_text(encoding="utf-8"))
    assert (document["events"], document["arrived_at_nginx"], document["verdict"]) == (500, 500, "pass")
    assert {"counting", "load (Locust)", "mpsim", "nginx: worker"} <= document["peak_mib"].keys()
    assert "holds for 500 events, not the proof" in (tmp_path / "ten_million.md").read_text(encoding="utf-8")


@needs_nginx
@pytest.mark.slow
def test_a_row_that_is_measured_again_leaves_the_others(tmp_path: Path) -> None:
    for name in ("planning", "verify", "planning"):
        main(["--small", "--only", name, "--out", str(tmp_path)])

    rows = json.loads((tmp_path / "benchmarks.json").read_text(encoding="utf-8"))["rows"]
    assert [row["name"] for row in rows] == ["planning", "verify"]


def test_small_figures_never_reach_the_readme(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        main(["--small", "--quote"])

    assert ended.value.code == 2
    assert "leave out --small" in capsys.readouterr().err
