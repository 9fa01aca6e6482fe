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

from collections.abc import Hashable, Mapping, Sequence
from copy import copy
from dataclasses import replace
from hashlib import blake2b
from typing import Any, NamedTuple
from uuid import UUID

from simulator.errors import UsageError
from simulator.events import NO_SOURCE, Delivery, Device, Event, Identity, Json, Kind, Source, Spoil
from simulator.immutable import immutable
from simulator.times import MINUTE, Ms
from simulator.wire.dmhub_fields import SLOT_KEYS, identities_of
from simulator.wire.iso import END_OF_TIME
from simulator.wire.javascript import UriError, string
from simulator.wire.json_text import MOST_BYTES, stringify
from simulator.wire.options import WireOptions
from simulator.wire.outcome import classify
from simulator.wire.request import Action, Answer, Outcome, Purpose, Record, Request, WireError

Message = dict[str, Json]  # one event as its format says it; never mutated once it is in a queue
Headers = tuple[tuple[str, str], ...]

_ACTIONS = {Kind.LAUNCH: Action.OPEN, Kind.VIEW: Action.VIEW, Kind.SHOW: Action.SHOW}


class Session(NamedTuple):
    """A tracker's own session on a device."""

    id: str  # hexadecimal; unique in the run
    number: int  # 1-based, of the device
    began: Ms
    source: Source = NO_SOURCE  # of the event that began it


class Carried(NamedTuple):
    """A request without its place in the plan."""

    method: str
    target: str
    headers: Headers
    body: bytes = b""


class Captured(NamedTuple):
    """A request that came from somebody."""

    method: str
    target: str
    headers: Mapping[str, str]  # keys in lower case
    body: bytes


class Sending(NamedTuple):
    """Whence and when a request leaves."""

    device: Device
    sent: Ms  # by the device's clock


@immutable(frozen=True, slots=True)
class Moment:
    """One event, with what the tracker knows of its device by then."""

    event: Event
    action: Action
    at: Ms  # by the device's clock
    namespace: str
    identities: tuple[Identity, ...]  # of the slots, as they are now
    fresh: tuple[Identity, ...]  # of a push: those that are new
    session: Session
    is_new: bool  # the moment begins the session
    first: bool  # the first launch ever
    page: str  # in sight; of a view the page itself
    query: str  # of the page in sight
    previous: str  # page before; of a view the one that it replaces
    shown: Ms  # when the app came to the foreground
    viewed: Ms  # when the page in sight came to be so
    sequence: int  # 1-based, of the first message that the moment gives rise to, over the device's whole life

    def identity(self, kind: str) -> str:
        """The value of an identity, empty where the visitor has none of this type yet."""
        return next((identity.value for identity in self.identities if identity.type == kind), "")

    def unique(self, part: str = "") -> str:
        """Thirty-two hexadecimal digits of which no other event of any run has the same."""
        return _digits(self.namespace, self.event.visitor, self.event.number, part)

    def uuid(self, part: str = "") -> str:
        """The same as a UUID of version 4."""
        return as_uuid(self.unique(part))

    @property
    def own(self) -> dict[str, Json]:
        """What an application says with its own event: `targetName` and `targetId` if given, and its properties."""
        call = self.event.call
        if call is None:
            return {}
        target = (("targetName", call.name), ("targetId", call.id))
        return {**{key: value for key, value in target if value}, **dict(call.params)}


def as_uuid(digits: str) -> str:
    """Thirty-two hexadecimal digits as a UUID of version 4."""
    return str(UUID(digits, version=4))


def digits_of(*parts: str | int) -> str:
    """Thirty-two hexadecimal digits that stand for the parts."""
    return _digits(*parts)


def _digits(*parts: str | int) -> str:
    return blake2b("\0".join(map(str, parts)).encode("utf-8", "surrogatepass"), digest_size=16).hexdigest()


