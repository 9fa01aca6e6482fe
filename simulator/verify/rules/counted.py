"""Other views, and other rows that are counted at all."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from functools import partial

from simulator.contract import METRICS
from simulator.times import DAY, HOUR, MINUTE, Ms, format_duration, zone_offset
from simulator.verify.rules.changes import (
    arrived_until,
    as_views,
    in_time,
    one_view_a_page_and_open,
    shifted_by_offset,
    without_repeated_pages,
    without_returns,
)
from simulator.verify.rules.rule import Rule, Scene, alternative
from simulator.wire.request import Action


@alternative("pv")
def other_events_are_views(scene: Scene) -> Iterator[Rule]:
    actions = {row.record.action for row in scene.rows}
    for some, words in (
        ((Action.SHOW,), "returns to the foreground"),
        ((Action.CUSTOM,), "custom events"),
        ((Action.CUSTOM, Action.SHOW), "custom events and returns to the foreground"),
        ((Action.OPEN,), "opens"),
        ((Action.OPEN, Action.CUSTOM, Action.SHOW), "every event"),
    ):
        if actions.issuperset(some):
            yield Rule(f"counted {words} as page views", rows=partial(as_views, actions=some))


@alternative("pv")
def repeated_pages(scene: Scene) -> Iterator[Rule]:  # noqa: ARG001
    yield Rule("counted one view where a device sees one page twice in a row", rows=without_repeated_pages)
    yield Rule("counted no view on a return to the page that was shown", rows=without_returns)
    yield Rule("counted a page once an open", rows=one_view_a_page_and_open)


@alternative(*METRICS)
def counting_behind(scene: Scene) -> Iterator[Rule]:
    """So many events as had arrived when it counted."""
    if not any(scene.observed.values()):
        yield Rule("counted nothing of what it stored since", rows=lambda _: (), whole=True)
    arrived = sorted(row.arrived for row in scene.rows)
    for behind in (*range(1, 11), 20, 50, 100):
        if behind < len(arrived):
            last = arrived[-behind - 1]
            text = f"left out the {behind} events that came last" if behind > 1 else "left out the event that came last"
            yield Rule(text, rows=partial(arrived_until, last=last), whole=True)


@alternative(*METRICS)
def late_events(scene: Scene) -> Iterator[Rule]:  # noqa: ARG001
    for limit in (Ms(0), MINUTE, Ms(10 * MINUTE), HOUR, DAY):
        text = "counted no event that came after a later one of its device"
        more = f" by more than {format_duration(limit)}" if limit else ""
        yield Rule(text + more, rows=partial(in_time, limit=limit), whole=True)


@alternative(*METRICS)
def copies_again(scene: Scene) -> Iterator[Rule]:
    if any(row.low > 1 for row in scene.rows):
        yield Rule(
            "counted copies of one event once",
            rows=lambda rows: (replace(row, low=1, high=1) for row in rows),
            whole=True,
        )


@alternative(*METRICS)
def local_taken_for_utc(scene: Scene) -> Iterator[Rule]:
    zone = scene.contract.definitions.day
    if zone_offset(scene.begin, zone):
        for sign, text in ((-1, "read dates in UTC as local time"), (1, "added the zone's offset to the dates twice")):
            yield Rule(
                f"{text} of {zone}",
                rows=partial(shifted_by_offset, zone=zone, sign=sign),
                whole=True,
            )
