"""Which visitors show a run's failure again: the set that was found before, else the smallest that can be found now.

They are sent in turn, one request at a time in the order of the plan: what shows so shows again the next time, and a
smaller set is not lost to the order in which requests happened to arrive. What takes several at once shows only with
all of them at once, which is tried where nobody shows it in turn.

What is kept of a search lies in the earlier run's directory (smallest.json), so that the next replay takes that set.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path

from simulator.errors import UsageError
from simulator.finding import Verdict
from simulator.ledger.manifest import write_json
from simulator.report.result import Result
from simulator.runs.smallest import MOST_TRIES, Visitors, smallest_set

SMALLEST_FILE = "smallest.json"
VERSION = 1
_TOTAL = "total"  # the sign of a wrong total, whichever

Signs = frozenset[str]  # codes of findings that fail, and whether a total does
Fails = Callable[[Visitors], Signs]  # what fails when these visitors come
FailsInTurn = Callable[[Visitors, bool], Signs]  # when they come in turn, or all at once


@dataclass(frozen=True, slots=True)
class Known:
    """A set of visitors who showed a failure."""

    visitors: Visitors  # lowest first
    signs: Signs  # what failed
    least: bool  # with any one of them left out it was not shown
    in_turn: bool = False  # by one request at a time; else by all visitors at once


@dataclass(frozen=True, slots=True)
class Searched:
    """What a search came to."""

    visitors: Visitors  # who showed it; where nobody did, the most who were tried
    tries: int
    known: Known | None  # None: nobody showed it
    in_turn: bool = False  # how they came


def signs_of(result: Result) -> Signs:
    """What failed in a run; empty where nothing did."""
    codes = {finding.code for finding in result.findings if finding.verdict is Verdict.FAIL}
    wrong = any(judged.verdict is Verdict.FAIL for judged in result.metrics)
    return frozenset(codes | ({_TOTAL} if wrong else set()))


def suspects_of(result: Result, count: int) -> Visitors:
    """Whom the failing findings of a run name, lowest first; a stored id can name somebody whom the plan has not.

    Args:
        count: visitors of the plan.
    """
    failing = [finding for finding in result.findings if finding.verdict is Verdict.FAIL]
    named = {visitor for finding in failing for visitor in finding.visitors}
    return tuple(sorted(visitor for visitor in named if 0 <= visitor < count))


def search_in_turn_and_at_once(
    wanted: Signs, known: Known | None, suspects: Sequence[int], everybody: Sequence[int], fails: FailsInTurn
) -> Searched:
    """Find who shows a failure again in turn or, where nobody does, with all of them at once; see `search`.

    Args:
        known: is tried first, the way it showed it.
        fails: is asked once for each set and way.
    """
    first = known is None or known.in_turn
    tries = 0
    for in_turn in (first, not first):
        asked = known if in_turn is first else None
        found = search(wanted, asked, suspects, everybody, partial(_in_one_way, fails, in_turn))
        tries += found.tries
        if found.known is not None:
            return Searched(found.visitors, tries, replace(found.known, in_turn=in_turn), in_turn)
    return Searched(found.visitors, tries, None, not first)


def _in_one_way(fails: FailsInTurn, in_turn: bool, visitors: Visitors) -> Signs:
    return fails(visitors, in_turn)


def search(
    wanted: Signs,
    known: Known | None,
    suspects: Sequence[int],
    everybody: Sequence[int],
    fails: Fails,
    most_tries: int = MOST_TRIES,
) -> Searched:
    """Find who shows a failure again, in all that failed or, where even everybody shows only a part, in that part.

    Args:
        wanted: what failed; at least one sign.
        known: is enough if it shows again what it showed.
        suspects: whom the findings name; may be empty.
        everybody: who can be tried, the suspects among them.
        fails: is asked once for each set.
        most_tries: sets that are tried for all that failed, and again for a part.
    """
    asked: dict[Visitors, Signs] = {}

    def ask(visitors: Visitors) -> Signs:
        if visitors not in asked:
            asked[visitors] = fails(visitors)
        return asked[visitors]

    if known is not None and known.signs <= ask(known.visitors):
        return Searched(known.visitors, 1, known)
    found = smallest_set(suspects, everybody, lambda visitors: wanted <= ask(visitors), most_tries)
    shown = wanted
    most = max(asked, key=len)
    if not found.visitors and asked[most] & wanted:
        shown = asked[most] & wanted
        found = smallest_set(suspects, everybody, lambda visitors: shown <= ask(visitors), most_tries)
    if not found.visitors:
        return Searched(most, len(asked), None)
    return Searched(found.visitors, len(asked), Known(found.visitors, shown, found.least))


def write_known(folder: Path, known: Known) -> None:
    """Keep a set in the directory of the run whose failure it shows."""
    document = {"version": VERSION, "visitors": known.visitors, "signs": sorted(known.signs), "least": known.least}
    write_json(folder / SMALLEST_FILE, {**document, "in_turn": known.in_turn})


def read_known(folder: Path) -> Known | None:
    """The set that an earlier search found; None where there was none, or it found nobody.

    Raises:
        UsageError: the file is damaged, or of another version.
    """
    path = folder / SMALLEST_FILE
    try:
        document = json.loads(path.read_text(encoding="utf-8"))
        if document["version"] != VERSION:
            raise UsageError(f"{path} has version {document['version']}; this mpsim reads version {VERSION}")
        visitors = tuple(int(visitor) for visitor in document["visitors"])
        least, in_turn = document["least"] is True, document.get("in_turn") is True
        return Known(visitors, frozenset(map(str, document["signs"])), least, in_turn)
    except FileNotFoundError:
        return None
    except (OSError, ValueError, KeyError, TypeError) as damaged:
        raise UsageError(f"{path} is damaged: {damaged}") from damaged
