"""A wire for the benchmarks alone: DM Hub's documented OpenAPI, one POST with a JSON body for each event.

The collectors of other vendors take JSON by POST; what that costs is measured with this adapter. It knows launches,
views and pushes, which is all that the benchmarks' visits have; anything else is silent.

Source: DM Hub OpenAPI, POST /v1/collector/pushevent.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from functools import lru_cache
from typing import Any

from simulator.events import Device, Event, Identity, Json, Kind, Spoil
from simulator.times import Ms, iso_utc, parse_instant
from simulator.wire.options import WireOptions
from simulator.wire.outcome import classify
from simulator.wire.request import Action, Answer, Outcome, Purpose, Record, Request, WireError

State = Mapping[str, Json]  # pushed properties of a device; never mutated

_EVENTS = {Kind.LAUNCH: ("mini_program_open", Action.OPEN), Kind.VIEW: ("mini_program_view", Action.VIEW)}
_ACTIONS = dict(_EVENTS.values())
_encode = json.JSONEncoder(ensure_ascii=False, separators=(",", ":")).encode


class JsonEvents:
    """One mini program's events as JSON; holds no state of any device."""

    name = "bench-json"
    carries_time = True
    carries_id = True
    carries_anonymous_id = True
    carries_source = True
    max_batch = 1
    spoils: frozenset[Spoil] = frozenset()
    looks_up = False

    def __init__(self, options: WireOptions) -> None:
        self._options = options

    def boot(self, device: Device) -> State:  # noqa: ARG002  nothing of it is stored
        """The state of a fresh installation."""
        return {}

    def step(self, state: State, event: Event) -> tuple[State, tuple[Request, ...]]:
        """One event happens; an open and a view send a request each."""
        if event.kind is Kind.PUSH:
            return {**state, **dict(event.pushed)}, ()
        if event.kind not in _EVENTS:
            return state, ()
        fields, record = self._fields(state, event)
        request = Request(
            event.visitor,
            0,
            Purpose.SETUP if event.setup else Purpose.EVENT,
            event.delivery.leaves,
            "POST",
            self._options.path,
            _headers(event.device.user_agent),
            _encode(fields).encode(),
            (record,),
        )
        return state, (request,)

    def flush(self, state: State, now: Ms) -> tuple[State, tuple[Request, ...]]:  # noqa: ARG002
        """Nothing is held back."""
        return state, ()

    def _fields(self, state: State, event: Event) -> tuple[dict[str, Json], Record]:
        options, device, source = self._options, event.device, event.source
        name, action = _EVENTS[event.kind]
        is_view = action is Action.VIEW
        fields: dict[str, Json] = {
            **state,
            "event": name,
            "date": f"{_second(event.at // 1000)}{event.at % 1000:03}Z",
            "externalId": f"{options.namespace}.{event.visitor}.{event.number}",
            "anonymousId": device.anonymous_id,
            "targetId": options.appid,
            "targetName": event.page if is_view else options.app_name,
            "scene": event.scene,
            "model": device.model,
            "system": device.system,
            "screenWidth": device.width,
            "screenHeight": device.height,
            "networkType": device.network,
        }
        if source.name:
            fields["source"], fields["contentName"] = source.name, source.content
        if event.query:
            fields["pageQuery"] = event.query
        return fields, _record(fields, (event.visitor, event.number), event.at, setup=event.setup)

    def decode(
        self,
        method: str,
        target: str,
        headers: Mapping[str, str],  # noqa: ARG002  this wire says nothing in them
        body: bytes,
    ) -> tuple[Record, ...]:
        """What a captured request says.

        Raises:
            WireError: not a POST of one JSON object.
        """
        try:
            fields = json.loads(body)
            date = parse_instant(fields["date"])
            visitor, number = map(int, fields["externalId"].rsplit(".", 2)[1:])
        except (ValueError, KeyError, TypeError, AttributeError) as wrong:
            raise WireError(f"no event of this wire: {wrong}") from wrong
        if (method, target) != ("POST", self._options.path):
            raise WireError(f"expected POST {self._options.path}, not {method[:16]!r} {target[:64]!r}")
        return (_record(fields, (visitor, number), date, setup=False),)

    def outcome(self, answer: Answer) -> Outcome:
        """200 has the event."""
        return classify(answer)


def _record(fields: Mapping[str, Any], place: tuple[int, int], date: Ms, *, setup: bool) -> Record:
    kind, value = fields.get("identityType"), fields.get("identityValue")
    action = _ACTIONS[fields["event"]]
    return Record(
        visitor=place[0],
        number=place[1],
        external_id=fields["externalId"],
        action=action,
        event=fields["event"],
        date=date,
        anonymous_id=fields["anonymousId"],
        identities=(Identity(str(kind), str(value)),) if kind and value else (),
        source=fields.get("source", ""),
        content=fields.get("contentName", ""),
        page=fields["targetName"] if action is Action.VIEW else "",
        setup=setup,
    )


@lru_cache(maxsize=4_096)
def _headers(user_agent: str) -> tuple[tuple[str, str], ...]:
    return (("Content-Type", "application/json"), ("User-Agent", user_agent))


@lru_cache(maxsize=8_192)
def _second(seconds: int) -> str:
    return iso_utc(Ms(seconds * 1000))[:-4]
