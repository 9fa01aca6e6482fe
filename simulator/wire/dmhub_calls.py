"""The calls that an event makes on DM Hub's tracker: the event's name and the properties of that one call.

Which pairs stand around them is dmhub.py.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache

from simulator.events import Call as Tracked
from simulator.events import Event, Json, Kind, Source
from simulator.wire import dmhub_fields as keys
from simulator.wire.javascript import UriError, cut, encode_component, is_index, string, units, whole
from simulator.wire.options import WireOptions
from simulator.wire.query import is_plain
from simulator.wire.request import Action


@dataclass(frozen=True, slots=True)
class Profile:
    """One edition of the tracker."""

    name: str
    identity_type: str  # of slot 1 before any push
    view_event: str
    documented: bool  # today's documents rather than the 2018 code: time, ids, source, remembered target


PROFILE_2018 = Profile("dmhub-2018", "wechat", keys.OPEN_PAGE_EVENT, documented=False)
PROFILE = Profile("dmhub", "applet-wechat", keys.VIEW_EVENT, documented=True)


@dataclass(frozen=True, slots=True)
class Call:
    """One `track()` of the tracker, with what its record will say: many events make the same one."""

    event: str
    properties: Mapping[str, str]  # as text, in order; never mutated
    ordinary: bool  # see escaped_fields
    apart: bool  # no property has a name that stands in front of every call anyway (see keys.STANDING)
    target: tuple[str, str]  # targetName and targetId, for the remembered ones
    pairs: str  # the properties escaped, each with "&" in front; empty when not ordinary
    last: str  # tenant and event, escaped, up to the utma; empty when not ordinary
    action: Action
    source: str
    content: str
    page: str  # of a view
    fault: str  # why the name is bad; empty for a good one


def text_of(value: Json, most: int) -> str:
    """A property's text: String(value), of a text its first `most` UTF-16 units (a number or array is not cut)."""
    return cut(value, most) if isinstance(value, str) else string(value)


@lru_cache(maxsize=4_096)
def _stays(key: str) -> bool:
    return is_plain(key) and not is_index(key) and key not in keys.LAST_KEYS


def escaped_fields(fields: Mapping[str, str]) -> dict[str, str] | None:
    """The values as they go into a query, in the same order; None where only the whole query can be built.

    That is where a key is moved to the front (an index), overwritten by the tracker, or breaks the query; and where a
    text cannot be escaped.
    """
    if not all(map(_stays, fields)):
        return None
    try:
        return {key: encode_component(text) for key, text in fields.items()}
    except UriError:
        return None


class Calls:
    """The calls of one mini program. Pure; it keeps the calls that many visitors make alike."""

    def __init__(self, profile: Profile, options: WireOptions) -> None:
        self._profile = profile
        self._most = options.max_string
        self._registered = options.events
        self._tenant = encode_component(options.tenant)
        self._target = {"targetName": self._text(options.app_name), "targetId": self._text(options.appid)}
        self._open = lru_cache(maxsize=4_096)(self._build_open)
        self._view = lru_cache(maxsize=32_768)(self._build_view)
        self._tracked = lru_cache(maxsize=32_768)(self._build_track)

    def of(self, event: Event, remembered: tuple[str, str]) -> Call:
        """The call that a sending event makes; `remembered` is the last targetName and targetId.

        Assumed: each call with a target sets the remembered one, also those of opens and views.
        """
        kind = event.kind
        if kind is Kind.VIEW:
            return self._view(event.scene, event.source, event.page, event.query)
        if kind is Kind.LAUNCH:
            return self._open(event.scene, event.source)
        if kind is Kind.TRACK and event.call is not None:
            try:
                # 1, 1.0 and true are equal in Python and not on the wire, so their types are looked up with them.
                kinds = tuple([type(value) for _, value in event.call.params])
                return self._tracked(event.scene, event.source, event.call, remembered, kinds)
            except TypeError:  # a list or an object among the parameters cannot be looked up
                return self._build_track(event.scene, event.source, event.call, remembered, ())
        if kind is Kind.SHOW:
            own = self._current(event.scene, event.source)
            return self._call(keys.SHOW_EVENT, own | _remembered("", "", remembered))
        return self._view(event.scene, event.source, event.page, event.query)

    def _call(self, event: str, own: Mapping[str, str]) -> Call:
        escaped = escaped_fields(own)
        ordinary = escaped is not None and keys.SLOT_KEYS.isdisjoint(own)
        try:
            name = encode_component(event)
        except UriError:
            name, ordinary = "", False
        action = keys.ACTIONS.get(event, Action.CUSTOM)
        return Call(
            event,
            own,
            ordinary,
            keys.STANDING.isdisjoint(own),
            (own.get("targetName", ""), own.get("targetId", "")),
            "".join([f"&{key}={text}" for key, text in escaped.items()]) if escaped is not None else "",
            f"&tenantId={self._tenant}&event={name}&utma=",
            action,
            source=keys.kept(own, "source"),
            content=keys.kept(own, "contentName"),
            page=keys.page_of(own) if action is Action.VIEW else "",
            fault=keys.event_fault(event, self._registered),
        )

    def _build_open(self, scene: int, source: Source) -> Call:
        return self._call(keys.OPEN_EVENT, self._current(scene, source) | self._target)

    def _build_view(self, scene: int, source: Source, page: str, query: str) -> Call:
        own = self._current(scene, source) | {"targetName": self._text(page)}
        if self._profile.documented:
            own["targetId"] = self._target["targetId"]
            if query:
                own["pageQuery"] = self._text(query)
        return self._call(self._profile.view_event, own)

    def _build_track(
        self, scene: int, source: Source, call: Tracked, remembered: tuple[str, str], _kinds: tuple[type, ...]
    ) -> Call:
        if self._profile.documented:
            own = self._current(scene, source) | self._track(call, remembered)
        else:
            own = self._track_2018(call)
        return self._call(whole(call.event), own)

    def _current(self, scene: int, source: Source) -> dict[str, str]:
        """What every event of an open carries; the 2018 tracker knows none of it."""
        if not self._profile.documented:
            return {}
        given = (("source", source.name), ("contentName", source.content), *source.others)
        return {"scene": str(scene)} | {key: self._text(value) for key, value in given if value}

    def _track(self, call: Tracked, remembered: tuple[str, str]) -> dict[str, str]:
        """An application's call; object and positional form come to the same pairs."""
        given = {"targetName": self._text(call.name), "targetId": self._text(call.id)}
        given |= self._texts(call.params)
        target = _remembered(given.pop("targetName"), given.pop("targetId"), remembered)
        return target | given

    def _track_2018(self, call: Tracked) -> dict[str, str]:
        if call.form == "positional":
            # The name arrives where the properties belong, and a text's properties are its characters.
            return {str(place): chr(unit) for place, unit in enumerate(units(call.name))}
        given = (("targetName", call.name), ("targetId", call.id))
        return {key: self._text(value) for key, value in given if value} | self._texts(call.params)

    def _text(self, value: Json) -> str:
        return text_of(value, self._most)

    def _texts(self, properties: tuple[tuple[str, Json], ...]) -> dict[str, str]:
        return {key: text_of(value, self._most) for key, value in properties}


def _remembered(name: str, identifier: str, remembered: tuple[str, str]) -> dict[str, str]:
    """The target of a call that may leave it out or empty; nothing to remember: the key is not sent."""
    target = {"targetName": name or remembered[0], "targetId": identifier or remembered[1]}
    return {key: value for key, value in target.items() if value}
