"""One total against its interval, all cells of a reading, and the kinds of fault that wrong cells show."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from simulator.contract import Contract
from simulator.finding import Finding, Interval, Judged, Verdict
from simulator.scenario.model import Expect
from simulator.times import Ms
from simulator.verify.diagnose import contradictions, diagnose, settling_findings
from simulator.verify.judging import beside_others, in_range, judge, judge_cell, untold_before
from simulator.verify.oracle import Expectations, cell_kinds
from simulator.verify.readers.reading import Reading
from simulator.verify.settle import Settled
from simulator.verify.sighting import Sighting
from tests.verify import brute
from tests.verify.histories import (
    DAY_AFTER,
    MIDNIGHT,
    RULES,
    contract,
    devices_only,
    examples,
    expect,
    opened,
    view,
    worlds,
)
from tests.verify.test_oracle_bounds import histories

PASS, INCONCLUSIVE, FAIL = Verdict.PASS, Verdict.INCONCLUSIVE, Verdict.FAIL
EXACT = Expect()
PERCENT = 10_000  # of millionths


@pytest.mark.parametrize(
    ("interval", "observed", "verdict"),
    [
        ((100, 100), 99, FAIL),
        ((100, 100), 100, PASS),
        ((100, 100), 101, FAIL),
        ((99, 100), 98, FAIL),
        ((99, 100), 99, PASS),
        ((98, 100), 99, INCONCLUSIVE),
        ((98, 100), 101, FAIL),
        ((0, 1), 0, INCONCLUSIVE),
        ((0, 1), 1, INCONCLUSIVE),
        ((0, 1), 2, FAIL),
        ((0, 0), 0, PASS),
        ((0, 0), 1, FAIL),
        ((5, 5), None, INCONCLUSIVE),
        (None, 5, INCONCLUSIVE),
    ],
)
def test_one_total(interval: tuple[int, int] | None, observed: int | None, verdict: Verdict) -> None:
    """With the default width of 1 % of the upper end: 1 of 100 is allowed, 2 are not."""
    expected = None if interval is None else Interval(*interval)

    assert judge_cell(expected, observed, 1 * PERCENT)[0] is verdict


def test_a_width_of_zero_lets_nothing_uncertain_pass() -> None:
    assert judge_cell(Interval(9_999, 10_000), 10_000, 0)[0] is INCONCLUSIVE


def test_a_cell_that_could_be_empty_never_passes() -> None:
    assert judge_cell(Interval(0, 3), 2, 100 * PERCENT)[0] is INCONCLUSIVE


@pytest.mark.parametrize(("observed", "verdict"), [(97, FAIL), (98, PASS), (102, PASS), (103, FAIL)], ids=str)
def test_a_tolerance_widens_both_ends(observed: int, verdict: Verdict) -> None:
    assert judge_cell(Interval(100, 100), observed, 0, 2 * PERCENT)[0] is verdict


def test_a_wrong_total_fails_however_wide_its_interval() -> None:
    assert judge_cell(Interval(10, 1_000), 1_001, 1 * PERCENT) == (FAIL, "1 too many")


# ---- readings -----------------------------------------------------------------------------------------------------

DAY = [opened(0, source="ad"), view(1, source="ad", page="a"), opened(2, device="e"), view(70, device="e", page="b")]


def reading_of(expectations: Expectations, **replaced: dict[str, dict[str, int | None]]) -> Reading:
    """What a perfect collector says; some kinds of cell replaced as a whole."""
    cells: dict[str, dict[str, dict[str, int | None]]] = {}
    for metric in ("pv", "uv", "opens", "new_users"):
        for by in cell_kinds(metric):
            kind = cells.setdefault(by, {})
            for cell in expectations.cells(metric, by):
                interval = expectations.expected(metric, by, cell)
                values = kind.setdefault(cell, dict.fromkeys(("pv", "uv", "opens", "new_users"), 0))
                values[metric] = None if interval is None else interval.low
    return Reading({**cells, **replaced})


def wrong(judged: tuple[Judged, ...]) -> list[tuple[str, str, str]]:
    return [(one.metric, one.by, one.cell) for one in judged if one.verdict is not PASS]


def test_a_perfect_reading_passes_in_every_cell() -> None:
    found = expect(DAY, contract())
    judged = judge(found, reading_of(found), EXACT)

    assert wrong(judged) == []
    assert len(judged) == len(found.intervals)
    assert in_range(found, reading_of(found), EXACT) == dict.fromkeys(("pv", "uv", "opens", "new_users"), True)


def test_hours_are_compared_as_instants() -> None:
    found = expect(DAY, contract())
    cells = reading_of(found).cells["hour"]
    renamed = {
        "2026-02-28T16:00Z": dict(cells["2026-03-01T00:00+08:00"]),
        "2026-02-28T18:00+01:00": dict(cells["2026-03-01T01:00+08:00"]),
    }

    assert wrong(judge(found, reading_of(found, hour=renamed), EXACT)) == []


def test_a_cell_that_is_not_named_is_0_and_one_that_nobody_expected_must_be() -> None:
    found = expect(DAY, contract())
    cells = dict(reading_of(found).cells["source"])
    cells["AD"] = cells.pop("ad")
    cells["empty"] = dict.fromkeys(("pv", "uv", "opens", "new_users"), 0)
    judged = judge(found, reading_of(found, source=cells), EXACT)  # type: ignore[arg-type]

    assert [one for one in wrong(judged) if one[0] == "pv"] == [("pv", "source", "ad"), ("pv", "source", "AD")]


def test_what_was_not_read_is_inconclusive_and_says_why() -> None:
    found = expect(DAY, contract())
    cells = {by: values for by, values in reading_of(found).cells.items() if by != "day"}
    judged = judge(found, Reading(cells, {"day": "status 500"}), EXACT)
    days = [one for one in judged if one.by == "day"]

    assert {(one.observed, one.verdict, one.why) for one in days} == {(None, INCONCLUSIVE, "status 500")}
    assert not any(in_range(found, Reading(cells, {"day": "status 500"}), EXACT).values())


def test_a_null_is_inconclusive() -> None:
    found = expect(DAY, contract())
    judged = judge(found, reading_of(found, all={"": {"pv": 2, "uv": None, "opens": 2, "new_users": 2}}), EXACT)

    assert wrong(judged) == [("uv", "all", "")]


def test_beside_others_only_missing_views_are_a_fault() -> None:
    found = expect(DAY, contract())
    reading = reading_of(found, all={"": {"pv": 1, "uv": 1, "opens": 9, "new_users": 2}})
    judged = judge(found, reading, EXACT)
    beside = beside_others(judged, ("pv", "opens"))

    assert [(one.metric, one.verdict) for one in judged if one.by == "all"] == [
        ("pv", FAIL), ("uv", FAIL), ("opens", FAIL), ("new_users", PASS)
    ]  # fmt: skip
    assert [(one.metric, one.verdict) for one in beside if one.by == "all"] == [
        ("pv", FAIL), ("uv", INCONCLUSIVE), ("opens", INCONCLUSIVE), ("new_users", PASS)
    ]  # fmt: skip
    assert {one.why for one in beside if (one.metric, one.by) == ("uv", "all")} == {
        "1 missing, and somebody else sent to this collector meanwhile"
    }


@pytest.mark.parametrize(
    ("by_event", "pv", "opens"),
    [(True, INCONCLUSIVE, FAIL), (False, FAIL, FAIL)],
    ids=["copies are recognised", "each copy counts"],
)
def test_where_events_may_have_been_there_before_missing_ones_prove_nothing(
    by_event: bool, pv: Verdict, opens: Verdict
) -> None:
    found = expect(DAY, contract())
    judged = judge(found, reading_of(found, all={"": {"pv": 1, "uv": 9, "opens": 9, "new_users": 1}}), EXACT)
    told = untold_before(judged, ("pv", "opens"), by_event=by_event)

    assert [(one.metric, one.verdict) for one in told if one.by == "all"] == [
        ("pv", pv), ("uv", INCONCLUSIVE), ("opens", opens), ("new_users", INCONCLUSIVE)
    ]  # fmt: skip


def test_a_tolerance_is_by_metric() -> None:
    found = expect(DAY, contract())
    reading = reading_of(found, all={"": {"pv": 3, "uv": 3, "opens": 2, "new_users": 2}})

    assert wrong(judge(found, reading, Expect.model_validate({"totals": {"pv": "50%"}}))) == [("uv", "all", "")]


# ---- diagnosis ----------------------------------------------------------------------------------------------------


def findings(history: list[Sighting], reading: Reading, rules: Contract) -> list[tuple[str, str, int]]:
    judged = judge(expect(history, rules), reading, EXACT)
    return [(one.code, one.text, one.count) for one in diagnose(judged, rules)]


def two_sources() -> list[Sighting]:
    return [view(minute, source="ad", device=str(minute)) for minute in range(5)] + [
        view(minute, source="poster", device=str(minute)) for minute in range(10, 13)
    ]


def test_two_sources_swapped() -> None:
    rules = contract()
    found = expect(two_sources(), rules)
    cells = dict(reading_of(found).cells["source"])
    cells["ad"], cells["poster"] = cells["poster"], cells["ad"]
    told = findings(two_sources(), reading_of(found, source=cells), rules)  # type: ignore[arg-type]

    assert told[0] == (
        "attribution",
        "page views by source: the total is right, 2 of 2 cells are not: ad 2 missing, poster 2 too many; "
        "these two look swapped",
        2,
    )
    assert {code for code, _, _ in told} == {"attribution"}


def test_one_event_lost() -> None:
    rules = contract()
    found = expect(two_sources(), rules)
    told = findings(two_sources(), reading_of(expect(two_sources()[1:], rules)), rules)

    assert ("lost", "page views: expected 8, the collector says 7: 1 missing, all of them in source ad", 1) in told
    assert found.expected("pv", "all", "") == Interval(8, 8)


def test_one_event_counted_twice() -> None:
    rules = contract()
    told = findings(two_sources(), reading_of(expect([*two_sources(), view(20, device="0")], rules)), rules)

    assert told[0][0] == "duplicated"
    assert "1 too many" in told[0][1]


@pytest.mark.parametrize(
    ("suspects", "said"),
    [
        ({"pv": (2, 5)}, "explains it, and the visitors named are some of those who count there"),
        ({"pv": ()}, "in source ad. Nobody is named: no visitor counts in each of the cells that are wrong"),
        ({}, "all of them in source ad"),
    ],
    ids=["somebody is suspected", "nobody is", "nobody was looked for"],
)
def test_a_finding_that_names_nobody_says_why(suspects: dict[str, tuple[int, ...]], said: str) -> None:
    rules = contract()
    judged = judge(expect(two_sources(), rules), reading_of(expect(two_sources()[1:], rules)), EXACT)
    (found,) = [one for one in diagnose(judged, rules, suspects=suspects) if one.text.startswith("page views:")]

    assert (found.text.endswith(said), found.visitors) == (True, suspects.get("pv", ()))


def test_a_gap_counted_otherwise_is_a_boundary() -> None:
    history = [view(0), view(30), view(60)]
    inclusive = expect(history, contract("timeout=30m", timeout_inclusive=True))
    told = findings(history, reading_of(inclusive), contract("timeout=30m"))

    assert told[0][0] == "boundary"


def test_totals_that_contradict_each_other() -> None:
    rules = contract()
    found = expect(two_sources(), rules)
    reading = reading_of(found, all={"": {"pv": 8, "uv": 2, "opens": 0, "new_users": 8}})
    texts = [one.text for one in contradictions(reading, rules, EXACT)]

    nobody = "Nobody is named: two numbers of the collector disagree, whatever was stored"
    said = "the collector contradicts itself"
    assert f"{said}: a cell by source has 5 visitors, in total it says 2. {nobody}" in texts
    assert f"{said}: new users are 8, more than all visitors, 2. {nobody}" in texts


SPEAKS = [
    # what the collector says of two_sources() in total, and code and metrics of each finding
    ({"pv": 7, "uv": 8, "opens": 0, "new_users": 8}, {("lost", ("pv",)), ("aggregation", ("pv",))}),
    ({"pv": 8, "uv": 2, "opens": 0, "new_users": 8}, {("aggregation", ("uv",)), ("aggregation", ("uv", "new_users"))}),
    ({"pv": 8, "uv": 8, "opens": 1, "new_users": 8}, {("duplicated", ("opens",)), ("aggregation", ("opens",))}),
]


@pytest.mark.parametrize(("said", "expected"), SPEAKS, ids=["views", "visitors", "opens"])
def test_a_finding_says_of_which_metrics_it_speaks(
    said: dict[str, int | None], expected: set[tuple[str, tuple[str, ...]]]
) -> None:
    rules = contract()
    reading = reading_of(expect(two_sources(), rules), all={"": said})
    judged = judge(expect(two_sources(), rules), reading, EXACT)
    told = [*diagnose(judged, rules), *contradictions(reading, rules, EXACT)]

    assert {(one.code, one.metrics) for one in told} == expected


def test_naming_visitors_of_whom_some_are_counted_wrongly_says_so() -> None:
    rules = contract()
    reading = reading_of(expect(two_sources()[1:], rules))
    judged = judge(expect(two_sources(), rules), reading, EXACT)
    suspected = diagnose(judged, rules, suspects={"uv": (0, 3)})

    told = [(one.visitors, one.text) for one in suspected if one.metrics == ("uv",)]
    assert [visitors for visitors, _ in told] == [(0, 3)]
    assert told[0][1].endswith("; no known rule explains it, and the visitors named are some of those who count there")


@given(histories(), RULES, st.data())
@examples(100)
def test_what_holds_of_every_world_is_no_contradiction(
    history: list[Sighting], rules: Contract, data: st.DataObject
) -> None:
    """A collector that counts some world rightly may be inside or not, but never contradicts itself."""
    history = devices_only(history, rules)
    found = expect(history, rules)
    for world in data.draw(worlds(history, rules)):
        counts = brute.count(world, rules, MIDNIGHT, DAY_AFTER)
        cells: dict[str, dict[str, dict[str, int | None]]] = {by: {} for by in ("all", *cell_kinds("pv")[1:])}
        for (metric, by, cell), count in counts.items():
            cells[by].setdefault(cell, dict.fromkeys(("pv", "uv", "opens", "new_users"), 0))[metric] = count
        judged = judge(found, Reading(cells), EXACT)

        assert all(one.verdict is not FAIL for one in judged)
        assert list(contradictions(Reading(cells), rules, EXACT)) == []


# ---- settling -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("reading", "resting", "text"),
    [
        (Reading(), True, None),
        (Reading(), False, "the totals did not rest: not seen unchanged for 2s within 5s"),
        (Reading({}, {"all": "status 500"}), True, "the totals could not be read: status 500"),
        (Reading({}, {"all": "status 500"}), False, "the totals could not be read: status 500"),
    ],
    ids=["read and at rest", "never at rest", "unreadable", "unreadable and never at rest"],
)
def test_totals_that_were_not_read_at_rest_are_unsettled(reading: Reading, resting: bool, text: str | None) -> None:
    settled = Settled(reading, False, resting, 3, Ms(5_000), {})

    assert [(one.code, one.verdict, one.text) for one in settling_findings(settled, Ms(2_000))] == (
        [] if text is None else [("unsettled", INCONCLUSIVE, text)]
    )


@pytest.mark.parametrize(
    ("fell", "text"),
    [
        (("pv: 12, then 11",), "pv: 12, then 11"),
        (("a", "b", "c", "d"), "a; b; c; and 1 more"),
    ],
    ids=["one", "more than are shown"],
)
def test_a_total_that_fell_and_never_may_is_wrong_however_it_ends(fell: tuple[str, ...], text: str) -> None:
    settled = Settled(Reading(), True, True, 3, Ms(5_000), {}, fell)
    text = f"totals fell that can only rise: {text}. Nobody is named: no event can take another one away"

    assert list(settling_findings(settled, Ms(2_000))) == [Finding("aggregation", FAIL, text, len(fell))]
