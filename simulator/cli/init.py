"""`mpsim init`: a commented scenario to start from."""

from __future__ import annotations

from pathlib import Path

import click

from simulator.errors import UsageError
from simulator.finding import ExitCode
from simulator.scenario.template import template


@click.command("init")
@click.argument("file", default="scenario.yaml", type=click.Path(path_type=Path))
def command(file: Path) -> int:
    """Write a commented scenario to start from; an existing file is never overwritten."""
    try:
        with file.open("x", encoding="utf-8") as out:
            out.write(template())
    except FileExistsError:
        raise UsageError(f"{file} exists already; name another file") from None
    except OSError as failed:
        raise UsageError(f"{file} cannot be written: {failed.strerror}") from failed
    click.echo(f"wrote {file}; next: mpsim plan {file}, then mpsim run {file}")
    return ExitCode.PASS
