"""The keys of a DM Hub event, and what an honest collector reads from them.

One reading serves both directions: dmhub.py asks what the event means that it has just built, and decode asks the
same of a captured one.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping

from simulator.events import Identity
from simulator.times import Ms
from simulator.wire.iso import instant_in
from simulator.wire.options import WireOptions
from simulator.wire.query import parse
from simulator.wire.request import Action, Record, WireError

OPEN_EVENT = "mini_program_open"
VIEW_EVENT = "mini_program_view"
OPEN_PAGE_EVENT = "open_page"  # what the 2018 tracker sends for a view
SHOW_EVENT = "c_mp_show"  # an addition of ours, for the definition every-foreground; always registered

ACTIONS = {
    OPEN_EVENT: Action.OPEN,
    VIEW_EVENT: Action.VIEW,
    OPEN_PAGE_EVENT: Action.VIEW,
    SHOW_EVENT: Action.SHOW,
}

SLOTS = (
    ("identityType", "identityValue"),
    ("identityType2", "identityValue2"),
    ("identityType3", "identityValue3"),
)
SLOT_KEYS = frozenset(key for slot in SLOTS for key in slot)
READ_KEYS = frozenset({"source", "contentName", "targetName"})  # that a record reads beside those and the next
# Constants and device info, which stand in front of every call with the slots (dmhub.py registers them in this order).
INFO_KEYS = ("identityType", "pageType", "network_type", "model", "screen_width", "screen_height", "os", "os_version")
STANDING = SLOT_KEYS.union(INFO_KEYS)
# Set by the tracker at the end of every query; a property of that name is overwritten where it stands.
LAST_KEYS = frozenset({"date", "externalId", "anonymousId", "tenantId", "event", "utma"})

LONGEST_EVENT = 32  # characters
LONGEST_VALUE = 255  # characters; the rest is not kept

# Why an event must not be counted.
NO_UTF8 = "not UTF-8 after one percent-decoding"
NO_EVENT = "event is missing"
LONG_EVENT = f"event is longer than {LONGEST_EVENT} characters"
UNREGISTERED = "a c_ event that is not registered"
OTHER_TENANT = "tenantId is another tenant's"
BAD_DATE = "date is unreadable"
_PATHS = ("/cbe/__utm", "/__utm")  # read beside the path that is configured
_LONGEST_REQUEST = 131_072  # characters or bytes of one part of a captured request

_ID_TAIL = re.compile(r"(0|[1-9][0-9]{0,17})\.(0|[1-9][0-9]{0,17})")


def kept(fields: Mapping[str, str], key: str) -> str:
    """What a collector keeps of a value: its first 255 characters; a missing one is empty."""
    return fields.get(key, "")[:LONGEST_VALUE]


def identities_of(fields: Mapping[str, str]) -> tuple[Identity, ...]:
    """The identities in slot order; a slot without a type or without a value names nobody."""
    found = []
    for kind_key, value_key in SLOTS:
        kind, value = fields.get(kind_key), fields.get(value_key)
        if kind and value:
            found.append(Identity(kind[:LONGEST_VALUE], value[:LONGEST_VALUE]))
    return tuple(found)


def page_of(fields: Mapping[str, str]) -> str:
    """The route in a view's targetName, without leading slash or query."""
    return kept(fields, "targetName").partition("?")[0].removeprefix("/")


def date_of(fields: Mapping[str, str]) -> tuple[Ms | None, bool]:
    """The event's instant, None where it carries none, and whether what it carries is readable.

    Readable is a calendar date and time of ISO 8601 with an offset, from 1970 to 9998; an empty text is no date.
    """
    text = kept(fields, "date")
    if not text:
        return None, True
    date = instant_in(text)
    return date, date is not None


def external_id(namespace: str, visitor: int, number: int) -> str:
    """The id of one event: no two of (namespace, visitor, number) share one."""
    return f"{id_prefix(namespace)}{visitor}.{number}"


def id_prefix(namespace: str) -> str:
    """What every id of a run begins with."""
    return f"{namespace}." if namespace else ""


def place_of(identifier: str, namespace: str) -> tuple[int, int]:
    """Visitor and number of an id of ours; (-1, -1) for any other."""
    prefix = id_prefix(namespace)
    if identifier.startswith(prefix):
        match = _ID_TAIL.fullmatch(identifier, len(prefix))
        if match is not None:
            return int(match[1]), int(match[2])
    return -1, -1


def event_fault(event: str, registered: Collection[str]) -> str:
    """Why an event name is bad, empty when it is good; `registered` empty: no c_ event is refused."""
    if not event:
        return NO_EVENT
    if len(event) > LONGEST_EVENT:
        return LONG_EVENT
    if registered and event.startswith("c_") and event != SHOW_EVENT and event not in registered:
        return UNREGISTERED
    return ""


def fault(fields: Mapping[str, str], utf8: bool, options: WireOptions) -> str:
    """Why the collector must list an event as bad, the first reason found; empty for a good one."""
    if not utf8:
        return NO_UTF8
    named = event_fault(fields.get("event", ""), options.events)
    if named:
        return named
    if options.tenant and fields.get("tenantId", "") != options.tenant:
        return OTHER_TENANT
    return "" if date_of(fields)[1] else BAD_DATE


def record_of(fields: Mapping[str, str], place: tuple[int, int], bad: str, *, setup: bool = False) -> Record:
    """What the fields say; `place` is (visitor, number)."""
    event = fields.get("event", "")
    action = ACTIONS.get(event, Action.CUSTOM)
    return Record(
        visitor=place[0],
        number=place[1],
        external_id=kept(fields, "externalId"),
        action=action,
        event=event,
        date=date_of(fields)[0],
        anonymous_id=kept(fields, "anonymousId"),
        identities=identities_of(fields),
        source=kept(fields, "source"),
        content=kept(fields, "contentName"),
        page=page_of(fields) if action is Action.VIEW else "",
        bad=bad,
        setup=setup,
    )


def read_event(method: str, target: str, body: bytes, options: WireOptions) -> Record:
    """What a captured request says, good or bad, of either profile.

    A POST may carry its pairs in the query, as a form in the body, or in both.

    Raises:
        WireError: another method or path, a body that is no form, or larger than any tracker's.
    """
    if method not in ("GET", "POST"):
        raise WireError(f"a tracker sends GET or POST, not {method[:16]!r}")
    if len(target) > _LONGEST_REQUEST or len(body) > _LONGEST_REQUEST:
        raise WireError(f"larger than {_LONGEST_REQUEST} bytes")
    path, _, query = target.partition("?")
    if path != options.path and path not in _PATHS:
        raise WireError(f"{path[:64]!r} is not the path of the tracker's events")
    fields, utf8 = parse(query.partition("#")[0])
    if method == "POST" and body:
        if body.lstrip()[:1] in (b"{", b"["):
            raise WireError("a JSON body; this tracker's events are pairs")
        # Raw bytes that are no UTF-8 survive as surrogates, which parse reports as unreadable.
        more, more_utf8 = parse(body.decode("utf-8", "surrogateescape").replace("+", " "))
        fields, utf8 = fields | more, utf8 and more_utf8
    place = place_of(kept(fields, "externalId"), options.namespace)
    return record_of(fields, place, fault(fields, utf8, options))
