"""`mpsim verify`: judges an earlier run again."""

from __future__ import annotations

from pathlib import Path

import click

from simulator.cli.terminal import terminal
from simulator.report.text import print_result
from simulator.runs.running import verify


@click.command("verify")
@click.argument("run_dir", type=click.Path(path_type=Path, file_okay=False))
@click.option("--allow-host", "allowed_hosts", multiple=True, metavar="HOST", help="Totals may be read there.")
def command(run_dir: Path, allowed_hosts: tuple[str, ...]) -> int:
    """Read the collector again and judge the run in RUN_DIR from its ledger, also one that was cut short."""
    done = verify(run_dir, allowed_hosts)
    print_result(terminal(), done.result, str(done.page))
    return done.result.exit_code
