"""`mpsim inspect`: the user's own mini program, headless through the journeys, or a real phone that is listened to."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click
from click.core import ParameterSource

from simulator.cli.inspecting import inspect_program, inspecting_options, print_rules
from simulator.cli.listening import listen_for, listening_options

_SHARED = frozenset({"scenario", "target", "out", "quiet"})
_LISTENING = frozenset({"listen", "pass_on", "seconds", "most_events", "certificate", "key", "allowed_hosts"})


@click.command("inspect")
@click.argument("folder", metavar="[APP_DIR]", type=click.Path(path_type=Path), required=False)
@click.option("--journeys", "scenario", type=click.Path(path_type=Path, dir_okay=False), default=None, help="Scenario.")
@inspecting_options
@listening_options
@click.option(
    "--allow-host", "allowed_hosts", multiple=True, metavar="HOST", help="--listen: may pass on to this host."
)
@click.option("--target", type=click.Path(path_type=Path, dir_okay=False), default=None, help="Names the format.")
@click.option(
    "--out", type=click.Path(path_type=Path), default=None, help="Folder of the report; --listen: file of the capture."
)
@click.option("-q", "--quiet", is_flag=True, help="Only the result.")
def command(folder: Path | None, listen: str | None, list_rules: bool, **options: Any) -> int:
    """Inspect the mini program in APP_DIR with the visits of --journeys, or listen to a real phone with --listen."""
    context = click.get_current_context()
    if list_rules:
        return print_rules()
    if listen is None:
        if folder is None:
            raise click.UsageError("expected APP_DIR, the folder of a mini program, or --listen", context)
        _refuse(context, _LISTENING, "belongs to --listen")
        return inspect_program(folder, **_but(options, _LISTENING))
    if folder is not None:
        raise click.UsageError("--listen captures a real phone, so APP_DIR has no part in it", context)
    driven = frozenset(options) - _LISTENING - _SHARED
    _refuse(context, driven, "has no part in --listen")
    return listen_for(listen, **_but(options, driven))


def _but(options: dict[str, Any], left_out: frozenset[str]) -> dict[str, Any]:
    return {name: value for name, value in options.items() if name not in left_out}


def _refuse(context: click.Context, names: frozenset[str], why: str) -> None:
    """An option of the other way to inspect would do nothing: it is refused."""
    for parameter in context.command.params:
        given = context.get_parameter_source(parameter.name or "") is ParameterSource.COMMANDLINE
        if given and parameter.name in names:
            raise click.UsageError(f"{parameter.opts[0]} {why}", context)
