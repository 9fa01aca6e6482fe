"""Convertlab DM Hub's mini-program tracker: one GET per event, everything in the query.

Two profiles of one wire:

    dmhub-2018   byte for byte what the vendor's public tracker of 2018 sends: no time, no id, no source
    dmhub        what the documents say today: `date` and `externalId` as the OpenAPI names them, source parameters,
                 five-argument track() and remembered target; and `anonymousId`, an addition of ours, because `utma`
                 gives every anonymous visitor the same hash

The tracker is a fold: `step` takes one event and the device's state and returns the next state and what is sent now;
`fold` takes many.
The order of the pairs is that of a JavaScript object into which are merged the registered constants and the device
info, the stored properties, this call's, and at last what the tracker itself knows: a later value takes the place of
the first one. Most events have no key twice, and are put together from parts that were escaped before.

Source: cl_tracker.js of 2018-09-27, observed only; help centre, "Mini program monitoring"; api-docs,
trackevent/track_sdk_miniprogram.
Assumed: the keys `scene`, `pageQuery`, `date`, `externalId`, `anonymousId` on this wire; source parameters as `source`,
`contentName`, `sourceN`; device info is read again at each launch.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from copy import copy
from functools import lru_cache

from simulator.events import Device, Event, Identity, Json, Kind, Spoil
from simulator.immutable import immutable
from simulator.scenario.adapter_options import PathOptions
from simulator.times import Ms, iso_utc
from simulator.wire import dmhub_fields as keys
from simulator.wire.dmhub_calls import PROFILE, PROFILE_2018, Call, Calls, Profile, escaped_fields, text_of
from simulator.wire.formats import Format
from simulator.wire.iso import END_OF_TIME, iso_text
from simulator.wire.javascript import UriError, encode_component
from simulator.wire.options import WireOptions
from simulator.wire.outcome import classify
from simulator.wire.query import join, parse
from simulator.wire.request import Answer, Outcome, Purpose, Record, Request, Sent
from simulator.wire.utma import Utma, advance, identity_hash, utma_text

LINKS_PATH = "/v1/source/links"  # Assumed: POST registers a complete URL, GET …/{code} looks it up

_SILENT = frozenset({Kind.HIDE, Kind.TAP, Kind.SHARE, Kind.PUSH})
_MALFORMED_PAGE = "pages/malformed"  # of a malformed event outside any page
_MALFORMED_EVENT = "c_" + "x" * (keys.LONGEST_EVENT - 1)  # one character too long


@immutable(frozen=True, slots=True)
class Common:
    """What every event of a device begins with, until the next push or launch: worked out once, not per event."""

    device: Device
    fields: Mapping[str, str]  # constants, device info, stored properties; never mutated
    escaped: Mapping[str, str] | None  # the same escaped; None when not ordinary
    pairs: str  # the same as a query; empty when not ordinary
    ordinary: bool  # see escaped_fields; and nothing that a record reads from a call stands in it
    standing: bool  # no names but keys.STANDING
    identities: tuple[Identity, ...]
    hashed: int  # of slot 1, for utma
    last: str  # what an ordinary event's utma begins with
    headers: tuple[tuple[str, str], ...]
    anonymous_id: str  # of the device, escaped


@immutable(frozen=True, slots=True)
class State:
    """One device: its storage, and the memory of the process that runs on it."""

    stored: Mapping[str, Json]  # pushed properties, in the order of their first push; never mutated
    utma: Utma | None  # None: never tracked; the storage then restores nothing
    common: Common
    target: tuple[str, str] = ("", "")  # remembered targetName and targetId; memory, lost with each launch
    ready: Ms = Ms(0)  # when device info is there; what is called before waits in `waiting`
    waiting: tuple[Event, ...] = ()  # in memory only: a launch that comes first loses it


class _Phone:
    """A device while events happen on it: the working copy of its state."""

    __slots__ = ("common", "ready", "stored", "target", "utma", "waiting")

    def __init__(self, state: State) -> None:
        self.stored = state.stored
        self.utma = state.utma
        self.common = state.common
        self.target = state.target
        self.ready = state.ready
        self.waiting = state.waiting

    def state(self) -> State:
        """Its state as it is now."""
        return State(self.stored, self.utma, self.common, self.target, self.ready, self.waiting)


class DmHub:
    """One mini program's tracker and its collector's answers; holds no state of any device."""

    def __init__(self, profile: Profile, options: WireOptions) -> None:
        self.name = profile.name
        self.carries_time = profile.documented
        self.carries_id = profile.documented
        self.carries_anonymous_id = profile.documented
        self.carries_source = profile.documented
        self.max_batch = 1
        self.spoils = frozenset(Spoil)
        self.looks_up = True
        self._profile = profile
        self._options = options
        self._calls = Calls(profile, options)
        self._tenant = encode_component(options.tenant)
        # The rest of an id is digits and dots, so with this escaped it need not be escaped again.
        self._id_prefix = keys.id_prefix(options.namespace)
        self._escaped_id_prefix = encode_component(self._id_prefix)
        self._fresh = lru_cache(maxsize=4_096)(self._build_fresh)
        self._documented = profile.documented
        self._spells = True  # writes down what is sent
        self._tells_shows = profile.documented and options.foreground_event
        self._before = f"{options.path}?"

    def without_bytes(self) -> DmHub:
        """The same tracker for whoever asks only what its requests mean: those of ordinary events have no target."""
        silent = copy(self)
        silent._spells = False
        return silent

    # ---- the fold -------------------------------------------------------------------------------------------------

    def boot(self, device: Device) -> State:
        """The state of a fresh installation: empty storage."""
        return State({}, None, self._common(device, {}))

    def step(self, state: State, event: Event) -> tuple[State, tuple[Request, ...]]:
        """One event happens; what it sends, after calls that waited for device info which has come by now."""
        state, made = self.fold(state, (event,))
        return state, tuple([request for _, request in made])

    def fold(self, state: State, events: Iterable[Event]) -> tuple[State, list[Sent]]:
        """Events of one device happen, oldest first: the same as one step after another, without a state for each."""
        phone = _Phone(state)
        made: list[Sent] = []
        for event in events:
            kind = event.kind
            if phone.waiting and event.at >= phone.ready:
                self._release(phone, made)
            if kind is Kind.LAUNCH:
                self._launch(phone, event)
            elif kind is Kind.PUSH:
                self._push(phone, event)
                continue
            if event.code:
                self._look_up(phone, event, made)
            if kind in _SILENT or (kind is Kind.SHOW and not self._tells_shows):
                continue
            if event.at < phone.ready:
                phone.waiting = (*phone.waiting, event)
            else:
                self._send(phone, event, event.at, made)
        return phone.state(), made

    def flush(self, state: State, now: Ms) -> tuple[State, tuple[Request, ...]]:  # noqa: ARG002
        """Calls that still wait leave once device info is there, whatever `now` is; there is no batch."""
        if not state.waiting:
            return state, ()
        phone, made = _Phone(state), list[Sent]()
        self._release(phone, made)
        return phone.state(), tuple([request for _, request in made])

    def _launch(self, phone: _Phone, event: Event) -> None:
        """A new process: it reads the storage, which is restored only when it holds a utma, and device info."""
        stored = phone.stored
        if stored and phone.utma is None:
            phone.stored = {}
        device = phone.common.device
        if phone.stored is not stored or (event.device is not device and event.device != device):
            phone.common = self._common(event.device, phone.stored)
        phone.target, phone.waiting = ("", ""), ()
        phone.ready = Ms(event.at + self._options.device_info)

    def _push(self, phone: _Phone, event: Event) -> None:
        if event.pushed:
            phone.stored = {**phone.stored, **dict(event.pushed)}
            phone.common = self._common(event.device, phone.stored)

    def _release(self, phone: _Phone, made: list[Sent]) -> None:
        """Send what waited, in call order, with the properties as they are now, those pushed meanwhile included."""
        waiting, phone.waiting = phone.waiting, ()
        for event in waiting:
            self._send(phone, event, phone.ready, made)

    # ---- one event ------------------------------------------------------------------------------------------------

    def _send(self, phone: _Phone, event: Event, now: Ms, made: list[Sent]) -> None:
        """The request of one call at `now`; none when its text cannot be escaped, but the count has advanced."""
        common, delivery = phone.common, event.delivery
        call = self._calls.of(event, phone.target)
        date = event.at + delivery.skew
        utma = phone.utma
        if utma is None or self._spells:
            phone.utma = utma = advance(utma, self._options.tenant, (now + delivery.skew) // 1000)
        target = call.target
        if target[0] and target[1]:
            phone.target = target
        else:
            phone.target = (target[0] or phone.target[0], target[1] or phone.target[1])
        prepared = (
            call.ordinary
            and common.ordinary
            and ((call.apart and common.standing) or common.fields.keys().isdisjoint(call.properties))
            and event.spoil is None
            and 0 <= date < END_OF_TIME
        )
        try:
            spelled, record = (self._ordinary if prepared else self._merged)(common, call, event, date, utma)
        except UriError:
            return
        request = Request(
            event.visitor,
            len(made),
            Purpose.SETUP if event.setup else Purpose.EVENT,
            delivery.leaves if delivery.leaves >= now else now,
            "GET",
            spelled,
            common.headers,
            b"",
            (record,),
            delivery.duplicates,
            delivery.retries,
            event.call is not None and event.call.callback,
        )
        made.append((event.number, request))

    def _ordinary(self, common: Common, call: Call, event: Event, date: int, utma: Utma) -> tuple[str, Record]:
        """Target and record where no key stands in another's way: the same as `_merged` gives, from prepared parts."""
        visitor, number = event.visitor, event.number
        if self._documented:
            identifier = f"{self._id_prefix}{visitor}.{number}"
            spelled = ""
            if self._spells:
                minutes, millis = divmod(date, 60_000)
                # The ids' digits and dots need no escaping, so only what stands before them does.
                spelled = (
                    f"{self._before}{common.pairs}{call.pairs}"
                    f"&date={_escaped_minute(minutes)}{millis // 1000:02}.{millis % 1000:03}Z"
                    f"&externalId={self._escaped_id_prefix}{visitor}.{number}&anonymousId={common.anonymous_id}"
                    f"{call.last}{common.last}{utma.previous}.{utma.last}.{utma.number}"
                )
            return spelled, Record(
                visitor,
                number,
                identifier,
                call.action,
                call.event,
                Ms(date),
                common.device.anonymous_id,
                common.identities,
                call.source,
                call.content,
                call.page,
                call.fault,
                event.setup,
            )
        spelled = (
            f"{self._before}{common.pairs}{call.pairs}{call.last}{common.last}{utma.previous}.{utma.last}.{utma.number}"
        )
        return spelled, Record(
            visitor,
            number,
            "",
            call.action,
            call.event,
            None,
            "",
            common.identities,
            call.source,
            call.content,
            call.page,
            call.fault,
            event.setup,
        )

    def _merged(self, common: Common, call: Call, event: Event, date: int, utma: Utma) -> tuple[str, Record]:
        """Target and record of any event, from one object; a key may break a pair, so only reading it tells.

        Raises:
            UriError: half of a surrogate pair.
        """
        fields = {**common.fields, **call.properties}
        if event.spoil is Spoil.BAD_DATE:
            fields.setdefault("date", "")  # where an application would pass it
        if self._profile.documented:
            fields["date"] = iso_text(Ms(date))
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
        return self._before + query, keys.record_of(read, place, bad, setup=event.setup)

    def _look_up(self, phone: _Phone, event: Event, made: list[Sent]) -> None:
        """The mini program asks for the complete URL of its code before it tracks anything (method 2)."""
        try:
            target = f"{LINKS_PATH}/{encode_component(event.code)}"
        except UriError:
            return
        request = Request(
            visitor=event.visitor,
            number=len(made),
            purpose=Purpose.LOOKUP,
            leaves=event.delivery.leaves,
            method="GET",
            target=target,
            headers=phone.common.headers,
            body=b"",
            records=(),
            expects=event.link,
        )
        made.append((event.number, request))

    def _common(self, device: Device, stored: Mapping[str, Json]) -> Common:
        """What the device's events begin with: registered constants, device info, stored properties."""
        fresh = self._fresh(device.network, device.model, device.width, device.height, device.system, device.user_agent)
        escaped_id = encode_component(device.anonymous_id)
        fields, escaped, standing = fresh.fields, fresh.escaped, True
        identities, hashed, pairs = fresh.identities, fresh.hashed, ""
        if stored:
            texts = {key: text_of(given, self._options.max_string) for key, given in stored.items()}
            fields = {**fields, **texts}
            more = escaped_fields(texts) if keys.READ_KEYS.isdisjoint(texts) else None
            escaped = None if escaped is None or more is None else {**escaped, **more}
            standing = keys.STANDING.issuperset(texts)
            identities = keys.identities_of(fields)
            hashed = identity_hash(stored.get("identityValue")) if self._spells else 0
        if escaped is not None and self._spells:
            pairs = "&".join([f"{key}={text}" for key, text in escaped.items()])
        return Common(
            device,
            fields,
            escaped,
            pairs,
            escaped is not None,
            standing,
            identities,
            hashed,
            f"0.{hashed}.{self._tenant}.",
            fresh.headers,
            escaped_id,
        )

    def _build_fresh(self, network: str, model: str, width: int, height: int, system: str, user_agent: str) -> Common:
        """The same of a phone with nothing stored, but for its own id."""
        fields = self._build_info(network, model, width, height, system)
        escaped = escaped_fields(fields)
        return Common(
            Device("", model, width, height, system, network, user_agent),
            fields,
            escaped,
            "",
            escaped is not None,
            True,
            (),
            identity_hash(None),
            "",
            self._options.headers(user_agent),
            "",
        )

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
def _escaped_minute(minutes: int) -> str:
    """A date up to its seconds, escaped: events crowd into the same minutes."""
    return iso_utc(Ms(minutes * 60_000))[:17].replace(":", "%3A")


def _format(profile: Profile) -> Format:
    def build(options: WireOptions, own: PathOptions) -> DmHub:  # noqa: ARG001 - the registry has put the path in place
        return DmHub(profile, options)

    return Format(profile.name, PathOptions, build)


FORMATS = (_format(PROFILE), _format(PROFILE_2018))
