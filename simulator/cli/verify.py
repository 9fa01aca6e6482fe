"""`mpsim verify`: judges an earlier run again."""

from __future__ import annotations

from pathlib import Path

import click

from simulator.api import verify_run
from simulator.cli.annotating import annotate, annotation_option
from simulator.cli.terminal import terminal
from simulator.report.text import print_result


@click.command("verify")
@click.argument("run_dir", type=click.Path(path_type=Path, file_okay=False))
@click.option("--allow-host", "allowed_hosts", multiple=True, metavar="HOST", help="Totals may be read there.")
@annotation_option
def command(run_dir: Path, allowed_hosts: tuple[str, ...], service: str | None) -> int:
    """Read the collector again and judge the run in RUN_DIR from its ledger, also one that was cut short."""
    run = verify_run(run_dir, allowed_hosts=allowed_hosts)
    print_result(terminal(), run.result, str(run.report))
    annotate(run, service)
    return run.exit_code
