"""Locust's side of a run: a driver user that sends the plan, and Locust's options, statistics and ways to end.

    mpsim run                            starts this file with --run-dir; the directory is made, a verdict follows
    locust -f …/locustfile.py --scenario FILE -H URL
                                         Locust's own face: makes the directory, no verdict, prints the verify line
    … --master, … --worker, … --processes N
                                         the same on several machines, or processes: the master leases, workers send

One user is enough: visitors are no Locust users, they wait on an agenda and are sent by lanes (course.py). Its number
and spawn rate mean nothing here; how many visitors come and when is the scenario's. On workers the driver only shows
Locust that something is going on; what is sent, and until when, their master says (fleet.py).

The exit code is 0 when every visitor was sent, whatever was answered; 3 when the run was cut short, 5 for a usage
error, 6 when nobody answers at the target, 7 for a fault of ours.
"""

from __future__ import annotations

from locust import User, events, runners, stats  # first: it replaces sockets and threads for everything that follows
from locust.exception import StopUser

# isort: split

import logging
import os
import signal
import sys
from pathlib import Path
from typing import Any, ClassVar, NoReturn

import gevent
from gevent.hub import get_hub

from simulator.entry import exit_code_of
from simulator.errors import MpsimError, UsageError
from simulator.finding import ExitCode
from simulator.ledger.manifest import write_json
from simulator.load.drive import Drive
from simulator.load.fleet import FleetDrive, Post, WorkerDrive
from simulator.load.own_face import again, make_run
from simulator.load.sender import GRACE
from simulator.load.statistics import LocustStatistics
from simulator.load.totals_tab import add_tabs, refuse_others
from simulator.traffic.listening import check_port
from simulator.traffic.making import Wanted, take_back
from simulator.traffic.opened import OpenedRun, open_run

MASTER_FILE = "master.json"  # in a run directory of `mpsim run`: the port at which workers are awaited

# A busy machine keeps heartbeats waiting; who is lost, and when, is the master's own to say (master.py).
runners.HEARTBEAT_LIVENESS = 20

_log = logging.getLogger("mpsim.load")


class _Session:
    """What this process does: the run that comes next, and the one that is being sent."""

    def __init__(self) -> None:
        self.next: OpenedRun | None = None
        self.asked: Wanted | None = None  # under Locust's own face each start makes a new run
        self.drive: Drive | FleetDrive | WorkerDrive | None = None
        self.post: Post | None = None  # of a master
        self.patience = 0.0  # seconds for its workers to come; 0: for ever
        self.own_face = False
        self.stopping = False  # Locust itself is stopping the test
        self.is_under_way = False  # Locust has begun a test, so it knows how to end
        self.is_ending = False  # the process

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


# ---- this process sends all of it, or what its master leases to it ----


def _send_everybody(driver: Any) -> NoReturn:
    """Send the whole plan once, and end the test."""
    environment = driver.environment
    drive = _session.drive
    if isinstance(drive, WorkerDrive):
        drive.over.wait()
        raise StopUser
    if drive is not None and not drive.over.is_set():
        raise StopUser
    try:
        opened = _session.take()
        statistics = LocustStatistics(environment)
        drive = Drive(opened, watch=statistics, grace=float(environment.stop_timeout or GRACE))
    except MpsimError as wrong:
        _log.error("%s", wrong)
        environment.process_exit_code = environment.process_exit_code or exit_code_of(wrong)
    except Exception:  # noqa: BLE001  Locust would log it, and begin again
        _log.exception("a bug of ours")
        environment.process_exit_code = ExitCode.OWN_FAULT
    else:
        _session.drive = drive
        try:
            environment.process_exit_code = drive.go()
        finally:
            statistics.flush()  # also where Locust kills this greenlet, as it does when its patience is over
        _say_how_it_ended(drive.reason, opened.folder)
    if not _session.stopping:
        gevent.spawn(_end, environment)
    raise StopUser


class Visitors(User):  # type: ignore[misc]
    """The driver: one for the process, it sends every visitor of the plan."""

    fixed_count = 1
    tasks: ClassVar = [_send_everybody]


def _say_how_it_ended(reason: str, folder: Path) -> None:
    if reason:
        _log.warning("%s", reason)
    if _session.own_face:
        print(f"mpsim verify {folder}", flush=True)


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


# ---- this process is the master ----


def _lease_everybody(environment: Any, opened: OpenedRun) -> None:
    """Await workers for a run, and lease it to them once Locust starts the test."""
    assert _session.post is not None
    options = environment.parsed_options
    drive = FleetDrive(
        opened,
        _session.post,
        expected=options.expect_workers if options.headless or options.autostart else 1,
        most_seconds=_session.patience,
        grace=float(environment.stop_timeout or GRACE),
    )
    _session.drive = drive
    gevent.spawn(_end_with_drive, environment, drive)


def _end_with_drive(environment: Any, drive: FleetDrive) -> None:
    drive.over.wait()
    environment.process_exit_code = drive.exit_code
    _say_how_it_ended(drive.reason, drive.folder)
    if _session.stopping:
        return
    options = environment.parsed_options
    if _session.is_under_way or not (options.headless or options.autostart):
        _end(environment)
    else:
        # Locust is still counting its workers, and would do so for ever.
        environment.runner.quit()
        _throw(SystemExit(int(drive.exit_code)))


def _begin(environment: Any, **_: Any) -> None:
    """Locust starts a test on its workers."""
    drive = _session.drive
    try:
        if drive is None or drive.over.is_set():
            _lease_everybody(environment, _session.take())
            drive = _session.drive
    except MpsimError as wrong:
        _log.error("%s", wrong)
        environment.process_exit_code = environment.process_exit_code or exit_code_of(wrong)
        gevent.spawn(_end, environment)
        return
    assert isinstance(drive, FleetDrive)
    _session.is_under_way = True
    _session.stopping = False
    waited_for = environment.parsed_options.headless or environment.parsed_options.autostart
    drive.begin(None if waited_for else environment.runner.worker_count)


