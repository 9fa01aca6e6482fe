"""What an adapter is set up with: the mini program it speaks for, and where its requests go."""

from __future__ import annotations

import re
from dataclasses import dataclass, field

from simulator.contract import Replies
from simulator.errors import UsageError
from simulator.times import Ms

DEFAULT_PATH = "/cbe/__utm"
_PATH = re.compile(r"/[A-Za-z0-9._~!$&'()*+,;=:@%/-]*")
_APPID = re.compile(r"[!-~]+")
_LONGEST_NAMESPACE = 128  # so that an externalId stays far below any cut


@dataclass(frozen=True, slots=True)
class WireOptions:
    """One mini program's tracker, as its developer configured it.

    Raises:
        UsageError: a path that is none, an appid that no header can carry, a namespace that is too long, text that
            is no Unicode.
    """

    appid: str
    app_name: str
    tenant: str  # empty: the collector's tenant is not checked
    namespace: str  # in every externalId; empty on a fresh collector
    path: str = DEFAULT_PATH  # of the event request; /__utm on some clouds
    foreground_event: bool = False  # c_mp_show on warm shows, for `opens: every-foreground`
    events: tuple[str, ...] = ()  # registered custom events; empty: any c_ event is taken
    max_string: int = 255  # UTF-16 code units of a text that are sent
    device_info: Ms = Ms(0)  # after a launch, until wx has told network and system; calls wait for it in memory
    replies: Replies = field(default_factory=Replies)  # what the collector's answers to events mean

    def __post_init__(self) -> None:
        if not _PATH.fullmatch(self.path):
            raise UsageError(f'the path of the event request is {self.path!r}; expected one such as "/cbe/__utm"')
        if not _APPID.fullmatch(self.appid):
            raise UsageError(f'the appid is {self.appid!r}; expected one such as "wx0123456789abcdef"')
        if len(self.namespace) > _LONGEST_NAMESPACE:
            raise UsageError(
                f"the namespace has {len(self.namespace)} characters; at most {_LONGEST_NAMESPACE} fit into an id"
            )
        if self.max_string < 1:
            raise UsageError(f"max_string is {self.max_string}; expected a length of at least 1")
        if self.device_info < 0:
            raise UsageError(f"device_info is {self.device_info} ms; expected a duration of 0 or more")
        for name in ("app_name", "tenant", "namespace"):
            if any("\ud800" <= character <= "\udfff" for character in getattr(self, name)):
                raise UsageError(f"the {name} holds half of a surrogate pair, which no request can carry")

    def headers(self, user_agent: str, content_type: str = "application/json") -> tuple[tuple[str, str], ...]:
        """What wx.request sends on its own."""
        referer = f"https://servicewechat.com/{self.appid}/1/page-frame.html"
        return (("content-type", content_type), ("Referer", referer), ("User-Agent", user_agent))
