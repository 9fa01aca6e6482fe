"""The stored events of a run while it is judged: in a temporary file, a chunk of neighbouring visitors at a time.

What a collector lists comes in the order of arrival, and is asked for visitor by visitor. So each event is put where
its externalId says that it belongs, and memory holds the events of one chunk, not of the run. What an event is to the
plan is reconcile.py; how events are listed is readers/events.py.

Some wires send records without an id. Such an event is known by what it says: when, of whom, and what it is called.
"""

from __future__ import annotations

import marshal
import os
import tempfile
import weakref
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TypeVar

from simulator.errors import EngineError
from simulator.events import Identity
from simulator.times import Ms
from simulator.verify.readers.events import StoredEvent
from simulator.wire.dmhub_fields import place_of
from simulator.wire.request import Record

Value = TypeVar("Value")

NOBODY = -1  # visitor of an event of no plan
MOST_FOREIGN = 100_000  # events of others of which each is kept; the rest is counted
_WAITING = 256  # events of one chunk that are written at once
ALL_FIELDS = frozenset(StoredEvent._fields)
CONTENT_FIELDS = frozenset({"date", "event", "anonymous_id"})  # without which an event without an id is not known
_ELSEWHERE = -1  # chunk of the events of no visitor of the plan

Place = tuple[int, int]  # where something lies in the file, and how long it is


def content_of(event: StoredEvent | Record) -> str:
    """By what an event without an id is known: when it was, whose it is, and what it is called.

    Whose is said by its device or, without one, by all its identities. No externalId is equal to it.
    Source: CONTRACT section 3, on copies without an externalId.
    """
    who: Any = event.anonymous_id or sorted((one.type, one.value) for one in event.identities)
    return f"\0{event.date}\0{event.event}\0{who}"


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
        self._unnamed: dict[str, list[StoredEvent]] = {}  # ours without an id, by their content
        self.why_unnamed = ""  # why these are not held against the plan; empty: they are
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
        self.add_own(event)

    def add_own(self, event: StoredEvent) -> None:
        """Take one good event that is known to be the run's."""
        self.last_good = max(self.last_good, event.cursor)
        event = event._replace(
            event=self._kept(event.event),
            anonymous_id=self._kept(event.anonymous_id),
            identities=self._kept(event.identities),
            source=self._kept(event.source),
            content=self._kept(event.content),
            page=self._kept(event.page),
            reason="",
        )
        if not event.external_id:
            self._unnamed.setdefault(content_of(event), []).append(event)
            return
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

    def alike(self, content: str) -> Sequence[StoredEvent]:
        """The stored good events without an id that say the same, in the order of arrival."""
        return self._unnamed.get(content, ())

    def why_bad(self, identifier: str) -> str:
        """The reason for which an event is listed as bad; empty where it is not."""
        return self._bad.get(identifier, "")

    def others(self, asked: set[str]) -> Iterator[StoredEvent]:
        """The run's good events whose id or, without one, whose content nobody asked for."""
        for identifier, found in self._good.items():
            if identifier not in asked:
                yield from (found,) if isinstance(found, StoredEvent) else found
        for content, alike in self._unnamed.items():
            if content not in asked:
                yield from alike

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
    why_unnamed: str  # why events without an id are not held against the plan; empty: they are
    places: dict[int, list[Place]]  # by chunk, in the order of arrival
    descriptor: int

    def index_of(self, chunk: int) -> StoredIndex:
        """The events of one chunk's visitors by their externalId."""
        index = StoredIndex(self.owner.namespace, own=self.owner.own)
        index.knows_bad = self.knows_bad
        index.before = self.before
        index.given = self.given
        index.identity_types = self.identity_types
        index.why_unnamed = self.why_unnamed
        for good, event in self.events_of(chunk):
            if good:
                index.add_own(event)
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
        contents: visitor by content, of the plan's events without an id; asked for when the first such event comes.
            None: the run sends none.

    Raises:
        EngineError: there is no room for temporary files, also from `add_good`, `add_bad` and `shared`.
    """

    def __init__(
        self, owner: Owner, visitors: int, coming: int, contents: Callable[[], Mapping[str, int]] | None = None
    ) -> None:
        self.owner, self.visitors = owner, visitors
        self.strangers = StoredIndex(owner.namespace, own=owner.own)  # good events of nobody in this run
        self.last_good = 0  # cursors of the last events
        self.last_bad = 0
        self.knows_bad = False  # whether the bad events were listed, too
        self.before = 0  # cursor up to which events were stored before the run
        self.given = ALL_FIELDS  # fields that the list tells of an event
        self.identity_types: frozenset[str] | None = None  # of which it tells the identities; None: of all
        self.unnamed = 0  # good events without an id that came
        self.why_unnamed = ""  # why these are not held against the plan; empty: they are
        self._coming, self._contents = coming, contents
        with tempfile.TemporaryFile() as file:
            self._file = os.dup(file.fileno())
        weakref.finalize(self, os.close, self._file)
        self._length = 0
        self._waiting: dict[int, list[Any]] = {}
        self._places: dict[int, list[Place]] = {}

    def add_good(self, event: StoredEvent) -> None:
        """Take one good event."""
        self.last_good = max(self.last_good, event.cursor)
        if not event.external_id and self._contents is not None:
            self._add_unnamed(event, self._contents)
        elif self.owner.owns(event.external_id):
            self._keep(True, event, self.owner.visitor_of(event.external_id))
        else:
            self.strangers.add_good(event)

    def _add_unnamed(self, event: StoredEvent, contents: Callable[[], Mapping[str, int]]) -> None:
        """Take one without an id: it is of whom the plan has to send the like."""
        self.unnamed += 1
        if self.why_unnamed:
            return
        visitor = contents().get(content_of(event), NOBODY)
        if visitor == NOBODY and not self.owner.own:
            self.strangers.add_good(event)
        else:
            self._keep(True, event, visitor)

    def add_bad(self, event: StoredEvent) -> None:
        """Take one bad event."""
        self.last_bad = max(self.last_bad, event.cursor)
        if event.external_id and self.owner.owns(event.external_id):
            self._keep(False, event, self.owner.visitor_of(event.external_id))

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
            self.why_unnamed,
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

    def _keep(self, good: bool, event: StoredEvent, visitor: int) -> None:
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