# ---- signals ----


def _interrupted() -> None:
    """Ctrl-C. Python would raise it in whichever greenlet runs just now, and a lane would die of it; here it reaches
    the main one, which waits."""
    drive = _session.drive
    sending = drive is not None and not drive.over.is_set()
    if _session.is_ending and not sending:
        return  # it ends already
    if isinstance(drive, FleetDrive) and sending and not _session.is_under_way and not _session.is_ending:
        drive.stop("interrupted by a signal", 0)  # nothing is sent yet; the rest is _end_with_drive's
        return
    _throw(KeyboardInterrupt())


def _throw(ending: BaseException) -> None:
    """Raise something in the main greenlet."""
    get_hub().handle_system_error(type(ending), ending)


def _terminated() -> None:
    """SIGTERM, before Locust listens to it: it does only when it has counted its workers."""
    drive = _session.drive
    if isinstance(drive, FleetDrive) and not drive.over.is_set() and not _session.is_under_way:
        drive.stop("interrupted by a signal", 0)


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
    add("--ledger-dir", "Of a worker on another machine: keep its ledgers there, also when they are home", default="")


def _prepare(environment: Any, runner: Any, **_: Any) -> None:
    """Open or make the run before anything starts, so that what is wrong is said at once."""
    options = environment.parsed_options
    try:
        if isinstance(runner, runners.WorkerRunner):
            folder = Path(options.ledger_dir) if options.ledger_dir else None
            statistics = LocustStatistics(environment)
            _session.drive = WorkerDrive(environment, runner, statistics, ledger_folder=folder)
        else:
            _prepare_run(environment, runner)
    except MpsimError as wrong:
        print(f"error: {wrong}", file=sys.stderr)
        sys.exit(exit_code_of(wrong))
    except Exception:  # noqa: BLE001  Locust would log it and end with 1
        _log.exception("a bug of ours")
        sys.exit(ExitCode.OWN_FAULT)
    gevent.signal_handler(signal.SIGINT, _interrupted)
    if options.parent:
        gevent.spawn(_end_with, options.parent)
    environment.events.test_stopping.add_listener(_drain)
    environment.events.quitting.add_listener(_quit)


def _prepare_run(environment: Any, runner: Any) -> None:
    options = environment.parsed_options
    if isinstance(runner, runners.MasterRunner):
        _session.post = Post(runner)  # first: workers that are there already speak while the run is made
    opened = _first_run(options, environment.web_ui)
    environment.host = opened.target_url
    if _session.post is None:
        _session.next = opened
        return
    _session.patience, options.expect_workers_max_wait = float(options.expect_workers_max_wait or 0), 0
    Visitors.fixed_count = options.expect_workers
    gevent.signal_handler(signal.SIGTERM, _terminated)
    environment.events.test_start.add_listener(_begin)
    _lease_everybody(environment, opened)
    if options.run_dir:
        write_json(opened.folder / MASTER_FILE, {"port": runner.server.port})


def _first_run(options: Any, web_ui: Any) -> OpenedRun:
    if bool(options.run_dir) == bool(options.scenario):
        raise UsageError("give either --scenario FILE with -H URL, or --run-dir DIR")
    if options.run_dir:
        opened = open_run(Path(options.run_dir))
        if web_ui is not None:
            add_tabs(web_ui, opened.folder)
            refuse_others(web_ui)
        return opened
    asked = _asked(options)
    if web_ui is not None:
        check_port(web_ui.host, web_ui.port, "--web-port")  # Locust would say so after the run is made
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
        workers=options.expect_workers if options.master else 1,
        adapter=options.adapter,
        path=options.path,
        allowed_hosts=tuple(options.allow_host),
        real_looking_identities=options.real_looking_identities,
        command=again(sys.argv[1:]),
    )


def _drain(environment: Any, **_: Any) -> None:
    """Locust stops the test: by the web UI, a time limit, or because the process ends."""
    drive, runner = _session.drive, environment.runner
    if isinstance(drive, WorkerDrive):
        if not drive.over.is_set():
            # By a message of the master, in whose handling nothing else can be heard.
            drive.hear_no_more()
            drive.stop("stopped by Locust: its master has ended", 0)
    elif isinstance(drive, FleetDrive) and runner.worker_count <= 0:
        drive.stop("no worker is left", 0)  # said while a message is handled, so nobody can be waited for
    else:
        _stop("stopped by Locust: its web UI, or its time limit")


def _quit(environment: Any, **_: Any) -> None:
    """The process ends; a run that is still going was interrupted. Locust fixes its exit code after this."""
    _session.is_ending = True
    drive = _session.drive
    if isinstance(drive, WorkerDrive) and not len(environment.runner.greenlet):
        drive.hear_no_more()
    try:
        _stop("interrupted by a signal")
        if environment.parsed_options.csv_prefix:
            # Its writer wakes once a second and writes nothing at the end.
            gevent.sleep(stats.CSV_STATS_INTERVAL_SEC + 0.1)
    except KeyboardInterrupt:
        _stop("interrupted by a signal, twice", grace=0)
    if drive is not None:
        environment.process_exit_code = drive.exit_code
    if _session.own_face and _session.next is not None:
        take_back(_session.next.folder)  # nobody started it


def _stop(reason: str, grace: float | None = None) -> None:
    drive = _session.drive
    if drive is None or drive.over.is_set():
        return
    _session.stopping = True
    drive.stop(reason, grace)
    drive.over.wait()


events.init_command_line_parser.add_listener(_add_options)
events.init.add_listener(_prepare)
