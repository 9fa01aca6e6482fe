"""A whole run of one process: given up, or stopped, at any time."""

from __future__ import annotations

from pathlib import Path

import gevent

from simulator.ledger.read import read_ledger
from simulator.load.drive import Drive
from simulator.traffic.making import Wanted, draft, make_folder, write_run
from simulator.traffic.opened import OpenedRun, open_run
from simulator.wire.request import Purpose
from tests.load.hostile import OK, Visit, hostile, says

SCENARIO = """
scenario: short
app: {pages: [pages/index/index]}
visitors: {count: 2000, returning: 100%}
journeys: {look: {steps: [launch, exit]}}
load: {users: 2, abort: failed > 50% for 1s, clock: {start: 2026-03-01T00:00:00+08:00, speed: flood}}
"""
LATE = "time: arrival\nlag: 10m\ndeadline: 20m\n"


def made(folder: Path, url: str, *, visitors: int = 2_000, contract: str | None = None) -> OpenedRun:
    file = folder / "short.yaml"
    file.write_text(SCENARIO, encoding="utf-8")
    wanted = Wanted(file, target=url, visitors=visitors, contract=contract, namespace="n", out=folder / "run")
    checked = draft(wanted)
    write_run(checked, make_folder(checked), url)
    return open_run(folder / "run")


def nothing() -> None:
    """Instead of the self-check."""


def test_a_collector_that_is_down_is_noticed_during_the_earlier_visits(tmp_path: Path) -> None:
    def is_down(visit: Visit) -> None:
        while visit.request():
            visit.server.over.wait(0.1)
            visit.send(b"HTTP/1.1 503 S\r\nContent-Length: 0\r\n\r\n")

    with hostile(is_down) as server:
        opened = made(tmp_path, server.url)
        drive = Drive(opened, self_check=nothing, grace=1)
        with gevent.Timeout(30):
            code = drive.go()

    purposes = {one.purpose for one in read_ledger(opened.folder)}
    assert (code, purposes) == (3, {Purpose.SETUP})
    assert drive.reason.startswith("failed > 50% for 1s: ")


def test_a_run_can_be_stopped_while_it_waits_for_earlier_visits_to_be_counted(tmp_path: Path) -> None:
    """A collector that goes by arrival needs its lag between the earlier visits and the others: ten minutes here."""
    (tmp_path / "late.yaml").write_text(LATE, encoding="utf-8")
    with hostile(says(OK)) as server:
        opened = made(tmp_path, server.url, visitors=4, contract=str(tmp_path / "late.yaml"))
        drive = Drive(opened, self_check=nothing)
        running = gevent.spawn(drive.go)
        with gevent.Timeout(20):
            while not drive._setup_done_ns:
                gevent.sleep(0.01)
            drive.stop("enough")
            code = running.get()

    assert (code, drive.reason) == (3, "enough")
    assert {one.purpose for one in read_ledger(opened.folder)} == {Purpose.SETUP}
