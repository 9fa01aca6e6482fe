"""A collector of nobody's standard: it keeps events in memory, and tells them over an API of its own, to whom it knows.

`TOKEN=… python small_dashboard.py [FAULT]` prints its URL; it shares no line with mpsim. The fault: count-twice.

    GET /hit?…                    an event
    GET /api/v2/summary           {"data": {"views": …, "people": …, "visits": …, "newcomers": …}}
    GET /api/v2/by/DIMENSION      the same in rows, three on a page, with the URL of the next
    GET /api/v2/events            the events, ten on a page, newest first
"""

from __future__ import annotations

import json
import os
import sys
import threading
from collections.abc import Callable
from datetime import datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, parse_qsl, urlsplit

FAULT = sys.argv[1] if len(sys.argv) > 1 else ""
EVENTS: dict[str, dict[str, str]] = {}
LOCK = threading.Lock()
EIGHT_HOURS = timedelta(hours=8)


def local(event: dict[str, str]) -> datetime:
    """When it happened, by a clock in China."""
    return datetime.fromisoformat(event["date"]) + EIGHT_HOURS


DIMENSIONS: dict[str, Callable[[dict[str, str]], str | None]] = {
    "campaign": lambda event: event.get("source", ""),
    "ad": lambda event: event.get("contentName", ""),
    "hour": lambda event: local(event).strftime("%Y-%m-%dT%H:00:00"),
    "day": lambda event: local(event).strftime("%Y-%m-%d"),
    "screen": lambda event: event["targetName"].partition("?")[0] if event["event"].endswith("view") else None,
}


def numbers(events: list[dict[str, str]], first: dict[str, str]) -> dict[str, int]:
    """The four numbers of some events."""
    views = sum(event["event"] == "mini_program_view" for event in events)
    visits = [event for event in events if event["event"] in ("mini_program_view", "mini_program_open")]
    return {
        "views": views + (FAULT == "count-twice" and views > 0),
        "people": len({event["anonymousId"] for event in visits}),
        "visits": sum(event["event"] == "mini_program_open" for event in events),
        "newcomers": sum(first.get(event["anonymousId"]) == event["externalId"] for event in visits),
    }


def between(asked: dict[str, str]) -> tuple[list[dict[str, str]], dict[str, str]]:
    """The events of a period in their order, and each device's first."""
    with LOCK:
        everything = sorted(EVENTS.values(), key=lambda event: event["date"])
    first: dict[str, str] = {}
    for event in everything:
        if event["event"] in ("mini_program_view", "mini_program_open"):
            first.setdefault(event["anonymousId"], event["externalId"])
    begin, end = int(asked["since"]), int(asked["until"])
    ours = [event for event in everything if event["externalId"].startswith(asked["run"])]
    return [one for one in ours if begin <= datetime.fromisoformat(one["date"]).timestamp() * 1000 < end], first


class Handler(BaseHTTPRequestHandler):
    """One connection."""

    protocol_version = "HTTP/1.1"
    wbufsize = -1  # head and body in one packet

    def do_GET(self) -> None:
        """Take an event, or answer a question."""
        url = urlsplit(self.path)
        if url.path == "/hit":
            self.take(dict(parse_qsl(url.query, keep_blank_values=True)))
            return
        if self.headers.get("Authorization") != f"Bearer {os.environ['TOKEN']}":
            self.answer(401, {"error": f"who is {self.headers.get('Authorization')}?"})
            return
        asked = {name: values[0] for name, values in parse_qs(url.query).items()}
        if url.path == "/api/v2/summary":
            self.answer(200, {"data": numbers(*between(asked))})
        elif url.path.startswith("/api/v2/by/"):
            self.by(url.path.rpartition("/")[2], asked)
        elif url.path == "/api/v2/events":
            self.list(int(asked["skip"]))
        else:
            self.answer(404, {})

    def take(self, event: dict[str, str]) -> None:
        """Keep an event; the answer says so in its body."""
        with LOCK:
            EVENTS.setdefault(event["externalId"], event)
        self.answer(200, {"ok": True})

    def by(self, dimension: str, asked: dict[str, str]) -> None:
        """A page of rows."""
        events, first = between(asked)
        cells: dict[str, list[dict[str, str]]] = {}
        for event in events:
            name = DIMENSIONS[dimension](event)
            if name is not None:
                cells.setdefault(name, []).append(event)
        rows = [{"label": name, **numbers(some, first)} for name, some in sorted(cells.items())]
        place = int(asked.get("at", 0))
        following = "".join(f"&{name}={asked[name]}" for name in ("since", "until", "run"))
        more = f"/api/v2/by/{dimension}?at={place + 3}{following}" if place + 3 < len(rows) else None
        self.answer(200, {"rows": rows[place : place + 3], "links": {"next": more}})

    def list(self, skip: int) -> None:
        """A page of events."""
        with LOCK:
            events = list(EVENTS.values())[::-1]
        kept = ("externalId", "event", "anonymousId", "source", "contentName")
        self.answer(200, [{name: event.get(name) for name in kept} for event in events[skip : skip + 10]])

    def answer(self, status: int, document: Any) -> None:
        """Answer with JSON."""
        body = json.dumps(document).encode()
        self.send_response(status)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        """Say nothing."""


if __name__ == "__main__":
    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    print(f"http://127.0.0.1:{server.server_address[1]}", flush=True)
    server.serve_forever()
