"""How far another machine's clock is ahead of ours, and how well that is known.

An echo: we send at t0, the other reads its clock t1 before it answers, the answer is here at t2. Whatever the way there
and back took, and however unequally, the other's clock is ahead by at least t1 - t2 and at most t1 - t0. Each echo cuts
down what is possible; the one with the shortest way cuts most. Between two echoes it grows again by what clocks drift.
"""

from __future__ import annotations

# A quartz is right to 100 ppm; a clock that is being set right over the network is moved by up to 500 ppm (adjtimex).
_DRIFT_PPM = 600


class Offset:
    """What is possible, in nanoseconds, after the echoes so far."""

    def __init__(self) -> None:
        self.echoes = 0
        self._low = 0  # the other's clock minus ours
        self._high = 0
        self._at_ns = 0  # of the last echo, by our clock
        self._applied: int | None = None
        self._worst_ns = 0

    @property
    def is_applied(self) -> bool:
        return self._applied is not None

    @property
    def ahead_ns(self) -> int:
        """The best guess, the middle of what is possible; once it is applied, that one."""
        if self._applied is not None:
            return self._applied
        return (self._low + self._high) // 2

    @property
    def bound_ns(self) -> int:
        """The most by which the guess is off; once it is applied, the most by which it ever was."""
        if self._applied is not None:
            return self._worst_ns
        return self._high - self.ahead_ns

    def add(self, sent_ns: int, there_ns: int, back_ns: int) -> None:
        """Take an echo. One that cannot be (it came back before it was sent) is passed over."""
        if back_ns < sent_ns:
            return
        meanwhile = _drift(back_ns - sent_ns)
        low, high = there_ns - back_ns - meanwhile, there_ns - sent_ns + meanwhile
        if self.echoes:
            drift = _drift(back_ns - self._at_ns)
            self._low, self._high = self._low - drift, self._high + drift
            self._note_worst()  # what was possible just before this echo
        if self.echoes and max(low, self._low) <= min(high, self._high):
            self._low, self._high = max(low, self._low), min(high, self._high)
        else:
            # Outside of what was possible: somebody has set a clock, and what was known of it is void.
            self._low, self._high = low, high
        self.echoes += 1
        self._at_ns = back_ns
        self._note_worst()

    def apply(self) -> int:
        """Set the other's clock right by the best guess from now on; returns by how much it is ahead."""
        if self._applied is None:
            self._applied = self.ahead_ns
            self._note_worst()
        return self._applied

    def _note_worst(self) -> None:
        if self._applied is not None:
            off = max(abs(self._low - self._applied), abs(self._high - self._applied))
            self._worst_ns = max(self._worst_ns, off)


def _drift(length_ns: int) -> int:
    return length_ns * _DRIFT_PPM // 1_000_000 + 1
