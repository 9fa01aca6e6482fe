"""A process that sends one prepared run after another, each through Locust; see simulator/load/many.py."""

from __future__ import annotations

import select
import subprocess
import sys
from pathlib import Path

from simulator.errors import EngineError

SEND_SECONDS = 60.0  # for one run
_STOP_SECONDS = 15.0


class Sender:
    """One such process, started with the first run; close it in the end. Not for two threads at once."""

    def __init__(self) -> None:
        self._process: subprocess.Popen[bytes] | None = None

    def send(self, folder: Path) -> None:
        """Send the run in a directory.

        Raises:
            EngineError: not all of it was sent, or not in time.
        """
        process = self._running()
        assert process.stdin is not None
        assert process.stdout is not None
        try:
            process.stdin.write(f"{folder.resolve()}\n".encode())
            process.stdin.flush()
        except OSError as gone:
            raise EngineError(f"the process that sends ended with {process.poll()}") from gone
        if not select.select([process.stdout], [], [], SEND_SECONDS)[0]:
            process.kill()
            raise EngineError(f"{folder}: not sent after {SEND_SECONDS:g} seconds")
        code, _, reason = process.stdout.readline().decode(errors="replace").strip().partition(" ")
        if code != "0":
            raise EngineError(f"{folder}: not all of it was sent: {reason or f'exit {code or process.poll()}'}")

    def close(self) -> None:
        """End the process."""
        process, self._process = self._process, None
        if process is None:
            return
        for stream in (process.stdin, process.stdout):
            if stream is not None:
                stream.close()
        try:
            process.wait(_STOP_SECONDS)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()

    def _running(self) -> subprocess.Popen[bytes]:
        if self._process is None:
            self._process = subprocess.Popen(
                [sys.executable, "-m", "simulator.load.many"],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                start_new_session=True,  # Ctrl-C at the terminal comes to us
            )
        return self._process
