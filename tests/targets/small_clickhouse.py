"""What ClickHouse says over HTTP, as far as its client needs it; it keeps what was asked and answers 5 page views.

Not here: SQL. A query that holds the word `stall` is not answered.
"""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import NamedTuple
from urllib.parse import parse_qsl, urlsplit


class Asked(NamedTuple):
    """One query, and the settings in its URL."""

    query: str
    settings: dict[str, str]


def _number(value: int) -> bytes:
    """A whole number as LEB128."""
    said = bytearray()
    while value > 0x7F:
        said.append(value & 0x7F | 0x80)
        value >>= 7
    return bytes([*said, value])


def _text(value: str) -> bytes:
    return _number(len(value.encode())) + value.encode()


def _block(columns: dict[str, tuple[str, list[bytes]]]) -> bytes:
    """A block of the format Native: its columns by name, each with its type and values."""
    rows = len(next(iter(columns.values()))[1])
    said = _number(len(columns)) + _number(rows)
    for name, (kind, values) in columns.items():
        said += _text(name) + _text(kind) + b"".join(values)
    return said


@contextmanager
def clickhouse(readonly: int = 0) -> Iterator[tuple[str, list[Asked]]]:
    """A server of Moscow's time; SQLAlchemy's URL and what is asked beyond the client's own questions.

    Args:
        readonly: of the user's profile: 1 lets no setting be changed.
    """
    asked: list[Asked] = []
    over = threading.Event()
    settings = {
        "readonly": str(readonly),
        "max_execution_time": "0",
        "cancel_http_readonly_queries_on_client_close": "0",
    }

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_POST(self) -> None:
            query = self.rfile.read(int(self.headers.get("Content-Length", 0))).decode()
            given = dict(parse_qsl(urlsplit(self.path).query))
            if "version()" in query:
                self.say(b"24.8.1.1\tEurope/Moscow\n")
            elif "system.settings" in query:
                flags = [bytes([readonly == 1])] * len(settings)
                names, values = ([_text(one) for one in some] for some in (settings, settings.values()))
                columns = {"name": ("String", names), "value": ("String", values), "readonly": ("UInt8", flags)}
                self.say(_block(columns))
            elif "currentDatabase" in query:
                self.say(_block({"currentDatabase()": ("String", [_text("default")])}))
            elif "AS check" in query:
                self.say(b"")
            else:
                asked.append(Asked(query, given))
                if "stall" in query:
                    over.wait(20)
                    return
                self.say(_block({"pv": ("UInt64", [(5).to_bytes(8, "little")])}))

        def say(self, body: bytes) -> None:
            self.send_response(200)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: object) -> None:
            """Say nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield f"clickhousedb://127.0.0.1:{server.server_address[1]}/analytics", asked
    finally:
        over.set()
        server.shutdown()
        server.server_close()
        thread.join()
