"""How visitors are dealt out: evenly, ahead of their time, in smaller leases as the end comes near."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as some

from simulator.load.dealing import Asking, deal_by_time, deal_by_want, divided
from simulator.load.leases import Lease, LeaseTable, size


def shares(dealt: list[tuple[str, Lease]]) -> dict[str, int]:
    return {name: size(lease for one, lease in dealt if one == name) for name in sorted({one for one, _ in dealt})}


def test_neighbouring_slices_go_to_different_workers() -> None:
    """A hundred visitors a second, ten milliseconds a slice: one visitor each, in turn."""
    asking = [Asking("a", 0, 0), Asking("b", 0, 0)]
    dealt = list(deal_by_time(LeaseTable(1_000), asking, 1_000, lambda k: k * 10_000, 50_000))

    assert dealt == [("a", (0, 1)), ("b", (1, 2)), ("a", (2, 3)), ("b", (3, 4)), ("a", (4, 5)), ("b", (5, 6))]


def test_a_slice_is_ten_milliseconds_of_arrivals_however_many_they_are() -> None:
    asking = [Asking("a", 0, 0), Asking("b", 0, 0)]
    dealt = list(deal_by_time(LeaseTable(100_000), asking, 100_000, lambda k: k * 100, 20_000))

    assert dealt == [("a", (0, 100)), ("b", (100, 200)), ("a", (200, 300))]


def test_a_burst_is_cut_into_slices_of_a_thousand() -> None:
    asking = [Asking("a", 0, 0), Asking("b", 0, 0)]
    dealt = list(deal_by_time(LeaseTable(2_500), asking, 2_500, lambda _: 0, 0))

    assert dealt == [("a", (0, 1_000)), ("b", (1_000, 2_000)), ("a", (2_000, 2_500))]


def test_a_worker_that_falls_behind_gets_less() -> None:
    asking = [Asking("slow", 30, 0), Asking("quick", 0, 0)]
    dealt = list(deal_by_time(LeaseTable(1_000), asking, 1_000, lambda k: k * 10_000, 490_000))

    assert shares(dealt) == {"quick": 40, "slow": 10}


def test_nobody_is_leased_before_their_time_and_nobody_to_nobody() -> None:
    table = LeaseTable(10)

    assert list(deal_by_time(table, [Asking("a", 0, 0)], 10, lambda k: 1_000_000 + k, 999_999)) == []
    assert list(deal_by_time(table, [], 10, lambda k: k, 10**9)) == []
    assert list(deal_by_want(table, [])) == []
    assert table.free == ((0, 10),)


def test_each_worker_is_filled_up_to_what_it_wants() -> None:
    table = LeaseTable(100_000)
    dealt = list(deal_by_want(table, [Asking("a", 0, 300), Asking("b", 250, 300), Asking("c", 300, 300)]))

    assert shares(dealt) == {"a": 300, "b": 50}


def test_leases_get_smaller_near_the_end_so_that_nobody_has_a_pile() -> None:
    table = LeaseTable(64)
    asking = [Asking("a", 0, 1_000), Asking("b", 0, 1_000)]
    sizes = [size([lease]) for _, lease in deal_by_want(table, asking)]

    assert sizes == [16, 12, 9, 6, 5, 4, 3, 2, 1, 1, 1, 1, 1, 1, 1]
    assert table.first_free is None


@given(some.integers(1, 300), some.integers(1, 3), some.lists(some.integers(0, 80), min_size=1, max_size=4))
def test_everybody_is_dealt_once(count: int, block: int, wants: list[int]) -> None:
    table = LeaseTable(count, block)
    dealt: list[Lease] = []
    for _ in range(count):
        asking = [Asking(str(number), 0, want + 1) for number, want in enumerate(wants)]
        dealt += [lease for _, lease in deal_by_want(table, asking)]

    assert sorted(visitor for lease in dealt for visitor in range(*lease)) == list(range(count))
    assert all(first % block == 0 for first, _ in dealt)


PLACES = [
    ("evenly", 6, ["a", "b", "c"], {"a": 2, "b": 2, "c": 2}),
    ("the first have one more", 8, ["a", "b", "c"], {"a": 3, "b": 3, "c": 2}),
    ("fewer places than workers", 1, ["a", "b"], {"a": 1, "b": 0}),
    ("nobody", 5, [], {}),
]


def test_a_worker_without_a_place_wants_nobody() -> None:
    dealt = list(deal_by_want(LeaseTable(10), [Asking("a", 0, 5), Asking("b", 0, 0)]))

    assert shares(dealt) == {"a": 5}


def test_the_places_of_the_closed_model_are_divided() -> None:
    for name, users, workers, expected in PLACES:
        assert divided(users, workers) == expected, name
