"""The values that flow out of a journey: what one visitor did, in words that know no vendor.

`journey/` makes them, `wire/` turns them into requests, `traffic/` joins the two. What is not here: how an event
looks on a wire (wire/request.py) and what became of it (ledger/record.py).
"""

from __future__ import annotations

from enum import StrEnum
from typing import NamedTuple

from simulator.immutable import immutable
from simulator.times import Ms

# What YAML and JSON can say; never mutated once it is inside an event.
Json = None | bool | int | float | str | list["Json"] | dict[str, "Json"]


class Kind(StrEnum):
    """What happened. Only LAUNCH, VIEW, TRACK and (where it is sent) SHOW take an instant of their own."""

    LAUNCH = "launch"  # App.onLaunch then App.onShow: a cold start, begins an open
    SHOW = "show"  # App.onShow on a return from background, the mini program still alive
    VIEW = "view"  # Page.onShow: a page became visible
    PUSH = "push"  # identities or properties given to the tracker; nothing is sent
    TRACK = "track"  # an event of the application's own
    TAP = "tap"  # a handler of the page was tapped; nothing is sent by a simulated tracker
    SHARE = "share"  # the share button; nothing is sent by a simulated tracker
    HIDE = "hide"  # App.onHide: to background; what follows tells whether it was destroyed there
    MALFORMED = "malformed"  # an event that is wrong on purpose; `spoil` says how


class Spoil(StrEnum):
    """How an event is wrong on purpose; a collector must list it as bad and count nothing of it."""

    NO_EVENT = "no_event"  # the event name is missing
    LONG_EVENT = "long_event"  # over 32 characters
    WRONG_TENANT = "wrong_tenant"  # a tenant that is not the collector's
    BAD_DATE = "bad_date"  # an unreadable date
    BAD_UTF8 = "bad_utf8"  # bytes that are no UTF-8 after one percent-decoding


@immutable(frozen=True, slots=True)
class Identity:
    """A (type, value) that names a visitor, such as ("applet-wechat", "oI_M5x…")."""

    type: str
    value: str


class Source(NamedTuple):
    """Where an open came from, as its path's parameters say; empty text where a parameter is absent."""

    name: str = ""  # cl_sr; the cell of `source`, "(none)" when empty
    content: str = ""  # cl_ctnm; the cell of `content`
    others: tuple[tuple[str, str], ...] = ()  # ("source1", value) … of cl_source1 …, in the path's order


NO_SOURCE = Source()


@immutable(frozen=True, slots=True)
class Device:
    """One installation: a phone, its WeChat, and the storage that the tracker keeps on it."""

    anonymous_id: str  # unique in the run; the namespace is in it
    model: str  # as wx.getSystemInfo says, such as "iPhone 13<iPhone14,5>"
    width: int  # of the window, in CSS pixels
    height: int
    system: str  # such as "iOS 17.4.1"
    network: str  # wifi, 5g, 4g …
    user_agent: str


@immutable(frozen=True, slots=True)
class Call:
    """One `track()` of the application."""

    event: str
    name: str = ""  # targetName; empty: the remembered one
    id: str = ""  # targetId; empty: the remembered one
    params: tuple[tuple[str, Json], ...] = ()
    form: str = "object"  # or "positional": the signature with name and id as arguments
    callback: bool = False  # the next step waits for the outcome


@immutable(frozen=True, slots=True)
class Delivery:
    """How an event's request leaves the phone; all but `leaves` are misbehaviour that the scenario asked for."""

    leaves: Ms  # event-time instant of the send: the event's own, or later
    duplicates: int = 0  # the same bytes sent so many times more, whatever was answered
    retries: int = 0  # sent again at most so many times while the outcome is not acked
    skew: Ms = Ms(0)  # added to the date on the wire, by a wrong phone clock
    lost: bool = False  # never leaves: the mini program was killed with the request in its queue


@immutable(frozen=True, slots=True)
class Event:
    """One thing that a visitor did, at one instant of event time."""

    visitor: int  # 0-based
    number: int  # 0-based place in the visitor's plan, setup included
    at: Ms
    kind: Kind
    device: Device
    delivery: Delivery
    scene: int  # of the current enter
    source: Source  # in force at this instant, none where the tracker knows none
    page: str = ""  # route without leading slash: of VIEW, and of the entry for LAUNCH and SHOW
    query: str = ""  # the page's query, percent-encoded, without "?"
    pushed: tuple[tuple[str, Json], ...] = ()  # of PUSH: identityType, identityValue …, in the given order
    call: Call | None = None  # of TRACK
    code: str = ""  # of LAUNCH and SHOW by method 2: looked up before the event
    link: str = ""  # the complete path that the code stands for
    spoil: Spoil | None = None  # of MALFORMED
    handler: str = ""  # of TAP
    setup: bool = False  # of the earlier visit that makes the visitor known to the collector
    closes: int = 0  # of VIEW: so many pages were closed by a step back, and this one lay below


@immutable(frozen=True, slots=True)
class Visit:
    """The plan of one visitor: who they are and all they do, oldest first."""

    visitor: int
    journey: str
    source: str  # the scenario's name of the visitor's source
    arrival: Ms  # planned instant of the first judged event's entry
    events: tuple[Event, ...]
    identities: tuple[Identity, ...]  # that the visitor has, pushed or not
