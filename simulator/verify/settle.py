"""Reading the totals until they are right and stay so, or until the deadline.

Totals pass through the right value on their way to too high, so the first right reading proves nothing: they must be
right and unchanged for a while. Clock and wait come from outside; tests use virtual time.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass

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
    waited: Ms  # from the first look to the last
    convergence: Mapping[str, Ms | None]  # metric → since when it was right for good; None: it never was
    fell: tuple[str, ...] = ()  # what fell between two readings and never may


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
) -> Settled:
    """Read until all metrics are in range and no total has changed for `quiet` (exactly so long is enough).

    At `deadline` after the first look it reads once more and stops, whatever the totals say. An unreadable reply is
    never right. A surplus that no waiting can mend is waited for only until it rests, so that the rest is told right.

    Args:
        surplus: whether a total is too high that can only rise.
        rising: metrics that can only rise; where one falls, `fell` says so.
        clock: milliseconds from any fixed instant, never backwards.
        wait: returns after so long.
    """
    begun = clock()
    pause = FIRST_PAUSE
    last: Reading | None = None
    reads = 0
    unchanged_since = begun
    right_since: dict[str, Ms | None] = {}
    fell: dict[str, None] = {}
    while True:
        invoked = clock()
        reading = read()
        completed = clock()
        reads += 1
        if last is None or not reading.says_the_same(last):
            unchanged_since = completed
        if last is not None:
            fell.update(dict.fromkeys(_fallen(last, reading, rising)))
        last = reading
        right = expected_in_range(reading)
        for metric, is_right in right.items():
            since = right_since.get(metric)
            right_since[metric] = (Ms(completed - begun) if since is None else since) if is_right else None

        all_right = not reading.errors and all(right.values())
        # The totals were the same from the end of the first equal reading to the begin of this one.
        resting = reads > 1 and invoked - unchanged_since >= quiet
        if (resting and (all_right or surplus(reading))) or invoked - begun >= deadline:
            stable = all_right and resting
            return Settled(reading, stable, resting, reads, Ms(completed - begun), right_since, tuple(fell))
        left = min(pause, begun + deadline - clock())
        if all_right:
            left = min(left, max(unchanged_since + quiet - clock(), 1))
        wait(Ms(max(left, 0)))
        pause = Ms(min(pause * 2, LONGEST_PAUSE))


def _fallen(before: Reading, now: Reading, metrics: Sequence[str]) -> Iterator[str]:
    """What is less than it was, such as "pv by source ad: 12, then 11"; a cell that is gone is 0."""
    for by in before.cells.keys() & now.cells.keys():
        for cell, values in before.cells[by].items():
            for metric in metrics:
                was, value = values.get(metric), now.cells[by].get(cell, {}).get(metric, 0)
                if was is not None and value is not None and value < was:
                    where = "in total" if by == "all" else f"by {by} {cell[:80]}"
                    yield f"{metric} {where}: {was:,}, then {value:,}"
