"""The parts of one running collector: how it reads an event, where it stores it, how it counts."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import Protocol, TypeVar

from simulator.collector import ingest
from simulator.collector.ingest import BadRow, EventRow, Rules
from simulator.collector.options import CollectorOptions
from simulator.collector.store import Store
from simulator.collector.totals import Totals
from simulator.times import Ms

T = TypeVar("T")


class ReadEvent(Protocol):
    """Decoded fields to a row, as ingest.event_row does."""

    def __call__(
        self, decoded: Mapping[str, str], rules: Rules, received: Ms, request: str, *, names_tenant: bool = True
    ) -> EventRow | BadRow: ...


def now() -> Ms:
    """The collector's clock."""
    return Ms(time.time_ns() // 1_000_000)


@dataclass
class Collector:
    """The parts of one running collector. Each may be wrapped: that is how a fault is planted."""

    options: CollectorOptions
    store: Store
    totals: Totals
    read_event: ReadEvent = ingest.event_row
    decode_query: Callable[[bytes], dict[str, str]] = ingest.decode_pairs
    clock: Callable[[], Ms] = now
    _reader: ThreadPoolExecutor = field(default_factory=lambda: ThreadPoolExecutor(1, "collector-reader"))

    def __post_init__(self) -> None:
        self.rules = Rules(self.options.tenant, self.options.events)

    async def take(self, rows: list[EventRow | BadRow]) -> None:
        """Store rows, good and bad; returns when they are durable.

        Raises:
            StoreFailed: none of them is stored.
        """
        good = [row for row in rows if isinstance(row, EventRow)]
        bad = [row for row in rows if isinstance(row, BadRow)]
        await self.store.append(good, bad)

    async def read(self, work: Callable[[Totals], T]) -> T:
        """Run a reading on the reader's thread, one after another."""
        return await asyncio.get_running_loop().run_in_executor(self._reader, work, self.totals)

    def close(self) -> None:
        """Finish what is being read and written; afterwards the one file holds everything."""
        self._reader.shutdown()
        self.totals.close()
        self.store.close()
