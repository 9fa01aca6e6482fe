"""Where the source comes from that an event is stored with, although it was sent with another.

The rules are those by which wrong totals over right events are explained (cells.py); here they are held against the
stored events themselves, event by event, where a collector lists what it makes of them. A guess that fits, not a proof.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import NamedTuple

from simulator.times import DAY, HOUR, MINUTE, SECOND, Ms, format_duration
from simulator.verify.rules.changes import (
    with_carried_source,
    with_first_source,
    with_last_source,
    with_source_of_launch,
    with_touch,
    without_source_after_pause,
)
from simulator.verify.rules.rule import Rows
from simulator.verify.sighting import Sighting


class SourceRule(NamedTuple):
    """One way in which an event gets another source than it was sent with."""

    says: str  # what the collector would be doing; completes "it …"
    told: str  # what the stored source is; completes "the stored source is …"
    change: Callable[[Rows], Iterable[Sighting]]
    exact: bool = False  # one of many like it, so it is told only where no event is an exception


_WINDOWS = (Ms(30 * MINUTE), DAY, Ms(7 * DAY), Ms(30 * DAY))  # as products have them
SOURCE_RULES = (
    SourceRule(
        "gave all visits of a device the source of its first",
        "that of its device's first visit that had one (first touch)",
        with_first_source,
    ),
    *(
        SourceRule(
            f"gave a device the source of one visit for {format_duration(window)}, and only then another",
            f"that of an earlier visit of its device, which sticks for {format_duration(window)} "
            "(first touch with a window)",
            partial(with_touch, window=window),
            exact=True,
        )
        for window in _WINDOWS
    ),
    SourceRule(
        "overwrote the source of former visits of a device by the last one",
        "that of its device's last visit (last touch)",
        with_last_source,
    ),
    SourceRule(
        "gave an event without a source the one its device had before",
        "the last one that its device had before, and it was sent without one (the source sticks)",
        with_carried_source,
    ),
    SourceRule(
        "gave all events of an open the source of its launch",
        "that of its open's launch, which a return from the background had replaced",
        with_source_of_launch,
    ),
    SourceRule(
        "forgot the source when the mini program came back from the background",
        "none, as if the return from the background had lost it",
        without_source_after_pause,
    ),
)
_EARLIER = SourceRule("", "that of an earlier visit of its device", lambda rows: rows)
_ALL = (*SOURCE_RULES, _EARLIER)


@dataclass(slots=True)
class Origin:
    """How far one rule goes over the events of the devices of which any has another source."""

    hits: int = 0  # events that are stored with another source than they were sent with, and that by the rule
    kept: int = 0  # those to which the rule gives another source, and that kept their own
    hit_until: Ms = Ms(0)  # longest time since the device's first event of that source, of the hits
    kept_from: Ms = Ms(1 << 62)  # shortest of those that kept their own

    def merge(self, other: Origin) -> None:
        """Take what was found of other devices."""
        self.hits += other.hits
        self.kept += other.kept
        self.hit_until = max(self.hit_until, other.hit_until)
        self.kept_from = min(self.kept_from, other.kept_from)


Origins = dict[str, Origin]  # by what is told of the stored source


def note_origins(sightings: Sequence[Sighting], stored: Mapping[str, str], found: Origins) -> None:
    """Hold the events of whole devices against every rule.

    Args:
        sightings: of all events that were sent by these devices, in any order.
        stored: by externalId, the source of each event that is stored with another than it was sent with.
        found: is added to.
    """
    devices = {row.record.anonymous_id for row in sightings if row.record.external_id in stored}
    rows = sorted(
        (row for row in sightings if row.record.anonymous_id in devices and row.high and not row.record.bad),
        key=lambda row: (row.earliest, row.arrived, row.place),
    )
    for rule in SOURCE_RULES:
        origin = found.setdefault(rule.told, Origin())
        first: dict[tuple[str, str], Ms] = {}
        for row, changed in zip(rows, rule.change(rows), strict=True):
            record, source = row.record, changed.record.source
            first.setdefault((record.anonymous_id, record.source), row.earliest)
            since = Ms(row.earliest - first.get((record.anonymous_id, source), row.earliest))
            if stored.get(record.external_id) == source:
                origin.hits += 1
                origin.hit_until = max(origin.hit_until, since)
            elif source != record.source and record.external_id not in stored:
                origin.kept += 1
                origin.kept_from = min(origin.kept_from, since)
    _note_earlier(rows, stored, found.setdefault(_EARLIER.told, Origin()))


def _note_earlier(rows: Rows, stored: Mapping[str, str], origin: Origin) -> None:
    before: dict[str, set[str]] = {}
    for row in rows:
        had = before.setdefault(row.record.anonymous_id, set())
        source = stored.get(row.record.external_id)
        origin.hits += bool(source) and source in had
        had.add(row.record.source)


def what_origin(found: Origins, altered: int) -> str:
    """A sentence on where the stored sources come from; empty where no rule goes for most of them.

    Args:
        altered: how many events are stored with another source than they were sent with.
    """
    told, best = _EARLIER.told, Origin()
    for rule in _ALL:
        origin = found.get(rule.told, Origin())
        if rule.exact and origin.kept:
            continue
        more, fewer = origin.hits - best.hits, origin.kept - best.kept
        if more > 0 or (not more and fewer < 0 and rule is not _EARLIER):
            told, best = rule.told, origin
    if best.hits * 2 <= altered:
        return ""
    text = f"In {best.hits:,} of {altered:,} the stored source is {told}"
    if not best.kept:
        return text
    others = (
        "1 other of these devices kept its" if best.kept == 1 else f"{best.kept:,} others of these devices kept their"
    )
    text += f"; {others} own"
    if best.hit_until < best.kept_from:
        text += (
            f", from {_about(best.kept_from)} after it on, and of those up to {_about(best.hit_until)} after it none"
        )
    return text


def _about(duration: Ms) -> str:
    unit = MINUTE if duration >= HOUR else SECOND if duration >= MINUTE else 1
    return format_duration(Ms(duration // unit * unit))
