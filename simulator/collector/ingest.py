"""A request's bytes to a row: one decoding, the cut, and the reasons for which an event is bad.

What is not here: sockets (app.py), duplicates (the unique key of store.py) and every count (totals.py).
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import NamedTuple
from urllib.parse import unquote_to_bytes

from simulator.times import Ms, parse_instant

MAX_VALUE = 255  # characters; what is beyond is cut, and the event is not bad for it (CONTRACT section 3)
MAX_EVENT = 32  # characters of an event's name; more is bad
MAX_REQUEST = 8 * 1024  # characters of a request line that are kept as evidence
VIEWS = ("mini_program_view", "open_page")
ALWAYS_REGISTERED = frozenset({"c_mp_show"})
SLOTS = (("identityType", "identityValue"), ("identityType2", "identityValue2"), ("identityType3", "identityValue3"))
OPENID = "applet-wechat"
NOT_UTF8 = "not UTF-8 after one decoding"

_DATE = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d(:\d\d([.,]\d{1,9})?)?(Z|[+-]\d\d:?\d\d)", re.ASCII)
_LAST_INSTANT = Ms(253_370_764_800_000)  # 9999-01-01T00:00Z: every zone can still show the instants before it

_encode = json.JSONEncoder(ensure_ascii=False, separators=(",", ":")).encode


class EventRow(NamedTuple):
    """A good event, in the order of the columns of table `event`."""

    received: int  # ms since 1970; the id says the order of arrival
    at: int  # ms since 1970: the event's date, or its arrival where it has none
    name: str
    sameness: str | None  # equal for duplicates; None: nothing is a duplicate of it
    anonymous_id: str | None
    openid: str | None  # value of the first slot that holds an applet-wechat identity
    identities: str | None  # JSON [[type, value], …] in the order of the slots; None: anonymous
    source: str
    content: str
    page: str | None  # the route of a view; None for other events
    fields: str  # JSON object, the event as decoded and cut
    request: str  # method and target


class BadRow(NamedTuple):
    """An event that is listed with its reason and counted nowhere, in the order of the columns of `bad_event`."""

    received: int
    reason: str
    fields: str
    request: str


@dataclass(frozen=True, slots=True)
class Rules:
    """What makes an event of this collector bad, beyond what makes any event bad."""

    tenant: str = ""  # empty: not checked
    registered: frozenset[str] | None = None  # c_ events; None: not checked


class UnreadableBody(ValueError):
    """A body that holds no event at all; the text is the reason."""


class BadEncoding(ValueError):
    """A text that is not UTF-8 after one decoding; `fields` is what could be read of it."""

    def __init__(self, fields: dict[str, str]) -> None:
        self.fields = fields
        super().__init__(NOT_UTF8)


def decode_pairs(raw: bytes, *, form: bool = False) -> dict[str, str]:
    """The pairs of a query or form, percent-decoded once; a repeated key keeps its last value.

    A plus in a query is a plus, because the tracker's encodeURIComponent never writes a space that way; in a form
    body it is a space. A percent sign without two hexadecimal digits behind it stays.

    Raises:
        BadEncoding: a key or value is not UTF-8.
    """
    if form:
        raw = raw.replace(b"+", b" ")
    fields: dict[str, str] = {}
    try:
        for pair in raw.decode().split("&"):
            if pair:
                key, _, value = pair.partition("=")
                name = unquote_to_bytes(key).decode() if "%" in key else key
                fields[name] = unquote_to_bytes(value).decode() if "%" in value else value
    except UnicodeDecodeError:
        raise BadEncoding(_readable_pairs(raw)) from None
    return fields


def _readable_pairs(raw: bytes) -> dict[str, str]:
    pairs = (pair.partition(b"=") for pair in raw.split(b"&") if pair)
    return {
        unquote_to_bytes(key).decode(errors="replace"): unquote_to_bytes(value).decode(errors="replace")
        for key, _, value in pairs
    }


def decode_json(value: object) -> dict[str, str]:
    """The fields of one event given as a JSON object: every value as text, a null as if it were not there.

    Raises:
        UnreadableBody: not an object.
        BadEncoding: a lone surrogate, which no UTF-8 text holds.
    """
    if not isinstance(value, dict):
        raise UnreadableBody("an event must be a JSON object")
    fields = {key: _text(item) for key, item in value.items() if item is not None}
    try:
        for key, text in fields.items():
            key.encode()
            text.encode()
    except UnicodeEncodeError:
        raise BadEncoding({_replaced(key): _replaced(text) for key, text in fields.items()}) from None
    return fields


def _replaced(text: str) -> str:
    return text.encode(errors="replace").decode()


def _text(value: object) -> str:
    """A JSON value as the tracker would have written it into a query: JavaScript's String(), but nested as JSON."""
    if isinstance(value, str):
        return value
    if isinstance(value, float) and value.is_integer() and abs(value) < 1e21:
        return str(int(value))
    return _encode(value)


