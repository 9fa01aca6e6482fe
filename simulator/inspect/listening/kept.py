"""The latest entries, bounded in number and bytes, and those who wait for the next."""

from __future__ import annotations

import asyncio
from collections import OrderedDict
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import islice

from simulator.inspect.listening.entry import Entry, weight

MOST_ENTRIES = 5_000
MOST_BYTES = 64 << 20


class Kept:
    """A ring of entries. One that was answered later takes the place of the one without an answer."""

    def __init__(self, most_entries: int = MOST_ENTRIES, most_bytes: int = MOST_BYTES) -> None:
        self._most_entries = most_entries
        self._most_bytes = most_bytes
        # By number, in the order of their last change; with the version of that, and about how many bytes they take.
        self._entries: OrderedDict[int, tuple[Entry, int, int]] = OrderedDict()
        self._bytes = 0
        self._waiting: set[asyncio.Event] = set()
        self.version = 0  # counts changes
        self.dropped = 0  # entries that are no longer here

    def __len__(self) -> int:
        return len(self._entries)

    def put(self, entry: Entry) -> None:
        """Keep an entry, or its later form; the oldest make room."""
        before = self._entries.pop(entry.number, None)
        if before is not None:
            self._bytes -= before[2]
        size = weight(entry)
        self.version += 1
        self._entries[entry.number] = (entry, self.version, size)
        self._bytes += size
        while len(self._entries) > self._most_entries or (self._bytes > self._most_bytes and len(self._entries) > 1):
            _, (_, _, of_oldest) = self._entries.popitem(last=False)
            self._bytes -= of_oldest
            self.dropped += 1
        self.wake()

    def get(self, number: int) -> Entry | None:
        """An entry by its number; None: it is no longer here, or never was."""
        found = self._entries.get(number)
        return None if found is None else found[0]

    def since(self, version: int, most: int) -> list[Entry]:
        """What changed after a version, the latest `most` of it, in the order of the changes."""
        changed = [entry for entry, _, _ in islice(self._changed(version), most)]
        return changed[::-1]

    def _changed(self, version: int) -> Iterator[tuple[Entry, int, int]]:
        for one in reversed(self._entries.values()):
            if one[1] <= version:
                return
            yield one

    @contextmanager
    def waiting(self) -> Iterator[asyncio.Event]:
        """An event that is set when something changes."""
        event = asyncio.Event()
        self._waiting.add(event)
        try:
            yield event
        finally:
            self._waiting.discard(event)

    def wake(self) -> None:
        """Wake whoever waits."""
        for event in self._waiting:
            event.set()
