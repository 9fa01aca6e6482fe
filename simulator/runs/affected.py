"""Whom a fault affects, so that the selftest can tell whether a finding names the right visitors.

Two counts that share nothing with verify/: what the faulty collector makes of a visitor's requests, and what an honest
one would have made of them. Both are the embedded collector's own parts, fed in this process, one request after
another; no load, no sockets, no judging.
"""

from __future__ import annotations

import asyncio
import json
import sqlite3
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from itertools import chain
from pathlib import Path
from typing import NamedTuple

from simulator.collector.faults import Fault
from simulator.collector.ingest import BadEncoding, EventRow, Rules, decode_pairs, event_row
from simulator.collector.options import CollectorOptions
from simulator.collector.parts import Collector
from simulator.collector.server import collector
from simulator.collector.web import Refused
from simulator.contract import BY
from simulator.finding import Finding
from simulator.journey.plan import complete_links
from simulator.ledger.manifest import DATABASE_FILE
from simulator.ledger.read import read_ledger
from simulator.scenario.model import App
from simulator.times import Ms
from simulator.traffic.opened import OpenedRun
from simulator.traffic.sending import requests_of_block
from simulator.wire.dmhub import LINKS_PATH
from simulator.wire.request import Outcome, Purpose, Request

# What a row says of its event; not when it came, nor how.
_SAYS = ("at", "name", "anonymous_id", "openid", "identities", "source", "content", "page")

Totals = dict[tuple[str, str], tuple[int | None, ...]]  # (kind of cell, cell) → the four numbers; no empty cells
EVENTS = frozenset({"lost", "duplicated", "unexpected", "altered", "misplaced"})  # findings that speak of events


class Sent(NamedTuple):
    """One request, and what an honest collector makes of it."""

    request: Request
    row: EventRow | None  # None: not an event, or a bad one
    external_id: str


class Came(NamedTuple):
    """What came of the requests at one collector."""

    totals: Totals
    acked: frozenset[str]  # externalIds
    unknown: frozenset[str]  # neither acked nor refused
    stored: Counter[str]
    links: dict[str, str]


