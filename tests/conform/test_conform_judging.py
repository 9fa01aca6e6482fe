"""What becomes of a case, by numbers made up here: which standing, and which reason."""

from __future__ import annotations

from collections.abc import Mapping

import pytest

from simulator.contract import Contract
from simulator.report.matrix import Standing
from simulator.runs.conform.cases import Case, suite
from simulator.runs.conform.exchanging import Exchanged
from simulator.runs.conform.expecting import SWITCHES, expected_under, switches_of
from simulator.runs.conform.judging import Judged, is_met, judge
from simulator.wire.request import Answer, Evidence, Outcome
from tests.conform.grounds import contract, staged

STATED = dict.fromkeys(SWITCHES, "stated")
FOUND = dict.fromkeys(SWITCHES, "found")
ASSUMED = dict.fromkeys(SWITCHES, "assumed")


def case(name: str) -> Case:
    return next(one for one in suite() if one.id == name)


def answered(one: Case, judged_by: Contract, status: int = 200, which: int = 0) -> list[Exchanged]:
    """Every request acked, but for one that was answered with this status."""
    exchanged = [
        Exchanged(request, Answer(Evidence.REPLY, 200), Outcome.ACKED) for request in staged(one, judged_by).requests
    ]
    if status != 200:
        outcome = Outcome.REFUSED if status == 403 else Outcome.UNKNOWN
        exchanged[which] = Exchanged(exchanged[which].request, Answer(Evidence.REPLY, status), outcome)
    return exchanged


def judged(
    name: str,
    changed: Mapping[tuple[str, str, str], int],
    known: Mapping[str, str] = STATED,
    judged_by: Contract | None = None,
    status: int = 200,
) -> Judged:
    """The case with its own figures but for those that are changed."""
    one, judged_by = case(name), judged_by or contract()
    switches = switches_of(judged_by)
    got = {**expected_under(one.section, switches), **changed}
    return judge(one, switches, known, got, answered(one, judged_by, status))


HOT_TWICE = {("opens", "all", ""): 2}


def test_a_case_with_all_its_figures_is_ok() -> None:
    assert judged("opens-hot-start", {}) == Judged(Standing.OK, "Every figure is as the case says.")


def test_a_figure_that_no_definition_comes_to_is_a_failure() -> None:
    found = judged("opens-hot-start", {("opens", "all", ""): 7})

    assert found.standing is Standing.FAILED
    assert found.why == "opens is 7 and not 1. No definition that mpsim knows comes to that."


@pytest.mark.parametrize(
    ("known", "standing", "why"),
    [
        (STATED, Standing.FAILED, "but the contract says opens: launch"),
        (FOUND, Standing.FAILED, "but elsewhere it counted by opens: launch"),
        (ASSUMED, Standing.INFORMATIONAL, "nobody has said which definition this collector uses"),
    ],
    ids=["stated", "found", "assumed"],
)
def test_the_outcome_of_another_definition_names_it(known: Mapping[str, str], standing: Standing, why: str) -> None:
    found = judged("opens-hot-start", HOT_TWICE, known)

    assert (found.standing, found.stands_for) == (standing, "opens: every-foreground")
    assert why in found.why


def test_of_several_switches_those_that_are_sure_decide() -> None:
    known = {**ASSUMED, "opens": "stated"}

    assert judged("opens-gap-exact", HOT_TWICE, known, contract("timeout=5m")).standing is Standing.INFORMATIONAL
    assert judged("opens-gap-exact", HOT_TWICE, known, contract("launch")).standing is Standing.FAILED


def test_another_behaviour_that_can_be_accepted_is_informational() -> None:
    found = judged("visitors-crawler", {(metric, "all", ""): 0 for metric in ("pv", "uv", "opens", "new_users")})

    assert (found.standing, found.stands_for) == (Standing.INFORMATIONAL, "visits of WeChat's crawler are left out")


