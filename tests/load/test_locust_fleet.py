"""Locust's own face with a master and workers: what is left behind for every way in which such a run can end."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

import pytest

from simulator.ledger.leases import read_leases
from simulator.ledger.read import ledger_files, read_slots
from simulator.wire.request import Evidence, Outcome, Purpose
from tests.load.hostile import OK, HostileServer, hostile, says
from tests.load.test_locust import (
    _answers,
    _down_after_setup,
    _free_port,
    _number,
    _phase,
    _progress,
    _silent_after_setup,
    _web,
    command,
    environment,
    events_at,
    keys,
    load_report,
    planned,
    scenario,
    sent,
)

pytestmark = [pytest.mark.slow, pytest.mark.skipif(os.name == "nt", reason="signals")]

PATIENCE = 120.0  # seconds: three processes on a machine that is busy elsewhere

# A worker whose clock is wrong by a week from before it knows the time.
SKEWED = """
import runpy, sys, time
real = time.time_ns
time.time_ns = lambda: real() + 7 * 86_400 * 10**9
sys.argv = ["locust", *sys.argv[1:]]
runpy.run_module("locust", run_name="__main__")
"""


class Fleet:
    """A master and its workers as processes; whoever is still there in the end is killed."""

    def __init__(self, folder: Path, url: str, running: ExitStack) -> None:
        self.folder = folder
        self.port = _free_port()
        self.workers: list[subprocess.Popen[bytes]] = []
        self.master: subprocess.Popen[bytes] | None = None
        self._url = url
        self._running = running

    def start_master(self, *options: str, expect: int = 2, out: str | None = "run") -> subprocess.Popen[bytes]:
        at = ("--master-bind-host", "127.0.0.1", "--master-bind-port", str(self.port), "--expect-workers", str(expect))
        what = ("--scenario", self.folder / "short.yaml", "-H", self._url)
        where = ("--out", self.folder / out) if out is not None else ()
        self.master = self._start(command(*what, *where, "--master", *at, *options), "master")
        return self.master

    def start_worker(self, *options: str | Path, skewed: bool = False) -> subprocess.Popen[bytes]:
        arguments = command("--worker", "--master-host", "127.0.0.1", "--master-port", str(self.port), *options)
        if skewed:
            arguments = [sys.executable, "-c", SKEWED, *arguments[3:]]
        worker = self._start(arguments, f"worker-{len(self.workers) + 1}")
        self.workers.append(worker)
        return worker

    def codes(self, seconds: float = PATIENCE) -> list[int]:
        """Exit codes of the workers, in their order, when all of them have ended by themselves."""
        deadline = time.monotonic() + seconds
        return [worker.wait(max(0.1, deadline - time.monotonic())) for worker in self.workers]

    def log(self, name: str) -> str:
        return (self.folder / f"{name}.log").read_text(encoding="utf-8", errors="replace")

    def _start(self, arguments: list[str], name: str) -> subprocess.Popen[bytes]:
        with (self.folder / f"{name}.log").open("wb") as log:
            process = subprocess.Popen(
                arguments, cwd=self.folder, env=environment(), stdin=subprocess.DEVNULL, stdout=log, stderr=log
            )
        self._running.callback(process.wait, 10)
        self._running.callback(lambda: process.kill() if process.poll() is None else None)
        return process


@contextmanager
def fleet(folder: Path, server: HostileServer, *options: str, workers: int = 2) -> Iterator[Fleet]:
    with ExitStack() as running:
        made = Fleet(folder, server.url, running)
        made.start_master("--headless", *options, expect=workers)
        for _ in range(workers):
            made.start_worker()
        yield made


def until(is_so: Callable[[], bool], what: str) -> None:
    deadline = time.monotonic() + PATIENCE
    while not is_so():
        assert time.monotonic() < deadline, f"waited in vain for {what}"
        time.sleep(0.02)


def in_the_middle(folder: Path) -> None:
    """Wait until the judged load is well under way."""
    until(lambda: _number(folder, "visitors_started") > 30 or _phase(folder) in ("draining", "over"), "the judged load")
    assert _phase(folder) == "load", "it was over before it could be looked at"


def visitors_by_worker(folder: Path) -> list[set[int]]:
    """Of the judged load, as each worker's ledger has them."""
    return [
        {fields[2] for _, fields in read_slots(path) if fields[5] != Purpose.SETUP}
        for path in ledger_files(folder / "run")
    ]


