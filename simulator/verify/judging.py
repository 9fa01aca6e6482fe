"""Expectations and a reading → judged cells.

Judged are all cells that are expected or observed. A cell that the collector does not name is 0, one that could not
be read is inconclusive, and one that nobody expected must be 0. What a wrong cell means is diagnose.py.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import replace

from simulator.contract import METRICS, Contract
from simulator.finding import Finding, Interval, Judged, Verdict, naming_nobody
from simulator.scenario.model import PPM, Expect
from simulator.times import Ms, iso_local, parse_instant
from simulator.verify.feasible import conflict
from simulator.verify.oracle import Expectations, cell_kinds
from simulator.verify.readers.reading import Reading

_MOST_NAMED = 4  # totals of one finding
_LONGEST_NAME = 80  # of a cell; the collector chooses it

Observed = Mapping[str, int | None]  # cell → value


def judge(expectations: Expectations, reading: Reading, expect: Expect) -> tuple[Judged, ...]:
    """Every cell of every metric, expected ones first, in the order of CONTRACT."""
    return tuple(_judged(expectations, reading, expect))


def _judged(expectations: Expectations, reading: Reading, expect: Expect) -> Iterator[Judged]:
    for metric in METRICS:
        tolerance = tolerance_of(metric, expect)
        for by in cell_kinds(metric):
            if (metric, by) in reading.left_out:
                continue
            observed = observed_cells(expectations, reading, metric, by)
            expected = expectations.cells(metric, by)
            if observed is None:
                why = reading.missing.get((metric, by)) or reading.errors.get(by, "the totals were not read")
                for cell in expected:
                    interval = expectations.expected(metric, by, cell)
                    yield Judged(metric, by, cell, interval, None, Verdict.INCONCLUSIVE, why)
                continue
            foreign = sorted(cell for cell in observed.keys() - set(expected) if observed[cell] != 0)
            for cells in (expected, foreign):
                for cell in cells:
                    value = observed.get(cell, 0)
                    interval = expectations.expected(metric, by, cell)
                    reason = expectations.why(metric, by, cell)
                    verdict, why = judge_cell(interval, value, expect.max_width, tolerance, reason)
                    if value is None and interval is not None and (said := reading.why_no_value(metric, by)):
                        why = f"{why}: {said}"
                    yield Judged(metric, by, cell, interval, value, verdict, why)


def beside_others(judged: Iterable[Judged], only_rise: Collection[str]) -> tuple[Judged, ...]:
    """The same where somebody else sent to the collector meanwhile: a total that is wrong proves nothing any more.

    Except where acked events are missing from one that can only rise: nobody's events make it lower.

    Args:
        only_rise: the metrics that no event can lower.
    """
    return _proving_nothing(
        judged,
        "somebody else sent to this collector meanwhile",
        unless=lambda one: one.metric in only_rise and _is_below(one),
    )


def untold_before(judged: Iterable[Judged], only_rise: Collection[str], *, by_event: bool) -> tuple[Judged, ...]:
    """The same where the collector may have had the run's events before it, and nobody can tell.

    Where copies count again, as they do by arrival, that says nothing of the metrics that only rise; elsewhere these
    can be too low, and not too high.

    Args:
        by_event: the wire carries the events' time and ids.
    """
    return _proving_nothing(
        judged,
        "what the collector had of this namespace before is not known",
        unless=lambda one: one.metric in only_rise and not (by_event and _is_below(one)),
    )


def _proving_nothing(judged: Iterable[Judged], because: str, *, unless: Callable[[Judged], bool]) -> tuple[Judged, ...]:
    return tuple(
        replace(one, verdict=Verdict.INCONCLUSIVE, why=f"{one.why}, and {because}")
        if one.verdict is Verdict.FAIL and not unless(one)
        else one
        for one in judged
    )


def _is_below(one: Judged) -> bool:
    return one.expected is not None and one.observed is not None and one.observed < one.expected.low


def tolerance_of(metric: str, expect: Expect) -> int | None:
    """How far a total may lie outside its interval, in millionths of the nearer end; None: not at all."""
    if expect.totals == "exact":
        return None
    return next((part for name, part in expect.totals.items() if name == metric), None)


def judge_cell(
    expected: Interval | None, observed: int | None, max_width: int, tolerance: int | None = None, reason: str = ""
) -> tuple[Verdict, str]:
    """Compare one total with what the plan and the ledger allow.

    A value outside the interval fails however wide that is; the tolerance widens it at both ends. A value inside an
    interval wider than `max_width` millionths of its upper end proves nothing, nor does one where nothing at all
    would have been right as well: inconclusive.
    """
    if expected is None:
        return Verdict.INCONCLUSIVE, f"not checkable: {reason}" if reason else "not checkable"
    if observed is None:
        return Verdict.INCONCLUSIVE, f"expected {expected}, no usable value was read"
    allowed = tolerance or 0
    missing, surplus = expected.low - observed, observed - expected.high
    if missing * PPM > expected.low * allowed:
        return Verdict.FAIL, f"{missing:,} missing"
    if surplus * PPM > expected.high * allowed:
        return Verdict.FAIL, f"{surplus:,} too many"
    if expected.width * PPM > expected.high * max(max_width, allowed) or 0 < expected.width == expected.high:
        return Verdict.INCONCLUSIVE, f"anything from {expected.low:,} to {expected.high:,} would be right: too wide"
    if missing > 0 or surplus > 0:
        return Verdict.PASS, f"{max(missing, surplus):,} off, within the tolerance of {allowed / 10_000:g} %"
    return Verdict.PASS, f"within a width of {expected.width:,}" if expected.width else ""


def observed_cells(expectations: Expectations, reading: Reading, metric: str, by: str) -> Observed | None:
    """What the collector says of one metric in one kind of cell, by the names of the expected cells.

    Hours are compared as instants, so "2026-03-01T01:00Z" is the cell "2026-03-01T09:00+08:00". None: not read.
    """
    read = reading.cells.get(by)
    if read is None or not reading.gives(metric, by):
        return None
    if by != "hour":
        return {cell: values.get(metric) for cell, values in read.items()}
    names = {parse_instant(cell): cell for cell in expectations.cells(metric, by)}
    found: dict[str, int | None] = {}
    for cell, values in read.items():
        instant = _instant(cell)
        name = cell if instant is None else names.get(instant, iso_local(instant, "UTC"))
        value = values.get(metric)
        before = found.get(name, 0)
        # Two spellings of one hour are two parts of it.
        found[name] = None if value is None or before is None else before + value
    return found


def _instant(cell: str) -> Ms | None:
    try:
        return parse_instant(cell)
    except (ValueError, OverflowError):
        return None


def in_range(expectations: Expectations, reading: Reading, expect: Expect) -> dict[str, bool]:
    """Whether every cell of a metric that can be known is within its interval, for settling.

    A metric of which nothing can be known is left out, and a figure that nobody gives: waiting cannot make it right.
    """
    right: dict[str, bool] = {}
    for one in judge(expectations, reading, expect):
        if (one.metric, one.by) in reading.missing:
            continue
        if one.expected is not None or one.observed is None:
            good = one.verdict is not Verdict.FAIL and one.observed is not None
            right[one.metric] = right.get(one.metric, True) and good
    return right


def rising(contract: Contract) -> tuple[str, ...]:
    """The metrics that no event can lower: views, and opens where each is an event of its own.

    A late event can join two opens cut by a timeout, or two users. Source: reference/verification-model.md, section 7.
    """
    one_by_one = contract.sessions == "derived" and contract.definitions.opens.rule != "timeout"
    return ("pv", "opens") if one_by_one else ("pv",)


def has_surplus(expectations: Expectations, reading: Reading, expect: Expect, metrics: Sequence[str]) -> bool:
    """Whether one of these metrics is too high somewhere."""
    return any(
        one.verdict is Verdict.FAIL
        and one.expected is not None
        and one.observed is not None
        and one.observed > one.expected.high
        for one in judge(expectations, reading, expect)
        if one.metric in metrics
    )


def impossible_together(expectations: Expectations, judged: Sequence[Judged], expect: Expect) -> Finding | None:
    """The finding where every total is possible and some of them together are not; None wherever that is not known."""
    exact = [one for one in judged if not tolerance_of(one.metric, expect)]
    known = {(one.metric, one.by, one.cell): one.observed for one in exact if one.expected is not None}
    read = {key: value for key, value in known.items() if value is not None}
    if not expectations.choices or any(one.verdict is Verdict.FAIL for one in judged):
        return None
    keys = conflict(read, expectations.certain, expectations.choices, expectations.closed)
    if not keys:
        return None
    events = "the event" if expectations.unknown == 1 else f"any of the {expectations.unknown:,} events"
    shown = [f"{_named(key)} {read[key]:,}" for key in keys[:_MOST_NAMED]]
    more = f" and {len(keys) - _MOST_NAMED} more" if len(keys) > _MOST_NAMED else ""
    text = (
        f"each of these totals is possible, and together they are not, whether or not {events} of unknown outcome "
        f"{'is' if expectations.unknown == 1 else 'are'} stored: {', '.join(shown)}{more}"
    )
    metrics = tuple(metric for metric in METRICS if any(key[0] == metric for key in keys))
    found = Finding("aggregation", Verdict.FAIL, text, len(keys), metrics=metrics)
    return naming_nobody(found, "which of them is wrong depends on what is not known")


def _named(key: tuple[str, str, str]) -> str:
    metric, by, cell = key
    return f"{metric} in total" if by == "all" else f"{metric} by {by} {cell[:_LONGEST_NAME]}"