def decode_body(body: bytes, content_type: str) -> dict[str, str]:
    """The fields of a tracker's POST: a form, or one JSON object.

    The declared type decides; without a useful one the first byte does, because wx.request says application/json
    whatever it sends.

    Raises:
        UnreadableBody: neither.
        BadEncoding: not UTF-8.
    """
    if not body.strip():
        return {}
    if "form-urlencoded" in content_type:
        return decode_pairs(body, form=True)
    if "json" in content_type or body.lstrip()[:1] in b"{[":
        return decode_json(load_json(body))
    return decode_pairs(body, form=True)


def load_json(body: bytes) -> object:
    """Any JSON value.

    Raises:
        UnreadableBody: not JSON, or nested deeper than Python reads.
        BadEncoding: not UTF-8.
    """
    try:
        value: object = json.loads(body.decode())
    except UnicodeDecodeError:
        raise BadEncoding({}) from None
    except (ValueError, RecursionError) as wrong:
        raise UnreadableBody(f"the body is not JSON: {wrong}") from None
    return value


def bad_row(reason: str, fields: Mapping[str, str], received: Ms, request: str) -> BadRow:
    """An event that is bad for a reason found before it could be read as one."""
    return BadRow(received, reason, _encode({key: text[:MAX_VALUE] for key, text in fields.items()}), request)


def event_row(
    decoded: Mapping[str, str], rules: Rules, received: Ms, request: str, *, names_tenant: bool = True
) -> EventRow | BadRow:
    """One decoded event as the row to store, good or bad. Never raises.

    An empty value counts as absent. `names_tenant` is False where the wire does not carry the tenant, as in the
    OpenAPI: then only a tenant that is named is compared.
    """
    fields = {key: text if len(text) <= MAX_VALUE else text[:MAX_VALUE] for key, text in decoded.items()}
    name = fields.get("event", "")
    date = fields.get("date", "")
    at = _instant(date) if date else received
    reason = _badness(fields, name, at, rules, names_tenant=names_tenant)
    if reason or at is None:
        return BadRow(received, reason, _encode(fields), request)
    identities = [(fields[kind], fields[value]) for kind, value in SLOTS if fields.get(kind) and fields.get(value)]
    anonymous_id = fields.get("anonymousId") or None
    external_id = fields.get("externalId", "")
    if external_id:
        sameness: str | None = "id:" + external_id
    elif date:
        sameness = _encode([at, anonymous_id or identities, name])
    else:
        sameness = None
    return EventRow(
        received=received,
        at=at,
        name=name,
        sameness=sameness,
        anonymous_id=anonymous_id,
        openid=next((value for kind, value in identities if kind == OPENID), None),
        identities=_encode(identities) if identities else None,
        source=fields.get("source", ""),
        content=fields.get("contentName", ""),
        page=_route(fields.get("targetName", "")) if name in VIEWS else None,
        fields=_encode(fields),
        request=request,
    )


def _badness(fields: Mapping[str, str], name: str, at: Ms | None, rules: Rules, *, names_tenant: bool) -> str:
    """Why an event is bad, the first reason of CONTRACT section 3; empty for a good one."""
    tenant = fields.get("tenantId", "")
    if not name:
        return "event is missing"
    if len(name) > MAX_EVENT:
        return f"event has {len(name)} characters, at most {MAX_EVENT} are allowed"
    if rules.tenant and tenant != rules.tenant and (tenant or names_tenant):
        return f"tenantId is {tenant!r}, this collector is for {rules.tenant!r}" if tenant else "tenantId is missing"
    if at is None:
        return f"date {fields['date']!r} is not ISO 8601 with an offset, such as 2026-03-01T00:00:00.001Z"
    if rules.registered is not None and name.startswith("c_") and name not in rules.registered | ALWAYS_REGISTERED:
        return f"custom event {name} is not registered"
    return ""


@lru_cache(maxsize=4096)
def _instant(date: str) -> Ms | None:
    """The instant of a date, or None for an unreadable one: no offset, no ISO 8601, or a year no calendar shows."""
    if not _DATE.fullmatch(date):
        return None
    try:
        at = parse_instant(date)
    except (ValueError, OverflowError):
        return None
    return at if 0 <= at < _LAST_INSTANT else None


def _route(target_name: str) -> str:
    """The page of a view: its route, without leading slash or query."""
    return target_name.partition("?")[0].removeprefix("/")


def request_line(method: str, path: bytes, query: bytes) -> str:
    """Method and target as they came, kept as evidence; cut at `MAX_REQUEST` characters."""
    target = path + b"?" + query if query else path
    return f"{method} {target.decode('ascii', 'backslashreplace')}"[:MAX_REQUEST]
