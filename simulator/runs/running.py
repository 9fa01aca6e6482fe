"""One run, from a scenario file to a verdict and its reports."""

from __future__ import annotations

from collections.abc import Collection
from contextlib import ExitStack, nullcontext
from dataclasses import dataclass
from pathlib import Path

from simulator.errors import EngineError, UsageError
from simulator.ledger.read import is_being_written
from simulator.report.folder import write_reports
from simulator.report.result import Result
from simulator.runs.before import take_baseline
from simulator.runs.following import following
from simulator.runs.judging import judge_run, verify_run
from simulator.runs.links import register_links
from simulator.runs.load_process import Crew, Progress, check_ports, run_load
from simulator.runs.preparing import prepare
from simulator.runs.watching import watching
from simulator.traffic.making import Wanted
from simulator.traffic.opened import OpenedRun, open_run
from simulator.traffic.target_files import check_hosts


@dataclass(frozen=True, slots=True)
class Done:
    """A judged run and where it lies."""

    result: Result
    folder: Path
    page: Path  # report.html


def run(
    wanted: Wanted,
    watch: Progress,
    *,
    prepared: Progress,
    web_port: int | None = None,
    listen: str | None = None,
    follow: bool = False,
) -> Done:
    """Prepare, send, judge, report.

    Args:
        watch: told of the load's progress.
        prepared: told once, before the first send, where the run lies and what it is.
        listen: HOST:PORT at which the workers come from other machines; None: they are started here.
        follow: tell of what the totals must be by now, too; somebody looks on.

    Raises:
        UsageError, ScenarioError, ConnectionFailed: before anything was sent; no run directory stays behind.
        ConnectionFailed: also where the totals cannot be read afterwards; the run directory stays.
        EngineError: our own fault; the run directory stays.
    """
    check_ports(web_port, listen)
    with ExitStack() as running:
        opened = prepare(wanted, running)
        facts = {"folder": str(opened.folder), "target": opened.target_url, "visitors": opened.plan.count}
        prepared({**facts, "workers": opened.manifest.options.workers})
        return send_and_judge(opened, watch, web_port=web_port, listen=listen, follow=follow)


def send_and_judge(
    opened: OpenedRun,
    watch: Progress,
    *,
    web_port: int | None = None,
    listen: str | None = None,
    same: bool = False,
    follow: bool = False,
) -> Done:
    """Send a run whose directory is made, and judge it while its collector answers.

    Args:
        same: it sends again what was sent under its namespace before.
        follow: as `run`.

    Raises:
        UsageError: something else is stored under its namespace.
        ConnectionFailed: the collector did not take a link of method 2.
        EngineError: our own fault; the run directory stays.
    """
    if opened.adapter.looks_up:
        register_links(opened.target_url, opened.scenario)
    if not opened.manifest.target.embedded:
        take_baseline(opened, same=same)
    crew = Crew(opened.manifest.options.workers, listen)
    with watching(opened), following(opened) if follow else nullcontext():
        run_load(opened.folder, watch, crew=crew, web_port=web_port)
    return _done(opened, judge_run(opened, opened.target_url))


def verify(folder: Path, allowed_hosts: Collection[str] = ()) -> Done:
    """Judge an earlier run again.

    Raises:
        UsageError: no run directory, or damaged; a host that was not allowed; a run that is still being sent.
        ConnectionFailed: the collector does not answer any more.
    """
    opened = open_run(folder)
    check_hosts(opened.manifest.target, allowed_hosts)
    check_is_over(folder)
    return _done(opened, verify_run(opened))


def check_is_over(folder: Path) -> None:
    """Judging a run that is still being sent would call the collector wrong for what came later.

    Raises:
        UsageError: its load process is alive.
    """
    if is_being_written(folder):
        raise UsageError(f"{folder} is still being sent by another process; verify it when that has ended")


def _done(opened: OpenedRun, result: Result) -> Done:
    try:
        return Done(result, opened.folder, write_reports(opened.folder, result))
    except OSError as full:
        why = f": {' '.join(result.reasons)}" if result.reasons else ""
        raise EngineError(
            f"the run in {opened.folder} came to {result.verdict}{why}; but its files cannot be written "
            f"({full.strerror}): make room there, and run mpsim verify {opened.folder}"
        ) from full
