"""A plan folded through an adapter: the requests of a visitor in sending order, with what they mean.

load/ sends them and verify/ asks for them again, so nothing that was planned is ever stored.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from operator import attrgetter, le
from typing import Any

from simulator.events import Event, Visit
from simulator.journey.plan import Plan, visits_of_block
from simulator.wire.request import Adapter, Purpose, Request


def requests_of_block(plan: Plan, adapter: Adapter[Any], block: int) -> dict[int, tuple[Request, ...]]:
    """The requests of each visitor of a block, the earlier visit first, then by the instant they leave.

    The tracker's state belongs to the device, so a block is folded as a whole, each device in the order in which
    things happened on it. A request that never leaves the phone still moves the tracker's state.
    """
    return requests_of_visits(visits_of_block(plan, block), adapter)


def requests_of_visits(visits: Sequence[Visit], adapter: Adapter[Any]) -> dict[int, tuple[Request, ...]]:
    """The same for visits already planned: all of one block."""
    made: dict[int, list[tuple[int, Request]]] = {visit.visitor: [] for visit in visits}
    states: dict[str, Any] = {}
    last: dict[str, Event] = {}
    lost = {(event.visitor, event.number) for visit in visits for event in visit.events if event.delivery.lost}
    step = adapter.step

    def keep(requests: Iterable[Request], event: Event) -> None:
        for request in requests:
            # What a tracker held back belongs to the event that it tells of, not to the one that let it go.
            number = request.records[0].number if request.records else event.number
            if not lost or (request.visitor, number) not in lost:
                made[request.visitor].append((number, request))

    for event in _by_device_time(visits):
        device = event.device.anonymous_id
        state = states.get(device)
        if state is None:
            state = adapter.boot(event.device)
        states[device], requests = step(state, event)
        last[device] = event
        if requests:
            keep(requests, event)
    for device, event in last.items():
        keep(adapter.flush(states[device], event.at)[1], event)
    return {visitor: _in_sending_order(requests) for visitor, requests in made.items()}


def _by_device_time(visits: Sequence[Visit]) -> Sequence[Event]:
    # Visits on one device never overlap, so one sort by instant is right for every device of the block. It is
    # stable: what a visitor did at one instant, such as a hide right after a view, stays in its order.
    if len(visits) == 1:
        return visits[0].events  # oldest first
    return sorted([event for visit in visits for event in visit.events], key=attrgetter("at"))


def _in_sending_order(made: list[tuple[int, Request]]) -> tuple[Request, ...]:
    """The earlier visit first, then by the instant they leave; of one instant by the event."""
    keys = [(request.purpose is not Purpose.SETUP, request.leaves, number) for number, request in made]
    if all(map(le, keys, keys[1:])):
        return tuple([request.numbered(number) for number, (_, request) in enumerate(made)])
    order = sorted(range(len(made)), key=keys.__getitem__)
    return tuple([made[place][1].numbered(number) for number, place in enumerate(order)])
