"""ThinkingData: the mini program's tracker (`/sync_xcx`), or the server library's packed array (`/sync_server`).

`ta_mp_launch`, `ta_mp_show`, `ta_mp_view`, `ta_mp_hide`, `ta_mp_share` are automatic; a pushed identity becomes the
account id and gives a `user_set`. Times are local texts without an offset, which stands beside them.

Source: ThinkingDataAnalytics, mp-sdk 3.7.8 as measured, python-sdk; doc.thinkingdata.cn.
Assumed: an open is `ta_mp_launch`, or every `ta_mp_show` under every-foreground; the source stands in `#utm`.
"""

from __future__ import annotations

import gzip
import re
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

from simulator.events import Json, Kind
from simulator.scenario.adapter_options import BatchOptions, Hours, Key, Size, UserOptions, revealed
from simulator.scenario.values import Duration, Flag
from simulator.times import HOUR, SECOND, Ms, instant
from simulator.wire.addresses import UTM, values_of
from simulator.wire.device_info import model_of, system_of
from simulator.wire.iso import iso_text
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
from simulator.wire.request import Action, Record, WireError
from simulator.wire.tracker import tracker_format
from simulator.wire.vendor import Captured, Carried, Message, Moment, Sending, Vendor, one_identity, said

VERSION = "3.7.8"
_APP = {Kind.SHOW: "ta_mp_show", Kind.VIEW: "ta_mp_view", Kind.HIDE: "ta_mp_hide", Kind.SHARE: "ta_mp_share"}
_ACTIONS = {"ta_mp_view": Action.VIEW, "ta_mp_show": Action.SHOW}
_LOCAL = re.compile(r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d(\.\d{3})?", re.ASCII)


class ThinkingDataOptions(BatchOptions, UserOptions):
    """What an app chooses."""

    batch: Size = 1
    every: Duration = Ms(5 * SECOND)
    app_id: Key = "app-id"
    server: Flag = False  # as the server library does, packed; the path is then /sync_server
    zone: Hours = 8

    @property
    def fixed_path(self) -> str:
        """The server library's own one, where no other is said."""
        return self.path or ("/sync_server" if self.server else "")


class ThinkingData(Vendor):
    """One mini program's tracker."""

    name = "thinkingdata"
    carries = Vendor.USUAL | {"external_id"}

    def __init__(self, options: WireOptions, own: ThinkingDataOptions) -> None:
        super().__init__(options, batch=own.batch, every=own.every)
        self._own = own
        self._key = revealed(own.app_id)
        self._actions = _ACTIONS | {"ta_mp_show" if options.foreground_event else "ta_mp_launch": Action.OPEN}

    def says(self, moment: Moment, memory: Any) -> tuple[Sequence[Message], Any]:
        event, call = moment.event, moment.event.call
        match event.kind:
            case Kind.LAUNCH:
                reason: Json = stringify({"path": moment.page, "query": moment.query, "scene": event.scene})
                launch = self._track(moment, "ta_mp_launch", {"#start_reason": reason})
                return (launch, self._track(moment, "ta_mp_show", {})), memory
            case Kind.HIDE:
                told = self._track(moment, "ta_mp_hide", {"#duration": (event.at - moment.shown) / 1000})
            case Kind.VIEW:
                told = self._track(moment, "ta_mp_view", {"#referrer": moment.previous})
            case Kind.PUSH if moment.fresh and moment.identity(self._own.user):
                user: dict[str, Json] = {identity.type: identity.value for identity in moment.identities}
                told = self._message(moment, "user_set", "", user)
            case Kind.TRACK if call is not None:
                told = self._track(moment, call.event, moment.own)
            case kind if kind in _APP:
                told = self._track(moment, _APP[kind], {})
            case _:
                return (), memory
        return (told,), memory

    def _track(self, moment: Moment, event: str, own: Mapping[str, Json]) -> Message:
        event_, device = moment.event, moment.event.device
        os, version = system_of(device)
        named = values_of(event_.source, UTM)
        properties: dict[str, Json] = {
            **own,
            "#lib": "MP",
            "#lib_version": VERSION,
            "#mp_platform": "wechat",
            "#device_id": device.anonymous_id,
            "#device_model": model_of(device),
            "#os": os,
            "#os_version": version,
            "#screen_width": device.width,
            "#screen_height": device.height,
            "#network_type": device.network.upper(),
            "#scene": event_.scene,
            "#url_path": moment.page,
            "#zone_offset": self._own.zone,
        }
        if named:
            properties["#utm"] = stringify(named)
        return self._message(moment, "track", event, properties)

    def _message(self, moment: Moment, kind: str, event: str, properties: Mapping[str, Json]) -> Message:
        message: Message = {"#type": kind, "#time": self._local(moment.at)}
        message["#distinct_id"] = moment.event.device.anonymous_id
        user = moment.identity(self._own.user)
        if user:
            message["#account_id"] = user
        if event:
            message["#event_name"] = event
        return message | {"#uuid": moment.uuid(event or kind), "properties": dict(properties)}

    def _local(self, at: Ms) -> str:
        """`YYYY-MM-DD HH:mm:ss.SSS` in the phone's zone."""
        return iso_text(Ms(at + self._own.zone * HOUR)).replace("T", " ").removesuffix("Z")

    def request(self, messages: Sequence[Message], sending: Sending) -> Carried:
        data: list[Json] = list(messages)
        if self._own.server:
            packed = gzip.compress(stringify(data).encode(), mtime=0)
            plain = (("content-type", "text/plain"), ("appid", self._key), ("compress", "gzip"))
            return Carried("POST", self.options.path, plain, packed)
        body = stringify({"data": data, "#app_id": self._key, "#flush_time": sending.sent})
        integration = (
            ("TA-Integration-Type", "MP"),
            ("TA-Integration-Version", VERSION),
            ("TA-Integration-Count", str(len(data))),
            ("TA-Integration-Extra", "wechat"),
        )
        headers = (*self.headers(sending.device, "application/json"), *integration)
        return Carried("POST", self.options.path, headers, body.encode())

    def read(self, captured: Captured) -> list[Message]:
        self.check(captured, "POST")
        body = captured.body
        document = parse_json(unpacked(body) if body[:2] == b"\x1f\x8b" else body)
        if isinstance(document, list):
            return objects_in(document, "the body")
        return objects_in(object_in(document, "the body").get("data"), "data")

    def record(self, message: Message) -> Record:
        event, properties = text_of(message, "#event_name"), part_of(message, "properties")
        try:
            utm = object_in(parse_json(text_of(properties, "#utm")), "#utm")
        except WireError:
            utm = {}
        return said(
            self._actions.get(event, Action.CUSTOM),
            event or text_of(message, "#type"),
            _instant(text_of(message, "#time"), number_of(properties, "#zone_offset"), self._own.zone),
            external_id=text_of(message, "#uuid"),
            anonymous_id=text_of(message, "#distinct_id"),
            identities=one_identity(self._own.user, text_of(message, "#account_id")),
            source=text_of(utm, "utm_source"),
            content=text_of(utm, "utm_content"),
            page=text_of(properties, "#url_path"),
        )


def _instant(text: str, offset: int | None, usual: int) -> int | None:
    """The instant of a local time; profile records have no offset, so the app's own zone is taken."""
    if not _LOCAL.fullmatch(text):
        return None
    try:
        local = instant(datetime.fromisoformat(text).replace(tzinfo=UTC))
    except (ValueError, OverflowError):
        return None
    return local - (usual if offset is None else offset) * HOUR


FORMAT = tracker_format(
    ThinkingData.name,
    ThinkingDataOptions,
    ThinkingData,
    path="/sync_xcx",
    contract={
        "opens": "launch",
        "dedupe": "by_id",
        "replies": {"body": {"key": "code", "acked": [0], "refused": [-1, -2]}},
    },
)
