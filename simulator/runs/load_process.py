"""Locust as a child process: started on a prepared run directory, watched, stopped by its id.

The two meet through the run directory alone: run.json goes in; ledger, progress.json and load.json come out.
"""

from __future__ import annotations

import json
import os
import signal
import site
import socket
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import simulator
from simulator.errors import ConnectionFailed, EngineError, UsageError
from simulator.finding import ExitCode
from simulator.ledger.manifest import PROGRESS_FILE
from simulator.runs.load_report import read_load_report

LOCUSTFILE = Path(simulator.__file__).parent / "load" / "locustfile.py"
LOG_FILE = "locust.log"
_LOOK_SECONDS = 0.2
_GRACE_SECONDS = 10

Progress = Callable[[dict[str, Any]], None]


def run_load(folder: Path, watch: Progress, *, web_port: int | None = None) -> int:
    """Send the run and wait for its end; the load's own exit code.

    A transport that failed its self-check is no exception: the run is judged, and its verdict says so.

    Ctrl-C asks the load to drain and end, a second one kills it; either way the ledger holds what was sent.

    Args:
        watch: told of the progress a few times a second.
        web_port: Locust's web UI there, on loopback; the run starts at once and ends when its visitors are through.

    Raises:
        ConnectionFailed, UsageError, EngineError: the load says that it could not begin.
    """
    if web_port is not None:
        _check_port(web_port)
    with (folder / LOG_FILE).open("wb") as log:
        process = subprocess.Popen(
            command_of(folder, web_port),
            cwd=folder,
            env=_environment(folder),
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            start_new_session=True,  # Ctrl-C at the terminal comes to us, and we pass it on once
        )
        code = _wait(process, folder, watch)
    _raise_what_it_says(code, folder)
    return code


def _check_port(port: int) -> None:
    try:
        socket.create_server(("127.0.0.1", port)).close()
    except OSError as taken:
        raise UsageError(
            f"the web UI cannot listen on 127.0.0.1:{port}: {taken.strerror}; choose another --web-port"
        ) from taken


def command_of(folder: Path, web_port: int | None = None) -> list[str]:
    """The command line of the load process; every option that a stray configuration could move is given."""
    command = [sys.executable, "-m", "locust", "-f", str(LOCUSTFILE), "--run-dir", str(folder.resolve())]
    command += ["--parent", str(os.getpid())]
    command += ["-u", "1", "-r", "1", "--stop-timeout", str(_GRACE_SECONDS), "--loglevel", "WARNING"]
    if web_port is None:
        return [*command, "--headless", "--only-summary"]
    web = ["--web-host", "127.0.0.1", "--web-port", str(web_port), "--autostart", "--autoquit", "0"]
    return [*command, *web]


def _environment(folder: Path) -> dict[str, str]:
    """Ours without Locust's variables, and with a home where no configuration of Locust's can lie."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith("LOCUST_")}
    # The child starts in the run directory: what makes this package importable must not be relative.
    package = str(Path(simulator.__file__).parent.parent)
    paths = [package, *filter(None, kept.get("PYTHONPATH", "").split(os.pathsep))]
    moved = {"HOME": str(folder.resolve()), "PYTHONUSERBASE": site.getuserbase()}  # packages stay where they are
    return {**kept, **moved, "PYTHONPATH": os.pathsep.join(paths)}


def _wait(process: subprocess.Popen[bytes], folder: Path, watch: Progress) -> int:
    interrupts = 0
    while True:
        try:
            while (code := process.poll()) is None:
                watch(_progress(folder))
                time.sleep(_LOOK_SECONDS)
        except KeyboardInterrupt:
            interrupts += 1
            process.send_signal(signal.SIGINT if interrupts == 1 else signal.SIGKILL)
        else:
            return code


def _progress(folder: Path) -> dict[str, Any]:
    try:
        found = json.loads((folder / PROGRESS_FILE).read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    return found if isinstance(found, dict) else {}


def _reason(folder: Path) -> str:
    """What the load says of its end: in load.json, or, where it did not come to that, at last in its log."""
    said = (folder / LOG_FILE).read_text(encoding="utf-8", errors="replace").strip().splitlines()
    return str(read_load_report(folder).facts.get("reason", "")) or (said[-1] if said else "it said nothing")


def _raise_what_it_says(code: int, folder: Path) -> None:
    if code in {ExitCode.PASS, ExitCode.INCOMPLETE} or code < 0 or read_load_report(folder).failed_self_check:
        return
    text = f"the load ended with {code}: {_reason(folder)} (see {folder / LOG_FILE})"
    if code == ExitCode.NO_CONNECTION:
        raise ConnectionFailed(text)
    if code == ExitCode.USAGE:
        raise UsageError(text)
    raise EngineError(text)
