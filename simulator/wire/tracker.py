"""What the trackers of many vendors have in common: what they know of a device, and when what they say leaves.

A vendor's file says how an event is written (`Vendor`): the messages that a moment gives rise to, the request that
carries some of them, and the way back. Here are the identities and the session of a device, the queue, and the adapter
that joins all that. A message is one event on the wire; a request carries one, or a batch of one visitor.

A batch leaves when it is full, when its time is up, when the mini program hides, and before another visitor's events or
the first judged one come into it. Its place in time is that of the flush, or of the latest of its events that were held
back on purpose (offline, disorder); it is sent again as a whole where one of its events is.

A hide ends no open: the visitor may be back in a second, and whether that is another open is the contract's to say. It
is an event like an application's own.

Not here: DM Hub's tracker (dmhub.py), which has no queue and no sessions; how requests are put in order (traffic/).
Assumed: what waits in a queue outlives the process, since every flush comes before the end of a visit.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from copy import copy
from dataclasses import dataclass, field, replace
from typing import Any, TypeVar

from simulator.errors import UsageError
from simulator.events import Delivery, Device, Event, Identity, Json, Kind, Spoil
from simulator.immutable import immutable
from simulator.scenario.adapter_options import PathOptions
from simulator.times import Ms
from simulator.wire.dmhub_fields import SLOT_KEYS, identities_of
from simulator.wire.formats import Format
from simulator.wire.javascript import UriError, string
from simulator.wire.options import DEFAULT_PATH, WireOptions
from simulator.wire.request import Action, Answer, Outcome, Purpose, Record, Request, Sent
from simulator.wire.vendor import Captured, Carried, Message, Moment, Sending, Session, Vendor, digits_of

_ACTIONS = {Kind.LAUNCH: Action.OPEN, Kind.VIEW: Action.VIEW, Kind.SHOW: Action.SHOW}


@immutable(frozen=True, slots=True)
class Waiting:
    """A message in the queue."""

    message: Message
    record: Record
    delivery: Delivery
    waits: bool


@dataclass(slots=True)
class State:
    """One device: its storage, and the memory of the process that runs on it.

    One that was handed out never changes: what happens next happens to a copy.
    """

    device: Device
    stored: Mapping[str, Json] = field(default_factory=dict)  # pushed; never mutated
    identities: tuple[Identity, ...] = ()
    session: Session | None = None
    launches: int = 0
    said: int = 0  # messages so far
    page: str = ""
    query: str = ""
    previous: str = ""
    shown: Ms = Ms(0)
    viewed: Ms = Ms(0)
    hidden: Ms | None = None  # in the background since
    last: Ms = Ms(0)  # instant of the last event
    memory: Any = None  # of the vendor
    queue: list[Waiting] = field(default_factory=list)
    size: int = 0  # bytes in the queue, where they are limited
    due: Ms = Ms(0)  # when the queue leaves at the latest

    def copy(self) -> State:
        """A device in the same state, to which events can happen."""
        return replace(self, queue=self.queue.copy())


class Tracker:
    """The adapter of a vendor; holds no state of any device."""

    def __init__(self, vendor: Vendor) -> None:
        self.name = vendor.name
        self.carries = vendor.carries
        self.carries_time = "date" in vendor.carries
        self.carries_id = "external_id" in vendor.carries
        self.carries_anonymous_id = "anonymous_id" in vendor.carries
        self.carries_source = "source" in vendor.carries
        self.max_batch = vendor.most
        self.spoils: frozenset[Spoil] = frozenset()  # ways to be wrong on purpose that the wire has
        self.looks_up = False  # of links by code nothing is asked
        self.vendor = vendor
        self._spells = True  # writes down what is sent

    def without_bytes(self) -> Tracker:
        """The same tracker for whoever asks only what its requests mean."""
        silent = copy(self)
        silent._spells = False
        return silent

    def boot(self, device: Device) -> State:
        """The state of a fresh installation."""
        return State(device, memory=self.vendor.begin())

    def step(self, state: State, event: Event) -> tuple[State, tuple[Request, ...]]:
        """One event happens; what it sends, after what was due before it.

        Raises:
            UsageError: an event that is wrong on purpose, for which this wire has no form.
        """
        state, made = self.fold(state, (event,))
        return state, tuple([request for _, request in made])

    def fold(self, state: State, events: Iterable[Event]) -> tuple[State, list[Sent]]:
        """Events of one device happen, oldest first: the same as one step after another, without a state for each."""
        phone, sent = state.copy(), list[Sent]()
        for event in events:
            self._happen(phone, event, sent)
        return phone, sent

    def flush(self, state: State, now: Ms) -> tuple[State, tuple[Request, ...]]:  # noqa: ARG002
        """What still waits leaves when its time is up, whatever `now` is."""
        if not state.queue:
            return state, ()
        phone, sent = state.copy(), list[Sent]()
        self._leave(phone, phone.due, sent)
        return phone, tuple([request for _, request in sent])

    def _happen(self, phone: State, event: Event, sent: list[Sent]) -> None:
        if event.kind is Kind.MALFORMED:
            raise UsageError(f"the adapter {self.name} cannot send malformed events")
        if phone.queue and phone.due <= event.at:
            self._leave(phone, phone.due, sent)
        if phone.queue and not _belongs(phone.queue[0].record, event):
            self._leave(phone, event.at, sent)
        moment = self._moment(phone, event)
        try:
            messages, phone.memory = self.vendor.says(moment, phone.memory)
        except UriError:
            return
        phone.said += len(messages)
        for message in messages:
            self._add(phone, message, event, sent)
        if phone.queue and self.vendor.leaves_now(moment):
            self._leave(phone, event.at, sent)

    def decode(self, method: str, target: str, headers: Mapping[str, str], body: bytes) -> tuple[Record, ...]:
        """What a captured request says; visitor and number are -1.

        Raises:
            WireError: the request is not of this format.
        """
        lower = {key.lower(): value for key, value in headers.items()}
        messages = self.vendor.read(Captured(method, target, lower, body))
        return tuple([self.vendor.record(one) for one in messages])

    def outcome(self, answer: Answer) -> Outcome:
        """What an answer tells. Never raises."""
        return self.vendor.outcome(answer)

    def outcomes(self, events: int, answer: Answer) -> Sequence[Outcome] | None:
        """What an answer tells of each of so many events, where it does; None: of all alike. Never raises."""
        return self.vendor.outcomes(events, answer)

    # ---- what the tracker knows -----------------------------------------------------------------------------------

    def _moment(self, phone: State, event: Event) -> Moment:
        """What is known with an event; the phone knows it from then on."""
        kind, at = event.kind, event.at
        known, new = phone.identities, False
        if phone.session is None or self._is_over(phone, event):
            new = True
            count = 1 if phone.session is None else phone.session.number + 1
            phone.session = Session(digits_of(phone.device.anonymous_id, count), count)
        if kind is Kind.VIEW:
            # The view that a launch shows is of the page of its entry, and has none before it.
            if phone.viewed != phone.shown or phone.page != event.page:
                phone.previous = phone.page
            phone.page, phone.query, phone.viewed = event.page, event.query, at
        elif kind is Kind.LAUNCH:
            phone.page, phone.query, phone.previous = event.page, event.query, ""
            phone.shown = phone.viewed = at
            phone.hidden = None
            phone.launches += 1
        elif kind is Kind.SHOW:
            phone.shown, phone.hidden = at, None
        elif kind is Kind.HIDE:
            phone.hidden = at
        elif kind is Kind.PUSH and event.pushed:
            phone.stored = {**phone.stored, **dict(event.pushed)}
            phone.identities = _identities(phone.stored)
        phone.last = at
        return Moment(
            event,
            _ACTIONS.get(kind, Action.CUSTOM),
            Ms(at + event.delivery.skew),
            self.vendor.options.namespace,
            phone.identities,
            () if phone.identities is known else tuple([one for one in phone.identities if one not in known]),
            phone.session,
            new,
            kind is Kind.LAUNCH and phone.launches == 1,
            phone.page,
            phone.query,
            phone.previous,
            phone.shown,
            phone.viewed,
            phone.said + 1,
        )

    def _is_over(self, phone: State, event: Event) -> bool:
        """Whether the device's session ended before this event; a launch always begins one."""
        if event.kind is Kind.LAUNCH:
            return True
        if self.vendor.session_by_gap:
            return event.at - phone.last > self.vendor.session
        return event.kind is Kind.SHOW and phone.hidden is not None and event.at - phone.hidden > self.vendor.session

    # ---- the queue ------------------------------------------------------------------------------------------------

    def _add(self, phone: State, message: Message, event: Event, sent: list[Sent]) -> None:
        if event.delivery.lost:
            return
        vendor, queue = self.vendor, phone.queue
        size = 0 if vendor.most_bytes is None else vendor.size(message)
        if vendor.most_bytes_of_one is not None and size > vendor.most_bytes_of_one:
            return
        record = _placed(vendor.record(message), event)
        waits = event.call is not None and event.call.callback
        if queue and (
            vendor.apart(queue[0].message) != vendor.apart(message)
            or (vendor.most_bytes is not None and phone.size + size > vendor.most_bytes)
        ):
            self._leave(phone, event.at, sent)
        if not phone.queue:
            phone.due = Ms(event.at + (vendor.every if vendor.batch > 1 else 0))
        phone.queue.append(Waiting(message, record, event.delivery, waits))
        phone.size += size + 1  # the comma behind it
        if len(phone.queue) >= vendor.batch and vendor.may_end(message):
            self._leave(phone, event.at, sent)

    def _leave(self, phone: State, now: Ms, sent: list[Sent]) -> None:
        """All that waits leaves, at `now` or when the last of it may."""
        queue, phone.queue, phone.size = phone.queue, [], 0
        leaves = max(now, *[one.delivery.leaves for one in queue])
        first = queue[0].record
        carried = _NOTHING
        if self._spells:
            sending = Sending(phone.device, Ms(leaves + queue[-1].delivery.skew))
            try:
                carried = self.vendor.request([one.message for one in queue], sending)
            except UriError:
                return
        request = Request(
            first.visitor,
            0,
            Purpose.SETUP if first.setup else Purpose.EVENT,
            Ms(leaves),
            carried.method,
            carried.target,
            carried.headers,
            carried.body,
            tuple([one.record for one in queue]),
            max([one.delivery.duplicates for one in queue]),
            max([one.delivery.retries for one in queue]),
            any(one.waits for one in queue),
        )
        sent.append((first.number, request))


