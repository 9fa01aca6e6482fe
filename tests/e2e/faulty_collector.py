"""The embedded collector with one fault planted around its parts: `faulty_collector.py FAULT --db FILE …`."""

from __future__ import annotations

import asyncio
import json
import sqlite3
import sys
import time
from collections.abc import Callable
from itertools import count
from typing import TypeVar

from starlette.requests import Request
from starlette.responses import JSONResponse

from simulator.collector import listing
from simulator.collector.__main__ import parse
from simulator.collector.ingest import BadRow, EventRow
from simulator.collector.monitor import Monitor
from simulator.collector.openapi import OpenApi
from simulator.collector.options import CollectorOptions
from simulator.collector.parts import Collector
from simulator.collector.server import collector, serve
from simulator.collector.totals import Totals
from simulator.collector.web import Refused

T = TypeVar("T")
Rows = list[EventRow | BadRow]


class LosesOne(Collector):
    """The hundredth view is answered and never stored."""

    async def take(self, rows: Rows) -> None:
        await super().take([row for row in rows if not (_is_view(row) and next(_views) == 100)])


class CountsOneTwice(Collector):
    """The hundredth view is stored again under another id."""

    async def take(self, rows: Rows) -> None:
        again = [
            row._replace(sameness=None)
            for row in rows
            if isinstance(row, EventRow) and _is_view(row) and next(_views) == 100
        ]
        await super().take([*rows, *again])


class SwapsSources(Collector):
    """Two sources are stored under each other's name."""

    async def take(self, rows: Rows) -> None:
        swapped = {"moments_ad": "share", "share": "moments_ad"}
        await super().take(
            [
                row._replace(source=swapped.get(row.source, row.source)) if isinstance(row, EventRow) else row
                for row in rows
            ]
        )


class LosesOthersOpens(Collector):
    """In each namespace the opens of the first device are stored, and nobody else's."""

    async def take(self, rows: Rows) -> None:
        await super().take([row for row in rows if not (isinstance(row, EventRow) and _is_open_of_another(row))])


class LosesWhatComesTogether(Collector):
    """What comes while another event is being stored is answered and never stored."""

    async def take(self, rows: Rows) -> None:
        if _storing:
            return
        _storing.append(rows)
        try:
            await asyncio.sleep(0.05)  # long enough for others to come
            await super().take(rows)
        finally:
            _storing.clear()


class RefusesSome(Collector):
    """Three of ten events are refused with 403 and not stored; the others are counted rightly."""

    async def take(self, rows: Rows) -> None:
        if next(_takes) % 10 in {2, 5, 8}:
            raise Refused(403, "not today")
        await super().take(rows)


class FailsAfterStoring(Collector):
    """Three of ten events are stored and counted rightly, and answered 503."""

    async def take(self, rows: Rows) -> None:
        await super().take(rows)
        if next(_takes) % 10 in {2, 5, 8}:
            raise Refused(503, "overloaded, try again")


class FailsAndLosesOne(Collector):
    """The same, but one view that is answered 200 is never stored."""

    async def take(self, rows: Rows) -> None:
        fails = next(_takes) % 10 in {2, 5, 8}
        if not fails and any(_is_view(row) and next(_views) == 100 for row in rows):
            return
        await super().take(rows)
        if fails:
            raise Refused(503, "overloaded, try again")


class ForgetsBad(Collector):
    """No malformed event after the fifteenth is kept."""

    async def take(self, rows: Rows) -> None:
        await super().take([row for row in rows if not (isinstance(row, BadRow) and next(_bad) > 15)])


class StoresLater(Collector):
    """Each event is answered at once, and stored two seconds later."""

    async def take(self, rows: Rows) -> None:
        _tasks.add(asyncio.create_task(self._later(rows)))

    async def _later(self, rows: Rows) -> None:
        await asyncio.sleep(2)
        await super().take(rows)


class CountsMoreAtFirst(Collector):
    """For two and a half seconds from the first look at any of them, visitors are thirty more than they are."""

    async def read(self, work: Callable[[Totals], T]) -> T:
        said = await super().read(work)
        if isinstance(said, dict) and "" in said and said[""]["uv"]:
            began = _began.setdefault("first look", time.monotonic())
            said[""]["uv"] += 30 * (time.monotonic() - began < 2.5)
        return said


FAULTS = {
    "loses-one": LosesOne,
    "counts-one-twice": CountsOneTwice,
    "swaps-sources": SwapsSources,
    "loses-others-opens": LosesOthersOpens,
    "loses-what-comes-together": LosesWhatComesTogether,
    "refuses-some": RefusesSome,
    "fails-after-storing": FailsAfterStoring,
    "fails-after-storing-and-loses-one": FailsAndLosesOne,
    "another-trend": Collector,
    "counts-fewer-bad": Collector,
    "lists-nothing": Collector,
    "stores-later": StoresLater,
    "counts-more-at-first": CountsMoreAtFirst,
    "lists-nothing-and-forgets-bad": ForgetsBad,
}
_views = count(1)
_takes = count(1)
_bad = count(1)
_tasks: set[asyncio.Task[None]] = set()  # kept, so that none of them is forgotten
_began: dict[str, float] = {}
_storing: list[Rows] = []


_first: dict[str, str | None] = {}  # namespace → the device that opened first


def _is_open_of_another(row: EventRow) -> bool:
    namespace = (row.sameness or "").partition(".")[0]
    return row.name == "mini_program_open" and _first.setdefault(namespace, row.anonymous_id) != row.anonymous_id


def _is_view(row: EventRow | BadRow) -> bool:
    return isinstance(row, EventRow) and row.name == "mini_program_view"


async def _another_trend(self: OpenApi, request: Request) -> JSONResponse:
    """One view more than is counted anywhere else."""
    said = json.loads(bytes((await _trend(self, request)).body))
    said["list"][0]["visit_pv"] += 1
    return JSONResponse(said)


def _fewer_bad(connection: sqlite3.Connection) -> dict[str, int]:
    found = _counts(connection)
    return {**found, "bad": max(found["bad"] - 1, 0), "total": max(found["total"] - 1, 0)}


async def _not_listed(_: Monitor, __: Request) -> JSONResponse:
    raise Refused(404, "no such thing")


_trend, _counts = OpenApi.daily_visit_trend, listing.counts


def plant(fault: str) -> None:
    """Faults of an interface, not of a part."""
    if fault == "another-trend":
        OpenApi.daily_visit_trend = _another_trend  # type: ignore[method-assign]
    if fault == "counts-fewer-bad":
        listing.counts = _fewer_bad
    if fault.startswith("lists-nothing"):
        Monitor.good = Monitor.bad = _not_listed  # type: ignore[method-assign, assignment]


def build(options: CollectorOptions) -> Collector:
    """The honest parts inside the faulty shell."""
    honest = collector(options)
    return FAULTS[sys.argv[1]](options, honest.store, honest.totals)


if __name__ == "__main__":
    plant(sys.argv[1])
    serve(parse(sys.argv[2:]), build)
