"""Looking in virtual time: list, count and totals of one moment, or none of them trusted."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace

import pytest

from simulator.contract import METRICS, Contract
from simulator.finding import Interval
from simulator.runs.counting import Counted
from simulator.runs.gathering import Gathered
from simulator.runs.looking import MOST_LOOKS, Looked, look
from simulator.scenario.model import Expect
from simulator.times import Ms
from simulator.verify.oracle import Expectations
from simulator.verify.readers.interfaces import Counts, Others
from simulator.verify.readers.reading import Reading
from simulator.verify.reconcile import Case, Reconciliation

CONTRACT = Contract(quiet=Ms(1_000), deadline=Ms(5_000))


@dataclass
class Pretended:
    """A collector that stores views at these instants, of which some are acked."""

    stores: Sequence[int]
    acked: int = 0
    sent: int = 10
    lags: int = 0  # its totals are so much older than its list
    lists_late: Sequence[int] = ()  # instants at which an event is listed that counts nowhere
    forgets: int = 0  # instant from which its totals are less by one; 0: never
    lists: bool = True  # the stored events
    unlisted: int = 0  # of them are in the totals alone
    counting: int = 100  # a count takes so long
    reading: int = 10
    asking: int = 10  # its other interfaces
    now: int = 0
    listed: int = 0  # as of the last count: what counts,
    of_list: int = 0  # and all that is listed
    counts: list[int] = field(default_factory=list)  # when each count began

    def count(self) -> Counted:
        self.counts.append(self.now)
        self.listed, self.of_list = self._stored(self.now) - self.unlisted, self._listed(self.now)
        self.now += self.counting
        if not self.lists:
            return Counted(Gathered(), views(self.acked, self.sent), None, None, None)
        found = Reconciliation()
        for _ in range(self.acked - self.listed):
            found.note("lost", Case("id", 0, "view", ""))
        by_event = views(self.listed, self.listed) if found.clean else None
        return Counted(Gathered(), views(self.acked, self.sent), by_event, None, found)

    def grew(self, _: Counted) -> bool:
        return self.lists and self._listed(self.now) > self.of_list

    def read(self) -> Reading:
        value = self._stored(self.now - self.lags) - (0 < self.forgets <= self.now)
        self.now += self.reading
        return Reading({"all": {"": dict.fromkeys(METRICS, value)}})

    def since(self, reading: Reading) -> Reading:
        return reading

    def others(self, _: Reading) -> Others:
        self.now += self.asking
        return Others(counts=Counts(0, 0, 0))

    def _stored(self, at: int) -> int:
        return sum(one <= at for one in self.stores)

    def _listed(self, at: int) -> int:
        return self._stored(at) + sum(one <= at for one in self.lists_late)

    def wait(self, pause: Ms) -> None:
        self.now += pause


def views(low: int, high: int) -> Expectations:
    return Expectations({(metric, "all", ""): Interval(low, high) for metric in METRICS}, {})


def looked(collector: Pretended, contract: Contract = CONTRACT) -> Looked:
    return look(collector, contract, Expect(), clock=lambda: Ms(collector.now), wait=collector.wait)


def exact(found: Looked) -> tuple[int, int] | None:
    """The expectation that is of the reading's moment, with what was read; None: there is none."""
    if found.counted.by_event is None:
        return None
    interval = found.counted.by_event.expected("pv", "all", "")
    value = found.settled.reading.cells["all"][""]["pv"]
    assert interval is not None
    assert interval.width == 0
    assert value is not None
    return interval.low, value


def test_what_rests_from_the_start_is_listed_once() -> None:
    collector = Pretended([0, 0, 0], acked=3)

    assert exact(looked(collector)) == (3, 3)
    assert collector.counts == [0]


@pytest.mark.parametrize(
    ("late", "expected"),
    [
        ([], (3, 3)),
        ([4_000], (4, 4)),
        ([6_000], (4, 4)),
        ([5_900, 7_300, 8_800], (6, 6)),
    ],
    ids=["nothing", "before the deadline", "just after it", "while it is looked at again and again"],
)
def test_what_comes_late_and_then_rests_is_held_against_its_own_list(
    late: list[int], expected: tuple[int, int]
) -> None:
    # Until the deadline there is something to wait for: an acked event that is not listed.
    found = looked(Pretended([0, 0, 4_900, *late], acked=3))

    assert exact(found) == expected
    assert not found.still_growing


def test_a_list_that_grows_at_every_look_is_no_ground_to_judge_totals() -> None:
    collector = Pretended(range(0, 100_000, 150), acked=1, sent=1_000)
    found = looked(collector)

    assert found.counted.by_event is None
    assert found.still_growing
    assert collector.counts[-1] > 5_000
    assert len([at for at in collector.counts if at >= 5_000]) <= MOST_LOOKS + 2


