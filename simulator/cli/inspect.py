"""`mpsim inspect`: the user's own mini program, headless through the journeys, or a real phone that is listened to."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click
from click.core import ParameterSource

from simulator.cli.inspecting import inspect_program, inspecting_options, print_rules
from simulator.cli.listening import judge_capture, listen_for, listening_options
from simulator.inspect.inspection import read_levels

_LISTENING = frozenset({"pass_on", "seconds", "most_events", "certificate", "key", "allowed_hosts"})
_OF_TRAFFIC = frozenset({"scenario", "target", "rules"})  # which options a request is judged by


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
def command(
    folder: Path | None,
    listen: str | None,
    capture: Path | None,
    list_rules: bool,
    rules: tuple[str, ...],
    **options: Any,
) -> int:
    """Inspect the mini program in APP_DIR with the visits of --journeys, or listen to a real phone with --listen."""
    if list_rules:
        return print_rules()
    context = click.get_current_context()
    ways = {"APP_DIR": folder, "--listen": listen, "--capture": capture}
    chosen = [way for way, given in ways.items() if given is not None]
    if len(chosen) != 1:
        told = "APP_DIR, the folder of a mini program, --listen, for a real phone, or --capture, what --listen recorded"
        raise click.UsageError(f"expected one of {told}", context)
    if listen is not None:
        options = _taken(context, options, _LISTENING | _OF_TRAFFIC | {"out", "quiet"}, "--listen")
        return listen_for(listen, levels=read_levels(rules), **options)
    if capture is not None:
        options = _taken(context, options, _OF_TRAFFIC | {"fail_on"}, "--capture")
        return judge_capture(capture, levels=read_levels(rules), **options)
    assert folder is not None
    options = _taken(context, options, frozenset(options) - _LISTENING, "APP_DIR")
    return inspect_program(folder, rules=rules, **options)


def _taken(context: click.Context, options: dict[str, Any], taken: frozenset[str], way: str) -> dict[str, Any]:
    """The options of one way to inspect; one of another way would do nothing, and is refused."""
    for parameter in context.command.params:
        given = context.get_parameter_source(parameter.name or "") is ParameterSource.COMMANDLINE
        if given and parameter.name in options and parameter.name not in taken:
            raise click.UsageError(f"{parameter.opts[0]} has no part in an inspection by {way}", context)
    return {name: value for name, value in options.items() if name in taken}
