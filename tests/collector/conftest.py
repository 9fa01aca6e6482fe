"""One collector in this process, spoken to over ASGI: no port, no second process."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from simulator.collector.app import Application
from simulator.collector.options import CollectorOptions
from simulator.collector.parts import Collector
from simulator.collector.store import open_store
from simulator.collector.totals import Totals
from simulator.contract import Definitions, User, parse_opens
from simulator.times import Ms, parse_instant

ARRIVAL = Ms(parse_instant("2026-03-05T12:00:00Z"))


class Site:
    """A collector and a client in one loop; the clock stands still at ARRIVAL."""

    def __init__(self, options: CollectorOptions) -> None:
        self._runner = asyncio.Runner()
        self.collector = Collector(
            options, open_store(options.db), Totals(options.db, options.definitions), clock=lambda: ARRIVAL
        )
        self._client = httpx.AsyncClient(
            transport=httpx.ASGITransport(app=Application(self.collector), raise_app_exceptions=False),
            base_url="http://collector",
        )

    def get(self, target: str) -> httpx.Response:
        return self._runner.run(self._client.get(target))

    def request(self, method: str, target: str) -> httpx.Response:
        return self._runner.run(self._client.request(method, target))

    def post(self, target: str, body: object = b"", kind: str = "application/json", **headers: str) -> httpx.Response:
        content = body if isinstance(body, bytes) else json.dumps(body).encode()
        return self._runner.run(self._client.post(target, content=content, headers={"content-type": kind, **headers}))

    def track(self, **fields: str) -> None:
        """One event over the tracker's path."""
        query = httpx.QueryParams(fields)
        answer = self.get("/cbe/__utm?" + str(query).replace("+", "%20"))
        assert (answer.status_code, answer.content) == (200, b"{}")

    def good(self) -> list[dict[str, Any]]:
        """The fields of the good events."""
        return [item["event"] for item in self.get("/events/good").json()]

    def reasons(self) -> list[str]:
        """Why the bad events are bad."""
        return [item["reason"] for item in self.get("/events/bad").json()]

    def cells(self, by: str = "all") -> dict[str, tuple[int, int, int, int]]:
        """pv, uv, opens, new users of each cell, over everything."""
        answer = self.get(f"/monitor/totals?by={by}").json()
        assert answer["by"] == by
        return {
            cell: (figures["pv"], figures["uv"], figures["opens"], figures["new_users"])
            for cell, figures in answer["cells"].items()
        }

    def close(self) -> None:
        self._runner.run(self._client.aclose())
        self.collector.close()
        self._runner.close()


Start = Callable[..., Site]


@pytest.fixture
def start(tmp_path: Path) -> Iterator[Start]:
    """Start a collector with some definitions and options; all of one test share one file."""
    sites: list[Site] = []

    def begin(
        opens: str = "launch",
        user: User = "openid",
        day: str = "Asia/Shanghai",
        **options: Any,
    ) -> Site:
        while sites:
            sites.pop().close()
        definitions = Definitions(parse_opens(opens), user, day)
        sites.append(Site(CollectorOptions(db=tmp_path / "collector.db", definitions=definitions, **options)))
        return sites[-1]

    yield begin
    while sites:
        sites.pop().close()


@pytest.fixture
def site(start: Start) -> Site:
    """A collector with the default definitions."""
    return start()
