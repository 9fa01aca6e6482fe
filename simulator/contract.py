"""What a collector promises, and which definition it uses for each of the four numbers.

Pure data: the adapter, the embedded collector and the oracle all need it, and none of them may share the code that
counts. Reading it from YAML is scenario/; what the switches mean for a count is verify/metrics.py.
"""

from __future__ import annotations

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


@dataclass(frozen=True, slots=True)
class Contract:
    """What a collector promises, and how it counts.

    `definitions` holds the three switches that every face repeats. Those below `deadline` are how other products
    count; their defaults are CONTRACT section 3.

    Raises:
        ValueError: a limit that is negative, or a timeout rule for given sessions.
    """

    name: str = "dmhub"
    definitions: Definitions = field(default_factory=Definitions)
    dedupe: Dedupe = "by_id"  # one stored row per externalId; none: each copy counts; maybe: no promise
    time: Literal["event", "arrival"] = "event"  # whose clock puts an event into its cell
    max_age: Ms | None = None  # older events are not taken (exactly so old is); requires `start: recent`
    lag: Ms = Ms(0)  # an acked event is in the totals at the latest so long after its reply
    quiet: Ms = Ms(1_000)  # totals count as settled after so long without change
    deadline: Ms = Ms(30_000)  # and are judged then at the latest
    clock_bound: Ms = Ms(0)  # most by which the collector's clock differs from ours; matters for `time: arrival`

    # What is stored, and in which order it is worked through
    age: Literal["arrival", "device"] = "arrival"  # device: `max_age` limits sent minus made, both by its own clock
    order: Literal["event", "arrival"] = "event"  # event: by (date, arrival)

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
