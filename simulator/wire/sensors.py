"""Sensors Analytics (sa-sdk-miniprogram): JSON records in base64, as a batch in a form field or one by one in a query.

Order of a launch: `$first_visit_time` and the source as profile records (the former on a fresh device only),
`$MPLaunch`, `$MPShow`, `$MPViewScreen`. A pushed openid changes the distinct id; a pushed login identity gives a
`$SignUp`, after which records name the login id alone.

Source: sa-sdk-miniprogram 1.17.9 as measured; manual.sensorsdata.cn.
Assumed: an open is `$MPLaunch`, or every `$MPShow` under every-foreground; the union id stands under
`$identity_mp_unionid`, other pushed identities do not leave.
"""

from __future__ import annotations

import gzip
import re
from base64 import b64decode, b64encode
from binascii import Error as NoBase64
from collections.abc import Mapping, Sequence
from typing import Any

from simulator.events import Identity, Json, Kind
from simulator.scenario.adapter_options import BatchOptions, Key, Size
from simulator.scenario.values import Duration, Flag, IdentityType
from simulator.times import SECOND, Ms
from simulator.wire.addresses import Names, values_of
from simulator.wire.device_info import model_of, system_of
from simulator.wire.formats import Format
from simulator.wire.javascript import encode_component
from simulator.wire.json_text import (
    MOST_BYTES,
    number_of,
    object_in,
    objects_in,
    parse_json,
    part_of,
    stringify,
    text_of,
)
from simulator.wire.options import WireOptions
from simulator.wire.packing import unpacked
from simulator.wire.query import parse
from simulator.wire.request import Action, Record, WireError
from simulator.wire.tracker import Captured, Carried, Message, Moment, Sending, Tracker, Vendor, said

VERSION = "1.17.9"
LIBRARY: Mapping[str, Json] = {"$lib": "MiniProgram", "$lib_method": "code", "$lib_version": VERSION}
_OPENID, _UNIONID = "applet-wechat", "wechat-unionid"
_PLATFORM_OFFSET = -480  # minutes, as JavaScript says it for Asia/Shanghai
_FIRST = Names("$utm_source", "$utm_content")
_LATEST = Names("$latest_utm_source", "$latest_utm_content")
_APPID = re.compile(r"\$identity_mp_(?!id$|unionid$).+_openid")


class SensorsOptions(BatchOptions):
    """What an app chooses."""

    batch: Size = 6
    every: Duration = Ms(6 * SECOND)
    project: Key = "default"
    gzip: Flag = False  # the gzip plugin of 1.22
    single: Flag = False  # batch_send: false
    login: IdentityType = "mobile"  # which pushed identity the app logs in with


