"""kill -9 of the load process somewhere in the middle, again and again: `python -m tests.e2e.kill_many 50`.

Each time the run is judged by `mpsim verify` and held against the truth, counted once more and plainly from the rows in
the collector's own file: every interval must contain it, that of the ledger alone and the judged one, and the verdict
must be incomplete.
"""

from __future__ import annotations

import json
import signal
import sqlite3
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing
from dataclasses import dataclass
from pathlib import Path

from simulator.events import Identity
from simulator.ledger.index import AttemptIndex
from simulator.ledger.manifest import DATABASE_FILE
from simulator.ledger.read import read_ledger
from simulator.rand import Stream
from simulator.runs.counting import count_run
from simulator.runs.load_process import command_of
from simulator.runs.preparing import prepare
from simulator.times import Ms
from simulator.traffic.making import Wanted
from simulator.traffic.opened import OpenedRun, open_run
from simulator.traffic.sending import requests_of_block
from simulator.wire.request import Action, Evidence, Record
from tests.e2e.commands import ROOT, SCENARIOS, Ran, environment, mpsim, result_of
from tests.verify import brute

SCENARIO = SCENARIOS / "returning_visitors.yaml"
VISITORS = 400
_ACTIONS = {
    "mini_program_open": Action.OPEN,
    "mini_program_view": Action.VIEW,
    "open_page": Action.VIEW,
    "c_mp_show": Action.SHOW,
}
Cell = tuple[str, str, str]  # metric, by, cell
_PATIENCE = 120.0  # seconds


@dataclass(frozen=True, slots=True)
class Killed:
    """A run that was killed, and judged afterwards."""

    ran: Ran  # mpsim verify
    attempts: int  # in the ledger
    planned: int  # requests
    open_attempts: int  # whose outcome nobody wrote any more
    outside: tuple[str, ...]  # cells whose interval does not contain the truth
    failed: tuple[str, ...]  # cells and findings that fail

    @property
    def is_right(self) -> bool:
        """The middle of a run, judged incomplete, and the truth in every interval."""
        return self.ran.code == 3 and not self.outside and not self.failed and 0 < self.attempts < self.planned

    def __str__(self) -> str:
        told = f"{self.attempts} of {self.planned} sent, {self.open_attempts} open, exit {self.ran.code}"
        return "; ".join(
            [told, *(f"outside: {one}" for one in self.outside), *(f"fails: {one}" for one in self.failed)]
        )


def kill_once(folder: Path, seed: int) -> Killed:
    """One run with this seed, killed after a number of sends that the seed tells, then verified."""
    with ExitStack() as running:
        wanted = Wanted(SCENARIO, seed=seed, visitors=VISITORS, speed="flood", out=folder)
        opened = prepare(wanted, running)
        planned = sum(
            len(requests)
            for block in opened.plan.blocks
            for requests in requests_of_block(opened.plan, opened.adapter, block).values()
        )
        after = Stream(seed, "kill").between(1, planned * 3 // 4)
        process = running.enter_context(_load(folder))
        wait_for(lambda: sent(folder) >= after or process.poll() is not None)
        process.send_signal(signal.SIGKILL)
        process.wait(_PATIENCE)
    ran = mpsim("verify", folder)
    return judged_by_truth(folder, ran, planned)


def _load(folder: Path) -> subprocess.Popen[bytes]:
    return subprocess.Popen(
        command_of(folder),
        cwd=folder,
        env=environment(),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )


def sent(folder: Path) -> int:
    """How many attempts the ledgers hold."""
    return sum(1 for _ in read_ledger(folder))


def wait_for(is_so: Callable[[], bool]) -> None:
    """Return when something is so.

    Raises:
        AssertionError: it never is.
    """
    deadline = time.monotonic() + _PATIENCE
    while not is_so():
        assert time.monotonic() < deadline, "the load sends nothing"
        time.sleep(0.002)


def judged_by_truth(folder: Path, ran: Ran, planned: int, database: Path | None = None) -> Killed:
    """A verified run held against what the collector has stored; in its own file, unless another is named."""
    attempts = list(read_ledger(folder))
    result = result_of(folder)
    opened = open_run(folder)
    truth = truth_of(opened, database)
    outside = [f"by the ledger alone, {one}" for one in _outside_of_the_ledger(opened, truth)]
    for row in result["metrics"]:
        cell = (row["metric"], row["by"], row["cell"])
        low, high = row["expected"]
        if not low <= truth[cell] <= high or row["observed"] != truth[cell]:
            outside.append(f"{cell}: {truth[cell]} stored, {row['observed']} counted, {low}..{high} expected")
    judged = {(row["metric"], row["by"], row["cell"]) for row in result["metrics"]}
    outside += [f"{cell}: {many} stored, not judged" for cell, many in truth.items() if many and cell not in judged]
    failed = [f"{row['metric']} {row['cell']}" for row in result["metrics"] if row["verdict"] == "fail"]
    failed += [one["text"] for one in result["findings"] if one["verdict"] == "fail"]
    return Killed(
        ran,
        len(attempts),
        planned,
        sum(one.evidence is Evidence.NONE for one in attempts),
        tuple(outside),
        tuple(failed),
    )


def _outside_of_the_ledger(opened: OpenedRun, truth: Counter[Cell]) -> Iterator[str]:
    """Cells in which what the attempts allow does not contain the truth."""
    with AttemptIndex(opened.folder, opened.manifest.run_id) as index:
        allowed = count_run(opened, index, opened.plan.start, opened.plan.end, None).by_ledger
    for cell in {*allowed.intervals, *truth}:
        interval = allowed.expected(*cell)
        if interval is None or truth[cell] not in interval:
            yield f"{cell}: {truth[cell]} stored, {interval} allowed"


def truth_of(opened: OpenedRun, database: Path | None = None) -> Counter[Cell]:
    """The four numbers in every cell, counted plainly from the rows that the collector has stored."""
    records = list(_rows(database or opened.folder / DATABASE_FILE))
    return brute.count(records, opened.contract, opened.plan.start, opened.plan.end)


def _rows(database: Path) -> Iterator[Record]:
    columns = "at, name, coalesce(anonymous_id, ''), identities, source, content, coalesce(page, ''), id"
    with closing(sqlite3.connect(database)) as connection:
        rows = connection.execute(f"SELECT {columns} FROM event ORDER BY at, id").fetchall()
    for at, name, device, identities, source, content, page, number in rows:
        yield Record(
            visitor=0,
            number=number,
            external_id="",
            action=_ACTIONS.get(name, Action.CUSTOM),
            event=name,
            date=Ms(at),
            anonymous_id=device,
            identities=tuple(Identity(*one) for one in json.loads(identities or "[]")),
            source=source,
            content=content,
            page=page,
        )


def main(times: int, first: int = 1) -> int:
    """Kill so many runs; 0 when every verdict was right."""
    right = 0
    with tempfile.TemporaryDirectory(prefix="mpsim-killed-") as scratch:
        for seed in range(first, first + times):
            killed = kill_once(Path(scratch) / str(seed), seed)
            right += killed.is_right
            print(f"{'ok   ' if killed.is_right else 'WRONG'} seed {seed}: {killed}", flush=True)
    print(f"killed in the middle: {right} of {times} verdicts are incomplete, with the truth in every interval")
    return 0 if right == times else 1


if __name__ == "__main__":
    sys.path.insert(0, str(ROOT))
    sys.exit(main(*map(int, sys.argv[1:3])))
