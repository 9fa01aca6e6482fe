"""Independent random streams that are the same in any process, on any machine, in any Python.

The words are BLAKE2b in counter mode over the labels, so a stream costs nothing until it is drawn from, and a draw
added in one place never moves another. Python's own `random` promises stability for `random()` alone.
"""

from __future__ import annotations

import struct
from bisect import bisect_right
from collections.abc import Callable, Iterable
from functools import lru_cache
from hashlib import blake2b
from itertools import accumulate

_WORDS = struct.Struct("<8Q")
_TOP = 1 << 64
_MASK = _TOP - 1
_KEYS = struct.Struct("<4Q")
_BLOCKS = tuple(block.to_bytes(8, "little") for block in range(16))
# Odd constants of MurmurHash3's 64-bit finaliser: every bit of what goes in moves every bit of what comes out.
_MIX, _MIX_AGAIN = 0xFF51AFD7ED558CCD, 0xC4CEB9FE1A85EC53


def _text(label: str | int) -> bytes:
    # The length in front of each label keeps ("a", "bc") apart from ("ab", "c").
    part = str(label)
    return f"{len(part)}:{part}".encode()


@lru_cache(maxsize=4_096)
def _begun(labels: tuple[str | int, ...]) -> Callable[[], blake2b]:
    """Makes copies of the hash over all labels but the last, which is the one that differs from draw to draw."""
    return blake2b(b"".join(map(_text, labels)), digest_size=32).copy


class Stream:
    """Draws for one purpose; equal labels give equal draws."""

    __slots__ = ("_block", "_key", "_words")

    def __init__(self, *labels: str | int) -> None:
        hashed = _begun(labels[:-1])()
        hashed.update(_text(labels[-1]))
        self._key = hashed.digest()
        self._block = 0
        self._words: list[int] = []

    def word(self) -> int:
        """A uniform integer in [0, 2**64)."""
        words = self._words
        if not words:
            block = self._block
            counter = _BLOCKS[block] if block < 16 else block.to_bytes(8, "little")
            words = self._words = list(_WORDS.unpack(blake2b(counter, key=self._key).digest()))
            self._block = block + 1
        return words.pop()

    def below(self, bound: int) -> int:
        """A uniform integer in [0, bound), without modulo bias.

        Raises:
            ValueError: bound is not in 1..2**64.
        """
        if not 1 <= bound <= _TOP:
            raise ValueError(f"bound must be in 1..2**64, not {bound}")
        while True:
            word = self.word()
            drawn = word % bound
            if word - drawn + bound <= _TOP:  # the word lies in a whole stretch of `bound` numbers
                return drawn

    def between(self, low: int, high: int) -> int:
        """A uniform integer in [low, high], both included."""
        return low + self.below(high - low + 1)

    def unit(self) -> float:
        """A uniform float in [0, 1), of 53 bits."""
        return (self.word() >> 11) * 2.0**-53

    def chance(self, parts_per_million: int) -> bool:
        """True with a probability given in millionths, so that 100 % is always and 0 % never."""
        return self.below(1_000_000) < parts_per_million

    def pick(self, weights: Weights) -> int:
        """The index of one weight, drawn in proportion to it.

        Raises:
            ValueError: no weight is above zero.
        """
        return bisect_right(weights.sums, self.below(weights.total))


class Weights:
    """Whole numbers in proportion to which one of several things is drawn."""

    __slots__ = ("sums", "total")

    def __init__(self, weights: Iterable[int]) -> None:
        self.sums = tuple(accumulate(weights))
        self.total = self.sums[-1] if self.sums else 0


def scramble(number: int, size: int, *labels: str | int) -> int:
    """A bijection of 0..size-1 chosen by the labels: equal results only for equal numbers.

    A four-round Feistel network over the smallest even number of bits, walked until it lands inside. It scatters;
    it keeps no secret.

    Raises:
        ValueError: number is not in 0..size-1.
    """
    if not 0 <= number < size:
        raise ValueError(f"{number} is not in 0..{size - 1}")
    keys, half = _rounds(size, labels)
    low = (1 << half) - 1
    value = number
    while True:
        left, right = value >> half, value & low
        for key in keys:
            mixed = ((right ^ key) * _MIX) & _MASK
            mixed = ((mixed ^ mixed >> 33) * _MIX_AGAIN) & _MASK
            left, right = right, left ^ ((mixed ^ mixed >> 33) & low)
        value = left << half | right
        if value < size:
            return value


@lru_cache(maxsize=256)
def _rounds(size: int, labels: tuple[str | int, ...]) -> tuple[tuple[int, ...], int]:
    """The keys of the four rounds, and the bits of half a number."""
    digest = blake2b(b"".join(map(_text, labels)), digest_size=32).digest()
    return _KEYS.unpack(digest), max(1, ((size - 1).bit_length() + 1) // 2)
