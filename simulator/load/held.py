"""Whose fault it is that visitors start late: time in which every lane was taken, and no reply was there to be read.

In the open model as many requests as a process may have in flight can all be waiting for the collector. Whoever is due
then waits for a lane, and is late. That is the collector's slowness where this process had nothing to do meanwhile: its
event loop slept, since nothing had arrived. A process that is itself too slow never sleeps.
"""

from __future__ import annotations

from typing import Any

from simulator.load.clock import Clock

# Of the time in which all lanes are taken, the part in which a process sleeps that could do more. One that is fully
# busy still sleeps for an instant now and then.
_ASLEEP = 0.1


class Held:
    """Watches the event loop while all lanes are taken.

    Args:
        loop: gevent's.
    """

    def __init__(self, loop: Any, clock: Clock) -> None:
        self._loop = loop
        self._clock = clock
        self._since_ns = 0  # all lanes are taken since then; 0: they are not
        self._asleep_ns = 0  # of the time since then
        self._slept_ns = 0  # it sleeps since then; 0: it does not
        self._watchers: tuple[Any, Any] | None = None

    def begin(self) -> None:
        """The last lane was taken."""
        if self._watchers is not None:
            return
        self._since_ns, self._asleep_ns, self._slept_ns = self._clock(), 0, 0
        # The last that happens before the loop sleeps, and the first after it; in between callbacks run.
        before, after = self._loop.prepare(ref=False, priority=-2), self._loop.check(ref=False, priority=2)
        before.start(self._sleep)
        after.start(self._wake)
        self._watchers = (before, after)

    def end(self) -> None:
        """A lane is free, and nobody waits for it."""
        if self._watchers is None:
            return
        for watcher in self._watchers:
            watcher.stop()
            watcher.close()
        self._watchers = None
        self._since_ns = 0

    def explains(self, late_ns: int) -> bool:
        """Whether a visitor who starts now and is so late waited for the collector.

        That is so where all lanes were taken for at least half of the delay, and the process slept meanwhile.
        """
        if not self._since_ns:
            return False
        taken_ns = self._clock() - self._since_ns
        return 2 * taken_ns >= late_ns and self._asleep_ns >= _ASLEEP * taken_ns

    def _sleep(self) -> None:
        self._slept_ns = self._clock()

    def _wake(self) -> None:
        if self._slept_ns:
            self._asleep_ns += self._clock() - self._slept_ns
            self._slept_ns = 0
