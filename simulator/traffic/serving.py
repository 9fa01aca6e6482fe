"""A small HTTP server of ours: the bound socket, bounds on what strangers send, and how it ends.

The embedded collector and the capture server are both served by it; what they answer is theirs.
"""

from __future__ import annotations

import logging
import os
import signal
import socket
import threading
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from types import FrameType

import uvicorn
from uvicorn.protocols.http.httptools_impl import STATUS_LINE, HttpToolsProtocol

from simulator.errors import UsageError

_INSTEAD = "choose another --port (0 takes a free one) or --host"


def listen(host: str, port: int, instead: str = _INSTEAD) -> socket.socket:
    """A bound socket; what it accepts sends at once.

    Args:
        instead: what the user can do where it cannot be had.

    Raises:
        UsageError: taken, not permitted, or no such address.
    """
    try:
        family = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)[0][0]
        listener = socket.create_server((host, port), family=family, backlog=2048)
        # Head and body of a reply are two writes. Without this the second waits for the client to acknowledge the
        # first, which it puts off for 40 ms; asyncio sees to it only for sockets that name their protocol.
        listener.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    except (OSError, OverflowError) as failed:
        # create_server adds the address to the system's sentence; it is in ours already.
        number = failed.errno if isinstance(failed, OSError) else None
        reason = os.strerror(number) if number is not None and number > 0 else str(failed)
        raise UsageError(f"cannot listen on {host}:{port}: {reason}; {instead}") from failed
    return listener


def url_of(listener: socket.socket) -> str:
    """Where a bound socket is reached."""
    host, port = listener.getsockname()[:2]
    return f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"


def config_of(
    application: Callable[..., Awaitable[None]], protocol: type[BoundedProtocol], *, keep_alive: int, stopping: int
) -> uvicorn.Config:
    """How an application of ours is served: HTTP alone, without a word in the log of what strangers send.

    Args:
        keep_alive: seconds for which a connection may lie idle.
        stopping: seconds that requests in progress are given at the end.
    """
    logging.getLogger("uvicorn.error").setLevel(logging.CRITICAL)
    return uvicorn.Config(
        application,
        http=protocol,
        ws="none",
        lifespan="off",
        log_config=None,
        access_log=False,
        proxy_headers=False,
        server_header=False,
        timeout_keep_alive=keep_alive,
        timeout_graceful_shutdown=stopping,
    )


class Server(uvicorn.Server):
    """uvicorn's server, which says when it is ready and ends by a signal without a word."""

    def __init__(self, config: uvicorn.Config, ready: Callable[[], None]) -> None:
        super().__init__(config)
        self._ready = ready

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets=sockets)
        self._ready()

    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        """SIGTERM and SIGINT ask for the end, a second one insists. Elsewhere than in the main thread, nothing."""
        if threading.current_thread() is not threading.main_thread():
            yield
            return

        def stop(_: int, __: FrameType | None) -> None:
            self.force_exit = self.should_exit
            self.should_exit = True

        former = {number: signal.signal(number, stop) for number in (signal.SIGTERM, signal.SIGINT)}
        try:
            yield
        finally:
            for number, handler in former.items():
                signal.signal(number, handler)


class _OutOfBounds(Exception):
    """A request line or head larger than what is read; raised inside the parser's callbacks."""


class BoundedProtocol(HttpToolsProtocol):
    """uvicorn's HTTP/1.1 with bounds on the request line and the headers, which it does not have itself."""

    most_target = 64 * 1024  # bytes of a request's path and query; a longer one is answered 414
    most_headers = 64 * 1024  # bytes of all header names and values; more is answered 431
    _head = 0  # bytes of the headers of the current request
    _refusal = (400, "this is not an HTTP/1.1 request")

    def on_message_begin(self) -> None:
        self._head = 0
        super().on_message_begin()

    def on_url(self, url: bytes) -> None:
        super().on_url(url)
        if len(self.url) > self.most_target:
            self._refusal = (414, f"path and query are longer than {self.most_target} bytes")
            raise _OutOfBounds

    def on_header(self, name: bytes, value: bytes) -> None:
        self._head += len(name) + len(value)
        if self._head > self.most_headers:
            self._refusal = (431, f"the headers are larger than {self.most_headers} bytes")
            raise _OutOfBounds
        super().on_header(name, value)

    def send_400_response(self, msg: str) -> None:  # noqa: ARG002  uvicorn's words say less
        status, reason = self._refusal
        body = f'{{"success":false,"reason":"{reason}"}}'.encode()
        self.transport.write(
            STATUS_LINE[status]
            + b"content-type: application/json\r\nconnection: close\r\n"
            + f"content-length: {len(body)}\r\n\r\n".encode()
            + body
        )
        self.transport.close()
