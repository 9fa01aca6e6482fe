"""Which visitors a replay takes: known ones first, all signs before some, and never a set that shows nothing."""

from __future__ import annotations

from pathlib import Path

import pytest

from simulator.errors import UsageError
from simulator.finding import Finding, Verdict
from simulator.runs.searching import (
    SMALLEST_FILE,
    Fails,
    Known,
    Searched,
    Signs,
    read_known,
    search,
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
    write_known(tmp_path, KNOWN)

    assert read_known(tmp_path) == KNOWN


@pytest.mark.parametrize("text", ["", "[]", "{}", '{"version": 2}', '{"version": 1, "visitors": 3}'])
def test_a_damaged_set_is_a_usage_error(text: str, tmp_path: Path) -> None:
    (tmp_path / SMALLEST_FILE).write_text(text, encoding="utf-8")

    with pytest.raises(UsageError, match=SMALLEST_FILE):
        read_known(tmp_path)