class Sensors(Vendor):
    """One mini program's tracker."""

    name = "sensors"
    carries = frozenset(
        {"external_id", "event", "action", "date", "anonymous_id", "identities", "source", "content", "page"}
    )

    def __init__(self, options: WireOptions, own: SensorsOptions) -> None:
        super().__init__(options, batch=1 if own.single else own.batch, every=own.every)
        self._own = own
        self._openid = f"$identity_mp_{options.appid}_openid"
        self._opens = "$MPShow" if options.foreground_event else "$MPLaunch"

    # ---- what is said ---------------------------------------------------------------------------------------------

    def says(self, moment: Moment, memory: Any) -> tuple[Sequence[Message], Any]:
        event = moment.event
        told: list[Message] = []
        match event.kind:
            case Kind.LAUNCH:
                if moment.first:
                    told.append(self._message(moment, "profile_set_once", "", {"$first_visit_time": moment.at}))
                campaign = values_of(event.source, _FIRST)
                if campaign:
                    told.append(self._message(moment, "profile_set_once", "", campaign))
                told.append(self._track(moment, "$MPLaunch", {"$is_first_time": moment.first}))
                told.append(self._track(moment, "$MPShow", {}))
            case Kind.SHOW:
                told.append(self._track(moment, "$MPShow", {}))
            case Kind.VIEW:
                told.append(self._track(moment, "$MPViewScreen", {"$referrer": moment.previous or "直接打开"}))
            case Kind.SHARE:
                told.append(self._track(moment, "$MPShare", {}))
            case Kind.HIDE:
                told.append(self._track(moment, "$MPHide", {"event_duration": (event.at - moment.shown) / 1000}))
            case Kind.PUSH:
                if any(identity.type == self._own.login for identity in moment.fresh):
                    told.append(self._sign_up(moment))
            case Kind.TRACK:
                assert event.call is not None
                told.append(self._track(moment, event.call.event, moment.own))
        return told, memory

    def _track(self, moment: Moment, event: str, own: Mapping[str, Json]) -> Message:
        return self._message(moment, "track", event, {**self._properties(moment), **own})

    def _message(self, moment: Moment, kind: str, event: str, properties: Mapping[str, Json]) -> Message:
        """A record in the tracker's order of keys; profile records have no `_track_id`."""
        device = moment.event.device.anonymous_id
        login, openid = moment.identity(self._own.login), moment.identity(_OPENID)
        identities: dict[str, Json] = {"$identity_login_id": login} if login else self._all(moment)
        message: Message = {
            "distinct_id": login or openid or device,
            "identities": identities,
            "lib": dict(LIBRARY),
            "properties": dict(properties),
            "anonymous_id": device,
        }
        if login:
            message["login_id"] = login
        message["type"] = kind
        if event:
            message["event"] = event
        if not kind.startswith("profile_"):
            message["_track_id"] = _track_id(moment, event)
        message["time"] = moment.at
        return message

    def _sign_up(self, moment: Moment) -> Message:
        plain = self._message(moment, "track_signup", "$SignUp", self._properties(moment))
        plain["identities"] = self._all(moment) | {"$identity_login_id": moment.identity(self._own.login)}
        told: Message = {}
        for key, value in plain.items():
            if key == "type":
                told["original_id"] = moment.identity(_OPENID) or moment.event.device.anonymous_id
            told[key] = value
        return told

    def _all(self, moment: Moment) -> dict[str, Json]:
        device, openid, unionid = (
            moment.event.device.anonymous_id,
            moment.identity(_OPENID),
            moment.identity(_UNIONID),
        )
        found: dict[str, Json] = {"$identity_mp_id": device, "$identity_anonymous_id": device}
        if openid:
            found[self._openid] = openid
        if unionid:
            found["$identity_mp_unionid"] = unionid
        return found

    def _properties(self, moment: Moment) -> dict[str, Json]:
        device, event = moment.event.device, moment.event
        os, version = system_of(device)
        path = moment.page + (f"?{moment.query}" if moment.query else "")
        return {
            "$lib": "MiniProgram",
            "$lib_version": VERSION,
            "$os": os,
            "$os_version": version,
            "$model": model_of(device),
            "$screen_width": device.width,
            "$screen_height": device.height,
            "$network_type": device.network.upper(),
            "$timezone_offset": _PLATFORM_OFFSET,
            "$app_id": self.options.appid,
            "$scene": f"wx-{event.scene}",
            "$latest_scene": f"wx-{event.scene}",
            "$url_path": moment.page,
            "$url_query": moment.query,
            "$url": path,
            **values_of(event.source, _FIRST),
            **values_of(event.source, _LATEST),
            "$is_first_day": moment.session.number == 1,
        }

    # ---- the wire -------------------------------------------------------------------------------------------------

    def request(self, messages: Sequence[Message], sending: Sending) -> Carried:
        path = f"{self.options.path}?project={encode_component(self._own.project)}"
        if self._own.single:
            (message,) = messages
            data = encode_component(_base64(stringify(message).encode()))
            return Carried("GET", f"{path}&data={data}", self.headers(sending.device, "application/json"))
        records: list[Json] = [{**message, "_flush_time": sending.sent} for message in messages]
        text = stringify(records).encode()
        packed = gzip.compress(text, mtime=0) if self._own.gzip else text
        body = f"data_list={encode_component(_base64(packed))}" + ("&gzip=1" if self._own.gzip else "")
        return Carried("POST", path, self.headers(sending.device, "application/json"), body.encode())

    def read(self, captured: Captured) -> list[Message]:
        fields, _ = parse(self.check(captured, "GET", "POST"))
        if captured.method == "GET":
            if "data" not in fields:
                raise WireError("a GET of this format has its record in the parameter data")
            return [object_in(parse_json(_unpacked(fields["data"])), "data")]
        form = _form(captured.body)
        if "data_list" in form:
            return objects_in(parse_json(_unpacked(form["data_list"])), "data_list")
        if "data" in form:
            return [object_in(parse_json(_unpacked(form["data"])), "data")]
        raise WireError("the form has neither data_list nor data")

    def record(self, message: Message) -> Record:
        event = text_of(message, "event")
        properties = part_of(message, "properties")
        action = self._action(event)
        return said(
            action,
            event or text_of(message, "type"),
            number_of(message, "time"),
            external_id=text_of(message, "_track_id"),
            anonymous_id=text_of(message, "anonymous_id"),
            identities=self._identities(message),
            source=text_of(properties, "$latest_utm_source"),
            content=text_of(properties, "$latest_utm_content"),
            page=text_of(properties, "$url_path") if action is Action.VIEW else "",
        )

    def _action(self, event: str) -> Action:
        if event == self._opens:
            return Action.OPEN
        known = {"$MPViewScreen": Action.VIEW, "$MPShow": Action.SHOW, "$MPHide": Action.EXIT}
        return known.get(event, Action.CUSTOM)

    def _identities(self, message: Message) -> tuple[Identity, ...]:
        """In the order openid, union id, login id."""
        given = part_of(message, "identities")
        found: dict[str, str] = {}
        for key in given:
            if key == self._openid or _APPID.fullmatch(key):
                found[_OPENID] = text_of(given, key)
        found[_UNIONID] = text_of(given, "$identity_mp_unionid")
        found[self._own.login] = text_of(given, "$identity_login_id") or found.get(self._own.login, "")
        order = (_OPENID, _UNIONID, self._own.login)
        return tuple(Identity(kind, found[kind]) for kind in dict.fromkeys(order) if found.get(kind))


