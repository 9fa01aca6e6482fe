"""A master and two workers on three machines, one worker cut off in mid-run: `python -m tests.e2e.cut_off`.

The machines are network namespaces (namespaces.py), the collector is a fourth. Two ways to be cut off:

    its cable     the worker reaches nobody any more
    the master    it still reaches the collector, and goes on with the visitors that it had leased: events arrive there
                  of which no ledger tells that came home

Each time the verdict must be incomplete, every interval must contain the truth as the collector has it, and all
processes end by themselves. Then the worker's ledger is brought home by hand, and `mpsim verify` knows what it sent.
"""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from enum import Enum
from pathlib import Path
from typing import Any

from simulator.ledger.leases import read_leases
from simulator.ledger.manifest import LEDGER_FOLDER, PROGRESS_FILE
from simulator.ledger.read import ledger_files, read_slots
from simulator.traffic.opened import open_run
from simulator.wire.request import Purpose
from tests.e2e.commands import ROOT, SCENARIOS, Ran, result_of
from tests.e2e.kill_many import Killed, judged_by_truth, wait_for
from tests.e2e.namespaces import Machine, machines, why_not

SCENARIO = SCENARIOS / "returning_visitors.yaml"
VISITORS = 900
RATE = "60/s"
CUT_AFTER = 150  # visitors
_PORT = 8000
_PATIENCE = 90.0  # seconds


class Cut(Enum):
    """What the second worker does not reach any more."""

    CABLE = "its cable"
    MASTER = "the master"


@dataclass(frozen=True, slots=True)
class CutOff:
    """What came of it."""

    cut: Cut
    at_first: Killed  # as judged by the run itself
    brought_home: Killed  # verified again, with the whole ledger
    result: dict[str, Any]
    twice: frozenset[int]  # visitors whom both workers sent, by all of their ledgers
    in_the_hole: int  # visitors
    seconds: float  # from the cut until the last process had ended
    codes: tuple[int, int, int]  # of the master, the worker that stayed, the one that was cut off
    stayed: tuple[str, ...]  # processes that did not end by themselves

    @property
    def wrongs(self) -> tuple[str, ...]:
        """What must not be."""
        wrongs = [f"{what}: {one}" for what in ("outside", "failed") for one in getattr(self.at_first, what)]
        wrongs += [f"then {what}: {one}" for what in ("outside", "failed") for one in getattr(self.brought_home, what)]
        wrongs += [f"did not end: {one}" for one in self.stayed]
        if self.codes != (3, 0, 3):
            wrongs.append(f"exit codes {self.codes}")
        if self.result["verdict"] != "incomplete" or self.brought_home.ran.code != 3:
            wrongs.append(f"{self.result['verdict']}, then exit {self.brought_home.ran.code}")
        if self.result["load"]["workers_lost"] != 1:
            wrongs.append(f"{self.result['load']['workers_lost']} workers lost")
        if "worker_lost" not in [one["code"] for one in self.result["findings"]]:
            wrongs.append("no finding worker_lost")
        if self.twice:
            wrongs.append(f"sent by two workers: {sorted(self.twice)[:5]}")
        if not self.in_the_hole:
            wrongs.append("no hole")
        return tuple(wrongs)

    def __str__(self) -> str:
        more = self.brought_home.attempts - self.at_first.attempts
        told = (
            f"cut off from {self.cut.value}: {self.in_the_hole} visitors in the hole, {self.at_first.attempts} "
            f"attempts at home and {more} more that were brought there, all ended {self.seconds:.0f} s later"
        )
        return "; ".join([told, *self.wrongs])


