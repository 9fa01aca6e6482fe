"""What becomes of a second copy of an event, and of a return without a view."""

from __future__ import annotations

from dataclasses import replace

from simulator.runs.conform.discovering.found import Found
from simulator.runs.conform.discovering.probing import Bench, Probe, Visit, joined
from simulator.times import HOUR, Ms


def find_dedupe(bench: Bench, found: Found) -> None:
    """What becomes of the same event sent twice, and of two events with one id."""
    at = Ms(bench.midnight() + 12 * HOUR)
    copies = Probe(
        "a view sent twice", [Visit(at, ["launch", {"view": "pages/<own>/detail", "duplicates": 1}, "exit"])]
    )
    staged = bench.staged(copies)
    if not staged.adapter.carries_id:
        found.leave("dedupe", f"the wire of {staged.adapter.name} carries no id")
        return
    views = bench.ask_staged([(copies, staged)])[0].of("pv")
    if views not in (2, 3):
        found.leave("dedupe", f"a launch and a view that was sent twice came to {views} views")
        return
    if views == 3:
        found.set("dedupe", "none")
        return
    kept = _which_is_kept(bench) if bench.by_source else None
    if kept == (0, 1):
        found.leave("dedupe", "of two events with one id the last is kept, and by_id is that the first is")
        return
    found.set("dedupe", "by_id")
    if kept == (1, 0):
        found.remark("of two events with one id the first is kept")
    elif kept == (1, 1):
        found.remark("two events with one id and different content are both kept; equal bytes are one event")


def _which_is_kept(bench: Bench) -> tuple[int, int] | None:
    """Views of the first and of the last of two events that have one id and two sources."""
    at = Ms(bench.midnight() + 12 * HOUR)
    first = Probe("one id, two sources", [Visit(at, ["launch", "exit"], source="one")], sources=("one", "two"))
    last = replace(first, visits=[replace(first.visits[0], source="two")])
    own = bench.own()
    both = joined(bench.staged(first, own), bench.staged(last, own))
    answer = bench.ask_staged([(first, both)], views=1)[0]
    one, two = answer.of("pv", "one"), answer.of("pv", "two")
    return None if one is None or two is None else (one, two)


def find_return(bench: Bench, found: Found) -> None:
    """Whether a return that the tracker tells of is a view, where no view is sent."""
    at = Ms(bench.midnight() + 12 * HOUR)
    probe = Probe(
        "a return without a view",
        [Visit(at, ["launch", {"hide": "2ms"}, "show", "exit"])],
        shows=True,
        view_on_return=False,
    )
    views = bench.ask([probe])[0].of("pv")
    if views == 1:
        found.remark("a return from the background counts no view of its own: only views that are sent count")
    elif views == 2:
        found.remark(
            "a return from the background counts as a view of its own, which mpsim has no rule for: every total of "
            "views will be too high by the returns that the tracker tells of"
        )
