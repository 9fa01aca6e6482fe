"""One collector served over HTTP: the socket, the signals, and the line that says it listens."""

from __future__ import annotations

import gc
import logging
import os
import signal
import socket
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from types import FrameType

import uvicorn
from uvicorn.protocols.http.httptools_impl import STATUS_LINE, HttpToolsProtocol

from simulator.collector.app import Application
from simulator.collector.options import MAX_HEADERS, MAX_TARGET, CollectorOptions
from simulator.collector.parts import Collector
from simulator.collector.store import open_store
from simulator.collector.totals import Totals
from simulator.errors import UsageError

# Longer than any pause of a load: a connection closed under a client that is about to send looks like a lost event.
_KEEP_ALIVE = 3600  # seconds
_CONNECTIONS = 65_536  # at once, as far as the system lets us; each takes a file descriptor
_STOPPING = 5  # seconds that requests in progress are given


def serve(options: CollectorOptions, build: Callable[[CollectorOptions], Collector] | None = None) -> None:
    """Serve until SIGTERM or SIGINT; prints `listening on http://HOST:PORT` when it is ready.

    `build` puts the parts together, `collector` by default.

    Raises:
        UsageError: the port is taken or not ours, or the database cannot be used.
    """
    listener = _listen(options.host, options.port)
    try:
        parts = (build or collector)(options)
    except BaseException:
        listener.close()
        raise
    said = parts.store.note_definitions(options.definitions)
    if said:
        print(said, file=sys.stderr, flush=True)
    if options.parent:
        threading.Thread(target=_end_with, args=(options.parent,), daemon=True).start()
    logging.getLogger("uvicorn.error").setLevel(logging.CRITICAL)  # what strangers send is no news of ours
    config = uvicorn.Config(
        Application(parts),
        http=_Protocol,
        ws="none",
        lifespan="off",
        log_config=None,
        access_log=False,
        proxy_headers=False,
        server_header=False,
        timeout_keep_alive=_KEEP_ALIVE,
        timeout_graceful_shutdown=_STOPPING,
    )
    _allow_connections()
    # The writer's thread asks for the interpreter between statements; the default of 5 ms would be most of its time.
    sys.setswitchinterval(0.0005)
    gc.freeze()  # what is loaded now stays: no need to look through it again and again
    try:
        _Server(config, _url(listener)).run(sockets=[listener])
    finally:
        parts.close()


def _end_with(parent: int) -> None:
    """Whoever started this collector is gone: nobody else knows its port."""
    never = threading.Event()
    while os.getppid() == parent:
        never.wait(0.5)
    os.kill(os.getpid(), signal.SIGTERM)


def collector(options: CollectorOptions) -> Collector:
    """The honest collector.

    Raises:
        UsageError: the database cannot be used.
    """
    return Collector(options, open_store(options.db, fsync=options.fsync), Totals(options.db, options.definitions))


def _allow_connections() -> None:
    """Raise our own limit of open files towards the system's; 1024, a usual one, is fewer than a load needs."""
    if sys.platform == "win32":  # has no such limit
        return
    import resource  # noqa: PLC0415  not there on Windows

    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = _CONNECTIONS if hard == resource.RLIM_INFINITY else min(_CONNECTIONS, hard)
    if soft != resource.RLIM_INFINITY and soft < wanted:
        with suppress(OSError, ValueError):
            resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))


def _listen(host: str, port: int) -> socket.socket:
    """A bound socket; what it accepts sends at once.

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
        raise UsageError(
            f"cannot listen on {host}:{port}: {reason}; choose another --port (0 takes a free one) or --host"
        ) from failed
    return listener


def _url(listener: socket.socket) -> str:
    host, port = listener.getsockname()[:2]
    return f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"


class _Server(uvicorn.Server):
    """uvicorn's server, which says when it listens and ends with a return instead of a second signal."""

    def __init__(self, config: uvicorn.Config, url: str) -> None:
        super().__init__(config)
        self._url = url

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets=sockets)
        print(f"listening on {self._url}", flush=True)

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


class _Protocol(HttpToolsProtocol):
    """uvicorn's HTTP/1.1 with bounds on the request line and the headers, which it does not have itself."""

    _head = 0  # bytes of the headers of the current request
    _refusal = (400, "this is not an HTTP/1.1 request")

    def on_message_begin(self) -> None:
        self._head = 0
        super().on_message_begin()

    def on_url(self, url: bytes) -> None:
        super().on_url(url)
        if len(self.url) > MAX_TARGET:
            self._refusal = (414, f"path and query are longer than {MAX_TARGET} bytes")
            raise _OutOfBounds

    def on_header(self, name: bytes, value: bytes) -> None:
        self._head += len(name) + len(value)
        if self._head > MAX_HEADERS:
            self._refusal = (431, f"the headers are larger than {MAX_HEADERS} bytes")
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
