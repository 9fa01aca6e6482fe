"""`mpsim compare`: what changed from one run to another."""

from __future__ import annotations

import json
from pathlib import Path

import click

from simulator.api import compare_runs
from simulator.cli.terminal import terminal
from simulator.report.comparison import comparison_json
from simulator.report.comparison_text import print_comparison


def _margin(_context: click.Context, _option: click.Parameter, text: str) -> float:
    """10% as 0.1."""
    number = text.removesuffix("%").strip()
    try:
        percent = float(number)
    except ValueError:
        percent = -1.0
    if not text.endswith("%") or not 0 <= percent <= 1_000:
        raise click.BadParameter(f'{text}: expected a percentage up to 1000%, such as "10%"')
    return percent / 100


@click.command("compare")
@click.argument("run_a", type=click.Path(path_type=Path, file_okay=False))
@click.argument("run_b", type=click.Path(path_type=Path, file_okay=False))
@click.option(
    "--margin",
    default="10%",
    show_default=True,
    callback=_margin,
    metavar="P%",
    help="A latency that changed by no more is the same.",
)
@click.option("--json", "as_json", is_flag=True, help="The same as one JSON document.")
def command(run_a: Path, run_b: Path, margin: float, as_json: bool) -> int:
    """Say what changed from RUN_A to RUN_B, two run directories of one scenario: totals, latencies, findings, levels.

    Only the change is judged, and noise is no change. Exit codes: 0 nothing became worse; 1 totals or findings did;
    2 a service level or a latency; 3 less can be known than before; 4 the load was not offered any more.
    """
    comparison = compare_runs(run_a, run_b, margin=margin)
    if as_json:
        click.echo(json.dumps(comparison_json(comparison), ensure_ascii=False, indent=2))
    else:
        print_comparison(terminal(), comparison)
    return comparison.exit_code