def fates(folder: Path) -> list[tuple[str, str]]:
    return [(one["worker"], one["state"]) for one in load_report(folder)["fleet"]]


@pytest.mark.parametrize("options", [(), ("--speed", "flood")], ids=["paced", "flood"])
def test_two_workers_send_everybody_once_between_them(tmp_path: Path, options: tuple[str, ...]) -> None:
    scenario(tmp_path, count=120, rate=60)
    with hostile(says(OK)) as server, fleet(tmp_path, server, *options) as made:
        assert made.master is not None
        assert made.master.wait(PATIENCE) == 0, made.log("master")
        assert made.codes() == [0, 0]

        attempts = sent(tmp_path)
        assert len(events_at(server)) == len(attempts)
    one, two = visitors_by_worker(tmp_path)
    report = load_report(tmp_path)
    assert keys(attempts) == planned(tmp_path)
    assert (one & two, one | two) == (set(), set(range(120)))
    assert min(len(one), len(two)) >= 20
    assert max(a.done_ns for a in attempts if a.purpose is Purpose.SETUP) <= min(
        a.sent_ns for a in attempts if a.purpose is Purpose.EVENT
    )
    assert (report["finished"], report["reason"], report["exit_code"]) == (True, "", 0)
    assert (report["workers"], report["workers_lost"], report["visitors_finished"]) == (2, 0, 120)
    assert report["attempts"]["acked"] == sum(a.purpose is Purpose.EVENT for a in attempts)
    assert f"mpsim verify {tmp_path / 'run'}" in made.log("master")


def test_workers_that_keep_their_ledgers_apart_ship_them_home(tmp_path: Path) -> None:
    scenario(tmp_path, count=120, rate=60)
    with hostile(says(OK)) as server, ExitStack() as running:
        made = Fleet(tmp_path, server.url, running)
        master = made.start_master("--headless")
        made.start_worker("--ledger-dir", tmp_path / "apart")
        made.start_worker("--ledger-dir", tmp_path / "apart", skewed=True)
        assert master.wait(PATIENCE) == 0, made.log("master")
        assert made.codes() == [0, 0], made.log("worker-1") + made.log("worker-2")

        attempts = sent(tmp_path)
        assert len(events_at(server)) == len(attempts)
    report = load_report(tmp_path)
    ahead = sorted(abs(one["clock_ahead_ms"]) for one in report["fleet"])
    assert keys(attempts) == planned(tmp_path)
    # A clock that is wrong by a week is found out, and every instant in the ledgers is the master's.
    assert ahead[0] < 1_000
    assert abs(ahead[1] - 7 * 86_400_000) < 1_000
    assert all(0 < one["clock_bound_ms"] < 1_000 for one in report["fleet"])
    assert {a.sent_ns - report["started_ns"] < 60e9 for a in attempts} == {True}
    assert report["late_p99_ms"] < 1_000
    kept = sorted((tmp_path / "apart").rglob("*.attempts"), key=lambda path: path.name)
    assert [path.read_bytes() for path in kept] == [path.read_bytes() for path in ledger_files(tmp_path / "run")]


