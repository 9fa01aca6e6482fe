"""Locust as child processes: started on a prepared run directory, watched, stopped by their ids.

One process sends a run, or a master with some workers does. They and we meet through the run directory alone: run.json
goes in; ledger, progress.json and load.json come out.
"""

from __future__ import annotations

import os
import signal
import site
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from contextlib import ExitStack, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import simulator
from simulator.entry import error_of
from simulator.errors import ConnectionFailed, EngineError, UsageError
from simulator.finding import ExitCode
from simulator.ledger.manifest import LIVE_FILE, PROGRESS_FILE, read_document, read_manifest
from simulator.ledger.read import ledger_files
from simulator.runs.load_report import note_own_fault, read_load_report
from simulator.traffic.listening import check_port

LOCUSTFILE = Path(simulator.__file__).parent / "load" / "locustfile.py"
LOG_FILE = "locust.log"
MASTER_FILE = "master.json"  # the port at which a master awaits its workers; it writes that when it listens
DEFAULT_PORT = 5557  # Locust's, for workers on other machines
_LOOK_SECONDS = 0.2
_GRACE_SECONDS = 10
_START_SECONDS = 60.0  # for a master to listen, and for its workers to be ready
_END_SECONDS = 10.0  # for workers whose master has ended; then they are told to, and in the end made to

Progress = Callable[[dict[str, Any]], None]


@dataclass(frozen=True, slots=True)
class Crew:
    """Who sends a run."""

    workers: int = 1  # 1: one process alone
    listen: str | None = None  # HOST:PORT to which they come from other machines; None: they are started here

    @property
    def has_master(self) -> bool:
        return self.workers > 1 or self.listen is not None


def run_load(folder: Path, watch: Progress, *, crew: Crew | None = None, web_port: int | None = None) -> int:
    """Send the run and wait for its end; the load's own exit code.

    A transport that failed its self-check is no exception, nor is a full disk: the run is judged, and its verdict says
    so. A load that died of a bug without a word has load.json written for it.

    Ctrl-C asks the load to drain and end, a second one kills it; either way the ledger holds what was sent.

    Args:
        watch: told of the progress a few times a second.
        web_port: Locust's web UI there, on loopback; the run starts at once and ends when its visitors are through.

    Raises:
        ConnectionFailed, UsageError, EngineError: the load says that it could not begin.
    """
    crew = crew or Crew()
    with ExitStack() as ending:
        processes = _Processes(folder, ending)
        first = processes.start(command_of(folder, web_port, crew=crew), LOG_FILE)
        ending.callback(processes.end_all)
        processes.wanted = crew.workers if crew.has_master and crew.listen is None else 0
        code = _wait(first, processes, folder, watch)
        processes.have_a_master = code >= 0
    _raise_what_it_says(code, folder)
    return code


def check_ports(web_port: int | None, listen: str | None) -> None:
    """Whether the load could listen where it is told to.

    Raises:
        UsageError: it could not, or that is no address.
    """
    if web_port is not None:
        check_port("127.0.0.1", web_port, "--web-port")
    if listen is not None:
        check_port(*split_address(listen), "--listen")


def split_address(text: str) -> tuple[str, int]:
    """HOST:PORT; a port alone is on every interface, a host alone on Locust's usual port.

    Raises:
        UsageError: it is neither.
    """
    host, colon, port = text.rpartition(":")
    if not colon:
        host, port = (text, str(DEFAULT_PORT)) if not text.isdecimal() else ("0.0.0.0", text)  # noqa: S104  as asked
    if not host or not port.isdecimal() or not 0 < int(port) < 65_536:
        raise UsageError(f"--listen {text}: expected an address and a port, such as 10.0.0.1:{DEFAULT_PORT}")
    return host, int(port)


def command_of(folder: Path, web_port: int | None = None, *, crew: Crew | None = None) -> list[str]:
    """The command line of the load process, or of the master; every option that a stray configuration could move is
    given."""
    crew = crew or Crew()
    command = [*_locust(), "--run-dir", str(folder.resolve())]
    command += ["-u", str(crew.workers), "-r", str(crew.workers), "--stop-timeout", str(_GRACE_SECONDS)]
    if crew.has_master:
        host, port = ("127.0.0.1", 0) if crew.listen is None else split_address(crew.listen)
        command += ["--master", "--master-bind-host", host, "--master-bind-port", str(port)]
        command += ["--expect-workers", str(crew.workers)]
        command += ["--expect-workers-max-wait", str(int(_START_SECONDS)) if crew.listen is None else "0"]
    if web_port is None:
        return [*command, "--headless", "--only-summary"]
    web = ["--web-host", "127.0.0.1", "--web-port", str(web_port), "--autostart", "--autoquit", "0"]
    return [*command, *web]


