"""A killed fault once more, by as few visitors as can be found: what `mpsim selftest --repeat` tries.

They come in turn, as in `mpsim replay` of them: what shows here shows there.
"""

from __future__ import annotations

import shutil
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from simulator.runs.smallest import MOST_TRIES, Visitors, one_a_block, smallest_set
from simulator.runs.trial import RUN, Send, Standing, Trial, Tried, attempt
from simulator.traffic.opened import open_run


def attempt_and_repeat(
    trial: Trial, folder: Path, send: Send, most_tries: int = MOST_TRIES, *, keep: bool = False
) -> Tried:
    """Run a trial and show its fault again.

    Where one visitor's events are enough, the first whom the finding names must do it alone. Elsewhere the smallest
    set is looked for; the run of what was found stays beside the trial's own.

    Args:
        folder: where both lie.
        most_tries: runs of the search.
        keep: somebody will look at what stays.
    """
    tried = attempt(trial, folder / trial.name, send, keep=keep)
    if trial.fault is None or tried.standing is not Standing.KILLED:
        return tried
    plan = open_run(folder / trial.name / RUN).plan
    suspects = one_a_block(tried.visitors, plan.block)
    everybody = one_a_block((*suspects, *range(plan.count)), plan.block)
    if trial.fault.one_visitor:
        suspects = everybody = suspects[:1]
    attempts: dict[Visitors, Tried] = {}

    def shows(visitors: Visitors) -> bool:
        alone = replace(trial, only=visitors)
        attempts[visitors] = attempt(alone, folder / alone.name, send, keep=keep)
        return attempts[visitors].standing is Standing.KILLED

    found = smallest_set(suspects, everybody, shows, most_tries)
    if not found.visitors:
        return replace(tried, standing=Standing.NOT_AGAIN, why=_why_not(list(attempts.values())))
    for visitors in attempts.keys() - {found.visitors}:
        shutil.rmtree(folder / replace(trial, only=visitors).name, ignore_errors=True)
    return replace(tried, again=found.visitors, tries=found.tries, least=found.least)


def _why_not(attempts: Sequence[Tried]) -> str:
    """Of the largest set that was tried."""
    last = max(attempts, key=lambda one: len(one.trial.only))
    count = len(last.trial.only)
    who = f"visitor {last.trial.only[0]} alone" if count == 1 else f"{count} visitors"
    return f"{who}: {last.standing.value}: {last.why}"
