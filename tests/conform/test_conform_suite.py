"""The suite itself: what stands in its files, and whether its numbers, which a person wrote, are right.

They are held against the oracle here, which counts from the requests and knows no case: two ways to the same number.
"""

from __future__ import annotations

from collections import Counter

import pytest

from simulator.contract import Contract
from simulator.errors import ScenarioError, UsageError
from simulator.runs.conform.cases import FOLDER, VERSION, Case, chosen, suite
from simulator.runs.conform.expecting import accepted, expected_under, others, switches_of
from simulator.scenario.case_file import read_suite
from simulator.verify.oracle import expected_from_plan
from simulator.wire.request import Purpose
from tests.conform.grounds import contract, every_contract, staged

CASES = suite()
CONTRACTS = every_contract()


def by_id(name: str) -> Case:
    return next(case for case in CASES if case.id == name)


def test_every_area_has_cases_and_every_case_an_id_of_its_own() -> None:
    areas = Counter(case.area for case in CASES)

    assert list(areas) == [
        "page views", "opens", "visitors", "new users", "sources", "trends", "duplicates", "order and lateness",
        "unicode", "limits", "malformed events", "methods and content types",
    ]  # fmt: skip
    assert min(areas.values()) >= 6
    assert len({case.id for case in CASES}) == len(CASES)


def test_every_file_of_the_suite_is_read() -> None:
    assert sum(text.count("- case: ") for text in (path.read_text("utf-8") for path in FOLDER.iterdir())) == len(CASES)


def test_no_case_is_of_a_later_version_than_the_suite() -> None:
    assert max(case.section.since for case in CASES) <= VERSION


def test_a_case_of_the_first_version_is_never_new_and_one_of_the_present_is() -> None:
    first = by_id("views-launch")

    assert (first.is_new(1), first.is_new(2)) == (False, False)
    later = Case(first.area, first.section.model_copy(update={"since": 3}))
    assert (later.is_new(3), later.is_new(4)) == (True, False)


def _name(one: Contract) -> str:
    other = [
        name
        for name in ("timeout_inclusive", "midnight", "source_change", "launch_opens", "dedupe")
        if getattr(one, name) != getattr(Contract(), name)
    ]
    return "-".join([str(one.definitions.opens), one.definitions.user, one.definitions.day.replace("/", "_"), *other])


@pytest.mark.parametrize("judged_by", CONTRACTS, ids=_name)
def test_the_numbers_of_every_case_are_those_of_the_oracle(judged_by: Contract) -> None:
    switches = switches_of(judged_by)
    wrong = []
    for number, case in enumerate(CASES):
        one = staged(case, judged_by, number)
        sent = [request for request in one.requests if request.purpose is Purpose.EVENT]
        oracle = expected_from_plan([sent], judged_by, one.begin, one.end)
        for cell, value in expected_under(case.section, switches).items():
            metric, by, name = one.cell(cell)
            counted = oracle.expected(metric, by, name)
            if counted is None or (counted.low, counted.high) != (value, value):
                wrong.append((case.id, cell, value, str(counted)))

    assert wrong == []


def test_a_case_whose_outcome_depends_on_a_definition_names_it() -> None:
    hot = by_id("opens-hot-start").section

    assert [(one.name, one.expected["opens", "all", ""]) for one in others(hot, switches_of(contract()))] == [
        ("opens: every-foreground", 2)
    ]


def test_a_switch_of_the_timeout_is_no_other_outcome_where_there_is_none() -> None:
    gap = by_id("opens-gap-exact").section

    assert [one.name for one in others(gap, switches_of(contract("launch")))] == [
        "opens: timeout, timeout_inclusive: true"
    ]
    assert [one.name for one in others(gap, switches_of(contract("timeout=5m")))] == ["timeout_inclusive: true"]


def test_an_outcome_for_an_unknown_tenant_is_not_accepted_where_the_tenant_is_known() -> None:
    tenant = by_id("malformed-tenant").section

    assert [ok for _, ok, _ in accepted(tenant, switches_of(contract()))] == [True]
    assert list(accepted(tenant, switches_of(contract(), tenant=True))) == []


def test_cases_are_chosen_by_id_and_by_area() -> None:
    assert [case.id for case in chosen(["views-launch"], CASES)] == ["views-launch"]
    assert {case.area for case in chosen(["opens", "visitors-shared-*"], CASES)} == {"opens", "visitors"}


def test_a_pattern_that_fits_nothing_names_the_nearest() -> None:
    with pytest.raises(UsageError, match=r"--only view-launch: no case .* did you mean views-launch\?"):
        chosen(["view-launch"], CASES)


WRONG = """\
area: page views
about: x
cases:
  - case: views-x
    since: 1
    title: x
    about: x
    says: {document: d, text: t}
    visits: [{at: "2 10:00", steps: [launch]}]
    decides: [pv]
    expect: {pv: 1}
"""


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (WRONG, "a visit is on day 2, and the case has days: 1"),
        (WRONG.replace('at: "2 10:00"', "at: 24:00"), 'expected a time in quotes, such as "10:00"'),
        (WRONG.replace('at: "2 10:00"', "source: ad"), "no source ad in this case"),
        (WRONG.replace("expect: {pv: 1}", "expect: {pvs: 1}"), "unknown key pvs; did you mean pv?"),
    ],
    ids=["a day too many", "no time of a day", "an unknown source", "a misspelt metric"],
)
def test_a_mistake_in_a_file_of_the_suite_is_told_with_its_place(text: str, said: str) -> None:
    with pytest.raises(ScenarioError) as wrong:
        read_suite(text, "views.yaml")

    assert "views.yaml:" in str(wrong.value)
    assert said in str(wrong.value)
