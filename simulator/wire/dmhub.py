"""Convertlab DM Hub's mini-program tracker: one GET per event, everything in the query.

Two profiles of one wire:

    dmhub-2018   byte for byte what the vendor's public tracker of 2018 sends: no time, no id, no source
    dmhub        what the documents say today: `date` and `externalId` as the OpenAPI names them, source parameters,
                 five-argument track() and remembered target; and `anonymousId`, an addition of ours, because `utma`
                 gives every anonymous visitor the same hash

The tracker is a fold: `step` takes one event and the device's state and returns the next state and what is sent now.
The order of the pairs is that of a JavaScript object into which are merged the registered constants and the device
info, the stored properties, this call's, and at last what the tracker itself knows: a later value takes the place of
the first one. Most events have no key twice, and are put together from parts that were escaped before.

Source: cl_tracker.js of 2018-09-27, observed only; help centre, "Mini program monitoring"; api-docs,
trackevent/track_sdk_miniprogram.
Assumed: the keys `scene`, `pageQuery`, `date`, `externalId`, `anonymousId` on this wire; source parameters as `source`,
`contentName`, `sourceN`; device info is read again at each launch.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import lru_cache, partial
from typing import NamedTuple

from simulator.events import Device, Event, Identity, Json, Kind, Spoil
from simulator.times import Ms, iso_utc
from simulator.wire import dmhub_fields as keys
from simulator.wire.dmhub_calls import PROFILE, PROFILE_2018, Call, Calls, Profile, escaped_pairs, text_of
from simulator.wire.javascript import UriError, encode_component
from simulator.wire.options import WireOptions
from simulator.wire.outcome import classify
from simulator.wire.query import join, parse
from simulator.wire.request import Answer, Outcome, Purpose, Record, Request
from simulator.wire.utma import Utma, advance, identity_hash, utma_text

LINKS_PATH = "/v1/source/links"  # Assumed: POST registers a complete URL, GET …/{code} looks it up

_SILENT = frozenset({Kind.HIDE, Kind.TAP, Kind.SHARE, Kind.PUSH})
_MALFORMED_PAGE = "pages/malformed"  # of a malformed event outside any page
_MALFORMED_EVENT = "c_" + "x" * (keys.LONGEST_EVENT - 1)  # one character too long


@dataclass(frozen=True, slots=True)
class Common:
    """What every event of a device begins with, until the next push or launch: worked out once, not per event."""

    device: Device
    fields: Mapping[str, str]  # constants, device info, stored properties; never mutated
    pairs: str  # the same, escaped, each with "&" in front; empty when not ordinary
    ordinary: bool  # see escaped_pairs; and nothing that a record reads from a call stands in it
    identities: tuple[Identity, ...]
    hashed: int  # of slot 1, for utma
    headers: tuple[tuple[str, str], ...]


class State(NamedTuple):
    """One device: its storage, and the memory of the process that runs on it."""

    stored: Mapping[str, Json]  # pushed properties, in the order of their first push; never mutated
    utma: Utma | None  # None: never tracked; the storage then restores nothing
    common: Common
    target: tuple[str, str] = ("", "")  # remembered targetName and targetId; memory, lost with each launch
    ready: Ms = Ms(0)  # when device info is there; what is called before waits in `waiting`
    waiting: tuple[Event, ...] = ()  # in memory only: a launch that comes first loses it


class DmHub:
    """One mini program's tracker and its collector's answers; holds no state of any device."""

    def __init__(self, profile: Profile, options: WireOptions) -> None:
        self.name = profile.name
        self.carries_time = profile.documented
        self.carries_id = profile.documented
        self.carries_anonymous_id = profile.documented
        self.carries_source = profile.documented
        self._profile = profile
        self._options = options
        self._calls = Calls(profile, options)
        self._tenant = encode_component(options.tenant)
        # The rest of an id is digits and dots, so with this escaped it need not be escaped again.
        self._escaped_namespace = encode_component(options.namespace)
        self._info = lru_cache(maxsize=4_096)(self._build_info)
        self._referer = f"https://servicewechat.com/{options.appid}/1/page-frame.html"

    # ---- the fold -------------------------------------------------------------------------------------------------

    def boot(self, device: Device) -> State:
        """The state of a fresh installation: empty storage."""
        return State({}, None, self._common(device, {}))

    def step(self, state: State, event: Event) -> tuple[State, tuple[Request, ...]]:
        """One event happens; what it sends, after calls that waited for device info which has come by now."""
        requests: tuple[Request, ...] = ()
        if state.waiting and event.at >= state.ready:
            state, requests = self._release(state)
        kind = event.kind
        if kind is Kind.LAUNCH:
            state = self._launched(state, event)
        elif kind is Kind.PUSH:
            state = self._pushed(state, event)
        if event.code:
            requests += self._lookup(state, event)
        if kind in _SILENT or (kind is Kind.SHOW and not self._tells_shows):
            return state, requests
        if event.at < state.ready:
            return state._replace(waiting=(*state.waiting, event)), requests
        state, sent = self._send(state, event, event.at)
        return state, requests + sent

    def flush(self, state: State, now: Ms) -> tuple[State, tuple[Request, ...]]:  # noqa: ARG002
        """Calls that still wait leave once device info is there, whatever `now` is; there is no batch."""
        return self._release(state) if state.waiting else (state, ())

    @property
    def _tells_shows(self) -> bool:
        return self._profile.documented and self._options.foreground_event

    def _launched(self, state: State, event: Event) -> State:
        """A new process: it reads the storage, which is restored only when it holds a utma, and device info."""
        stored, common = state.stored, state.common
        if stored and state.utma is None:
            stored = {}
        if stored is not state.stored or event.device != common.device:
            common = self._common(event.device, stored)
        return State(stored, state.utma, common, ready=Ms(event.at + self._options.device_info))

    def _pushed(self, state: State, event: Event) -> State:
        if not event.pushed:
            return state
        stored = {**state.stored, **dict(event.pushed)}
        return state._replace(stored=stored, common=self._common(event.device, stored))

    def _release(self, state: State) -> tuple[State, tuple[Request, ...]]:
        """Send what waited, in call order, with the properties as they are now, those pushed meanwhile included."""
        waiting, state = state.waiting, state._replace(waiting=())
        requests: tuple[Request, ...] = ()
        for event in waiting:
            state, sent = self._send(state, event, state.ready)
            requests += sent
        return state, requests

    # ---- one event ------------------------------------------------------------------------------------------------

    def _send(self, state: State, event: Event, now: Ms) -> tuple[State, tuple[Request, ...]]:
        """The request of one call at `now`; none when its text cannot be escaped, but the count has advanced."""
        stored, before, common, target, ready, waiting = state
        delivery = event.delivery
        call = self._calls.of(event, target)
        own = call.properties
        utma = advance(before, self._options.tenant, (now + delivery.skew) // 1000)
        target = (own.get("targetName") or target[0], own.get("targetId") or target[1])
        state = State(stored, utma, common, target, ready, waiting)
        prepared = call.ordinary and common.ordinary and event.spoil is None
        prepared = prepared and 0 <= event.at + delivery.skew < keys.END_OF_TIME
        try:
            if prepared and common.fields.keys().isdisjoint(own):
                query, record = self._ordinary(common, call, event, utma)
            else:
                query, record = self._merged(common, call, event, utma)
        except UriError:
            return state, ()
        request = Request(
            event.visitor,
            0,
            Purpose.SETUP if event.setup else Purpose.EVENT,
            delivery.leaves if delivery.leaves >= now else now,
            "GET",
            f"{self._options.path}?{query}",
            common.headers,
            b"",
            (record,),
            delivery.duplicates,
            delivery.retries,
            event.call is not None and event.call.callback,
        )
        return state, (request,)

    def _ordinary(self, common: Common, call: Call, event: Event, utma: Utma) -> tuple[str, Record]:
        """Query and record where no key stands in another's way: the same as `_merged` gives, from prepared parts."""
        visitor, number, tenant = event.visitor, event.number, self._tenant
        date, identifier, anonymous_id, ours = None, "", "", ""
        if self._profile.documented:
            date = Ms(event.at + event.delivery.skew)
            identifier = keys.external_id(self._options.namespace, visitor, number)
            anonymous_id = event.device.anonymous_id
            escaped = keys.external_id(self._escaped_namespace, visitor, number)
            ours = (
                f"&date={_date(date).replace(':', '%3A')}&externalId={escaped}"
                f"&anonymousId={encode_component(anonymous_id)}"
            )
        query = (
            f"{common.pairs[1:]}{call.pairs}{ours}&tenantId={tenant}&event={call.name}"
            f"&utma={utma_text(utma, common.hashed, tenant)}"
        )
        record = Record(
            visitor,
            number,
            identifier,
            call.action,
            call.event,
            date,
            anonymous_id,
            common.identities,
            call.source,
            call.content,
            call.page,
            call.fault,
            event.setup,
        )
        return query, record

    def _merged(self, common: Common, call: Call, event: Event, utma: Utma) -> tuple[str, Record]:
        """Query and record of any event, from one object; a key may break a pair, so only reading it tells.

        Raises:
            UriError: half of a surrogate pair.
        """
        fields = {**common.fields, **call.properties}
        if event.spoil is Spoil.BAD_DATE:
            fields.setdefault("date", "")  # where an application would pass it
        if self._profile.documented:
            fields["date"] = _date(Ms(event.at + event.delivery.skew))
            fields["externalId"] = keys.external_id(self._options.namespace, event.visitor, event.number)
            fields["anonymousId"] = event.device.anonymous_id
        fields["tenantId"] = self._options.tenant
        fields["event"] = call.event
        fields["utma"] = utma_text(utma, common.hashed, utma.tenant)
        escaped = _spoiled(fields, event.spoil)
        query = join(escaped)
        read, utf8 = parse(query)
        place = (event.visitor, event.number)
        bad = keys.fault(read, utf8, self._options)
        if event.spoil is not None:
            # Without a tenant of its own an adapter cannot tell another's; the event is wrong all the same.
            bad = bad or keys.OTHER_TENANT
        return query, keys.record_of(read, place, bad, setup=event.setup)

    def _lookup(self, state: State, event: Event) -> tuple[Request, ...]:
        """The mini program asks for the complete URL of its code before it tracks anything (method 2)."""
        try:
            target = f"{LINKS_PATH}/{encode_component(event.code)}"
        except UriError:
            return ()
        request = Request(
            visitor=event.visitor,
            number=0,
            purpose=Purpose.LOOKUP,
            leaves=event.delivery.leaves,
            method="GET",
            target=target,
            headers=state.common.headers,
            body=b"",
            records=(),
            expects=event.link,
        )
        return (request,)

    def _common(self, device: Device, stored: Mapping[str, Json]) -> Common:
        """What the device's events begin with: registered constants, device info, stored properties."""
        fields = dict(self._info(device.network, device.model, device.width, device.height, device.system))
        for key, value in stored.items():
            fields[key] = text_of(value, self._options.max_string)
        pairs = escaped_pairs(fields) if keys.READ_KEYS.isdisjoint(fields) else None
        headers = (
            ("content-type", "application/json"),
            ("Referer", self._referer),
            ("User-Agent", device.user_agent),
        )
        hashed = identity_hash(stored.get("identityValue"))
        identities = keys.identities_of(fields)
        return Common(device, fields, pairs or "", pairs is not None, identities, hashed, headers)

    def _build_info(self, network: str, model: str, width: int, height: int, system: str) -> Mapping[str, str]:
        """Registered constants and device info, in the order in which they are registered and read."""
        name, space, version = system.partition(" ")
        info: dict[str, Json] = {
            "identityType": self._profile.identity_type,
            "pageType": "wechatMiniPgm",
            "network_type": network,
            "model": model,
            "screen_width": width,
            "screen_height": height,
            "os": name,
        }
        if space:  # without one there is no version
            info["os_version"] = version.partition(" ")[0]
        return {key: text_of(value, self._options.max_string) for key, value in info.items()}

    # ---- the other direction --------------------------------------------------------------------------------------

    def decode(
        self,
        method: str,
        target: str,
        headers: Mapping[str, str],  # noqa: ARG002 - this wire says nothing in them
        body: bytes,
    ) -> tuple[Record, ...]:
        """What a captured request says, of either profile: one record, bad or good.

        Raises:
            WireError: another method or path, or larger than any tracker's.
        """
        return (keys.read_event(method, target, body, self._options),)

    def outcome(self, answer: Answer) -> Outcome:
        """What the replies of the contract say; see outcome.py for the rest. Never raises."""
        return classify(answer, self._options.replies)


