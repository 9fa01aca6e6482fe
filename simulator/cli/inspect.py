"""`mpsim inspect`: the user's own mini program."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from simulator.cli.listening import listen_for, listening_options


@click.command("inspect")
@listening_options
@click.option(
    "--allow-host", "allowed_hosts", multiple=True, metavar="HOST", help="Requests may be passed on to this host."
)
@click.option("--out", type=click.Path(path_type=Path), default=None)
@click.option("--journeys", "scenario", type=click.Path(path_type=Path, dir_okay=False), default=None)
@click.option("--target", type=click.Path(path_type=Path, dir_okay=False), default=None)
@click.option("-q", "--quiet", is_flag=True, help="Only the result.")
def command(listen: str | None, **options: Any) -> int:
    """Inspect."""
    if listen is None:
        raise click.UsageError("expected --listen")
    return listen_for(listen, **options)
