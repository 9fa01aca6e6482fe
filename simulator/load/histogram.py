"""Counts of durations in bounded memory: each within 1/64 of its value, mergeable by addition."""

from __future__ import annotations

from collections import Counter
from fractions import Fraction

_FINE = 64  # values below are kept exactly; above, each power of two has so many buckets


class Histogram:
    """Durations in whole microseconds, none below zero."""

    def __init__(self) -> None:
        self.count = 0
        self.highest = 0
        self._buckets: Counter[int] = Counter()

    def add(self, microseconds: int) -> None:
        """Count one duration; one below zero counts as zero."""
        value = max(0, microseconds)
        shift = max(0, value.bit_length() - _FINE.bit_length())
        self._buckets[shift << 8 | value >> shift] += 1
        self.count += 1
        self.highest = max(self.highest, value)

    def percentile(self, part: Fraction) -> int | None:
        """The duration that this part of all does not exceed, rounded up by at most 1/64; never above the highest.

        None without samples.
        """
        wanted = -(-self.count * part // 100) if self.count else 0
        for bucket in sorted(self._buckets):
            wanted -= self._buckets[bucket]
            if wanted <= 0:
                shift = bucket >> 8
                return min(self.highest, ((bucket & 0xFF) + 1 << shift) - 1)
        return None
