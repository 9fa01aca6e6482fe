"""Google Analytics 4, Measurement Protocol: JSON with up to 25 events of one client.

Client and user stand in the envelope, so events of before and after a login never share a request; each event has its
own `timestamp_micros`. `session_start` is reserved: a new `session_id` begins a session.

Source: developers.google.com, Measurement Protocol for GA4.
Assumed: a launch is the event `mini_program_open`, a return `mini_program_show`, a hide `mini_program_hide`; the source
stands as utm_* in `page_location`.
"""

from __future__ import annotations

import re
from collections.abc import Hashable, Sequence
from typing import Annotated, Any, Literal

from simulator.events import Json, Kind
from simulator.scenario.adapter_options import BatchOptions, Key, Secret, SessionOptions, UpTo25, UserOptions, revealed
from simulator.scenario.values import Duration
from simulator.times import MINUTE, Ms
from simulator.wire.addresses import address, read_address
from simulator.wire.javascript import encode_component, string
from simulator.wire.json_text import number_of, object_in, objects_in, parse_json, part_of, stringify, text_of
from simulator.wire.options import WireOptions
from simulator.wire.request import Action, Record
from simulator.wire.tracker import tracker_format
from simulator.wire.vendor import Captured, Carried, Message, Moment, Sending, Vendor, one_identity, said

MOST_PARAMS = 25
_LONGEST_NAME, _LONGEST_VALUE = 40, 100  # of a parameter

_APP = {Kind.LAUNCH: "mini_program_open", Kind.SHOW: "mini_program_show", Kind.HIDE: "mini_program_hide"}
_ACTIONS = {
    "mini_program_open": Action.OPEN,
    "mini_program_show": Action.SHOW,
    "page_view": Action.VIEW,
    "screen_view": Action.VIEW,
}
_NO_NAME = re.compile(r"[^A-Za-z0-9_]")


class Ga4Options(BatchOptions, SessionOptions, UserOptions):
    """What an app chooses."""

    batch: UpTo25 = 25
    session: Duration = Ms(30 * MINUTE)
    stream: Literal["web", "app"] = "web"  # app: firebase_app_id and app_instance_id
    measurement_id: Annotated[Key, "or the app's, of an app stream"] = "G-0000000000"
    api_secret: Secret = ""


class Ga4(Vendor):
    """One mini program's tracker."""

    name = "ga4"
    carries = Vendor.USUAL | {"session"}
    session_by_gap = True

    def __init__(self, options: WireOptions, own: Ga4Options) -> None:
        super().__init__(options, batch=own.batch, every=own.every, session=own.session)
        self._own = own
        app = own.stream == "app"
        self._stream, self._client = ("firebase_app_id", "app_instance_id") if app else ("measurement_id", "client_id")
        self._query = (
            f"{self._stream}={encode_component(revealed(own.measurement_id))}"
            f"&api_secret={encode_component(revealed(own.api_secret))}"
        )

    def says(self, moment: Moment, memory: Any) -> tuple[Sequence[Message], Any]:
        event, call = moment.event, moment.event.call
        if event.kind is Kind.VIEW:
            name = "page_view" if self._own.stream == "web" else "screen_view"
        elif event.kind in _APP:
            name = _APP[event.kind]
        elif event.kind is Kind.SHARE:
            name = "share"
        elif call is not None:
            name = _NO_NAME.sub("_", call.event)[:_LONGEST_NAME]
        else:
            return (), memory
        return (self._message(moment, name),), memory

    def _message(self, moment: Moment, name: str) -> Message:
        event, device = moment.event, moment.event.device
        params: dict[str, Json] = {
            "session_id": str(int(moment.session.id[:12], 16)),
            "session_number": moment.session.number,
            "engagement_time_msec": max(event.at - moment.viewed, 1),
            "page_location": address(self.options.appid, moment.page, moment.query, event.source),
            "page_title": moment.page,
        }
        if moment.previous:
            params["page_referrer"] = moment.previous
        for key, value in moment.own.items():
            given = _NO_NAME.sub("_", key)[:_LONGEST_NAME]
            if len(params) < MOST_PARAMS and given not in params:
                params[given] = value if isinstance(value, (int, float)) else string(value)[:_LONGEST_VALUE]
        user = moment.identity(self._own.user)
        return {
            self._client: device.anonymous_id,
            **({"user_id": user} if user else {}),
            "name": name,
            "params": params,
            "timestamp_micros": moment.at * 1000,
        }

    def apart(self, message: Message) -> Hashable:
        return text_of(message, self._client), text_of(message, "user_id")

    def request(self, messages: Sequence[Message], sending: Sending) -> Carried:
        around = (self._client, "user_id")
        body: Message = {key: messages[0][key] for key in around if key in messages[0]}
        body["events"] = [{key: value for key, value in one.items() if key not in around} for one in messages]
        target = f"{self.options.path}?{self._query}"
        return Carried("POST", target, self.headers(sending.device, "application/json"), stringify(body).encode())

    def read(self, captured: Captured) -> list[Message]:
        self.check(captured, "POST")
        document = object_in(parse_json(captured.body), "the body")
        around = {key: document[key] for key in (self._client, "user_id", "timestamp_micros") if key in document}
        return [around | event for event in objects_in(document.get("events"), "events")]

    def record(self, message: Message) -> Record:
        name, params = text_of(message, "name"), part_of(message, "params")
        action = _ACTIONS.get(name, Action.CUSTOM)
        page, source, content = read_address(text_of(params, "page_location"))
        micros = number_of(message, "timestamp_micros")
        return said(
            action,
            name,
            None if micros is None else micros // 1000,
            anonymous_id=text_of(message, self._client),
            identities=one_identity(self._own.user, text_of(message, "user_id")),
            source=source,
            content=content,
            page=page,
            session=text_of(params, "session_id"),
        )


FORMAT = tracker_format(
    Ga4.name,
    Ga4Options,
    Ga4,
    path="/mp/collect",
    contract={"opens": "launch", "dedupe": "none", "replies": {"acked": [200, 204]}},
)
