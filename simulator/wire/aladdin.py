"""Aladdin (ald-stat.js 7.4): one GET a record, all fields in the query, objects as JSON texts.

There is no launch record: `life=show` of `ev=app` tells of every coming to the foreground, and the open token `at` is a
new one after more than 30 s in the background or with another scene. So opens are the distinct tokens.

Source: ald-stat.js 7.2.0 and 7.4.0, observed only; docresource.aldwx.com.
Assumed: `st` is the event's own instant; the source stands in `ag`, the page's query, as utm_*; a share is not told
apart from other ways to the background.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from simulator.events import Device, Json, Kind
from simulator.scenario.adapter_options import Key, SessionOptions, UserOptions, revealed
from simulator.times import Ms
from simulator.wire.addresses import address, read_address
from simulator.wire.device_info import model_of, system_of
from simulator.wire.javascript import cut
from simulator.wire.json_text import number_of, stringify, text_of
from simulator.wire.options import WireOptions
from simulator.wire.query import build, parse
from simulator.wire.request import Action, Record
from simulator.wire.tracker import tracker_format
from simulator.wire.vendor import Captured, Carried, Message, Moment, Sending, Vendor, digits_of, one_identity, said

VERSION = "7.4.0"
_MOST = 255  # characters of a name, and of its content

_LIVES = {
    Kind.LAUNCH: ("app", "show"),
    Kind.SHOW: ("app", "show"),
    Kind.HIDE: ("app", "hide"),
    Kind.VIEW: ("page", "show"),
}
_ACTIONS = {("app", "show"): Action.OPEN, ("page", "show"): Action.VIEW}


class AladdinOptions(SessionOptions, UserOptions):
    """What an app chooses."""

    app_key: Key = "app-key"


class Aladdin(Vendor):
    """One mini program's tracker."""

    name = "aladdin"
    carries = Vendor.USUAL | {"session"}

    def __init__(self, options: WireOptions, own: AladdinOptions) -> None:
        super().__init__(options, batch=1, every=Ms(0), session=own.session)
        self._own = own
        self._key = revealed(own.app_key)

    def begin(self) -> tuple[str, int, int, bool]:
        """Open token, requests since App.onShow, scene, and whether the visitor's first open runs."""
        return "", 0, 0, False

    def says(self, moment: Moment, memory: Any) -> tuple[Sequence[Message], Any]:
        event, call = moment.event, moment.event.call
        token, count, scene, first = memory
        if event.kind in (Kind.LAUNCH, Kind.SHOW):
            first = moment.first
            if moment.is_new or event.scene != scene:
                token = f"{moment.at}{moment.unique('at')[:7]}"
            count, scene = 0, event.scene
        if event.kind in _LIVES:
            what, life = _LIVES[event.kind]
            own: Message = {"ev": what, "life": life}
        elif event.kind is Kind.SHARE:
            own = {"ev": "event", "tp": "ald_share_click", "ct": stringify({"path": moment.page})}
        elif call is not None:
            own = {"ev": "event", "tp": cut(call.event, _MOST), "ct": cut(stringify(moment.own), _MOST)}
        else:
            return (), (token, count, scene, first)
        count += 1
        message = self._device(event.device) | own | self._page(moment) | self._last(moment, token, count, first)
        return (message,), (token, count, scene, first)

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
        source = moment.event.source
        told: Message = {
            "pp": moment.page,
            "pc": moment.previous,
            "dr": str(moment.event.at - moment.shown),
            "ag": address("", "", moment.query, source).partition("?")[2],
        }
        return told | ({"qr": source.name} if source.name else {})

    def _last(self, moment: Moment, token: str, count: int, first: bool) -> Message:
        event = moment.event
        enter: dict[str, Json] = {"path": moment.page, "query": moment.query, "scene": event.scene}
        told: Message = {
            "at": token,
            "uu": digits_of(event.device.anonymous_id),
            "v": VERSION,
            "ak": self._key,
            "wsr": stringify(enter),
            "ifo": "true" if first else "false",
            "rq_c": str(count),
            "ls": moment.session.id[:13],
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
        _, source, content = read_address(f"?{text_of(message, 'ag')}")
        return said(
            action,
            text_of(message, "tp") or f"{what} {life}",
            number_of(message, "st"),
            anonymous_id=text_of(message, "uu"),
            identities=one_identity(self._own.user, text_of(message, "op")),
            source=source,
            content=content,
            page=text_of(message, "pp"),
            session=text_of(message, "at"),
        )


FORMAT = tracker_format(
    Aladdin.name, AladdinOptions, Aladdin, path="/d.html", contract={"sessions": "given", "dedupe": "none"}
)
