"""The whole load process under Locust: what it leaves behind for every way in which a run can end."""

from __future__ import annotations

import csv
import json
import os
import resource
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

import simulator
from simulator.ledger.read import read_ledger
from simulator.ledger.record import Attempt
from simulator.load.own_face import make_run
from simulator.traffic.making import Wanted
from simulator.traffic.opened import open_run
from simulator.traffic.sending import requests_of_block
from simulator.wire.request import Evidence, Outcome, Purpose
from tests.load.hostile import OK, HostileServer, Visit, hostile, says

pytestmark = [pytest.mark.slow, pytest.mark.skipif(os.name == "nt", reason="signals")]

ROOT = Path(simulator.__file__).parent.parent
LOCUSTFILE = ROOT / "simulator" / "load" / "locustfile.py"
SCENARIO = """
scenario: short
app: {pages: [pages/index/index, pages/detail]}
visitors: {count: COUNT, returning: 25%, identities: {applet-wechat: 100%}}
journeys:
  look:
    steps: [launch, {view: pages/detail, think: 1s}, {view: pages/detail, duplicates: 1}, exit]
load:
  arrivals: [{rate: RATE/s, for: 60s}]
  clock: {start: 2026-03-01T00:00:00+08:00, speed: 10}
  MORE
"""


def scenario(folder: Path, count: int = 40, rate: int = 100, more: str = "timeouts: {reply: 20s}") -> Path:
    path = folder / "short.yaml"
    text = SCENARIO.replace("COUNT", str(count)).replace("RATE", str(rate)).replace("MORE", more)
    path.write_text(text, encoding="utf-8")
    return path


def command(*options: str | Path) -> list[str]:
    return [sys.executable, "-m", "locust", "-f", str(LOCUSTFILE), "-u", "1", "-r", "1", *map(str, options)]


def environment() -> dict[str, str]:
    return {name: value for name, value in os.environ.items() if not name.startswith("LOCUST_")} | {
        "PYTHONPATH": str(ROOT)
    }


def own_face(folder: Path, url: str, *options: str) -> list[str]:
    """Sends the scenario in `folder` into `folder`/run."""
    return command("--scenario", folder / "short.yaml", "-H", url, "--out", folder / "run", *options)


def finished(arguments: list[str], folder: Path, **more: Any) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        arguments,
        cwd=folder,
        env=environment(),
        check=False,
        timeout=60,
        capture_output=True,
        text=True,
        stdin=subprocess.DEVNULL,
        **more,
    )


@contextmanager
def started(arguments: list[str], folder: Path) -> Iterator[subprocess.Popen[bytes]]:
    with (folder / "log").open("wb") as log:
        process = subprocess.Popen(
            arguments, cwd=folder, env=environment(), stdin=subprocess.DEVNULL, stdout=log, stderr=log
        )
    try:
        yield process
    finally:
        if process.poll() is None:
            process.kill()
        process.wait(10)


def until(condition: Callable[[], bool], what: str) -> None:
    deadline = time.monotonic() + 30
    while not condition():
        assert time.monotonic() < deadline, f"waited in vain for {what}"
        time.sleep(0.01)


def events_at(server: HostileServer) -> list[bytes]:
    """What the run sent there; before it, the collector is asked what it holds already."""
    return [request for request in server.arrived if b" /monitor/" not in request and b" /events/" not in request]


def load_report(folder: Path) -> dict[str, Any]:
    report: dict[str, Any] = json.loads((folder / "run" / "load.json").read_text(encoding="utf-8"))
    return report


def planned(folder: Path) -> list[tuple[int, int, int]]:
    """(visitor, request, attempt) of everything that a collector which acks must get."""
    opened = open_run(folder / "run")
    return sorted(
        (request.visitor, request.number, attempt)
        for block in opened.plan.blocks
        for requests in requests_of_block(opened.plan, opened.adapter, block).values()
        for request in requests
        for attempt in range(1 + request.duplicates)
    )


def sent(folder: Path) -> list[Attempt]:
    return list(read_ledger(folder / "run"))


def keys(attempts: list[Attempt]) -> list[tuple[int, int, int]]:
    return sorted((a.visitor, a.request, a.attempt) for a in attempts)


