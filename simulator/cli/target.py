"""`mpsim target check`: a trial of a target file."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import click

from simulator.report.trial import trial_lines
from simulator.report.words import plural
from simulator.runs.trying import Trial, try_target


@click.group("target")
def command() -> None:
    """Target files: a collector, and how to talk to it."""


@command.command("check")
@click.argument("file", metavar="FILE")
@click.option(
    "--scenario",
    type=click.Path(path_type=Path, dir_okay=False),
    default=None,
    help="Whose events are sent, one of each kind; a small one of mpsim's own unless given.",
)
@click.option("--allow-host", "allowed_hosts", multiple=True, metavar="HOST", help="Events may go to this host.")
def check(file: str, scenario: Path | None, allowed_hosts: tuple[str, ...]) -> int:
    """Try the target in FILE: one event of each kind, the replies, the totals before and after."""
    trial = try_target(file, scenario, allowed_hosts)
    lines = trial_lines(
        f"{trial.target}, {trial.url}",
        trial.exit_code,
        [(one.events, one.outcome.name.lower(), one.answer) for one in trial.requests],
        [(one.metric, one.before, one.after, one.judged) for one in trial.figures],
        trial.cells,
        trial.events.findings,
        _notes(trial),
        acked=trial.acked,
    )
    for line in lines:
        click.echo(line)
    return trial.exit_code


def _notes(trial: Trial) -> Iterator[str]:
    events = trial.events
    if events.listed is None:
        yield f"Stored events are not listed: {events.why_not_listed}."
    else:
        sent = f"{trial.sent} {'was' if trial.sent == 1 else 'were'} sent, in {plural(len(trial.requests), 'request')}"
        listed = f"{plural(events.listed, 'stored event')} {'is' if events.listed == 1 else 'are'} listed"
        yield f"{listed} behind those of before; {sent}."
    if events.fields:
        yield f"They were compared with what was sent: {', '.join(events.fields)}."
    elif events.listed is not None:
        yield f"They were not compared with what was sent: {events.why_not_compared}."
    if trial.acked:
        yield f"The totals were looked at until {trial.seconds:.1f} s after the last reply."
    else:
        yield "Not every event was acked, so nobody knows what the totals must be: see replies in the target file."
    if trial.not_read:
        yield f"Left out by the target file, so never judged: {', '.join(trial.not_read)}."
