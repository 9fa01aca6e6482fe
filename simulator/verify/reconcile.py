"""Plan, ledger and the stored events themselves: what was lost, duplicated, altered, or never sent.

The second stage. Each event of the plan is looked up among those that the collector lists: by its externalId, or, where
the wire gives it none, by what it says (`content_of`):

    lost         certain and not stored, or listed as bad
    duplicated   stored more often than its attempts can explain
    unexpected   stored although nothing that was sent can have been kept: refused, too old, malformed, not of the plan
    altered      stored with other fields
    misplaced    of the altered: stored in another cell (hour, source, content or page)
    foreign      of nobody in this run, behind the baseline
    recovered    outcome unknown, and stored; absent: unknown, and not stored. Both are allowed
    uncompared   sent without an id, where the list does not tell enough to know it again

What is stored then takes the place of what is unknown (`StoredRows`), and the totals can be judged against one number.
What a wrong total over right events means is rules.py; the listing is readers/events.py and listed.py.

Source: reference/verification-model.md, section 8.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace

from simulator.contract import Dedupe
from simulator.events import Identity
from simulator.finding import Finding, Verdict, naming_nobody
from simulator.times import Ms, hour_cell, iso_utc
from simulator.verify.listed import NOBODY, StoredIndex, content_of
from simulator.verify.readers.events import StoredEvent, action_of
from simulator.verify.rules.origins import Origin, Origins, note_origins
from simulator.verify.sighting import Sighting
from simulator.wire.request import Action, Record

MOST_CASES = 10_000  # of one kind that are kept one by one; the rest is counted
_EXAMPLES = 5
COMPARED: frozenset[str] = frozenset(
    {"date", "event", "anonymous_id", "source", "content", "page", "identities"}
)  # of a stored event

Change = tuple[str, str, str]  # field, as it was sent, as it is stored
_WRONG = ("lost", "duplicated", "unexpected", "altered", "misplaced")


@dataclass(frozen=True, slots=True)
class Case:
    """One event with which something is wrong."""

    external_id: str
    visitor: int  # -1: of no plan
    event: str
    what: str  # what is wrong with it, beyond the kind


@dataclass(slots=True)
class Reconciliation:
    """What became of the events of a run, event by event."""

    counts: dict[str, int] = field(default_factory=dict)  # by kind
    cases: dict[str, list[Case]] = field(default_factory=dict)  # by kind, the first MOST_CASES
    met: int = 0  # events of the plan with an id of which a copy is stored
    altered_fields: dict[str, int] = field(default_factory=dict)
    origins: Origins = field(default_factory=dict)  # where stored sources come from that nobody sent
    changes: dict[str, dict[tuple[str, str], None]] = field(
        default_factory=dict
    )  # field → some (planned, stored) texts

    def note(self, kind: str, case: Case) -> None:
        """Count one event under a kind."""
        self.counts[kind] = self.counts.get(kind, 0) + 1
        kept = self.cases.setdefault(kind, [])
        if len(kept) < MOST_CASES:
            kept.append(case)

    def merge(self, other: Reconciliation) -> None:
        """Take what became of other events, as if they had been noted here after these."""
        for kind, number in other.counts.items():
            self.counts[kind] = self.counts.get(kind, 0) + number
        for kind, cases in other.cases.items():
            kept = self.cases.setdefault(kind, [])
            kept += cases[: MOST_CASES - len(kept)]
        self.met += other.met
        for told, origin in other.origins.items():
            self.origins.setdefault(told, Origin()).merge(origin)
        for name, number in other.altered_fields.items():
            self.altered_fields[name] = self.altered_fields.get(name, 0) + number
        for name, changes in other.changes.items():
            known = self.changes.setdefault(name, {})
            for change in changes:
                if len(known) < MOST_CASES:
                    known[change] = None

    def count(self, kind: str) -> int:
        """How many events are of a kind."""
        return self.counts.get(kind, 0)

    @property
    def wrong(self) -> int:
        """How many events are not stored as they were sent."""
        return sum(self.counts.get(kind, 0) for kind in _WRONG if kind != "misplaced")  # these are altered ones

    @property
    def clean(self) -> bool:
        """Whether every stored event is as the ledger allows, and every certain one is stored."""
        return not any(self.counts.get(kind) for kind in _WRONG)


@dataclass(slots=True)
class StoredRows:
    """The rows of one block as they are stored, and whether they say the same as the ledger."""

    rows: list[Sighting]
    same: bool  # every event certain, stored once as planned, or certainly absent and not stored


def reconcile(
    sightings: Iterable[Sighting],
    index: StoredIndex,
    found: Reconciliation,
    asked: set[str],
    zone: str,
    dedupe: Dedupe = "none",
) -> StoredRows:
    """Look up the events of one block among the stored ones.

    The rows stand in the order of arrival that the listing tells, so nothing about them is unknown; but for those of
    events without an id that are not compared, which are as the ledger says.

    Args:
        found: is added to.
        asked: ids and contents that were looked up and found; is added to.
        zone: in whose hours an event is misplaced.
        dedupe: of the contract: where copies are recognised, events without an id that say the same may be one.
    """
    stored = StoredRows([], same=True)
    sightings = list(sightings)
    sources: dict[str, str] = {}  # by id, of events that were sent with another
    alike: dict[str, list[Sighting]] = {}  # by content, those without an id
    for sighting in sightings:
        record = sighting.record
        if record.external_id or record.bad:
            copies = index.copies(record.external_id)
            if copies:
                asked.add(record.external_id)
                found.met += 1
            _look_up(sighting, copies, index, found, zone, stored, sources)
        elif index.why_unnamed:
            found.note("uncompared", Case("", record.visitor, record.event, ""))
            if sighting.high:
                stored.rows.append(sighting)
        else:
            alike.setdefault(content_of(record), []).append(sighting)
    for content, some in alike.items():
        all_copies = index.alike(content)
        if all_copies:
            asked.add(content)
        for sighting, copies in zip(some, _dealt(some, all_copies), strict=True):
            if all_copies and not copies and dedupe != "none":
                stored.same = False  # it and another one were taken for one
            else:
                _look_up(sighting, copies, index, found, zone, stored, sources)
    if sources:
        note_origins(sightings, sources, found.origins)
    return stored


def _look_up(
    sighting: Sighting,
    copies: Sequence[StoredEvent],
    index: StoredIndex,
    found: Reconciliation,
    zone: str,
    stored: StoredRows,
    sources: dict[str, str],
) -> None:
    """What became of one event, of which these are the stored copies."""
    record = sighting.record
    copies = _comparable(copies, record, index)
    if record.bad:
        _check_bad(sighting, copies, index, found)
        if copies:
            stored.same = False
            stored.rows.extend(_rows(replace(record, bad=""), copies))
        return
    if not len(copies) == sighting.low == sighting.high:
        stored.same = False
        _check_copies(sighting, len(copies), index.why_bad(record.external_id), found)
    if not copies:
        return
    for copy in copies:
        if not _says_the_same(record, copy):
            stored.same = False
            _note_altered(record, copy, found, zone)
            if copy.source != record.source:
                sources[record.external_id] = copy.source
            break
    stored.rows.extend(_rows(record, copies))


def _dealt(alike: Sequence[Sighting], copies: Sequence[StoredEvent]) -> list[list[StoredEvent]]:
    """Stored events that say the same, dealt out to the events that they may be copies of, to certain ones first.

    An event gets those first that are like it in every field; what is too many is the last one's.
    """
    dealt: list[list[StoredEvent]] = [[] for _ in alike]
    left = list(copies)
    for certain in (True, False):
        for own, sighting in zip(dealt, alike, strict=True):
            wanted = (sighting.low if certain else sighting.high) - len(own)
            for _ in range(min(wanted, len(left))):
                same = (place for place, copy in enumerate(left) if _says_the_same(sighting.record, copy))
                own.append(left.pop(next(same, 0)))
    dealt[-1] += left
    return dealt


def reconcile_others(index: StoredIndex, found: Reconciliation, asked: set[str]) -> list[Sighting]:
    """What is stored and no block asked for, after all blocks; the same events as rows."""
    return [note_other(event, index.visitor_of(event), found) for event in index.others(asked)]


def note_other(event: StoredEvent, visitor: int, found: Reconciliation) -> Sighting:
    """Note a stored event of which the plan knows nothing; the same event as a row."""
    found.note("unexpected", Case(event.external_id, visitor, event.event, "nothing like it is in the plan"))
    return row_of(event, visitor)


def _check_copies(sighting: Sighting, copies: int, why_bad: str, found: Reconciliation) -> None:
    record = sighting.record
    case = Case(record.external_id, record.visitor, record.event, "")
    if copies > sighting.high:
        if sighting.high:
            most = "once" if sighting.high == 1 else f"{sighting.high} times at most"
            found.note("duplicated", replace(case, what=f"stored {copies} times, and can be {most}"))
        else:
            found.note("unexpected", replace(case, what="it was refused, too old, or never sent"))
    elif copies < sighting.low:
        what = f"listed as bad: {why_bad}" if why_bad else "" if not copies else f"stored {copies} times only"
        found.note("lost", replace(case, what=what))
    elif not copies and sighting.high and why_bad:
        found.note("lost", replace(case, what=f"listed as bad: {why_bad}"))
    elif not sighting.low:
        found.note("recovered" if copies else "absent", case)


def _check_bad(sighting: Sighting, copies: Sequence[StoredEvent], index: StoredIndex, found: Reconciliation) -> None:
    record = sighting.record
    case = Case(record.external_id, record.visitor, record.event, "")
    if copies:
        found.note("unexpected", replace(case, what=f"stored as good, and it is malformed: {record.bad}"))
    elif sighting.low and index.knows_bad and record.external_id and not index.why_bad(record.external_id):
        found.note("lost", replace(case, what=f"malformed ({record.bad}), and not among the bad ones"))


def _comparable(copies: Sequence[StoredEvent], record: Record, index: StoredIndex) -> Sequence[StoredEvent]:
    """The copies with what the list does not tell of them as it was sent: that cannot be compared."""
    if not copies:
        return copies
    if not index.given >= COMPARED:
        planned = {name: getattr(record, name) for name in COMPARED - index.given}
        copies = [copy._replace(**planned) for copy in copies]
    if all(copy.page == record.page and copy.identities == record.identities for copy in copies):
        return copies
    return [
        copy._replace(page=_page(copy, record), identities=_identities(copy, record, index.identity_types))
        for copy in copies
    ]


def _page(copy: StoredEvent, record: Record) -> str:
    """A page belongs to a view alone: what a list tells as that of another event is the page that was in sight."""
    shown = record.action is Action.VIEW or (copy.event != record.event and action_of(copy) is Action.VIEW)
    return copy.page if shown else record.page


def _identities(copy: StoredEvent, record: Record, told: frozenset[str] | None) -> tuple[Identity, ...]:
    """In the order in which they were sent, and of a type that the list does not tell the one that was sent."""
    sent = tuple(
        one for one in record.identities if one in copy.identities or (told is not None and one.type not in told)
    )
    return (*sent, *(one for one in copy.identities if one not in sent))


def _says_the_same(record: Record, copy: StoredEvent) -> bool:
    return (
        record.date == copy.date
        and record.event == copy.event
        and record.anonymous_id == copy.anonymous_id
        and record.source == copy.source
        and record.content == copy.content
        and record.page == copy.page
        and record.identities == copy.identities
    )


def _note_altered(record: Record, copy: StoredEvent, found: Reconciliation, zone: str) -> None:
    for name, planned, stored in _fields(record, copy):
        if planned != stored:
            found.altered_fields[name] = found.altered_fields.get(name, 0) + 1
            changes = found.changes.setdefault(name, {})
            if len(changes) < MOST_CASES:
                changes[planned, stored] = None
    case = Case(record.external_id, record.visitor, record.event, ", ".join(differences(record, copy)))
    found.note("altered", case)
    if _cells(record.date, zone, record) != _cells(copy.date, zone, copy):
        found.note("misplaced", case)


def differences(record: Record, copy: StoredEvent) -> list[str]:
    """What a stored event says otherwise than the plan, by field: "source: stored 'AD', sent 'ad'"."""
    return [
        f"{name}: stored {_short(stored)}, sent {_short(planned)}"
        for name, planned, stored in _shown_fields(record, copy)
        if planned != stored
    ]


def _fields(record: Record, copy: StoredEvent) -> Iterator[Change]:
    yield "event", record.event, copy.event
    yield "date", str(record.date), str(copy.date)
    yield "anonymousId", record.anonymous_id, copy.anonymous_id
    yield "identities", _told(record.identities), _told(copy.identities)
    yield "source", record.source, copy.source
    yield "contentName", record.content, copy.content
    yield "page", record.page, copy.page


def _shown_fields(record: Record, copy: StoredEvent) -> Iterator[Change]:
    """The same as a reader sees them: instants as such, and of identities only the types that differ."""
    for name, planned, stored in _fields(record, copy):
        if name == "date":
            yield name, _instant(record.date), _instant(copy.date)
        elif name == "identities":
            yield from _differing(record.identities, copy.identities)
        else:
            yield name, planned, stored


def _differing(planned: tuple[Identity, ...], stored: tuple[Identity, ...]) -> Iterator[Change]:
    for kind in dict.fromkeys(one.type for one in (*planned, *stored)):
        sent, kept = (" ".join(one.value for one in some if one.type == kind) for some in (planned, stored))
        yield f"identity {kind}", sent, kept


def _instant(date: Ms | None) -> str:
    try:
        return "" if date is None else iso_utc(date)
    except (OverflowError, ValueError):  # beyond every calendar
        return f"{date} ms since 1970"


def _cells(date: Ms | None, zone: str, of: Record | StoredEvent) -> tuple[str, str, str, str]:
    return _hour(date, zone), of.source, of.content, of.page


def _hour(date: Ms | None, zone: str) -> str:
    try:
        return "" if date is None else hour_cell(date, zone)
    except (OverflowError, ValueError):  # beyond every calendar
        return "never"


def _told(identities: tuple[Identity, ...]) -> str:
    return " ".join(f"{one.type}={one.value}" for one in identities)


def _short(text: str) -> str:
    return repr(text if len(text) <= 60 else text[:60] + "…")


def _rows(record: Record, copies: Sequence[StoredEvent]) -> Iterator[Sighting]:
    """The stored copies as rows; equal ones are one row with so many copies."""
    first = copies[0]
    if all(copy[1:9] == first[1:9] for copy in copies[1:]):
        yield _row(record, first, len(copies))
        return
    for copy in copies:
        yield _row(record, copy, 1)


def _row(record: Record, copy: StoredEvent, copies: int) -> Sighting:
    if not _says_the_same(record, copy):
        action = record.action if record.event == copy.event else action_of(copy)
        record = replace(
            record,
            action=action,
            event=copy.event,
            date=copy.date,
            anonymous_id=copy.anonymous_id,
            identities=copy.identities,
            source=copy.source,
            content=copy.content,
            page=copy.page,
        )
    # A date that is gone leaves the collector nothing but the arrival to go by.
    at = copy.date if copy.date is not None else copy.received or Ms(0)
    return Sighting(record, copies, copies, at, at, copy.cursor, copy.cursor)


def row_of(event: StoredEvent, visitor: int = NOBODY) -> Sighting:
    """A stored event that no plan knows, as a row."""
    if action_of(event) is not Action.VIEW:
        event = event._replace(page="")
    record = Record(
        visitor=visitor,
        number=-1,
        external_id=event.external_id,
        action=action_of(event),
        event=event.event,
        date=event.date,
        anonymous_id=event.anonymous_id,
        identities=event.identities,
        source=event.source,
        content=event.content,
        page=event.page,
        session=event.session,
    )
    return _row(record, event, 1)


# ---- findings -----------------------------------------------------------------------------------------------------


def reconciled_findings(found: Reconciliation, *, foreign: int = 0, others: Sequence[str] = ()) -> Iterator[Finding]:
    """What is wrong with the stored events, one finding a kind.

    Args:
        foreign: how many are of nobody in this run.
        others: some of their ids.
    """
    for kind in _WRONG:
        if found.count(kind):
            visitors = _visitors(found.cases[kind])
            text = _text(kind, found) + (_ids_listed(found, others) if kind == "lost" else "")
            wrong = Finding(kind, Verdict.FAIL, text, found.count(kind), visitors)
            yield naming_nobody(wrong, "the plan has nobody who sends such events")
    if foreign:
        text = (
            f"{foreign:,} stored {'event is' if foreign == 1 else 'events are'} of nobody in this run: "
            "somebody else sent to this collector meanwhile, so too many proves nothing"
        )
        yield Finding("foreign", Verdict.INCONCLUSIVE, text, foreign)


_SENTENCES = {
    "lost": "acknowledged and not stored",
    "duplicated": "stored more often than their sends explain",
    "unexpected": "stored although nothing that was sent can be the reason",
    "altered": "stored with other fields than were sent",
}


_NONE_MET = "acknowledged, and none is listed with the id that it was sent with"


def _text(kind: str, found: Reconciliation) -> str:
    cases, number = found.cases[kind], found.count(kind)
    if kind == "misplaced":
        return (
            f"{number:,} of the altered events {'is' if number == 1 else 'are'} in another cell than where they belong"
        )
    noun = "event is" if number == 1 else "events are"
    said = _SENTENCES[kind] if kind != "lost" or found.met else _NONE_MET
    fields = ""
    if kind == "altered":
        by_name = sorted(found.altered_fields.items(), key=lambda item: (-item[1], item[0]))
        fields = " (" + ", ".join(f"{name} {times:,}" for name, times in by_name) + ")"
    shown = "; ".join(_shown(case) for case in cases[:3])
    more = f"; and {number - 3:,} more" if number > 3 else ""
    return f"{number:,} {noun} {said}{fields}: {shown}{more}"


def _ids_listed(found: Reconciliation, others: Sequence[str]) -> str:
    """How the ids look that are listed, where not one is of those that were sent."""
    unknown = [*(case.external_id for case in found.cases.get("unexpected", ())[:_EXAMPLES]), *others]
    ids = ", ".join(list(dict.fromkeys(_short(one) for one in unknown if one))[:3])
    return f". What is listed has ids such as {ids}" if ids and not found.met else ""


def _shown(case: Case) -> str:
    return f"{case.external_id or '(no id)'} {case.event}" + (f", {case.what}" if case.what else "")


def _visitors(cases: Sequence[Case]) -> tuple[int, ...]:
    return tuple(sorted({case.visitor for case in cases if case.visitor >= 0})[:_EXAMPLES])
