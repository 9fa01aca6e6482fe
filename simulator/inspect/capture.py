"""A captured request and what it says: read by the project's adapters, whether a phone or the headless runtime sent it.

Who sends nothing that an adapter reads is not passed over: a request is the collector's events, a lookup of a complete
URL, somebody else's (the application's own backend), or the collector's in an encoding that nobody here reads, which
is said with what its body looks like. A format is the one that the target file names, else the one whose path it is,
else the only one that finds events in it wherever it was sent.

Not here: whether what was said is right (rules/), and who captured it (runtime/, the capture server).
"""

from __future__ import annotations

import base64
import binascii
import re
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import field
from enum import StrEnum
from types import MappingProxyType
from typing import Any

from simulator.errors import UsageError
from simulator.immutable import immutable
from simulator.runtime.trace import Exchange
from simulator.wire.dmhub import LINKS_PATH
from simulator.wire.options import WireOptions
from simulator.wire.packing import unpacked
from simulator.wire.query import parse
from simulator.wire.registry import adapter_names, make_adapter, path_of
from simulator.wire.request import Adapter, Record, WireError

DMHUB = "dmhub"  # reads what the tracker of 2018 sends as well
_LIKE_ANOTHER = frozenset({"dmhub-2018"})  # whose requests a format before them reads
# A flat query has no shape of its own: these keys tell whose it is, where the path does not.
_SIGNS = MappingProxyType({DMHUB: ("event", "utma|tenantId"), "matomo": ("idsite", "rec"), "aladdin": ("ak", "ev")})
_ALSO = MappingProxyType({DMHUB: ("/__utm",)})  # the path on some clouds
_SHOWN = 60  # characters of a request that a sentence quotes
_MOST_LOOKED_AT = 65_536  # bytes of a body of which its encoding is guessed
_BASE64 = re.compile(rb"[A-Za-z0-9+/_-]{16,}={0,2}")


class Meaning(StrEnum):
    """What a captured request is."""

    EVENTS = "events"  # of a tracker; `records` says them
    LOOKUP = "lookup"  # of the complete URL that a code stands for (method 2)
    OTHER = "other"  # nothing that a tracker sends: the application's own
    UNKNOWN = "unknown"  # to a collector, and nobody here can read it; `why` says what it looks like


@immutable(frozen=True, slots=True)
class Capture:
    """One request as it was understood."""

    exchange: Exchange
    meaning: Meaning
    format: str = ""  # the adapter that read it
    records: tuple[Record, ...] = ()
    fields: Mapping[str, str] = field(default_factory=dict)  # the pairs of a flat query, as the tracker wrote them
    why: str = ""  # of UNKNOWN: what is in the way


class Recogniser:
    """Reads requests one after another; what it has recognised helps with those that it cannot read."""

    def __init__(
        self,
        options: WireOptions,
        *,
        format_name: str = "",
        own: Mapping[str, Any] | None = None,
        hosts: Collection[str] = (),
        everything: bool = False,
    ) -> None:
        """How to tell what a request is.

        Args:
            format_name: the only format that is tried; empty: all of them.
            own: its own options, as a target file says them.
            hosts: of collectors, in lower case; what they get and nobody reads is an unknown encoding. Those of
                requests that were read are added.
            everything: each request is a collector's, as a server for nothing else sees them.

        Raises:
            UsageError: no such format, or an option that does not fit.
        """
        self._options = options
        self._own = own or {}
        self._only = format_name
        self._collectors = set(hosts)
        self._everything = everything
        self._adapters: dict[tuple[str, str], Adapter[Any]] = {}
        names = (format_name,) if format_name else _names()
        self._paths = {name: path for name in names if (path := self._path(name)) is not None}

    def read(self, exchange: Exchange) -> Capture:
        """What a request is and says. Never raises."""
        address = exchange.address
        if address.why_not:
            return Capture(exchange, Meaning.UNKNOWN, why=f"a URL that is none: {address.why_not}")
        path, host = address.path or "/", address.host
        if path.startswith(f"{LINKS_PATH}/"):
            return Capture(exchange, Meaning.LOOKUP)
        target = address.target
        refused: dict[str, str] = {}
        for name in self._in_turn(path):
            found = self._read_as(name, exchange, path, target, refused)
            if found is not None:
                self._collectors.add(host)
                return found
        is_known_path = path in self._paths.values()
        if self._everything or is_known_path or host in self._collectors or self._looks_packed(exchange):
            reason = next((refused[name] for name in refused if self._paths[name] == path), "")
            return Capture(exchange, Meaning.UNKNOWN, why=_unreadable(exchange, address.query, reason))
        return Capture(exchange, Meaning.OTHER)

    def _path(self, name: str) -> str | None:
        """Where a format's events go; None for one that says nothing without options of its own."""
        try:
            self._adapter(name, path := path_of(name, self._own if self._only else {}))
        except UsageError:
            if self._only:
                raise
            return None
        return path

    def _adapter(self, name: str, path: str) -> Adapter[Any]:
        known = self._adapters.get((name, path))
        if known is None:
            own = self._own if self._only else {"path": path}
            known = self._adapters[name, path] = make_adapter(name, self._options, own)
        return known

    def _in_turn(self, path: str) -> Iterable[str]:
        """The formats whose path it is, then the others."""
        return sorted(self._paths, key=lambda name: self._paths[name] != path)

    def _read_as(
        self, name: str, exchange: Exchange, path: str, target: str, refused: dict[str, str]
    ) -> Capture | None:
        is_own_path = bool(self._only) or self._paths[name] == path or path in _ALSO.get(name, ())
        try:
            adapter = self._adapter(name, self._paths[name] if is_own_path else path)
            headers = {key.lower(): value for key, value in exchange.headers}
            records = adapter.decode(exchange.method, target, headers, exchange.body)
            fields = _fields(exchange, target) if name in _SIGNS or self._only else {}
            text = f"?{target.partition('?')[2]}&{exchange.body.decode(errors='replace')}"
        except (WireError, UsageError) as no:
            refused[name] = str(no)
            return None
        if is_own_path and name in _SIGNS and not _has_sign(name, text):
            refused[name] = f"none of its keys {', '.join(_SIGNS[name])}"
            return None
        if not records or not (is_own_path or _is_sure(name, adapter, records, text)):
            return None
        return Capture(exchange, Meaning.EVENTS, name, records, MappingProxyType(dict(fields)))

    def _looks_packed(self, exchange: Exchange) -> bool:
        """Whether a body can only be a tracker's: an application's own requests come as JSON or as a form."""
        return not self._only and exchange.body[:2] == b"\x1f\x8b"


