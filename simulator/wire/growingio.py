"""GrowingIO's mini-program tracker, autotracker 4: a JSON array of records with a sequence number of the device.

`VISIT` begins a session, at a launch and at a return after longer than `session`; `PAGE` is a view, `APP_CLOSED` a
hide, `LOGIN_USER_ATTRIBUTES` a pushed identity, everything else `CUSTOM`. Numbers among the attributes leave as texts.

Source: growingio-sdk-miniprogram-autotracker 4.6.0 as measured.
Assumed: the source stands as utm_* in `query`; the session is away for more than 30 s, as 35 s began another one.
Not here: bodies packed with LZString, which are not read.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from simulator.events import Device, Kind
from simulator.scenario.adapter_options import BatchOptions, Hours, Key, SessionOptions, UpTo50, UserOptions, revealed
from simulator.scenario.values import Duration
from simulator.times import SECOND, Ms
from simulator.wire.addresses import address, read_address
from simulator.wire.device_info import model_of, system_of
from simulator.wire.javascript import string
from simulator.wire.json_text import number_of, objects_in, parse_json, stringify, text_of
from simulator.wire.options import WireOptions
from simulator.wire.query import parse
from simulator.wire.request import Action, Record, WireError
from simulator.wire.tracker import tracker_format
from simulator.wire.vendor import (
    Captured,
    Carried,
    Message,
    Moment,
    Sending,
    Vendor,
    as_uuid,
    digits_of,
    one_identity,
    said,
)

VERSION = "4.6.0"
_NO_SEQUENCE = ("APP_CLOSED", "LOGIN_USER_ATTRIBUTES")
_TYPES = {Kind.VIEW: "PAGE", Kind.HIDE: "APP_CLOSED", Kind.SHARE: "CUSTOM", Kind.TRACK: "CUSTOM"}
_ACTIONS = {"VISIT": Action.OPEN, "PAGE": Action.VIEW}


class GrowingIoOptions(BatchOptions, SessionOptions, UserOptions):
    """What an app chooses."""

    batch: UpTo50 = 50
    every: Duration = Ms(SECOND)
    project: Key = "project"
    data_source: Key = "source"
    zone: Hours = 8

    @property
    def fixed_path(self) -> str:
        """The project's, where no other is said."""
        return self.path or f"/v3/projects/{self.project}/collect"


class GrowingIo(Vendor):
    """One mini program's tracker."""

    name = "growingio"
    carries = Vendor.USUAL | {"external_id", "session"}

    def __init__(self, options: WireOptions, own: GrowingIoOptions) -> None:
        super().__init__(options, batch=own.batch, every=own.every, session=own.session)
        self._own = own
        self._data_source = revealed(own.data_source)

    def begin(self) -> tuple[int, bool]:
        """Records with a sequence number so far, and whether no page was shown since a return."""
        return 0, False

    def says(self, moment: Moment, memory: Any) -> tuple[Sequence[Message], Any]:
        kind = moment.event.kind
        sequence, back = memory
        if kind in (Kind.LAUNCH, Kind.SHOW, Kind.VIEW):
            back = kind is Kind.SHOW
        if kind in (Kind.LAUNCH, Kind.SHOW):
            if not moment.is_new:
                return (), (sequence, back)
            told = "VISIT"
        elif kind is Kind.PUSH and moment.fresh and moment.identity(self._own.user):
            told = "LOGIN_USER_ATTRIBUTES"
        elif kind in _TYPES:
            told = _TYPES[kind]
        else:
            return (), (sequence, back)
        if told not in _NO_SEQUENCE:
            sequence += 1
        return (self._message(moment, told, sequence, back=back),), (sequence, back)

    def _message(self, moment: Moment, told: str, sequence: int, *, back: bool) -> Message:
        event, device = moment.event, moment.event.device
        os, version = system_of(device)
        message: Message = {
            "eventType": told,
            **self._own_part(moment, told),
            "deviceId": _device_id(device),
            "sessionId": as_uuid(moment.session.id),
            "timestamp": moment.at,
            "timezoneOffset": -60 * self._own.zone,
            "path": moment.page,
            "query": address("", "", moment.query, event.source).partition("?")[2],
            "referralPage": (moment.page if back else moment.previous) or f"scn:{event.scene}",
            "appChannel": f"scn:{event.scene}",
            "domain": self.options.appid,
            "dataSourceId": self._data_source,
            "platform": "MinP",
            "platformVersion": "WeChat",
            "sdkVersion": VERSION,
            "operatingSystem": os,
            "operatingSystemVersion": version,
            "deviceModel": model_of(device),
            "screenWidth": device.width,
            "screenHeight": device.height,
            "networkState": device.network.upper(),
        }
        if told not in _NO_SEQUENCE:
            message["eventSequenceId"] = sequence
        user = moment.identity(self._own.user)
        return message | ({"userId": user, "userKey": ""} if user else {})

    def _own_part(self, moment: Moment, told: str) -> Message:
        if told == "LOGIN_USER_ATTRIBUTES":
            return {"attributes": {identity.type: identity.value for identity in moment.identities}}
        call = moment.event.call
        if call is None:
            return {"eventName": "$mp_on_share"} if told == "CUSTOM" else {}
        return {"eventName": call.event, "attributes": {key: string(value) for key, value in moment.own.items()}}

    def request(self, messages: Sequence[Message], sending: Sending) -> Carried:
        target = f"{self.options.path}?stm={sending.sent}&compress=0"
        body = stringify(list(messages)).encode()
        return Carried("POST", target, self.headers(sending.device, "application/json;charset=UTF-8"), body)

    def read(self, captured: Captured) -> list[Message]:
        fields, _ = parse(self.check(captured, "POST"))
        if fields.get("compress") == "1" or captured.headers.get("x-compress-codec"):
            raise WireError("undecodable: the body is packed with LZString; switch the compress plugin off")
        return objects_in(parse_json(captured.body), "the body")

    def record(self, message: Message) -> Record:
        told, device = text_of(message, "eventType"), text_of(message, "deviceId")
        sequence = number_of(message, "eventSequenceId")
        _, source, content = read_address(f"?{text_of(message, 'query')}")
        action = _ACTIONS.get(told, Action.CUSTOM)
        return said(
            action,
            text_of(message, "eventName") or told,
            number_of(message, "timestamp"),
            external_id="" if sequence is None else f"{device}/{sequence}",
            anonymous_id=device,
            identities=one_identity(self._own.user, text_of(message, "userId")),
            source=source,
            content=content,
            page=text_of(message, "path"),
            session=text_of(message, "sessionId").replace("-", ""),
        )


def _device_id(device: Device) -> str:
    return as_uuid(digits_of(device.anonymous_id))


FORMAT = tracker_format(
    GrowingIo.name,
    GrowingIoOptions,
    GrowingIo,
    # Any 2xx is success to the tracker.
    contract={"opens": "launch", "dedupe": "by_id", "replies": {"acked": list(range(200, 300))}},
)
