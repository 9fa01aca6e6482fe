"""Which other definition would explain totals that are wrong over right events.

The stored rows are counted again under one alternative after another by the engine that counted them first. An
alternative that gives every reported cell of the metric is named, with the visitors whose counts differ. It is a guess
that fits, not a proof; several that fit are all told.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from types import MappingProxyType

from simulator.contract import BY, METRICS, Contract
from simulator.finding import Finding, Judged, Verdict, naming_nobody
from simulator.times import Ms, parse_instant
from simulator.verify.cells import NOWHERE, CellBook, Cells
from simulator.verify.recount import Place, Unit, in_order, place_in, units
from simulator.verify.rules.rule import Counts, Rows, Rule, Scene, alternatives_for
from simulator.verify.sighting import Sighting

MOST_ROWS = 100_000  # more are not counted again under each alternative
_EXAMPLES = 5
_MOST_OTHERS = 2  # further alternatives that are told
WORDS = MappingProxyType({"pv": "page views", "uv": "visitors", "opens": "opens", "new_users": "new users"})

Cell = tuple[str, str]  # kind of cell, cell


@dataclass(frozen=True, slots=True)
class Explained:
    """Why a metric is as it is reported."""

    metric: str
    rule: Rule | None  # None: the stored rows by the definition give just what is reported
    others: tuple[Rule, ...] = ()  # that fit as well
    kind: str = "all"  # of the cells in which these are counted
    surplus: int = 0  # units more than by the definition, in the cells where it is more
    missing: int = 0
    visitors: tuple[int, ...] = ()  # whose counts differ, lowest first


def explain_metrics(
    metrics: Sequence[str],
    judged: Sequence[Judged],
    rows: Rows,
    received: Mapping[int, Ms],
    contract: Contract,
    begin: Ms,
    end: Ms,
) -> dict[str, Explained]:
    """What explains every reported cell of each metric that is wrong; one that nothing known explains is left out.

    What explains one metric is tried first for the next, and what explains most of them is told first.

    Args:
        rows: all stored rows of the run, each stored for certain; their order does not matter.
    """
    ordered = in_order(rows, contract)
    counter = _Recounter(ordered, contract, begin, end)
    observed = {metric: _observed(metric, judged) for metric in METRICS}
    found: dict[str, Explained] = {}
    fitting: dict[str, list[tuple[Rule, ...]]] = {}
    scenes: dict[str, Scene] = {}
    for metric in metrics:
        if not observed[metric]:
            continue
        right = counter.tally(metric, _BY_DEFINITION)
        if _is(right, observed[metric]):
            found[metric] = Explained(metric, None)
            continue
        scenes[metric] = Scene(metric, contract, begin, end, ordered, received, observed[metric], right)
        known = {rule.says for several in fitting.values() for rules in several for rule in rules}
        fitting[metric] = _fitting(scenes[metric], counter, observed, known)
    shared = Counter(_said(rules) for several in fitting.values() for rules in several)
    for metric, several in fitting.items():
        if several:
            # One fault is likelier than one for each metric.
            several.sort(key=lambda rules: -shared[_said(rules)])
            found[metric] = _explained(scenes[metric], counter, several)
    return found


def _said(rules: Sequence[Rule]) -> str:
    return " and ".join(dict.fromkeys(rule.says for rule in rules))


_BY_DEFINITION = Rule("")


def _fitting(
    scene: Scene, counter: _Recounter, observed: Mapping[str, Counts], known: Collection[str]
) -> list[tuple[Rule, ...]]:
    """The rules that explain the metric, each alone or, at last, one for each kind of cell that is wrong."""
    wrong = [by for by in scene.observed if _named(scene.observed[by], by) != _named(scene.right.get(by, {}), by)]
    alone: dict[str, Rule] = {}  # kind of cell → the first rule that explains this one
    fitting: list[Rule] = []
    tried = [
        (family, rule)
        for family, alternative in enumerate(alternatives_for(scene.metric))
        for rule in alternative(scene)
    ]
    # Stable: what is known comes first, what fits anything last, and between them the order of the table.
    tried.sort(key=lambda entry: (entry[1].says not in known, entry[1].last_resort))
    families: set[int] = set()
    for family, rule in tried:
        enough = bool(fitting) and rule.says not in known and (rule.last_resort or fitting[0].says in known)
        if enough or len(fitting) > _MOST_OTHERS:
            break
        if set(alone) == set(wrong) and all(one.says in known for one in alone.values()):
            return [tuple(alone.values())]
        whole = set(wrong) <= set(rule.kinds) and family not in families
        single = len(rule.kinds) == 1 and rule.kinds[0] in wrong and rule.kinds[0] not in alone
        if not whole and not single:
            continue
        tally = counter.tally(scene.metric, rule)
        if single and _is(tally, scene.observed, rule.kinds):
            alone[rule.kinds[0]] = rule
        instead = {**scene.right, **{by: tally.get(by, {}) for by in rule.kinds}}
        if whole and _is(instead, scene.observed) and (not rule.whole or _fits_all(rule, counter, observed)):
            fitting.append(rule)
            families.add(family)
    if fitting or set(alone) != set(wrong):
        return [(rule,) for rule in fitting]
    return [tuple(alone[by] for by in wrong)]


def _fits_all(rule: Rule, counter: _Recounter, observed: Mapping[str, Counts]) -> bool:
    return all(_is(counter.tally(metric, rule), observed[metric]) for metric in METRICS)


def _explained(scene: Scene, counter: _Recounter, fitting: Sequence[tuple[Rule, ...]]) -> Explained:
    rules = fitting[0]
    rule = replace(rules[0], says=_said(rules))
    changed: dict[tuple[int, Cell], int] = {}
    right = counter.by_visitor(scene.metric, _BY_DEFINITION)
    for one in rules:
        counted = counter.by_visitor(scene.metric, one)
        for key in counted.keys() | right.keys():
            change = counted[key] - right[key]
            if change and key[1][0] in one.kinds and scene.observed.get(key[1][0]) is not None:
                changed[key] = change
    # One unit is in one cell of each kind, so one kind is enough to count them; the total where it is wrong.
    changes = {by for _, (by, _) in changed}
    kind = "all" if "all" in changes else next((by for by in BY if by in changes), "all")
    amounts: Counter[str] = Counter()
    for (_, (by, cell)), change in changed.items():
        if by == kind:
            amounts[cell] += change
    visitors = sorted({visitor for visitor, _ in changed if visitor >= 0})
    return Explained(
        scene.metric,
        rule,
        tuple(others[0] for others in fitting[1:]),
        kind,
        sum(change for change in amounts.values() if change > 0),
        -sum(change for change in amounts.values() if change < 0),
        tuple(visitors[:_EXAMPLES]),
    )


class _Recounter:
    """Counts the rows of a run under one rule after another."""

    def __init__(self, rows: Rows, contract: Contract, begin: Ms, end: Ms) -> None:
        self._rows, self._contract, self._begin, self._end = rows, contract, begin, end

    def tally(self, metric: str, rule: Rule) -> dict[str, dict[str, int]]:
        """Kind of cell → cell → count."""
        numbers: dict[int, int] = {}
        names: list[Cell] = []
        for unit, names in self._units(metric, rule):  # noqa: B007  one book, known by its first unit
            for number in unit.cells:
                numbers[number] = numbers.get(number, 0) + unit.times
        found: dict[str, dict[str, int]] = {}
        for number, count in numbers.items():
            by, cell = names[number]
            if by != "page" or metric in ("pv", "uv"):
                found.setdefault(by, {})[cell] = count
        return found

    def by_visitor(self, metric: str, rule: Rule) -> Counter[tuple[int, Cell]]:
        """(visitor, cell) → count."""
        found: Counter[tuple[int, Cell]] = Counter()
        for unit, names in self._units(metric, rule):
            for number in unit.cells:
                found[unit.row.record.visitor, names[number]] += unit.times
        return found

    def _units(self, metric: str, rule: Rule) -> Iterator[tuple[Unit, list[Cell]]]:
        contract = rule.contract or self._contract
        rows = self._rows
        if rule.rows is not None or rule.contract is not None:
            rows = in_order(list(rows if rule.rows is None else rule.rows(rows)), contract)
        book = CellBook(rule.zone or contract.definitions.day, self._begin, self._end)
        place = place_in(book) if rule.label is None else _labelled(rule.label, book)
        wanted = rule.counts_as or metric
        for unit in units(rows, contract, place, metrics=(wanted,), naming=rule.naming, opening=rule.opening):
            yield unit, book.names


def _labelled(label: Callable[[Sighting], Ms], book: CellBook) -> Place:
    """Cells of the period, with hour and day named by another instant."""
    begin, end = book.begin, book.end
    anywhere = CellBook(book.zone, Ms(-(1 << 62)), Ms(1 << 62))
    anywhere.names = book.names  # one numbering for both

    def place(row: Sighting) -> tuple[Cells, Cells]:
        if not begin <= row.earliest < end:
            return NOWHERE, NOWHERE
        at = label(row)
        moved = Sighting(row.record, row.low, row.high, at, at, row.arrived, row.arrived_by, row.dated, row.place)
        return anywhere.of(moved) or (NOWHERE, NOWHERE)

    return place


def _observed(metric: str, judged: Iterable[Judged]) -> dict[str, dict[str, int]]:
    """What was reported of a metric, without the kinds of cell that were not read whole."""
    found: dict[str, dict[str, int]] = {}
    unread: set[str] = set()
    for one in judged:
        if one.metric != metric:
            continue
        if one.observed is None:
            unread.add(one.by)
        else:
            kind = found.setdefault(one.by, {})
            if one.observed:
                kind[one.cell] = one.observed
    return {by: cells for by, cells in found.items() if by not in unread}


def _is(counted: Counts, observed: Counts, kinds: Collection[str] = BY) -> bool:
    """Whether a count gives what was reported, in the kinds of cell that were read."""
    return all(_named(counted.get(by, {}), by) == _named(observed[by], by) for by in observed if by in kinds)


def _named(cells: Mapping[str, int], by: str) -> dict[object, int]:
    """Cells without zeros; hours by their instants, since a collector may name them in another zone."""
    if by != "hour":
        return {cell: count for cell, count in cells.items() if count}
    found: dict[object, int] = {}
    for cell, count in cells.items():
        if count:
            key = _hour(cell)
            found[key] = found.get(key, 0) + count
    return found


def _hour(cell: str) -> object:
    try:
        return parse_instant(cell)
    except (ValueError, OverflowError):
        return cell


# ---- findings -----------------------------------------------------------------------------------------------------


def rule_finding(explained: Explained, judged: Iterable[Judged]) -> Finding | None:
    """The finding of a metric that a rule explains; None where its stored events alone do."""
    rule = explained.rule
    if rule is None:
        return None
    words, kind = WORDS[explained.metric], explained.kind
    total = next((one for one in judged if (one.metric, one.by) == (explained.metric, "all")), None)
    parts = []
    if explained.surplus:
        parts.append(f"all {explained.surplus:,} too many" if explained.surplus > 1 else "the one too many")
    if explained.missing:
        parts.append(f"all {explained.missing:,} missing" if explained.missing > 1 else "the one missing")
    amounts = " and ".join(parts) or "every cell"
    if kind != "all":
        said = f" by {kind}, the total is right: "
    else:
        said = "" if total is None else f": expected {total.expected}, the collector says {_number(total.observed)}: "
    others = "".join(f"; or {other.says}" for other in explained.others)
    text = f"{words}{said}{amounts} would be explained if it {rule.says}{others}"
    count = max(explained.surplus, explained.missing, 1)
    found = Finding(rule.code, Verdict.FAIL, text, count, explained.visitors, (explained.metric,))
    return naming_nobody(found, "only events of no plan are counted otherwise")


def _number(value: int | None) -> str:
    return "nothing" if value is None else f"{value:,}"


def suspects(
    metric: str, judged: Iterable[Judged], rows: Rows, contract: Contract, begin: Ms, end: Ms
) -> tuple[int, ...]:
    """Visitors who count in a wrong cell of every kind that is wrong: among these is whoever is counted wrongly.

    Only of a metric that no rule explains; empty where nobody does.
    """
    wrong: dict[str, set[str]] = {}
    for one in judged:
        if one.metric == metric and one.verdict is Verdict.FAIL:
            wrong.setdefault(one.by, set()).add(one.cell)
    book = CellBook(contract.definitions.day, begin, end)
    numbers = [{book.number(by, cell) for cell in cells} for by, cells in wrong.items()]
    reached: dict[tuple[int, int], set[int]] = {}  # (visitor, row where each counts on its own) → cells
    for unit in units(in_order(rows, contract), contract, place_in(book), metrics=(metric,)):
        alone = unit.row.arrived if metric in ("pv", "opens") else 0
        reached.setdefault((unit.row.record.visitor, alone), set()).update(unit.cells)
    found = {
        visitor
        for (visitor, _), cells in reached.items()
        if visitor >= 0 and not any(own.isdisjoint(cells) for own in numbers)
    }
    return tuple(sorted(found)[:_EXAMPLES])