@pytest.mark.parametrize("options", [(), ("--speed", "flood")], ids=["paced", "flood"])
def test_a_run_sends_everybody_once_and_ends_by_itself(tmp_path: Path, options: tuple[str, ...]) -> None:
    scenario(tmp_path)
    with hostile(says(OK)) as server:
        done = finished(own_face(tmp_path, server.url, "--headless", "--csv", "numbers", *options), tmp_path)

    attempts = sent(tmp_path)
    setup = sum(a.purpose is Purpose.SETUP for a in attempts)
    report = load_report(tmp_path)
    assert done.returncode == 0, done.stderr
    assert f"mpsim verify {tmp_path / 'run'}" in done.stdout
    assert keys(attempts) == planned(tmp_path)
    assert len(events_at(server)) == len(attempts)
    assert {a.outcome for a in attempts} == {Outcome.ACKED}
    assert max(a.done_ns for a in attempts if a.purpose is Purpose.SETUP) <= min(
        a.sent_ns for a in attempts if a.purpose is Purpose.EVENT
    )
    assert (report["finished"], report["interrupted"], report["reason"], report["exit_code"]) == (True, False, "", 0)
    assert (report["visitors_started"], report["visitors_finished"]) == (40, 40)
    assert report["attempts"] == {"sent": len(attempts) - setup, "acked": len(attempts) - setup} | {
        "refused": 0,
        "unknown": 0,
    }
    assert report["setup"]["acked"] == setup
    with (tmp_path / "numbers_stats.csv").open(encoding="utf-8", newline="") as file:
        rows = {row["Name"]: row for row in csv.DictReader(file)}
    assert {name: int(row["Request Count"]) for name, row in rows.items()} == {
        "mini_program_open": 40,
        "mini_program_view": len(attempts) - setup - 40,
        "Aggregated": len(attempts) - setup,
    }


def test_a_prepared_run_directory_is_sent_as_it_is(tmp_path: Path) -> None:
    path = scenario(tmp_path)
    with hostile(says(OK)) as server:
        wanted = Wanted(path, server.url, namespace="", seed=7, visitors=10, speed="flood", out=tmp_path / "run")
        made = make_run(wanted)
        done = finished(command("--run-dir", tmp_path / "run", "--headless"), tmp_path)

    assert done.returncode == 0, done.stderr
    assert load_report(tmp_path)["run_id"] == made.manifest.run_id
    assert len({a.visitor for a in sent(tmp_path)}) == 10
    assert keys(sent(tmp_path)) == planned(tmp_path)


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM], ids=["Ctrl-C", "SIGTERM"])
def test_a_signal_ends_a_run_with_every_outcome_known(tmp_path: Path, number: signal.Signals) -> None:
    scenario(tmp_path, count=3_000, rate=100)
    with hostile(says(OK)) as server:
        with started(own_face(tmp_path, server.url, "--headless"), tmp_path) as process:
            _in_the_middle(server, tmp_path)
            process.send_signal(number)
            code = process.wait(30)
        attempts = sent(tmp_path)

        assert code == 3
        assert len(events_at(server)) == len(attempts)
    assert {a.outcome for a in attempts} == {Outcome.ACKED}
    report = load_report(tmp_path)
    assert (report["finished"], report["interrupted"]) == (False, True)
    assert report["reason"] == "interrupted by a signal"
    assert 0 < report["visitors_started"] < 3_000


def test_a_second_ctrl_c_does_not_wait_for_what_is_in_flight(tmp_path: Path) -> None:
    scenario(tmp_path, count=3_000)
    with (
        hostile(_silent_after_setup) as server,
        started(own_face(tmp_path, server.url, "--headless", "-s", "600"), tmp_path) as process,
    ):
        until(lambda: _phase(tmp_path) == "load" and _number(tmp_path, "in_flight") > 0, "requests in flight")
        process.send_signal(signal.SIGINT)
        until(lambda: _phase(tmp_path) == "draining", "the run to drain")
        process.send_signal(signal.SIGINT)
        code = process.wait(30)

    assert code == 3
    assert load_report(tmp_path)["reason"] == "interrupted by a signal"
    assert {a.evidence for a in sent(tmp_path) if a.purpose is Purpose.EVENT} == {Evidence.STOPPED}


