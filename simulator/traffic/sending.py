"""A plan folded through an adapter: the requests of a visitor in sending order, with what they mean.

load/ sends them and verify/ asks for them again, so nothing that was planned is ever stored.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from itertools import groupby
from operator import attrgetter, le
from typing import Any

from simulator.events import Event, Visit
from simulator.journey.plan import Plan, visits_of_block
from simulator.wire.request import Adapter, Purpose, Request, Sent, fold_of


def requests_of_block(plan: Plan, adapter: Adapter[Any], block: int) -> dict[int, tuple[Request, ...]]:
    """The requests of each visitor of a block, the earlier visit first, then by the instant they leave.

    The tracker's state belongs to the device, so a block is folded as a whole, each device in the order in which
    things happened on it. A request that never leaves the phone still moves the tracker's state.
    """
    return requests_of_visits(visits_of_block(plan, block), adapter)


def requests_of_visits(visits: Sequence[Visit], adapter: Adapter[Any]) -> dict[int, tuple[Request, ...]]:
    """The same for visits already planned: all of one block."""
    made: dict[int, list[Sent]] = {visit.visitor: [] for visit in visits}
    states: dict[str, Any] = {}  # of the devices
    last: dict[str, Event] = {}
    fold = fold_of(adapter)
    for device, stretch in groupby(_by_device_time(visits), key=_device_of):
        events = list(stretch)
        name = device.anonymous_id
        state = states.get(name)
        states[name], sent = fold(adapter.boot(device) if state is None else state, events)
        last[name] = events[-1]
        for one in sent:
            made[one[1].visitor].append(one)
    for name, event in last.items():
        for request in adapter.flush(states[name], event.at)[1]:
            number = request.records[0].number if request.records else event.number
            made[request.visitor].append((number, request))
    lost = {(event.visitor, event.number) for visit in visits for event in visit.events if event.delivery.lost}
    return {visitor: _in_sending_order(visitor, sent, lost) for visitor, sent in made.items()}


_device_of = attrgetter("device")


def _by_device_time(visits: Sequence[Visit]) -> Sequence[Event]:
    # Visits on one device never overlap, so one sort by instant is right for every device of the block. It is
    # stable: what a visitor did at one instant, such as a hide right after a view, stays in its order.
    if len(visits) == 1:
        return visits[0].events  # oldest first
    return sorted([event for visit in visits for event in visit.events], key=attrgetter("at"))


def _in_sending_order(visitor: int, made: list[Sent], lost: Collection[tuple[int, int]]) -> tuple[Request, ...]:
    """The earlier visit first, then by the instant they leave; of one instant by the event. What is lost never does."""
    if lost:
        made = [one for one in made if (visitor, one[0]) not in lost]
    keys = [(request.purpose is not Purpose.SETUP, request.leaves, number) for number, request in made]
    if not all(map(le, keys, keys[1:])):
        made = [made[place] for place in sorted(range(len(made)), key=keys.__getitem__)]
    return tuple(
        [request if request.number == place else request.numbered(place) for place, (_, request) in enumerate(made)]
    )
