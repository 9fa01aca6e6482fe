"""Segment's HTTP API: JSON with a batch of calls: identify, screen, track.

A launch and a return are `Application Opened` (`from_background` tells which), a hide is `Application Backgrounded`, a
view is a screen call, a pushed identity an identify call. An event above 32 kB, which would be refused with its whole
batch, is not sent.

Source: segment-docs, HTTP API source and native mobile spec.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from simulator.events import Json, Kind
from simulator.scenario.adapter_options import BatchOptions, Key, UpTo2500, UserOptions, revealed
from simulator.scenario.values import Duration
from simulator.times import SECOND, Ms
from simulator.wire.addresses import Names, values_of
from simulator.wire.device_info import model_of, system_of
from simulator.wire.iso import instant_in, iso_text
from simulator.wire.json_text import object_in, objects_in, parse_json, part_of, stringify, text_of
from simulator.wire.options import WireOptions
from simulator.wire.request import Action, Record
from simulator.wire.tracker import tracker_format
from simulator.wire.vendor import Captured, Carried, Message, Moment, Sending, Vendor, one_identity, said

OPENED, BACKGROUNDED = "Application Opened", "Application Backgrounded"
_CAMPAIGN = Names("source", "content")
MOST_BYTES_OF_ONE = 32_000
MOST_BYTES = 500_000  # of a batch; what stands around the events is far below the rest of the 500 KB


class SegmentOptions(BatchOptions, UserOptions):
    """What an app chooses."""

    batch: UpTo2500 = 20
    every: Duration = Ms(30 * SECOND)
    write_key: Key = "write-key"


class Segment(Vendor):
    """One mini program's tracker."""

    name = "segment"
    carries = Vendor.USUAL | {"external_id"}
    most_bytes = MOST_BYTES - 1_000
    most_bytes_of_one = MOST_BYTES_OF_ONE

    def __init__(self, options: WireOptions, own: SegmentOptions) -> None:
        super().__init__(options, batch=own.batch, every=own.every)
        self._own = own
        self._key = revealed(own.write_key)

    def says(self, moment: Moment, memory: Any) -> tuple[Sequence[Message], Any]:
        event, call = moment.event, moment.event.call
        match event.kind:
            case Kind.LAUNCH | Kind.SHOW:
                properties: dict[str, Json] = {"from_background": event.kind is Kind.SHOW}
                told = self._track(moment, OPENED, properties)
            case Kind.HIDE:
                told = self._track(moment, BACKGROUNDED, {})
            case Kind.SHARE:
                told = self._track(moment, "Content Shared", {"share_via": "wechat"})
            case Kind.VIEW:
                seen: Json = {"query": moment.query, "referrer": moment.previous}
                told = self._message(moment, {"type": "screen", "name": moment.page, "properties": seen})
            case Kind.PUSH if moment.fresh and moment.identity(self._own.user):
                traits: dict[str, Json] = {identity.type: identity.value for identity in moment.identities}
                told = self._message(moment, {"type": "identify", "traits": traits})
            case Kind.TRACK if call is not None:
                told = self._track(moment, call.event, moment.own)
            case _:
                return (), memory
        return (told,), memory

    def _track(self, moment: Moment, event: str, properties: dict[str, Json]) -> Message:
        return self._message(moment, {"type": "track", "event": event, "properties": properties})

    def _message(self, moment: Moment, own: Message) -> Message:
        user = moment.identity(self._own.user)
        who: Message = {"anonymousId": moment.event.device.anonymous_id}
        if user:
            who["userId"] = user
        last: Message = {"context": self._context(moment), "timestamp": iso_text(moment.at), "messageId": moment.uuid()}
        return own | who | last

    def _context(self, moment: Moment) -> Json:
        event, device = moment.event, moment.event.device
        os, version = system_of(device)
        context: dict[str, Json] = {
            "app": {"name": self.options.app_name, "namespace": self.options.appid},
            "device": {"id": device.anonymous_id, "model": model_of(device), "type": "wechat"},
            "os": {"name": os, "version": version},
            "screen": {"width": device.width, "height": device.height},
            "network": {"wifi": device.network == "wifi", "cellular": device.network != "wifi"},
            "locale": "zh-CN",
            "timezone": "Asia/Shanghai",
            "userAgent": device.user_agent,
            "library": {"name": "mini-program", "version": "1"},
            "page": {"path": f"/{moment.page}", "search": f"?{moment.query}" if moment.query else ""},
        }
        named = values_of(event.source, _CAMPAIGN)
        if named:
            context["campaign"] = named
        return context

    def request(self, messages: Sequence[Message], sending: Sending) -> Carried:
        body = stringify({"batch": list(messages), "sentAt": iso_text(sending.sent), "writeKey": self._key})
        return Carried("POST", self.options.path, self.headers(sending.device, "application/json"), body.encode())

    def read(self, captured: Captured) -> list[Message]:
        self.check(captured, "POST")
        return objects_in(object_in(parse_json(captured.body), "the body").get("batch"), "batch")

    def record(self, message: Message) -> Record:
        kind, event = text_of(message, "type"), text_of(message, "event")
        action = Action.CUSTOM
        if kind in ("screen", "page"):
            action, event = Action.VIEW, kind
        elif kind != "track":
            event = kind
        elif event == OPENED:
            back = part_of(message, "properties").get("from_background") is True
            action = Action.SHOW if back else Action.OPEN
        campaign = part_of(part_of(message, "context"), "campaign")
        return said(
            action,
            event,
            instant_in(text_of(message, "timestamp")),
            external_id=text_of(message, "messageId"),
            anonymous_id=text_of(message, "anonymousId"),
            identities=one_identity(self._own.user, text_of(message, "userId")),
            source=text_of(campaign, "source"),
            content=text_of(campaign, "content"),
            page=text_of(message, "name"),
        )


FORMAT = tracker_format(
    Segment.name, SegmentOptions, Segment, path="/v1/batch", contract={"opens": "launch", "dedupe": "by_id"}
)
