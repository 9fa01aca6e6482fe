"""A collector with mpsim's own interface, as any other is read: monitor.py for its totals, events.py for its list."""

from __future__ import annotations

from collections.abc import Iterator

from simulator.contract import BY
from simulator.scenario.target_reading import MonitorSection
from simulator.times import Ms
from simulator.verify.readers.events import MOST_EVENTS, StoredEvent, Which, last_cursor, stored_events
from simulator.verify.readers.monitor import read_monitor
from simulator.verify.readers.reading import Reading
from simulator.verify.readers.setting import Setting

_SECONDS = 30.0


class MonitorTotals:
    """Reads GET /monitor/totals."""

    def __init__(self, section: MonitorSection, setting: Setting) -> None:
        self._setting = setting
        self._token = token_of(section, setting)

    def read(self, begin: Ms, end: Ms, *, seconds: float | None = None, kinds: tuple[str, ...] = BY) -> Reading:
        """The totals of [begin, end). Never raises for what the collector does."""
        reading = read_monitor(
            self._setting.url, begin, end, access_token=self._token, seconds=seconds or _SECONDS, kinds=kinds
        )
        hidden, left_out = self._setting.secrets.hidden, self._setting.left_out
        errors = {by: hidden(why) for by, why in reading.errors.items()}
        return Reading(reading.cells, errors, reading.invoked_ns, reading.completed_ns, left_out=left_out)

    def close(self) -> None:
        """Nothing is kept."""


class MonitorEvents:
    """Lists GET /events/good and /events/bad."""

    fields = frozenset(StoredEvent._fields)
    compared = fields
    identity_types = None
    lists_bad = True

    def __init__(self, section: MonitorSection, setting: Setting) -> None:
        self._url = setting.url
        self._token = token_of(section, setting)

    def events(self, which: Which, *, after: int = 0, limit: int = MOST_EVENTS) -> Iterator[StoredEvent]:
        """The events behind a cursor, oldest first."""
        return stored_events(self._url, which, after=after, limit=limit, access_token=self._token)

    def last_cursor(self, which: Which) -> int:
        """The cursor behind everything that is stored now."""
        return last_cursor(self._url, which, access_token=self._token)

    def mark(self) -> str:
        """Its cursors stay what they are."""
        return ""

    def close(self) -> None:
        """Nothing is kept."""


def token_of(section: MonitorSection, setting: Setting) -> str:
    """The access token, empty where none is sent."""
    return "" if section.token is None else setting.secrets.value(section.token)