_NOTHING = Carried("", "", ())


def _placed(record: Record, event: Event) -> Record:
    """A record of an event's."""
    return Record(
        event.visitor,
        event.number,
        record.external_id,
        record.action,
        record.event,
        record.date,
        record.anonymous_id,
        record.identities,
        record.source,
        record.content,
        record.page,
        record.bad,
        event.setup,
        record.session,
        record.view,
        record.waited,
        record.length,
    )


def _belongs(record: Record, event: Event) -> bool:
    """Whether an event may share a request with what waits."""
    return record.visitor == event.visitor and record.setup == event.setup


def _identities(stored: Mapping[str, Json]) -> tuple[Identity, ...]:
    return identities_of({key: string(value) for key, value in stored.items() if key in SLOT_KEYS})


# ---- the format of a vendor's tracker ------------------------------------------------------------------------------

_Own = TypeVar("_Own", bound=PathOptions)

# What the trackers here say is read alike in these: who a user is, when an event was, in which order a batch came.
_CONTRACT: Mapping[str, Any] = {"user": "openid", "day": "Asia/Shanghai", "time": "event", "batch_order": "kept"}


def tracker_format(
    name: str,
    options: type[_Own],
    vendor: Callable[[WireOptions, _Own], Vendor],
    *,
    path: str = DEFAULT_PATH,
    contract: Mapping[str, Any],
) -> Format:
    """The format of a vendor's tracker.

    Args:
        contract: its collector's keys, beside and over those that all of them have in common.
    """

    def build(given: WireOptions, own: _Own) -> Tracker:
        return Tracker(vendor(given, own))

    return Format(name, options, build, path=path, contract={**_CONTRACT, **contract})