def _track_id(moment: Moment, part: str) -> int:
    """Digits that no other event has, and behind them the last four of the time: below 2**53."""
    digits = int(moment.unique(part)[:16], 16) % 900_000_000_000
    return digits * 10_000 + moment.at % 10_000


def _base64(data: bytes) -> str:
    return b64encode(data).decode()


def _form(body: bytes) -> dict[str, str]:
    """The pairs of a form; its field may be as long as a whole batch."""
    if len(body) > MOST_BYTES:
        raise WireError(f"a form of {len(body)} bytes; at most {MOST_BYTES} are read")
    fields: dict[str, str] = {}
    for pair in body.decode("ascii", "replace").split("&", 16):
        key, _, value = pair.partition("=")
        fields[key] = re.sub(r"%([0-9A-Fa-f]{2})", lambda escape: chr(int(escape[1], 16)), value)
    return fields


def _unpacked(text: str) -> bytes:
    """The JSON in a field: base64, and gzip or zlib inside where its first bytes say so."""
    try:
        data = b64decode(text, validate=True)
    except (NoBase64, ValueError) as bad:
        raise WireError(f"no base64: {str(bad)[:80]}") from bad
    if data[:2] == b"\x1f\x8b" or data[:1] == b"\x78":
        return unpacked(data)
    return data


def _build(options: WireOptions, own: SensorsOptions) -> Tracker:
    return Tracker(Sensors(options, own))


FORMAT = Format(
    Sensors.name,
    SensorsOptions,
    _build,
    path="/sa",
    contract={"opens": "launch", "user": "openid", "day": "Asia/Shanghai", "dedupe": "by_id", "time": "event"},
)
