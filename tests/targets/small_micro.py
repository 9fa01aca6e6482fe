"""What Snowplow Micro does, as far as a run needs it: it takes tp2 and lists what came, newest first."""

from __future__ import annotations

import json
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

GOOD: list[dict[str, Any]] = []


class Handler(BaseHTTPRequestHandler):
    """One connection."""

    protocol_version = "HTTP/1.1"
    wbufsize = -1  # head and body in one packet

    def do_POST(self) -> None:
        """Keep each event of a payload."""
        payload = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        for event in payload["data"]:
            GOOD.append({"rawEvent": {"api": {}, "parameters": event}, "event": {"event_id": event["eid"]}})
        self.answer("ok")

    def do_GET(self) -> None:
        """List them."""
        self.answer(GOOD[::-1] if self.path == "/micro/good" else [])

    def answer(self, document: object) -> None:
        """Answer with JSON."""
        body = json.dumps(document).encode()
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        """Say nothing."""


if __name__ == "__main__":
    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    print(f"http://127.0.0.1:{server.server_address[1]}", flush=True)
    server.serve_forever()
