"""`mpsim inspect --listen` as a person has it: a process on a free port, with what it prints."""

from __future__ import annotations

import queue
import re
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, TypeVar

import httpx

from tests.e2e.commands import ROOT, environment

SECONDS = 60.0  # a busy machine takes its time
T = TypeVar("T")


def until(look: Callable[[], T], *, seconds: float = SECONDS, what: str = "") -> T:
    """The first true value of a look that is repeated."""
    end = time.monotonic() + seconds
    pause = threading.Event()
    while True:
        found = look()
        if found:
            return found
        assert time.monotonic() < end, f"not within {seconds} s: {what or look}"
        pause.wait(0.02)


class Listener:
    """A listening process."""

    def __init__(self, *options: str, address: str = "127.0.0.1:0", before: str = "") -> None:
        program = ["-c", f"{before}\nfrom simulator.cli.main import main; main()"] if before else ["-m", "simulator"]
        self.process = subprocess.Popen(
            [sys.executable, *program, "inspect", "--listen", address, *options],
            cwd=ROOT,
            env=environment(),
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            encoding="utf-8",
        )
        self.lines: list[str] = []
        self._new: queue.Queue[str] = queue.Queue()
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()
        self.url = self.line(r"listening on (\S+)")[1]
        self.port = int(self.url.rsplit(":", 1)[1])

    def _read(self) -> None:
        assert self.process.stdout is not None
        for line in self.process.stdout:
            self.lines.append(line.rstrip("\n"))

    def line(self, pattern: str, *, seconds: float = SECONDS) -> re.Match[str]:
        """The first line in which something is found; waits for it."""

        def look() -> re.Match[str] | None:
            if self.process.poll() is not None and self.process.stderr is not None and not self.lines:
                raise AssertionError(self.process.stderr.read())
            return next((found for line in list(self.lines) if (found := re.search(pattern, line))), None)

        found = until(look, seconds=seconds, what=f"{pattern} in {self.lines}")
        assert found is not None
        return found

    def all(self) -> dict[str, Any]:
        """What its page knows."""
        answer: dict[str, Any] = httpx.get(f"{self.url}/_mpsim/all", trust_env=False).json()
        return answer

    def entries(self, count: int) -> list[dict[str, Any]]:
        """The entries in the order in which the requests came, once there are so many, each answered."""

        def look() -> list[dict[str, Any]] | None:
            found: list[dict[str, Any]] = self.all()["entries"]
            whole = len(found) >= count and all(one["answered"] for one in found)
            return sorted(found, key=lambda one: int(one["number"])) if whole else None

        found = until(look, what=f"{count} entries")
        assert found is not None
        return found

    def details(self, number: int) -> dict[str, Any]:
        """The details of a request."""
        answer: dict[str, Any] = httpx.get(f"{self.url}/_mpsim/request/{number}", trust_env=False).json()
        return answer

    def raw(self, sent: bytes) -> bytes:
        """Bytes as they are, and what comes back until the connection ends."""
        with socket.create_connection(("127.0.0.1", self.port), timeout=SECONDS) as connection:
            connection.sendall(sent)
            received = b""
            while part := connection.recv(65_536):
                received += part
        return received

    def end(self, number: signal.Signals = signal.SIGINT) -> tuple[int, str]:
        """Its exit code and all that it printed."""
        if self.process.poll() is None:
            self.process.send_signal(number)
        return self.wait()

    def wait(self) -> tuple[int, str]:
        """The same, when it ends by itself."""
        code = self.process.wait(SECONDS)
        self._reader.join(SECONDS)
        return code, "\n".join(self.lines)


@contextmanager
def listening(*options: str, address: str = "127.0.0.1:0", before: str = "") -> Iterator[Listener]:
    """A listening process that is gone afterwards.

    Args:
        before: Python that runs first, to make a bound smaller than anybody can wait for.
    """
    listener = Listener(*options, address=address, before=before)
    try:
        yield listener
    finally:
        if listener.process.poll() is None:
            listener.process.kill()
        listener.process.wait(SECONDS)
        for stream in (listener.process.stdout, listener.process.stderr):
            assert stream is not None
            stream.close()
