"""What may have been sent beside what is known of a lost worker: always the truth, and no more than the plan allows."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as some

from simulator.contract import Contract
from simulator.finding import Verdict
from simulator.ledger.leases import Hole, LeaseLog, Leases, WorkerRecord, read_leases
from simulator.ledger.record import Attempt
from simulator.load.walk import Walk
from simulator.runs.holes import lost_findings, with_measured_clocks, with_possible
from simulator.times import Ms
from simulator.verify.sighting import copies
from simulator.wire.request import Evidence, Outcome, Purpose, Request
from tests.load.pretend_fleet import make

SINCE = 1_000
ACKED, REFUSED, UNKNOWN = Outcome.ACKED, Outcome.REFUSED, Outcome.UNKNOWN
IN_A_HOLE = Leases(holes={"load": (Hole(0, 10, SINCE, "worker-1"),)})


def request(number: int, purpose: Purpose = Purpose.EVENT, *, duplicates: int = 0, retries: int = 0) -> Request:
    return Request(3, number, purpose, Ms(0), "GET", "/", (), b"", (), duplicates=duplicates, retries=retries)


def attempt(number: int, repetition: int, outcome: Outcome, purpose: Purpose = Purpose.EVENT) -> Attempt:
    return Attempt(3, number, repetition, purpose, 5_000, 5_000, 6_000, outcome, Evidence.REPLY, 200)


def possible(requests: list[Request], known: dict[int, list[Attempt]], leases: Leases = IN_A_HOLE) -> dict[int, int]:
    """How many attempts of unknown outcome are added, by request."""
    found = with_possible(requests, known, leases)
    for number, attempts in found.items():
        added = attempts[len(known.get(number, [])) :]
        assert {(one.outcome, one.evidence, one.sent_ns) for one in added} <= {(UNKNOWN, Evidence.NONE, SINCE)}
        assert [one.attempt for one in attempts] == list(range(len(attempts)))
    return {number: len(found[number]) - len(known.get(number, [])) for number in found}


def test_of_a_visitor_who_is_in_no_hole_all_is_known() -> None:
    known = {0: [attempt(0, 0, ACKED)]}

    assert with_possible([request(0), request(1)], known, Leases()) == known


def test_whatever_lies_behind_the_last_attempt_that_came_may_have_been_sent() -> None:
    requests = [request(0), request(1), request(2, duplicates=2, retries=1)]

    assert possible(requests, {0: [attempt(0, 0, ACKED)]}) == {0: 0, 1: 1, 2: 4}
    assert possible(requests, {}) == {0: 1, 1: 1, 2: 4}


REPETITIONS = [
    # duplicates, retries, outcomes that came,     more that are possible
    ("acked at once", 0, 2, [ACKED], 0),
    ("one retry of two is through", 0, 2, [UNKNOWN, REFUSED], 1),
    ("no retry is left", 0, 2, [UNKNOWN, UNKNOWN, UNKNOWN], 0),
    ("a copy is still to come", 1, 0, [ACKED], 1),
    ("the copy has come", 1, 0, [ACKED, ACKED], 0),
    ("retries and copies", 2, 2, [UNKNOWN], 4),
    ("acked by a retry, copies to come", 2, 2, [UNKNOWN, ACKED], 2),
]


@pytest.mark.parametrize(
    ("duplicates", "retries", "came", "more"), [r[1:] for r in REPETITIONS], ids=[r[0] for r in REPETITIONS]
)
def test_a_request_may_have_been_repeated_as_planned(
    duplicates: int, retries: int, came: list[Outcome], more: int
) -> None:
    known = {0: [attempt(0, n, outcome) for n, outcome in enumerate(came)]}

    assert possible([request(0, duplicates=duplicates, retries=retries)], known) == {0: more}


def test_earlier_visits_have_holes_of_their_own() -> None:
    requests = [request(0, Purpose.SETUP), request(1, Purpose.SETUP), request(2)]
    known = {0: [attempt(0, 0, ACKED, Purpose.SETUP)]}
    setup = Leases(holes={"setup": (Hole(0, 10, SINCE, "worker-1"),)})

    assert possible(requests, known, setup) == {0: 0, 1: 1}
    assert possible(requests, known) == {0: 0, 2: 1}


plans = some.lists(some.tuples(some.integers(0, 2), some.integers(0, 2)), min_size=1, max_size=4)


@given(plans, some.lists(some.sampled_from(Outcome), min_size=30, max_size=30), some.data())
def test_whatever_the_lost_worker_sent_is_possible_and_what_it_sent_for_certain_is_certain(
    plan: list[tuple[int, int]], outcomes: list[Outcome], data: some.DataObject
) -> None:
    """A visitor is walked as a worker walks them, up to some attempt; a beginning of its ledger comes home."""
    requests = [request(n, duplicates=duplicates, retries=retries) for n, (duplicates, retries) in enumerate(plan)]
    walk, sent = Walk(3, requests), []
    for outcome in outcomes:
        sent.append(attempt(walk.request.number, walk.attempt, outcome))
        if not walk.answered(outcome):
            break
    sent = sent[: data.draw(some.integers(0, len(sent)), "sent")]
    came = sent[: data.draw(some.integers(0, len(sent)), "came")]
    known: dict[int, list[Attempt]] = {}
    for one in came:
        known.setdefault(one.request, []).append(one)
    found = with_possible(requests, known, IN_A_HOLE)
    for planned in requests:
        attempts = found.get(planned.number, [])
        acked = sum(each.outcome is ACKED for each in attempts)
        unknown = sum(each.outcome is UNKNOWN for each in attempts)
        low, high = copies(acked, unknown, Contract(dedupe="none").dedupe)
        truly = [each for each in sent if each.request == planned.number]
        stored = sum(each.outcome is ACKED for each in truly), sum(each.outcome is not REFUSED for each in truly)

        assert low <= stored[0]
        assert stored[1] <= high
        assert len(truly) <= len(attempts) <= 1 + planned.duplicates + planned.retries


def test_a_lost_worker_is_a_finding_that_says_what_can_be_done(tmp_path: Path) -> None:
    log = LeaseLog(tmp_path, "run", 50)
    log.joined("worker-1", "a", "here", 1)
    log.joined("worker-2", "b", "elsewhere", 1)
    log.joined("worker-3", "c", "elsewhere", 1)
    log.leased("worker-1", "setup", [(0, 9)], 2)
    log.leased("worker-1", "load", [(0, 9)], 2)
    log.returned("worker-1", "setup", [(0, 9)], 3)
    log.returned("worker-1", "load", [(2, 4), (6, 9)], 3)
    log.leased("worker-2", "load", [(10, 20), (30, 35)], 2)
    log.leased("worker-3", "load", [(20, 30)], 2)
    log.fate("worker-1", "lost", 3)
    log.fate("worker-2", "lost", 3)
    log.fate("worker-3", "left", 3)
    log.close()
    (tmp_path / "ledger" / "worker-3.attempts").write_bytes(b"")
    findings = list(lost_findings(read_leases(tmp_path)))

    assert [(one.code, one.verdict, one.visitors) for one in findings] == [
        ("worker_lost", Verdict.INCONCLUSIVE, ()),
        ("worker_lost", Verdict.INCONCLUSIVE, (10, 30)),
    ]
    assert findings[0].text == (
        "worker-1 on a was lost: its ledger is whole, so what it sent is known; 5 visitors whom it had leased and not "
        "begun went to the others"
    )
    assert findings[1].text == (
        "worker-2 on b was lost: not all of its ledger came home, so 15 visitors whom it had leased may have been sent "
        "further than is known; bring worker-2.attempts from there into ledger/, and verify again"
    )


def test_a_worker_that_never_said_its_last_word_is_one_too_where_its_master_died() -> None:
    leases = Leases((WorkerRecord("worker-1", "a", is_whole=False), WorkerRecord("worker-2", "b", is_whole=True)))

    assert [one.text.split(":")[0] for one in lost_findings(leases)] == ["worker-1 on a was lost"]


CLOCKS = [
    # bound of a worker's clock in ns, of the collector's in ms, together
    ("no other machine", 0, 5, 5),
    ("less than a millisecond is one", 1, 0, 1),
    ("exactly one", 1_000_000, 0, 1),
    ("a little more", 1_000_001, 2, 4),
]


@pytest.mark.parametrize(("measured", "promised", "together"), [c[1:] for c in CLOCKS], ids=[c[0] for c in CLOCKS])
def test_what_a_workers_clock_may_be_off_widens_the_windows_of_arrivals(
    tmp_path: Path, measured: int, promised: int, together: int
) -> None:
    opened = make(tmp_path)
    contract = replace(opened.contract, clock_bound=Ms(promised))
    opened = replace(opened, manifest=replace(opened.manifest, contract=contract))
    leases = Leases((WorkerRecord("worker-1", "a", is_whole=True, clock_bound_ns=measured),))

    assert with_measured_clocks(opened, leases).contract == replace(contract, clock_bound=Ms(together))