def test_processes_are_a_master_and_its_workers(tmp_path: Path) -> None:
    scenario(tmp_path, count=60)
    port = str(_free_port())
    at = ("--master-bind-host", "127.0.0.1", "--master-bind-port", port, "--master-port", port)
    with hostile(says(OK)) as server:
        what = ("--scenario", tmp_path / "short.yaml", "-H", server.url, "--out", tmp_path / "run")
        done = subprocess.run(
            command(*what, "--processes", "2", *at, "--headless", "--speed", "flood"),
            cwd=tmp_path,
            env=environment(),
            check=False,
            timeout=PATIENCE,
            capture_output=True,
            text=True,
            stdin=subprocess.DEVNULL,
        )
    assert done.returncode == 0, done.stderr
    assert "Unknown message" not in done.stderr  # workers speak while the master still makes the run
    assert keys(sent(tmp_path)) == planned(tmp_path)
    assert load_report(tmp_path)["workers"] == 2


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM], ids=["Ctrl-C", "SIGTERM"])
def test_a_worker_that_is_told_to_go_tells_all_it_sent_and_the_other_goes_on(
    tmp_path: Path, number: signal.Signals
) -> None:
    scenario(tmp_path, count=300, rate=60)
    with hostile(says(OK)) as server, fleet(tmp_path, server) as made:
        assert made.master is not None
        in_the_middle(tmp_path)
        made.workers[0].send_signal(number)
        assert made.master.wait(PATIENCE) == 3, made.log("master")
        assert made.codes() == [3, 0]

        assert len(events_at(server)) == len(sent(tmp_path))
    one, two = visitors_by_worker(tmp_path)
    report = load_report(tmp_path)
    assert (one & two, one | two) == (set(), set(range(300)))
    assert {a.outcome for a in sent(tmp_path)} == {Outcome.ACKED}
    assert sorted(fates(tmp_path)) == [("worker-1", "left"), ("worker-2", "left")]
    assert report["workers_lost"] == 0
    assert "visitors on their way" in report["reason"]
    assert report["attempts"]["sent"] == sum(a.purpose is Purpose.EVENT for a in sent(tmp_path))


def test_whom_a_killed_worker_did_not_begin_is_sent_by_the_other(tmp_path: Path) -> None:
    scenario(tmp_path, count=300, rate=60)
    with hostile(says(OK)) as server, fleet(tmp_path, server) as made:
        assert made.master is not None
        in_the_middle(tmp_path)
        made.workers[0].kill()
        assert made.master.wait(PATIENCE) == 3, made.log("master")
        assert made.workers[1].wait(PATIENCE) == 0
    one, two = visitors_by_worker(tmp_path)
    report = load_report(tmp_path)
    leases = read_leases(tmp_path / "run")
    assert (one & two, one | two) == (set(), set(range(300)))
    assert (report["finished"], report["interrupted"], report["workers_lost"]) == (False, True, 1)
    assert report["reason"].endswith("was lost")
    assert sorted(worker.lost for worker in leases.workers) == [False, True]
    assert not any(leases.holes.values())


def test_ctrl_c_to_the_master_drains_every_worker(tmp_path: Path) -> None:
    scenario(tmp_path, count=3_000)
    with hostile(says(OK)) as server, fleet(tmp_path, server) as made:
        assert made.master is not None
        in_the_middle(tmp_path)
        made.master.send_signal(signal.SIGINT)
        assert made.master.wait(PATIENCE) == 3
        assert made.codes() == [0, 0]

        assert len(events_at(server)) == len(sent(tmp_path))
    report = load_report(tmp_path)
    assert report["reason"] == "interrupted by a signal"
    assert {a.outcome for a in sent(tmp_path)} == {Outcome.ACKED}
    assert report["attempts"]["sent"] == sum(a.purpose is Purpose.EVENT for a in sent(tmp_path))


def test_a_master_that_stands_still_for_a_while_loses_nobody(tmp_path: Path) -> None:
    """As a laptop that sleeps, or a machine that swaps, in the middle of a flood."""
    scenario(tmp_path, count=3_000)
    with hostile(says(OK)) as server, fleet(tmp_path, server, "--speed", "flood") as made:
        assert made.master is not None
        in_the_middle(tmp_path)
        made.master.send_signal(signal.SIGSTOP)
        stopped = time.monotonic()
        until(lambda: time.monotonic() - stopped > 10, "10 seconds to pass")
        made.master.send_signal(signal.SIGCONT)
        assert made.master.wait(PATIENCE) == 0, made.log("master")
        assert made.codes() == [0, 0]
    assert load_report(tmp_path)["reason"] == ""
    assert "this process did not run for 10" in made.log("master")
    assert keys(sent(tmp_path)) == planned(tmp_path)


