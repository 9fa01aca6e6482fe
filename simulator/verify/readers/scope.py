"""Stored events less those of others that a target's scope leaves out."""

from __future__ import annotations

from collections.abc import Iterator

from simulator.verify.listed import Owner
from simulator.verify.readers.events import MOST_EVENTS, StoredEvent, Which
from simulator.verify.readers.setting import EventsReader, Setting


class ScopedEvents:
    """The events of a reader that are within the scope's sources, or the run's by their id.

    Where ids do not say whose they are, those without a source stay as well.
    """

    def __init__(self, events: EventsReader, setting: Setting) -> None:
        self._events = events
        self._owner = Owner(setting.namespace, own=setting.own)
        self._prefix = setting.scope.source or ""
        self._ids_tell = setting.ids_name_visitors
        self.lists_bad = events.lists_bad

    @property
    def fields(self) -> frozenset[str]:
        return self._events.fields

    @property
    def compared(self) -> frozenset[str]:
        return self._events.compared

    @property
    def identity_types(self) -> frozenset[str] | None:
        return self._events.identity_types

    def events(self, which: Which, *, after: int = 0, limit: int = MOST_EVENTS) -> Iterator[StoredEvent]:
        """The events behind a cursor, oldest first."""
        for event in self._events.events(which, after=after, limit=limit):
            if event.source.startswith(self._prefix) or self._may_be_ours(event):
                yield event

    def _may_be_ours(self, event: StoredEvent) -> bool:
        """Whether an event outside of the scope's sources is the run's: a visitor may have come without a source."""
        return self._owner.owns(event.external_id) if self._ids_tell else not event.source

    def last_cursor(self, which: Which) -> int:
        """The cursor behind everything that is stored now, in the scope or not."""
        return self._events.last_cursor(which)

    def mark(self) -> str:
        """As the events' own."""
        return self._events.mark()

    def close(self) -> None:
        """As the events' own."""
        self._events.close()
