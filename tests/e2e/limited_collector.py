"""The embedded collector with a capacity: `limited_collector.py EVENTS_PER_SECOND --db FILE …`.

It answers one event after another, each at the earliest 1/N s after the one before, and lets the rest wait in a queue:
past its capacity it grows slow, and stays right. What it missed while the machine had no time for it, it catches up.
"""

from __future__ import annotations

import asyncio
import sys
from functools import partial

from simulator.collector.__main__ import parse
from simulator.collector.ingest import BadRow, EventRow
from simulator.collector.options import CollectorOptions
from simulator.collector.parts import Collector
from simulator.collector.server import collector, serve
from simulator.collector.store import Store
from simulator.collector.totals import Totals

_CATCHES_UP = 0.5  # seconds of its capacity


class Limited(Collector):
    """Stores at most so many events a second."""

    def __init__(self, options: CollectorOptions, store: Store, totals: Totals, per_second: float) -> None:
        super().__init__(options, store, totals)
        self._gap = 1 / per_second
        self._free = 0.0  # when the next event may be stored, on the loop's clock

    async def take(self, rows: list[EventRow | BadRow]) -> None:
        now = asyncio.get_running_loop().time()
        turn = max(now - _CATCHES_UP, self._free)
        self._free = turn + self._gap * len(rows)
        await asyncio.sleep(max(turn - now, 0))
        await super().take(rows)


def build(options: CollectorOptions, per_second: float) -> Collector:
    """The honest parts behind a queue."""
    honest = collector(options)
    return Limited(options, honest.store, honest.totals, per_second)


if __name__ == "__main__":
    serve(parse(sys.argv[2:]), partial(build, per_second=float(sys.argv[1])))
