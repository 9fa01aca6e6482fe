"""What a collector holds of a run's namespace before the run: nothing of a new one, and something of one sent before.

Events of a namespace that is used again are taken for duplicates, so the run brings nothing new, and what is new cannot
be told by a difference. Where the collector lists its events the run is then judged by everything of its namespace:

    listed from the beginning        each event that was stored before is certain, whatever becomes of its sends
    taken off                        what the events of others count, and nothing of the run's own

and a plan that would send something else under an id that is stored is refused. Where it lists none, nothing that is
missing proves anything.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass, replace

from simulator.contract import BY, METRICS
from simulator.errors import UsageError
from simulator.finding import Finding, Verdict
from simulator.runs.baseline import Cursors, Namespace, since
from simulator.runs.reading import ids_name_visitors
from simulator.times import parse_instant
from simulator.traffic.opened import OpenedRun
from simulator.traffic.sending import requests_of_block
from simulator.verify.listed import NOBODY, Owner
from simulator.verify.oracle import Oracle
from simulator.verify.readers.events import StoredEvent
from simulator.verify.readers.fetch import Unreadable
from simulator.verify.readers.reading import Reading
from simulator.verify.readers.setting import EventsReader
from simulator.verify.reconcile import differences, row_of
from simulator.wire.request import Record

NEW = Namespace()
UNTOLD = Namespace("untold")
# What must be listed of an event for it to be counted, and to be held against the plan.
_ALL_FIELDS = frozenset({"event", "date", "anonymous_id", "identities", "source", "content", "page"})


@dataclass(frozen=True, slots=True)
class Held:
    """The stored good events of before the run."""

    own: list[StoredEvent]  # of the visitors who come
    others: list[StoredEvent]


def is_given(opened: OpenedRun) -> bool:
    """Whether somebody chose the namespace, so that it may have been used before."""
    manifest = opened.manifest
    return not manifest.target.embedded and manifest.namespace != manifest.run_id


def look_before(
    opened: OpenedRun, events: EventsReader | None, reading: Reading, cursors: Cursors | None, *, same: bool
) -> tuple[Namespace, Reading]:
    """What is known of the namespace, and what is to be taken off what the collector will say.

    Args:
        reading: what it says before the run, read after `cursors`.
        same: the plan is known to be the one that was sent before.

    Raises:
        UsageError: something else is stored under an id of this run.
    """
    if not is_given(opened):
        return NEW, reading
    held = None
    if events is not None and cursors is not None and _can_be_told(opened, events):
        held = _held(opened, events, cursors)
    if held is None:
        by_event = opened.contract.time == "event"
        empty = by_event and not reading.error and not any(_amounts(reading, BY).values())
        return (NEW if empty else UNTOLD), reading
    if not held.own:
        return NEW, reading
    if not same:
        _check_plan(opened, held.own)
    return _to_take_off(opened, held, reading)


def is_before(opened: OpenedRun, event: StoredEvent, cursors: Cursors, coming: frozenset[int]) -> bool:
    """Whether a listed event belongs to what was there before, and to nobody who comes."""
    return event.cursor <= cursors.good and not _is_own(opened, event, coming)


def coming_blocks(opened: OpenedRun) -> frozenset[int]:
    """The blocks of visitors who come."""
    return frozenset(opened.plan.blocks)


def _is_own(opened: OpenedRun, event: StoredEvent, coming: frozenset[int]) -> bool:
    owner = Owner(opened.manifest.namespace, own=False)
    visitor = owner.visitor_of(event.external_id)
    return owner.owns(event.external_id) and visitor != NOBODY and visitor // opened.plan.block in coming


def _can_be_told(opened: OpenedRun, events: EventsReader) -> bool:
    told = events.compared >= _ALL_FIELDS and events.identity_types is None
    if not told or not ids_name_visitors(opened):
        return False
    return opened.adapter.carries_id and opened.adapter.carries_time and opened.contract.time == "event"


def _held(opened: OpenedRun, events: EventsReader, cursors: Cursors) -> Held | None:
    """None where the events cannot be listed."""
    held, coming = Held([], []), coming_blocks(opened)
    try:
        for event in events.events("good"):
            if event.cursor > cursors.good:
                break
            (held.own if _is_own(opened, event, coming) else held.others).append(event)
    except Unreadable:
        return None
    return held


def _check_plan(opened: OpenedRun, own: Iterable[StoredEvent]) -> None:
    records: dict[int, dict[str, Record]] = {}  # by block
    owner = Owner(opened.manifest.namespace, own=False)
    for event in own:
        block = owner.visitor_of(event.external_id) // opened.plan.block
        if block not in records:
            requests = requests_of_block(opened.plan, opened.adapter, block).values()
            records[block] = {
                record.external_id: record for some in requests for request in some for record in request.records
            }
        record = records[block].get(event.external_id)
        wrong = "which it would not send" if record is None else ", ".join(differences(record, event))
        if wrong:
            namespace = opened.manifest.namespace
            raise UsageError(
                f"the namespace {namespace or '(none)'} is in use on this collector: it holds {event.external_id} "
                f"({event.event or 'no event'}) of another plan than this run's: {wrong}. What this run sends would be "
                "taken for duplicates of that; leave out --namespace, or name another one"
            )


def _to_take_off(opened: OpenedRun, held: Held, reading: Reading) -> tuple[Namespace, Reading]:
    """What others count of what the collector says.

    That is what their events come to, where its totals were right before the run. Where they were not, and nobody else
    was there, nothing; else it cannot be told whose part is wrong, so only what the run's own events come to stays.
    """
    own, others = _counted(opened, held.own), _counted(opened, held.others)
    together = Counter(_amounts(own, reading.cells))
    together.update(_amounts(others, reading.cells))
    known = Namespace("known", held.own[0].external_id)
    of_others = Reading({by: others.cells.get(by, {}) for by in reading.cells}, reading.errors)
    if not any(_amounts(others, BY).values()) or +Counter(_amounts(reading, BY)) == +together:
        return known, of_others
    doubt = "what it said before the run is not what its events of then come to"
    return known._replace(doubt=doubt), since(reading, own)


def _counted(opened: OpenedRun, events: Iterable[StoredEvent]) -> Reading:
    """What stored events come to, as a reading."""
    plan = opened.plan
    oracle = Oracle(replace(opened.contract, dedupe="none"), plan.start, plan.end)
    oracle.add_block([row_of(event) for event in events])
    cells: dict[str, dict[str, dict[str, int | None]]] = {by: {} for by in BY}
    for (metric, by, cell), interval in oracle.finish().intervals.items():
        cells[by].setdefault(cell, dict.fromkeys(METRICS, 0))[metric] = interval.low
    return Reading(cells)


def _amounts(reading: Reading, kinds: Collection[str]) -> dict[tuple[str, str, object], int]:
    """The totals by metric, kind and cell, with hours as instants."""
    found: dict[tuple[str, str, object], int] = {}
    for by in kinds:
        for cell, values in reading.cells.get(by, {}).items():
            for metric, value in values.items():
                key = (metric, by, _hour(cell) if by == "hour" else cell)
                found[key] = found.get(key, 0) + (value or 0)
    return found


def _hour(cell: str) -> object:
    try:
        return parse_instant(cell)
    except (ValueError, OverflowError):
        return cell


def namespace_notes(opened: OpenedRun, namespace: Namespace) -> Iterator[str]:
    """What to know of a namespace that is not new to the collector, or may not be."""
    name = opened.manifest.namespace or "(none)"
    if namespace.state == "known":
        yield f"The collector held events of the namespace {name} before, such as {namespace.example}; they count here."
    if namespace.state == "untold":
        yield (
            f"The namespace {name} was given, and no list says what the collector held of it before: events that it "
            "had already are no new ones, so a total that is too low proves nothing."
        )


def namespace_findings(namespace: Namespace) -> Iterator[Finding]:
    """Why totals of a known namespace are not to be told from those of others, where they are not."""
    if namespace.doubt:
        text = f"others have events in this period, and it is not known what they count for: {namespace.doubt}"
        yield Finding("foreign", Verdict.INCONCLUSIVE, text)
