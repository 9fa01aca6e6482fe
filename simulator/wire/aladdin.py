"""Aladdin (ald-stat.js 7.4): one GET a record, all fields in the query, objects as JSON texts.

There is no launch record: `life=show` of `ev=app` tells of every coming to the foreground, and the open token `at` is a
new one after more than 30 s in the background or with another scene. So opens are the distinct tokens. The launch token
`ls` is one for each launch, and `wsr`, what the last show came with, stands in every record.

Source: ald-stat.js 7.2.0 and 7.4.0, observed only; docresource.aldwx.com.
Assumed: `st` is the event's own instant; the source stands in the query of the show as `aldsrc`, its content there as
utm_content; `ifp`, `fp`, `pdr`, `ps` are of page records; `pdr` ends with a hide; `ag` is the query as it is written.
Not here: `so` and the rule that a share's own way to the background begins no open, since a simulated share does not
leave the mini program; `ald_share_src` on a shared path; positions and `ec`; the requests for configuration and openid.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

from simulator.events import Device, Event, Json, Kind
from simulator.scenario.adapter_options import Key, SessionOptions, UserOptions, revealed
from simulator.times import SECOND, Ms
from simulator.wire.addresses import Names, address
from simulator.wire.device_info import model_of, system_of
from simulator.wire.javascript import cut
from simulator.wire.json_text import number_of, object_in, parse_json, part_of, stringify, text_of
from simulator.wire.options import WireOptions
from simulator.wire.query import build, parse
from simulator.wire.request import Action, Record, WireError
from simulator.wire.tracker import tracker_format
from simulator.wire.vendor import Captured, Carried, Message, Moment, Sending, Vendor, digits_of, one_identity, said

VERSION = "7.4.0"
_MOST = 255  # characters of a name, and of its content
_SOON = 30 * SECOND  # a page shown in less than this after a hide says so
_SOURCE = Names("aldsrc", "utm_content")

_LIVES = {
    Kind.LAUNCH: ("app", "show"),
    Kind.SHOW: ("app", "show"),
    Kind.HIDE: ("app", "hide"),
    Kind.VIEW: ("page", "show"),
}
_CODES = (("qr", _SOURCE.name), ("sr", _SOURCE.name), ("usr", "ald_share_src"))
_ACTIONS = {("app", "show"): Action.OPEN, ("page", "show"): Action.VIEW}


class AladdinOptions(SessionOptions, UserOptions):
    """What an app chooses."""

    app_key: Key = "app-key"


@dataclass(frozen=True, slots=True)
class Process:
    """What the tracker keeps in memory: of the process since its launch, and of the open that runs."""

    ls: str = ""  # launch token
    at: str = ""  # open token
    requests: int = 0  # since App.onShow
    first: bool = False  # the visitor's first open runs
    path: str = ""  # of the last show, with its query and scene
    query: str = ""  # percent-encoded
    scene: int = 0
    fp: str = ""  # the first page that was shown
    pages: int = 0  # shown so far
    viewed: Ms = Ms(0)  # when the last of them was
    hidden: Ms | None = None  # to the background, and no page shown since


class Aladdin(Vendor):
    """One mini program's tracker."""

    name = "aladdin"
    carries = Vendor.USUAL | {"session"}

    def __init__(self, options: WireOptions, own: AladdinOptions) -> None:
        super().__init__(options, batch=1, every=Ms(0), session=own.session)
        self._own = own
        self._key = revealed(own.app_key)

    def begin(self) -> Process:
        """None has run yet."""
        return Process()

    def says(self, moment: Moment, memory: Any) -> tuple[Sequence[Message], Any]:
        event, call = moment.event, moment.event.call
        now: Process = self._entered(moment, memory) if event.kind in (Kind.LAUNCH, Kind.SHOW) else memory
        page = self._page(moment)
        if event.kind in _LIVES:
            what, life = _LIVES[event.kind]
            own: Message = {"ev": what, "life": life}
            if event.kind is Kind.VIEW:
                now = replace(now, fp=now.fp or moment.page)
                page |= _shown(moment, now)
                now = replace(now, viewed=event.at, hidden=None, pages=now.pages + 1)
            elif event.kind is Kind.HIDE:
                now = replace(now, hidden=event.at)
        elif event.kind is Kind.SHARE:
            own = {"ev": "event", "tp": "ald_share_click", "ct": stringify({"path": event.page or moment.page})}
        elif call is not None:
            own = {"ev": "event", "tp": cut(call.event, _MOST), "ct": cut(stringify(moment.own), _MOST)}
        else:
            return (), now
        now = replace(now, requests=now.requests + 1)
        query = _entry_query(event, now)
        codes = {key: query[name] for key, name in _CODES if query.get(name)}
        return (self._device(event.device) | own | page | codes | self._last(moment, now, query),), now

    def _entered(self, moment: Moment, before: Process) -> Process:
        """What is known from a launch or a show on: a launch begins a process, and each of them may begin an open."""
        event = moment.event
        now = Process(ls=moment.unique("ls")[:13]) if event.kind is Kind.LAUNCH else before
        opens = moment.is_new or event.scene != before.scene
        token = f"{moment.at}{moment.unique('at')[:7]}" if opens else before.at
        path, query = (event.page, event.query) if event.page else (moment.page, moment.query)
        return replace(now, at=token, requests=0, first=moment.first, path=path, query=query, scene=event.scene)

    def _device(self, device: Device) -> Message:
        os, version = system_of(device)
        return {
            "br": os,
            "pm": model_of(device),
            "pr": "2",
            "ww": str(device.width),
            "wh": str(device.height),
            "lang": "zh_CN",
            "wv": "8.0",
            "wvv": os.lower(),
            "wsdk": "3.0",
            "sv": f"{os} {version}".strip(),
            "nt": device.network,
        }

    def _page(self, moment: Moment) -> Message:
        return {
            "pp": moment.page,
            "pc": moment.previous,
            "dr": str(moment.event.at - moment.shown),
            "ag": moment.query,
        }

    def _last(self, moment: Moment, now: Process, query: dict[str, Json]) -> Message:
        told: Message = {
            "at": now.at,
            "uu": digits_of(moment.event.device.anonymous_id),
            "v": VERSION,
            "ak": self._key,
            "wsr": stringify({"path": now.path, "query": query, "scene": now.scene}),
            "ifo": "true" if now.first else "false",
            "rq_c": str(now.requests),
            "ls": now.ls,
            "te": "wx",
            "et": str(moment.at),
            "st": str(moment.at),
        }
        user = moment.identity(self._own.user)
        return told | ({"op": user} if user else {})

    def request(self, messages: Sequence[Message], sending: Sending) -> Carried:
        (message,) = messages
        query = {key: str(value) for key, value in message.items() if key != "op"}
        shown = ("AldStat", "MiniApp-Stat"), ("se", ""), ("op", text_of(message, "op")), ("img", "")
        headers = (*self.headers(sending.device, "application/json"), *shown, ("ai", self._shifted))
        return Carried("GET", f"{self.options.path}?{build(query | {'et': str(sending.sent)})}", headers)

    @property
    def _shifted(self) -> str:
        """The appid with each character's code 9 higher, joined by hyphens."""
        return "-".join(str(ord(character) + 9) for character in self.options.appid)

    def read(self, captured: Captured) -> list[Message]:
        fields, _ = parse(self.check(captured, "GET"))
        return [{**fields, "op": captured.headers.get("op", "")}]

    def record(self, message: Message) -> Record:
        what, life = text_of(message, "ev"), text_of(message, "life")
        action = _ACTIONS.get((what, life), Action.CUSTOM)
        return said(
            action,
            text_of(message, "tp") or f"{what} {life}",
            number_of(message, "st"),
            anonymous_id=text_of(message, "uu"),
            identities=one_identity(self._own.user, text_of(message, "op")),
            source=text_of(message, "qr"),
            content=_content(text_of(message, "wsr")),
            page=text_of(message, "pp"),
            session=text_of(message, "at"),
        )


def _entry_query(event: Event, now: Process) -> dict[str, Json]:
    """The query that the mini program was shown with, as wx gives it, and in it the source."""
    return dict(parse(address("", "", now.query, event.source, _SOURCE).partition("?")[2])[0])


def _shown(moment: Moment, now: Process) -> Message:
    """What the record of a page says of the process, and of the page before."""
    told: Message = {"ifp": "true" if now.pages == 0 else "false", "fp": now.fp}
    if now.pages:
        told["pdr"] = str((moment.event.at if now.hidden is None else now.hidden) - now.viewed)
    if now.hidden is not None and moment.event.at - now.hidden < _SOON:
        told["ps"] = "1"
    return told


def _content(options: str) -> str:
    """The content in the options of a show; none in what nobody can read."""
    try:
        return text_of(part_of(object_in(parse_json(options), "wsr"), "query"), _SOURCE.content)
    except WireError:
        return ""


FORMAT = tracker_format(
    Aladdin.name, AladdinOptions, Aladdin, path="/d.html", contract={"sessions": "given", "dedupe": "none"}
)
