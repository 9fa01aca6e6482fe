"""What one visitor's run of a mini program left behind: marks of its life and the requests it made, in their order.

The same values come from the headless runtime and (requests only) from a capture of a real phone, so that the rules of
inspect/ read one thing. Not here: what a request means; that is its wire's decoder.
"""

from __future__ import annotations

from enum import StrEnum

from simulator.events import Json
from simulator.immutable import immutable
from simulator.runtime.address import Address, address_of
from simulator.times import Ms


class Moment(StrEnum):
    """What a mark tells of."""

    # The application, as WeChat calls it; `page` is the route on top, where there is one.
    APP_LAUNCH = "app_launch"  # `data`: the launch options: path, query, scene
    APP_SHOW = "app_show"  # `data`: the enter options
    APP_HIDE = "app_hide"
    SUSPENDED = "suspended"  # 5 s after the hide: scripts stand still
    DESTROYED = "destroyed"  # the next entry is a cold start; `detail`: exit, timeout, new entry
    # Pages, by route.
    PAGE_LOAD = "page_load"  # `data`: the decoded query
    PAGE_SHOW = "page_show"
    PAGE_HIDE = "page_hide"
    PAGE_UNLOAD = "page_unload"
    TAP = "tap"  # `detail`: the handler
    SHARE = "share"  # `data`: what onShareAppMessage returned
    # What the program does.
    CALL = "call"  # of a watched object, such as app.cl_tracker; `detail`: the method; `data`: its arguments
    API = "api"  # a wx call that rules need to know of (login, navigateTo …); `detail`: its name; `data`: its arguments
    MISSING_API = "missing_api"  # read or called, and not there; `detail`: its name
    CONSOLE = "console"  # `detail`: the text, with its level in front
    ERROR = "error"  # uncaught; `detail`: the message; `place`: where
    STOPPED = "stopped"  # the runtime ended it; `detail`: why (endless loop, memory, too many requests …)


@immutable(frozen=True, slots=True)
class Place:
    """A line of the program under test."""

    file: str  # relative to the program's folder, with forward slashes
    line: int  # 1-based; 0 where only the file is known
    column: int = 0  # 1-based; 0 where not known


@immutable(frozen=True, slots=True)
class Mark:
    """One moment of the program's life."""

    at: Ms  # of the visitor's virtual clock, Unix milliseconds
    moment: Moment
    page: str = ""  # route without leading slash
    detail: str = ""  # bounded text, never markup
    data: Json = None  # bounded
    place: Place | None = None


@immutable(frozen=True, slots=True)
class Reply:
    """What came back for a request."""

    at: Ms
    status: int
    headers: tuple[tuple[str, str], ...] = ()
    body: bytes = b""


@immutable(frozen=True, slots=True)
class Exchange:
    """One `wx.request` and what became of it."""

    number: int  # 0-based, in the visitor's order
    at: Ms  # when the program called wx.request
    method: str
    url: str  # as the program gave it, with the query that WeChat adds from `data`
    headers: tuple[tuple[str, str], ...]  # as WeChat would send them, Host and Content-Length left out
    body: bytes
    reply: Reply | None = None  # None: it failed, or was never answered
    failed: str = ""  # WeChat's words, such as "request:fail interrupted"
    page: str = ""  # the route on top at the call
    after_hide: Ms | None = None  # begun so long after App.onHide; None in the foreground
    place: Place | None = None  # the line that called wx.request, where known

    @property
    def address(self) -> Address:
        """The parts of its URL."""
        return address_of(self.url)


@immutable(frozen=True, slots=True)
class Trace:
    """One visitor's run, over all their cold starts; `entries` in the order in which they happened."""

    visitor: int  # 0-based, of the plan; -1 where there is none
    entries: tuple[Mark | Exchange, ...]

    @property
    def exchanges(self) -> tuple[Exchange, ...]:
        return tuple([entry for entry in self.entries if isinstance(entry, Exchange)])

    @property
    def marks(self) -> tuple[Mark, ...]:
        return tuple([entry for entry in self.entries if isinstance(entry, Mark)])
