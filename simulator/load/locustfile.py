"""Locust's side of a run: a driver user that sends the plan, and Locust's options, statistics and ways to end.

    mpsim run                            starts this file with --run-dir; the directory is made, a verdict follows
    locust -f …/locustfile.py --scenario FILE -H URL
                                         Locust's own face: makes the directory, no verdict, prints the verify line

One user is enough: visitors are no Locust users, they wait on an agenda and are sent by lanes (course.py). Its number
and spawn rate mean nothing here; how many visitors come and when is the scenario's.

The exit code is 0 when every visitor was sent, whatever was answered; 3 when the run was cut short, 5 for a usage
error, 6 when nobody answers at the target, 7 for a fault of ours.
"""

from __future__ import annotations

from locust import User, events, stats  # first: it replaces sockets and threads for everything that follows
from locust.exception import StopUser
from locust.runners import LocalRunner

# isort: split

import logging
import os
import signal
import sys
from pathlib import Path
from typing import Any, ClassVar, NoReturn

import gevent

from simulator.entry import exit_code_of
from simulator.errors import MpsimError, UsageError
from simulator.finding import ExitCode
from simulator.load.drive import GRACE, Drive
from simulator.load.own_face import make_run
from simulator.load.statistics import LocustStatistics
from simulator.traffic.making import Wanted
from simulator.traffic.opened import OpenedRun, open_run

_log = logging.getLogger("mpsim.load")


class _Session:
    """What this process does: the run that comes next, and the one that is being sent."""

    def __init__(self) -> None:
        self.next: OpenedRun | None = None
        self.asked: Wanted | None = None  # under Locust's own face each start makes a new run
        self.drive: Drive | None = None
        self.own_face = False
        self.stopping = False  # Locust itself is stopping the test

    def take(self) -> OpenedRun:
        """The run to send now.

        Raises:
            UsageError: a run directory holds one run, and it was sent already.
        """
        opened, self.next = self.next, None
        if opened is None and self.asked is not None:
            opened = make_run(self.asked)
        if opened is None:
            raise UsageError("this run was sent already; start Locust again for another one")
        self.stopping = False
        return opened


_session = _Session()


def _send_everybody(driver: Any) -> NoReturn:
    """Send the whole plan once, and end the test."""
    environment = driver.environment
    if _session.drive is not None and not _session.drive.over.is_set():
        raise StopUser
    try:
        opened = _session.take()
        drive = Drive(opened, watch=LocustStatistics(environment), grace=float(environment.stop_timeout or GRACE))
    except MpsimError as wrong:
        _log.error("%s", wrong)
        environment.process_exit_code = environment.process_exit_code or exit_code_of(wrong)
    except Exception:  # noqa: BLE001  Locust would log it, and begin again
        _log.exception("a bug of ours")
        environment.process_exit_code = ExitCode.OWN_FAULT
    else:
        _session.drive = drive
        environment.process_exit_code = drive.go()
        if drive.reason:
            _log.warning("%s", drive.reason)
        if _session.own_face:
            print(f"mpsim verify {opened.folder}", flush=True)
    if not _session.stopping:
        gevent.spawn(_end, environment)
    raise StopUser


class Visitors(User):  # type: ignore[misc]
    """The driver: one for the process, it sends every visitor of the plan."""

    fixed_count = 1
    tasks: ClassVar = [_send_everybody]


def _end(environment: Any) -> None:
    """The run ends by itself; the web UI stays, unless --autoquit says how long."""
    options = environment.parsed_options
    if environment.web_ui is None:
        environment.runner.quit()
        return
    environment.runner.stop()
    if options.autostart and options.autoquit != -1:
        gevent.sleep(options.autoquit)
        environment.runner.quit()
        environment.web_ui.stop()


def _end_with(parent: int) -> None:
    """Whoever started this run is gone, so nobody will judge it: drain and end, as after Ctrl-C."""
    while os.getppid() == parent:
        gevent.sleep(0.5)
    os.kill(os.getpid(), signal.SIGINT)