def test_another_behaviour_that_is_as_good_is_ok_and_need_not_be_waited_for() -> None:
    found = judged("malformed-tenant", {("pv", "all", ""): 3})

    assert found.standing is Standing.OK
    assert "any tenant" in found.stands_for
    one = case("malformed-tenant")
    assert is_met(one, switches_of(contract()), {("pv", "all", ""): 3, ("uv", "all", ""): 1})
    assert not is_met(one, switches_of(contract(), tenant=True), {("pv", "all", ""): 3})


@pytest.mark.parametrize("status", [403, 503])
def test_right_figures_after_a_reply_that_is_none_of_storing_are_a_failure(status: int) -> None:
    found = judged("views-launch", {}, status=status)

    assert found.standing is Standing.FAILED
    assert f"mini_program_open: HTTP {status}" in found.why


def test_wrong_figures_after_a_refusal_are_told_by_the_refusal() -> None:
    found = judged("views-launch", {("opens", "all", ""): 0}, status=403)

    assert found.why.startswith("A good event was not taken: mini_program_open: HTTP 403")


def test_what_a_malformed_event_is_answered_does_not_matter() -> None:
    one = case("malformed-no-event")
    requests = staged(one, contract()).requests
    bad = next(place for place, request in enumerate(requests) if request.records[0].bad)
    switches = switches_of(contract())

    found = judge(one, switches, STATED, expected_under(one.section, switches), answered(one, contract(), 403, bad))

    assert found.standing is Standing.OK


@pytest.mark.parametrize("evidence", [Evidence.TIMEOUT, Evidence.NO_CONNECTION, Evidence.CLOSED])
def test_without_a_reply_nothing_is_said_of_the_collector(evidence: Evidence) -> None:
    one, switches = case("views-launch"), switches_of(contract())
    exchanged = answered(one, contract())
    exchanged[1] = Exchanged(exchanged[1].request, Answer(evidence), Outcome.UNKNOWN)

    found = judge(one, switches, STATED, expected_under(one.section, switches), exchanged)

    assert found.standing is Standing.ENGINE_ERROR


def test_a_lookup_that_brings_another_url_is_a_failure() -> None:
    one, switches = case("sources-code"), switches_of(contract())
    exchanged = answered(one, contract())
    exchanged[0] = Exchanged(exchanged[0].request, Answer(Evidence.REPLY, 200), Outcome.REFUSED, "another URL")

    found = judge(one, switches, STATED, expected_under(one.section, switches), exchanged)

    assert (found.standing, found.why) == (Standing.FAILED, "another URL")


def test_a_case_that_is_new_in_this_version_cannot_fail_yet() -> None:
    old, switches = case("views-launch"), switches_of(contract())
    new = Case(old.area, old.section.model_copy(update={"since": 2}))
    got = {**expected_under(old.section, switches), ("pv", "all", ""): 5}
    exchanged = answered(old, contract())

    standings = [judge(one, switches, STATED, got, exchanged, version).standing for one, version in
                 ((old, 2), (new, 2), (new, 3))]  # fmt: skip
    assert standings == [Standing.FAILED, Standing.INFORMATIONAL, Standing.FAILED]


def test_figures_that_are_not_read_are_not_held_against_a_collector() -> None:
    one, switches = case("views-launch"), switches_of(contract())
    got: dict[tuple[str, str, str], int | None] = dict.fromkeys(expected_under(one.section, switches))
    got["pv", "all", ""] = 1

    assert judge(one, switches, STATED, got, answered(one, contract())).standing is Standing.OK


def test_a_case_of_which_nothing_at_all_is_read_is_never_ok() -> None:
    one, switches = case("views-launch"), switches_of(contract())
    nothing: dict[tuple[str, str, str], int | None] = dict.fromkeys(expected_under(one.section, switches))

    assert judge(one, switches, STATED, nothing, answered(one, contract())).standing is Standing.FAILED