def is_affected_alone(fault: Fault, opened: OpenedRun, visitor: int, folder: Path) -> bool:
    """Whether the faulty collector gets wrong what the visitor's block alone sends to it; see `is_affected`."""
    return is_affected(fault, opened, [visitor // opened.plan.block], folder)


def is_affected(fault: Fault, opened: OpenedRun, blocks: Iterable[int], folder: Path) -> bool:
    """Whether the faulty collector gets wrong what these blocks send to it.

    Wrong is what an honest one would not count of the events that were acked, and of those of which nobody was told
    whatever the faulty one kept.

    Args:
        folder: for the two databases; exists.
    """
    sent = list(_requests(opened, blocks))
    links = complete_links(opened.scenario)
    came = asyncio.run(_take(fault.build(_options(opened, folder / "faulty.db")), opened, sent, links))
    held = came.acked | {name for name in came.unknown if came.stored[name]}
    promised = [
        one._replace(request=replace(one.request, duplicates=0, retries=0)) for one in sent if one.external_id in held
    ]
    right = asyncio.run(_take(collector(_options(opened, folder / "honest.db")), opened, promised, links))
    asked = {_code(one.request) for one in sent if one.request.purpose is Purpose.LOOKUP}
    return came.totals != right.totals or any(came.links.get(code) != links[code] for code in asked)


def unaffected(fault: Fault, findings: Iterable[Finding], opened: OpenedRun, folder: Path) -> list[tuple[str, int]]:
    """Whom findings name although the fault does not touch them: (code, visitor).

    Where one visitor's events decide, each who is named must show the fault alone. Elsewhere whoever is named with an
    event must have one that is stored wrongly; who is among those that are counted wrongly nobody can tell there.

    Args:
        folder: of the trial.
    """
    named = [(one.code, visitor) for one in findings for visitor in one.visitors]
    if fault.one_visitor:
        block = opened.plan.block
        alone = {
            number: is_affected_alone(fault, opened, number * block, folder)
            for number in sorted({visitor // block for _, visitor in named})
        }
        return [(code, visitor) for code, visitor in named if not alone[visitor // block]]
    wrong = stored_wrongly(opened, folder)
    return [(code, visitor) for code, visitor in named if code in EVENTS and visitor not in wrong]


def stored_wrongly(opened: OpenedRun, folder: Path) -> frozenset[int]:
    """The visitors of whom an event lies otherwise in a trial's database than the ledger and an honest reading allow.

    Args:
        folder: of the trial.
    """
    outcomes: dict[tuple[int, int], set[Outcome]] = {}
    for attempt in read_ledger(opened.folder):
        outcomes.setdefault((attempt.visitor, attempt.request), set()).add(attempt.outcome)
    stored: dict[str, list[tuple[object, ...]]] = {}
    for external_id, says in _rows(folder / DATABASE_FILE):
        stored.setdefault(external_id, []).append(says)
    wrong = set()
    for one in _requests(opened, opened.plan.blocks):
        told = outcomes.get((one.request.visitor, one.request.number), set())
        kept = stored.get(one.external_id, [])
        allowed = one.row is not None and bool(told & {Outcome.ACKED, Outcome.UNKNOWN})
        required = one.row is not None and Outcome.ACKED in told
        right = None if one.row is None else tuple(getattr(one.row, name) for name in _SAYS)
        if not required <= len(kept) <= allowed or any(row != right for row in kept):
            wrong.add(one.request.visitor)
    return frozenset(wrong)


def _requests(opened: OpenedRun, blocks: Iterable[int]) -> Iterator[Sent]:
    """The requests of some blocks, the earlier visits first, then in the order in which they leave."""
    rules = _rules(opened.scenario.app)
    made = (requests_of_block(opened.plan, opened.adapter, block) for block in blocks)
    requests = chain.from_iterable(some for of_block in made for some in of_block.values())
    for request in sorted(requests, key=lambda one: (one.purpose is not Purpose.SETUP, one.leaves)):
        fields: dict[str, str] = {}
        try:
            fields = decode_pairs(request.target.partition("?")[2].encode())
            row = event_row(fields, rules, Ms(0), "") if request.purpose is not Purpose.LOOKUP else None
        except BadEncoding as wrong:
            fields, row = wrong.fields, None
        yield Sent(request, row if isinstance(row, EventRow) else None, fields.get("externalId", ""))


def _rules(app: App) -> Rules:
    return Rules(app.tenant, frozenset(app.events) if app.events else None)


def _options(opened: OpenedRun, database: Path) -> CollectorOptions:
    database.unlink(missing_ok=True)
    rules = _rules(opened.scenario.app)
    return CollectorOptions(
        db=database,
        definitions=opened.contract.definitions,
        tenant=rules.tenant,
        events=rules.registered,
        fsync=False,
    )


async def _take(parts: Collector, opened: OpenedRun, sent: Sequence[Sent], links: dict[str, str]) -> Came:
    """Send, as a visitor does: again while it is not acked and a retry is left, then the planned copies."""
    outcomes: dict[str, set[Outcome]] = {}
    try:
        for code, url in links.items():
            await parts.store.register(code, url)
        _totals(parts, opened)  # as before every run
        for one in sent:
            if one.request.purpose is Purpose.LOOKUP:
                continue
            retries, copies = one.request.retries, one.request.duplicates
            while True:
                outcome = await _offer(parts, one.request)
                outcomes.setdefault(one.external_id, set()).add(outcome)
                if outcome is Outcome.ACKED:
                    retries = 0
                if retries:
                    retries -= 1
                elif copies:
                    copies -= 1
                else:
                    break
        totals = _totals(parts, opened)
        stored = Counter(name for name, _ in _rows(parts.options.db))
        known = dict(parts.store.links)
    finally:
        parts.close()
    acked = frozenset(name for name, told in outcomes.items() if Outcome.ACKED in told)
    unknown = frozenset(name for name, told in outcomes.items() if Outcome.UNKNOWN in told) - acked
    return Came(totals, acked, unknown, stored, known)


async def _offer(parts: Collector, request: Request) -> Outcome:
    """One send, through the same parts as over a socket."""
    try:
        fields = parts.decode_query(request.target.partition("?")[2].encode())
    except BadEncoding:
        return Outcome.ACKED  # a bad event is answered as any other
    row = parts.read_event(fields, parts.rules, parts.clock(), "")
    try:
        await parts.take([row])
    except Refused as refused:
        return Outcome.UNKNOWN if refused.status >= 500 else Outcome.REFUSED
    return Outcome.ACKED


def _totals(parts: Collector, opened: OpenedRun) -> Totals:
    found: Totals = {}
    for by in BY:
        for cell, figures in parts.totals.cells(by, opened.plan.start, opened.plan.end).items():
            numbers = (figures["pv"], figures["uv"], figures["opens"], figures["new_users"])
            if any(numbers):
                found[by, cell] = numbers
    return found


def _rows(database: Path) -> Iterator[tuple[str, tuple[object, ...]]]:
    """(externalId, what it says) of every good row of a database."""
    connection = sqlite3.connect(database)
    try:
        for fields, *says in connection.execute(f"SELECT fields, {', '.join(_SAYS)} FROM event"):  # noqa: S608
            yield json.loads(fields).get("externalId", ""), tuple(says)
    finally:
        connection.close()


def _code(request: Request) -> str:
    return request.target.removeprefix(f"{LINKS_PATH}/")
