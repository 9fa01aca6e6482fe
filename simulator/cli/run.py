"""`mpsim run`: drives a scenario under Locust and verifies what the collector counted."""

from __future__ import annotations

import signal
import sys
import time
from pathlib import Path
from typing import Any

import click
from rich.console import Console

from simulator.api import Run, compare_runs, read_run, run_scenario
from simulator.cli.annotating import annotate, annotation_option
from simulator.cli.terminal import terminal
from simulator.cli.wanted import as_typed, planning_options
from simulator.report import words
from simulator.report.comparison_text import print_comparison
from simulator.report.text import print_result, print_verdict
from simulator.runs.two_runs import check_same_scenario
from simulator.scenario.load import load_scenario
from simulator.verify.verdict import first_exit_code

_LINE_SECONDS = 5.0  # between two progress lines where there is no terminal


@click.command("run")
@planning_options
@click.option("--out", type=click.Path(path_type=Path, file_okay=False), default=None, help="Run directory.")
@click.option("--token-env", "token_variable", default="", metavar="NAME", help="Variable with the target's token.")
@click.option("--real-looking-identities", is_flag=True, help="Also when the target is another host.")
@click.option(
    "--workers",
    type=click.IntRange(1, 1_000),
    default=1,
    show_default=True,
    metavar="N",
    help="Processes that send; more than one have a master.",
)
@click.option(
    "--listen", default=None, metavar="HOST:PORT", help="The workers are on other machines, and come to this address."
)
@click.option("--web", is_flag=True, help="Locust's web UI on loopback while the run goes on.")
@click.option("--web-port", type=click.IntRange(1, 65535), default=8089, show_default=True, help="Its port.")
@click.option(
    "--metrics",
    default=None,
    metavar="PORT|HOST:PORT",
    help="Serve the run's numbers there for Prometheus, at /metrics; a port alone is on loopback.",
)
@click.option(
    "--baseline",
    type=click.Path(path_type=Path, file_okay=False),
    default=None,
    metavar="RUN_DIR",
    help="An earlier run; what became worse since counts for the exit code.",
)
@annotation_option
@click.option("-q", "--quiet", is_flag=True, help="Only the verdict and its reasons.")
def command(web: bool, web_port: int, baseline: Path | None, service: str | None, quiet: bool, **options: Any) -> int:
    """Run SCENARIO: its visitors under Locust, then the verdict on what the collector counted."""
    signal.signal(signal.SIGTERM, signal.default_int_handler)  # a pipeline's stop drains like Ctrl-C
    console = terminal()
    earlier = None if baseline is None else _earlier(baseline, options["scenario"])
    progress = _Progress(terminal(stderr=True), quiet)
    if web and not quiet:
        console.print(f"Locust's web UI: http://127.0.0.1:{web_port}", highlight=False)
    run = run_scenario(
        **options,
        on_progress=progress.show,
        on_prepared=progress.begin,
        web_port=web_port if web else None,
        command=as_typed(),
    )
    progress.end()
    if quiet:
        print_verdict(console, run.result)
    else:
        print_result(console, run.result, str(run.report))
    annotate(run, service)
    if earlier is None:
        return run.exit_code
    console.print()
    comparison = compare_runs(earlier, run)
    print_comparison(console, comparison)
    return first_exit_code(run.exit_code, comparison.exit_code)


def _earlier(baseline: Path, scenario: Path) -> Run:
    """The run to compare with; one that cannot be is told before anything is sent."""
    earlier = read_run(baseline)
    check_same_scenario((str(baseline), earlier.result.scenario), (str(scenario), load_scenario(scenario).scenario))
    return earlier


class _Progress:
    """How far the load is: one line that changes on a terminal, a line every few seconds elsewhere."""

    def __init__(self, console: Console, quiet: bool) -> None:
        self._console = console
        self._quiet = quiet
        self._shown_at = time.monotonic()
        self._live = console.is_terminal and not quiet
        self._visitors = 0
        self._workers = 1

    def begin(self, facts: dict[str, Any]) -> None:
        self._visitors, self._workers = int(facts["visitors"]), int(facts["workers"])
        if not self._quiet:
            target, folder = facts["target"], facts["folder"]
            self._console.print(
                f"{words.plural(self._visitors, 'visitor')} to {target}, into {folder}", highlight=False
            )
            if "metrics" in facts:
                self._console.print(f"metrics at {facts['metrics']}", highlight=False)

    def show(self, facts: dict[str, Any]) -> None:
        if self._quiet or not facts:
            return
        if self._live:
            sys.stderr.write(f"\r\x1b[K{self._line(facts)}")
            sys.stderr.flush()
        elif time.monotonic() - self._shown_at >= _LINE_SECONDS:
            self._shown_at = time.monotonic()
            self._console.print(self._line(facts), highlight=False)

    def end(self) -> None:
        if self._live:
            sys.stderr.write("\r\x1b[K")
            sys.stderr.flush()

    def _line(self, facts: dict[str, Any]) -> str:
        if facts.get("phase") == "joining":
            return f"{facts.get('workers', 0)} of {words.plural(self._workers, 'worker')} ready"
        attempts = facts.get("attempts")
        counts = attempts if isinstance(attempts, dict) else {}
        refused, unknown = counts.get("refused", 0), counts.get("unknown", 0)
        failed = f", {refused:,} refused, {unknown:,} unknown" if refused or unknown else ""
        started = facts.get("visitors_started", 0)
        acked = counts.get("acked", 0)
        lost = f", {words.plural(int(facts['workers_lost']), 'worker')} lost" if facts.get("workers_lost") else ""
        of = words.plural(self._visitors, "visitor")
        return f"{facts.get('phase', '')}: {started:,} of {of}, {acked:,} acked{failed}{lost}"
