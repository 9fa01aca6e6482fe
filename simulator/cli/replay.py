"""`mpsim replay`: some visitors of an earlier run, sent again."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import click

from simulator.cli.terminal import terminal
from simulator.report.result import Result
from simulator.report.text import print_result
from simulator.runs.replaying import Replayed, replay

_MOST_NAMED = 10


@click.command("replay")
@click.argument("run_dir", type=click.Path(path_type=Path, file_okay=False))
@click.option(
    "--visitor",
    "visitors",
    type=click.IntRange(0),
    multiple=True,
    help="Default: the smallest set that shows it again.",
)
@click.option("--same", is_flag=True, help="The earlier namespace, also on a collector that still holds the run.")
@click.option("--out", type=click.Path(path_type=Path, file_okay=False), default=None, help="Run directory.")
@click.option("--allow-host", "allowed_hosts", multiple=True, metavar="HOST", help="Load may go to this host.")
def command(
    run_dir: Path, visitors: tuple[int, ...], same: bool, out: Path | None, allowed_hosts: tuple[str, ...]
) -> int:
    """Send some visitors of the run in RUN_DIR again, judge them, and print FIXED or STILL FAILING.

    Without --visitor the smallest set that shows the failure is sent; where none is known yet it is searched for by
    some replays, which begin with whom the findings name.

    They come one request at a time, in the order of the plan; what passes so is sent once more with all at once. With
    --same it is not: the collector takes the same events once only.
    """
    console, aside = terminal(), terminal(stderr=True)

    def tell(sent: Sequence[int], result: Result) -> None:
        aside.print(f"replay of visitor {_listed(sent)}: {result.verdict}", highlight=False)

    replayed = replay(run_dir, visitors, lambda _: None, same=same, out=out, allowed_hosts=allowed_hosts, tried=tell)
    print_result(console, replayed.done.result, str(replayed.done.page))
    said = f"{replayed.outcome}: visitor {_listed(replayed.visitors)}{_search(replayed)}"
    console.print(said, highlight=False, soft_wrap=True)
    return replayed.done.result.exit_code


def _listed(visitors: Sequence[int]) -> str:
    more = f" and {len(visitors) - _MOST_NAMED} more" if len(visitors) > _MOST_NAMED else ""
    return ", ".join(map(str, visitors[:_MOST_NAMED])) + more


def _search(replayed: Replayed) -> str:
    """How sure the set is, and how it was sent where it has to be so."""
    searched = replayed.searched
    at_once = "; all at once" if replayed.at_once else ""
    if searched is None:
        return " (all at once)" if replayed.at_once else ""
    replays = "1 replay" if searched.tries == 1 else f"{searched.tries} replays"
    if searched.known is None:
        return f" (nobody shows again what failed, in {replays})"
    if len(searched.visitors) == 1:
        return f" (alone, in {replays})"
    sure = (
        "with any one left out it did not show"
        if searched.known.least
        else "a smaller one was not looked for to the end"
    )
    return f" (the smallest set found in {replays}; {sure}{at_once})"
