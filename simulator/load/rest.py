"""When the event loop rests: nothing has arrived, nobody is due, and it sleeps. A process that is too slow never does.

Two questions are answered by it. Whether visitors who wait need another connection (course.py): after a moment in which
we did not get round to anything they do not, for the replies that lie there will free those that we have. And whose
fault it is that visitors come late (held.py).
"""

from __future__ import annotations

from typing import Any

from simulator.load.clock import Clock

_SLEPT_NS = 50_000  # less than that is the way through the loop itself
_JUST_NS = 1_000_000


class Rest:
    """Watches gevent's event loop, from now on until `end`."""

    def __init__(self, loop: Any, clock: Clock) -> None:
        self.asleep_ns = 0  # altogether
        self._clock = clock
        self._slept_ns = self._woke_ns = clock()
        self._latest_ns = 0  # the latest sleep
        # The last that happens before the loop sleeps, and the first after it; in between callbacks run.
        before, after = loop.prepare(ref=False, priority=-2), loop.check(ref=False, priority=2)
        before.start(self._sleep)
        after.start(self._wake)
        self._watchers = (before, after)

    @property
    def is_just_over(self) -> bool:
        """Whether the loop slept just now: whatever has arrived until then was seen to."""
        return self._latest_ns >= _SLEPT_NS and self._clock() - self._woke_ns < _JUST_NS

    def end(self) -> None:
        """Watch no more."""
        for watcher in self._watchers:
            watcher.stop()
            watcher.close()

    def _sleep(self) -> None:
        self._slept_ns = self._clock()

    def _wake(self) -> None:
        self._woke_ns = self._clock()
        self._latest_ns = self._woke_ns - self._slept_ns
        self.asleep_ns += self._latest_ns
