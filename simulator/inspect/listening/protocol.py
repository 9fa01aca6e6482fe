"""HTTP from whoever connects: what is no HTTP is told, and a head that never ends is not waited for long.

A phone that speaks TLS to a plain port is the commonest of all mistakes here; it looks like garbage and is named.
"""

from __future__ import annotations

import asyncio
from typing import Any, Protocol

from simulator.traffic.serving import BoundedProtocol

MOST_CONNECTIONS = 800  # at once; a process may have 1,024 files open where nobody says otherwise
_HEAD_SECONDS = 20.0  # a head must be complete by then
_SHOWN = 64  # bytes of what is no HTTP
_TLS = b"\x16\x03"  # the beginning of a ClientHello


class Hears(Protocol):
    """Who is told of what is no request."""

    def heard_garbage(self, client: str, first: bytes, reason: str) -> None:
        """Somebody sent something that is no request."""
        ...


class HeardProtocol(BoundedProtocol):
    """The bounded protocol, telling the application what it refuses."""

    _first = b""  # of what came since the last request was complete
    _timer: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        super().connection_made(transport)  # type: ignore[arg-type]
        if len(self.connections) > MOST_CONNECTIONS:
            self._refusal = (503, f"there are {MOST_CONNECTIONS} connections already")
            self.send_400_response("")
            return
        self._wait_for_head()

    def connection_lost(self, exc: Exception | None) -> None:
        self._stop_waiting()
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        if not self._first:
            self._first = data[:_SHOWN]
        super().data_received(data)

    def on_headers_complete(self) -> None:
        self._stop_waiting()
        super().on_headers_complete()

    def on_message_complete(self) -> None:
        self._first = b""
        super().on_message_complete()

    def on_message_begin(self) -> None:
        if self._timer is None:
            self._wait_for_head()
        super().on_message_begin()

    def send_400_response(self, msg: str) -> None:
        self._stop_waiting()
        hears: Hears = self.config.app  # type: ignore[assignment]
        hears.heard_garbage(client_of(self.client), self._first, garbage_in_words(self._first, self._refusal[1]))
        super().send_400_response(msg)

    def _wait_for_head(self) -> None:
        self._timer = self.loop.call_later(_HEAD_SECONDS, self._give_up)

    def _stop_waiting(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _give_up(self) -> None:
        self._timer = None
        self.transport.close()


def garbage_in_words(first: bytes, refusal: str) -> str:
    """What bytes that are no request seem to be."""
    if first[:2] == _TLS:
        return (
            "TLS came to a plain port: the sender says https://; let it say http://, "
            "or give the capture server a certificate (--tls-cert)"
        )
    if first[:3] == b"PRI":
        return "HTTP/2 came without TLS; expected HTTP/1.1"
    return refusal


def client_of(client: Any) -> str:
    """The address of a connection's other end."""
    return str(client[0]) if client else ""