def test_the_last_list_is_no_older_than_the_reading() -> None:
    """Whatever was read is listed: nobody else's events are taken for too many."""
    collector = Pretended(range(0, 100_000, 150), acked=1, sent=1_000)
    found = looked(collector)

    assert collector.listed >= (found.settled.reading.cells["all"][""]["pv"] or 0)


def test_totals_that_do_not_rest_are_of_no_moment() -> None:
    collector = Pretended(range(0, 40_000, 500), acked=3, sent=100)
    found = looked(collector, replace(CONTRACT, quiet=Ms(2_000)))

    assert found.at_rest is None
    assert found.counted.by_event is None


def test_acked_events_may_be_listed_until_the_deadline() -> None:
    found = looked(Pretended([0, 0, 4_999], acked=3))

    assert found.counted.found is not None
    assert found.counted.found.clean


def test_nothing_is_lost_before_the_deadline_however_often_it_was_looked_at() -> None:
    """More comes every second, which is looked at again; what was acked comes with the last."""
    collector = Pretended([0, 100, 1_000, 2_000, 3_000, 4_000, 4_950], acked=7, sent=7, counting=10)
    found = looked(collector, replace(CONTRACT, quiet=Ms(100)))

    assert found.counted.found is not None
    assert found.counted.found.clean
    assert exact(found) == (7, 7)


def test_totals_that_lag_behind_the_list_have_time_until_the_deadline() -> None:
    found = looked(Pretended([0, 0, 500], acked=1, sent=5, lags=4_000))

    assert exact(found) == (3, 3)


@pytest.mark.parametrize("quiet", [0, 1_000])
def test_a_surplus_that_no_waiting_can_mend_is_not_waited_for(quiet: int) -> None:
    collector = Pretended([0] * 11, acked=10, sent=10, lists=False)
    found = looked(collector, replace(CONTRACT, quiet=Ms(quiet), deadline=Ms(1_800_000)))

    assert found.at_rest is not None
    assert found.settled.resting
    assert not found.settled.stable
    assert collector.now < 10_000


def test_a_list_that_lags_behind_the_totals_is_looked_at_less_and_less_often() -> None:
    """The totals say one more than the list until the deadline, and stand still."""
    collector = Pretended([0] * 11, acked=10, sent=20, unlisted=1)
    found = looked(collector, replace(CONTRACT, quiet=Ms(0), deadline=Ms(60_000)))

    assert collector.now >= 60_000
    assert found.settled.reads < 200


@pytest.mark.parametrize(
    ("stores", "asking", "known"),
    [([0, 0, 0], 10, True), ([0, 0, 0, 2_000], 4_000, False), ([*range(0, 90_000, 150)], 10, False)],
    ids=["of one moment", "something came meanwhile", "nothing ever rested"],
)
def test_other_interfaces_count_only_where_they_are_of_the_same_moment(
    stores: list[int], asking: int, known: bool
) -> None:
    found = looked(Pretended(stores, acked=1, sent=1_000, asking=asking))

    assert (found.others is not None) is known


# ---- since when the totals were right ----


def right_since(found: Looked) -> int | None:
    return found.settled.convergence["pv"]


def test_counting_and_waiting_belong_to_the_time_until_totals_are_right() -> None:
    """The count takes two seconds, then the list is looked at again at the deadline, where the last acked one is."""
    collector = Pretended([0, 0, 4_900], acked=3, sent=3, counting=2_000, now=0)
    found = looked(collector)

    assert found.counted.found is not None
    assert found.counted.found.clean
    assert 4_900 <= (right_since(found) or 0) <= 5_000 + 2_000 + 100
    assert found.settled.waited == collector.now - collector.asking - collector.reading


def test_the_clock_begins_with_the_last_reply() -> None:
    collector = Pretended([0, 0, 0], acked=3, now=7_000)
    found = look(
        collector, CONTRACT, Expect(), clock=lambda: Ms(collector.now), wait=collector.wait, last_reply=Ms(1_000)
    )

    assert right_since(found) == 7_000 + 100 + 10 - 1_000


def test_totals_that_were_right_all_along_are_right_since_the_first_look() -> None:
    """A second look, for something in the list that changes no total, takes nothing off."""
    collector = Pretended([0, 0, 0], acked=3, sent=3, lists_late=[1_050])
    found = looked(collector)

    assert len(collector.counts) == 2
    assert right_since(found) == 110


def test_a_total_that_falls_while_the_run_is_counted_again_is_told() -> None:
    collector = Pretended([0, 0, 0], acked=3, sent=3, lists_late=[1_050], forgets=1_200)
    found = looked(collector)

    assert any(text.startswith("pv in total: 3, then 2") for text in found.settled.fell), found.settled.fell
