"""`python -m simulator.load.many`: sends one prepared run after another, each through a Locust of its own.

Each line of standard input is a run directory; each is answered by one line, the exit code and the reason. A run has
an environment, a driver user and statistics, as under locustfile.py; only the process is shared, since Locust takes
longer to start than a small run takes to send. The transport is checked before the first run of a kind: it is the same
for the others.
"""

from __future__ import annotations

from locust import User  # first: it replaces sockets and threads for everything that follows
from locust.env import Environment
from locust.exception import StopUser

# isort: split

import sys
from functools import partial
from pathlib import Path
from typing import Any, ClassVar, NoReturn

from simulator.contract import Replies
from simulator.entry import exit_code_of
from simulator.errors import MpsimError
from simulator.finding import ExitCode
from simulator.load.drive import Drive
from simulator.load.self_check import check_for
from simulator.load.statistics import LocustStatistics
from simulator.traffic.opened import OpenedRun, open_run

_checked: list[tuple[str, bool, Replies]] = []  # kinds of runs: adapter, whether over TLS, replies


def send(folder: Path) -> tuple[int, str]:
    """Send the run in a directory; the exit code, and what was wrong where something was."""
    environment = Environment()
    try:
        opened = open_run(folder)
        statistics = LocustStatistics(environment)
        drive = Drive(opened, watch=statistics, self_check=partial(_check_once, opened))
    except MpsimError as wrong:
        return exit_code_of(wrong), str(wrong)

    def send_everybody(_: Any) -> NoReturn:
        try:
            drive.go()
        finally:
            statistics.flush()
        raise StopUser

    class Visitors(User):  # type: ignore[misc]
        """The driver: one for the run, it sends every visitor of the plan."""

        fixed_count = 1
        tasks: ClassVar = [send_everybody]

    environment.user_classes = [Visitors]
    runner = environment.create_local_runner()
    runner.start(1, spawn_rate=1)
    drive.over.wait()
    runner.quit()
    return drive.exit_code, drive.reason


def _check_once(opened: OpenedRun) -> None:
    """The self-check of a run, unless another run of this process was of its kind."""
    target, replies = opened.manifest.target, opened.contract.replies
    kind = (target.adapter, target.url.startswith("https:"), replies)
    if kind not in _checked:
        check_for(opened)()
        _checked.append(kind)


def main() -> int:
    """Send what is asked for until nobody asks any more."""
    for line in sys.stdin:
        code, reason = send(Path(line.rstrip("\n")))
        print(f"{int(code)} {' '.join(reason.split())}", flush=True)
    return ExitCode.PASS


if __name__ == "__main__":
    sys.exit(main())
