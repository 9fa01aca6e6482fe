"""Sensors Analytics (sa-sdk-miniprogram): JSON records in base64, as a batch in a form field or one by one in a query.

Order of a launch: `$first_visit_time` and the source as profile records (the former on a fresh device only),
`$MPLaunch`, `$MPShow`, `$MPViewScreen`. A pushed openid takes the place of the device in `distinct_id` and
`anonymous_id`; the device stays in `$identity_mp_id`. A pushed login identity gives a `$SignUp`, which names them all.

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
from typing import Any, ClassVar

from simulator.events import Identity, Json, Kind
from simulator.scenario.adapter_options import BatchOptions, Key, revealed
from simulator.scenario.queue_options import SingleOptions, UpTo100
from simulator.scenario.values import Duration, Flag, IdentityType
from simulator.times import DAY, MINUTE, SECOND, Ms
from simulator.wire.addresses import Names, values_of
from simulator.wire.device_info import system_of
from simulator.wire.javascript import encode_component
from simulator.wire.json_text import (
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
from simulator.wire.tracker import tracker_format
from simulator.wire.vendor import Captured, Carried, Message, Moment, Sending, Vendor, said

VERSION = "1.17.9"
LIBRARY: Mapping[str, Json] = {"$lib": "MiniProgram", "$lib_method": "code", "$lib_version": VERSION}
_OPENID, _UNIONID = "applet-wechat", "wechat-unionid"
_PLATFORM_OFFSET = -480  # minutes, as JavaScript says it for Asia/Shanghai
_FIRST = Names("$utm_source", "$utm_content")
_LATEST = Names("$latest_utm_source", "$latest_utm_content")
_OPENID_KEY = re.compile(r"\$identity_mp_.+_openid")
_DEVICE_ID = re.compile(r"\d+-\d+-[0-9a-f]+-\d+")  # as the tracker makes one
_SIGN_UP = "track_signup"
_ACTIONS = {"$MPViewScreen": Action.VIEW, "$MPShow": Action.SHOW}


class SensorsOptions(BatchOptions, SingleOptions):
    """What an app chooses."""

    of_the_queue: ClassVar[tuple[str, ...]] = ("batch", "every", "gzip")  # a query is never packed

    batch: UpTo100 = 6
    every: Duration = Ms(6 * SECOND)
    project: Key = "default"
    gzip: Flag = False  # the gzip plugin of 1.22
    single: Flag = False  # batch_send: false
    login: IdentityType = "mobile"  # which pushed identity the app logs in with


class Sensors(Vendor):
    """One mini program's tracker."""

    name = "sensors"
    carries = Vendor.USUAL | {"external_id"}

    def __init__(self, options: WireOptions, own: SensorsOptions) -> None:
        super().__init__(options, batch=1 if own.single else own.batch, every=own.every)
        self._own = own
        self._project = revealed(own.project)
        self._openid = f"$identity_mp_{options.appid}_openid"
        self._actions = _ACTIONS | {"$MPShow" if options.foreground_event else "$MPLaunch": Action.OPEN}

    # ---- what is said ---------------------------------------------------------------------------------------------

    def begin(self) -> Ms | None:
        """When the device was first launched."""
        return None

    def says(self, moment: Moment, memory: Any) -> tuple[Sequence[Message], Any]:
        first: Ms = moment.at if memory is None else memory
        if moment.event.kind is Kind.PUSH:
            signs_up = any(identity.type == self._own.login for identity in moment.fresh)
            return (
                [self._message(moment, _SIGN_UP, "$SignUp", self._properties(moment, {}))] if signs_up else []
            ), first
        told: list[Message] = []
        if moment.event.kind is Kind.LAUNCH:
            if moment.first:
                told.append(self._message(moment, "profile_set_once", "", {"$first_visit_time": moment.at}))
            campaign = values_of(moment.event.source, _FIRST)
            if campaign:
                told.append(self._message(moment, "profile_set_once", "", campaign))
        for name, own in self._tracked(moment):
            day: dict[str, Json] = {"$is_first_day": _day(moment.at) == _day(first)}
            told.append(self._message(moment, "track", name, self._properties(moment, own | day)))
        return told, first

    def _tracked(self, moment: Moment) -> list[tuple[str, dict[str, Json]]]:
        """The names of what is tracked, each with its own properties."""
        event = moment.event
        match event.kind:
            case Kind.LAUNCH:
                entry = self._entry(moment)
                return [("$MPLaunch", entry | {"$is_first_time": moment.first}), ("$MPShow", entry)]
            case Kind.SHOW:
                return [("$MPShow", self._entry(moment))]
            case Kind.VIEW:
                return [("$MPViewScreen", {"$url_query": moment.query, "$referrer": moment.previous or "直接打开"})]
            case Kind.SHARE:
                return [("$MPShare", {})]
            case Kind.HIDE:
                return [("$MPHide", {"event_duration": (event.at - moment.shown) / 1000})]
        return [] if event.call is None else [(event.call.event, moment.own)]

    def _entry(self, moment: Moment) -> dict[str, Json]:
        """What launch and show say of the way into the mini program."""
        found: dict[str, Json] = {"$scene": f"wx-{moment.event.scene}", "$url_query": moment.query}
        return found | values_of(moment.event.source, _FIRST)

    def _message(self, moment: Moment, kind: str, event: str, properties: Mapping[str, Json]) -> Message:
        """A record in the tracker's order of keys; profile records have no `_track_id`.

        After a login only the sign-up names every identity.
        """
        device = moment.event.device.anonymous_id
        login, openid, unionid = (moment.identity(one) for one in (self._own.login, _OPENID, _UNIONID))
        before = openid or device
        identities: dict[str, Json] = {"$identity_mp_id": device}
        if kind == _SIGN_UP or not login:
            identities |= {"$identity_anonymous_id": openid, self._openid: openid} if openid else {}
            identities |= {"$identity_mp_unionid": unionid} if unionid else {}
        if login:
            identities["$identity_login_id"] = login
        message: Message = {
            "distinct_id": login or before,
            "identities": identities,
            "lib": dict(LIBRARY),
            "properties": dict(properties),
        }
        if login:
            message["login_id"] = login
        message["anonymous_id"] = before
        if kind == _SIGN_UP:
            message["original_id"] = before
        message["type"] = kind
        if event:
            message["event"] = event
        if not kind.startswith("profile_"):
            message["_track_id"] = _track_id(moment, event)
        message["time"] = moment.at
        return message

    def _properties(self, moment: Moment, own: Mapping[str, Json]) -> dict[str, Json]:
        device, event = moment.event.device, moment.event
        os, version = system_of(device)
        return {
            "$lib": "MiniProgram",
            "$lib_version": VERSION,
            "$network_type": device.network.upper(),
            "$model": device.model,
            "$screen_width": device.width,
            "$screen_height": device.height,
            "$os": os,
            "$os_version": version,
            "$timezone_offset": _PLATFORM_OFFSET,
            "$app_id": self.options.appid,
            "$latest_scene": f"wx-{event.scene}",
            **values_of(event.source, _LATEST),
            **own,
            "$url": f"{moment.page}?{moment.query}" if moment.query else moment.page,
            "$url_path": moment.page,
        }

    # ---- the wire -------------------------------------------------------------------------------------------------

    def request(self, messages: Sequence[Message], sending: Sending) -> Carried:
        path = f"{self.options.path}?project={encode_component(self._project)}"
        if self._own.single:
            (message,) = messages
            data = _base64(stringify({**message, "_flush_time": sending.sent}).encode())
            return Carried("GET", f"{path}&data={data}", self.headers(sending.device, "application/json"))
        records: list[Json] = [{**message, "_flush_time": sending.sent} for message in messages]
        text = stringify(records).encode()
        packed = gzip.compress(text, mtime=0) if self._own.gzip else text
        body = f"data_list={_base64(packed)}" + ("&gzip=1" if self._own.gzip else "")
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
        return said(
            self._actions.get(event, Action.CUSTOM),
            event or text_of(message, "type"),
            number_of(message, "time"),
            external_id=text_of(message, "_track_id"),
            anonymous_id=text_of(part_of(message, "identities"), "$identity_mp_id") or text_of(message, "anonymous_id"),
            identities=self._identities(message),
            source=text_of(properties, "$latest_utm_source"),
            content=text_of(properties, "$latest_utm_content"),
            page=text_of(properties, "$url_path"),
        )

    def _identities(self, message: Message) -> tuple[Identity, ...]:
        """In the order openid, union id, login id; each type once."""
        given, before = part_of(message, "identities"), text_of(message, "anonymous_id")
        found = dict.fromkeys((_OPENID, _UNIONID, self._own.login), "")
        if before != text_of(given, "$identity_mp_id") and not _DEVICE_ID.fullmatch(before):
            found[_OPENID] = before
        for key in given:
            if _OPENID_KEY.fullmatch(key):
                found[_OPENID] = text_of(given, key)
        found[_UNIONID] = found[_UNIONID] or text_of(given, "$identity_mp_unionid")
        found[self._own.login] = text_of(given, "$identity_login_id") or found[self._own.login]
        return tuple(Identity(kind, value) for kind, value in found.items() if value)


def _day(at: Ms) -> int:
    return (at - _PLATFORM_OFFSET * MINUTE) // DAY


def _track_id(moment: Moment, part: str) -> int:
    """Digits that no other event has, and behind them the last four of the time: below 2**53."""
    digits = int(moment.unique(part)[:16], 16) % 900_000_000_000
    return digits * 10_000 + moment.at % 10_000


def _base64(data: bytes) -> str:
    """Base64, its three characters escaped that encodeURIComponent escapes."""
    return b64encode(data).decode().replace("+", "%2B").replace("/", "%2F").replace("=", "%3D")


def _form(body: bytes) -> dict[str, str]:
    """The pairs of a form; its field may be as long as a whole batch."""
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


FORMAT = tracker_format(
    Sensors.name, SensorsOptions, Sensors, path="/sa", contract={"opens": "launch", "dedupe": "by_id"}
)
