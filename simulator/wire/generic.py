"""The generic adapter: method, path, query, headers and body are templates in the target file.

What stands somewhere is escaped for where it stands: a whole value in query, form, JSON body and header, a field alone
in a path or a text, whose own words are the template's. A text of a JSON body that is one field alone takes the field's
type. What no template names is not on the wire, so the expectation does not count on it either.

Not here: the fields' names and the checks of a template (scenario/event_template.py), how a template is filled and read
back (template_text.py).
"""

from __future__ import annotations

import gzip
from collections.abc import Callable, Hashable, Mapping, Sequence
from typing import Any

from simulator.events import Device, Identity, Json, Kind
from simulator.scenario.adapter_options import revealed
from simulator.scenario.event_template import OF_THE_REQUEST, fields_in
from simulator.scenario.generic_options import GenericOptions
from simulator.scenario.secret import FromEnvironment
from simulator.times import Ms, iso_local
from simulator.wire.addresses import address, read_address
from simulator.wire.device_info import model_of, system_of
from simulator.wire.iso import instant_in, iso_text
from simulator.wire.javascript import encode_component
from simulator.wire.json_text import MOST_BYTES, number_of, parse_json, part_of, stringify, text_of
from simulator.wire.options import WireOptions
from simulator.wire.outcome import by_value
from simulator.wire.packing import unpacked
from simulator.wire.query import parse
from simulator.wire.request import Action, Answer, Outcome, Record, WireError
from simulator.wire.template_text import (
    ESCAPES,
    LEFT_OUT,
    Fields,
    as_header,
    as_xml_can,
    fill_text,
    fill_value,
    from_header,
    match_text,
    match_value,
    plain,
    read_form,
)
from simulator.wire.tracker import tracker_format
from simulator.wire.vendor import Captured, Carried, Message, Moment, Sending, Vendor, said

_KINDS = {
    Kind.LAUNCH: "launch",
    Kind.VIEW: "view",
    Kind.SHOW: "show",
    Kind.HIDE: "hide",
    Kind.SHARE: "share",
    Kind.PUSH: "push",
}
_ACTIONS = {"launch": Action.OPEN, "view": Action.VIEW, "show": Action.SHOW}
_SENT = ("sent", "sent_ms")
_CARRIED = {
    "event": ("event", "kind"),
    "action": ("event", "kind"),
    "date": ("us", "ms", "time", "local_time", "s"),
    "external_id": ("id", "uuid"),
    "anonymous_id": ("device",),
    "source": ("source", "address"),
    "content": ("content", "address"),
    "page": ("page", "address"),
    "session": ("session",),
}


