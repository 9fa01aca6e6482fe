"""What the totals said while the run was sent and until they rested, held against what could have been there then.

At every reading:

    too many   nothing may be above what the attempts that were invoked before the reading was complete can have stored
    too few    where an ack promises so (`ack: durable`), nothing may be below what the events come to that were acked
               `lag` before the reading was begun

and views, and opens where each is an event of its own, never fall (verify/settle.py). Where an ack promises nothing
before the deadline only these two are held against their upper bound: users may be joined later.

What may be there is counted for each reading anew, in every cell and for all four numbers, while the run is small: a
run of at most MOST_ATTEMPTS, and as many readings, evenly spread, as BUDGET attempts are worth. Of a larger run no
total may be above the number of events in all attempts so far. After the last reply the whole ledger says what may be
there.

Nothing of this is told where what is not ours may be in the totals: of a namespace that was used before, and of
visitors whom a lost worker may have sent further than anybody knows. Beside others' events only missing views are told.

Instants of readings and attempts are of two clocks of one machine; CLOCKS is left between them.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import chain

from simulator.contract import METRICS, Contract
from simulator.finding import Finding, Judged, Verdict, naming_nobody
from simulator.ledger.begun import begun_by
from simulator.ledger.index import AttemptIndex, ByRequest
from simulator.ledger.record import Attempt
from simulator.runs.counting import Counted
from simulator.runs.load_report import LoadReport
from simulator.runs.watching import MOST_ATTEMPTS
from simulator.scenario.model import Expect
from simulator.times import Ms, format_duration
from simulator.traffic.opened import OpenedRun
from simulator.traffic.sending import requests_of_block
from simulator.verify.judging import judge, rising
from simulator.verify.oracle import Expectations, Oracle
from simulator.verify.readers.reading import Reading
from simulator.verify.rules.search import WORDS
from simulator.verify.settle import Settled
from simulator.verify.sighting import sightings_of
from simulator.wire.request import Outcome

BUDGET = 150_000  # attempts that are counted, reading by reading
CLOCKS = 250_000_000  # ns
_MAX_UNKNOWN = 4  # events of a linked group whose worlds are counted one by one
_MOST_NAMED = 3
_NS = 1_000_000

Key = tuple[str, str, str]  # metric, by, cell


@dataclass(frozen=True, slots=True)
class Odd:
    """A total that could not be as it was read."""

    metric: str
    by: str
    cell: str
    off: int  # above 0: too many; below: missing
    bound: int
    value: int
    at_ns: int  # when the reading was complete


@dataclass(frozen=True, slots=True)
class Run:
    """What readings are held against."""

    opened: OpenedRun
    attempts: AttemptIndex
    begin: Ms  # of the judged period
    end: Ms
    since: Callable[[Reading], Reading]  # what of a reading is of the run

    @property
    def contract(self) -> Contract:
        return self.opened.contract

    @property
    def expect(self) -> Expect:
        return self.opened.scenario.expect

    @property
    def slack_ns(self) -> int:
        """By what the clocks may differ."""
        return CLOCKS + self.contract.clock_bound * _NS


def watched_findings(
    run: Run,
    meanwhile: Sequence[Reading],
    settled: Settled,
    counted: Counted,
    judged: Sequence[Judged],
    report: LoadReport,
) -> Iterator[Finding]:
    """What the totals were on their way to what they are.

    Args:
        meanwhile: readings while the run was sent.
        settled: with what was read, whole, after its last reply.
        judged: the totals at the end.
    """
    after = [reading for _, reading in settled.seen]
    odd = odd_totals(run, meanwhile, after, counted.by_ledger, int(report.number("last_done_ns")))
    beside_others = counted.listed is not None and counted.listed.strangers.foreign_count > 0
    yield from odd_findings(run, odd, judged, int(report.number("first_sent_ns")), beside_others=beside_others)


def odd_totals(
    run: Run, meanwhile: Sequence[Reading], after: Sequence[Reading], by_ledger: Expectations, last_done_ns: int
) -> list[Odd]:
    """Every total that could not be as it was read, reading by reading.

    Args:
        meanwhile: readings while the run was sent.
        after: readings after its last reply.
        by_ledger: what the whole ledger allows.
        last_done_ns: when the last event was answered; 0: nobody knows.
    """
    odd: list[Odd] = []
    old = last_done_ns + run.contract.lag * _NS + run.slack_ns
    for reading in after:
        is_old = last_done_ns > 0 and reading.invoked_ns >= old
        odd += [one for one in _judged(run, reading, by_ledger) if one.off > 0 or is_old]
    if len(run.attempts) > MOST_ATTEMPTS:
        odd += _beyond_all(run, meanwhile)
    elif meanwhile:
        chosen = _spread(meanwhile, max(BUDGET // max(len(run.attempts), 1), 1))
        for reading, expectations in zip(chosen, _allowed(run, chosen), strict=True):
            odd += _judged(run, reading, expectations)
    return sorted(odd, key=lambda one: one.at_ns)


def odd_findings(
    run: Run, odd: Sequence[Odd], judged: Sequence[Judged], first_ns: int, *, beside_others: bool
) -> Iterator[Finding]:
    """What was too many and what was missing, where that healed; what stayed so is told as it is at the end.

    Args:
        judged: the totals at the end.
        first_ns: when the first attempt was sent.
        beside_others: somebody else sent meanwhile.
    """
    only_rise = rising(run.contract)
    wrong = {(one.metric, one.by, one.cell) for one in judged if one.verdict is Verdict.FAIL}
    healed = [one for one in odd if (one.metric, one.by, one.cell) not in wrong]
    surplus = [one for one in healed if one.off > 0 and not beside_others]
    missing = [one for one in healed if one.off < 0 and (one.metric in only_rise or not beside_others)]
    if surplus:
        text = f"totals were more than what had been sent by then can come to: {_told(surplus, first_ns)}"
        yield _finding("aggregation", text, surplus)
    if missing:
        lag = format_duration(run.contract.lag)
        text = f"acked events were not in the totals within {lag} of their replies: {_told(missing, first_ns)}"
        yield _finding("lag", text, missing)


def _finding(code: str, text: str, odd: Sequence[Odd]) -> Finding:
    named = {one.metric for one in odd}
    metrics = tuple(metric for metric in METRICS if metric in named)
    found = Finding(code, Verdict.FAIL, text, max(abs(one.off) for one in odd), metrics=metrics)
    return naming_nobody(found, "at the end these totals were right")


def _told(odd: Sequence[Odd], first_ns: int) -> str:
    """The worst of each metric, totals before cells."""
    worst: dict[str, Odd] = {}
    for one in sorted(odd, key=lambda one: (one.by != "all", -abs(one.off), one.at_ns)):
        worst.setdefault(one.metric, one)
    shown = [
        f"{WORDS[one.metric]}{_where(one)} {one.value:,}, {'at most' if one.off > 0 else 'at least'} {one.bound:,} "
        f"could be, {max(one.at_ns - first_ns, 0) / 1e9:.1f} s after the first send"
        for one in list(worst.values())[:_MOST_NAMED]
    ]
    readings = len({one.at_ns for one in odd})
    return "; ".join(shown) + (f"; in {readings:,} readings" if readings > 1 else "")


def _where(one: Odd) -> str:
    return "" if one.by == "all" else f" by {one.by} {one.cell[:80]}"


# ---- what may be there ----


def _allowed(run: Run, readings: Sequence[Reading]) -> list[Expectations]:
    """What the totals may be at each reading, by one pass over the plan."""
    opened, contract = run.opened, run.contract
    carries = opened.adapter.carries_anonymous_id
    oracles = [
        Oracle(contract, run.begin, run.end, carries_anonymous_id=carries, max_unknown=_MAX_UNKNOWN) for _ in readings
    ]
    spans = [_span(run, reading) for reading in readings]
    for block in opened.plan.blocks:
        requests = requests_of_block(opened.plan, opened.adapter, block)
        sent = {visitor: run.attempts.attempts_of(visitor) for visitor in requests}
        planned = list(chain.from_iterable(requests.values()))
        for oracle, (acked_by, sent_by) in zip(oracles, spans, strict=True):
            attempts_of = {
                (visitor, number): attempts
                for visitor, found in sent.items()
                for number, attempts in _as_of(found, acked_by, sent_by).items()
            }
            if attempts_of:
                oracle.add_block(sightings_of(planned, attempts_of, contract))
    return [oracle.finish() for oracle in oracles]


def _span(run: Run, reading: Reading) -> tuple[int, int]:
    """By when an event was acked that must be in a reading, and by when one was sent that may be in it."""
    durable = run.contract.ack == "durable"
    acked_by = reading.invoked_ns - run.contract.lag * _NS - run.slack_ns if durable else -1
    return acked_by, reading.completed_ns + run.slack_ns


def _as_of(found: ByRequest, acked_by: int, sent_by: int) -> dict[int, list[Attempt]]:
    """A visitor's attempts as they stood at a reading: an ack that is too young says nothing yet."""
    return {
        number: known
        for number, attempts in found.items()
        if (known := [_known(one, acked_by) for one in attempts if one.sent_ns <= sent_by])
    }