def _names() -> Sequence[str]:
    """Every format; ours of the source document first, because a path that two have in common is its."""
    others = [name for name in adapter_names() if name != DMHUB and name not in _LIKE_ANOTHER]
    return DMHUB, *others


def _has_sign(name: str, text: str, *, every: bool = False) -> bool:
    """Whether a flat request has one of its format's keys, or every one of them."""
    found = [re.search(rf'[?&"](?:{sign})=[^&]', text) is not None for sign in _SIGNS[name]]
    return all(found) if every else any(found)


def _is_sure(name: str, adapter: Adapter[Any], records: Sequence[Record], text: str) -> bool:
    """Whether what was read at a path that is not the format's can be nothing else."""
    if name in _SIGNS:
        return _has_sign(name, text, every=True)
    return all(
        record.event and (record.date is not None or not adapter.carries_time) and record.anonymous_id
        for record in records
    )


def _fields(exchange: Exchange, target: str) -> Mapping[str, str]:
    """The pairs of a flat request, of its query and of a form in its body."""
    fields, _ = parse(target.partition("?")[2].partition("#")[0])
    if exchange.body and exchange.body.lstrip()[:1] not in (b"{", b"["):
        more, _ = parse(exchange.body.decode("utf-8", "surrogateescape").replace("+", " "))
        return fields | more
    return fields


# ---- what nobody reads ---------------------------------------------------------------------------------------------


def _unreadable(exchange: Exchange, query: str, reason: str) -> str:
    told = f"{exchange.method} with {looks_like(exchange.body) if exchange.body else _of_query(query)}"
    return f"{told}: {reason}" if reason else told


def _of_query(query: str) -> str:
    keys = [pair.partition("=")[0][:24] for pair in query.split("&", 5)[:5] if pair]
    return f"the query keys {', '.join(keys)}" if keys else "neither a query nor a body"


def looks_like(body: bytes) -> str:
    """What a body that nobody reads seems to be, in a few words. Never raises."""
    some = body[:_MOST_LOOKED_AT]
    plain = some.strip()
    size = f"{len(body)} bytes"
    if some[:2] == b"\x1f\x8b":
        return f"a gzip body of {size}"
    if some[:1] == b"\x78" and _inflates(some):
        return f"a zlib body of {size}"
    if plain[:1] in (b"{", b"["):
        return f"a JSON body of {size}, beginning {_quoted(plain)}"
    if _BASE64.fullmatch(plain):
        return f"a body of base64, {size}{_inside(plain)}"
    if any(byte < 9 or 13 < byte < 32 for byte in some):
        return f"a binary body of {size}"
    try:
        text = some.decode()
    except UnicodeDecodeError:
        return f"a body of {size} that is no UTF-8"
    if text.count("�") or sum(ord(one) > 0x2FF for one in text) * 2 > len(text):
        return f"a body of {size} that looks packed into characters (such as LZString)"
    return f"a text body of {size}, beginning {_quoted(plain)}"


def _inside(text: bytes) -> str:
    """What base64 holds, where that can be told."""
    whole = text.replace(b"-", b"+").replace(b"_", b"/")
    try:
        data = base64.b64decode(whole + b"=" * (-len(whole) % 4))
    except (binascii.Error, ValueError):
        return ""
    if data[:2] == b"\x1f\x8b":
        return " of gzip"
    return " of JSON" if data[:1] in (b"{", b"[") else " of binary data"


def _inflates(data: bytes) -> bool:
    try:
        unpacked(data)
    except WireError:
        return False
    return True


def _quoted(text: bytes) -> str:
    return repr(text[:_SHOWN].decode(errors="replace"))