class Generic(Vendor):
    """A request written as templates."""

    name = "generic"

    def __init__(self, options: WireOptions, own: GenericOptions) -> None:
        super().__init__(options, batch=own.batch, every=own.every, session=own.session)
        self._own = own
        used = dict.fromkeys(field.name for field in (*fields_in(own.around), *fields_in(own.event)))
        self._secrets: Message = {
            name: revealed(FromEnvironment(name.removeprefix("env."))) for name in used if name.startswith("env.")
        }
        self._used = [name for name in used if name not in (*_SENT, "events", "count", *self._secrets)]
        self.carries = self._carries()
        names = own.names.model_dump()
        if options.foreground_event and names["show"] is None:
            names["show"] = "show"
        self._names: Mapping[str, str] = {kind: name for kind, name in names.items() if name is not None}
        self._kinds = {name: kind for kind, name in self._names.items()}
        self._identities = [name.removeprefix("identity.") for name in self._used if name.startswith("identity.")]

    def _carries(self) -> frozenset[str]:
        found = {field for field, names in _CARRIED.items() if any(name in self._used for name in names)}
        if any(name == "identities" or name.startswith("identity.") for name in self._used):
            found.add("identities")
        return frozenset(found)

    # ---- what is said ---------------------------------------------------------------------------------------------

    def says(self, moment: Moment, memory: Any) -> tuple[Sequence[Message], Any]:
        event = moment.event
        kind = _KINDS.get(event.kind, "custom")
        if event.call is not None:
            name = event.call.event
        elif kind in self._names and (kind != "push" or moment.fresh):
            name = self._names[kind]
        else:
            return (), memory
        message = {one: self._field(one, moment, kind, name) for one in self._used}
        if self._own.body is not None and self._own.body.escape == "xml":
            message = {one: as_xml_can(value) for one, value in message.items()}
        return (message,), memory

    def _field(self, field: str, moment: Moment, kind: str, name: str) -> Json:
        if field in ("event", "kind"):
            return name if field == "event" else kind
        known = _OF_AN_EVENT.get(field)
        if known is not None:
            return known(moment)
        of_all = _OF_THE_REQUEST.get(field)
        if of_all is not None:
            return of_all(moment.event.device, self.options)
        prefix, _, key = field.partition(".")
        match prefix:
            case "identity":
                return moment.identity(key)
            case "params":
                return _params(moment).get(key)
            case "others":
                return dict(moment.event.source.others).get(key, "")
            case "address":
                return address(self.options.appid, moment.page, moment.query, moment.event.source)
        zone = self._own.zone
        assert field == "local_time"
        assert zone is not None  # the model refuses a null
        return _local(moment.at, zone)

    def apart(self, message: Message) -> Hashable:
        """What stands around the events says the same of all of them."""
        return tuple(str(message[name]) for name in self._used if name in OF_THE_REQUEST)

    # ---- the wire -------------------------------------------------------------------------------------------------

    def request(self, messages: Sequence[Message], sending: Sending) -> Carried:
        own = self._own
        of_all = {**self._secrets, "sent": iso_text(sending.sent), "sent_ms": sending.sent}
        fields = {**messages[0], **of_all, "count": len(messages)}
        events = [fill_value(own.event, message | of_all) for message in messages] if own.event else []
        path = fill_text(own.path, fields, encode_component) or ""
        query = _pairs(own.query, fields, encode_component)
        body, content_type = self._body(fields, events)
        headers = self._headers(fields, content_type, sending)
        if own.packed and body:
            body = gzip.compress(body, mtime=0)
            headers = (*headers, ("content-encoding", "gzip"))
        return Carried(own.method, f"{path}?{query}" if query else path, headers, body)

    def _body(self, fields: Fields, events: list[Json]) -> tuple[bytes, str]:
        """The body, and the content type of its form."""
        own, body = self._own, self._own.body
        if own.lines:
            return "".join(f"{stringify(event)}\n" for event in events).encode(), "application/x-ndjson"
        if body is None:
            return b"", "application/json"
        if body.form is not None:
            return _pairs(body.form, fields, ESCAPES["form"]).encode(), "application/x-www-form-urlencoded"
        if body.text is not None:
            text = fill_text(body.text, fields, ESCAPES[body.escape or "url"]) or ""
            return text.encode("utf-8", "replace"), "text/plain; charset=utf-8"
        value = fill_value(body.document, {**fields, "events": events})
        return stringify(None if value is LEFT_OUT else value).encode(), "application/json"

    def _headers(self, fields: Fields, content_type: str, sending: Sending) -> tuple[tuple[str, str], ...]:
        """Those of wx.request, and the templates' in the place of those of the same name."""
        filled = {name: fill_text(template, fields, str) for name, template in self._own.headers.items()}
        ours = {name: as_header(value) for name, value in filled.items() if value is not None}
        replaced = {name.lower() for name in ours}
        usual = self.headers(sending.device, content_type)
        return (*[pair for pair in usual if pair[0].lower() not in replaced], *ours.items())

    def read(self, captured: Captured) -> list[Message]:
        own = self._own
        if captured.method != own.method:
            raise WireError(f"these events are sent by {own.method}, not {captured.method[:16]!r}")
        path, _, query = captured.target.partition("#")[0].partition("?")
        fields = match_text(own.path, path, plain)
        pairs, _ = parse(query)
        fields |= _match_pairs(own.query, pairs, "the query")
        for name, template in own.headers.items():
            value = captured.headers.get(name.lower())
            if value is not None:
                fields |= match_text(template, from_header(value), str)
        body = unpacked(captured.body) if captured.body[:2] == b"\x1f\x8b" else captured.body
        if len(body) > MOST_BYTES:
            raise WireError(f"a body of {len(body)} bytes; at most {MOST_BYTES} are read")
        if own.event is None:
            return [fields | self._read_body(body)]
        if own.lines:
            events: Json = [parse_json(line) for line in body.split(b"\n") if line]
        else:
            fields |= self._read_body(body)
            events = fields.pop("events", None)
        if not isinstance(events, list):
            raise WireError("the events are no JSON array")
        return [fields | match_value(own.event, event) for event in events]

    def _read_body(self, raw: bytes) -> Message:
        body = self._own.body
        if body is None:
            return {}
        if body.form is not None:
            return _match_pairs(body.form, read_form(raw), "the form")
        if body.text is not None:
            return match_text(body.text, raw.decode("utf-8", "replace"), ESCAPES[f"from {body.escape}"])
        return match_value(body.document, parse_json(raw))

    def outcome(self, answer: Answer) -> Outcome:
        """By the replies of the contract. Where the reply should speak of each event and does not, nobody knows."""
        plain = super().outcome(answer)
        return Outcome.UNKNOWN if self._own.answers is not None and plain is Outcome.ACKED else plain

    def outcomes(self, events: int, answer: Answer) -> Sequence[Outcome] | None:
        """Of each event, where `answers` says how; None where the reply has no list of so many items."""
        answers = self._own.answers
        if answers is None or super().outcome(answer) is not Outcome.ACKED:
            return None
        try:
            told = parse_json(answer.body)
        except WireError:
            return None
        for key in filter(None, answers.list_.split(".")):
            told = told.get(key) if isinstance(told, dict) else None
        if not isinstance(told, list) or len(told) != events:
            return None
        values = [one.get(answers.key) if answers.key and isinstance(one, dict) else one for one in told]
        return [by_value(value, answers.rule()) for value in values]

    # ---- what it means --------------------------------------------------------------------------------------------

    def record(self, message: Message) -> Record:
        event = text_of(message, "event")
        kind = text_of(message, "kind") or self._kinds.get(event, "custom")
        action = _ACTIONS.get(kind, Action.CUSTOM)
        page, source, content = read_address(text_of(message, "address"))
        return said(
            action,
            event or self._names.get(kind, kind),
            _date(message),
            external_id=text_of(message, "id") or text_of(message, "uuid"),
            anonymous_id=text_of(message, "device"),
            identities=self._who(message),
            source=text_of(message, "source") or source,
            content=text_of(message, "content") or content,
            page=text_of(message, "page") or page,
            session=text_of(message, "session"),
        )

    def _who(self, message: Message) -> tuple[Identity, ...]:
        """Each identity that a template names, then the others of the object of all."""
        given = message.get("identities")
        if isinstance(given, str) and given:
            message = {**message, "identities": parse_json(given)}
        found = {kind: text_of(message, f"identity.{kind}") for kind in self._identities}
        every = part_of(message, "identities")
        found |= {kind: text_of(every, kind) for kind in every if not found.get(kind)}
        return tuple(Identity(kind, value) for kind, value in found.items() if value)


