"""`mpsim run`: drives a scenario under Locust and verifies what the collector counted."""

from __future__ import annotations

import signal
from pathlib import Path
from typing import Any

import click

from simulator.cli.progress import Progress
from simulator.cli.terminal import terminal
from simulator.cli.wanted import planning_options, wanted_of
from simulator.report.text import print_result, print_verdict
from simulator.runs.running import run


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
@click.option("--web", is_flag=True, help="Locust's web UI on loopback, with the totals as they come.")
@click.option("--web-port", type=click.IntRange(1, 65535), default=8089, show_default=True, help="Its port.")
@click.option("-q", "--quiet", is_flag=True, help="Only the verdict and its reasons.")
def command(web: bool, web_port: int, listen: str | None, quiet: bool, **options: Any) -> int:
    """Run SCENARIO: its visitors under Locust, then the verdict on what the collector counted."""
    signal.signal(signal.SIGTERM, signal.default_int_handler)  # a pipeline's stop drains like Ctrl-C
    console = terminal()
    progress = Progress(terminal(stderr=True), quiet)
    if web and not quiet:
        address = f"http://127.0.0.1:{web_port}/?tab=totals"
        console.print(f"Locust's web UI, with the totals as they come: {address}", highlight=False)
    try:
        done = run(
            wanted_of(options),
            progress.show,
            prepared=progress.begin,
            web_port=web_port if web else None,
            listen=listen,
            follow=web or not quiet,
        )
    finally:
        progress.end()
    if quiet:
        print_verdict(console, done.result)
    else:
        print_result(console, done.result, str(done.page))
    return done.result.exit_code
