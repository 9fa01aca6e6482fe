"""A killed fault once more, as a user would meet it: `mpsim replay` of the visitors who show it, before and after.

The command itself runs, against the address that the run names: first the same faulty collector with nothing in it,
which must be STILL FAILING, then an honest one there, which must be FIXED. In the earlier namespace, so that the bytes
are the same.
"""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from urllib.parse import urlsplit

from simulator.finding import ExitCode
from simulator.runs.collector_process import embedded_collector
from simulator.runs.trial import RUN, Trial
from simulator.traffic.opened import open_run

_SECONDS = 180.0  # for one replay
_SHOWN = 300  # characters of what a replay said


def not_replayed(trial: Trial, visitors: Sequence[int], folder: Path) -> str:
    """What is wrong with replaying a killed fault by these visitors; empty where both replays say what they must.

    Args:
        folder: of the trial, whose collector has ended.

    Raises:
        EngineError: a collector did not start.
    """
    assert trial.fault is not None
    for fault, code, word in ((trial.fault.name, ExitCode.FAIL, "STILL FAILING"), ("", ExitCode.PASS, "FIXED")):
        said = _replay(folder, fault, visitors)
        if said.returncode != code or word not in said.stdout:
            whose = "the faulty" if fault else "an honest"
            told = (said.stderr or said.stdout).strip()[-_SHOWN:]
            return f"mpsim replay against {whose} collector: exit {said.returncode}, not {word}: {told}"
    return ""


def _replay(folder: Path, fault: str, visitors: Sequence[int]) -> subprocess.CompletedProcess[str]:
    opened = open_run(folder / RUN)
    app, definitions = opened.scenario.app, opened.contract.definitions
    port = urlsplit(opened.target_url).port or 0
    database = folder / f"replay-{fault or 'honest'}.db"
    named = [part for visitor in visitors for part in ("--visitor", str(visitor))]
    command = [sys.executable, "-m", "simulator", "replay", str(opened.folder), *named, "--same"]
    with embedded_collector(database, definitions, app.tenant, app.events, fault=fault, fsync=False, port=port):
        return subprocess.run(command, capture_output=True, text=True, timeout=_SECONDS, check=False)
