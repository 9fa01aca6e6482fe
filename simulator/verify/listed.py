"""The stored events of a run while it is judged: in a temporary file, a chunk of neighbouring visitors at a time.

What a collector lists comes in the order of arrival, and is asked for visitor by visitor. So each event is put where
its externalId says that it belongs, and memory holds the events of one chunk, not of the run. What an event is to the
plan is reconcile.py; how events are listed is readers/events.py.
"""

from __future__ import annotations

import marshal
import os
import tempfile
import weakref
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TypeVar

from simulator.errors import EngineError
from simulator.events import Identity
from simulator.times import Ms
from simulator.verify.readers.events import StoredEvent
from simulator.wire.dmhub_fields import place_of

Value = TypeVar("Value")

NOBODY = -1  # visitor of an event of no plan
MOST_FOREIGN = 100_000  # events of others of which each is kept; the rest is counted
_WAITING = 256  # events of one chunk that are written at once
ALL_FIELDS = frozenset(StoredEvent._fields)
_ELSEWHERE = -1  # chunk of the events of no visitor of the plan

Place = tuple[int, int]  # where something lies in the file, and how long it is


@dataclass(frozen=True, slots=True)
class Owner:
    """Whose a stored event is, by its externalId."""

    namespace: str
    own: bool  # the run started the collector, so every event in it is the run's
    known: Mapping[str, int] | None = None  # visitor by id, where ids do not name whose they are; None: they do

    def owns(self, identifier: str) -> bool:
        """Whether the event is of the run."""
        if self.own:
            return True
        if self.known is not None:
            return identifier in self.known
        if self.namespace:
            return identifier.startswith(self.namespace + ".")
        return place_of(identifier, "") != (NOBODY, NOBODY)

    def visitor_of(self, identifier: str) -> int:
        """The visitor that the id names; -1 for none."""
        if self.known is not None:
            return self.known.get(identifier, NOBODY)
        return place_of(identifier, self.namespace)[0]


class StoredIndex:
    """Stored events of one run by their externalId, and whatever else was listed.

    Memory: about 400 bytes an event; of a large run there is one for each chunk of visitors (listed.py).

    Args:
        own: as of `Owner`.
    """

    def __init__(self, namespace: str, *, own: bool) -> None:
        self._owner = Owner(namespace, own)
        self._good: dict[str, StoredEvent | list[StoredEvent]] = {}
        self._bad: dict[str, str] = {}
        self._same: dict[Any, Any] = {}  # equal values are kept once
        self.unnamed: list[StoredEvent] = []  # ours without an id: nothing of the plan is like that
        self.foreign: list[StoredEvent] = []
        self.foreign_count = 0
        self.last_good = 0  # cursors of the last events
        self.last_bad = 0
        self.knows_bad = False  # whether the bad events were listed, too
        self.before = 0  # cursor up to which events were stored before the run
        self.given = ALL_FIELDS  # fields that the list tells of an event
        self.identity_types: frozenset[str] | None = None  # of which it tells the identities; None: of all

    def add_good(self, event: StoredEvent) -> None:
        """Take one good event."""
        self.last_good = max(self.last_good, event.cursor)
        if not self._owner.owns(event.external_id):
            self.foreign_count += 1
            if len(self.foreign) < MOST_FOREIGN:
                self.foreign.append(event)
            return
        if not event.external_id:
            self.unnamed.append(event)
            return
        event = event._replace(
            event=self._kept(event.event),
            anonymous_id=self._kept(event.anonymous_id),
            identities=self._kept(event.identities),
            source=self._kept(event.source),
            content=self._kept(event.content),
            page=self._kept(event.page),
            reason="",
        )
        before = self._good.get(event.external_id)
        if before is None:
            self._good[event.external_id] = event
        elif isinstance(before, list):
            before.append(event)
        else:
            self._good[event.external_id] = [before, event]

    def _kept(self, value: Value) -> Value:
        kept: Value = self._same.setdefault(value, value)
        return kept

    def add_bad(self, event: StoredEvent) -> None:
        """Take one bad event."""
        self.last_bad = max(self.last_bad, event.cursor)
        if event.external_id and self._owner.owns(event.external_id):
            self._bad[event.external_id] = event.reason or "no reason given"

    def copies(self, identifier: str) -> Sequence[StoredEvent]:
        """The stored good copies of one event, in the order of arrival."""
        found = self._good.get(identifier, ())
        return (found,) if isinstance(found, StoredEvent) else found

    def why_bad(self, identifier: str) -> str:
        """The reason for which an event is listed as bad; empty where it is not."""
        return self._bad.get(identifier, "")

    def others(self, asked: set[str]) -> Iterator[StoredEvent]:
        """The run's good events whose id nobody asked for, and those without one."""
        for identifier, found in self._good.items():
            if identifier not in asked:
                yield from (found,) if isinstance(found, StoredEvent) else found
        yield from self.unnamed

    def visitor_of(self, event: StoredEvent) -> int:
        """The visitor that an event's id names; -1 for none."""
        return self._owner.visitor_of(event.external_id)


