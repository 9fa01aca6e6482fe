"""The scenarios that the benchmarks send, and the requests of them that other generators repeat.

A visit is ten events on DM Hub's wire: an open, the view of the launch page, eight more views. Nobody was there before
and nobody shares a phone, so a request is like the next, and what other generators repeat is what mpsim sends.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import chain
from pathlib import Path
from typing import Any

from simulator.traffic.making import Wanted, draft
from simulator.traffic.opened import adapter_of
from simulator.traffic.sending import requests_of_block
from simulator.wire.options import WireOptions
from simulator.wire.request import Adapter, Request
from tests.bench.json_events import JsonEvents
from tests.bench.sink import GIF_PATH, JSON_PATH

EVENTS = 10  # of one visit
NAMESPACE = "bench-1125071905"  # as long as a run's id, so that requests are as long as in a run
_SAMPLED = 1_000  # visitors whose requests other generators repeat

_SCENARIO = """\
scenario: bench
app: {{name: 春季会员店, tenant: "740843171", pages: [pages/index/index, pages/product/detail]}}
definitions: {{opens: launch, user: device, day: Asia/Shanghai}}
visitors: {{count: {count}, identities: {{applet-wechat: 100%}}, vars: {{sku: [SKU-1001, SKU-1002, SKU-2001]}}}}
sources:
  wechat_ad: {{weight: 60, scene: 1045, path: "pages/index/index?cl_sr=wechat_ad&cl_ctnm=spring"}}
  friend: {{weight: 20, scene: 1007, path: "pages/product/detail?id={{sku}}&cl_sr=share&cl_ctnm=card"}}
  direct: {{weight: 20, scene: 1089}}
journeys:
  look:
    steps: {steps}
load:
  arrivals: [{{rate: {rate}, for: {seconds}s}}]
  spacing: {spacing}
  clock: {{start: 2026-03-01T00:00:00+08:00, speed: {speed}}}
"""
_LOOK = (
    '[launch, {{push: [applet-wechat]}}, {{view: "pages/product/detail?id={{sku}}", times: 8, think: {think}}}, exit]'
)
_WAIT = "[{launch: null, think: 1h}, {view: pages/product/detail}, exit]"


def flood(visitors: int) -> str:
    """Nobody waits; event times fill about twelve hours, so that every kind of cell has several."""
    per_minute = max(1, visitors // 720)
    seconds = visitors * 60 // per_minute + 60
    steps = _LOOK.format(think="2s..40s")
    return _text(visitors, f"{per_minute}/m", seconds, steps=steps, spacing="poisson", speed="flood")


def paced(visitors: int, per_second: int) -> str:
    """Visitors come evenly spaced, in real time; between their views they wait a fifth to half a second."""
    seconds = visitors // per_second + 1
    return _text(visitors, f"{per_second}/s", seconds, steps=_LOOK.format(think="200ms..500ms"))


def waiting(visitors: int, per_second: int) -> str:
    """Visitors come, send their open and first view, and then wait for an hour."""
    seconds = visitors // per_second + 1
    return _text(visitors, f"{per_second}/s", seconds, steps=_WAIT)


def _text(count: int, rate: str, seconds: int, *, steps: str, spacing: str = "even", speed: str = "1") -> str:
    return _SCENARIO.format(count=count, rate=rate, seconds=seconds, steps=steps, spacing=spacing, speed=speed)


@dataclass(frozen=True, slots=True)
class Traffic:
    """Requests of one kind, as mpsim sends them, for generators that only repeat."""

    method: str
    path: str
    requests: tuple[Request, ...]
    usual: Request  # of about the average length, for generators that send one request again and again

    def write(self, file: Path) -> None:
        """A line each, as `fast_http.py` reads them."""
        with file.open("w", encoding="utf-8") as lines:
            for request in self.requests:
                said = {"target": request.target, "headers": dict(request.headers), "body": request.body.decode()}
                lines.write(json.dumps(said) + "\n")


def traffic(folder: Path, *, posts_json: bool = False) -> Traffic:
    """The requests of the first visitors of a flood."""
    file = folder / "traffic.yaml"
    file.write_text(flood(_SAMPLED), encoding="utf-8")
    drafted = draft(Wanted(file, target="http://127.0.0.1:1", namespace=NAMESPACE))
    path = JSON_PATH if posts_json else GIF_PATH
    adapter: Adapter[Any]
    if posts_json:
        app = drafted.loaded.scenario.app
        adapter = JsonEvents(WireOptions(app.appid, app.name, app.tenant, NAMESPACE, path))
    else:
        adapter = adapter_of("dmhub", path, drafted.loaded.scenario, NAMESPACE, drafted.options)
    plan = drafted.plan
    requests = tuple(chain.from_iterable(_requests(requests_of_block(plan, adapter, block)) for block in plan.blocks))
    average = sum(map(_length, requests)) / len(requests)
    usual = min(requests, key=lambda request: abs(_length(request) - average))
    return Traffic("POST" if posts_json else "GET", path, requests, usual)


def _length(request: Request) -> int:
    return len(request.target) + sum(len(name) + len(value) for name, value in request.headers) + len(request.body)


def _requests(block: dict[int, tuple[Request, ...]]) -> Iterator[Request]:
    return chain.from_iterable(block.values())