def test_a_time_limit_of_locust_cuts_a_run_short(tmp_path: Path) -> None:
    scenario(tmp_path, count=3_000, rate=100)
    with hostile(says(OK)) as server:
        done = finished(own_face(tmp_path, server.url, "--headless", "-t", "3s"), tmp_path)

    assert done.returncode == 3, done.stderr
    assert load_report(tmp_path)["reason"] == "stopped by Locust: its web UI, or its time limit"
    assert len(events_at(server)) == len(sent(tmp_path))


def test_a_killed_run_leaves_a_ledger_with_everything_that_arrived(tmp_path: Path) -> None:
    scenario(tmp_path, count=3_000, rate=1_000)
    with hostile(says(OK)) as server:
        with started(own_face(tmp_path, server.url, "--headless", "--speed", "flood"), tmp_path) as process:
            _in_the_middle(server, tmp_path)
            process.kill()
            process.wait(30)
        attempts = sent(tmp_path)

    acked = sum(a.outcome is Outcome.ACKED for a in attempts)
    assert not (tmp_path / "run" / "load.json").exists()
    assert acked <= len(events_at(server)) <= len(attempts)
    assert {a.evidence for a in attempts} <= {Evidence.REPLY, Evidence.NONE}


def test_a_full_disk_is_our_own_fault_and_says_so(tmp_path: Path) -> None:
    def no_large_files() -> None:
        resource.setrlimit(resource.RLIMIT_FSIZE, (1_000_000, 1_000_000))

    scenario(tmp_path)
    with hostile(says(OK)) as server:
        done = finished(own_face(tmp_path, server.url, "--headless"), tmp_path, preexec_fn=no_large_files)

        assert events_at(server) == []
    assert done.returncode == 7, done.stderr
    assert "cannot grow by" in load_report(tmp_path)["reason"]


def test_a_collector_that_is_down_ends_the_run_by_the_rule_of_the_scenario(tmp_path: Path) -> None:
    scenario(tmp_path, count=3_000, more="abort: failed > 50% for 1s")
    with hostile(_down_after_setup) as server:
        done = finished(own_face(tmp_path, server.url, "--headless"), tmp_path)

    report = load_report(tmp_path)
    assert done.returncode == 3, done.stderr
    assert report["reason"].startswith("failed > 50% for 1s: ")
    assert report["attempts"]["unknown"] == report["attempts"]["sent"] > 0