def _known(attempt: Attempt, acked_by: int) -> Attempt:
    young = attempt.outcome is Outcome.ACKED and attempt.done_ns > acked_by
    return replace(attempt, outcome=Outcome.UNKNOWN) if young else attempt


def _judged(run: Run, reading: Reading, expectations: Expectations) -> Iterator[Odd]:
    durable, only_rise = run.contract.ack == "durable", rising(run.contract)
    for one in judge(expectations, run.since(reading), run.expect):
        if one.verdict is not Verdict.FAIL or one.expected is None or one.observed is None:
            continue
        bound = one.expected.high if one.observed > one.expected.high else one.expected.low
        off = one.observed - bound
        if durable or (off > 0 and one.metric in only_rise):
            yield Odd(one.metric, one.by, one.cell, off, bound, one.observed, reading.completed_ns)


def _beyond_all(run: Run, readings: Sequence[Reading]) -> Iterator[Odd]:
    """Each event adds at most one to each total, and each attempt has at most so many events."""
    begun = begun_by(run.opened.folder, [one.completed_ns + run.slack_ns for one in readings])
    for reading, attempts in zip(readings, begun, strict=True):
        bound = attempts * run.opened.adapter.max_batch
        for metric, value in run.since(reading).cells.get("all", {}).get("", {}).items():
            if value is not None and value > bound:
                yield Odd(metric, "all", "", value - bound, bound, value, reading.completed_ns)


def _spread(readings: Sequence[Reading], most: int) -> list[Reading]:
    """At most so many of them, evenly spread, the last among them."""
    if len(readings) <= most:
        return list(readings)
    return [readings[(number + 1) * len(readings) // most - 1] for number in range(most)]
