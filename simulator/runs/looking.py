"""Looking at a collector until list, count and totals are of one moment; or saying that they never were.

What an attempt allows is known at once, what is stored only when it has come. Totals may be held against the listed
events only where nothing can have come between: the list was taken, then the totals rested, then the list had no more.
Where that never was so the totals are held against the ledger alone, which holds at every moment, and prove nothing.

What is looked at comes from outside, with the clock; tests use virtual time.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Protocol

from simulator.contract import Contract
from simulator.runs.counting import Counted
from simulator.scenario.model import Expect
from simulator.times import Ms
from simulator.verify.judging import has_surplus, in_range, rising
from simulator.verify.oracle import Expectations
from simulator.verify.readers.interfaces import Others
from simulator.verify.readers.reading import Reading
from simulator.verify.settle import FIRST_PAUSE, LONGEST_PAUSE, InRange, Settled, Surplus, converged, settle

MOST_LOOKS = 4  # at a list that still grows after the deadline


class Collector(Protocol):
    """A collector as a run is judged by it."""

    def count(self) -> Counted:
        """List the stored events, and count the run with them."""
        ...

    def grew(self, counted: Counted) -> bool:
        """Whether there is more in the list than was counted, or nobody can tell; never where nothing is listed."""
        ...

    def read(self) -> Reading:
        """All that it says."""
        ...

    def since(self, reading: Reading) -> Reading:
        """What of it is of the run."""
        ...

    def others(self, reading: Reading) -> Others:
        """What its other interfaces say of the same."""
        ...


@dataclass(frozen=True, slots=True)
class Looked:
    """The last count, and the reading that belongs to it."""

    counted: Counted  # by event only where the reading is of the same moment
    settled: Settled  # with what was read of the run
    at_rest: Reading | None  # all that the collector says, of one moment; None: its totals never rested
    still_growing: bool  # more was stored after every count
    others: Others | None = None  # what its other interfaces say, of the same moment; None: there was none


def look(
    collector: Collector,
    contract: Contract,
    expect: Expect,
    *,
    clock: Callable[[], Ms],
    wait: Callable[[Ms], None],
    last_reply: Ms | None = None,
    before: Reading | None = None,
) -> Looked:
    """Count and read until both are of one moment and right, or the deadline has come.

    While acked events are missing in the list, and while the totals are not what the list comes to, there is time until
    the deadline. A list that grows is looked at again as long as there is time, and a few times after.

    Args:
        clock: milliseconds from any fixed instant, never backwards.
        wait: returns after so long.
        last_reply: instant of that clock from which convergence counts; None: the begin.
        before: the last reading while the run was sent, against which nothing may have fallen.
    """
    began = clock()
    zero = began if last_reply is None else last_reply

    def left() -> Ms:
        return Ms(max(began + contract.deadline - clock(), 0))

    def right(counted: Expectations) -> InRange:
        return lambda reading: in_range(counted, collector.since(reading), expect)

    def surplus(counted: Expectations) -> Surplus:
        return lambda reading: has_surplus(counted, collector.since(reading), expect, only_rise)

    def settled(counted: Expectations, deadline: Ms, before: Reading | None = None) -> Settled:
        return settle(
            collector.read,
            right(counted),
            quiet=contract.quiet,
            deadline=deadline,
            clock=clock,
            wait=wait,
            surplus=surplus(counted),
            rising=only_rise,
            since=zero,
            before=before,
        )

    only_rise = rising(contract)
    counted = collector.count()
    found = settled(counted.by_ledger, contract.deadline, before)
    looks = 0  # after the deadline
    pause = FIRST_PAUSE
    while True:
        grows = collector.grew(counted)
        may_come = bool(left()) and counted.found is not None and counted.found.count("lost") > 0
        good = found.resting and all(right(counted.expectations)(found.reading).values())
        # Neither time nor a longer list can mend it.
        spoiled = found.resting and surplus(counted.by_ledger)(found.reading)
        if not (grows or may_come) and (good or spoiled or not left()):
            break
        looks += not left()
        if looks > MOST_LOOKS:
            break
        if may_come:
            wait(left())
        if grows or may_come:
            counted = collector.count()
        else:
            wait(min(pause, left()))
            pause = Ms(min(2 * pause, LONGEST_PAUSE))
        # Twice the quiet time is enough to see whether the totals rest, whatever time is left.
        time_left = Ms(max(left(), 2 * contract.quiet))
        found = _joined(found, settled(counted.expectations, time_left, found.reading))
    if grows:
        # Whatever is listed after the reading holds all that may have been in it.
        counted = collector.count()
    if grows or not found.resting:
        counted = replace(counted, by_event=None)
    at_rest = found.reading if found.resting else None
    others = None if grows or at_rest is None else _others(collector, counted, at_rest)
    found = replace(
        found,
        reading=collector.since(found.reading),
        stable=found.stable and not grows,
        convergence=converged(found.seen, right(counted.expectations), zero),
    )
    return Looked(counted, found, at_rest, grows, others)


def _others(collector: Collector, counted: Counted, at_rest: Reading) -> Others | None:
    """Between two equal readings, and with nothing new in the list, everything is of one moment."""
    others = collector.others(at_rest)
    same = collector.read().says_the_same(at_rest) and not collector.grew(counted)
    return others if same else None


def _joined(first: Settled, second: Settled) -> Settled:
    """Two stretches of reading as one."""
    earlier, seen = first.seen, second.seen
    if seen[0][1].says_the_same(first.reading):
        earlier, seen = earlier[:-1], ((earlier[-1][0], seen[0][1]), *seen[1:])
    return replace(
        second,
        reads=first.reads + second.reads,
        fell=tuple(dict.fromkeys((*first.fell, *second.fell))),
        seen=(*earlier, *seen),
    )
