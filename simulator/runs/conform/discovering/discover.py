"""Discovery from its first probe to the last: each part stands on what was found before it."""

from __future__ import annotations

from collections.abc import Callable, Collection

from simulator.runs.conform.discovering.copies import find_dedupe, find_return
from simulator.runs.conform.discovering.found import Found
from simulator.runs.conform.discovering.opens import find_opens
from simulator.runs.conform.discovering.period import find_age, find_time
from simulator.runs.conform.discovering.probing import Bench
from simulator.runs.conform.discovering.users import find_user
from simulator.runs.conform.discovering.zones import find_zone
from simulator.runs.conform.staging import Ground
from simulator.runs.reading import Readers

SOUGHT = ("opens", "user", "day", "dedupe", "time", "max_age")  # keys of a contract file


def discover(ground: Ground, readers: Readers, tell: Callable[[str], None] = lambda what: None) -> Found:  # noqa: ARG005
    """Which definitions a collector uses.

    Args:
        tell: what is being found out.
    """
    found = Found()
    if ground.target.totals.events is not None:
        why = "the totals are counted by mpsim itself, from the events that are listed"
        for key in SOUGHT:
            found.leave(key, why)
        return found
    bench = Bench(ground, readers)
    if not bench.reads("pv", "source") and not bench.reads("pv", "all"):
        return _nothing(found, "the reader gives no pv, neither in total nor by source")
    tell("time")
    if not find_time(bench, found):
        return _nothing(found, "no probe was counted")
    if bench.by_event:
        tell("age")
        find_age(bench, found)
        tell("day")
        find_zone(bench, found)
    else:
        found.leave("day", "events are counted when they arrive, and nobody waits for midnight")
    tell("opens")
    if ground.contract.sessions == "given":
        found.leave("opens", "opens are the wire's own session ids (sessions: given)")
    else:
        find_opens(bench, found)
    tell("user")
    find_user(bench, found)
    tell("dedupe")
    find_dedupe(bench, found)
    find_return(bench, found)
    return found


def _nothing(found: Found, why: str) -> Found:
    for key in _open(found.keys, found.unknown):
        found.leave(key, why)
    return found


def _open(*known: Collection[str]) -> list[str]:
    return [key for key in SOUGHT if not any(key in some for some in known)]