def test_a_second_ctrl_c_waits_for_nothing_in_flight(tmp_path: Path) -> None:
    scenario(tmp_path, count=3_000)
    with hostile(_silent_after_setup) as server, fleet(tmp_path, server, "-s", "600") as made:
        assert made.master is not None
        until(lambda: _phase(tmp_path) == "load" and _number(tmp_path, "in_flight") > 0, "requests in flight")
        made.master.send_signal(signal.SIGINT)
        until(lambda: _phase(tmp_path) == "draining", "the run to drain")
        made.master.send_signal(signal.SIGINT)
        assert made.master.wait(20) == 3
        made.codes()
    assert {a.evidence for a in sent(tmp_path) if a.purpose is Purpose.EVENT} == {Evidence.STOPPED}
    assert load_report(tmp_path)["reason"] == "interrupted by a signal"


def test_a_time_limit_of_locust_drains_every_worker(tmp_path: Path) -> None:
    scenario(tmp_path, count=3_000)
    with hostile(says(OK)) as server, fleet(tmp_path, server, "-t", "6s") as made:
        assert made.master is not None
        assert made.master.wait(PATIENCE) == 3, made.log("master")
        assert made.codes() == [0, 0]

        assert len(events_at(server)) == len(sent(tmp_path))
    assert load_report(tmp_path)["reason"] == "stopped by Locust: its web UI, or its time limit"
    assert [state for _, state in fates(tmp_path)] == ["left", "left"]


def test_a_collector_that_is_down_ends_the_run_by_the_rule_of_the_scenario(tmp_path: Path) -> None:
    scenario(tmp_path, count=3_000, more="abort: failed > 50% for 1s")
    with hostile(_down_after_setup) as server, fleet(tmp_path, server) as made:
        assert made.master is not None
        assert made.master.wait(PATIENCE) == 3, made.log("master")
    report = load_report(tmp_path)
    assert report["reason"].startswith("failed > 50% for 1s: ")
    assert report["attempts"]["unknown"] == report["attempts"]["sent"] > 0


def test_workers_without_their_master_drain_and_end(tmp_path: Path) -> None:
    scenario(tmp_path, count=1_000, rate=20)
    with hostile(says(OK)) as server, fleet(tmp_path, server) as made:
        assert made.master is not None
        in_the_middle(tmp_path)
        made.master.kill()
        assert made.codes() == [3, 3]

        assert len(events_at(server)) == len(sent(tmp_path))
    assert "the master was not heard of for 15 seconds" in made.log("worker-1")
    assert {a.outcome for a in sent(tmp_path)} == {Outcome.ACKED}
    assert not (tmp_path / "run" / "load.json").exists()


def test_nobody_listens(tmp_path: Path) -> None:
    scenario(tmp_path)
    with hostile(says(OK)) as server:
        url = server.url
    with ExitStack() as running:
        made = Fleet(tmp_path, url, running)
        assert made.start_master("--headless", expect=1).wait(PATIENCE) == 6, made.log("master")
    assert f"no connection to {url.removeprefix('http://')}" in made.log("master")
    assert not (tmp_path / "run").exists()


def test_workers_that_do_not_come_end_the_run_when_patience_does(tmp_path: Path) -> None:
    scenario(tmp_path)
    with hostile(says(OK)) as server, ExitStack() as running:
        made = Fleet(tmp_path, server.url, running)
        master = made.start_master("--headless", "--expect-workers-max-wait", "2")
        assert master.wait(PATIENCE) == 3, made.log("master")
    assert load_report(tmp_path)["reason"] == "0 of 2 workers were ready after 2 seconds"


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM], ids=["Ctrl-C", "SIGTERM"])
def test_a_master_that_still_waits_for_workers_can_be_ended(tmp_path: Path, number: signal.Signals) -> None:
    scenario(tmp_path)
    with hostile(says(OK)) as server, ExitStack() as running:
        made = Fleet(tmp_path, server.url, running)
        master = made.start_master("--headless")
        worker = made.start_worker()
        until(lambda: len(_progress(tmp_path).get("fleet", ())) == 1, "one worker")
        master.send_signal(number)
        assert master.wait(PATIENCE) == 3
        assert worker.wait(PATIENCE) == 0
    assert load_report(tmp_path)["reason"] == "interrupted by a signal"
    assert sent(tmp_path) == []


