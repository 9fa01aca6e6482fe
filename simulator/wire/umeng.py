"""Umeng (umtrack-wx 2): JSON shaped by sessions, each of which is sent twice, when it starts and when it ends.

The start leaves at once; custom events leave every 15 s or at the end; page views and shares exist only in the end,
which leaves when the mini program hides. A session begins at a launch, and at a return after more than 30 s.

Source: umtrack-wx 2.8.0 as measured.
Assumed: the source stands as utm_* among the start's options; the end repeats them. `active_user` stands in every
request from the login on, with the identity's type as provider. A share is titled with the mini program's name, its
path comes without the two parameters that it gets, and its sharer is empty before the openid is known.
Not here: the requests for an openid (getuut, ckdh) and the wait for it (useOpenid); what `h` says for display only,
some thirty fields; another `traceId` where a request is sent again, since the same bytes are.
"""

from __future__ import annotations

from collections.abc import Hashable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from simulator.events import Identity, Json, Kind
from simulator.scenario.adapter_options import BatchOptions, Key, SessionOptions, Size, revealed
from simulator.scenario.values import Duration
from simulator.times import SECOND, Ms
from simulator.wire.addresses import UTM, values_of
from simulator.wire.device_info import model_of, system_of
from simulator.wire.javascript import cut
from simulator.wire.json_text import number_of, object_in, objects_in, parse_json, part_of, stringify, text_of
from simulator.wire.options import WireOptions
from simulator.wire.request import Action, Record
from simulator.wire.tracker import tracker_format
from simulator.wire.vendor import Captured, Carried, Message, Moment, Sending, Vendor, digits_of, said

VERSION = "2.8.0"
_LONGEST_NAME, _LONGEST_KEY, _MOST_KEYS = 128, 256, 100
_SLOTS = {"od": "applet-wechat", "und": "wechat-unionid", "puid": "mobile"}
_PART, _WHO = "part", "itr"  # what of a session a message is (not on the wire); who says it (in the head)
_START, _PAGE, _SHARE, _EVENT, _END = "start", "page", "share", "event", "end"
_INSIDE = {_PAGE: "pages", _SHARE: "shares"}  # what stands in a session's end, and under which key
_NO_LIMIT = 2**31


class UmengOptions(BatchOptions, SessionOptions):
    """What an app chooses."""

    batch: Size = 50
    every: Duration = Ms(15 * SECOND)
    app_key: Key = "app-key"


@dataclass(frozen=True, slots=True)
class Running:
    """The session that runs on a device."""

    id: str = ""
    began: Ms = Ms(0)
    options: Mapping[str, Json] = field(default_factory=dict)
    pages: tuple[Message, ...] = ()  # seen so far; the last one is in sight
    shares: tuple[Message, ...] = ()


