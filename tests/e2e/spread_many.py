"""A master and two workers, and a fault at a random instant, again and again: `python -m tests.e2e.spread_many 20`.

A worker gets SIGTERM, Ctrl-C or `kill -9`, or the master does, or all of them get Ctrl-C; some runs have no fault. With
a first seed and `worker` behind the number (`… 20 1 worker`) it is one worker at most, so every run goes on. Each is
judged by `mpsim verify` and held against the truth, counted once more and plainly from the rows in the collector's
own file:

    no visitor was ever sent by two workers
    where the run went on to its end, whatever happened to one worker, the visitors sent are exactly 0..N-1
    every interval contains the truth, that of the ledger alone and the judged one; nothing fails
    the verdict is pass only where everybody was sent to the end, and else incomplete
"""

from __future__ import annotations

import json
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from enum import Enum
from pathlib import Path

from simulator.ledger.manifest import LOAD_FILE
from simulator.ledger.read import is_being_written, ledger_files, read_slots
from simulator.rand import Stream
from simulator.runs.load_process import MASTER_FILE, Crew, command_of, worker_command
from simulator.runs.preparing import prepare
from simulator.traffic.making import Wanted
from simulator.traffic.sending import requests_of_block
from simulator.wire.request import Purpose
from tests.e2e.commands import ROOT, SCENARIOS, environment, mpsim
from tests.e2e.kill_many import Killed, judged_by_truth, wait_for

SCENARIO = SCENARIOS / "returning_visitors.yaml"
VISITORS = 400
_PATIENCE = 90.0  # seconds for all processes to end


class Fault(Enum):
    """What happens, to whom."""

    NONE = "no fault"
    TERM_WORKER = "SIGTERM to a worker"
    INT_WORKER = "Ctrl-C to a worker"
    KILL_WORKER = "kill -9 of a worker"
    TERM_MASTER = "SIGTERM to the master"
    INT_ALL = "Ctrl-C to all"
    KILL_MASTER = "kill -9 of the master"

    @property
    def goes_on(self) -> bool:
        """Whether there is somebody left to send the rest."""
        return self in {Fault.NONE, Fault.TERM_WORKER, Fault.INT_WORKER, Fault.KILL_WORKER}


# Those of a worker are what must be right most of all.
FAULTS = (Fault.KILL_WORKER, Fault.TERM_WORKER, Fault.INT_WORKER, Fault.KILL_WORKER, Fault.NONE, Fault.INT_ALL,
          Fault.TERM_WORKER, Fault.KILL_WORKER, Fault.TERM_MASTER, Fault.KILL_MASTER)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Spread:
    """A run with its fault, and what came of it."""

    fault: Fault
    after: int  # attempts in the ledgers when it happened
    judged: Killed
    verdict: str
    visitors: frozenset[int]  # sent in the judged load, by anybody
    twice: frozenset[int]  # by two workers
    everybody: frozenset[int]
    lost: int  # workers, as the load says
    finished: bool  # as the load says
    left_behind: tuple[str, ...]  # processes or locks

    @property
    def wrongs(self) -> tuple[str, ...]:
        """What must not be."""
        judged, code = self.judged, self.judged.ran.code
        wrongs = [f"outside: {one}" for one in judged.outside] + [f"fails: {one}" for one in judged.failed]
        wrongs += [f"left behind: {one}" for one in self.left_behind]
        if self.twice:
            wrongs.append(f"sent by two workers: {sorted(self.twice)[:5]}")
        if self.fault.goes_on and self.visitors != self.everybody:
            wrongs.append(f"never sent: {sorted(self.everybody - self.visitors)[:5]}")
        if code != (0 if self.finished else 3):
            wrongs.append(f"exit {code}")
        if self.fault in (Fault.KILL_WORKER, Fault.KILL_MASTER) and code == 0:
            wrongs.append("green")
        if self.fault is Fault.NONE and code != 0:
            wrongs.append("not green")
        if self.fault is Fault.KILL_WORKER and self.lost != 1:
            wrongs.append(f"{self.lost} workers lost")
        return tuple(wrongs)

    def __str__(self) -> str:
        told = (
            f"{self.fault.value} after {self.after} attempts: {len(self.visitors)} of {len(self.everybody)} visitors, "
            f"{self.judged.attempts} attempts, {self.judged.open_attempts} open, {self.verdict}"
        )
        return "; ".join([told, *self.wrongs])


