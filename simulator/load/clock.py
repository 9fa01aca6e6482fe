"""The clock of a sender: wall time that never jumps."""

from __future__ import annotations

import time
from collections.abc import Callable

Clock = Callable[[], int]  # nanoseconds since 1970, UTC


def steady_clock() -> Clock:
    """The wall clock as it is now, carried on by the monotonic one: setting the clock in mid-run moves nothing."""
    ahead = time.time_ns() - time.monotonic_ns()
    monotonic_ns = time.monotonic_ns

    def now() -> int:
        return monotonic_ns() + ahead

    return now