class Vendor:
    """How one vendor's tracker speaks: what its file says, with what most of them share."""

    name: str
    carries: frozenset[str]  # fields of a record that come back from the wire as they went
    session_by_gap: bool = False  # a session ends after a gap in the events; else after a time in the background
    most_bytes: int | None = None  # of the messages in one request; None: no limit worth the counting

    def __init__(self, options: WireOptions, *, batch: int, every: Ms, session: Ms = Ms(30 * MINUTE)) -> None:
        self.options = options
        self.batch = batch
        self.every = every
        self.session = session

    def begin(self) -> Any:
        """What the vendor's tracker keeps on a fresh device beside what all of them do."""
        return None

    def says(self, moment: Moment, memory: Any) -> tuple[Sequence[Message], Any]:
        """The messages of a moment, oldest first, and what the tracker keeps of it.

        Raises:
            UriError: a text that the wire cannot carry; then nothing is said.
        """
        raise NotImplementedError

    def apart(self, message: Message) -> Hashable:  # noqa: ARG002 - for the vendors whose envelopes say something
        """Messages stand in one request only when this is equal."""
        return None

    def leaves_now(self, moment: Moment) -> bool:
        """Whether all that waits leaves after this moment."""
        return moment.event.kind is Kind.HIDE

    def size(self, message: Message) -> int:
        """Bytes of a message in a request, where they are limited."""
        return len(stringify(message).encode())

    def request(self, messages: Sequence[Message], sending: Sending) -> Carried:
        """The request that carries them, one at least.

        Raises:
            UriError: a text that the wire cannot carry.
        """
        raise NotImplementedError

    def read(self, captured: Captured) -> list[Message]:
        """The messages in a request, each with what its envelope says of it.

        Raises:
            WireError: the request is not of this format.
        """
        raise NotImplementedError

    def record(self, message: Message) -> Record:
        """What a message says; visitor and number are -1. Never raises for a message of `says` or `read`."""
        raise NotImplementedError

    def outcome(self, answer: Answer) -> Outcome:
        """What an answer tells of all events in its request."""
        return classify(answer, self.options.replies)

    def outcomes(self, events: int, answer: Answer) -> Sequence[Outcome] | None:  # noqa: ARG002 - most replies do not
        """What an answer tells of each event, in the order of the messages; None: the same of all."""
        return None

    def check(self, captured: Captured, *methods: str) -> str:
        """The query of a request of one of these methods to the path of the events.

        Raises:
            WireError: another method or path, or a body that is too large.
        """
        found, _, query = captured.target.partition("#")[0].partition("?")
        wanted = self.options.path
        if captured.method not in methods:
            raise WireError(f"a tracker sends {' or '.join(methods)} here, not {captured.method[:16]!r}")
        if found != wanted:
            raise WireError(f"{found[:64]!r} is not the path of the tracker's events, {wanted}")
        if len(captured.body) > MOST_BYTES:
            raise WireError(f"a body of {len(captured.body)} bytes; at most {MOST_BYTES} are read")
        return query

    def headers(self, device: Device, content_type: str) -> Headers:
        """What wx.request sends on its own."""
        referer = f"https://servicewechat.com/{self.options.appid}/1/page-frame.html"
        return (("content-type", content_type), ("Referer", referer), ("User-Agent", device.user_agent))


@immutable(frozen=True, slots=True)
class Waiting:
    """A message in the queue."""

    message: Message
    record: Record
    delivery: Delivery
    waits: bool
    size: int  # bytes, where they are limited


@immutable(frozen=True, slots=True)
class State:
    """One device: its storage, and the memory of the process that runs on it."""

    device: Device
    stored: Mapping[str, Json]  # pushed; never mutated
    identities: tuple[Identity, ...] = ()
    session: Session | None = None
    sessions: int = 0
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
    queue: tuple[Waiting, ...] = ()
    due: Ms = Ms(0)  # when the queue leaves at the latest


