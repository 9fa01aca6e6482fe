"""`mpsim run`: drives a scenario under Locust and verifies what the collector counted."""

from __future__ import annotations

import signal
from pathlib import Path
from typing import Any

import click

from simulator.api import Run, compare_runs, read_run, run_scenario
from simulator.cli.annotating import annotate, annotation_option
from simulator.cli.progress import Progress
from simulator.cli.terminal import terminal
from simulator.cli.wanted import as_typed, planning_options
from simulator.report.comparison_text import print_comparison
from simulator.report.text import print_result, print_verdict
from simulator.runs.two_runs import check_same_scenario
from simulator.scenario.load import load_scenario
from simulator.traffic.making import BOUNDS
from simulator.verify.verdict import first_exit_code


@click.command("run")
@planning_options
@click.option("--out", type=click.Path(path_type=Path, file_okay=False), default=None, help="Run directory.")
@click.option("--token-env", "token_variable", default="", metavar="NAME", help="Variable with the target's token.")
@click.option("--real-looking-identities", is_flag=True, help="Also when the target is another host.")
@click.option(
    "--workers",
    type=click.IntRange(*BOUNDS["workers"]),
    default=1,
    show_default=True,
    metavar="N",
    help="Processes that send; more than one have a master.",
)
@click.option(
    "--listen", default=None, metavar="HOST:PORT", help="The workers are on other machines, and come to this address."
)
@click.option("--web", is_flag=True, help="Locust's web UI on loopback, with the totals as they come.")
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
    progress = Progress(terminal(stderr=True), quiet)
    if web and not quiet:
        address = f"http://127.0.0.1:{web_port}/?tab=totals"
        console.print(f"Locust's web UI, with the totals as they come: {address}", highlight=False)
    try:
        run = run_scenario(
            **options,
            on_progress=None if quiet else progress.show,
            on_prepared=progress.begin,
            web_port=web_port if web else None,
            command=as_typed(),
        )
    finally:
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