def worker_command(port: int) -> list[str]:
    """The command line of a worker on this machine."""
    return [*_locust(), "--worker", "--master-host", "127.0.0.1", "--master-port", str(port)]


def _locust() -> list[str]:
    command = [sys.executable, "-m", "locust", "-f", str(LOCUSTFILE), "--loglevel", "WARNING"]
    return [*command, "--parent", str(os.getpid())]


class _Processes:
    """Our children, each with a log of its own."""

    def __init__(self, folder: Path, ending: ExitStack) -> None:
        self.wanted = 0  # workers that are to be started when the master listens
        self.have_a_master = True  # who tells the workers to end
        self._all: list[subprocess.Popen[bytes]] = []
        self._folder = folder
        self._ending = ending

    def start(self, command: Sequence[str], log: str) -> subprocess.Popen[bytes]:
        file = self._ending.enter_context((self._folder / log).open("wb"))
        process = subprocess.Popen(
            command,
            cwd=self._folder,
            env=_environment(self._folder),
            stdin=subprocess.DEVNULL,
            stdout=file,
            stderr=file,
            start_new_session=True,  # Ctrl-C at the terminal comes to us, and we pass it on once
        )
        self._all.append(process)
        return process

    def start_workers(self) -> None:
        """As soon as the master listens."""
        if not self.wanted or (port := read_document(self._folder / MASTER_FILE).get("port")) is None:
            return
        for number in range(1, self.wanted + 1):
            self.start(worker_command(int(port)), f"worker-{number}.log")
        self.wanted = 0
        (self._folder / MASTER_FILE).unlink()

    def kill_all(self) -> None:
        for process in self._all:
            if process.poll() is None:
                process.kill()

    def end_all(self) -> None:
        """Nobody stays: first they end by themselves, then they are told to, then made to."""
        for end in (None, subprocess.Popen.terminate, subprocess.Popen.kill):
            if end is None and not self.have_a_master:
                continue
            alive = [process for process in self._all if process.poll() is None]
            if end is not None:
                for process in alive:
                    end(process)
            deadline = time.monotonic() + _END_SECONDS
            for process in alive:
                with suppress(subprocess.TimeoutExpired):
                    process.wait(max(deadline - time.monotonic(), 0.1))


def _environment(folder: Path) -> dict[str, str]:
    """Ours without Locust's variables, and with a home where no configuration of Locust's can lie."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith("LOCUST_")}
    # The child starts in the run directory: what makes this package importable must not be relative.
    package = str(Path(simulator.__file__).parent.parent)
    paths = [package, *filter(None, kept.get("PYTHONPATH", "").split(os.pathsep))]
    moved = {"HOME": str(folder.resolve()), "PYTHONUSERBASE": site.getuserbase()}  # packages stay where they are
    return {**kept, **moved, "PYTHONPATH": os.pathsep.join(paths)}


def _wait(first: subprocess.Popen[bytes], processes: _Processes, folder: Path, watch: Progress) -> int:
    """Until the load process, or the master, has ended."""
    interrupts = 0
    while True:
        try:
            while (code := first.poll()) is None:
                processes.start_workers()
                watch(_progress(folder))
                time.sleep(_LOOK_SECONDS)
        except KeyboardInterrupt:
            interrupts += 1
            if interrupts == 1:
                first.send_signal(signal.SIGINT)
            else:
                processes.kill_all()
        else:
            return code


def _progress(folder: Path) -> dict[str, Any]:
    """What the load says of itself, and, as `live`, where the totals are."""
    said, live = read_document(folder / PROGRESS_FILE), read_document(folder / LIVE_FILE)
    return {**said, "live": live} if said and live else said


def _reason(folder: Path) -> str:
    """What the load says of its end: in load.json, or, where it did not come to that, at last in its log."""
    said = (folder / LOG_FILE).read_text(encoding="utf-8", errors="replace").strip().splitlines()
    return str(read_load_report(folder).facts.get("reason", "")) or (said[-1] if said else "it said nothing")


def _raise_what_it_says(code: int, folder: Path) -> None:
    """What ended before anything could be sent is an error; whatever was sent will be judged, however it ended."""
    if code in {ExitCode.PASS, ExitCode.INCOMPLETE} or code < 0:
        return
    report = read_load_report(folder)
    if report.failed_self_check or (report.own_fault and ledger_files(folder)):
        return
    kind = error_of(code)
    text = f"the load ended with {code}: {_reason(folder)}"
    if kind is not ConnectionFailed:
        text = f"{text} (see {folder / LOG_FILE})"
    if kind is EngineError and not report.is_there and ledger_files(folder):
        note_own_fault(folder, read_manifest(folder).run_id, text)
    else:
        raise kind(text)
