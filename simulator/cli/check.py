"""`mpsim check`: validates scenario files."""

from __future__ import annotations

from pathlib import Path

import click

from simulator.errors import UsageError
from simulator.finding import ExitCode
from simulator.scenario.lint import lint
from simulator.scenario.load import load


@click.command("check")
@click.argument("files", metavar="SCENARIO...", nargs=-1, required=True, type=click.Path(path_type=Path))
def command(files: tuple[Path, ...]) -> int:
    """Validate scenario files: every error with its line, and what is legal but suspicious."""
    code = ExitCode.PASS
    for file in files:
        try:
            loaded = load(file)
        except UsageError as wrong:
            click.echo(str(wrong), err=True)
            code = ExitCode.USAGE
            continue
        for warning in lint(loaded):
            click.echo(f"warning: {warning}", err=True)
        click.echo(f"{file}: ok, scenario {loaded.scenario.scenario}")
    return code
