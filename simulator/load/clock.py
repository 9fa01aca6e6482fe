"""The clock of a sender: wall time that never jumps."""

from __future__ import annotations

import time
from collections.abc import Callable

Clock = Callable[[], int]  # nanoseconds since 1970, UTC


def wall_ahead_ns() -> int:
    """How far wall time is ahead of this machine's monotonic clock, which all of its processes share."""
    return time.time_ns() - time.monotonic_ns()


def steady_clock(ahead_ns: int | None = None) -> Clock:
    """The wall clock as it is now, carried on by the monotonic one: setting the clock in mid-run moves nothing.

    Args:
        ahead_ns: what `wall_ahead_ns` said, here or in another process of this machine; None: what it says now.
    """
    ahead = wall_ahead_ns() if ahead_ns is None else ahead_ns
    monotonic_ns = time.monotonic_ns

    def now() -> int:
        return monotonic_ns() + ahead

    return now
