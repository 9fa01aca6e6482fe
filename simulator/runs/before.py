"""What a collector holds before the first send: read, and kept in the run directory.

A process of its own under Locust's own face, which must not import what reads: `python -m simulator.runs.before DIR`.
"""

from __future__ import annotations

import sys
from pathlib import Path

from simulator.contract import BY
from simulator.entry import tell
from simulator.errors import MpsimError
from simulator.finding import ExitCode
from simulator.runs.baseline import write_baseline
from simulator.runs.known import look_before
from simulator.runs.reading import cursors_now, reading
from simulator.traffic.opened import OpenedRun, open_run
from simulator.verify.readers.interfaces import read_counts
from simulator.verify.readers.reading import Reading


def take_baseline(opened: OpenedRun, *, same: bool = False) -> None:
    """Keep what a collector that is not ours holds before the first send.

    Where the wire carries no time the judged period begins with this run, and nothing lies in it yet.

    Args:
        same: the run sends again what was sent under its namespace before.

    Raises:
        UsageError: something else is stored under the run's namespace; a variable of the target is not set.
    """
    with reading(opened) as readers:
        # First the list: what comes between is then listed behind its end, and known to be nobody's of before.
        cursors = cursors_now(readers.events)
        if opened.contract.time == "event":
            totals = readers.totals.read(opened.plan.start, opened.plan.end)
        else:
            totals = Reading({by: {} for by in BY})
        namespace, totals = look_before(opened, readers.events, totals, cursors, same=same)
        counts = read_counts(opened.target_url, access_token=readers.token) if readers.is_monitor else None
        write_baseline(opened.folder, totals, cursors, namespace, counts=counts)


def main() -> int:
    """Take the baseline of one run directory."""
    try:
        take_baseline(open_run(Path(sys.argv[1])))
    except MpsimError as wrong:
        return tell("baseline", wrong)
    return ExitCode.PASS


if __name__ == "__main__":
    sys.exit(main())
