"""An exchange to an entry: what the project's adapters read in it, cut to what is kept."""

from __future__ import annotations

import re
import zlib
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import field, replace
from typing import Any

from simulator.errors import UsageError
from simulator.events import Json
from simulator.immutable import immutable
from simulator.inspect.capture import Capture, Meaning, Recogniser
from simulator.inspect.listening.entry import Entry, Kind, Note, Pairs, Said
from simulator.inspect.listening.figures import OPENID
from simulator.inspect.listening.noting import Judged, notes_of
from simulator.runtime.trace import Exchange
from simulator.wire.json_text import stringify
from simulator.wire.options import WireOptions
from simulator.wire.packing import unpacked
from simulator.wire.registry import make_adapter
from simulator.wire.request import Record, WireError
from simulator.wire.tracker import Tracker
from simulator.wire.vendor import Captured

MOST_SAID = 100  # events of one request that are kept; all of them are counted
_LONGEST = 300  # characters of a text that is kept
_LONGEST_TARGET = 8_192
_MOST_FIELDS = 120  # of one event
_MOST_HEADERS = 64
_KEPT_BODY = 32_768  # bytes

# Calls of the documented trackers that carry no event, by their path.
_ASIDE = (
    (re.compile(r"/config/?|/config/[A-Za-z0-9_.-]+"), "a tracker asks for its settings"),
    (re.compile(r"/authorize/mini_program_openid"), "a tracker asks for the openid"),
    (re.compile(r"/uminiprogram_logs/.*"), "a tracker asks for ids"),
    (re.compile(r"/favicon\.ico|/robots\.txt|/apple-touch-icon.*"), "a browser asks for it, no tracker"),
)
_PACKED = frozenset({"gzip", "x-gzip", "deflate"})


@immutable(frozen=True, slots=True)
class Format:
    """How requests are read: by one adapter with its own options, or by whichever fits."""

    options: WireOptions
    name: str = ""  # empty: all of them are tried
    own: Mapping[str, Any] | None = None
    judged: Judged = field(default_factory=Judged)


@immutable(frozen=True, slots=True)
class Read:
    """What a request came to, for the list and for the figures."""

    entry: Entry
    records: tuple[Record, ...]


class Reader:
    """Reads requests one after another."""

    def __init__(self, form: Format) -> None:
        """How to read.

        Raises:
            UsageError: no such format, or an option that does not fit.
        """
        self._form = form
        self._recogniser = Recogniser(form.options, format_name=form.name, own=form.own, everything=True)

    def read(self, exchange: Exchange, client: str) -> Read:
        """The entry of a request, not yet answered. Never raises for anything that a stranger can send."""
        plain, packing = without_packing(exchange)
        capture = self._recogniser.read(plain)
        kind, why = _kind(capture, packing)
        records = capture.records if kind is Kind.EVENTS else ()
        fields = self._fields(capture, plain) if records else []
        notes = notes_of(capture, self._form.judged) if records else ()
        said = tuple(
            _said(record, fields[place] if place < len(fields) else (), notes)
            for place, record in enumerate(records[:MOST_SAID])
        )
        headers = {key.lower(): value for key, value in exchange.headers}
        entry = Entry(
            number=exchange.number,
            at=exchange.at,
            kind=kind,
            client=client,
            method=exchange.method,
            target=cut(exchange.address.target, _LONGEST_TARGET),
            host=cut(exchange.address.netloc),
            headers=tuple([(cut(key), cut(value, 1_024)) for key, value in exchange.headers[:_MOST_HEADERS]]),
            content_type=cut(headers.get("content-type", "")),
            size=len(exchange.body),
            body=exchange.body[:_KEPT_BODY],
            unpacked=_look_inside(exchange.body) if plain is exchange else plain.body[:_KEPT_BODY],
            format=capture.format,
            why=cut(why, 500),
            said=said,
            events=len(records),
            bad=sum(1 for one in said if one.is_bad) + sum(1 for one in records[MOST_SAID:] if one.bad),
        )
        return Read(entry, records)

    def _fields(self, capture: Capture, plain: Exchange) -> list[Pairs]:
        """What each event says under the wire's own names, as far as it is kept."""
        if capture.fields:
            return [_pairs(capture.fields)]
        path = plain.address.path or "/"
        try:
            own = self._form.own or {} if self._form.name else {"path": path}
            adapter = make_adapter(capture.format, self._form.options, own)
            if not isinstance(adapter, Tracker):
                return []
            headers = {key.lower(): value for key, value in plain.headers}
            messages = adapter.vendor.read(Captured(plain.method, plain.address.target, headers, plain.body))
        except (WireError, UsageError):
            return []
        return [_pairs(message) for message in messages[:MOST_SAID]]


