"""Changes of stored rows. Each gets and gives rows in the order of their dates."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace

from simulator.times import MINUTE, Ms, zone_offset
from simulator.verify.rules.rule import Rows
from simulator.verify.sighting import Sighting
from simulator.wire.request import Action


def relabelled(row: Sighting, **fields: str) -> Sighting:
    return replace(row, record=replace(row.record, **fields))  # type: ignore[arg-type]  # text fields only


def moved(row: Sighting, at: Ms) -> Sighting:
    return replace(row, earliest=at, latest=at)


def without(rows: Rows, *actions: Action) -> Iterator[Sighting]:
    return (row for row in rows if row.record.action not in actions)


def as_views(rows: Rows, actions: Sequence[Action], *, page: bool = True) -> Iterator[Sighting]:
    for row in rows:
        if row.record.action in actions:
            # As an open it makes a user and shows no page.
            action = Action.VIEW if page else Action.OPEN
            yield replace(row, record=replace(row.record, action=action))
        else:
            yield row


def without_repeated_pages(rows: Rows) -> Iterator[Sighting]:
    shown: dict[str, str] = {}
    for row in rows:
        if row.record.action is Action.VIEW:
            if shown.get(row.record.anonymous_id) == row.record.page:
                continue
            shown[row.record.anonymous_id] = row.record.page
        yield row


def without_returns(rows: Rows) -> Iterator[Sighting]:
    """Without views of the page that the device's last view showed, no launch between."""
    shown: dict[str, str] = {}
    for row in rows:
        device = row.record.anonymous_id
        if row.record.action is Action.OPEN:
            shown.pop(device, None)
        if row.record.action is Action.VIEW:
            if shown.get(device) == row.record.page:
                continue
            shown[device] = row.record.page
        yield row


def one_view_a_page_and_open(rows: Rows) -> Iterator[Sighting]:
    shown: dict[str, set[str]] = {}
    for row in rows:
        pages = shown.setdefault(row.record.anonymous_id, set())
        if row.record.action is Action.OPEN:
            pages.clear()
        if row.record.action is Action.VIEW:
            if row.record.page in pages:
                continue
            pages.add(row.record.page)
        yield row


def in_time(rows: Rows, limit: Ms) -> Iterator[Sighting]:
    newest: dict[str, Ms] = {}
    for row in sorted(rows, key=lambda row: row.arrived):
        before = newest.get(row.record.anonymous_id, row.earliest)
        newest[row.record.anonymous_id] = max(before, row.earliest)
        if row.earliest >= before - limit:
            yield row


def with_first_source(rows: Rows) -> Iterator[Sighting]:
    first: dict[str, tuple[str, str]] = {}
    for row in rows:
        if row.record.source:
            first.setdefault(row.record.anonymous_id, (row.record.source, row.record.content))
        source, content = first.get(row.record.anonymous_id, ("", ""))
        yield relabelled(row, source=source, content=content)


def with_touch(rows: Rows, window: Ms) -> Iterator[Sighting]:
    """With the source of the visit that the device came with, for so long from then on (exactly so long is over)."""
    touched: dict[str, tuple[str, str, Ms]] = {}
    for row in rows:
        record = row.record
        source, content, at = touched.get(record.anonymous_id, ("", "", row.earliest))
        if source and row.earliest - at < window:
            yield relabelled(row, source=source, content=content)
            continue
        if record.source:
            touched[record.anonymous_id] = record.source, record.content, row.earliest
        yield row


def with_last_source(rows: Rows) -> Iterator[Sighting]:
    last = {row.record.anonymous_id: (row.record.source, row.record.content) for row in rows}
    for row in rows:
        source, content = last[row.record.anonymous_id]
        yield relabelled(row, source=source, content=content)


def with_carried_source(rows: Rows) -> Iterator[Sighting]:
    before: dict[str, tuple[str, str]] = {}
    for row in rows:
        source, content = before.get(row.record.anonymous_id, ("", ""))
        if row.record.source:
            source, content = row.record.source, row.record.content
        before[row.record.anonymous_id] = (source, content)
        yield relabelled(row, source=source, content=content)


def with_source_of_launch(rows: Rows) -> Iterator[Sighting]:
    launched: dict[str, tuple[str, str]] = {}
    for row in rows:
        if row.record.action is Action.OPEN:
            launched[row.record.anonymous_id] = (row.record.source, row.record.content)
        source, content = launched.get(row.record.anonymous_id, (row.record.source, row.record.content))
        yield relabelled(row, source=source, content=content)


def without_source_after_pause(rows: Rows, pause: Ms = MINUTE) -> Iterator[Sighting]:
    last: dict[str, Ms] = {}
    lost: set[str] = set()
    for row in rows:
        device = row.record.anonymous_id
        if row.record.action is Action.OPEN:
            lost.discard(device)
        elif row.earliest - last.get(device, row.earliest) >= pause:
            lost.add(device)
        last[device] = row.earliest
        yield relabelled(row, source="", content="") if device in lost else row


def in_units(rows: Rows, unit: Ms) -> Iterator[Sighting]:
    """Instants rounded down to whole units."""
    return (moved(row, Ms(row.earliest // unit * unit)) for row in rows)


def shifted_by_offset(rows: Rows, zone: str, sign: int) -> Iterator[Sighting]:
    """Instants earlier (-1) or later (1) by the offset of a zone."""
    return (moved(row, Ms(row.earliest + sign * zone_offset(row.earliest, zone))) for row in rows)


def arrived_until(rows: Rows, last: int) -> Iterator[Sighting]:
    """The rows that had arrived at a point of the listing."""
    return (row for row in rows if row.arrived <= last)
