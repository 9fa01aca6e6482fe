"""`mpsim schema`: the JSON Schema of scenario files."""

from __future__ import annotations

import json

import click

from simulator.finding import ExitCode
from simulator.scenario.schema import json_schema


@click.command("schema")
def command() -> int:
    """Print the JSON Schema of scenario files, so that an editor completes and checks them."""
    click.echo(json.dumps(json_schema(), ensure_ascii=False, indent=2))
    return ExitCode.PASS
