"""The processes of a benchmark: pinned to a core, watched for processor time and memory, stopped by their own ids.

Linux only: what is watched is read from /proc. What they are is sink.py's, generators.py's and the rows' business.
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
import time
from bisect import bisect_left
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from types import TracebackType

from tests.bench.machine import pinned_cores
from tests.e2e.commands import ROOT

_TICK = 1 / os.sysconf("SC_CLK_TCK")  # seconds of processor time that /proc counts in
_STOP_SECONDS = 15.0
_LOOK = 0.1  # seconds between two looks at a process: /proc is read on the sink's core, which has better to do
_SHORT_LOOK = 0.02


class BenchError(Exception):
    """A benchmark that cannot be run here, or went wrong: what, and what to do."""


def environment(home: Path, more: Mapping[str, str] | None = None) -> dict[str, str]:
    """Ours without Locust's variables, and with a home where no configuration of Locust's can lie."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith("LOCUST_")}
    paths = [str(ROOT), *filter(None, kept.get("PYTHONPATH", "").split(os.pathsep))]
    return {**kept, "HOME": str(home), "PYTHONPATH": os.pathsep.join(paths), **(more or {})}


def pinned(command: list[str], core: int | None) -> list[str]:
    """The command on one core alone; where it may, if there is none to choose."""
    return command if core is None else ["taskset", "-c", str(core), *command]


@contextmanager
def running(
    command: list[str],
    log: Path,
    *,
    core: int | None = None,
    cwd: Path | None = None,
    more_environment: Mapping[str, str] | None = None,
    say: int | None = None,
) -> Iterator[subprocess.Popen[bytes]]:
    """Run a command in a session of its own; at the end whatever is left of its process group is ended.

    Args:
        log: what it says, both streams.
        say: `subprocess.PIPE` to read its standard output instead.
    """
    with log.open("ab") as said:
        process = subprocess.Popen(
            pinned(command, core),
            cwd=cwd or log.parent,
            env=environment(log.parent, more_environment),
            stdin=subprocess.DEVNULL,
            stdout=said if say is None else say,
            stderr=said,
            start_new_session=True,
        )
    try:
        yield process
    finally:
        end(process)
        if process.stdout is not None:
            process.stdout.close()


def end(process: subprocess.Popen[bytes]) -> None:
    """End the process group that a process leads: asked first, then without asking."""
    for how in (signal.SIGTERM, signal.SIGKILL):
        with suppress(ProcessLookupError):
            os.killpg(process.pid, how)
        deadline = time.monotonic() + _STOP_SECONDS
        while time.monotonic() < deadline:
            process.poll()  # a leader that nobody waits for would stay
            try:
                os.killpg(process.pid, 0)
            except ProcessLookupError:
                process.wait()
                return
            time.sleep(_SHORT_LOOK)
    process.wait()


def wait_for(true: Callable[[], bool], seconds: float, what: str, process: subprocess.Popen[bytes], log: Path) -> None:
    """Wait for a condition.

    Raises:
        BenchError: it does not come true in time, or the process ends before.
    """
    deadline = time.monotonic() + seconds
    while not true():
        if process.poll() is not None:
            if true():
                return
            raise BenchError(f"{what}: the process ended with {process.returncode}: {last_words(log)}")
        if time.monotonic() > deadline:
            raise BenchError(f"{what}: not after {seconds:g} s: {last_words(log)}")
        time.sleep(_SHORT_LOOK)


def wait_end(process: subprocess.Popen[bytes], seconds: float, what: str, log: Path) -> int:
    """Wait for the end of a process; its exit code.

    Raises:
        BenchError: it takes longer.
    """
    try:
        return process.wait(seconds)
    except subprocess.TimeoutExpired:
        raise BenchError(f"{what}: still running after {seconds:g} s: {last_words(log)}") from None


def last_words(log: Path) -> str:
    """The end of what a process said."""
    text = log.read_text(encoding="utf-8", errors="replace").strip() if log.exists() else ""
    return text[-2_000:] or "it said nothing"


def python(*arguments: object) -> list[str]:
    """A command line of this interpreter."""
    return [sys.executable, *map(str, arguments)]


def stay_with_the_sink() -> None:
    """Keep the calling thread, and it alone, off the generator's core."""
    core = pinned_cores().sink
    if core is not None:
        os.sched_setaffinity(0, {core})


# ---- /proc ----


