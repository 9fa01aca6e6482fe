"""Latencies in buckets of growing width: small, mergeable, and never larger than what was measured."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from fractions import Fraction
from typing import Any

_BITS = 7
_EXACT = 1 << (_BITS + 1)  # below this each microsecond has a bucket of its own


class Histogram:
    """Counts of whole microseconds; a percentile is at most 1 % above the true one, and never above the maximum."""

    __slots__ = ("_buckets", "count", "largest", "total")

    def __init__(self, values: Iterable[int] = ()) -> None:
        self._buckets: dict[int, int] = {}
        self.count = 0
        self.total = 0  # sum of all values
        self.largest = 0
        self.add_all(values)

    def add(self, microseconds: int) -> None:
        """Count one latency; a negative one, from a clock that was set back, counts as 0."""
        self._add(max(microseconds, 0), 1)

    def add_all(self, values: Iterable[int]) -> None:
        """Count many latencies at once, as `add` would one by one; equal ones cost little."""
        for value, times in Counter(values).items():
            self._add(max(value, 0), times)

    def _add(self, value: int, times: int) -> None:
        bucket = _bucket(value)
        self._buckets[bucket] = self._buckets.get(bucket, 0) + times
        self.count += times
        self.total += value * times
        self.largest = max(self.largest, value)

    def merge(self, other: Histogram) -> None:
        """Count all that another one counted."""
        for bucket, count in other._buckets.items():
            self._buckets[bucket] = self._buckets.get(bucket, 0) + count
        self.count += other.count
        self.total += other.total
        self.largest = max(self.largest, other.largest)

    def as_json(self) -> dict[str, Any]:
        """As it travels between processes."""
        buckets = [list(pair) for pair in sorted(self._buckets.items())]
        return {"buckets": buckets, "total": self.total, "largest": self.largest}

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> Histogram:
        """The inverse of `as_json`.

        Raises:
            ValueError, TypeError, KeyError: it is none.
        """
        made = cls()
        made._buckets = {int(bucket): int(count) for bucket, count in data["buckets"]}
        if any(bucket < 0 or count < 1 for bucket, count in made._buckets.items()):
            raise ValueError("a bucket and its count are positive")
        made.count = sum(made._buckets.values())
        made.total, made.largest = int(data["total"]), int(data["largest"])
        return made

    def percentile(self, percent: Fraction | int) -> int | None:
        """The least value that at least so many percent of the latencies do not exceed; None without samples.

        100 is the exact maximum.

        Raises:
            ValueError: not above 0 and up to 100.
        """
        if not 0 < percent <= 100:
            raise ValueError(f"a percentile is above 0 and at most 100, not {percent}")
        if not self.count:
            return None
        rank = -(-Fraction(percent) * self.count // 100)
        seen = 0
        for bucket in sorted(self._buckets):
            seen += self._buckets[bucket]
            if seen >= rank:
                return min(_highest(bucket), self.largest)
        return self.largest


def _bucket(value: int) -> int:
    """Buckets are numbered in the order of their values; each is 1/128 of its lowest value wide, at most."""
    if value < _EXACT:
        return value
    shift = value.bit_length() - _BITS - 1
    return (shift << _BITS) + (value >> shift)


def _highest(bucket: int) -> int:
    """The highest value in a bucket."""
    if bucket < _EXACT:
        return bucket
    shift = (bucket >> _BITS) - 1
    return (((bucket - (shift << _BITS)) + 1) << shift) - 1
