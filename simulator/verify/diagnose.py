"""Judged cells → findings that name the kind of fault, not just the difference.

From totals alone: whether something is missing or too many in sum, whether the sum is right and the cells are not,
and, of a reading of one moment, whether the collector's own numbers contradict each other. Which events are lost or
duplicated needs the raw events and is not known here.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import replace
from types import MappingProxyType

from simulator.contract import METRICS, Contract
from simulator.finding import Finding, Judged, Verdict, naming_nobody
from simulator.scenario.model import Expect
from simulator.times import Ms, format_duration
from simulator.verify.judging import tolerance_of
from simulator.verify.readers.reading import Reading
from simulator.verify.settle import Settled

PARTITIONS = ("source", "content", "hour", "day")  # kinds of which every event is in exactly one cell
_WORDS = {"pv": "page views", "uv": "visitors", "opens": "opens", "new_users": "new users"}
_MOST_NAMED = 3  # cells, or falls, of one finding
_LONGEST_NAME = 80  # of a cell; the collector chooses it

Totals = dict[tuple[str, str], dict[str, Judged]]  # (metric, by) → cell → judged


def diagnose(
    judged: Sequence[Judged],
    contract: Contract,
    *,
    explained: Collection[str] = (),
    events_right: bool = False,
    suspects: Mapping[str, tuple[int, ...]] = MappingProxyType({}),
    untried: str = "",
) -> tuple[Finding, ...]:
    """What is wrong with the totals, the most telling first; nothing where no cell fails.

    Args:
        explained: metrics of which another finding says why they are wrong.
        events_right: the stored events are known to be right, so whatever is wrong is the counting.
        suspects: metric → visitors among whom those are that are counted wrongly; one that is left out was not
            looked into.
        untried: why the rules that explain wrong totals were not tried; empty where they were.
    """
    totals: Totals = {}
    for one in judged:
        totals.setdefault((one.metric, one.by), {})[one.cell] = one
    open_ones = {key: cells for key, cells in totals.items() if key[0] not in explained}
    differences = (*_sums(open_ones, contract, events_right, suspects), *_attributions(open_ones, suspects))
    if untried:
        differences = tuple(naming_nobody(one, f"no rule was tried, because {untried}") for one in differences)
    return differences


def settling_findings(settled: Settled, quiet: Ms, *, still_growing: bool = False) -> Iterator[Finding]:
    """What reading the totals itself came to: nothing where they were read, rested, and never fell.

    Said of wrong totals as well: a reader wants to know whether more patience would have made them right.

    Args:
        quiet: how long the totals had to be unchanged to be at rest.
        still_growing: more events were stored after each look at the list of them.
    """
    if settled.fell:
        shown = "; ".join(settled.fell[:_MOST_NAMED])
        more = f"; and {len(settled.fell) - _MOST_NAMED} more" if len(settled.fell) > _MOST_NAMED else ""
        text = f"totals fell that can only rise: {shown}{more}"
        names = {fall.partition(" ")[0] for fall in settled.fell}
        metrics = tuple(metric for metric in METRICS if metric in names)
        fallen = Finding("aggregation", Verdict.FAIL, text, len(settled.fell), metrics=metrics)
        yield naming_nobody(fallen, "no event can take another one away")
    if settled.reading.errors:
        text = f"the totals could not be read: {settled.reading.error}"
        yield Finding("unsettled", Verdict.INCONCLUSIVE, text, len(settled.reading.errors))
    elif not settled.resting:
        text = (
            f"the totals did not rest: not seen unchanged for {format_duration(quiet)} "
            f"within {format_duration(settled.waited)}"
        )
        yield Finding("unsettled", Verdict.INCONCLUSIVE, text)
    elif still_growing:
        text = (
            "more events were stored after every look at the list, so the totals are of no moment of which the list "
            "is known, and are held against the ledger alone"
        )
        yield Finding("unsettled", Verdict.INCONCLUSIVE, text)


# ---- the sum is wrong ---------------------------------------------------------------------------------------------


def _sums(
    totals: Totals, contract: Contract, events_right: bool, suspects: Mapping[str, tuple[int, ...]]
) -> Iterator[Finding]:
    views_right = all(one.verdict is not Verdict.FAIL for one in totals.get(("pv", "all"), {}).values())
    for (metric, by), cells in totals.items():
        if by != "all":
            continue
        for one in cells.values():
            off = _off(one)
            if off:
                code = "aggregation" if events_right else _code(metric, off, views_right, contract)
                text = (
                    f"{_WORDS[metric]}: expected {one.expected}, the collector says {one.observed:,}: "
                    f"{abs(off):,} {'too many' if off > 0 else 'missing'}{_where(totals, metric, off)}"
                )
                yield _suspecting(suspects, metric, Finding(code, Verdict.FAIL, text, abs(off), metrics=(metric,)))


def _suspecting(suspects: Mapping[str, tuple[int, ...]], metric: str, finding: Finding) -> Finding:
    if metric not in suspects:
        return finding
    visitors = suspects[metric]
    named = replace(finding, text=f"{finding.text}{_among(visitors)}", visitors=visitors)
    return naming_nobody(named, "no visitor counts in each of the cells that are wrong")


def _off(one: Judged) -> int:
    """How far a failed cell lies above (+) or below (-) what is possible; 0 for any other."""
    if one.verdict is not Verdict.FAIL or one.expected is None or one.observed is None:
        return 0
    if one.observed > one.expected.high:
        return one.observed - one.expected.high
    return min(one.observed - one.expected.low, 0)


def _code(metric: str, off: int, views_right: bool, contract: Contract) -> str:
    """Events counted one by one are lost or duplicated; users and gaps over right events are counted wrongly."""
    one_by_one = metric == "pv" or (metric == "opens" and contract.definitions.opens.rule != "timeout")
    if one_by_one or not views_right:
        return "duplicated" if off > 0 else "lost"
    return "boundary" if metric == "opens" else "aggregation"


def _where(totals: Totals, metric: str, off: int) -> str:
    """The source that explains the whole difference, where one does."""
    for by in PARTITIONS[:2]:
        wrong = {cell: _off(one) for cell, one in totals.get((metric, by), {}).items() if _off(one)}
        if list(wrong.values()) == [off]:
            return f", all of them in {by} {_name(next(iter(wrong)))}"
    return ""


def _among(visitors: Collection[int]) -> str:
    """What naming them means: no rule tells who of those in a wrong cell is counted wrongly."""
    return "; no known rule explains it, and the visitors named are some of those who count there" if visitors else ""


# ---- the sum is right, the cells are not --------------------------------------------------------------------------


def _attributions(totals: Totals, suspects: Mapping[str, tuple[int, ...]]) -> Iterator[Finding]:
    for (metric, by), cells in totals.items():
        if by == "all" or any(_off(one) for one in totals.get((metric, "all"), {}).values()):
            continue
        wrong = {cell: _off(one) for cell, one in cells.items() if _off(one)}
        if wrong:
            surplus = sum(off for off in wrong.values() if off > 0)
            missing = -sum(off for off in wrong.values() if off < 0)
            code = "unexpected" if _all_unexpected(cells, wrong) else "attribution"
            text = (
                f"{_WORDS[metric]} by {by}: the total is right, {len(wrong)} of {len(cells)} cells are not: "
                f"{_listed(wrong)}{_explained(cells, wrong)}"
            )
            found = Finding(code, Verdict.FAIL, text, max(surplus, missing), metrics=(metric,))
            yield _suspecting(suspects, metric, found)


def _all_unexpected(cells: dict[str, Judged], wrong: dict[str, int]) -> bool:
    return all(_high(cells[cell]) == 0 for cell in wrong)


def _listed(wrong: dict[str, int]) -> str:
    largest = sorted(wrong, key=lambda cell: (-abs(wrong[cell]), cell))
    texts = [
        f"{_name(cell)} {abs(wrong[cell]):,} {'too many' if wrong[cell] > 0 else 'missing'}"
        for cell in largest[:_MOST_NAMED]
    ]
    more = len(largest) - len(texts)
    return ", ".join(texts) + (f" and {more:,} more" if more else "")


def _explained(cells: dict[str, Judged], wrong: dict[str, int]) -> str:
    """What the wrong cells have in common, where it can be seen."""
    names = sorted(wrong)
    if len(names) != 2 or wrong[names[0]] + wrong[names[1]] != 0:
        return ""
    one, other = (cells[name] for name in names)
    if _fits(one, other) and _fits(other, one):
        return "; these two look swapped"
    if names[0].casefold() == names[1].casefold():
        return "; they differ only in upper and lower case"
    short, long = sorted(names, key=len)
    if short and long.startswith(short):
        return "; one is the beginning of the other"
    return ""


def _fits(observed: Judged, expected: Judged) -> bool:
    return (
        observed.observed is not None
        and expected.expected is not None
        and expected.expected.high > 0
        and observed.observed in expected.expected
    )


# ---- the collector contradicts itself -----------------------------------------------------------------------------


def contradictions(reading: Reading, contract: Contract, expect: Expect) -> Iterator[Finding]:
    """What must hold of reported totals whatever was stored: sums over partitions, and the largest cell of users.

    Not here: users against opens, and opens against views. A refused launch and an acked view are one user and no
    open. Source: reference/verification-model.md, section 6.

    Args:
        reading: of one moment, and all that the collector says: of what it says more than before the run nothing of
            this need hold.
    """
    exact = [metric for metric in _WORDS if not tolerance_of(metric, expect)]
    for metric in exact:
        total = _told(reading, metric, "all")
        if total is None:
            continue
        said = sum(total)
        for by in (*PARTITIONS, "page"):
            cells = _told(reading, metric, by)
            if cells is not None and metric == "uv":
                yield from _users_apart(by, cells, said)
            elif cells is not None and _adds_up(metric, by, contract):
                summed = sum(cells)
                if summed != said:
                    text = f"{_WORDS[metric]} by {by} sum to {summed:,}, in total it says {said:,}"
                    yield _contradiction(text, summed - said, metric)
    new, visitors = _told(reading, "new_users", "all"), _told(reading, "uv", "all")
    if new is not None and visitors is not None and {"uv", "new_users"} <= set(exact) and contract.memory is None:
        surplus = sum(new) - sum(visitors)
        if surplus > 0:
            text = f"new users are {sum(new):,}, more than all visitors, {sum(visitors):,}"
            yield _contradiction(text, surplus, "uv", "new_users")


def _users_apart(by: str, cells: list[int], said: int) -> Iterator[Finding]:
    """Users may be in several cells, or in none of a page, but not in more of one cell than there are."""
    largest, summed = max(cells, default=0), sum(cells)
    if largest > said:
        text = f"a cell by {by} has {largest:,} visitors, in total it says {said:,}"
        yield _contradiction(text, largest - said, "uv")
    elif by != "page" and summed < said:
        text = f"visitors by {by} sum to {summed:,}, in total it says {said:,}"
        yield _contradiction(text, said - summed, "uv")


def _told(reading: Reading, metric: str, by: str) -> list[int] | None:
    """The reported cells of one kind; None where they were not all read."""
    cells = reading.cells.get(by)
    if cells is None or not reading.gives(metric, by):
        return None
    found = [values.get(metric) for values in cells.values()]
    return None if None in found else [value or 0 for value in found]


def _adds_up(metric: str, by: str, contract: Contract) -> bool:
    """Whether the cells of a kind add up to the total in every world."""
    if metric == "pv":
        return contract.views == "each"
    return by != "page" and (metric == "new_users" or contract.sessions == "derived")


def _contradiction(text: str, off: int, *metrics: str) -> Finding:
    said = f"the collector contradicts itself: {text}"
    found = Finding("aggregation", Verdict.FAIL, said, abs(off), metrics=metrics)
    return naming_nobody(found, "two numbers of the collector disagree, whatever was stored")


def _high(one: Judged) -> int:
    return 0 if one.expected is None else one.expected.high


def _name(cell: str) -> str:
    short = cell if len(cell) <= _LONGEST_NAME else cell[:_LONGEST_NAME] + "…"
    return repr(short) if short != short.strip() or not short.isprintable() else short
