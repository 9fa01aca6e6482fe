"""How many attempts had begun by some instant: told by a few slots of each file, whatever its length."""

from __future__ import annotations

import os
from bisect import bisect_right
from collections.abc import Sequence
from pathlib import Path
from typing import BinaryIO

from simulator.ledger.read import ledger_files
from simulator.ledger.write import ATTEMPT, EMPTY, HEADER_SLOTS, SLOT

_NEVER = 1 << 64  # after every instant


class _Slots(Sequence[int]):
    """When the attempt in each slot began; an empty one, which only others that are empty follow, never."""

    def __init__(self, file: BinaryIO) -> None:
        self._descriptor = file.fileno()
        self._length = max(os.fstat(self._descriptor).st_size // SLOT - HEADER_SLOTS, 0)

    def __len__(self) -> int:
        return self._length

    def __getitem__(self, slot: int) -> int:  # type: ignore[override]  # no slices
        fields = ATTEMPT.unpack(os.pread(self._descriptor, SLOT, (slot + HEADER_SLOTS) * SLOT))
        return _NEVER if fields[6] == EMPTY else int(fields[1])


def begun_by(folder: Path, instants: Sequence[int]) -> list[int]:
    """For each instant the number of attempts in a run directory that had begun by then (exactly then, too).

    A worker writes its intents in the order of their instants, so each file is searched by halves.

    Args:
        instants: nanoseconds since 1970, UTC.

    Order: O(files · instants · log attempts).
    """
    counts = [0] * len(instants)
    for path in ledger_files(folder):
        with path.open("rb") as file:
            slots = _Slots(file)
            for place, instant in enumerate(instants):
                counts[place] += bisect_right(slots, instant)
    return counts
