"""A plan folded through an adapter: the requests of a visitor in sending order, with what they mean.

load/ sends them and verify/ asks for them again, so nothing that was planned is ever stored.
"""

from __future__ import annotations

from collections.abc import Container, Iterable, Mapping, Sequence
from operator import attrgetter
from typing import Any

from simulator.events import Device, Event, Visit
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
    outboxes = {visit.visitor: _Outbox() for visit in visits}
    lost = {(event.visitor, event.number) for visit in visits for event in visit.events if event.delivery.lost}
    states: dict[str, Any] = {}  # of the devices
    last: dict[str, Event] = {}
    device: Device | None = None  # whose state is `state`
    state: Any = None
    step = adapter.step
    for event in _by_device_time(visits):
        if event.device is not device:
            if device is not None:
                states[device.anonymous_id] = state
            device = event.device
            state = states.get(device.anonymous_id)
            if state is None:
                state = adapter.boot(device)
        state, requests = step(state, event)
        last[device.anonymous_id] = event
        if requests:
            _keep(requests, event, outboxes, lost)
    if device is not None:
        states[device.anonymous_id] = state
    for name, event in last.items():
        _keep(adapter.flush(states[name], event.at)[1], event, outboxes, lost)
    return {visitor: outbox.in_sending_order() for visitor, outbox in outboxes.items()}


def _keep(
    requests: Iterable[Request], event: Event, outboxes: Mapping[int, _Outbox], lost: Container[tuple[int, int]]
) -> None:
    for request in requests:
        # What a tracker held back belongs to the event that it tells of, not to the one that let it go.
        number = request.records[0].number if request.records else event.number
        if (request.visitor, number) not in lost:
            outboxes[request.visitor].put(request, number)


class _Outbox:
    """One visitor's requests: the earlier visit first, then by the instant they leave; of one instant by the event."""

    __slots__ = ("_is_ordered", "_leaves", "_made", "_number", "_setup")

    def __init__(self) -> None:
        self._made: list[tuple[int, Request]] = []  # with the number of the event
        self._is_ordered = True  # so far they were put in in the order in which they leave
        self._setup, self._leaves, self._number = True, 0, 0  # of the latest

    def put(self, request: Request, number: int) -> None:
        setup, leaves = request.purpose is Purpose.SETUP, request.leaves
        if (setup and not self._setup) or (
            setup is self._setup and (leaves < self._leaves or (leaves == self._leaves and number < self._number))
        ):
            self._is_ordered = False
        self._setup, self._leaves, self._number = setup, leaves, number
        self._made.append((number, request.numbered(len(self._made))))

    def in_sending_order(self) -> tuple[Request, ...]:
        if self._is_ordered:
            return tuple([request for _, request in self._made])
        ordered = sorted(self._made, key=lambda one: (one[1].purpose is not Purpose.SETUP, one[1].leaves, one[0]))
        return tuple([request.numbered(place) for place, (_, request) in enumerate(ordered)])


def _by_device_time(visits: Sequence[Visit]) -> Sequence[Event]:
    # Visits on one device never overlap, so one sort by instant is right for every device of the block. It is
    # stable: what a visitor did at one instant, such as a hide right after a view, stays in its order.
    if len(visits) == 1:
        return visits[0].events  # oldest first
    return sorted([event for visit in visits for event in visit.events], key=attrgetter("at"))
