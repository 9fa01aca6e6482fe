"""A small ingest before PostgreSQL, as a user might have written it: it shares no line with mpsim.

`DATABASE=… python small_ingest.py` prints its URL and stores what comes to /cbe/__utm; it answers when that is stored.
"""

from __future__ import annotations

import json
import os
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qsl, urlsplit

import psycopg

_INSERT = """
INSERT INTO event (external_id, event, at, anonymous_id, openid, identities, source, content, page)
VALUES (%s, %s, %s, %s, %s, %s, %s, %s, %s) ON CONFLICT (external_id) DO NOTHING
"""
_SLOTS = ("", "2", "3")
_known = threading.local()


class Handler(BaseHTTPRequestHandler):
    """One connection of a tracker."""

    protocol_version = "HTTP/1.1"
    wbufsize = -1

    def do_GET(self) -> None:
        """Store one event."""
        url = urlsplit(self.path)
        if url.path != "/cbe/__utm":
            self.answer(404)
            return
        said = dict(parse_qsl(url.query, keep_blank_values=True))
        if not said.get("event") or not said.get("date"):
            self.answer(400)
            return
        pairs = [
            (said[f"identityType{slot}"], said[f"identityValue{slot}"])
            for slot in _SLOTS
            if said.get(f"identityType{slot}") and said.get(f"identityValue{slot}")
        ]
        page = said.get("targetName", "").partition("?")[0] if said["event"] == "mini_program_view" else ""
        row = (
            said.get("externalId"),
            said["event"],
            said["date"],
            said.get("anonymousId", ""),
            dict(reversed(pairs)).get("applet-wechat"),
            json.dumps(pairs),
            said.get("source", ""),
            said.get("contentName", ""),
            page,
        )
        try:
            self.connection_of().execute(_INSERT, row)
        except psycopg.Error:
            self.answer(503)
            return
        self.answer(200)

    def connection_of(self) -> psycopg.Connection[tuple[object, ...]]:
        """This thread's connection."""
        if not hasattr(_known, "connection"):
            _known.connection = psycopg.connect(os.environ["DATABASE"], autocommit=True)
        connection: psycopg.Connection[tuple[object, ...]] = _known.connection
        return connection

    def answer(self, status: int) -> None:
        """Answer without a body."""
        self.send_response(status)
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, *_: object) -> None:
        """Say nothing of each event."""


if __name__ == "__main__":
    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    print(f"http://127.0.0.1:{server.server_address[1]}", flush=True)
    server.serve_forever()