def processor_seconds(pid: int) -> float:
    """Processor time of a process and its descendants so far, also those that have ended; 0 for one that is gone."""
    return sum(_seconds(one) for one in family(pid))


def family(pid: int) -> list[int]:
    """A process and its living descendants."""
    children: dict[int, list[int]] = {}
    for entry in Path("/proc").iterdir():
        if entry.name.isdecimal() and (fields := _stat(int(entry.name))):
            children.setdefault(int(fields[1]), []).append(int(entry.name))
    found, todo = [], [pid]
    while todo:
        one = todo.pop()
        found.append(one)
        todo.extend(children.get(one, ()))
    return found


def peak_mib(pid: int) -> float:
    """The most memory that a process has had resident so far, MiB; 0 for one that is gone."""
    return _memory(pid, "VmHWM:")


def resident_mib(pid: int) -> float:
    """The memory that a process has resident now, MiB; 0 for one that is gone."""
    return _memory(pid, "VmRSS:")


def _memory(pid: int, field: str) -> float:
    try:
        text = Path(f"/proc/{pid}/status").read_text(encoding="utf-8")
    except OSError:
        return 0.0
    line = next((line for line in text.splitlines() if line.startswith(field)), "")
    return int(line.split()[1]) / 1024 if line else 0.0


def _seconds(pid: int) -> float:
    """Of a process, and of those of its children that it has waited for: user and system time of both."""
    return sum(map(int, _stat(pid)[11:15])) * _TICK


def _stat(pid: int) -> list[str]:
    """The fields of /proc/PID/stat from the state on; empty for a process that is gone."""
    try:
        text = Path(f"/proc/{pid}/stat").read_text(encoding="utf-8", errors="replace")
    except OSError:
        return []
    return text[text.rindex(")") + 2 :].split()


class ProcessorWatch:
    """The processor time of a process and its descendants, looked at while a `with` block runs."""

    def __init__(self, pid: int) -> None:
        self._pid = pid
        self._instants: list[int] = []  # nanoseconds of the wall clock
        self._seconds: list[float] = []  # of processor time, at these instants
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._look, daemon=True)

    def __enter__(self) -> ProcessorWatch:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._over.set()
        self._thread.join()

    def between(self, begin_ns: int, end_ns: int) -> float:
        """Seconds of processor time between two instants of the wall clock."""
        return self._at(end_ns) - self._at(begin_ns)

    def _look(self) -> None:
        stay_with_the_sink()
        over = False
        while not over:
            over = self._over.wait(_LOOK if self._instants else 0)
            now, seconds = time.time_ns(), processor_seconds(self._pid)
            if seconds or not self._instants:  # it is gone, or has not begun
                self._instants.append(now)
                self._seconds.append(seconds)

    def _at(self, instant_ns: int) -> float:
        after = bisect_left(self._instants, instant_ns)
        if after == 0 or after == len(self._instants):
            return self._seconds[min(after, len(self._seconds) - 1)] if self._seconds else 0.0
        (t0, t1), (s0, s1) = self._instants[after - 1 : after + 1], self._seconds[after - 1 : after + 1]
        return s0 + (s1 - s0) * (instant_ns - t0) / (t1 - t0)


class MemoryWatch:
    """The peak of every process that descends from some, by what it is, looked at while a `with` block runs.

    The kernel keeps the peak (VmHWM), so between two looks nothing is missed but the end of a process that grew in its
    last moment.
    """

    def __init__(self, roots: Mapping[str, int], name_of: Callable[[str], str]) -> None:
        self.peaks: dict[str, float] = {}  # MiB, by the name of the process
        self._roots = roots
        self._name_of = name_of
        self._names: dict[int, str] = {}
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._watch, daemon=True)

    def __enter__(self) -> MemoryWatch:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._over.set()
        self._thread.join()

    def _watch(self) -> None:
        stay_with_the_sink()
        while not self._over.wait(_LOOK):
            for root, pid in self._roots.items():
                for one in family(pid):
                    self._look(root, one)

    def _look(self, root: str, pid: int) -> None:
        peak = peak_mib(pid)
        if peak <= 0:
            return
        name = self._name_of(_command_line(pid)) or root
        # A child that has not begun its own program yet still looks like its parent, and is no more than that.
        self.peaks[name] = max(peak, self.peaks.get(name, 0.0))


def _command_line(pid: int) -> str:
    try:
        return Path(f"/proc/{pid}/cmdline").read_bytes().replace(b"\0", b" ").decode(errors="replace").strip()
    except OSError:
        return ""
