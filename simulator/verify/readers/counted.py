"""Totals of a collector that only lists its events: what they come to, counted here (tally.py)."""

from __future__ import annotations

from collections.abc import Iterator

from simulator.contract import BY
from simulator.times import Ms
from simulator.verify.readers.events import MOST_EVENTS, StoredEvent
from simulator.verify.readers.fetch import Unreadable
from simulator.verify.readers.figures import Figures
from simulator.verify.readers.reading import Reading
from simulator.verify.readers.setting import FIGURES, EventsReader, Setting, check_mark
from simulator.verify.readers.tally import Cells, Tally

_FIELDS = ("source", "content", "page")  # kinds of cells that are fields of an event
_AT_ONCE = 100 * MOST_EVENTS  # events that are counted; they need no memory


class CountedTotals:
    """Reads the totals by counting the listed events. Events that were listed once are not read again."""

    def __init__(self, events: EventsReader, setting: Setting, mark: str = "") -> None:
        self._events, self._setting = events, setting
        self._tally = Tally(setting.contract)
        self._cursor = 0
        self._mark = mark  # of the list before the run; empty where there is none
        self._counted: tuple[Ms, Ms] | None = None
        self._cells: Cells = {}

    def read(self, begin: Ms, end: Ms, *, seconds: float | None = None, kinds: tuple[str, ...] = BY) -> Reading:  # noqa: ARG002
        """The totals of [begin, end). Never raises for what the collector does."""
        figures = Figures(self._setting, kinds)
        try:
            self._take()
        except Unreadable as bad:
            for by in kinds:
                figures.wrong(by, f"the events cannot be counted: {bad}", self._metrics(by))
            return figures.reading_of_all()
        if self._counted != (begin, end):
            self._cells, self._counted = self._tally.cells(begin, end), (begin, end)
        for by in kinds:
            metrics = self._metrics(by)
            if metrics:
                figures.add(by, self._cells[by].items(), metrics)
        return figures.reading_of_all()

    def _take(self) -> None:
        """Count what is new; everything anew where the list is no longer what it was."""
        check_mark(self._events, self._mark)
        self._mark = self._mark or self._events.mark()
        before = self._cursor

        def noted() -> Iterator[StoredEvent]:
            for event in self._events.events("good", after=before, limit=_AT_ONCE):
                self._cursor = event.cursor
                yield event

        if self._tally.add(noted()):
            self._counted = None

    def _metrics(self, by: str) -> tuple[str, ...]:
        """The metrics that the listed fields are enough for."""
        fields = self._events.fields
        if "event" not in fields or not fields & {"date", "received"} or (by in _FIELDS and by not in fields):
            return ()
        return tuple(metric for metric, kind in FIGURES if kind == by and self._can_count(metric, fields))

    def _can_count(self, metric: str, fields: frozenset[str]) -> bool:
        contract = self._setting.contract
        if metric == "opens":
            if contract.sessions == "given":
                return "session" in fields
            return contract.definitions.opens.timeout is None or "anonymous_id" in fields
        named = {"anonymous_id", "user"}
        types = self._events.identity_types
        if contract.definitions.user == "customer" or (
            contract.definitions.user == "openid" and (types is None or contract.identity in types)
        ):
            named.add("identities")
        return metric == "pv" or bool(fields & named)

    def close(self) -> None:
        """Forget the events."""
        self._tally.close()
        self._events.close()
