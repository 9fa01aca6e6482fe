"""Whom a fault affects, without any judging: by hand where it is known, and on a database that was tampered with."""

from __future__ import annotations

import asyncio
import sqlite3
from dataclasses import replace
from pathlib import Path
from zlib import crc32

import pytest

from simulator.collector.faults import Fault, named, registered
from simulator.collector.options import CollectorOptions
from simulator.collector.server import collector
from simulator.finding import Finding, Verdict
from simulator.ledger.manifest import DATABASE_FILE
from simulator.runs.affected import is_affected_alone, stored_wrongly, unaffected
from simulator.runs.trial import SCENARIOS
from simulator.traffic.making import Wanted, draft, make_folder, write_run
from simulator.traffic.opened import OpenedRun, open_run
from simulator.wire.request import Action, Outcome, Purpose, Request
from tests.runs.sent_runs import requests_of, sent_run

URL = "http://127.0.0.1:9"


def planned(fault: Fault, folder: Path) -> OpenedRun:
    """The run of a fault's trial, with nothing sent."""
    folder.mkdir()
    contract = folder / "contract.yaml"
    said = fault.definitions.as_json()
    contract.write_text("".join(f"{key}: {value}\n" for key, value in said.items()), encoding="utf-8")
    wanted = Wanted(
        SCENARIOS / f"{fault.scenario}.yaml",
        target=URL,
        contract=str(contract),
        namespace="selftest",
        out=folder / "run",
    )
    checked = draft(wanted)
    write_run(checked, make_folder(checked), URL)
    return open_run(folder / "run")


def affected(fault: Fault, opened: OpenedRun, folder: Path) -> set[int]:
    return {visitor for visitor in range(opened.plan.count) if is_affected_alone(fault, opened, visitor, folder)}


def counted(request: Request) -> bool:
    return all(one.action in (Action.OPEN, Action.VIEW) and not one.bad for one in request.records)


def test_whoever_loses_an_event_that_counts_is_affected_and_nobody_else(tmp_path: Path) -> None:
    """By hand: the date decides who is unlucky, one in 20."""
    fault = named("loses-one-in-20")
    opened = planned(fault, tmp_path / "trial")
    unlucky = {
        one.visitor
        for one in requests_of(opened)
        if counted(one) and crc32(str(one.records[0].date).encode()) % 20 == 0
    }

    assert 0 < len(unlucky) < opened.plan.count
    assert affected(fault, opened, tmp_path) == unlucky


def test_refused_and_kept_counts_as_wrong_and_an_error_that_is_kept_does_not(tmp_path: Path) -> None:
    """By hand: one event in 10 is answered 403 and stored; one in 5 answered 503 and stored, and again if retried."""
    keeps, retried = named("keeps-what-it-refused"), named("counts-retries-twice")
    opened = planned(keeps, tmp_path / "trial")
    dated = [(one, crc32(str(one.records[0].date).encode())) for one in requests_of(opened) if counted(one)]

    assert affected(keeps, opened, tmp_path) == {one.visitor for one, number in dated if number % 10 == 0}
    assert affected(retried, opened, tmp_path) == {
        one.visitor for one, number in dated if number % 5 == 0 and (one.retries or one.duplicates)
    }


@pytest.mark.parametrize("fault", ["totals-cached", "link-cut", "timeout-inclusive", "uv-estimated", "hour-by-arrival"])
def test_what_everybody_shows_everybody_shows_alone(fault: str, tmp_path: Path) -> None:
    opened = planned(named(fault), tmp_path / "trial")

    assert affected(named(fault), opened, tmp_path) == set(range(opened.plan.count))


@pytest.mark.parametrize("scenario", sorted({fault.scenario for fault in registered()}))
def test_an_honest_collector_affects_nobody(scenario: str, tmp_path: Path) -> None:
    some = next(fault for fault in registered() if fault.scenario == scenario)

    assert affected(replace(some, build=collector), planned(some, tmp_path / "trial"), tmp_path) == set()


# ---- the stored events --------------------------------------------------------------------------------------------


@pytest.fixture
def opened(tmp_path: Path) -> OpenedRun:
    """A run of three visitors, whose events an honest collector has, those that were acked."""
    run = sent_run(tmp_path, visitors=3, outcome_of=lambda one: Outcome.UNKNOWN if one.visitor == 2 else Outcome.ACKED)
    parts = collector(CollectorOptions(db=tmp_path / DATABASE_FILE, tenant=run.scenario.app.tenant, fsync=False))

    async def take() -> None:
        for request in requests_of(run):
            if request.purpose is Purpose.EVENT and request.visitor < 2:
                fields = parts.decode_query(request.target.partition("?")[2].encode())
                await parts.take([parts.read_event(fields, parts.rules, parts.clock(), "")])

    asyncio.run(take())
    parts.close()
    return run


TAMPERED = [
    ("as it was sent", "SELECT 1", set()),
    ("an acked event is gone", "DELETE FROM event WHERE fields ->> 'externalId' = 'run.1.3'", {1}),
    ("one is there twice", "INSERT INTO event SELECT id + 100, received, at, name, 'other', anonymous_id, openid, "
     "identities, source, content, page, fields, request FROM event WHERE fields ->> 'externalId' = 'run.0.1'", {0}),
    ("one says something else", "UPDATE event SET page = 'pages/x' WHERE fields ->> 'externalId' = 'run.0.1'", {0}),
    ("all of them do", "UPDATE event SET source = 'x'", {0, 1}),
]  # fmt: skip


@pytest.mark.parametrize(("statement", "wrong"), [row[1:] for row in TAMPERED], ids=[row[0] for row in TAMPERED])
def test_whose_events_are_stored_wrongly(statement: str, wrong: set[int], opened: OpenedRun, tmp_path: Path) -> None:
    """The third visitor's outcomes are unknown: stored or not, nothing about them is wrong."""
    with sqlite3.connect(tmp_path / DATABASE_FILE) as connection:
        connection.execute(statement)
    connection.close()

    assert stored_wrongly(opened, tmp_path) == wrong


def found(code: str, *visitors: int) -> Finding:
    return Finding(code, Verdict.FAIL, "", 1, visitors)


def test_who_is_named_without_being_affected_is_told(opened: OpenedRun, tmp_path: Path) -> None:
    """Where it takes several visitors, of those with an event; who counts in a wrong cell may be named for that."""
    with sqlite3.connect(tmp_path / DATABASE_FILE) as connection:
        connection.execute("DELETE FROM event WHERE fields ->> 'externalId' = 'run.1.3'")
    connection.close()
    named_ones = [found("lost", 0, 1), found("aggregation", 0, 2), found("altered", 2)]

    assert unaffected(named("loses-every-12th"), named_ones, opened, tmp_path) == [("lost", 0), ("altered", 2)]


def test_where_one_visitor_is_enough_everybody_named_must_show_it(tmp_path: Path) -> None:
    fault = named("loses-one-in-20")
    planned_run = planned(fault, tmp_path / "trial")
    shown = sorted(affected(fault, planned_run, tmp_path))
    other = min(set(range(planned_run.plan.count)) - set(shown))

    assert unaffected(fault, [found("lost", *shown), found("aggregation", shown[0], other)], planned_run, tmp_path) == [
        ("aggregation", other)
    ]