def without_packing(exchange: Exchange) -> tuple[Exchange, str]:
    """The exchange with the packing taken off that its headers name, and what is in the way where that fails."""
    packing = next((value.strip().lower() for key, value in exchange.headers if key.lower() == "content-encoding"), "")
    if not exchange.body or packing in ("", "identity"):
        return exchange, ""
    if packing not in _PACKED:
        return exchange, f"Content-Encoding {cut(packing, 40)} is not read here"
    try:
        return replace(exchange, body=unpacked(exchange.body)), ""
    except WireError as bad:
        return exchange, f"Content-Encoding {packing}: {bad}"


def _look_inside(body: bytes) -> bytes | None:
    """The beginning of a body that is packed without a header saying so; None where it is not."""
    if body[:2] != b"\x1f\x8b":
        return None
    try:
        return zlib.decompressobj(wbits=47).decompress(body, _KEPT_BODY)
    except zlib.error:
        return None


def _kind(capture: Capture, packing: str) -> tuple[Kind, str]:
    if capture.meaning is Meaning.EVENTS:
        return Kind.EVENTS, ""
    if capture.meaning is Meaning.LOOKUP:
        return Kind.LOOKUP, "the complete URL of a code is looked up"
    told = aside(capture.exchange)
    if told:
        return Kind.ASIDE, told
    return Kind.UNKNOWN, f"{packing}; {capture.why}" if packing else capture.why


def aside(exchange: Exchange) -> str:
    """What a request that nobody reads as events is for, where it is known to carry none; else empty."""
    if exchange.method != "GET" or exchange.body:
        return ""
    path = exchange.address.path
    return next((told for pattern, told in _ASIDE if pattern.fullmatch(path)), "")


def _said(record: Record, fields: Pairs, notes: tuple[Note, ...]) -> Said:
    identities = tuple([(cut(one.type), cut(one.value)) for one in record.identities[:8]])
    openid = next((value for kind, value in identities if kind == OPENID), "")
    device = cut(record.anonymous_id)
    return Said(
        event=cut(record.event),
        action=record.action.value,
        date=record.date,
        visitor=openid or (identities[0][1] if identities else device),
        device=device,
        identities=identities,
        source=cut(record.source),
        content=cut(record.content),
        page=cut(record.page),
        bad=cut(record.bad),
        notes=notes,
        fields=fields,
    )


def _pairs(fields: Mapping[str, Any]) -> Pairs:
    """Fields as texts, inner objects with dotted names; the first of them."""
    found: list[tuple[str, str]] = []
    for pair in _flat("", fields.items()):
        if len(found) == _MOST_FIELDS:
            found.append(("…", "and more"))
            break
        found.append(pair)
    return tuple(found)


def _flat(before: str, items: Iterable[tuple[str, Json]], depth: int = 0) -> Iterator[tuple[str, str]]:
    for key, value in items:
        name = cut(f"{before}{key}", 120)
        if isinstance(value, dict) and value and depth < 4:
            yield from _flat(f"{name}.", value.items(), depth + 1)
        else:
            yield name, cut(value if isinstance(value, str) else stringify(value))


def cut(text: str, most: int = _LONGEST) -> str:
    """A text, cut with a sign that it is."""
    return text if len(text) <= most else f"{text[:most]}…"