def test_the_web_ui_starts_and_stops_a_run_of_two_workers(tmp_path: Path) -> None:
    scenario(tmp_path, count=3_000)
    port = _free_port()
    with hostile(says(OK)) as server, ExitStack() as running:
        made = Fleet(tmp_path, server.url, running)
        master = made.start_master(*_web(port))
        made.start_worker()
        made.start_worker()
        until(lambda: len(_progress(tmp_path).get("fleet", ())) == 2, "two workers")
        started_it = _answers(port, "/swarm", b"user_count=2&spawn_rate=2")
        in_the_middle(tmp_path)
        stopped_it = _answers(port, "/stop", b"")
        until((tmp_path / "run" / "load.json").exists, "load.json")
        master.terminate()

        assert (started_it, stopped_it, master.wait(PATIENCE)) == (True, True, 3)
        assert made.codes() == [0, 0]
        assert len(events_at(server)) == len(sent(tmp_path))
    assert load_report(tmp_path)["reason"].startswith("stopped by Locust")
    assert {a.outcome for a in sent(tmp_path)} == {Outcome.ACKED}


def test_the_web_ui_starts_one_run_after_another_with_the_same_workers(tmp_path: Path) -> None:
    scenario(tmp_path, count=60)
    port = _free_port()

    def over() -> int:
        return len(list((tmp_path / "reports").glob("*/load.json")))

    with hostile(says(OK)) as server, ExitStack() as running:
        made = Fleet(tmp_path, server.url, running)
        master = made.start_master(*_web(port), "--speed", "flood", out=None)
        made.start_worker()
        made.start_worker()
        until(lambda: _answers(port, "/"), "the web UI")
        for number in (1, 2):
            until(lambda: _answers(port, "/swarm", b"user_count=2&spawn_rate=2"), "the start")
            until(lambda number=number: over() == number, f"run {number}")  # type: ignore[misc]
        master.terminate()
        assert (master.wait(PATIENCE), made.codes()) == (0, [0, 0])
    runs = [json.loads(path.read_text(encoding="utf-8")) for path in (tmp_path / "reports").glob("*/load.json")]
    assert [(run["finished"], run["visitors_finished"], run["workers"]) for run in runs] == [(True, 60, 2)] * 2
    assert len({run["run_id"] for run in runs}) == 2


def test_a_late_worker_takes_over_from_one_that_was_killed(tmp_path: Path) -> None:
    scenario(tmp_path, count=600, rate=40)
    with hostile(says(OK)) as server, fleet(tmp_path, server) as made:
        assert made.master is not None
        in_the_middle(tmp_path)
        made.workers[0].kill()
        made.start_worker()
        assert made.master.wait(PATIENCE) == 3, made.log("master")
    by_worker = visitors_by_worker(tmp_path)
    everybody: set[int] = set().union(*by_worker)
    assert (len(by_worker), everybody) == (3, set(range(600)))
    assert sum(map(len, by_worker)) == 600
    assert min(map(len, by_worker)) > 0


def test_the_lines_of_locusts_statistics_are_those_of_all_workers(tmp_path: Path) -> None:
    scenario(tmp_path, count=120, rate=60)
    with hostile(says(OK)) as server, fleet(tmp_path, server, "--json-file", "numbers") as made:
        assert made.master is not None
        assert made.master.wait(PATIENCE) == 0, made.log("master")
    rows: list[dict[str, Any]] = json.loads((tmp_path / "numbers.json").read_text(encoding="utf-8"))
    assert sum(row["num_requests"] for row in rows) == sum(a.purpose is Purpose.EVENT for a in sent(tmp_path))
