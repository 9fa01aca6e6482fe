"""Run directories as a load leaves them, without a load: the plan, a ledger, and what an honest collector lists."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from itertools import chain
from pathlib import Path

from simulator.ledger.manifest import LEDGER_FOLDER
from simulator.ledger.write import SUFFIX, LedgerWriter
from simulator.traffic.making import Wanted, draft, make_folder, write_run
from simulator.traffic.opened import OpenedRun
from simulator.traffic.sending import requests_of_block
from simulator.verify.listed import ListedEvents, Owner
from simulator.verify.readers.events import told_of
from simulator.wire.request import Evidence, Outcome, Request
from tests.builders import scenario_text

URL = "http://127.0.0.1:9"
LOOKS = "- launch\n- push: [applet-wechat]\n- {view: pages/b, think: 5s}\n- exit"  # 3 events of each visitor, 2 views


def sent_run(
    folder: Path, *, visitors: int = 2, outcome_of: Callable[[Request], Outcome] = lambda _: Outcome.ACKED
) -> OpenedRun:
    """A run that was sent, each request once."""
    file = folder / "sample.yaml"
    file.write_text(scenario_text(LOOKS, count=visitors), encoding="utf-8")
    checked = draft(Wanted(file, target=URL, namespace="run", out=folder / "run"))
    opened = write_run(checked, make_folder(checked), URL)
    ledger = LedgerWriter.open(opened.folder / LEDGER_FOLDER / f"worker-1{SUFFIX}", opened.manifest.run_id)
    for at, request in enumerate(requests_of(opened), 1):
        slot = ledger.begin(request.visitor, request.number, 0, request.purpose, at, at)
        outcome = outcome_of(request)
        evidence, status = (Evidence.REPLY, 200) if outcome is Outcome.ACKED else (Evidence.TIMEOUT, 0)
        ledger.end(slot, at, at + 1, outcome, evidence, status)
    ledger.close()
    return opened


def requests_of(opened: OpenedRun) -> Iterator[Request]:
    """Every request of the plan, by visitor."""
    for block in opened.plan.blocks:
        yield from chain.from_iterable(requests_of_block(opened.plan, opened.adapter, block).values())


def listed(opened: OpenedRun) -> ListedEvents:
    """The stored events, each once and as it was sent."""
    index = ListedEvents(Owner(opened.manifest.namespace, own=False), opened.plan.block, opened.plan.count)
    for cursor, record in enumerate(chain.from_iterable(one.records for one in requests_of(opened)), 1):
        index.add_good(told_of(record, record.date, cursor=cursor))
    index.knows_bad = True
    return index
