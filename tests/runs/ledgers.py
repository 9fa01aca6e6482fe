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
from simulator.verify.readers.events import StoredEvent, told_of
from simulator.wire.request import Evidence, Outcome, Request

# Whatever makes a block, a phase or a visitor unlike the next one.
MESSY = """\
scenario: messy
app: {name: 店, tenant: "740843171", pages: [pages/a, pages/b], events: [c_buy]}
visitors: {identities: {applet-wechat: 90%, mobile: 20%}, returning: 30%, share_device: 40%, second_device: 20%}
sources:
  ads: {weight: 2, scene: 1045, path: "pages/a?cl_sr=ads&cl_ctnm=x"}
  direct: {weight: 1, scene: 1089}
journeys:
  twice: {steps: [{launch: , duplicates: 1}, {push: applet-wechat}, {view: pages/b, duplicates: 2, think: 5s}, exit]}
  again: {steps: [{launch: , retries: 2}, {view: pages/b, retries: 2, times: 1..4, think: 9s}, {track: c_buy}, exit]}
  back: {steps: [launch, {hide: 45m}, {launch: }, {push: [applet-wechat, mobile]}, {view: pages/b}, exit]}
  wrong: {steps: [{skew: -3m..2h}, launch, {malformed: bad_date}, {view: pages/b}, exit]}
  mute: {steps: [launch, {view: pages/b, late: 20m..90m}, exit]}
load:
  arrivals: [{name: one, rate: 6.7/s, for: 10s}, {rate: 0/s, for: 1s}, {name: three, rate: 9/s..3/s, for: 13s}]
  clock: {start: 2026-03-01T00:00:00+08:00, speed: 60}
"""
WORKERS = 2
T = 1_772_300_000_000_000_000  # ns
_HAPPENS = (
    *[(Outcome.ACKED, Evidence.REPLY, 200)] * 40,
    (Outcome.REFUSED, Evidence.REPLY, 403),
    (Outcome.REFUSED, Evidence.NO_CONNECTION, 0),
    (Outcome.UNKNOWN, Evidence.TIMEOUT, 0),
    (Outcome.UNKNOWN, Evidence.REPLY, 503),
    None,  # its worker died
)


def messy_run(folder: Path) -> OpenedRun:
    """A run of MESSY."""
    scenario = folder / "messy.yaml"
    scenario.write_text(MESSY, encoding="utf-8")
    return sent_run(folder / "run", scenario, None)


def sent_run(folder: Path, scenario: Path, visitors: int | None, *, fails: bool = True) -> OpenedRun:
    """A run directory as a load leaves it, by two workers whose lanes take turns.

    Args:
        fails: some attempts are refused, unknown or never end; a request is then sent again as its plan says.
    """
    drawn = random.Random(3)
    asked = Wanted(
        scenario,
        target="http://127.0.0.1:9",
        visitors=visitors,
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
        told_of(record, Ms(T // 1_000_000 + cursor), cursor=cursor, reason=record.bad)
        for cursor, record in enumerate(records, 1)
    ]