def cut_off(scratch: Path, cut: Cut) -> CutOff:
    """One run, and its second worker cut off in the middle of it."""
    folder, database = scratch / "run", scratch / "collector.db"
    with machines(["master", "one", "two", "collector"]) as (master, one, two, collector):
        serving = collector.start(
            "simulator", "serve", "--host", collector.address, "--port", _PORT, "--db", database, log=scratch / "c.log"
        )
        try:
            wait_for(lambda: b"listening on" in (scratch / "c.log").read_bytes())
            url = f"http://{collector.address}:{_PORT}"
            running = master.start(
                "simulator", "run", SCENARIO, "--visitors", VISITORS, "--rate", RATE, "--target", url,
                "--allow-host", collector.address, "--workers", 2, "--listen", master.address, "--out", folder,
                log=scratch / "master.log",
            )  # fmt: skip
            workers = [_worker(machine, master, scratch / name) for machine, name in ((one, "one"), (two, "two"))]
            wait_for(lambda: _started(folder) >= CUT_AFTER or running.poll() is not None)
            if cut is Cut.CABLE:
                two.unplug()
            else:
                two.forget_the_way_to(master)
            began = time.monotonic()
            stayed = _ended({"the master": running, "worker one": workers[0], "worker two": workers[1]})
            seconds = time.monotonic() - began
        finally:
            serving.terminate()
            serving.wait(30)
        result = result_of(folder)
        opened = open_run(folder)
        leases = read_leases(folder, opened.manifest.run_id)
        ran = Ran(running.returncode, "", "")
        at_first = judged_by_truth(folder, ran, 0, database)
        brought_home = _bring_home(folder, scratch / "two", collector, database)
    sent_by = [{f[2] for _, f in read_slots(path) if f[5] == Purpose.EVENT} for path in ledger_files(folder)]
    return CutOff(
        cut,
        at_first,
        brought_home,
        result,
        frozenset(sent_by[0] & sent_by[1]),
        sum(hole.stop - hole.first for hole in leases.holes.get("load", ())),
        seconds,
        (running.returncode, workers[0].returncode, workers[1].returncode),
        stayed,
    )


def _worker(machine: Machine, master: Machine, kept: Path) -> subprocess.Popen[bytes]:
    where = ("--master-host", master.address, "--ledger-dir", kept)
    return machine.start("simulator.load", "--worker", *where, log=kept.with_suffix(".log"))


def _started(folder: Path) -> int:
    try:
        return int(json.loads((folder / PROGRESS_FILE).read_text(encoding="utf-8"))["visitors_started"])
    except FileNotFoundError:
        return 0


def _ended(processes: dict[str, subprocess.Popen[bytes]]) -> tuple[str, ...]:
    deadline = time.monotonic() + _PATIENCE
    stayed = []
    for name, process in processes.items():
        try:
            process.wait(max(0.1, deadline - time.monotonic()))
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
            stayed.append(name)
    return tuple(stayed)


def _bring_home(folder: Path, kept: Path, collector: Machine, database: Path) -> Killed:
    """Copy the ledger that the worker kept, as its finding says, and verify again."""
    (found,) = kept.glob(f"*/{LEDGER_FOLDER}/*.attempts")
    shutil.copyfile(found, folder / LEDGER_FOLDER / found.name)
    serve = ("--host", collector.address, "--port", _PORT, "--db", database)
    serving = collector.start("simulator", "serve", *serve, log=folder.parent / "c2.log")
    try:
        wait_for(lambda: b"listening on" in (folder.parent / "c2.log").read_bytes())
        verifying = collector.start(
            "simulator", "verify", folder, "--allow-host", collector.address, log=folder.parent / "verify.log"
        )
        code = verifying.wait(_PATIENCE)
    finally:
        serving.terminate()
        serving.wait(30)
    return judged_by_truth(folder, Ran(code, "", ""), 0, database)


def main() -> int:
    """Both ways to be cut off; 0 when both were right."""
    if reason := why_not():
        print(f"cannot be tried here: {reason}")
        return 5
    right = 0
    for cut in Cut:
        with tempfile.TemporaryDirectory(prefix="mpsim-cut-off-") as scratch:
            found = cut_off(Path(scratch), cut)
            right += not found.wrongs
            print(f"{'WRONG' if found.wrongs else 'ok   '} {found}", flush=True)
    return 0 if right == len(Cut) else 1


if __name__ == "__main__":
    sys.path.insert(0, str(ROOT))
    sys.exit(main())