def _pairs(templates: Mapping[str, str], fields: Fields, escape: Callable[[str], str]) -> str:
    filled = ((key, fill_text(template, fields, str)) for key, template in templates.items())
    return "&".join([f"{escape(key)}={escape(value)}" for key, value in filled if value is not None])


def _match_pairs(templates: Mapping[str, str], pairs: Mapping[str, str], where: str) -> Message:
    found: Message = {}
    for key, template in templates.items():
        if key in pairs:
            found |= match_text(template, pairs[key], str)
        elif not all(field.optional for field in fields_in(template)):
            raise WireError(f"{where} has no {key}")
    return found


def _local(at: Ms, zone: str) -> str:
    try:
        return iso_local(at, zone)
    except (OverflowError, ValueError):  # a clock so wrong that no calendar has it
        return "Invalid Date"


def _identifier(moment: Moment) -> str:
    before = f"{moment.namespace}." if moment.namespace else ""
    return f"{before}{moment.event.visitor}.{moment.event.number}"


def _params(moment: Moment) -> dict[str, Json]:
    return dict(moment.event.call.params) if moment.event.call is not None else {}


def _date(message: Message) -> int | None:
    """By the finest of the times that are there."""
    for field, finer in (("us", 1_000), ("ms", 1)):
        value = number_of(message, field)
        if value is not None:
            return value // finer
    for field in ("time", "local_time"):
        at = instant_in(text_of(message, field))
        if at is not None:
            return at
    seconds = number_of(message, "s")
    return None if seconds is None else seconds * 1_000


_OF_AN_EVENT: Mapping[str, Callable[[Moment], Json]] = {
    "id": _identifier,
    "uuid": Moment.uuid,
    "number": lambda moment: moment.sequence,
    "ms": lambda moment: moment.at,
    "us": lambda moment: moment.at * 1_000,
    "s": lambda moment: moment.at // 1_000,
    "time": lambda moment: iso_text(moment.at),
    "page": lambda moment: moment.page,
    "query": lambda moment: moment.query,
    "previous": lambda moment: moment.previous,
    "scene": lambda moment: moment.event.scene,
    "source": lambda moment: moment.event.source.name,
    "content": lambda moment: moment.event.source.content,
    "session": lambda moment: moment.session.id,
    "session_number": lambda moment: moment.session.number,
    "shown_ms": lambda moment: max(moment.event.at - moment.shown, 0),
    "name": lambda moment: moment.event.call.name if moment.event.call is not None else "",
    "target": lambda moment: moment.event.call.id if moment.event.call is not None else "",
    "params": _params,
    "identities": lambda moment: {identity.type: identity.value for identity in moment.identities},
}
_OF_THE_REQUEST: Mapping[str, Callable[[Device, WireOptions], Json]] = {
    "app": lambda _, options: options.appid,
    "app_name": lambda _, options: options.app_name,
    "tenant": lambda _, options: options.tenant,
    "namespace": lambda _, options: options.namespace,
    "device": lambda device, _: device.anonymous_id,
    "model": lambda device, _: model_of(device),
    "os": lambda device, _: system_of(device)[0],
    "os_version": lambda device, _: system_of(device)[1],
    "width": lambda device, _: device.width,
    "height": lambda device, _: device.height,
    "network": lambda device, _: device.network,
    "user_agent": lambda device, _: device.user_agent,
}


FORMAT = tracker_format(Generic.name, GenericOptions, Generic, contract={"opens": "launch", "dedupe": "by_id"})
