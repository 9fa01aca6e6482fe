"""What a collector says through its other interfaces, held against its totals, its list, and what was sent badly.

    the trend of a day             the totals of that day
    the count of good events       the list of them
    the count of bad events        the list of them or, where they are not listed, the malformed events that were sent

Everything is of the moment of the totals; where there is none, or somebody else sent meanwhile, nothing is compared.
"""

from __future__ import annotations

from collections.abc import Iterator

from simulator.contract import METRICS
from simulator.finding import Finding, Interval, Verdict, naming_nobody
from simulator.runs.baseline import read_counts_before, read_namespace
from simulator.runs.counting import Counted
from simulator.runs.listing import Listing
from simulator.traffic.opened import OpenedRun
from simulator.verify.readers.interfaces import COUNTS_PATH, TREND_PATH, Counts, Others
from simulator.verify.readers.monitor import PATH
from simulator.verify.rules.search import WORDS

MOST_DAYS = 10  # of which the trend is read, those with the most views
_MOST_NAMED = 3


def compared(opened: OpenedRun, others: Others | None, counted: Counted, listing: Listing) -> Iterator[Finding]:
    """Where the collector's interfaces disagree.

    Args:
        others: of the moment of the totals; None: there was none.
    """
    if others is None:
        return
    yield from _days(others)
    if others.counts is not None:
        yield from _counts(opened, others.counts, counted, listing)


def not_compared(others: Others | None) -> Iterator[str]:
    """What could not be read to be compared."""
    for missing in () if others is None else others.missing:
        yield f"Not compared with the totals: {missing}."


def _days(others: Others) -> Iterator[Finding]:
    wrong = [
        (abs(trend[metric] - totals[metric]), f"{trend[metric]:,} {WORDS[metric]} on {day}, not {totals[metric]:,}")
        for day, (totals, trend) in others.days.items()
        for metric in METRICS
        if trend[metric] != totals[metric]
    ]
    if wrong:
        shown = ", ".join(text for _, text in wrong[:_MOST_NAMED])
        more = f" and {len(wrong) - _MOST_NAMED} more" if len(wrong) > _MOST_NAMED else ""
        text = f"{TREND_PATH} does not say what {PATH} says: {shown}{more}"
        yield _disagreement(text, sum(off for off, _ in wrong))


def _counts(opened: OpenedRun, now: Counts, counted: Counted, listing: Listing) -> Iterator[Finding]:
    if now.total != now.good + now.bad:
        text = f"{COUNTS_PATH} says {now.total:,} events in total, and {now.good:,} good and {now.bad:,} bad ones"
        yield _disagreement(text, abs(now.total - now.good - now.bad))
    listed = counted.listed
    if listed is not None and listing.from_the_beginning:
        before: Counts | None = Counts(0, 0, 0)
    else:
        before = Counts(0, 0, 0) if opened.manifest.target.embedded else read_counts_before(opened.folder)
    if before is None:
        return
    good, bad = now.good - before.good, now.bad - before.bad
    if listed is None:
        yield from _bad(opened, bad, counted.by_ledger.bad)
        return
    if listed.strangers.foreign_count or listing.bad_of_others:
        return
    if good != listing.good:
        yield _disagreement(
            f"{COUNTS_PATH} counts {good:,} good events, and {listing.good:,} are listed", good - listing.good
        )
    if not listed.knows_bad:
        yield from _bad(opened, bad, counted.by_ledger.bad)
    elif bad != listing.bad:
        yield _disagreement(
            f"{COUNTS_PATH} counts {bad:,} bad events, and {listing.bad:,} are listed", bad - listing.bad
        )


def _against_list(which: str, counted: int, listed: int) -> str:
    return f"{COUNTS_PATH} counts {counted:,} {which} events, and {listed:,} are listed"


def _bad(opened: OpenedRun, bad: int, expected: Interval) -> Iterator[Finding]:
    """The count of bad events against the malformed ones that were sent; others may send bad ones, and nobody knows."""
    if read_namespace(opened.folder).state != "new" or bad in expected:
        return
    own = opened.manifest.target.embedded
    verdict = Verdict.FAIL if own or bad < expected.low else Verdict.INCONCLUSIVE
    off = expected.low - bad if bad < expected.low else bad - expected.high
    text = (
        f"{COUNTS_PATH} counts {bad:,} bad events, and {expected} were sent: "
        f"{off:,} {'missing' if bad < expected.low else 'too many'}"
    )
    yield naming_nobody(Finding("aggregation", verdict, text, off), "a count does not say whose events it counts")


def _disagreement(text: str, off: int) -> Finding:
    found = Finding("aggregation", Verdict.FAIL, f"the collector contradicts itself: {text}", abs(off))
    return naming_nobody(found, "two numbers of the collector disagree, whatever was stored")
