"""Readers by the name of their section in a target file; a new kind of source adds its file and its line here."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from simulator.scenario.target_reading import EventsSection, TotalsSection
from simulator.verify.readers.access_log import LogEvents
from simulator.verify.readers.command import CommandEvents, CommandTotals
from simulator.verify.readers.counted import CountedTotals
from simulator.verify.readers.http_events import HttpEvents
from simulator.verify.readers.http_totals import HttpTotals
from simulator.verify.readers.monitor_reader import MonitorEvents, MonitorTotals
from simulator.verify.readers.scope import ScopedEvents
from simulator.verify.readers.setting import EventsReader, Setting, TotalsReader
from simulator.verify.readers.sql_events import SqlEvents
from simulator.verify.readers.sql_totals import SqlTotals

_TOTALS: Mapping[str, Callable[[Any, Setting], TotalsReader]] = {
    "monitor": MonitorTotals,
    "http": HttpTotals,
    "sql": SqlTotals,
    "command": CommandTotals,
}
_EVENTS: Mapping[str, Callable[[Any, Setting], EventsReader]] = {
    "monitor": MonitorEvents,
    "http": HttpEvents,
    "sql": SqlEvents,
    "log": LogEvents,
    "command": CommandEvents,
}


def make_events(section: EventsSection, setting: Setting) -> EventsReader:
    """A reader of stored events, as a target file says.

    Raises:
        UsageError: an environment variable that is not set, a driver that is not installed.
    """
    events = _EVENTS[section.kind](getattr(section, section.kind), setting)
    return events if setting.scope.source is None else ScopedEvents(events, setting)


def make_totals(section: TotalsSection, events: EventsSection | None, setting: Setting, mark: str = "") -> TotalsReader:
    """A reader of totals, as a target file says.

    Args:
        mark: of the list of events before the run.

    Raises:
        UsageError: as `make_events`.
    """
    if section.events is not None:
        assert events is not None  # held by the target file's own check
        return CountedTotals(make_events(events, setting), setting, mark)
    return _TOTALS[section.kind](getattr(section, section.kind), setting)
