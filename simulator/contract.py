"""What a collector promises, and which definition it uses for each of the four numbers.

Pure data: the adapter, the embedded collector and the oracle all need it, and none of them may share the code that
counts. Reading it from YAML is scenario/; what the switches mean for a count is verify/metrics.py.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import Literal

from simulator.times import Ms, check_zone, format_duration, parse_duration

OpensRule = Literal["launch", "timeout", "every-foreground"]
User = Literal["device", "openid", "customer"]
Dedupe = Literal["by_id", "none", "maybe"]
METRICS = ("pv", "uv", "opens", "new_users")
BY = ("all", "source", "content", "hour", "day", "page")
NO_CELL = "(none)"  # the cell of events without source or content


@dataclass(frozen=True, slots=True)
class Opens:
    """What begins an open.

    launch: each stored mini_program_open (default; the source document's sentence on this wire).
    timeout: also every event more than `timeout` after the device's previous one (exactly is not more).
    every-foreground: each mini_program_open and each c_mp_show.
    """

    rule: OpensRule = "launch"
    timeout: Ms | None = None  # of rule "timeout" only

    def __str__(self) -> str:
        return f"timeout={format_duration(self.timeout)}" if self.timeout is not None else self.rule


def parse_opens(text: str) -> Opens:
    """Read "launch", "timeout=30m" or "every-foreground".

    Raises:
        ValueError: anything else.
    """
    if text == "launch":
        return Opens("launch")
    if text == "every-foreground":
        return Opens("every-foreground")
    if text.startswith("timeout="):
        timeout = parse_duration(text.removeprefix("timeout="))
        if timeout > 0:
            return Opens("timeout", timeout)
    raise ValueError(f"expected launch, timeout=DURATION (such as timeout=30m) or every-foreground, not {text!r}")


@dataclass(frozen=True, slots=True)
class Definitions:
    """The three switches of CONTRACT section 3 that every face of the tool repeats."""

    opens: Opens = field(default_factory=Opens)
    user: User = "openid"
    day: str = "Asia/Shanghai"  # the zone of hours and days

    def __post_init__(self) -> None:
        check_zone(self.day)

    def as_json(self) -> dict[str, str]:
        return {"opens": str(self.opens), "user": self.user, "day": self.day}


BodyValue = str | int | float | bool | None


@dataclass(frozen=True, slots=True)
class BodyRule:
    """What the body of a reply adds to a status that is good: the value of one key of its JSON object.

    A body that is no JSON object, or lacks the key, says nothing, so the outcome is unknown.

    Raises:
        ValueError: no key, no value that says yes, or one value that says both.
    """

    key: str  # of the object itself, no path
    acked: tuple[BodyValue, ...]  # by which everything in the request is stored; 0, "0" and false are three values
    refused: tuple[BodyValue, ...] = ()  # by which nothing of it is
    other: Literal["unknown", "refused"] = "unknown"  # any other value

    def __post_init__(self) -> None:
        if not self.key or not self.acked:
            raise ValueError("a body rule names a key, and at least one value by which the events are stored")
        both = [one for one in self.acked for other in self.refused if same_value(one, other)]
        if both:
            raise ValueError(f"the value {json.dumps(both[0])} of {self.key} cannot mean both acked and refused")


def same_value(one: object, other: object) -> bool:
    """Whether two scalars are one value in JSON: 1 and 1.0 are, 1 and true and "1" are not."""
    return one == other and isinstance(one, bool) == isinstance(other, bool)


@dataclass(frozen=True, slots=True)
class Replies:
    """What a complete reply promises; a status that stands nowhere may mean anything, so its outcome is unknown.

    Raises:
        ValueError: no status that says yes, one that says both, or one that is no status of a final reply.
    """

    acked: tuple[int, ...] = (200,)  # everything in the request is stored
    refused: tuple[int, ...] = (400, 401, 403, 404, 405, 413, 415, 422)  # nothing of it is stored
    body: BodyRule | None = None  # what the body of an acked status must say as well; None: whatever it says

    def __post_init__(self) -> None:
        if not self.acked:
            raise ValueError("at least one status must mean acked")
        both = sorted(set(self.acked) & set(self.refused))
        if both:
            raise ValueError(f"the status {both[0]} cannot mean both acked and refused")
        if not all(200 <= status <= 599 for status in (*self.acked, *self.refused)):
            raise ValueError("the status of a final reply is from 200 to 599")


@dataclass(frozen=True, slots=True)
class Contract:
    """What a collector promises, and how it counts.

    `definitions` holds the three switches that every face repeats. Those below `replies` are how other products
    count; their defaults are CONTRACT section 3.

    Raises:
        ValueError: a limit that is negative, or a timeout rule for given sessions.
    """

    name: str = "dmhub"
    definitions: Definitions = field(default_factory=Definitions)
    dedupe: Dedupe = "by_id"  # one stored row per externalId; none: each copy counts; maybe: no promise
    time: Literal["event", "arrival"] = "event"  # whose clock puts an event into its cell
    max_age: Ms | None = None  # older events are not taken (exactly so old is); requires `start: recent`
    ack: Literal["durable", "accepted"] = "accepted"  # accepted: an acked event is in the totals by the deadline
    lag: Ms = Ms(0)  # durable: at the latest so long after its reply
    quiet: Ms = Ms(1_000)  # totals count as settled after so long without change
    deadline: Ms = Ms(30_000)  # and are judged then at the latest
    clock_bound: Ms = Ms(0)  # most by which the collector's clock differs from ours; matters for `time: arrival`
    replies: Replies = field(default_factory=Replies)  # what it answers to events means

    # What is stored, and in which order it is worked through
    age: Literal["arrival", "device"] = "arrival"  # device: `max_age` limits sent minus made, both by its own clock
    order: Literal["event", "arrival"] = "event"  # event: by (date, arrival)
    batch_order: Literal["any", "kept"] = "any"  # kept: events of one request arrive in the order in which they stand

    # Which events an open has
    sessions: Literal["derived", "given"] = "derived"  # given: one open a session id on the wire, none without
    timeout_inclusive: bool = False  # a gap of exactly the timeout begins an open as well
    midnight: bool = False  # under timeout: the first event of another day of the zone begins an open
    source_change: bool = False  # under timeout: an event with another source begins one; without a source, not
    launch_opens: bool = True  # under timeout: every mini_program_open begins one
    session_cut: Ms | None = None  # given sessions: events that arrive later after the session's first do not count
    viewless_opens: bool = True  # whether a given session without a view counts

    # What a view is, and how long an open lasted
    views: Literal["each", "by_id"] = "each"  # by_id: one for each distinct page-view id, none without one
    ping: Ms | None = None  # interval of pings, which then are views too; an open that begins with one began earlier
    length: Literal["span", "reported"] = "span"  # last minus first event; or the sum of what its events report
    length_extra: Ms = Ms(0)  # added to the span of an open with more than one event

    # Who a user is, beyond `definitions.user`
    identity: str = "applet-wechat"  # identity type that names the user under `openid`
    stitch: Literal["nearest", "last"] = "nearest"  # last: all events of a device are of its last identity
    memory: Ms | None = None  # a user unseen for longer is new again; None: never forgotten

    def __post_init__(self) -> None:
        for name in ("max_age", "lag", "quiet", "deadline", "clock_bound", "session_cut", "ping", "memory"):
            limit = getattr(self, name)
            if limit is not None and limit < 0:
                raise ValueError(f"{name} is a length of time, at least 0, not {limit} ms")
        if self.sessions == "given" and self.definitions.opens.rule == "timeout":
            raise ValueError("opens are given by the wire's session ids or cut by a timeout, not both")
