"""A listening in a real terminal: what comes is there within a second, and the totals stand below."""

from __future__ import annotations

import contextlib
import os
import pty
import re
import select
import signal
import subprocess
import sys
import time
from collections.abc import Iterator

import httpx
import pytest

from tests.e2e.commands import ROOT, environment

pytestmark = [pytest.mark.slow, pytest.mark.skipif(sys.platform == "win32", reason="Windows has no pty")]
_COMMANDS = re.compile(r"\x1b\[[0-9;?]*[A-Za-z]")


class Screen:
    """A process in a terminal of 100 columns, and all that it wrote."""

    def __init__(self) -> None:
        self._master, slave = pty.openpty()
        self.process = subprocess.Popen(
            [sys.executable, "-m", "simulator", "inspect", "--listen", "127.0.0.1:0"],
            cwd=ROOT,
            env={**environment(), "TERM": "xterm-256color", "LINES": "30"},
            stdin=slave,
            stdout=slave,
            stderr=slave,
            close_fds=True,
        )
        os.close(slave)
        self.written = ""

    def wait_for(self, pattern: str, seconds: float = 20) -> re.Match[str]:
        """Read until something was written."""
        end = time.monotonic() + seconds
        while not (found := re.search(pattern, _COMMANDS.sub("", self.written))):
            assert time.monotonic() < end, f"not within {seconds} s: {pattern} in {self.written!r}"
            self._read(end - time.monotonic())
        return found

    def rest(self) -> str:
        """What is written until the end."""
        while self._read(20):
            pass
        return _COMMANDS.sub("", self.written)

    def _read(self, seconds: float) -> bool:
        if not select.select([self._master], [], [], max(seconds, 0))[0]:
            return False
        try:
            part = os.read(self._master, 65_536)
        except OSError:  # the other end is closed
            return False
        self.written += part.decode(errors="replace")
        return bool(part)

    def close(self) -> None:
        if self.process.poll() is None:
            self.process.kill()
        self.process.wait(20)
        with contextlib.suppress(OSError):
            os.close(self._master)


@pytest.fixture
def screen() -> Iterator[Screen]:
    opened = Screen()
    yield opened
    opened.close()


def test_an_event_is_there_within_a_second(screen: Screen) -> None:
    url = screen.wait_for(r"listening on (http://\S+)")[1]

    def seconds(name: str) -> float:
        began = time.monotonic()
        httpx.get(f"{url}/cbe/__utm?event={name}", trust_env=False)
        screen.wait_for(name)
        return time.monotonic() - began

    # A machine that is busy with something else may take its time once, or twice.
    assert any(seconds(f"c_number_{number}") < 1 for number in range(10))


def test_names_are_harmless_and_the_totals_stand_below(screen: Screen) -> None:
    url = screen.wait_for(r"listening on (http://\S+)")[1]
    screen.wait_for("Ctrl-C ends")
    target = "/cbe/__utm?event=mini_program_view&anonymousId=%1B%5B31mred&source=poster&targetName=pages/a"

    httpx.get(url + target, trust_env=False)
    screen.wait_for(r"✓ dmhub +mini_program_view +pages/a +visitor \\x1b\[31mred +source poster")
    screen.wait_for(r"1 event +http://127\.0\.0\.1:\d+/_mpsim/ +Ctrl-C ends")
    screen.wait_for(r"poster +1 +1 +0 +1")

    assert "\x1b[31mred" not in screen.written
    screen.process.send_signal(signal.SIGINT)
    assert "PASS  Every event could be read" in screen.rest()
    assert screen.process.wait(20) == 0
    assert screen.written.count("\x1b[?25h") >= 1  # the cursor is given back
