"""Whose fault it is that visitors start late: time in which every lane was taken, and no reply was there to be read.

In the open model as many requests as a process may have in flight can all be waiting for the collector. Whoever is due
then waits for a lane, and is late. That is the collector's slowness where this process had nothing to do meanwhile: its
event loop slept, since nothing had arrived. A process that is itself too slow never sleeps.
"""

from __future__ import annotations

from simulator.load.clock import Clock
from simulator.load.rest import Rest

# Of the time in which all lanes are taken, the part in which a process sleeps that could do more. One that is fully
# busy still sleeps for an instant now and then.
_ASLEEP = 0.1


class Held:
    """Told when all lanes are taken, and when one is free again."""

    def __init__(self, rest: Rest, clock: Clock) -> None:
        self._rest = rest
        self._clock = clock
        self._since_ns = 0  # all lanes are taken since then; 0: they are not
        self._asleep_ns = 0  # what the loop had slept by then

    def begin(self) -> None:
        """The last lane was taken."""
        if not self._since_ns:
            self._since_ns, self._asleep_ns = self._clock(), self._rest.asleep_ns

    def end(self) -> None:
        """A lane is free, and nobody waits for it."""
        self._since_ns = 0

    def explains(self, late_ns: int) -> bool:
        """Whether a visitor who starts now and is so late waited for the collector.

        That is so where all lanes were taken for at least half of the delay, and the process slept meanwhile.
        """
        if not self._since_ns:
            return False
        taken_ns = self._clock() - self._since_ns
        return 2 * taken_ns >= late_ns and self._rest.asleep_ns - self._asleep_ns >= _ASLEEP * taken_ns
