"""`mpsim run` and `mpsim verify` against nginx, as a user types them.

With a tally behind it (tally.py) nginx answers for totals, and a run is judged; without one it is sent, its totals are
unreadable, and the verdict is honestly incomplete.
"""

from __future__ import annotations

import json
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from simulator.finding import ExitCode
from tests.bench.processes import BenchError, MemoryWatch, last_words, python, running, wait_end
from tests.bench.sink import Sink

# nginx has answered when its line is not written yet, and counting ten million events takes a while: no haste.
_CONTRACT = "name: bench\nquiet: 0s\ndeadline: {deadline}s\n"
_MOST_SECONDS = 6 * 3_600.0


@dataclass(frozen=True, slots=True)
class Command:
    """A command of mpsim that ended."""

    exit_code: int
    seconds: float  # from its start to its end
    peaks: dict[str, float]  # MiB, the peak of every process of it and of the sink, by what it is
    said: str


def run(
    folder: Path,
    scenario: str,
    sink: Sink,
    *,
    options: Sequence[object] = (),
    judged: bool = True,
    core: int | None = None,
) -> Command:
    """`mpsim run` of a flood; the run directory is `folder / "run"`."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "scenario.yaml").write_text(scenario, encoding="utf-8")
    contract = folder / "contract.yaml"
    contract.write_text(_CONTRACT.format(deadline=1_800 if judged else 0), encoding="utf-8")
    arguments = ["run", folder / "scenario.yaml", "--target", sink.url, "--speed", "flood", "--quiet"]
    arguments += ["--contract", contract, "--out", folder / "run", *options]
    return command(folder, arguments, sink, core=core)


def verify(folder: Path, sink: Sink) -> Command:
    """`mpsim verify` of that run."""
    return command(folder, ["verify", folder / "run"], sink)


def command(folder: Path, arguments: Sequence[object], sink: Sink, *, core: int | None = None) -> Command:
    """Run one command line of mpsim to its end, and watch it and the sink."""
    log = folder / "mpsim.out"
    log.unlink(missing_ok=True)
    roots = {"nginx": sink.pid} | ({"counting": sink.tally_pid} if sink.tally_pid is not None else {})
    began = time.monotonic()
    with (
        running(python("-m", "simulator", *arguments), log, core=core, cwd=folder) as process,
        MemoryWatch({"mpsim": process.pid, **roots}, _name_of) as watch,
    ):
        code = wait_end(process, _MOST_SECONDS, "mpsim", log)
    return Command(code, time.monotonic() - began, dict(watch.peaks), last_words(log))


def check_passed(done: Command) -> None:
    """Hold that the verdict is pass.

    Raises:
        BenchError: it is not.
    """
    if done.exit_code != ExitCode.PASS:
        raise BenchError(f"the verdict is not pass but exit {done.exit_code}: {done.said}")


def result_of(folder: Path) -> dict[str, Any]:
    """result.json of the run."""
    document: dict[str, Any] = json.loads((folder / "run" / "result.json").read_text(encoding="utf-8"))
    return document


def _name_of(command_line: str) -> str:
    """What a process of a run is, in words; empty for what its root's name says."""
    if "locust" in command_line.split(" -f ", maxsplit=1)[0]:
        return "worker" if "--worker" in command_line else "load (Locust)"
    if command_line.startswith("nginx: "):
        return " ".join(command_line.split()[:2])
    if "multiprocessing" in command_line:
        return "verification, divided"
    return ""