class Tracker:
    """The adapter of a vendor; holds no state of any device."""

    def __init__(self, vendor: Vendor) -> None:
        self.name = vendor.name
        self.carries = vendor.carries
        self.carries_time = "date" in vendor.carries
        self.carries_id = "external_id" in vendor.carries
        self.carries_anonymous_id = "anonymous_id" in vendor.carries
        self.carries_source = "source" in vendor.carries
        self.max_batch = vendor.batch
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
        return State(device, {}, memory=self.vendor.begin())

    def step(self, state: State, event: Event) -> tuple[State, tuple[Request, ...]]:
        """One event happens; what it sends, after what was due before it.

        Raises:
            UsageError: an event that is wrong on purpose, for which this wire has no form.
        """
        if event.kind is Kind.MALFORMED:
            raise UsageError(f"the adapter {self.name} cannot send malformed events")
        sent: list[Request] = []
        if state.queue and state.due <= event.at:
            state = self._leave(state, state.due, sent)
        if state.queue and not _belongs(state.queue[0].record, event):
            state = self._leave(state, event.at, sent)
        state, moment = self._moment(state, event)
        try:
            messages, memory = self.vendor.says(moment, state.memory)
        except UriError:
            return state, tuple(sent)
        state = replace(state, memory=memory, said=state.said + len(messages))
        for message in messages:
            state = self._add(state, message, event, sent)
        if state.queue and self.vendor.leaves_now(moment):
            state = self._leave(state, event.at, sent)
        return state, tuple(sent)

    def flush(self, state: State, now: Ms) -> tuple[State, tuple[Request, ...]]:  # noqa: ARG002
        """What still waits leaves when its time is up, whatever `now` is."""
        if not state.queue:
            return state, ()
        sent: list[Request] = []
        return self._leave(state, state.due, sent), tuple(sent)

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

    def _moment(self, state: State, event: Event) -> tuple[State, Moment]:
        """What is known with an event, and the event with it."""
        kind, at = event.kind, event.at
        known, new = state.identities, False
        session = state.session
        fields: dict[str, Any] = {"last": at}
        if kind is Kind.PUSH and event.pushed:
            fields["stored"] = {**state.stored, **dict(event.pushed)}
            fields["identities"] = _identities(fields["stored"])
        if kind in (Kind.LAUNCH, Kind.SHOW):
            fields |= {"shown": at, "hidden": None, "launches": state.launches + (kind is Kind.LAUNCH)}
        if kind is Kind.LAUNCH:
            fields |= {"page": event.page, "query": event.query, "previous": "", "viewed": at}
        elif kind is Kind.VIEW:
            entered = state.page if state.viewed != state.shown or state.page != event.page else state.previous
            fields |= {"page": event.page, "query": event.query, "previous": entered, "viewed": at}
        elif kind is Kind.HIDE:
            fields["hidden"] = at
        if session is None or self._is_over(state, event):
            new = True
            number = state.sessions + 1
            session = Session(digits_of(state.device.anonymous_id, number), number, at, event.source)
            fields |= {"session": session, "sessions": number}
        state = replace(state, **fields)
        delivery = event.delivery
        moment = Moment(
            event=event,
            action=_ACTIONS.get(kind, Action.CUSTOM),
            at=Ms(at + delivery.skew),
            namespace=self.vendor.options.namespace,
            identities=state.identities,
            fresh=tuple(one for one in state.identities if one not in known),
            session=session,
            is_new=new,
            first=kind is Kind.LAUNCH and state.launches == 1,
            page=state.page,
            query=state.query,
            previous=state.previous,
            shown=state.shown,
            viewed=state.viewed,
            sequence=state.said + 1,
        )
        return state, moment

    def _is_over(self, state: State, event: Event) -> bool:
        """Whether the device's session ended before this event; a launch always begins one."""
        if event.kind is Kind.LAUNCH:
            return True
        if self.vendor.session_by_gap:
            return event.at - state.last > self.vendor.session
        return event.kind is Kind.SHOW and state.hidden is not None and event.at - state.hidden > self.vendor.session

    # ---- the queue ------------------------------------------------------------------------------------------------

    def _add(self, state: State, message: Message, event: Event, sent: list[Request]) -> State:
        if event.delivery.lost:
            return state
        vendor = self.vendor
        said = vendor.record(message)
        record = replace(said, visitor=event.visitor, number=event.number, setup=event.setup)
        waits = event.call is not None and event.call.callback
        size = 0 if vendor.most_bytes is None else vendor.size(message)
        if state.queue and (
            vendor.apart(state.queue[0].message) != vendor.apart(message)
            or (vendor.most_bytes is not None and sum(one.size for one in state.queue) + size > vendor.most_bytes)
        ):
            state = self._leave(state, event.at, sent)
        due = state.due if state.queue else Ms(event.at + (vendor.every if vendor.batch > 1 else 0))
        state = replace(state, queue=(*state.queue, Waiting(message, record, event.delivery, waits, size)), due=due)
        return self._leave(state, event.at, sent) if len(state.queue) >= vendor.batch else state

    def _leave(self, state: State, now: Ms, sent: list[Request]) -> State:
        """All that waits leaves, at `now` or when the last of it may."""
        queue = state.queue
        state = replace(state, queue=())
        leaves = max(now, *(one.delivery.leaves for one in queue))
        first = queue[0].record
        carried = Carried("", "", ())
        if self._spells:
            try:
                skewed = Ms(leaves + queue[-1].delivery.skew)
                carried = self.vendor.request([one.message for one in queue], Sending(state.device, skewed))
            except UriError:
                return state
        sent.append(
            Request(
                first.visitor,
                0,
                Purpose.SETUP if first.setup else Purpose.EVENT,
                Ms(leaves),
                carried.method,
                carried.target,
                carried.headers,
                carried.body,
                tuple([one.record for one in queue]),
                max(one.delivery.duplicates for one in queue),
                max(one.delivery.retries for one in queue),
                any(one.waits for one in queue),
            )
        )
        return state


def _belongs(record: Record, event: Event) -> bool:
    """Whether an event may share a request with what waits."""
    return record.visitor == event.visitor and record.setup == event.setup


def _identities(stored: Mapping[str, Json]) -> tuple[Identity, ...]:
    return identities_of({key: string(value) for key, value in stored.items() if key in SLOT_KEYS})


def said(
    action: Action,
    event: str,
    date: int | None,
    *,
    external_id: str = "",
    anonymous_id: str = "",
    identities: tuple[Identity, ...] = (),
    source: str = "",
    content: str = "",
    page: str = "",
    session: str = "",
    view: str = "",
    length: int = 0,
) -> Record:
    """A record of nobody's yet. A date before 1970, or one that no calendar has, is none."""
    known = Ms(date) if date is not None and 0 <= date < END_OF_TIME else None
    return Record(
        -1,
        -1,
        external_id,
        action,
        event,
        known,
        anonymous_id,
        identities,
        source,
        content,
        page,
        session=session,
        view=view,
        length=Ms(max(length, 0)),
    )


def one_identity(kind: str, value: str) -> tuple[Identity, ...]:
    """The identities of a wire that names one kind of user: none where the value is empty."""
    return (Identity(kind, value),) if value else ()
