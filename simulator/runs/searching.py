"""Which visitors show a run's failure again: the set that was found before, else the smallest that can be found now.

What is kept of a search lies in the earlier run's directory (smallest.json), so that the next replay takes that set.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass
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


@dataclass(frozen=True, slots=True)
class Known:
    """A set of visitors who showed a failure."""

    visitors: Visitors  # lowest first
    signs: Signs  # what failed
    least: bool  # with any one of them left out it was not shown


@dataclass(frozen=True, slots=True)
class Searched:
    """What a search came to."""

    visitors: Visitors  # who showed it; where nobody did, the most who were tried
    tries: int
    known: Known | None  # None: nobody showed it


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
    write_json(folder / SMALLEST_FILE, document)


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
        return Known(visitors, frozenset(map(str, document["signs"])), document["least"] is True)
    except FileNotFoundError:
        return None
    except (OSError, ValueError, KeyError, TypeError) as damaged:
        raise UsageError(f"{path} is damaged: {damaged}") from damaged
