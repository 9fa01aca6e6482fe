"""Collectors under discovery and under the suite, as processes on free ports."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from simulator.contract import Definitions, User, parse_opens
from simulator.runs.collector_process import embedded_collector
from simulator.runs.conform.discovering.discover import discover
from simulator.runs.conform.discovering.found import Found
from simulator.runs.conform.standing import Wanted, standing, targets_named
from tests.e2e.commands import ROOT, environment

# These answer what they have stored and count what is stored: nothing is gained by waiting for them.
PROMPT = "quiet: 30ms\ndeadline: 1s\n"


@contextmanager
def embedded(folder: Path, opens: str, user: User, day: str, *, fault: str = "") -> Iterator[str]:
    """The embedded collector with these switches; its URL."""
    definitions = Definitions(parse_opens(opens), user, day)
    with embedded_collector(folder / "collector.db", definitions, fault=fault, fsync=False) as url:
        yield url


@contextmanager
def switchable(folder: Path, contract: str, *odd: str) -> Iterator[str]:
    """A collector that counts as a contract file says; its URL."""
    file = folder / "switches.yaml"
    file.write_text(contract, encoding="utf-8")
    command = [sys.executable, str(Path(__file__).with_name("switchable_collector.py")), str(file), *odd]
    process = subprocess.Popen(command, cwd=ROOT, env=environment(), stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    try:
        line = process.stdout.readline().strip()
        assert line.startswith("http://"), line
        yield line
    finally:
        process.terminate()
        process.wait(30)
        process.stdout.close()


def found_of(folder: Path, url: str, said: str = PROMPT) -> Found:
    """What discovery finds out, told nothing but how long to wait."""
    file = folder / "prompt.yaml"
    file.write_text(said, encoding="utf-8")
    wanted = Wanted([url], str(file))
    with standing(wanted, targets_named(wanted)[0]) as one:
        return discover(one.ground, one.readers)
