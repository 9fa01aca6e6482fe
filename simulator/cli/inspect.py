"""`mpsim inspect`: the user's own mini program."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from simulator.cli.listening import judge_capture, listen_for, listening_options


@click.command("inspect")
@listening_options
@click.option(
    "--allow-host", "allowed_hosts", multiple=True, metavar="HOST", help="Requests may be passed on to this host."
)
@click.option("--out", type=click.Path(path_type=Path), default=None)
@click.option("--journeys", "scenario", type=click.Path(path_type=Path, dir_okay=False), default=None)
@click.option("--target", type=click.Path(path_type=Path, dir_okay=False), default=None)
@click.option("-q", "--quiet", is_flag=True, help="Only the result.")
def command(listen: str | None, capture: Path | None, **options: Any) -> int:
    """What a real mini program sends: captured from a phone, or judged from what was captured."""
    if capture is not None and listen is not None:
        raise click.UsageError("--capture judges what was recorded, --listen records: expected one of them")
    if capture is not None:
        return judge_capture(capture, options["scenario"], options["target"])
    if listen is None:
        raise click.UsageError("expected --listen, or --capture FILE")
    return listen_for(listen, **options)
