"""The ledgers of a run directory read on while they are being written: what is new, and what has ended since.

What is not here: damage and whose file it is, which whoever judges the run looks at (read.py).
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path
from typing import cast

from simulator.ledger.read import Fields, ledger_files, unpacked
from simulator.ledger.write import ATTEMPT, EMPTY, HEADER_SLOTS, OPEN, SLOT

_AT_ONCE = 16_384  # slots of a file that are read together

Place = tuple[str, int]  # ledger and slot: an attempt is told of twice where it was open at first


class Tail:
    """Every attempt of a run, each as soon as it is there, and once more when it has ended."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._next: dict[str, int] = {}  # slot, by ledger
        self._open: dict[str, set[int]] = {}

    def news(self) -> Iterator[tuple[Place, Fields]]:
        """What was written since the last time, at most some thousand attempts of each ledger.

        Raises:
            OSError: a ledger cannot be read.
        """
        for path in ledger_files(self._folder):
            name = path.stem  # a part that came from another machine is a beginning of the whole
            waiting = self._open.setdefault(name, set())
            with path.open("rb", buffering=0) as file:
                descriptor = file.fileno()
                for slot in sorted(waiting):
                    fields = cast("Fields", ATTEMPT.unpack(os.pread(descriptor, SLOT, slot * SLOT)))
                    if fields[6] != OPEN:
                        waiting.remove(slot)
                        yield (name, slot), fields
                first = self._next.get(name, HEADER_SLOTS)
                piece = os.pread(descriptor, _AT_ONCE * SLOT, first * SLOT)
                for slot, fields in enumerate(unpacked(piece[: len(piece) // SLOT * SLOT]), first):
                    if fields[6] == EMPTY:
                        break
                    if fields[6] == OPEN:
                        waiting.add(slot)
                    self._next[name] = slot + 1
                    yield (name, slot), fields
