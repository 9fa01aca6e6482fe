"""A scenario runs once in a session: its tests may be spread over the processes of pytest-xdist.

Whoever needs the run first locks its file, sends it and notes where it lies; the others wait for the lock and read the
note. A process that dies lets go of the lock, and without a note the next one sends the scenario again.
"""

from __future__ import annotations

import fcntl
import hashlib
import json
from collections.abc import Callable
from pathlib import Path

from simulator.api import MpsimError, Run, read_run
from simulator.report.disk import write_whole


class NoRun(Exception):
    """Why there is no run, in words for the user."""


def run_once(shared: Path, name: str, send: Callable[[], Run]) -> Run:
    """The run of that name; sent by whoever comes first.

    Args:
        shared: a folder that all processes of the session have, and no other session.

    Raises:
        NoRun: it could not be sent or judged, which is noted too.
    """
    shared.mkdir(parents=True, exist_ok=True)
    key = hashlib.sha256(name.encode()).hexdigest()[:16]
    note = shared / f"{key}.json"
    with (shared / f"{key}.lock").open("wb") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)  # until it is closed
        if not note.exists():
            try:
                said = {"folder": str(send().folder)}
            except MpsimError as failed:
                said = {"error": str(failed)}
            write_whole(note, json.dumps(said).encode())
        said = json.loads(note.read_bytes())
    if "error" in said:
        raise NoRun(said["error"])
    try:
        return read_run(said["folder"])
    except MpsimError as gone:
        raise NoRun(str(gone)) from gone
