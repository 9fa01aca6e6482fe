"""A collector with every switch of a contract: `python switchable_collector.py CONTRACT.yaml` prints its URL.

It keeps what it is sent in memory and counts with the plain tally of the readers, which knows nothing of cases or
probes. Extra behaviour by further arguments: `keep-last` (of two events with one id the last), `no-days`, `only-all`,
`utc-hours`, `lag=MS` (the totals are so long behind), `refuses` (401 to every event), `hangs-up` (no reply to any).
"""

from __future__ import annotations

import json
import sys
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.parse import parse_qsl, urlsplit

from simulator.contract import BY, Contract
from simulator.scenario.contracts import read_contract, resolve_contract
from simulator.scenario.load import load_scenario_text
from simulator.times import Ms, iso_utc, parse_instant
from simulator.verify.readers.events import StoredEvent, event_of
from simulator.verify.readers.tally import Cells, Tally
from simulator.wire.options import WireOptions
from simulator.wire.registry import make_adapter
from simulator.wire.request import WireError

SCENARIO = """
scenario: x
app: {name: x, pages: [a]}
visitors: {count: 1}
journeys: {v: {steps: [launch]}}
load: {users: 1}
"""
ODD = [one for one in sys.argv[2:] if not one.startswith("lag=")]
LAG = sum(int(one.removeprefix("lag=")) for one in sys.argv[2:] if one.startswith("lag="))
ADAPTER = make_adapter("dmhub", WireOptions("wx0123456789abcdef", "x", "", ""))


def the_contract() -> Contract:
    """What the file says."""
    return resolve_contract(read_contract(sys.argv[1]), load_scenario_text(SCENARIO, "x", Path()))


class Kept:
    """The events, and what they come to."""

    def __init__(self, contract: Contract) -> None:
        self.contract = contract
        self.lock = threading.Lock()
        self.events: list[tuple[float, StoredEvent]] = []

    def take(self, target: str) -> None:
        """One event; a bad one is forgotten."""
        (record,) = ADAPTER.decode("GET", target, {}, b"")
        now = Ms(time.time_ns() // 1_000_000)
        age = 0 if record.date is None else now - record.date
        if record.bad or (self.contract.max_age is not None and age > self.contract.max_age):
            return
        event = event_of(record, now)
        if self.contract.time == "arrival":
            event = event._replace(date=now)
        with self.lock:
            self.events.append((time.monotonic() + LAG / 1000, event._replace(cursor=len(self.events) + 1)))

    def cells(self, begin: Ms, end: Ms) -> Cells:
        """The totals of a period."""
        with self.lock:
            events = [event for shown, event in self.events if shown <= time.monotonic()]
        if "keep-last" in ODD:
            events = list({event.external_id: event for event in events}.values())
        tally = Tally(self.contract)
        try:
            tally.add(events)
            return tally.cells(begin, end)
        finally:
            tally.close()


KEPT = Kept(the_contract())


class Handler(BaseHTTPRequestHandler):
    """One connection."""

    protocol_version = "HTTP/1.1"
    wbufsize = -1

    def do_GET(self) -> None:
        """An event, or totals."""
        url = urlsplit(self.path)
        if url.path == "/cbe/__utm" and "refuses" in ODD:
            self.answer({"error": "who are you?"}, 401)
        elif url.path == "/cbe/__utm" and "hangs-up" in ODD:
            self.close_connection = True
        elif url.path == "/cbe/__utm":
            try:
                KEPT.take(self.path)
            except WireError:
                self.answer({"error": "not an event"}, 400)
                return
            self.answer({})
        elif url.path == "/monitor/totals":
            self.totals(dict(parse_qsl(url.query)))
        else:
            self.answer({"error": "no such path"}, 404)

    def do_POST(self) -> None:
        """Nothing is taken by POST."""
        self.rfile.read(int(self.headers.get("Content-Length", "0")))
        self.answer({"error": "GET only"}, 405)

    def totals(self, asked: dict[str, str]) -> None:
        """One kind of cell."""
        by = asked["by"]
        if by not in BY or ("only-all" in ODD and by != "all") or ("no-days" in ODD and by == "day"):
            self.answer({"error": "no such cells"}, 404)
            return
        cells = KEPT.cells(parse_instant(asked["begin"]), parse_instant(asked["end"]))[by]
        if by == "hour" and "utc-hours" in ODD:
            cells = {iso_utc(parse_instant(cell))[:16] + "+00:00": values for cell, values in cells.items()}
        self.answer({"by": by, "cells": cells})

    def answer(self, document: object, status: int = 200) -> None:
        """Answer with JSON."""
        body = json.dumps(document).encode()
        self.send_response(status)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        """Say nothing."""


class Server(ThreadingHTTPServer):
    """Many connections at once are waited for."""

    request_queue_size = 128
    daemon_threads = True


if __name__ == "__main__":
    server = Server(("127.0.0.1", 0), Handler)
    print(f"http://127.0.0.1:{server.server_address[1]}", flush=True)
    server.serve_forever()
