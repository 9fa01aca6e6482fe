"""`mpsim report`: an earlier run's result, printed, and its report written again."""

from __future__ import annotations

from pathlib import Path

import click

from simulator.api import read_run
from simulator.cli.annotating import annotate, annotation_option
from simulator.cli.terminal import terminal
from simulator.report.folder import write_reports
from simulator.report.text import print_result


@click.command("report")
@click.argument("run_dir", type=click.Path(path_type=Path, file_okay=False))
@annotation_option
def command(run_dir: Path, service: str | None) -> int:
    """Print the result in RUN_DIR and write its report.html and junit.xml again; the exit code is the run's."""
    run = read_run(run_dir)
    page = write_reports(run_dir, run.result)
    print_result(terminal(), run.result, str(page))
    annotate(run, service)
    return run.exit_code
