"""Locust's own face: a scenario sent with `locust -f …/locustfile.py --scenario FILE`, without `mpsim run`.

It makes the run directory that `mpsim verify` reads, as `mpsim run` does, and registers the links of method 2 through
the same client that will look them up. There is no verdict here.
"""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

from simulator.entry import error_of
from simulator.errors import ConnectionFailed
from simulator.journey.plan import complete_links
from simulator.load.client import Client, send_once
from simulator.load.clock import steady_clock
from simulator.load.sender import client_of
from simulator.times import Ms
from simulator.traffic.links import refusal, registration
from simulator.traffic.making import Wanted, draft, make_folder, take_back, typed_again, write_run
from simulator.traffic.opened import OpenedRun
from simulator.traffic.targets import check_connection
from simulator.wire.outcome import describe
from simulator.wire.request import Evidence, Purpose, Request

_BASELINE_SECONDS = 120.0  # to read all that a collector holds


def make_run(wanted: Wanted) -> OpenedRun:
    """Make a run directory for a collector that runs already.

    Raises:
        UsageError: a bad option, a host that was not allowed, or a directory that cannot be written.
        ScenarioError: the scenario cannot be used.
        ConnectionFailed: nobody answers at the target, it did not take a link of method 2, or what it holds could not
            be read in time; no directory stays behind.
        EngineError: what it holds cannot be kept.
    """
    checked = draft(wanted)
    assert checked.url is not None, "Locust's own face starts no collector"
    folder = make_folder(checked)
    try:
        check_connection(checked.url)
        opened = write_run(checked, folder, checked.url)
        _register_links(client_of(opened, steady_clock()), complete_links(opened.scenario))
        _take_baseline(folder)
    except BaseException:
        take_back(folder)
        raise
    return opened


def again(arguments: Sequence[str]) -> tuple[str, ...]:
    """What a user types for the same again, wherever the package is installed: another run has another directory.

    Args:
        arguments: of Locust's command line, without its name.
    """
    return ("python", "-m", "simulator.load", *typed_again(arguments, "-f", "--locustfile", "--out"))


def _register_links(client: Client, links: Mapping[str, str]) -> None:
    for code, link in links.items():
        path, body = registration(code, link)
        headers = (("Content-Type", "application/json"),)
        answer = send_once(client, Request(0, 0, Purpose.LOOKUP, Ms(0), "POST", path, headers, body, ()))
        if answer.evidence is not Evidence.REPLY:
            raise ConnectionFailed(f"the collector did not take the link {code}: {describe(answer)}")
        wrong = refusal(code, answer.status, answer.body)
        if wrong:
            raise ConnectionFailed(wrong)


def _take_baseline(folder: Path) -> None:
    """What the collector held before, read by a process of its own: the readers are none of load's business."""
    command = [sys.executable, "-m", "simulator.runs.before", str(folder)]
    try:
        done = subprocess.run(
            command, check=False, stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=_BASELINE_SECONDS
        )
    except subprocess.TimeoutExpired as slow:
        raise ConnectionFailed(
            f"what the collector holds could not be read within {_BASELINE_SECONDS:g} seconds, so nothing is sent: "
            "the run's part of its totals could not be told afterwards"
        ) from slow
    if done.returncode:
        said = done.stderr.strip() or f"the baseline ended with {done.returncode}"
        raise error_of(done.returncode)(said)