def _spoiled(fields: Mapping[str, str], spoil: Spoil | None) -> dict[str, str]:
    """The fields escaped, and wrong in one point if asked for. What is spoilt is a view, so that a collector which
    takes it counts one too many.

    Raises:
        UriError: half of a surrogate pair.
    """
    changed = dict(fields)
    if spoil is not None:
        changed["targetName"] = fields.get("targetName") or _MALFORMED_PAGE
    if spoil is Spoil.NO_EVENT:
        del changed["event"]
    elif spoil is Spoil.LONG_EVENT:
        changed["event"] = _MALFORMED_EVENT
    elif spoil is Spoil.WRONG_TENANT:
        changed["tenantId"] += "9"
    elif spoil is Spoil.BAD_DATE:
        changed["date"] = "not-a-date"
    escaped = {key: encode_component(value) for key, value in changed.items()}
    if spoil is Spoil.BAD_UTF8:
        escaped["targetName"] += "%FF"  # a byte that no UTF-8 text holds
    return escaped


@lru_cache(maxsize=8_192)
def _second(seconds: int) -> str:
    return iso_utc(Ms(seconds * 1000))[:-4]


def _date(at: Ms) -> str:
    """`iso_utc`, for events that crowd into the same seconds; a clock so wrong that no calendar has it says so."""
    seconds, millis = divmod(at, 1000)
    try:
        return f"{_second(seconds)}{millis:03}Z"
    except OverflowError:
        return "Invalid Date"


FACTORIES: Mapping[str, Callable[[WireOptions], DmHub]] = {
    PROFILE_2018.name: partial(DmHub, PROFILE_2018),
    PROFILE.name: partial(DmHub, PROFILE),
}