class Umeng(Vendor):
    """One mini program's tracker."""

    name = "umeng"
    carries = Vendor.USUAL | {"external_id", "session", "length"}

    def __init__(self, options: WireOptions, own: UmengOptions) -> None:
        super().__init__(options, batch=own.batch, every=own.every, session=own.session)
        self._own = own
        self._key = revealed(own.app_key)
        self.most = _NO_LIMIT  # a session's end has all its pages

    def begin(self) -> Running:
        """No session yet."""
        return Running()

    def may_end(self, message: Message) -> bool:
        return message[_PART] not in _INSIDE

    def leaves_now(self, moment: Moment) -> bool:
        return moment.is_new or super().leaves_now(moment)

    def says(self, moment: Moment, memory: Any) -> tuple[Sequence[Message], Any]:
        event, call, running = moment.event, moment.event.call, memory
        told: list[Message] = []
        if moment.is_new:
            running = Running(f"{moment.session.id[:10]}{moment.at}", moment.at, self._options(moment))
            start: Message = {"id": running.id, "start_time": running.began, "options": dict(running.options)}
            told.append(self._message(moment, _START, start))
        if event.kind is Kind.VIEW:
            page: Message = {"ts": moment.at, "path": moment.page, "page_name": moment.page}
            return told, replace(running, pages=(*_timed(running.pages, moment.at), page))
        if event.kind is Kind.HIDE:
            for part, seen in ((_PAGE, _timed(running.pages, moment.at)), (_SHARE, running.shares)):
                told += [self._message(moment, part, {"session": running.id, **one}) for one in seen]
            told.append(self._message(moment, _END, self._end(running, moment.at)))
            return told, replace(running, pages=(), shares=())
        if event.kind is Kind.SHARE:
            return told, replace(running, shares=(*running.shares, self._share(moment, running.shares)))
        if call is not None:
            own = list(moment.own.items())[:_MOST_KEYS]
            said_of: Message = {"id": cut(call.event, _LONGEST_NAME), "ts": moment.at, "session": running.id}
            props: Json = {cut(key, _LONGEST_KEY): value for key, value in own}
            told.append(self._message(moment, _EVENT, {**said_of, "props": props}))
        return told, running

    def _options(self, moment: Moment) -> dict[str, Json]:
        where: dict[str, Json] = {"path": moment.page, "scene": f"wx_{moment.event.scene}"}
        return where | values_of(moment.event.source, UTM)

    def _share(self, moment: Moment, before: Sequence[Message]) -> Message:
        """A share; its instant tells it from the others of its session."""
        path, query = (moment.event.page, moment.event.query) if moment.event.page else (moment.page, moment.query)
        at: int = moment.at
        while any(one["_um_sts"] == at for one in before):
            at += 1
        return {
            "title": self.options.app_name,
            "path": f"{path}?{query}" if query else path,
            "_um_sts": at,
            "_um_ssrc": moment.identity(_SLOTS["od"]),
        }

    def _end(self, running: Running, at: Ms) -> Message:
        return {
            "id": running.id,
            "start_time": running.began,
            "end_time": at,
            "duration": max(at - running.began, 0),
            "options": dict(running.options),
        }

    def _message(self, moment: Moment, part: str, own: Message) -> Message:
        """What it says of its session, and who says it."""
        who: dict[str, Json] = {"ud": digits_of(moment.event.device.anonymous_id)}
        who |= {key: value for key, kind in _SLOTS.items() if (value := moment.identity(kind))}
        return {_PART: part, _WHO: who, **own}

    def apart(self, message: Message) -> Hashable:
        return _session(message), stringify(message[_WHO])

    def request(self, messages: Sequence[Message], sending: Sending) -> Carried:
        sessions: list[Json] = []
        events: dict[str, list[Json]] = {}
        inside: dict[str, list[Json]] = {}
        for message in messages:
            own = {key: value for key, value in message.items() if key not in (_PART, _WHO, "session", "props")}
            part = text_of(message, _PART)
            if part in _INSIDE:
                inside.setdefault(_INSIDE[part], []).append(own)
            elif part == _EVENT:
                events.setdefault(text_of(message, "session"), []).append(own | part_of(message, "props"))
            else:
                sessions.append({**own, **inside})
                inside = {}
        said_of: dict[str, Json] = {}
        if sessions:
            said_of["sn"] = sessions
        if events:
            said_of["e"] = dict(events)
        user = text_of(part_of(messages[0], _WHO), "puid")
        if user:
            said_of["active_user"] = {"puid": user, "provider": _SLOTS["puid"]}
        starts = any(message[_PART] == _START for message in messages)
        body = stringify({"h": self._head(messages[0], sending, starts=starts), "a": said_of})
        own_headers = (("msg-type", "wxmp/json"), ("disable-base64", "Y"))
        headers = (*self.headers(sending.device, "application/json"), *own_headers)
        return Carried("POST", self.options.path, headers, body.encode())

    def _head(self, message: Message, sending: Sending, *, starts: bool) -> Message:
        device = sending.device
        os, version = system_of(device)
        digits = digits_of(text_of(part_of(message, _WHO), "ud"), sending.sent)
        head: Message = {
            "ak": self._key,
            "sdt": "wxmp",
            "sv": VERSION,
            "appid": self.options.appid,
            "platform": "wx",
            "it": "openid",
            "itr": message[_WHO],
            "dm": model_of(device),
            "os": os,
            "ov": version,
            "rl": f"{device.width}*{device.height}",
            "lang": "zh_CN",
            "ac": device.network,
            "ts": sending.sent,
            "traceId": f"{digits[:10]}{sending.sent}{digits[10:19]}",
        }
        return head | ({"st": "1"} if starts else {})

    def read(self, captured: Captured) -> list[Message]:
        self.check(captured, "POST")
        document = object_in(parse_json(captured.body), "the body")
        who, told = part_of(part_of(document, "h"), "itr"), part_of(document, "a")
        sessions = objects_in(told.get("sn", []), "sn")
        found: list[Message] = [{_PART: _START, **one} for one in sessions if "end_time" not in one]
        for session, events in part_of(told, "e").items():
            found += [{_PART: _EVENT, "session": session, **one} for one in objects_in(events, "the events")]
        for one in sessions:
            if "end_time" in one:
                for part, key in _INSIDE.items():
                    own = objects_in(one.get(key, []), key)
                    found += [{_PART: part, "session": text_of(one, "id"), **inner} for inner in own]
                found.append({_PART: _END, **one})
        return [{**one, _WHO: who} for one in found]

    def record(self, message: Message) -> Record:
        part, who, options = message[_PART], part_of(message, _WHO), part_of(message, "options")
        session = _session(message)
        action, event, at = Action.CUSTOM, text_of(message, "id"), number_of(message, "ts")
        if part == _START:
            action, event, at = Action.OPEN, _START, number_of(message, "start_time")
        elif part == _PAGE:
            action, event = Action.VIEW, _PAGE
        elif part == _SHARE:
            event, at = _SHARE, number_of(message, "_um_sts")
        elif part == _END:
            event, at = _END, number_of(message, "end_time")
        length = number_of(message, "duration") if part == _END else 0
        return said(
            action,
            event,
            at,
            external_id=f"{session}/{part}/{event if part == _EVENT else ''}/{at}",
            anonymous_id=text_of(who, "ud"),
            identities=tuple(Identity(kind, value) for key, kind in _SLOTS.items() if (value := text_of(who, key))),
            source=text_of(options, "utm_source"),
            content=text_of(options, "utm_content"),
            page=text_of(message, "path"),
            session=session,
            length=length or 0,
        )


def _session(message: Message) -> str:
    """The id of the session that a message is of: a start and an end have it as their own."""
    return text_of(message, "id" if message[_PART] in (_START, _END) else "session")


def _timed(pages: tuple[Message, ...], now: Ms) -> tuple[Message, ...]:
    """The pages with how long the last one was in sight."""
    if not pages or "duration" in pages[-1]:
        return pages
    began = pages[-1]["ts"]
    assert isinstance(began, int)
    return (*pages[:-1], {**pages[-1], "duration": max(now - began, 0)})


FORMAT = tracker_format(
    Umeng.name,
    UmengOptions,
    Umeng,
    path="/wxm_logs",
    contract={"sessions": "given", "dedupe": "by_id", "replies": {"acked": [200], "refused": [413]}},
)
