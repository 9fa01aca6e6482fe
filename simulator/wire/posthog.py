"""PostHog's capture API: JSON with a batch of events, or one event a request.

A launch and a return are `Application Opened` (`from_background` tells which), a hide is `Application Backgrounded`, a
view `$pageview` or `$screen`, a pushed identity `$identify`; from then on events name the user, and the device stands
in `$device_id`.

Source: posthog.com, capture API.
Assumed: the lifecycle's names are those of the mobile libraries; the source stands in `utm_source`, `utm_content`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Literal

from simulator.events import Json, Kind
from simulator.scenario.adapter_options import BatchOptions, Key, SessionOptions, Size, UserOptions, revealed
from simulator.scenario.queue_options import SingleOptions
from simulator.scenario.values import Duration, Flag
from simulator.times import MINUTE, SECOND, Ms
from simulator.wire.addresses import UTM, address, values_of
from simulator.wire.device_info import model_of, system_of
from simulator.wire.iso import instant_in, iso_text
from simulator.wire.json_text import object_in, objects_in, parse_json, part_of, stringify, text_of
from simulator.wire.options import WireOptions
from simulator.wire.request import Action, Record
from simulator.wire.tracker import tracker_format
from simulator.wire.vendor import Captured, Carried, Message, Moment, Sending, Vendor, as_uuid, one_identity, said

OPENED, BACKGROUNDED = "Application Opened", "Application Backgrounded"
VIEWS = {"pageview": "$pageview", "screen": "$screen"}


class PostHogOptions(BatchOptions, SessionOptions, SingleOptions, UserOptions):
    """What an app chooses."""

    batch: Size = 20
    every: Duration = Ms(10 * SECOND)
    session: Duration = Ms(30 * MINUTE)
    api_key: Key = "phc_key"
    single: Flag = False  # one event a request, to /i/v0/e/
    view: Literal["pageview", "screen"] = "pageview"

    @property
    def fixed_path(self) -> str:
        """That of single events, where no other is said."""
        return self.path or ("/i/v0/e/" if self.single else "")


class PostHog(Vendor):
    """One mini program's tracker."""

    name = "posthog"
    carries = Vendor.USUAL | {"external_id", "session"}
    session_by_gap = True

    def __init__(self, options: WireOptions, own: PostHogOptions) -> None:
        super().__init__(options, batch=1 if own.single else own.batch, every=own.every, session=own.session)
        self._own = own
        self._key = revealed(own.api_key)

    def says(self, moment: Moment, memory: Any) -> tuple[Sequence[Message], Any]:
        event, call = moment.event, moment.event.call
        match event.kind:
            case Kind.LAUNCH | Kind.SHOW:
                told = self._message(moment, OPENED, {"from_background": event.kind is Kind.SHOW})
            case Kind.HIDE:
                told = self._message(moment, BACKGROUNDED, {})
            case Kind.VIEW:
                own: dict[str, Json] = {"$screen_name": moment.page} if self._own.view == "screen" else {}
                told = self._message(moment, VIEWS[self._own.view], own)
            case Kind.PUSH if moment.fresh and moment.identity(self._own.user):
                person: Json = {identity.type: identity.value for identity in moment.identities}
                own = {"$anon_distinct_id": event.device.anonymous_id, "$set": person}
                told = self._message(moment, "$identify", own)
            case Kind.TRACK if call is not None:
                own = moment.own
                told = self._message(moment, call.event, own)
            case _:
                return (), memory
        return (told,), memory

    def _message(self, moment: Moment, name: str, own: Mapping[str, Json]) -> Message:
        event, device = moment.event, moment.event.device
        os, version = system_of(device)
        properties: dict[str, Json] = {
            **own,
            "$lib": "mini-program",
            "$lib_version": "1",
            "$device_id": device.anonymous_id,
            "$session_id": as_uuid(moment.session.id),
            "$current_url": address(self.options.appid, moment.page, moment.query, event.source),
            "$pathname": f"/{moment.page}",
            "$os": os,
            "$os_version": version,
            "$device_model": model_of(device),
            "$screen_width": device.width,
            "$screen_height": device.height,
            "$network_wifi": device.network == "wifi",
            **values_of(event.source, UTM),
        }
        user = moment.identity(self._own.user)
        if user:
            properties["$user_id"] = user
        return {
            "event": name,
            "distinct_id": user or device.anonymous_id,
            "properties": properties,
            "timestamp": iso_text(moment.at),
            "uuid": moment.uuid(),
        }

    def request(self, messages: Sequence[Message], sending: Sending) -> Carried:
        key: Message = {"api_key": self._key}
        many: Message = {"batch": list(messages), "sent_at": iso_text(sending.sent)}
        body = key | (messages[0] if self._own.single else many)
        headers = self.headers(sending.device, "application/json")
        return Carried("POST", self.options.path, headers, stringify(body).encode())

    def read(self, captured: Captured) -> list[Message]:
        self.check(captured, "POST")
        document = object_in(parse_json(captured.body), "the body")
        return objects_in(document["batch"], "batch") if "batch" in document else [document]

    def record(self, message: Message) -> Record:
        event, properties = text_of(message, "event"), part_of(message, "properties")
        action = Action.CUSTOM
        if event in VIEWS.values():
            action = Action.VIEW
        elif event == OPENED:
            action = Action.SHOW if properties.get("from_background") is True else Action.OPEN
        # Without its own property the distinct id is the device's, or nobody can tell.
        named = text_of(message, "distinct_id") or text_of(properties, "distinct_id")
        return said(
            action,
            event,
            instant_in(text_of(message, "timestamp")),
            external_id=text_of(message, "uuid"),
            anonymous_id=text_of(properties, "$device_id") or named,
            identities=one_identity(self._own.user, text_of(properties, "$user_id")),
            source=text_of(properties, "utm_source"),
            content=text_of(properties, "utm_content"),
            page=text_of(properties, "$screen_name") or text_of(properties, "$pathname").removeprefix("/"),
            session=text_of(properties, "$session_id").replace("-", ""),
        )


FORMAT = tracker_format(
    PostHog.name, PostHogOptions, PostHog, path="/batch/", contract={"opens": "launch", "dedupe": "by_id"}
)
