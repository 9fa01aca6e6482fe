"""What a collector holds before the first send: read, and kept in the run directory.

A process of its own under Locust's own face, which must not import what reads: `python -m simulator.runs.before DIR`.
"""

from __future__ import annotations

import os
import sys
from pathlib import Path

from simulator.entry import tell
from simulator.errors import MpsimError, UsageError
from simulator.finding import ExitCode
from simulator.ledger.manifest import Manifest
from simulator.runs.baseline import write_baseline
from simulator.runs.known import look_before
from simulator.runs.listing import cursors_now
from simulator.traffic.opened import OpenedRun, open_run
from simulator.verify.readers.interfaces import read_counts
from simulator.verify.readers.monitor import read_monitor
from simulator.verify.readers.reading import Reading


def take_baseline(opened: OpenedRun, *, same: bool = False) -> None:
    """Keep what a collector that is not ours holds before the first send.

    Where the wire carries no time the judged period begins with this run, and nothing lies in it yet.

    Args:
        same: the run sends again what was sent under its namespace before.

    Raises:
        UsageError: something else is stored under the run's namespace.
    """
    token = token_of(opened.manifest)
    # First the list: what comes between is then listed behind its end, and known to be nobody's of before.
    cursors = cursors_now(opened.target_url, token)
    if opened.contract.time == "event":
        reading = read_monitor(opened.target_url, opened.plan.start, opened.plan.end, access_token=token)
    else:
        reading = Reading({by: {} for by in ("all", "source", "content", "hour", "day", "page")})
    namespace, reading = look_before(opened, token, reading, cursors, same=same)
    write_baseline(
        opened.folder, reading, cursors, namespace, counts=read_counts(opened.target_url, access_token=token)
    )


def token_of(manifest: Manifest) -> str:
    """The access token for reading, from the environment variable that the target names; empty where it names none.

    Raises:
        UsageError: the variable is not set.
    """
    return read_token(manifest.target.token_variable)


def read_token(variable: str) -> str:
    """What an environment variable holds; empty where none is named.

    Raises:
        UsageError: the variable is not set.
    """
    if variable and variable not in os.environ:
        raise UsageError(f"the environment variable {variable}, which holds the target's token, is not set")
    return os.environ.get(variable, "") if variable else ""


def main() -> int:
    """Take the baseline of one run directory."""
    try:
        take_baseline(open_run(Path(sys.argv[1])))
    except MpsimError as wrong:
        return tell("baseline", wrong)
    return ExitCode.PASS


if __name__ == "__main__":
    sys.exit(main())
