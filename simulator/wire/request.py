"""What goes over a wire and what it means: Request, Record, Answer, Outcome, and the Adapter that maps them.

A request carries its meaning (`records`) beside its bytes. So the oracle counts what was said without decoding, and
the tests hold decode(encode(e)) == e. No sockets here: the client is load/client.py.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from enum import IntEnum, StrEnum
from functools import partial
from typing import Generic, Protocol, TypeVar

from simulator.events import Device, Event, Identity, Spoil
from simulator.immutable import immutable
from simulator.times import Ms


class Action(StrEnum):
    """What a record is to the four numbers."""

    OPEN = "open"  # mini_program_open
    VIEW = "view"  # mini_program_view, open_page
    SHOW = "show"  # c_mp_show: a warm return, sent under every-foreground only
    EXIT = "exit"  # the end of an open, where a wire has one
    PING = "ping"  # a view that goes on, where a wire says so; a view itself only where the contract says so
    CUSTOM = "custom"  # anything else: counts for gaps, makes no user


class Purpose(IntEnum):
    """Why a request is sent; the number is the ledger's."""

    EVENT = 0  # judged
    SETUP = 1  # of the earlier visit of a visitor already known
    LOOKUP = 2  # of a complete URL, method 2
    RECORD = 3  # no request's: a line of the ledger that says what a reply told of one event among several


@immutable(frozen=True, slots=True)
class Record:
    """What one event says on the wire: the row that an honest collector keeps."""

    visitor: int
    number: int  # of the event in the visitor's plan
    external_id: str  # empty where the wire carries none
    action: Action
    event: str  # the name on the wire
    date: Ms | None  # as the wire says it, skew included; None where it carries no time
    anonymous_id: str  # empty where the wire carries none
    identities: tuple[Identity, ...]  # of the slots, in their order, as sent
    source: str = ""
    content: str = ""
    page: str = ""
    bad: str = ""  # why it must not be counted; empty for a good one
    setup: bool = False
    session: str = ""  # the tracker's own session id, where a wire has one
    view: str = ""  # id of the page view, where a wire has one
    waited: Ms = Ms(0)  # how long it lay on the device, by the device's clock, where a wire says so
    length: Ms = Ms(0)  # time in the app that the event reports, where a wire has such


@immutable(frozen=True, slots=True)
class Request:
    """One message to send, once for each planned copy."""

    visitor: int
    number: int  # 0-based place in the visitor's sending order; the ledger's key beside `visitor`
    purpose: Purpose
    leaves: Ms  # event-time instant of the intended send
    method: str
    target: str  # path and query as they go on the request line
    headers: tuple[tuple[str, str], ...]  # all but Host, Connection and Content-Length
    body: bytes
    records: tuple[Record, ...]
    duplicates: int = 0
    retries: int = 0
    waits: bool = False  # a tracker callback: the next step waits for the outcome (they leave one by one anyway)
    expects: str = ""  # of LOOKUP: the complete URL that must come back

    def numbered(self, number: int) -> Request:
        """The same request at a place in the visitor's sending order."""
        return Request(
            self.visitor,
            number,
            self.purpose,
            self.leaves,
            self.method,
            self.target,
            self.headers,
            self.body,
            self.records,
            self.duplicates,
            self.retries,
            self.waits,
            self.expects,
        )


Sent = tuple[int, Request]  # with the number of the event that it tells of, in the visitor's plan


class Outcome(IntEnum):
    """What one attempt tells about the collector; the number is the ledger's."""

    ACKED = 1  # the collector said it has the events
    REFUSED = 2  # it promised to keep nothing, or never saw the request
    UNKNOWN = 3  # it may have kept them: timeouts, resets, most 5xx


class Evidence(IntEnum):
    """What the transport saw of one attempt; the number is the ledger's."""

    NONE = 0  # nothing yet: the attempt is open, or its worker died
    REPLY = 1  # a complete reply; the status is beside it
    NO_CONNECTION = 2  # DNS, refused, connect timeout, TLS: no byte of the request left
    TIMEOUT = 3  # sent, and no complete reply in time
    RESET = 4  # reset or broken pipe after the first byte was written
    CLOSED = 5  # closed without a reply
    TRUNCATED = 6  # closed inside a reply
    GARBAGE = 7  # not HTTP
    OVERSIZED = 8  # a reply larger than the bound
    STOPPED = 9  # the run ended meanwhile