# ---- a whole run -----------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class SharedEvents:
    """Listed events for another process, which must inherit the descriptor."""

    owner: Owner
    visitors: int  # of one chunk
    knows_bad: bool
    before: int  # cursor up to which events were stored before the run
    given: frozenset[str]  # fields that the list tells of an event
    identity_types: frozenset[str] | None  # of which it tells the identities; None: of all
    places: dict[int, list[Place]]  # by chunk, in the order of arrival
    descriptor: int

    def index_of(self, chunk: int) -> StoredIndex:
        """The events of one chunk's visitors by their externalId."""
        index = StoredIndex(self.owner.namespace, own=self.owner.own)
        index.knows_bad = self.knows_bad
        index.before = self.before
        index.given = self.given
        index.identity_types = self.identity_types
        for good, event in self.events_of(chunk):
            if good:
                index.add_good(event)
            else:
                index.add_bad(event)
        return index

    def events_of(self, chunk: int) -> Iterator[tuple[bool, StoredEvent]]:
        """The events of one chunk's visitors with whether they are good, good and bad each in the order of arrival."""
        for at, length in self.places.get(chunk, ()):
            for row in marshal.loads(os.pread(self.descriptor, length, at)):  # noqa: S302 - we wrote it ourselves
                yield row[0], _event(row)


class ListedEvents:
    """The stored events of one run. Its file is gone with it.

    Args:
        visitors: of one chunk.
        coming: visitors of the plan: events of higher ones belong to no chunk.

    Raises:
        EngineError: there is no room for temporary files, also from `add_good`, `add_bad` and `shared`.
    """

    def __init__(self, owner: Owner, visitors: int, coming: int) -> None:
        self.owner, self.visitors = owner, visitors
        self.strangers = StoredIndex(owner.namespace, own=owner.own)  # good events of nobody in this run
        self.last_good = 0  # cursors of the last events
        self.last_bad = 0
        self.knows_bad = False  # whether the bad events were listed, too
        self.before = 0  # cursor up to which events were stored before the run
        self.given = ALL_FIELDS  # fields that the list tells of an event
        self.identity_types: frozenset[str] | None = None  # of which it tells the identities; None: of all
        self._coming = coming
        with tempfile.TemporaryFile() as file:
            self._file = os.dup(file.fileno())
        weakref.finalize(self, os.close, self._file)
        self._length = 0
        self._waiting: dict[int, list[Any]] = {}
        self._places: dict[int, list[Place]] = {}

    def add_good(self, event: StoredEvent) -> None:
        """Take one good event."""
        self.last_good = max(self.last_good, event.cursor)
        if self.owner.owns(event.external_id):
            self._keep(True, event)
        else:
            self.strangers.add_good(event)

    def add_bad(self, event: StoredEvent) -> None:
        """Take one bad event."""
        self.last_bad = max(self.last_bad, event.cursor)
        if event.external_id and self.owner.owns(event.external_id):
            self._keep(False, event)

    def shared(self) -> SharedEvents:
        """The events taken so far, by chunk."""
        for chunk in list(self._waiting):
            self._write(chunk)
        # Whose they are is settled by where they lie; the ids of a whole plan are too much for every process.
        owner = self.owner if self.owner.known is None else Owner(self.owner.namespace, own=True)
        return SharedEvents(
            owner,
            self.visitors,
            self.knows_bad,
            self.before,
            self.given,
            self.identity_types,
            self._places,
            self._file,
        )

    def elsewhere(self) -> Iterator[StoredEvent]:
        """The run's good events that belong to no visitor of the plan, in the order of arrival."""
        return (event for good, event in self.shared().events_of(_ELSEWHERE) if good)

    def received(self) -> dict[int, Ms]:
        """When each of the run's good events arrived, by cursor, where the listing tells."""
        shared = self.shared()
        events = (event for chunk in self._places for good, event in shared.events_of(chunk) if good)
        return {event.cursor: event.received for event in events if event.received is not None}

    def _keep(self, good: bool, event: StoredEvent) -> None:
        visitor = self.owner.visitor_of(event.external_id)
        chunk = visitor // self.visitors if 0 <= visitor < self._coming else _ELSEWHERE
        waiting = self._waiting.setdefault(chunk, [])
        waiting.append(_row(good, event))
        if len(waiting) >= _WAITING:
            self._write(chunk)

    def _write(self, chunk: int) -> None:
        written = marshal.dumps(self._waiting.pop(chunk))
        self._places.setdefault(chunk, []).append((self._length, len(written)))
        self._length += len(written)
        rest = memoryview(written)
        try:
            while rest:
                rest = rest[os.write(self._file, rest) :]
        except OSError as full:
            raise EngineError(
                f"the stored events cannot be kept while they are compared: {full.strerror} in "
                f"{tempfile.gettempdir()}; free some space there, or name another folder in the environment variable "
                "TMPDIR"
            ) from full


def _row(good: bool, event: StoredEvent) -> tuple[Any, ...]:
    identities = tuple((identity.type, identity.value) for identity in event.identities)
    return (good, *event[:5], identities, *event[6:])


def _event(row: tuple[Any, ...]) -> StoredEvent:
    return StoredEvent._make((*row[1:6], tuple(Identity(kind, value) for kind, value in row[6]), *row[7:]))
