"""Which visitors a replay takes: known ones first, all signs before some, and never a set that shows nothing."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from simulator.errors import UsageError
from simulator.finding import Finding, Verdict
from simulator.runs.searching import (
    SMALLEST_FILE,
    Fails,
    FailsInTurn,
    Known,
    Searched,
    Signs,
    read_known,
    search,
    search_in_turn_and_at_once,
    signs_of,
    suspects_of,
    write_known,
)
from simulator.runs.smallest import Visitors
from tests.runs.test_selftest import result_of

LOST, BOTH = frozenset({"lost"}), frozenset({"lost", "attribution"})
EVERYBODY = range(20)
KNOWN = Known((3, 4), LOST, least=True)


def failing(**codes: set[int]) -> Fails:
    """Each code shows when all of its visitors come."""
    return lambda visitors: frozenset(code for code, needed in codes.items() if needed <= set(visitors))


def seldom(visitors: Visitors) -> Signs:
    """One of two findings is there with everybody, the other never again."""
    return LOST if len(visitors) > 10 else frozenset()


CASES = [
    ("who is known and shows it", LOST, KNOWN, [9], failing(lost={3}), Searched((3, 4), 1, KNOWN)),
    ("who is known and does not", LOST, KNOWN, [9], failing(lost={9}), Searched((9,), 2, Known((9,), LOST, True))),
    ("a suspect", LOST, None, [7, 9], failing(lost={7}), Searched((7,), 1, Known((7,), LOST, True))),
    ("nobody", LOST, None, [7], failing(), Searched(tuple(EVERYBODY), 3, None)),
    ("nobody, known or not", LOST, KNOWN, [7], failing(), Searched(tuple(EVERYBODY), 4, None)),
    ("a failure of another kind", LOST, None, [7], failing(duplicated={7}), Searched(tuple(EVERYBODY), 3, None)),
]


@pytest.mark.parametrize(
    ("wanted", "known", "suspects", "fails", "found"), [case[1:] for case in CASES], ids=[case[0] for case in CASES]
)
def test_who_shows_it_again(
    wanted: Signs, known: Known | None, suspects: list[int], fails: Fails, found: Searched
) -> None:
    assert search(wanted, known, suspects, EVERYBODY, fails) == found


def test_two_faults_are_shown_by_a_set_that_shows_both() -> None:
    found = search(BOTH, None, [7, 9], EVERYBODY, failing(lost={7}, attribution={15}))

    assert found.known == Known((7, 15), BOTH, least=True)


def test_of_what_even_everybody_shows_only_in_part_that_part_is_searched() -> None:
    found = search(BOTH, None, [7], EVERYBODY, seldom)

    assert found.known is not None
    assert (len(found.visitors), found.known.signs) == (11, LOST)


def test_no_set_is_sent_twice() -> None:
    sent: list[Visitors] = []

    def fails(visitors: Visitors) -> Signs:
        sent.append(visitors)
        return seldom(visitors)

    found = search(BOTH, Known((7,), LOST, least=True), [7], EVERYBODY, fails)

    assert len(sent) == len(set(sent)) == found.tries


def both_ways(in_turn: Fails, at_once: Fails) -> FailsInTurn:
    return lambda visitors, turns: in_turn(visitors) if turns else at_once(visitors)


WAYS = [
    ("in turn", None, failing(lost={7, 9}), failing(), Known((7, 9), LOST, True, in_turn=True)),
    ("what shows either way is shown in turn", None, failing(lost={7}), failing(lost={9}),
     Known((7,), LOST, True, in_turn=True)),
    ("only with all at once", None, failing(), failing(lost={3, 9}), Known((3, 9), LOST, True)),
    ("nobody", None, failing(), failing(), None),
    ("known at once", KNOWN, failing(lost={7}), failing(lost={3}), KNOWN),
    ("known at once, and shown in turn now", KNOWN, failing(lost={7}), failing(),
     Known((7,), LOST, True, in_turn=True)),
    ("known in turn", replace(KNOWN, in_turn=True), failing(lost={3}), failing(lost={7}), replace(KNOWN, in_turn=True)),
]  # fmt: skip


@pytest.mark.parametrize(
    ("known", "in_turn", "at_once", "found"), [way[1:] for way in WAYS], ids=[way[0] for way in WAYS]
)
def test_in_turn_before_all_at_once(known: Known | None, in_turn: Fails, at_once: Fails, found: Known | None) -> None:
    asked: list[tuple[Visitors, bool]] = []
    fails = both_ways(in_turn, at_once)

    def noted(visitors: Visitors, turns: bool) -> Signs:
        asked.append((visitors, turns))
        return fails(visitors, turns)

    searched = search_in_turn_and_at_once(LOST, known, [7, 9], EVERYBODY, noted)

    assert searched.known == found
    assert searched.visitors == (found.visitors if found else tuple(EVERYBODY))
    assert searched.tries == len(asked) == len(set(asked))
    assert (searched.visitors, searched.in_turn) in asked


def test_a_set_from_before_visitors_came_in_turn_was_shown_by_all_at_once(tmp_path: Path) -> None:
    (tmp_path / SMALLEST_FILE).write_text(
        '{"version": 1, "visitors": [3, 4], "signs": ["lost"], "least": true}', encoding="utf-8"
    )

    assert read_known(tmp_path) == KNOWN


def test_signs_are_failing_findings_and_wrong_totals() -> None:
    lost = Finding("lost", Verdict.FAIL, "one", 1)
    inconclusive = Finding("unsettled", Verdict.INCONCLUSIVE, "one", 1)

    assert signs_of(result_of(1, ("pv",), lost, inconclusive)) == {"lost", "total"}
    assert signs_of(result_of(1, (), lost)) == LOST
    assert signs_of(result_of(0)) == frozenset()


def test_suspects_are_those_of_the_plan_whom_a_failing_finding_names() -> None:
    lost = Finding("lost", Verdict.FAIL, "two", 2, (7, 3))
    unexpected = Finding("unexpected", Verdict.FAIL, "two", 2, (3, 20, 4_000_000))
    foreign = Finding("foreign", Verdict.INCONCLUSIVE, "one", 1, (5,))

    assert suspects_of(result_of(1, (), lost, unexpected, foreign), 20) == (3, 7)
    assert suspects_of(result_of(1, (), lost, unexpected, foreign), 21) == (3, 7, 20)


def test_a_set_is_kept_beside_the_run(tmp_path: Path) -> None:
    assert read_known(tmp_path) is None
    for kept in (KNOWN, replace(KNOWN, in_turn=True)):
        write_known(tmp_path, kept)

        assert read_known(tmp_path) == kept


@pytest.mark.parametrize("text", ["", "[]", "{}", '{"version": 2}', '{"version": 1, "visitors": 3}'])
def test_a_damaged_set_is_a_usage_error(text: str, tmp_path: Path) -> None:
    (tmp_path / SMALLEST_FILE).write_text(text, encoding="utf-8")

    with pytest.raises(UsageError, match=SMALLEST_FILE):
        read_known(tmp_path)
