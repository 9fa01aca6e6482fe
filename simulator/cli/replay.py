"""`mpsim replay`: some visitors of an earlier run, sent again."""

from __future__ import annotations

from pathlib import Path

import click

from simulator.cli.terminal import terminal
from simulator.report.text import print_result
from simulator.runs.replaying import replay


@click.command("replay")
@click.argument("run_dir", type=click.Path(path_type=Path, file_okay=False))
@click.option("--visitor", "visitors", type=click.IntRange(0), multiple=True, help="Default: those of the findings.")
@click.option("--same", is_flag=True, help="The earlier namespace, also on a collector that still holds the run.")
@click.option("--out", type=click.Path(path_type=Path, file_okay=False), default=None, help="Run directory.")
@click.option("--allow-host", "allowed_hosts", multiple=True, metavar="HOST", help="Load may go to this host.")
def command(
    run_dir: Path, visitors: tuple[int, ...], same: bool, out: Path | None, allowed_hosts: tuple[str, ...]
) -> int:
    """Send some visitors of the run in RUN_DIR again, judge them, and print FIXED or STILL FAILING."""
    console = terminal()
    replayed = replay(run_dir, visitors, lambda _: None, same=same, out=out, allowed_hosts=allowed_hosts)
    print_result(console, replayed.done.result, str(replayed.done.page))
    named = ", ".join(map(str, replayed.visitors[:10]))
    more = f" and {len(replayed.visitors) - 10} more" if len(replayed.visitors) > 10 else ""
    console.print(f"{replayed.outcome}: visitor {named}{more}", highlight=False)
    return replayed.done.result.exit_code
