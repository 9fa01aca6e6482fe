"""Independent random streams that are the same in any process, on any machine, in any Python.

The words are BLAKE2b in counter mode over the labels, so a stream costs nothing until it is drawn from, and a draw
added in one place never moves another. Python's own `random` promises stability for `random()` alone.
"""

from __future__ import annotations

import struct
from collections.abc import Sequence
from hashlib import blake2b

_WORDS = struct.Struct("<8Q")
_TOP = 1 << 64


class Stream:
    """Draws for one purpose; equal labels give equal draws."""

    __slots__ = ("_block", "_key", "_words")

    def __init__(self, *labels: str | int) -> None:
        # The length in front of each label keeps ("a", "bc") apart from ("ab", "c").
        text = "".join(f"{len(part)}:{part}" for part in map(str, labels))
        self._key = blake2b(text.encode(), digest_size=32).digest()
        self._block = 0
        self._words: list[int] = []

    def word(self) -> int:
        """A uniform integer in [0, 2**64)."""
        if not self._words:
            digest = blake2b(self._block.to_bytes(8, "little"), key=self._key).digest()
            self._words = list(_WORDS.unpack(digest))
            self._block += 1
        return self._words.pop()

    def below(self, bound: int) -> int:
        """A uniform integer in [0, bound), without modulo bias.

        Raises:
            ValueError: bound is not in 1..2**64.
        """
        if not 1 <= bound <= _TOP:
            raise ValueError(f"bound must be in 1..2**64, not {bound}")
        limit = _TOP - _TOP % bound
        while (word := self.word()) >= limit:
            pass
        return word % bound

    def between(self, low: int, high: int) -> int:
        """A uniform integer in [low, high], both included."""
        return low + self.below(high - low + 1)

    def unit(self) -> float:
        """A uniform float in [0, 1), of 53 bits."""
        return (self.word() >> 11) * 2.0**-53

    def chance(self, parts_per_million: int) -> bool:
        """True with a probability given in millionths, so that 100 % is always and 0 % never."""
        return self.below(1_000_000) < parts_per_million

    def weighted(self, weights: Sequence[int]) -> int:
        """The index of one weight, drawn in proportion to it.

        Raises:
            ValueError: no weight is above zero.
        """
        point = self.below(sum(weights))
        for index, weight in enumerate(weights):
            point -= weight
            if point < 0:
                return index
        raise AssertionError("unreachable: the point lies below the sum")


def scramble(number: int, size: int, *labels: str | int) -> int:
    """A bijection of 0..size-1 chosen by the labels: equal results only for equal numbers.

    A four-round Feistel network over the smallest even number of bits, walked until it lands inside.

    Raises:
        ValueError: number is not in 0..size-1.
    """
    if not 0 <= number < size:
        raise ValueError(f"{number} is not in 0..{size - 1}")
    half = max(1, ((size - 1).bit_length() + 1) // 2)
    mask = (1 << half) - 1
    text = "".join(f"{len(part)}:{part}" for part in map(str, labels))
    key = blake2b(text.encode(), digest_size=32).digest()
    value = number
    while True:
        left, right = value >> half, value & mask
        for turn in range(4):
            material = right.to_bytes(16, "little") + bytes([turn])
            mixed = int.from_bytes(blake2b(material, key=key, digest_size=16).digest(), "little")
            left, right = right, left ^ (mixed & mask)
        value = left << half | right
        if value < size:
            return value