def spread_once(folder: Path, seed: int, fault: Fault, *, speed: str = "flood") -> Spread:
    """One run with this seed, and its fault after a number of attempts that the seed tells; then verified."""
    draw = Stream(seed, "spread")
    with ExitStack() as running:
        wanted = Wanted(SCENARIO, seed=seed, visitors=VISITORS, speed=speed, workers=2, out=folder)
        opened = prepare(wanted, running)
        planned = sum(
            len(requests)
            for block in opened.plan.blocks
            for requests in requests_of_block(opened.plan, opened.adapter, block).values()
        )
        after = draw.between(1, planned * 4 // 5)
        master = running.enter_context(_started(command_of(folder, crew=Crew(2)), folder, "master"))
        wait_for(lambda: (folder / MASTER_FILE).exists() or master.poll() is not None)
        port = json.loads((folder / MASTER_FILE).read_text(encoding="utf-8"))["port"]
        workers = [running.enter_context(_started(worker_command(port), folder, f"w{n}")) for n in (1, 2)]
        wait_for(lambda: _attempts(folder) >= after or master.poll() is not None)
        _strike(fault, master, workers, draw.below(2))
        left_behind = _ended([master, *workers])
    if is_being_written(folder):
        left_behind = (*left_behind, "a lock on a ledger")
    ran = mpsim("verify", folder)
    report = folder / LOAD_FILE
    told = json.loads(report.read_text(encoding="utf-8")) if report.exists() else {}
    sent_by = [_visitors_of(path) for path in ledger_files(folder)]
    result = json.loads((folder / "result.json").read_text(encoding="utf-8"))
    return Spread(
        fault,
        after,
        judged_by_truth(folder, ran, planned),
        result["verdict"],
        frozenset().union(*sent_by),
        sent_by[0] & sent_by[1] if len(sent_by) == 2 else frozenset(),
        frozenset(range(opened.plan.count)),
        int(told.get("workers_lost", 0)),
        bool(told.get("finished")),
        left_behind,
    )


def _started(command: Sequence[str], folder: Path, name: str) -> subprocess.Popen[bytes]:
    with (folder.parent / f"{folder.name}-{name}.log").open("wb") as log:
        return subprocess.Popen(
            command, cwd=folder, env=environment(), stdin=subprocess.DEVNULL, stdout=log, stderr=log
        )


def _attempts(folder: Path) -> int:
    return sum(1 for path in ledger_files(folder) for _ in read_slots(path))


def _visitors_of(ledger: Path) -> frozenset[int]:
    return frozenset(fields[2] for _, fields in read_slots(ledger) if fields[5] == Purpose.EVENT)


def _strike(
    fault: Fault, master: subprocess.Popen[bytes], workers: Sequence[subprocess.Popen[bytes]], which: int
) -> None:
    match fault:
        case Fault.TERM_WORKER:
            workers[which].send_signal(signal.SIGTERM)
        case Fault.INT_WORKER:
            workers[which].send_signal(signal.SIGINT)
        case Fault.KILL_WORKER:
            workers[which].kill()
        case Fault.TERM_MASTER:
            master.send_signal(signal.SIGTERM)
        case Fault.KILL_MASTER:
            master.kill()
        case Fault.INT_ALL:
            for process in (master, *workers):
                process.send_signal(signal.SIGINT)
        case Fault.NONE:
            pass


def _ended(processes: Sequence[subprocess.Popen[bytes]]) -> tuple[str, ...]:
    """Wait until all have ended by themselves; those that did not are ended, and named."""
    deadline = time.monotonic() + _PATIENCE
    stayed = []
    for name, process in zip(("the master", "worker 1", "worker 2"), processes, strict=True):
        try:
            process.wait(max(0.1, deadline - time.monotonic()))
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
            stayed.append(name)
    return tuple(stayed)


def main(times: int, first: int = 1, only: str = "") -> int:
    """So many runs; 0 when all of them were right."""
    faults = [fault for fault in FAULTS if fault.goes_on or only != "worker"]
    right = went_on = everybody = 0
    began = time.monotonic()
    with tempfile.TemporaryDirectory(prefix="mpsim-spread-") as scratch:
        for seed in range(first, first + times):
            fault = faults[(seed - 1) % len(faults)]
            spread = spread_once(Path(scratch) / str(seed), seed, fault)
            right += not spread.wrongs
            went_on += fault.goes_on
            everybody += fault.goes_on and spread.visitors == spread.everybody and not spread.twice
            print(f"{'WRONG' if spread.wrongs else 'ok   '} seed {seed}: {spread}", flush=True)
    print(f"{everybody} of the {went_on} runs that went on to their end sent visitors 0..N-1, each by one worker")
    print(f"{right} of {times} runs are right, in {time.monotonic() - began:.0f} s")
    return 0 if right == times else 1


if __name__ == "__main__":
    sys.path.insert(0, str(ROOT))
    times, first, only = [*sys.argv[1:4], *("20", "1", "")[len(sys.argv) - 1 :]]
    sys.exit(main(int(times), int(first), only))
