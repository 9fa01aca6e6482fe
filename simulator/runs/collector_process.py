"""The embedded collector as a child process: started on a free loopback port, stopped by its id."""

from __future__ import annotations

import os
import select
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from simulator.contract import Definitions
from simulator.errors import EngineError

START_SECONDS = 30.0
STOP_SECONDS = 15.0
_READY = "listening on "


@contextmanager
def embedded_collector(
    database: Path,
    definitions: Definitions,
    tenant: str = "",
    events: Sequence[str] = (),
    *,
    fault: str = "",
    fsync: bool = True,
    port: int = 0,
) -> Iterator[str]:
    """Run the embedded collector over a database file; gives its base URL.

    Args:
        fault: one of simulator.collector.faults, to be wrong in that way; empty for an honest collector.
        fsync: its answers wait for the disk; where nobody minds a power cut, they need not.
        port: 0 takes a free one.

    Raises:
        EngineError: it did not start; with what it said.
    """
    collector = ["simulator.collector.faults", fault] if fault else ["simulator.collector"]
    command = [sys.executable, "-m", *collector, "--host", "127.0.0.1", "--port", str(port)]
    command += ["--db", str(database), "--opens", str(definitions.opens), "--user", definitions.user]
    command += ["--day", definitions.day, "--parent", str(os.getpid())]
    if not fsync:
        command.append("--no-fsync")
    if tenant:
        command += ["--tenant", tenant]
    if events:
        command += ["--events", ",".join(events)]
    log = database.with_suffix(".log")
    # A session of its own: Ctrl-C at the terminal is ours to handle, the collector must outlive the load.
    with log.open("wb") as said:
        process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=said, start_new_session=True)
    try:
        yield _wait_until_ready(process, log)
    finally:
        _stop(process)


def _wait_until_ready(process: subprocess.Popen[bytes], log: Path) -> str:
    assert process.stdout is not None
    deadline = time.monotonic() + START_SECONDS
    while (left := deadline - time.monotonic()) > 0:
        if select.select([process.stdout], [], [], min(left, 1.0))[0]:
            line = process.stdout.readline().decode(errors="replace").strip()
            if line.startswith(_READY):
                return line.removeprefix(_READY)
            if not line:
                break
    said = log.read_text(errors="replace").strip().splitlines()
    raise EngineError(f"the embedded collector did not start: {said[-1] if said else 'it said nothing'}")


def _stop(process: subprocess.Popen[bytes]) -> None:
    if process.stdout is not None:
        process.stdout.close()
    if process.poll() is None:
        process.terminate()
        try:
            process.wait(STOP_SECONDS)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
