"""Rules that explain wrong totals: what a wrong collector says is counted by the brute counter, so by other code."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace

import pytest
from hypothesis import given

from simulator.contract import METRICS, Contract, Definitions, Opens
from simulator.events import Identity
from simulator.finding import Judged, Verdict
from simulator.scenario.model import Expect
from simulator.times import Ms
from simulator.verify.cells import CellBook
from simulator.verify.judging import judge
from simulator.verify.oracle import cell_kinds
from simulator.verify.readers.reading import Reading
from simulator.verify.recount import in_order, place_in, units
from simulator.verify.rules.rule import Rule, Scene, alternatives_for
from simulator.verify.rules.search import Explained, explain_metrics, rule_finding, suspects
from simulator.verify.rules.text import what_changed
from simulator.verify.sighting import Sighting
from simulator.wire.request import Action
from tests.verify import brute
from tests.verify.histories import (
    DAY_AFTER,
    MIDNIGHT,
    RULES,
    contract,
    custom,
    examples,
    expect,
    left,
    opened,
    shown,
    view,
)

T30 = contract("timeout=30m")
Change = Callable[[list[Sighting]], list[Sighting]]


def visitors(*histories: Sequence[Sighting]) -> list[Sighting]:
    """Histories of visitors 0, 1, … on devices of their own, unless they name one; in the order of arrival."""
    return [
        replace(
            one,
            record=replace(
                one.record,
                visitor=visitor,
                anonymous_id=f"d{visitor}" if one.record.anonymous_id == "d" else one.record.anonymous_id,
            ),
        )
        for visitor, history in enumerate(histories)
        for one in history
    ]


def told(history: list[Sighting], rules: Contract, wrong: Sequence[Sighting], other: Contract) -> tuple[Judged, ...]:
    """The judged cells where the collector counts other rows by another contract."""
    ordered = sorted(wrong, key=lambda one: (one.earliest, one.arrived))
    said = brute.count([one.record for one in ordered for _ in range(one.low)], other, MIDNIGHT, DAY_AFTER)
    cells: dict[str, dict[str, dict[str, int | None]]] = {by: {} for by in cell_kinds("pv")}
    for (metric, by, cell), value in said.items():
        cells[by].setdefault(cell, dict.fromkeys(METRICS, 0))[metric] = value
    return judge(expect(history, rules), Reading(cells), Expect())


def explained(history: list[Sighting], rules: Contract, judged: tuple[Judged, ...]) -> dict[str, Explained]:
    wrong = [
        metric for metric in METRICS if any(one.metric == metric and one.verdict is Verdict.FAIL for one in judged)
    ]
    return explain_metrics(wrong, judged, history, {}, rules, MIDNIGHT, DAY_AFTER)


def inclusive(rules: Contract) -> Contract:
    return replace(rules, timeout_inclusive=True)


def by(**fields: object) -> Callable[[Contract], Contract]:
    return lambda rules: replace(rules, definitions=replace(rules.definitions, **fields))  # type: ignore[arg-type]


def changed(**fields: Callable[[str], str]) -> Change:
    """Rows with other texts."""
    return lambda rows: [
        replace(
            row,
            record=replace(
                row.record,
                **{name: change(getattr(row.record, name)) for name, change in fields.items()},  # type: ignore[arg-type]
            ),
        )
        for row in rows
    ]


def same(value: list[Sighting]) -> list[Sighting]:
    return value


MOBILE = (Identity("mobile", "1"),)
OTHER_MOBILE = (Identity("mobile", "2"),)
CASES = [
    (
        "an open after exactly the timeout",
        visitors([opened(0), view(30)], [opened(0), view(31)], [opened(5), view(35)]),
        T30,
        same,
        inclusive,
        {"opens": ("began an open exactly 30m after the event before", "boundary", (0, 2))},
    ),
    (
        "midnight cuts",
        visitors([opened(1439), view(1441)], [opened(0)]),
        replace(T30, definitions=Definitions(Opens("timeout", Ms(1_800_000)), "openid", "Asia/Tokyo")),
        same,
        by(day="Asia/Tokyo"),
        {},
    ),
    (
        "launches only",
        visitors([opened(0), shown(3)], [opened(0)]),
        contract("every-foreground"),
        same,
        by(opens=Opens("launch")),
        {"opens": ("counted opens by the definition launch", "aggregation", (0,))},
    ),
    (
        "gaps between opens and views only",
        visitors([opened(0), custom(25), view(50)], [opened(0), view(5)]),
        T30,
        lambda rows: [row for row in rows if row.record.action is not Action.CUSTOM],
        lambda rules: rules,
        {"opens": ("measured gaps between opens and views only", "aggregation", (0,))},
    ),
    (
        "the timeout runs on over an exit",
        visitors(
            [opened(0, openid="X"), view(1, openid="X"), opened(60, openid="X"), view(61, openid="X")],
            [opened(0, openid="Y"), view(1, openid="Y"), opened(20, openid="Y"), view(21, openid="Y")],
        ),
        T30,
        lambda rows: [  # as if the launch had come from another device
            replace(row, record=replace(row.record, anonymous_id="other"))
            if row.record.action is Action.OPEN and row.earliest > MIDNIGHT
            else row
            for row in rows
        ],
        lambda rules: rules,
        {"opens": ("let the timeout run on over an exit and the launch after it", "aggregation", (0,))},
    ),
    (
        "custom events are views",
        visitors([opened(0), view(1, page="p/a")], [opened(0), custom(1)]),
        contract(),
        lambda rows: [
            replace(row, record=replace(row.record, action=Action.VIEW)) if row.record.action is Action.CUSTOM else row
            for row in rows
        ],
        lambda rules: rules,
        {
            "pv": ("counted custom events as page views", "aggregation", (1,)),
            "uv": ("counted custom events as page views", "aggregation", (1,)),
        },
    ),
    (
        "devices are users",
        visitors([opened(0, openid="X"), opened(9, device="second", openid="X")], [opened(3)]),
        contract(),
        same,
        by(user="device"),
        {
            "uv": ("counted devices as users", "aggregation", (0,)),
            "new_users": ("counted devices as users", "aggregation", (0,)),
        },
    ),
    (
        "nobody is joined",
        visitors([opened(0, openid="X"), opened(3, openid="X", others=MOBILE), opened(6, openid="Y", others=MOBILE)]),
        contract(user="customer"),
        same,
        by(user="openid"),
        {
            "uv": ("counted openids as users", "aggregation", (0,)),
            "new_users": ("counted openids as users", "aggregation", (0,)),
        },
    ),
    (
        "joined from then on by the events' time, whatever came first",
        visitors(
            # The openid alone is first, and comes last: by arrival it is joined already, by its time it is not yet.
            [view(0, openid="X", arrived=2), view(6, openid="X", others=MOBILE, arrived=1)],
            # Here it is last and comes last: it is joined, so its customer is not named by the best identity alone.
            [view(10, openid="Y", others=OTHER_MOBILE, arrived=3), view(16, openid="Y", arrived=4)],
            [view(20, openid="Z", arrived=5)],
        ),
        contract(user="customer"),
        lambda rows: [
            replace(row, record=replace(row.record, identities=(Identity("applet-wechat", "apart"),)))
            if row.arrived == 2
            else row
            for row in rows
        ],
        lambda rules: rules,
        {
            "uv": ("joined two identities from then on by the events' time, and left", "aggregation", (0,)),
            "new_users": ("joined two identities from then on by the events' time, and left", "aggregation", (0,)),
        },
    ),
    (
        "who was there before is forgotten",
        visitors([opened(-600), opened(5)], [opened(7)]),
        contract(),
        lambda rows: [row for row in rows if row.earliest >= MIDNIGHT],
        lambda rules: rules,
        {"new_users": ("took everybody who comes for new", "aggregation", (0,))},
    ),
    (
        "sources in lower case",
        visitors([opened(0, source="Ad")], [opened(1, source="ad")], [opened(2, source="other")]),
        contract(),
        changed(source=str.lower),
        lambda rules: rules,
        {
            "uv": ("counted by source in lower case", "attribution", (0,)),
            "opens": ("counted by source in lower case", "attribution", (0,)),
            "new_users": ("counted by source in lower case", "attribution", (0,)),
        },
    ),
    (
        "two sources swapped",
        visitors([view(0, source="a"), view(3, source="a")], [view(2, source="b")], [view(2, source="c")]),
        contract(),
        changed(source=lambda name: {"a": "b", "b": "a"}.get(name, name)),
        lambda rules: rules,
        {"pv": ("counted 'a' and 'b' under each other's name by source", "attribution", (0, 1))},
    ),
    (
        "the source of the first visit",
        visitors([opened(0, source="a"), opened(60, source="b"), view(61, source="b")], [opened(2, source="b")]),
        contract(),
        lambda rows: [
            replace(row, record=replace(row.record, source="a")) if row.record.visitor == 0 else row for row in rows
        ],
        lambda rules: rules,
        {
            "pv": ("gave all visits of a device the source of its first", "attribution", (0,)),
            "uv": ("gave all visits of a device the source of its first", "attribution", (0,)),
            "opens": ("gave all visits of a device the source of its first", "attribution", (0,)),
        },
    ),
    (
        "the last two are not counted yet",
        visitors([opened(0), view(1), view(2)], [opened(3), view(4)]),
        contract(),
        lambda rows: [row for row in rows if row.earliest < MIDNIGHT + 3 * 60_000],
        lambda rules: rules,
        {
            "pv": ("left out the 2 events that came last", "aggregation", (1,)),
            "uv": ("left out the 2 events that came last", "aggregation", (1,)),
            "opens": ("left out the 2 events that came last", "aggregation", (1,)),
            "new_users": ("left out the 2 events that came last", "aggregation", (1,)),
        },
    ),
]


@pytest.mark.parametrize(
    ("history", "rules", "rows", "other", "reasons"), [case[1:] for case in CASES], ids=[case[0] for case in CASES]
)
def test_a_wrong_total_is_explained(
    history: list[Sighting],
    rules: Contract,
    rows: Change,
    other: Callable[[Contract], Contract],
    reasons: dict[str, tuple[str, str, tuple[int, ...]]],
) -> None:
    judged = told(history, rules, rows(history), other(rules))
    found = explained(history, rules, judged)
    findings = {metric: rule_finding(reason, judged) for metric, reason in found.items()}

    for metric, (text, code, concerned) in reasons.items():
        finding = findings[metric]
        assert finding is not None
        assert text in finding.text
        assert (finding.code, finding.visitors, finding.verdict) == (code, concerned, Verdict.FAIL)
    if not reasons:
        assert not findings


def test_the_sentence_says_how_many_and_why() -> None:
    history = visitors(*([opened(0), view(30)] for _ in range(3)), [opened(0), view(25), view(50)])
    judged = told(history, T30, history, inclusive(T30))
    reason = explained(history, T30, judged)["opens"]
    finding = rule_finding(reason, judged)

    assert finding is not None
    assert finding.text == (
        "opens: expected 4, the collector says 7: all 3 too many would be explained if it began an open exactly 30m "
        "after the event before: the boundary is > in the definition and >= in the collector; "
        "or cut opens by 29m59.999s and not by 30m"
    )
    assert (finding.count, finding.visitors) == (3, (0, 1, 2))


def test_totals_that_the_stored_events_come_to_need_no_rule() -> None:
    history = visitors([opened(0), view(1)])
    judged = told([*history, view(5)], contract(), history, contract())

    assert explained(history, contract(), judged)["pv"] == Explained("pv", None)


def test_what_no_rule_explains_names_those_who_count_in_every_wrong_cell() -> None:
    history = visitors([view(0, source="a", page="p/x")], [view(0, source="b", page="p/x")], [view(70, source="a")])
    honest = told(history, contract(), history, contract())
    wrong = {("pv", "all", ""), ("pv", "source", "a"), ("pv", "page", "p/x")}
    judged = tuple(
        replace(one, observed=(one.observed or 0) + 7, verdict=Verdict.FAIL)
        if (one.metric, one.by, one.cell) in wrong
        else one
        for one in honest
    )

    assert explained(history, contract(), judged) == {}
    assert suspects("pv", judged, history, contract(), MIDNIGHT, DAY_AFTER) == (0,)


@pytest.mark.parametrize(
    ("pairs", "text"),
    [
        ([("Ad", "ad"), ("b", "b")], "in lower case"),
        ([("a%20b", "a b")], "percent-decoded once more"),
        ([("a+b", "a b")], "with a blank for each plus sign"),
        ([("中" * 100, "中" * 85)], "cut to 255 bytes"),
        ([("x" * 40, "x" * 32), ("y", "y")], "cut to 32 bytes"),
        ([("x", "y")], ""),
        ([], ""),
    ],
)
def test_what_a_text_became(pairs: list[tuple[str, str]], text: str) -> None:
    assert what_changed(pairs) == text


@pytest.mark.parametrize("metric", METRICS)
def test_every_alternative_says_what_it_would_do(metric: str) -> None:
    """Each gives rules for a scene that has something of everything, and each rule can be counted."""
    history = visitors(
        [opened(0, source="Ad", openid="X"), view(1, page="p/a"), custom(2), shown(3), view(40, page="p/a")],
        [opened(5, openid="Y", others=MOBILE), view(6, source="b")],
    )
    rules = contract("timeout=30m", "customer")
    judged = tuple(
        replace(one, observed=(one.observed or 0) + 1000, verdict=Verdict.FAIL)
        for one in told(history, rules, history, rules)
    )

    assert len(alternatives_for(metric)) >= 8
    assert explained(history, rules, judged) == {}


HISTORY = visitors(
    [
        opened(0, session="a", source="ad"),
        view(5, session="a", openid="o1"),
        left(6, session="a"),
        view(55, session="b"),
    ],
    [shown(1439, openid="o1"), custom(1441), view(1442, source="ad", page="p")],
)


@examples(25)
@given(rules=RULES, wrong=RULES)
def test_no_alternative_raises_under_any_contract(rules: Contract, wrong: Contract) -> None:
    """Neither when it is thought of nor when rows are counted by it: all are tried, whatever fits before."""
    judged = told(HISTORY, rules, HISTORY, wrong)
    for metric in METRICS:
        scene = Scene(metric, rules, MIDNIGHT, DAY_AFTER, HISTORY, {}, observed(metric, judged), {})
        for alternative in alternatives_for(metric):
            for rule in alternative(scene):
                recount(rule, rules, metric)
    explained(HISTORY, rules, judged)


def observed(metric: str, judged: Sequence[Judged]) -> dict[str, dict[str, int]]:
    cells: dict[str, dict[str, int]] = {}
    for one in judged:
        if one.metric == metric and one.observed:
            cells.setdefault(one.by, {})[one.cell] = one.observed
    return cells


def recount(rule: Rule, rules: Contract, metric: str) -> None:
    contract = rule.contract or rules
    rows = in_order(list(HISTORY if rule.rows is None else rule.rows(HISTORY)), contract)
    place = place_in(CellBook(rule.zone or contract.definitions.day, MIDNIGHT, DAY_AFTER))
    wanted = (rule.counts_as or metric,)
    list(units(rows, contract, place, metrics=wanted, naming=rule.naming, opening=rule.opening))


def test_opens_that_a_collector_cuts_itself_are_told_where_sessions_are_given() -> None:
    """The wire names one session; the collector goes by the gap of 50 minutes in it."""
    rules = contract("launch", sessions="given")
    history = visitors([opened(0, session="a"), view(50, session="a")], [opened(0, session="b")])

    (reason,) = explained(history, rules, told(history, rules, history, contract("timeout=30m"))).values()

    assert reason.rule is not None
    assert reason.rule.says == "counted opens by the definition timeout=30m, and not by the session ids"
    assert (reason.surplus, reason.visitors) == (1, (0,))
