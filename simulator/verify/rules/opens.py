"""Other beginnings of opens."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from functools import partial

from simulator.contract import Contract, Opens
from simulator.times import HOUR, MINUTE, SECOND, Ms, format_duration
from simulator.verify.opening import beginnings
from simulator.verify.rules.changes import in_units, without
from simulator.verify.rules.rule import Rule, Scene, alternative
from simulator.verify.sighting import Sighting
from simulator.wire.request import Action

_PAUSES = (Ms(30 * SECOND), MINUTE, Ms(5 * MINUTE), Ms(10 * MINUTE), Ms(15 * MINUTE), Ms(20 * MINUTE), HOUR)


@alternative("opens")
def boundary_included(scene: Scene) -> Iterator[Rule]:
    if scene.timeout is None:
        return
    said, other = (">", ">=") if not scene.contract.timeout_inclusive else (">=", ">")
    verb = "began an open" if said == ">" else "began no open"
    yield Rule(
        f"{verb} exactly {format_duration(scene.timeout)} after the event before: "
        f"the boundary is {said} in the definition and {other} in the collector",
        "boundary",
        contract=replace(scene.contract, timeout_inclusive=not scene.contract.timeout_inclusive),
    )


@alternative("opens")
def boundary_near(scene: Scene) -> Iterator[Rule]:
    for more in (1, -1, 1000, -1000):
        if scene.timeout is not None and scene.timeout + more > 0:
            other = Ms(scene.timeout + more)
            text = f"cut opens by {format_duration(other)} and not by {format_duration(scene.timeout)}"
            yield Rule(text, "boundary", contract=scene.with_timeout(other))


@alternative("opens")
def coarse_time(scene: Scene) -> Iterator[Rule]:
    if scene.timeout is not None:
        for unit, word in ((SECOND, "seconds"), (MINUTE, "minutes")):
            yield Rule(
                f"kept the time of events in whole {word}",
                "boundary",
                rows=partial(in_units, unit=Ms(unit)),
            )


@alternative("opens")
def launch_within_an_open(scene: Scene) -> Iterator[Rule]:
    if scene.timeout is not None and scene.contract.launch_opens:
        yield Rule(
            "began no open with a launch soon after the event before, as if the exit between were not there",
            contract=replace(scene.contract, launch_opens=False),
        )


@alternative("opens")
def timeout_over_launches(scene: Scene) -> Iterator[Rule]:
    if scene.timeout is not None and scene.contract.launch_opens:
        yield Rule(
            "let the timeout run on over an exit and the launch after it, so the event after that began one more open",
            opening=_over_launches,
        )


def _over_launches(rows: Sequence[Sighting], contract: Contract) -> Iterator[tuple[int, int]]:
    """The beginnings where gaps are measured from the last event that is no launch, unless there is none."""
    begun = dict(beginnings(rows, contract))
    timeout = contract.definitions.opens.timeout or Ms(0)
    last: dict[str, tuple[Ms, bool]] = {}  # device → (instant, of a launch)
    for place, row in enumerate(rows):
        device, is_launch = row.record.anonymous_id, row.record.action is Action.OPEN
        before = last.get(device)
        if place in begun or (before is not None and row.earliest - before[0] > timeout):
            yield place, begun.get(place, 1)
        if not is_launch or before is None or before[1]:
            last[device] = row.earliest, is_launch


@alternative("opens")
def exits_ignored(scene: Scene) -> Iterator[Rule]:
    if scene.timeout is not None and any(row.record.action is Action.EXIT for row in scene.rows):
        yield Rule("ignored exits", rows=lambda rows: without(rows, Action.EXIT))


@alternative("opens")
def custom_events_ignored(scene: Scene) -> Iterator[Rule]:
    if scene.timeout is not None:
        yield Rule(
            "measured gaps between opens and views only, although other events lie in them",
            rows=lambda rows: without(rows, Action.CUSTOM, Action.SHOW),
        )


@alternative("opens")
def midnight_cuts(scene: Scene) -> Iterator[Rule]:
    if scene.timeout is not None and not scene.contract.midnight:
        yield Rule(
            f"began an open with the first event of another day in {scene.contract.definitions.day}",
            contract=replace(scene.contract, midnight=True),
        )
        yield Rule(
            "began an open with the first event of another day in UTC",
            opening=lambda rows, contract: beginnings(
                rows, replace(contract, midnight=True, definitions=replace(contract.definitions, day="UTC"))
            ),
        )


@alternative("opens")
def source_cuts(scene: Scene) -> Iterator[Rule]:
    if scene.timeout is not None and not scene.contract.source_change:
        yield Rule("began an open with another source", contract=replace(scene.contract, source_change=True))


@alternative("opens")
def arrival_order(scene: Scene) -> Iterator[Rule]:
    if scene.timeout is None:
        return
    yield Rule(
        "went through the events as they arrived, and not in the order of their dates",
        contract=replace(scene.contract, order="arrival"),
    )
    yield Rule(
        "went through the events as they arrived, and began an open with one that is older than the one before",
        opening=_opens_backwards,
        contract=replace(scene.contract, order="arrival"),
    )


def _opens_backwards(rows: Sequence[Sighting], contract: Contract) -> Iterator[tuple[int, int]]:
    begun = dict(beginnings(rows, contract))
    before: dict[str, Ms] = {}
    for place, row in enumerate(rows):
        last = before.get(row.record.anonymous_id)
        if place in begun or (last is not None and row.earliest < last):
            yield place, begun.get(place, 1)
        before[row.record.anonymous_id] = row.earliest


@alternative("opens")
def another_rule(scene: Scene) -> Iterator[Rule]:
    given = scene.contract.sessions == "given"
    instead = ", and not by the session ids" if given else ""
    for opens in (Opens("launch"), Opens("every-foreground"), Opens("timeout", Ms(30 * MINUTE))):
        if given or opens != scene.contract.definitions.opens:
            yield Rule(f"counted opens by the definition {opens}{instead}", contract=scene.with_opens(opens))
    if scene.contract.definitions.opens.rule == "timeout":
        for pause in _PAUSES:
            text = f"cut opens by {format_duration(pause)}"
            yield Rule(text, "boundary", contract=scene.with_timeout(pause))


@alternative("opens")
def pauses_cut(scene: Scene) -> Iterator[Rule]:
    if scene.contract.definitions.opens.rule == "timeout" or scene.contract.sessions == "given":
        return
    for pause in _PAUSES:
        for inclusive in (False, True):
            text = f"began an open also after a pause of {format_duration(pause)}{' or more' if inclusive else ''}"
            yield Rule(text, contract=replace(scene.with_timeout(pause), timeout_inclusive=inclusive))
