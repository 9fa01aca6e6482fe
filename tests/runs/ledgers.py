"""Runs that nobody sent: a run directory with the ledger that a load would have left, and what a collector stored."""

from __future__ import annotations

import random
from collections.abc import Iterator
from itertools import chain
from pathlib import Path

from simulator.ledger.write import LedgerWriter
from simulator.times import Ms
from simulator.traffic.making import Wanted, draft, make_folder, write_run
from simulator.traffic.opened import OpenedRun
from simulator.traffic.sending import requests_of_block
from simulator.verify.readers.events import StoredEvent
from simulator.wire.request import Evidence, Outcome, Request
from tests.e2e.commands import SCENARIOS

WORKERS = 2
T = 1_772_300_000_000_000_000  # ns
_HAPPENS = (
    *[(Outcome.ACKED, Evidence.REPLY, 200)] * 60,
    (Outcome.REFUSED, Evidence.REPLY, 403),
    (Outcome.REFUSED, Evidence.NO_CONNECTION, 0),
    (Outcome.UNKNOWN, Evidence.TIMEOUT, 0),
    (Outcome.UNKNOWN, Evidence.REPLY, 503),
    None,  # its worker died
)


def sent_run(folder: Path, scenario: str, visitors: int, *, fails: bool = True) -> OpenedRun:
    """A run directory as a flood leaves it, by two workers whose lanes take turns.

    Args:
        fails: some attempts are refused, unknown or never end; a request is then sent again as its plan says.
    """
    drawn = random.Random(3)
    asked = Wanted(
        SCENARIOS / scenario,
        target="http://127.0.0.1:9",
        visitors=visitors,
        rate="100/s",
        speed="flood",
        namespace="n",
        out=folder,
    )
    made = draft(asked)
    make_folder(made)
    opened = write_run(made, folder, "http://127.0.0.1:9")
    ledgers = [LedgerWriter.open(folder / "ledger" / f"w{number}.attempts", made.run_id) for number in range(WORKERS)]
    for place, request in enumerate(_by_lanes(opened)):
        again = request.duplicates
        for attempt in range(1 + request.duplicates + request.retries):
            at = T + 1_000_000 * place + 7_000 * attempt
            slot = ledgers[place % WORKERS].begin(request.visitor, request.number, attempt, request.purpose, at, at + 9)
            happens = drawn.choice(_HAPPENS) if fails else _HAPPENS[0]
            if happens is not None:
                ledgers[place % WORKERS].end(slot, at + 10, at + drawn.randrange(1_000, 900_000_000), *happens)
            acked = happens is not None and happens[0] is Outcome.ACKED
            if acked and attempt >= again:
                break
    for ledger in ledgers:
        ledger.close()
    return opened


def _by_lanes(opened: OpenedRun) -> Iterator[Request]:
    """All requests, eight visitors at a time taking turns."""
    per_visitor = list(chain.from_iterable(requests_of_block(opened.plan, opened.adapter, block).values()
                                           for block in opened.plan.blocks))  # fmt: skip
    for first in range(0, len(per_visitor), 8):
        lanes = per_visitor[first : first + 8]
        for turn in range(max(map(len, lanes))):
            yield from (lane[turn] for lane in lanes if turn < len(lane))


def all_stored(opened: OpenedRun, *, bad: bool = False) -> list[StoredEvent]:
    """Every good event of the plan, or every bad one, as a collector lists them that keeps whatever is sent to it."""
    records = [record for request in _by_lanes(opened) for record in request.records if bool(record.bad) == bad]
    return [
        StoredEvent(
            cursor,
            record.external_id,
            record.event,
            record.date,
            record.anonymous_id,
            record.identities,
            record.source,
            record.content,
            record.page,
            Ms(T // 1_000_000 + cursor),
            record.bad,
        )
        for cursor, record in enumerate(records, 1)
    ]
