"""Words for the wire's tests: a phone, what happens on it, and the fold of an adapter over that."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from simulator.events import NO_SOURCE, Call, Delivery, Device, Event, Json, Kind, Source, Spoil
from simulator.times import Ms
from simulator.wire.options import WireOptions
from simulator.wire.query import parse
from simulator.wire.registry import make_adapter
from simulator.wire.request import Adapter, Request

NOON = Ms(1_795_444_968_250)
PHONE = Device("anon-1", "iPhone 13<iPhone14,5>", 390, 753, "iOS 17.4.1", "wifi", "MicroMessenger/8.0.73")
OPTIONS = WireOptions("wx1234567890abcdef", "测试小程序", "740843171", "")

COMMON = (
    "identityType={}&pageType=wechatMiniPgm&network_type=wifi&model=iPhone%2013%3CiPhone14%2C5%3E"
    "&screen_width=390&screen_height=753&os=iOS&os_version=17.4.1"
)


def adapter(name: str = "dmhub", **options: Any) -> Adapter[Any]:
    """An adapter for the test's mini program, with some options replaced."""
    return make_adapter(name, replace(OPTIONS, **options))


def happening(kind: Kind, seconds: float = 0, **fields: Any) -> Event:
    """One event so long after NOON that leaves at once; its number is set by `numbered`."""
    at = Ms(NOON + round(seconds * 1000))
    fields = {"device": PHONE, "delivery": Delivery(at), "scene": 1047, "source": NO_SOURCE, **fields}
    return Event(0, 0, at, kind, **fields)


def launch(seconds: float = 0, **fields: Any) -> Event:
    return happening(Kind.LAUNCH, seconds, **fields)


def view(seconds: float = 0, page: str = "pages/a", **fields: Any) -> Event:
    return happening(Kind.VIEW, seconds, page=page, **fields)


def push(seconds: float = 0, /, **pushed: Json) -> Event:
    return happening(Kind.PUSH, seconds, pushed=tuple(pushed.items()))


def track(call: Call, seconds: float = 0, **fields: Any) -> Event:
    return happening(Kind.TRACK, seconds, call=call, **fields)


def malformed(spoil: Spoil, seconds: float = 0, **fields: Any) -> Event:
    return happening(Kind.MALFORMED, seconds, spoil=spoil, **fields)


def numbered(*events: Event) -> list[Event]:
    """The events as one visitor's plan numbers them."""
    return [replace(event, number=number) for number, event in enumerate(events)]


def fold(of: Adapter[Any], *events: Event) -> list[Request]:
    """Everything that is sent while the events happen on one fresh phone, and at the end."""
    state = of.boot(PHONE)
    sent: list[Request] = []
    for event in numbered(*events):
        state, requests = of.step(state, event)
        sent.extend(requests)
    _, requests = of.flush(state, NOON)
    return sent + list(requests)


def queries(of: Adapter[Any], *events: Event) -> list[str]:
    return [request.target.partition("?")[2] for request in fold(of, *events)]


def last_fields(of: Adapter[Any], *events: Event) -> dict[str, str]:
    """The fields of the last request, decoded."""
    return parse(queries(of, *events)[-1])[0]


def advert(name: str, content: str = "", **others: str) -> Source:
    return Source(name, content, tuple(others.items()))