def _add_options(parser: Any) -> None:
    def add(name: str, text: str, **more: Any) -> None:
        parser.add_argument(name, help=text, include_in_web_ui=False, **more)

    add("--run-dir", "A run directory that `mpsim run` has made", default="")
    add("--parent", "End when this process is no longer ours", type=int, default=0)
    add("--scenario", "A scenario file; needs -H with the collector's URL", default="")
    add("--out", "Where to make the run directory of --scenario", default="")
    add("--seed", "Of the plan", type=int, default=1)
    add("--namespace", "In every identity; default: the run id", default="")
    add("--visitors", "So many instead of the scenario's", type=int, default=0)
    add("--speed", "Event time per wall time, or flood", default="")
    add("--adapter", "Wire format", default="dmhub")
    add("--path", "Of the event request", default="/cbe/__utm")
    add("--allow-host", "A host outside this machine that load may go to", action="append", default=[])
    add("--real-looking-identities", "Also outside this machine", action="store_true")


def _prepare(environment: Any, runner: Any, **_: Any) -> None:
    """Open or make the run before anything starts, so that what is wrong is said at once."""
    try:
        _session.next = _first_run(environment.parsed_options, runner)
    except MpsimError as wrong:
        print(f"error: {wrong}", file=sys.stderr)
        sys.exit(exit_code_of(wrong))
    except Exception:  # noqa: BLE001  Locust would log it and end with 1
        _log.exception("a bug of ours")
        sys.exit(ExitCode.OWN_FAULT)
    environment.host = _session.next.target_url
    parent = environment.parsed_options.parent
    if parent:
        gevent.spawn(_end_with, parent)
    environment.events.test_stopping.add_listener(_drain)
    environment.events.quitting.add_listener(_quit)


def _first_run(options: Any, runner: Any) -> OpenedRun:
    if not isinstance(runner, LocalRunner):
        raise UsageError("a run is sent by one process: leave out --master, --worker and --processes")
    if bool(options.run_dir) == bool(options.scenario):
        raise UsageError("give either --scenario FILE with -H URL, or --run-dir DIR")
    if options.run_dir:
        return open_run(Path(options.run_dir))
    asked = _asked(options)
    _session.own_face = True
    _session.asked = asked if asked.out is None else None  # a named directory holds one run
    return make_run(asked)


def _asked(options: Any) -> Wanted:
    if not options.host:
        raise UsageError("--scenario needs the collector's URL: -H http://127.0.0.1:8000")
    return Wanted(
        scenario=Path(options.scenario),
        target=options.host,
        out=Path(options.out) if options.out else None,
        seed=options.seed,
        namespace=options.namespace or None,
        visitors=options.visitors or None,
        speed=options.speed or None,
        adapter=options.adapter,
        path=options.path,
        allowed_hosts=tuple(options.allow_host),
        real_looking_identities=options.real_looking_identities,
    )


def _drain(**_: Any) -> None:
    """Locust stops the test: by the web UI, a time limit, or because the process ends."""
    _stop("stopped by Locust: its web UI, or its time limit")


def _quit(environment: Any, **_: Any) -> None:
    """The process ends; a run that is still going was interrupted. Locust fixes its exit code after this."""
    try:
        _stop("interrupted by a signal")
        if environment.parsed_options.csv_prefix:
            # Its writer wakes once a second and writes nothing at the end.
            gevent.sleep(stats.CSV_STATS_INTERVAL_SEC + 0.1)
    except KeyboardInterrupt:
        _stop("interrupted by a signal, twice", grace=0)
    drive = _session.drive
    if drive is not None:
        environment.process_exit_code = drive.exit_code


def _stop(reason: str, grace: float | None = None) -> None:
    drive = _session.drive
    if drive is None or drive.over.is_set():
        return
    _session.stopping = True
    drive.stop(reason, grace)
    drive.over.wait()


events.init_command_line_parser.add_listener(_add_options)
events.init.add_listener(_prepare)
