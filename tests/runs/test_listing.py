"""When the stored events of a run are listed, and what is said where they are not."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from simulator.contract import Contract
from simulator.ledger.manifest import Options
from simulator.runs.baseline import Cursors, write_baseline
from simulator.runs.listing import Listing
from simulator.scenario.load import load_scenario
from simulator.scenario.target_reading import MonitorSection
from simulator.traffic.opened import adapter_of
from simulator.verify.readers.events import MOST_EVENTS
from simulator.verify.readers.monitor_reader import MonitorEvents
from simulator.verify.readers.reading import Reading
from simulator.verify.readers.setting import Setting
from tests.e2e.commands import SCENARIOS
from tests.runs.ledgers import sent_run


def monitor() -> MonitorEvents:
    """A collector with mpsim's own interface, at an address where nobody answers."""
    opened = Setting(
        "http://127.0.0.1:9",
        Contract(),
        adapter_of("dmhub", "/cbe/__utm", load_scenario(SCENARIOS / "first_open.yaml"), "", Options()),
    )
    return MonitorEvents(MonitorSection(), opened)


def test_a_run_of_more_attempts_than_are_listed_is_judged_by_its_totals(tmp_path: Path) -> None:
    opened = sent_run(tmp_path / "run", SCENARIOS / "first_open.yaml", 2, fails=False)
    listing = Listing(opened, monitor())

    assert listing.take(MOST_EVENTS + 1) is None
    assert listing.why_not == "there were 1,000,001 attempts, and no more than 1,000,000 events are listed"


def test_a_collector_that_listed_nothing_before_the_run_is_not_listed_after_it(tmp_path: Path) -> None:
    opened = sent_run(tmp_path / "run", SCENARIOS / "first_open.yaml", 2, fails=False)
    listing = Listing(opened, monitor())

    assert listing.take(MOST_EVENTS) is None
    assert listing.why_not == "the collector listed no events before the run"


def test_copies_that_count_by_their_arrival_are_not_compared_event_by_event(tmp_path: Path) -> None:
    opened = sent_run(tmp_path / "run", SCENARIOS / "first_open.yaml", 2, fails=False)
    contract = replace(opened.contract, order="arrival", dedupe="none")
    write_baseline(opened.folder, Reading(), Cursors(0, 0))
    listing = Listing(replace(opened, manifest=replace(opened.manifest, contract=contract)), monitor())

    assert listing.take(MOST_EVENTS) is None
    assert listing.why_not == "by the order of arrival each stored copy of an event has a place of its own"
