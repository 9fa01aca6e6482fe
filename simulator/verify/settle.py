"""Reading the totals until they are right and stay so, or until the deadline.

Totals pass through the right value on their way to too high, so the first right reading proves nothing: they must be
right and unchanged for a while. Clock and wait come from outside; tests use virtual time.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise

from simulator.times import Ms
from simulator.verify.readers.reading import Reading

FIRST_PAUSE = Ms(50)
LONGEST_PAUSE = Ms(1_000)

Read = Callable[[], Reading]
Surplus = Callable[[Reading], bool]
InRange = Callable[[Reading], Mapping[str, bool]]  # metric → whether every cell of it is as expected


@dataclass(frozen=True, slots=True)
class Settled:
    """The last reading, and how the totals came to it."""

    reading: Reading
    stable: bool  # right and unchanged for the quiet time; False: judged as they were at the deadline
    resting: bool  # unchanged for the quiet time, right or wrong
    reads: int
    waited: Ms  # until the end of the last look
    convergence: Mapping[str, Ms | None]  # metric → until it was right for good; None: it never was
    fell: tuple[str, ...] = ()  # what fell between two readings and never may
    # When each reading that differs from the one before was complete, with the last one that says the same.
    seen: tuple[tuple[Ms, Reading], ...] = ()


def settle(
    read: Read,
    expected_in_range: InRange,
    *,
    quiet: Ms,
    deadline: Ms,
    clock: Callable[[], Ms],
    wait: Callable[[Ms], None],
    surplus: Surplus = lambda _: False,
    rising: Sequence[str] = (),
    since: Ms | None = None,
    before: Reading | None = None,
) -> Settled:
    """Read until all metrics are in range and no total has changed for `quiet` (exactly so long is enough).

    At `deadline` after the first look it reads once more and stops, whatever the totals say. An unreadable reply is
    never right. A surplus that no waiting can mend is waited for only until it rests, so that the rest is told right.

    Args:
        surplus: whether a total is too high that can only rise.
        rising: metrics that can only rise; where one falls, `fell` says so.
        clock: milliseconds from any fixed instant, never backwards.
        wait: returns after so long.
        since: instant of that clock from which convergence and waiting count; None: the first look.
        before: the last reading of an earlier stretch, against which nothing may have fallen.
    """
    begun = clock()
    zero = begun if since is None else since
    pause = FIRST_PAUSE
    last: Reading | None = None
    reads = 0
    unchanged_since = begun
    seen: list[tuple[Ms, Reading]] = []
    fell: dict[str, None] = {}
    while True:
        invoked = clock()
        reading = read()
        completed = clock()
        reads += 1
        if last is None or not reading.says_the_same(last):
            unchanged_since = completed
            seen.append((completed, reading))
        else:
            seen[-1] = (seen[-1][0], reading)
        former = before if last is None else last
        if former is not None:
            fell.update(dict.fromkeys(fallen(former, reading, rising)))
        last = reading
        right = expected_in_range(reading)
        all_right = not reading.errors and all(right.values())
        # The totals were the same from the end of the first equal reading to the begin of this one.
        resting = reads > 1 and invoked - unchanged_since >= quiet
        if (resting and (all_right or surplus(reading))) or invoked - begun >= deadline:
            stable = all_right and resting
            right_since = converged(seen, expected_in_range, zero)
            return Settled(reading, stable, resting, reads, Ms(completed - zero), right_since, tuple(fell), tuple(seen))
        left = min(pause, begun + deadline - clock())
        if all_right:
            left = min(left, max(unchanged_since + quiet - clock(), 1))
        wait(Ms(max(left, 0)))
        pause = Ms(min(pause * 2, LONGEST_PAUSE))


def converged(seen: Sequence[tuple[Ms, Reading]], expected_in_range: InRange, zero: Ms) -> dict[str, Ms | None]:
    """Since when each metric was right for good, by readings with the instants at which they were complete.

    Args:
        seen: in their order, each different from the one before.
        zero: the instant from which the time counts.
    """
    since: dict[str, Ms | None] = {}
    for completed, reading in seen:
        for metric, is_right in expected_in_range(reading).items():
            began = since.get(metric)
            since[metric] = (Ms(completed - zero) if began is None else began) if is_right else None
    return since


def falls(readings: Sequence[Reading], metrics: Sequence[str]) -> tuple[str, ...]:
    """What fell between two readings of some in a row and never may."""
    return tuple(dict.fromkeys(fall for one, other in pairwise(readings) for fall in fallen(one, other, metrics)))


def fallen(before: Reading, now: Reading, metrics: Sequence[str]) -> Iterator[str]:
    """What is less than it was, such as "pv by source ad: 12, then 11"; a cell that is gone is 0."""
    for by in before.cells.keys() & now.cells.keys():
        for cell, values in before.cells[by].items():
            for metric in metrics:
                was, value = values.get(metric), now.cells[by].get(cell, {}).get(metric, 0)
                if was is not None and value is not None and value < was:
                    where = "in total" if by == "all" else f"by {by} {cell[:80]}"
                    yield f"{metric} {where}: {was:,}, then {value:,}"
