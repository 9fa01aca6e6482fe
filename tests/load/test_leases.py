"""Who may send whom: whatever workers do, each visitor is sent by one of them, and nobody is left out."""

from __future__ import annotations

from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as some
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from simulator.load.leases import Lease, LeaseTable, compact


def test_leases_are_cut_at_block_borders_and_follow_one_another() -> None:
    table = LeaseTable(11, block=2)

    assert [table.take("a", 5), table.take("b", 1), table.take("a", 4), table.take("b", 100)] == [
        (0, 4),
        (4, 6),
        (6, 10),
        (10, 11),
    ]
    assert (table.first_free, table.take("a", 1)) == (None, None)
    assert table.held("a") == ((0, 4), (6, 10))


def test_what_was_never_begun_goes_to_somebody_else_first() -> None:
    table = LeaseTable(100)
    table.take("a", 10)
    table.take("b", 10)
    table.settle("a", 7)

    assert table.give_back("a", [(7, 10)]) == ((7, 10),)
    assert [table.take("b", 50), table.take("b", 50)] == [(7, 10), (20, 70)]


GIVEN_BACK = [
    # offered,                       freed
    ("a whole lease", (0, 10), ((0, 10),)),
    ("its end", (4, 10), ((4, 10),)),
    ("its middle", (3, 5), ((3, 5),)),
    ("more than it holds", (5, 15), ((5, 10),)),
    ("what it does not hold", (10, 20), ()),
]


@pytest.mark.parametrize(("offered", "freed"), [g[1:] for g in GIVEN_BACK], ids=[g[0] for g in GIVEN_BACK])
def test_only_what_is_held_is_given_back(offered: Lease, freed: tuple[Lease, ...]) -> None:
    table = LeaseTable(20)
    assert table.take("a", 10) == (0, 10)

    assert table.give_back("a", [offered]) == freed


def test_what_is_left_of_a_block_goes_with_whole_blocks_again() -> None:
    table = LeaseTable(20, block=2)
    table.take("a", 6)
    table.give_back("a", [(3, 6)])

    assert [table.take("b", 1), table.take("b", 1), table.take("b", 5)] == [(3, 4), (4, 6), (6, 10)]


def test_a_lease_that_is_still_on_its_way_is_not_settled_by_a_floor_above_it() -> None:
    """The worker named the floor before it heard of the lease."""
    table = LeaseTable(100)
    table.take("lost", 20)
    table.take("a", 20)
    table.give_back("lost", [(0, 20)])
    again = table.take("a", 20)
    assert again == (0, 20)

    table.settle("a", 30, on_the_way=[again])

    assert table.held("a") == ((0, 20), (30, 40))


@given(some.sets(some.integers(0, 60)))
def test_numbers_as_ranges_are_the_same_numbers(visitors: set[int]) -> None:
    leases = compact(sorted(visitors))

    assert [visitor for first, stop in leases for visitor in range(first, stop)] == sorted(visitors)
    assert all(stop < following for (_, stop), (following, _) in pairwise(leases))


WORKERS = some.sampled_from("abcd")


class Fleet(RuleBasedStateMachine):
    """Workers that ask, begin, give back, are lost and found dead, in any order; and a plain account of it all."""

    def __init__(self) -> None:
        super().__init__()
        self.count = 0

    @precondition(lambda self: not self.count)
    @rule(count=some.integers(1, 60), block=some.integers(1, 3))
    def begin(self, count: int, block: int) -> None:
        self.count, self.block = count, block
        self.table = LeaseTable(count, block)
        self.owner: dict[int, str] = {}  # who has a visitor now
        self.sent: dict[int, str] = {}  # who began a visitor

    @precondition(lambda self: self.count)
    @rule(worker=WORKERS, most=some.integers(1, 20))
    def ask(self, worker: str, most: int) -> None:
        lease = self.table.take(worker, most)
        if lease is None:
            return
        first, stop = lease
        assert first % self.block == 0 or first - 1 in self.owner or first - 1 in self.sent
        assert stop % self.block == 0 or stop == self.count or stop in self.owner or stop in self.sent
        assert stop - first <= max(most, self.block)
        for visitor in range(first, stop):
            assert visitor not in self.owner
            self.owner[visitor] = worker

    @precondition(lambda self: self.count)
    @rule(worker=WORKERS, share=some.floats(0, 1))
    def start_some(self, worker: str, share: float) -> None:
        """A worker begins its visitors in their order, and says how far it is."""
        mine = sorted(visitor for visitor, who in self.owner.items() if who == worker and visitor not in self.sent)
        for visitor in mine[: int(len(mine) * share)]:
            assert visitor not in self.sent
            self.sent[visitor] = worker
        floor = min((visitor for visitor in mine if visitor not in self.sent), default=self.count)
        self.table.settle(worker, floor)

    @precondition(lambda self: self.count)
    @rule(worker=WORKERS)
    def leave(self, worker: str) -> None:
        """It gives back what it has not begun: so does one whose ledger says what it began."""
        mine = sorted(visitor for visitor, who in self.owner.items() if who == worker and visitor not in self.sent)
        for first, stop in self.table.give_back(worker, compact(mine)):
            for visitor in range(first, stop):
                assert self.owner.pop(visitor) == worker
                assert visitor not in self.sent

    @invariant()
    def nobody_is_missing_and_nobody_is_there_twice(self) -> None:
        if not self.count:
            return
        free = [visitor for lease in self.table.free for visitor in range(*lease)]
        assert sorted([*free, *self.owner]) == list(range(self.count))


Fleet.TestCase.settings = settings(max_examples=60, stateful_step_count=40, deadline=None)
TestFleet = Fleet.TestCase
