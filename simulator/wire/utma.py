"""`utma`, the client id of the DM Hub trackers: ``0.{hash}.{tenant}.{previous}.{last}.{count}``.

It is recomputed at every send, so the count rises by one per event, sent or not. Every anonymous visitor has the
same hash, which is why the `dmhub` adapter adds an anonymousId.

Source: the public 2018 tracker, cl_tracker.js; test vectors in tests/wire/test_utma.py.
"""

from __future__ import annotations

from dataclasses import replace

from simulator.events import Json
from simulator.immutable import immutable
from simulator.wire.javascript import truthy, units

_OFFSET = 0x811C9DC5
_PRIME = 16_777_619
_ANONYMOUS = "0"


@immutable(frozen=True, slots=True)
class Utma:
    """What the storage remembers of the last event; the hash is not of it, slot 1 may change at any time."""

    tenant: str
    previous: int  # Unix seconds of the event before the last one: not of the first visit
    last: int  # Unix seconds of the last event
    number: int  # of the last event, from 1: the count


def fnv1a(text: str) -> int:
    """32-bit FNV-1a with one step per UTF-16 code unit, not per byte."""
    value = _OFFSET
    for unit in text.encode() if text.isascii() else units(text):
        value = ((value ^ unit) * _PRIME) & 0xFFFF_FFFF
    return value


def identity_hash(value: Json) -> int:
    """The hash of slot 1's identityValue; of "0" without one, 2166136261 of anything but text.

    A number has no length, so the tracker's loop over its characters never runs.
    Assumed: an array or object is hashed like a number.
    """
    if not truthy(value):
        return fnv1a(_ANONYMOUS)
    return fnv1a(value) if isinstance(value, str) else _OFFSET


def advance(utma: Utma | None, tenant: str, now: int) -> Utma:
    """The id of the next event, at `now` of the phone's clock in whole seconds.

    A clock that went back is not corrected. A new tenant replaces the old one, and that event moves nothing else.
    """
    if utma is None:
        return Utma(tenant, now, now, 1)
    if utma.tenant != tenant:
        return replace(utma, tenant=tenant)
    return Utma(tenant, utma.last, now, utma.number + 1)


def utma_text(utma: Utma, hashed: int, tenant: str) -> str:
    """The field's value. All but the tenant is digits and dots, so with that escaped the whole is escaped."""
    return f"0.{hashed}.{tenant}.{utma.previous}.{utma.last}.{utma.number}"
