"""`mpsim schema`: the JSON Schemas of scenario, contract and target files."""

from __future__ import annotations

import json

import click

from simulator.finding import ExitCode
from simulator.scenario.schema import contract_schema, json_schema, target_schema

_SCHEMAS = {"scenario": json_schema, "contract": contract_schema, "target": target_schema}


@click.command("schema")
@click.argument("kind", type=click.Choice(list(_SCHEMAS)), default="scenario")
def command(kind: str) -> int:
    """Print the JSON Schema of a KIND of file, so that an editor completes and checks them."""
    click.echo(json.dumps(_SCHEMAS[kind](), ensure_ascii=False, indent=2))
    return ExitCode.PASS
