"""How one vendor's tracker speaks: what a vendor's file says, and the words in which it is asked.

The adapter that joins a vendor with the queue of a device is tracker.py.
"""

from __future__ import annotations

from collections.abc import Hashable, Mapping, Sequence
from hashlib import blake2b
from typing import Any, NamedTuple

from simulator.events import Device, Event, Identity, Json, Kind
from simulator.immutable import immutable
from simulator.times import MINUTE, Ms
from simulator.wire.iso import END_OF_TIME
from simulator.wire.json_text import MOST_BYTES, stringify
from simulator.wire.options import WireOptions
from simulator.wire.outcome import classify
from simulator.wire.request import Action, Answer, Outcome, Record, WireError

Message = dict[str, Json]  # one event as its format says it; never mutated once it is in a queue
Headers = tuple[tuple[str, str], ...]


class Session(NamedTuple):
    """A tracker's own session on a device."""

    id: str  # hexadecimal; unique in the run
    number: int  # 1-based, of the device


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
        return digits_of(self.namespace, self.event.visitor, self.event.number, part)

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
    """Thirty-two hexadecimal digits as a UUID of version 4: six of their bits say so."""
    variant = "89ab"[int(digits[16], 16) & 3]
    return f"{digits[:8]}-{digits[8:12]}-4{digits[13:16]}-{variant}{digits[17:20]}-{digits[20:]}"


def digits_of(*parts: str | int) -> str:
    """Thirty-two hexadecimal digits that stand for the parts."""
    return blake2b("\0".join(map(str, parts)).encode("utf-8", "surrogatepass"), digest_size=16).hexdigest()


class Vendor:
    """How one vendor's tracker speaks: what its file says, with what most of them share."""

    # What the wires here have in common; a file adds what its own has beside.
    USUAL = frozenset({"event", "action", "date", "anonymous_id", "identities", "source", "content", "page"})

    name: str
    carries: frozenset[str]  # fields of a record that come back from the wire as they went
    session_by_gap: bool = False  # a session ends after a gap in the events; else after a time in the background
    most_bytes: int | None = None  # of the messages in one request; None: no limit worth the counting
    most_bytes_of_one: int | None = None  # of one message: a larger one is not sent; only beside most_bytes

    def __init__(self, options: WireOptions, *, batch: int, every: Ms, session: Ms = Ms(30 * MINUTE)) -> None:
        self.options = options
        self.batch = batch
        self.most = batch  # events in one request
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

    def may_end(self, message: Message) -> bool:  # noqa: ARG002 - for the vendors whose messages stand inside others
        """Whether a full batch may leave with this message as its last; else it waits for the next one."""
        return True

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
        return self.options.headers(device.user_agent, content_type)


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
    """A record of nobody's yet. A date before 1970, or one that no calendar has, is none.

    Args:
        page: in sight; it stays with a view alone.
    """
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
        page if action is Action.VIEW else "",
        session=session,
        view=view,
        length=Ms(max(length, 0)),
    )


def one_identity(kind: str, value: str) -> tuple[Identity, ...]:
    """The identities of a wire that names one kind of user: none where the value is empty."""
    return (Identity(kind, value),) if value else ()
