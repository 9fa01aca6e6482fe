"""`mpsim target check`: a trial of a target file."""

from __future__ import annotations

import sys
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
    progress = _Progress(live=sys.stderr.isatty())
    try:
        trial = try_target(file, scenario, allowed_hosts, progress.waiting)
    finally:
        progress.clear()
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


class _Progress:
    """What is waited for, on standard error: one line that changes or, without a terminal, a line now and then."""

    def __init__(self, *, live: bool) -> None:
        self._live, self._pause = live, 0.5 if live else 10.0  # seconds between two lines
        self._next = 0.0  # seconds since the last reply

    def waiting(self, seconds: float, most: float, what: str) -> None:
        """The totals are not right yet."""
        if seconds < self._next:
            return
        self._next = seconds + self._pause
        line = f"waiting for the totals, {seconds:.0f} s of at most {most:.0f} s: {what}"
        sys.stderr.write(f"\r\x1b[K{line[:100]}" if self._live else f"{line}\n")
        sys.stderr.flush()

    def clear(self) -> None:
        """Nobody waits any more."""
        if self._live and self._next:
            sys.stderr.write("\r\x1b[K")
            sys.stderr.flush()


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
