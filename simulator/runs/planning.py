"""The expected totals of a plan, before anything is sent, and its first events."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import chain, islice
from typing import Any

from simulator.contract import Contract
from simulator.events import Event, Kind, Visit
from simulator.finding import Interval, Judged, Verdict
from simulator.journey.plan import Plan, visits
from simulator.report import words
from simulator.scenario.model import Span
from simulator.scenario.steps_in import all_steps
from simulator.times import Ms, format_duration, parse_instant
from simulator.traffic.making import Wanted, draft
from simulator.traffic.opened import adapter_of
from simulator.traffic.sending import requests_of_block
from simulator.verify.oracle import Expectations, expected_from_plan
from simulator.wire.request import Adapter, Request

FIRST_EVENTS = 12
_SHOWN = frozenset({Kind.LAUNCH, Kind.SHOW, Kind.VIEW, Kind.PUSH, Kind.TRACK, Kind.MALFORMED, Kind.HIDE})


@dataclass(frozen=True, slots=True)
class Planned:
    """What a plan comes to."""

    plan: Plan
    contract: Contract
    expectations: Expectations
    first_events: tuple[Event, ...]
    notes: tuple[str, ...]

    @property
    def metrics(self) -> tuple[Judged, ...]:
        """Every expected cell of every metric, with nothing observed."""
        return as_judged(self.expectations)


def planned(wanted: Wanted) -> Planned:
    """Plan every visitor and count what an honest collector must say.

    Raises:
        ScenarioError, UsageError: the scenario or an option cannot be used.
    """
    checked = draft(wanted)
    plan, contract, options = checked.plan, checked.contract, checked.options
    adapter = adapter_of(checked.adapter, checked.path, plan.scenario, checked.namespace, options, own=checked.own)
    expectations = expected_of(plan, adapter, contract)
    return Planned(plan, contract, expectations, _first_events(plan), tuple(_notes(plan, contract, expectations)))


def expected_of(plan: Plan, adapter: Adapter[Any], contract: Contract) -> Expectations:
    """What an honest collector must say of the whole plan."""
    return expected_from_plan(
        blocks_of(plan, adapter),
        contract,
        plan.start,
        plan.end,
        carries_anonymous_id=adapter.carries_anonymous_id,
    )


def blocks_of(plan: Plan, adapter: Adapter[Any]) -> Iterator[list[Request]]:
    """The requests of every block, its visitors one after another."""
    for block in plan.blocks:
        yield list(chain.from_iterable(requests_of_block(plan, adapter, block).values()))


def as_judged(expectations: Expectations) -> tuple[Judged, ...]:
    """Every expected cell with nothing observed, as result.json shows metrics."""
    rows = [
        Judged(metric, by, cell, expected, None, Verdict.INCONCLUSIVE, why)
        for (metric, by, cell), expected, why in expectations
    ]
    return tuple(rows)


def _first_events(plan: Plan) -> tuple[Event, ...]:
    """The first events in time, of the visitors who come first."""
    some: list[Visit] = list(islice(visits(plan), 200))
    shown = (event for visit in some for event in visit.events if event.kind in _SHOWN and not event.setup)
    return tuple(sorted(shown, key=lambda event: (event.at, event.visitor, event.number))[:FIRST_EVENTS])


def _notes(plan: Plan, contract: Contract, expectations: Expectations) -> Iterator[str]:
    turns = 0 if plan.users is None else -(-plan.count // plan.users)
    if turns > 1:
        whose = "the longest visit that the file allows" if plan.scenario.load.each is None else "load.each"
        yield (
            f"The period follows event time, not how fast the load is sent: with {plan.users:,} at once, a user "
            f"has up to {turns:,} visitors, one every {format_duration(plan.each)} ({whose}). "
            "To shorten it, set load.each."
        )
    if expectations.outside:
        yield words.outside_sentence(expectations.outside)
    if expectations.bad.high:
        yield words.malformed_sentence(Interval(expectations.bad.high, expectations.bad.high))
    opens = contract.definitions.opens
    if contract.time == "arrival" and opens.timeout is not None:
        for place, span in _pauses(plan):
            wall = 0 if plan.flood else span / plan.speed
            if span > opens.timeout >= wall:
                yield (
                    f"{place}: the wire carries no time, so a pause of {format_duration(span)} lasts only "
                    f"{format_duration(Ms(int(wall)))} of wall time here, which is no more than the timeout."
                )


def _pauses(plan: Plan) -> Iterator[tuple[str, Ms]]:
    """(place in the file, longest pause) of every step that waits."""
    for place, step in all_steps(plan.scenario):
        for name in ("hide", "wait", "think"):
            span = getattr(step, name, None)
            if isinstance(span, Span) and span.high:
                yield f"{place}.{name}", span.high


def start_option(text: str | None) -> Ms | None:
    """`--start` as an instant.

    Raises:
        ValueError: not ISO 8601 with an offset.
    """
    return None if text is None else parse_instant(text)