def test_nobody_listens(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        url = f"http://127.0.0.1:{taken.getsockname()[1]}"
    scenario(tmp_path)
    done = finished(own_face(tmp_path, url, "--headless"), tmp_path)

    assert done.returncode == 6, done.stderr
    assert f"no connection to {url.removeprefix('http://')}: Connection refused" in done.stderr
    assert "Traceback" not in done.stderr
    assert not (tmp_path / "run").exists()


def test_a_web_port_that_is_taken_is_said_before_a_run_is_made(tmp_path: Path) -> None:
    scenario(tmp_path)
    with hostile(says(OK)) as server, socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        done = finished(own_face(tmp_path, server.url, *_web(port)), tmp_path)

    assert done.returncode == 5, done.stderr
    assert f"nobody can listen on 127.0.0.1:{port}: Address already in use; choose another --web-port" in done.stderr
    assert "Traceback" not in done.stderr
    assert not (tmp_path / "run").exists()


USAGE = [
    ("no run", [], "give either --scenario FILE with -H URL, or --run-dir DIR"),
    ("no target", ["--scenario", "short.yaml"], "--scenario needs the collector's URL"),
    ("no such file", ["--scenario", "none.yaml", "-H", "http://127.0.0.1:1"], "none.yaml: no such file"),
    ("another host", ["--scenario", "short.yaml", "-H", "http://192.0.2.1"], "only with --allow-host 192.0.2.1"),
    ("no run directory", ["--run-dir", "."], "is no run directory"),
    ("no URL", ["--scenario", "short.yaml", "-H", "127.0.0.1:1"], "expected a URL such as http://127.0.0.1:8000"),
]


@pytest.mark.parametrize(("options", "text"), [u[1:] for u in USAGE], ids=[u[0] for u in USAGE])
def test_a_usage_error_is_one_line_and_exit_code_5(tmp_path: Path, options: list[str], text: str) -> None:
    scenario(tmp_path)
    done = finished(command(*options, "--headless", "--loglevel", "ERROR"), tmp_path)

    assert done.returncode == 5, done.stderr
    assert text in done.stderr
    assert "Traceback" not in done.stderr


def test_under_the_web_ui_a_run_starts_and_the_process_ends_with_it(tmp_path: Path) -> None:
    scenario(tmp_path)
    with hostile(says(OK)) as server:
        done = finished(own_face(tmp_path, server.url, *_web(_free_port()), "--autostart", "--autoquit", "0"), tmp_path)

    assert done.returncode == 0, done.stderr
    assert keys(sent(tmp_path)) == planned(tmp_path)


def test_a_run_that_nobody_started_leaves_no_directory_behind(tmp_path: Path) -> None:
    scenario(tmp_path)
    port = _free_port()
    with hostile(says(OK)) as server, started(own_face(tmp_path, server.url, *_web(port)), tmp_path) as process:
        until(lambda: _answers(port, "/"), "the web UI")
        was_there = (tmp_path / "run" / "run.json").exists()
        process.terminate()
        assert (was_there, process.wait(30)) == (True, 0)
    assert not (tmp_path / "run").exists()


def test_the_web_ui_starts_and_stops_a_run(tmp_path: Path) -> None:
    scenario(tmp_path, count=3_000)
    port = _free_port()
    with hostile(says(OK)) as server, started(own_face(tmp_path, server.url, *_web(port)), tmp_path) as process:
        until(lambda: _answers(port, "/"), "the web UI")
        started_it = _answers(port, "/swarm", b"user_count=1&spawn_rate=1")
        _in_the_middle(server, tmp_path)
        stopped_it = _answers(port, "/stop", b"")
        until((tmp_path / "run" / "load.json").exists, "load.json")
        again = _answers(port, "/swarm", b"user_count=1&spawn_rate=1")
        until(lambda: b"sent already" in (tmp_path / "log").read_bytes(), "the refusal of a second start")
        process.terminate()
        code = process.wait(30)

        assert (started_it, stopped_it, again, code) == (True, True, True, 3)
        assert len(events_at(server)) == len(sent(tmp_path))
    assert load_report(tmp_path)["reason"].startswith("stopped by Locust")


# ---- helpers ----


def _web(port: int) -> tuple[str, ...]:
    return ("--web-host", "127.0.0.1", "--web-port", str(port))


def _free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port: int = taken.getsockname()[1]
    return port


def _answers(port: int, path: str, body: bytes | None = None) -> bool:
    try:
        with urllib.request.urlopen(f"http://127.0.0.1:{port}{path}", body, timeout=10) as reply:
            return bool(reply.status == 200)
    except (urllib.error.URLError, OSError):
        return False


def _progress(folder: Path) -> dict[str, Any]:
    path = folder / "run" / "progress.json"
    found: dict[str, Any] = json.loads(path.read_text(encoding="utf-8")) if path.exists() else {}
    return found


def _phase(folder: Path) -> str:
    return str(_progress(folder).get("phase", ""))


def _number(folder: Path, name: str) -> int:
    return int(_progress(folder).get(name, 0))


def _in_the_middle(server: HostileServer, folder: Path) -> None:
    """Wait until the judged load is well under way."""
    until(lambda: _phase(folder) == "load", "the judged load")
    seen = len(events_at(server))
    until(lambda: len(events_at(server)) > seen + 30, "requests to arrive")


def _down_after_setup(visit: Visit) -> None:
    """Answers earlier visits alone with success."""
    while request := visit.request():
        is_judged = b"date=2026-02-28T16" in request or b"date=2026-03" in request
        visit.send(b"HTTP/1.1 503 S\r\nContent-Length: 0\r\n\r\n" if is_judged else OK)


def _silent_after_setup(visit: Visit) -> None:
    """Answers earlier visits, and nothing else."""
    while request := visit.request():
        if b"date=2026-02-28T16" in request or b"date=2026-03" in request:
            visit.stay()
        visit.send(OK)
