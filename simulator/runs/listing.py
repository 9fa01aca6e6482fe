"""The stored events of a run, from any collector that lists them; without one a run is judged by its totals alone.

They are listed as long as they are not too many: beyond MOST_EVENTS the totals and the ledger must do, and the result
says so.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from itertools import chain

from simulator.runs.baseline import Cursors, read_namespace
from simulator.runs.chunks import chunks_of
from simulator.runs.known import coming_blocks, is_before
from simulator.runs.reading import NO_EVENTS, cursors_before, ids_name_visitors
from simulator.traffic.opened import OpenedRun
from simulator.traffic.sending import requests_of_block
from simulator.verify.listed import CONTENT_FIELDS, ListedEvents, Owner, content_of
from simulator.verify.readers.events import MOST_EVENTS, TooMany
from simulator.verify.readers.fetch import Unreadable
from simulator.verify.readers.setting import EventsReader, check_mark
from simulator.wire.request import Record


class Listing:
    """A run's stored events, listed as often as is needed."""

    def __init__(
        self,
        opened: OpenedRun,
        events: EventsReader | None,
        whose: Owner | None = None,
        contents: Mapping[str, int] | None = None,
    ) -> None:
        self.opened, self.events = opened, events
        self.why_not = "" if events is not None else NO_EVENTS  # why there is no second stage; empty while there is one
        self.from_the_beginning = False  # of the last list, as the next three
        self.good, self.bad = 0, 0  # events that were listed
        self.bad_of_others = 0
        self._whose = whose  # the same at every look; None: not yet known
        self._contents = contents  # likewise: visitor by content, of events without an id

    def take(self, attempts: int) -> ListedEvents | None:
        """All events behind the baseline; None where they cannot be had, with the reason in `why_not`.

        Of a namespace that was known before those of the run's visitors that are older, too.

        Args:
            attempts: in the ledger of the run; many more events than that are not stored.
        """
        opened, events = self.opened, self.events
        cursors = cursors_before(opened)
        self.why_not = self.why_not or _why_not(opened, cursors, attempts)
        if self.why_not or cursors is None or events is None:
            return None
        owner = self._whose = self._whose or _owner(opened)
        chunks = chunks_of(opened.plan, attempts)
        listed = ListedEvents(owner, chunks.visitors, opened.plan.count, self._contents_of_plan)
        listed.last_good, listed.last_bad = cursors.good, cursors.bad
        known = read_namespace(opened.folder).state == "known"
        listed.before = cursors.good if known else 0
        after = Cursors(0, 0) if known else cursors
        self.from_the_beginning, self.good, self.bad, self.bad_of_others = known, 0, 0, 0
        coming = coming_blocks(opened) if known else frozenset()
        try:
            check_mark(events, cursors.mark)
            for event in events.events("good", after=after.good):
                self.good += 1
                if not event.external_id:
                    listed.why_unnamed = _why_unnamed(events, known=known)
                if not known or not is_before(opened, event, cursors, coming):
                    listed.add_good(event)
        except TooMany:
            self.why_not = f"the collector holds more than {MOST_EVENTS:,} events of this run"
            return None
        except Unreadable as unreadable:
            self.why_not = f"the collector's events cannot be listed ({unreadable})"
            return None
        listed.given = events.compared  # known at the latest when they were listed
        listed.identity_types = events.identity_types
        listed.why_unnamed = _why_unnamed(events, known=known) or ("" if listed.unnamed else "the list has none such")
        if not events.lists_bad:
            return listed
        try:
            for event in events.events("bad", after=after.bad):
                self.bad += 1
                self.bad_of_others += not owner.owns(event.external_id) and event.cursor > cursors.bad
                listed.add_bad(event)
            listed.knows_bad = True
        except Unreadable:
            pass  # what is good is known all the same
        return listed

    def _contents_of_plan(self) -> Mapping[str, int]:
        if self._contents is None:
            self._contents = {
                content_of(record): visitor for record, visitor in _records(self.opened) if not record.external_id
            }
        return self._contents

    def grew(self, listed: ListedEvents) -> bool:
        """Whether more is stored than when the list was taken, or nobody can tell any more."""
        events = self.events
        if events is None:
            return True
        try:
            more = [events.events("good", after=listed.last_good)]
            if listed.knows_bad:
                more.append(events.events("bad", after=listed.last_bad))
            return next(chain(*more), None) is not None
        except Unreadable:
            return True


def _owner(opened: OpenedRun) -> Owner:
    """Who tells whose an event is: its id, or the ids of the whole plan."""
    own = opened.manifest.target.embedded
    if own or ids_name_visitors(opened):
        return Owner(opened.manifest.namespace, own=own)
    known = {record.external_id: visitor for record, visitor in _records(opened) if record.external_id}
    return Owner(opened.manifest.namespace, own=own, known=known)


def _records(opened: OpenedRun) -> Iterator[tuple[Record, int]]:
    """What the whole plan sends, with the visitor of each."""
    for block in opened.plan.blocks:
        for requests in requests_of_block(opened.plan, opened.adapter, block).values():
            for request in requests:
                for record in request.records:
                    yield record, request.visitor


def _why_unnamed(events: EventsReader, *, known: bool) -> str:
    """Why events without an id cannot be held against the plan; empty where they can, if there are any.

    Args:
        known: the namespace was used before, so nobody knows which of two that say the same is new.
    """
    if known:
        return "the namespace was used before"
    untold = sorted(CONTENT_FIELDS - events.compared)
    return f"the list does not tell {', '.join(untold)}" if untold else ""


def _why_not(opened: OpenedRun, cursors: Cursors | None, attempts: int) -> str:
    if attempts > MOST_EVENTS:
        return f"there were {attempts:,} attempts, and no more than {MOST_EVENTS:,} events are listed"
    if not opened.adapter.carries_id:
        return "the wire carries no id by which a stored event could be recognised"
    if not opened.adapter.carries_time or opened.contract.time != "event":
        return "the wire carries no time, so a stored event cannot be held against its plan"
    if opened.contract.order == "arrival" and opened.contract.dedupe != "by_id":
        return "by the order of arrival each stored copy of an event has a place of its own"
    if cursors is None:
        return "the collector listed no events before the run"
    return ""
