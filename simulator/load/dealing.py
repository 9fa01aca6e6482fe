"""How the master deals visitors out to its workers: evenly, a little ahead, in leases small enough to balance.

Open model: the visitors of the next few seconds, in slices of some milliseconds of arrivals. Neighbouring slices go to
different workers, so none of them gets a burst, and each next one to who has the fewest ahead, so a worker that falls
behind gets less. Closed model and flood: each is filled up to what it wants to have ahead; leases get smaller as the
end comes near, so that no worker has a pile while the others have nothing.

Who asks is a worker that was heard of just now: a lease to one that is gone would be a hole.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

from simulator.load.leases import Lease, LeaseTable, size
from simulator.load.numbers import first_number

AHEAD_US = 4_000_000  # visitors of the open model are leased so long before they come; agenda.py plans them 2 s before
_SLICE_US = 10_000  # of arrivals in one lease of the open model
_MOST = 1_000  # visitors in one lease


@dataclass(slots=True)
class Asking:
    """A worker that can be dealt visitors."""

    name: str
    ahead: int  # leased to it and not begun
    want: int  # it wants to have so many ahead; the open model goes by time instead


def deal_by_time(
    table: LeaseTable, asking: Sequence[Asking], count: int, arrival_us: Callable[[int], int], until_us: int
) -> Iterator[tuple[str, Lease]]:
    """Lease everybody who arrives up to an instant.

    Args:
        count: of visitors; `arrival_us` tells of each of them when they arrive, in ascending order.
    """
    while asking and (first := table.first_free) is not None:
        arrives = arrival_us(first)
        if arrives > until_us:
            return
        most = min(_MOST, count - first)
        worker = min(asking, key=lambda one: one.ahead)
        lease = table.take(worker.name, _arriving(arrival_us, first, most, arrives + _SLICE_US))
        assert lease is not None, "somebody was free"
        worker.ahead += size([lease])
        yield worker.name, lease


def _arriving(arrival_us: Callable[[int], int], first: int, most: int, end_us: int) -> int:
    """How many visitors, from one on, arrive before an instant."""
    return first_number(most, lambda n: arrival_us(first + n) >= end_us)


def deal_by_want(table: LeaseTable, asking: Sequence[Asking]) -> Iterator[tuple[str, Lease]]:
    """Lease to each worker what it lacks, the neediest first."""
    while asking and table.first_free is not None:
        worker = max(asking, key=lambda one: (one.want - one.ahead) / max(one.want, 1))
        lacks = worker.want - worker.ahead
        if lacks <= 0:
            return
        share = size(table.free) // (2 * len(asking))
        lease = table.take(worker.name, max(1, min(lacks, share, _MOST)))
        assert lease is not None, "somebody was free"
        worker.ahead += size([lease])
        yield worker.name, lease


def divided(users: int, workers: Sequence[str]) -> dict[str, int]:
    """The places of the closed model, as even as can be."""
    each, more = divmod(users, len(workers)) if workers else (0, 0)
    return {name: each + (number < more) for number, name in enumerate(workers)}