@immutable(frozen=True, slots=True)
class Answer:
    """What came back for one attempt."""

    evidence: Evidence
    status: int = 0  # 0 where there is no reply
    body: bytes = b""  # bounded


class WireError(ValueError):
    """A request that is not of this wire format; raised by decode, with what was wrong."""


State = TypeVar("State")


class Adapter(Protocol, Generic[State]):
    """One wire format with its vendor's tracker as a pure fold. The caller keeps one small state a device."""

    name: str
    carries_time: bool  # False: only arrival time can put an event into a cell
    carries_id: bool  # False: the collector cannot recognise duplicates by id
    carries_anonymous_id: bool  # False: anonymous visitors cannot be told apart
    carries_source: bool
    max_batch: int  # most events that one request carries
    spoils: frozenset[Spoil]  # in which ways its events can be wrong on purpose
    looks_up: bool  # whether a launch by a code asks the collector for the complete URL

    def boot(self, device: Device) -> State:
        """The state of a fresh installation: empty storage."""
        ...

    def step(self, state: State, event: Event) -> tuple[State, tuple[Request, ...]]:
        """One event happens. Requests come numbered 0; the caller numbers them in sending order."""
        ...

    def flush(self, state: State, now: Ms) -> tuple[State, tuple[Request, ...]]:
        """What the tracker still holds leaves now, such as a batch."""
        ...

    def decode(self, method: str, target: str, headers: Mapping[str, str], body: bytes) -> tuple[Record, ...]:
        """What a captured request says; visitor and number are -1 where the wire does not tell.

        Raises:
            WireError: the request is not of this format.
        """
        ...

    def outcome(self, answer: Answer) -> Outcome:
        """What the answer to an event tells. Never raises. What it does not recognise is UNKNOWN."""
        ...


OutcomesOf = Callable[[int, Answer], Sequence[Outcome] | None]


def outcomes_of(adapter: object) -> OutcomesOf | None:
    """What an adapter reads in a reply of each event of a request, where its wire has such replies; None: it has none.

    Called with the number of events and the answer, it tells an outcome of each, in the order of the records, or None
    where the reply speaks of all of them alike; then it is the adapter's `outcome`. It never raises.
    """
    own: OutcomesOf | None = getattr(adapter, "outcomes", None)
    return own


def summed_up(outcomes: Sequence[Outcome]) -> Outcome:
    """What an attempt tells whose events fared differently: acked where one of them was, unknown where one may be."""
    for outcome in (Outcome.ACKED, Outcome.UNKNOWN):
        if outcome in outcomes:
            return outcome
    return Outcome.REFUSED


Fold = Callable[[State, Iterable[Event]], tuple[State, list[Sent]]]


def fold_of(adapter: Adapter[State]) -> Fold[State]:
    """How an adapter folds many events: its own `fold` where it has a faster way to the same end, else its steps."""
    own: Fold[State] | None = getattr(adapter, "fold", None)
    return own or partial(fold_by_steps, adapter)


def without_bytes(adapter: Adapter[State]) -> Adapter[State]:
    """An adapter whose requests need not say what goes over the wire, only what it means: its own faster one, or it."""
    own: Callable[[], Adapter[State]] | None = getattr(adapter, "without_bytes", None)
    return adapter if own is None else own()


def fold_by_steps(adapter: Adapter[State], state: State, events: Iterable[Event]) -> tuple[State, list[Sent]]:
    """Events of one device happen, oldest first: what one step after another sends.

    A tracker that keeps requests back says of each which event it tells of (Sent): not of the one that let it go.
    """
    made: list[Sent] = []
    for event in events:
        state, requests = adapter.step(state, event)
        made.extend(map(partial(_told, event), requests))
    return state, made


def _told(event: Event, request: Request) -> Sent:
    return (request.records[0].number if request.records else event.number), request
