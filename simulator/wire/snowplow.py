"""Snowplow's tracker protocol, tp2: JSON with an array of flat objects, every value a text.

A view is a page view (`pv`); what has no event of its own in the protocol is a structured one (`se`): category `app`
for launch, show, hide and share, `custom` for an application's own, which leave self-describing (`ue`) where a schema
is given. A body stays below 1 MB, which is what a collector takes; an event that fits into none is not sent.

Source: iglu-central, payload_data 1-0-4; docs.snowplow.io, events over HTTP.
Assumed: the structured events' names, the source as utm_* in `url`; a session ends after 30 minutes without an event.
"""

from __future__ import annotations

from base64 import b64decode, urlsafe_b64encode
from collections.abc import Sequence
from typing import Annotated, Any

from simulator.events import Json, Kind
from simulator.scenario.adapter_options import BatchOptions, SessionOptions, Size, UserOptions, Words
from simulator.scenario.values import Duration
from simulator.times import MINUTE, Ms
from simulator.wire.addresses import address, read_address
from simulator.wire.json_text import number_of, object_in, objects_in, parse_json, part_of, stringify, text_of
from simulator.wire.options import WireOptions
from simulator.wire.request import Action, Record, WireError
from simulator.wire.tracker import tracker_format
from simulator.wire.vendor import Captured, Carried, Message, Moment, Sending, Vendor, as_uuid, one_identity, said

PAYLOAD = "iglu:com.snowplowanalytics.snowplow/payload_data/jsonschema/1-0-4"
UNSTRUCTURED = "iglu:com.snowplowanalytics.snowplow/unstruct_event/jsonschema/1-0-0"

MOST_BYTES = 1_000_000  # of a body
_STAMP = len(',"stm":"1795444972750"')  # which an event gets when it leaves

_APP = {Kind.LAUNCH: "launch", Kind.SHOW: "show", Kind.HIDE: "hide", Kind.SHARE: "share"}
_ACTIONS = {"launch": Action.OPEN, "show": Action.SHOW}


class SnowplowOptions(BatchOptions, SessionOptions, UserOptions):
    """What an app chooses."""

    batch: Size = 10
    session: Duration = Ms(30 * MINUTE)
    schema_of_custom: Annotated[Words, "iglu:… of custom events; empty: they are structured"] = ""


class Snowplow(Vendor):
    """One mini program's tracker."""

    name = "snowplow"
    carries = Vendor.USUAL | {"external_id", "session"}
    session_by_gap = True
    most_bytes = most_bytes_of_one = MOST_BYTES - 1_000

    def __init__(self, options: WireOptions, own: SnowplowOptions) -> None:
        super().__init__(options, batch=own.batch, every=own.every, session=own.session)
        self._own = own

    def says(self, moment: Moment, memory: Any) -> tuple[Sequence[Message], Any]:
        event, call = moment.event, moment.event.call
        if event.kind is Kind.VIEW:
            own: Message = {"e": "pv", "page": moment.page}
            if moment.previous:
                own["refr"] = f"app://{self.options.appid}/{moment.previous}"
        elif event.kind in _APP:
            own = {"e": "se", "se_ca": "app", "se_ac": _APP[event.kind]}
        elif call is None:
            return (), memory
        elif self._own.schema_of_custom:
            own = {"e": "ue", "ue_px": self._self_describing(moment)}
        else:
            own = {"e": "se", "se_ca": "custom", "se_ac": call.event}
            own |= {key: value for key, value in (("se_la", call.name), ("se_pr", call.id)) if value}
        return (own | self._common(moment),), memory

    def _self_describing(self, moment: Moment) -> str:
        call = moment.event.call
        assert call is not None
        data: Json = {"schema": self._own.schema_of_custom, "data": {"event": call.event, **moment.own}}
        text = stringify({"schema": UNSTRUCTURED, "data": data})
        return urlsafe_b64encode(text.encode()).decode().rstrip("=")

    def _common(self, moment: Moment) -> Message:
        event, device = moment.event, moment.event.device
        told: Message = {
            "url": address(self.options.appid, moment.page, moment.query, event.source),
            "tv": "mpsim-1",
            "tna": "mini-program",
            "aid": self.options.appid,
            "p": "mob",
            "tz": "Asia/Shanghai",
            "lang": "zh_CN",
            "res": f"{device.width}x{device.height}",
            "ua": device.user_agent,
            "eid": moment.uuid(),
            "dtm": str(moment.at),
            "duid": device.anonymous_id,
            "sid": as_uuid(moment.session.id),
            "vid": str(moment.session.number),
        }
        user = moment.identity(self._own.user)
        return told | ({"uid": user} if user else {})

    def size(self, message: Message) -> int:
        return super().size(message) + _STAMP

    def request(self, messages: Sequence[Message], sending: Sending) -> Carried:
        data: list[Json] = [{**message, "stm": str(sending.sent)} for message in messages]
        body = stringify({"schema": PAYLOAD, "data": data}).encode()
        return Carried("POST", self.options.path, self.headers(sending.device, "application/json"), body)

    def read(self, captured: Captured) -> list[Message]:
        self.check(captured, "POST")
        document = object_in(parse_json(captured.body), "the body")
        if not text_of(document, "schema").startswith(PAYLOAD.rpartition("/")[0]):
            raise WireError(f"the schema of the body is not {PAYLOAD}")
        return objects_in(document.get("data"), "data")

    def record(self, message: Message) -> Record:
        kind = text_of(message, "e")
        name, action = kind, Action.CUSTOM
        if kind == "pv":
            action = Action.VIEW
        elif kind == "pp":
            action = Action.PING
        elif kind == "se":
            name = text_of(message, "se_ac")
            action = _ACTIONS.get(name, action) if text_of(message, "se_ca") == "app" else action
        elif kind == "ue":
            name = _name_of(text_of(message, "ue_px"), text_of(message, "ue_pr"))
        page, source, content = read_address(text_of(message, "url"))
        date = number_of(message, "ttm")
        return said(
            action,
            name,
            number_of(message, "dtm") if date is None else date,
            external_id=text_of(message, "eid"),
            anonymous_id=text_of(message, "duid"),
            identities=one_identity(self._own.user, text_of(message, "uid")),
            source=source,
            content=content,
            page=page,
            session=text_of(message, "sid").replace("-", ""),
        )


def _name_of(encoded: str, plain: str) -> str:
    """The name of a self-describing event: the one in its data, else its schema's; empty where neither can be read."""
    try:
        text = b64decode(encoded + "=" * (-len(encoded) % 4), altchars=b"-_") if encoded else plain.encode()
        inner = part_of(object_in(parse_json(text), "ue"), "data")
    except ValueError:
        return ""
    return text_of(part_of(inner, "data"), "event") or text_of(inner, "schema")


FORMAT = tracker_format(
    Snowplow.name,
    SnowplowOptions,
    Snowplow,
    path="/com.snowplowanalytics.snowplow/tp2",
    contract={"opens": "launch", "dedupe": "by_id"},
)
