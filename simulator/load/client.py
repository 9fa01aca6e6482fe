"""The transport: one keep-alive connection, a request sent exactly once, an honest word on what came of it.

Other clients send again behind one's back when a connection breaks, and follow redirects; a total can then not be
trusted. Here every byte that leaves is asked for, and trouble of the network is an Answer, never an exception:

    evidence        what happened                                                      bytes of the request
    NO_CONNECTION   no such host, refused, unreachable, no TLS, no connection in time  none left
    TIMEOUT         no complete reply in time, or the request could not be written     may have arrived
    RESET           reset or broken pipe                                               may have arrived
    CLOSED          closed without one byte of a reply                                 may have arrived
    TRUNCATED       closed inside a reply                                              may have arrived
    GARBAGE         a reply that is not HTTP                                           may have arrived
    OVERSIZED       a reply over the bound                                             may have arrived
    REPLY           a complete reply, also a redirect or an error                      arrived

A connection that was closed while it was idle is noticed before the send, and a new one made. Where the news arrives
with the first write, of which the kernel took no byte, that is the same.

What is not here: what an answer means (wire/), waiting for one's turn (course.py), proxies (there is none: HTTP_PROXY
and the like are not read).
"""

from __future__ import annotations

import errno
import os
import socket
import ssl
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Literal
from urllib.parse import urlsplit

import gevent
import gevent.monkey
import gevent.socket
from gevent import getcurrent
from gevent.hub import get_hub

from simulator.errors import EngineError, UsageError
from simulator.load.pipe import Pipe, PlainPipe, TlsPipe
from simulator.load.reply import LIMIT, ReplyReader
from simulator.wire.request import Answer, Evidence, Request

_READ_EVENT, _WRITE_EVENT = 1, 2  # of libev
_LOOKED_UP_FOR = 60.0  # seconds that the addresses of a host are kept
_KNOWN_REPLIES, _KNOWN_BYTES = 256, 2_048  # short replies that are recognised without being parsed again
_KNOWN_HEADS = 4_096
# The machine that sends has run out of something: no word on the collector.
_OWN_SHORTAGE = {errno.EMFILE, errno.ENFILE, errno.ENOBUFS, errno.ENOMEM, errno.EADDRNOTAVAIL}

Address = tuple[int, Any]  # family, and what `connect` takes


@dataclass(frozen=True, slots=True)
class Limits:
    """How long and how much a client waits for; seconds and bytes."""

    connect: float = 10.0  # names, TCP and TLS together
    reply: float = 60.0  # from the first byte sent to the last received
    reply_bytes: int = LIMIT


class Client:
    """One collector and how to talk to it; makes connections, which share what is known about it.

    Args:
        now: nanoseconds of the wall clock, for `Connection.sent_ns`.
        context: how to trust the collector's certificate; None: the system's authorities.

    Raises:
        UsageError: the URL is not http or https with a host and nothing behind the port.
    """

    def __init__(
        self,
        url: str,
        limits: Limits | None = None,
        *,
        now: Callable[[], int] = time.time_ns,
        context: ssl.SSLContext | None = None,
    ) -> None:
        self.limits = limits or Limits()
        self.now = now
        self.scheme, self.host, self.port = split_url(url)
        bracketed = f"[{self.host}]" if ":" in self.host else self.host
        usual = {"http": 80, "https": 443}[self.scheme]
        self._authority = bracketed if self.port == usual else f"{bracketed}:{self.port}"
        self.context = (context or ssl.create_default_context()) if self.scheme == "https" else None
        self.known: dict[bytes, Answer] = {}  # whole short replies that leave the connection open
        self._heads: dict[tuple[tuple[str, str], ...], bytes] = {}
        self._addresses: tuple[Address, ...] = ()
        self._looked_up = 0.0

    def connection(self) -> Connection:
        """A connection that opens with its first request."""
        return Connection(self)

    def is_reachable(self) -> bool:
        """Whether the collector takes a connection (and vouches for itself, over TLS); nothing is sent.

        Raises:
            EngineError: as `Connection.send`.
        """
        connection = self.connection()
        try:
            return connection.open()
        finally:
            connection.close()

    def encode(self, request: Request) -> bytes:
        """The bytes of a request.

        Raises:
            EngineError: a target, method or header that HTTP cannot carry; that is a fault of the adapter.
        """
        head = self._heads.get(request.headers)
        if head is None:
            head = self._head(request)
        line = f"{request.method} {request.target} HTTP/1.1\r\n"
        if not line.isascii() or line.count(" ") != 2 or line.count("\n") != 1 or line.count("\r") != 1:
            raise EngineError(f"visitor {request.visitor}: no request line can say {line[:200]!r}")
        body = request.body
        if body or request.method not in {"GET", "HEAD", "DELETE", "OPTIONS"}:
            return b"%b%bContent-Length: %d\r\n\r\n%b" % (line.encode(), head, len(body), body)
        return line.encode() + head + b"\r\n"

    def remember(self, data: bytes, answer: Answer) -> None:
        """Keep what a whole short reply says: most collectors answer with the same bytes again and again."""
        if len(data) <= _KNOWN_BYTES:
            if len(self.known) >= _KNOWN_REPLIES:
                self.known.clear()
            self.known[data] = answer

    def addresses(self) -> tuple[Address, ...]:
        """Where the host is.

        Raises:
            OSError: nobody knows.
        """
        if not self._addresses or time.monotonic() - self._looked_up > _LOOKED_UP_FOR:
            found = gevent.socket.getaddrinfo(self.host, self.port, type=socket.SOCK_STREAM)
            self._addresses = tuple((family, address) for family, _, _, _, address in found)
            self._looked_up = time.monotonic()
        return self._addresses

    def _head(self, request: Request) -> bytes:
        lines = [f"Host: {self._authority}", *(f"{name}: {value}" for name, value in request.headers)]
        if any("\r" in line or "\n" in line for line in lines):
            raise EngineError(f"visitor {request.visitor}: a header with a line break: {request.headers!r}")
        head = "".join(f"{line}\r\n" for line in lines).encode()
        if len(self._heads) >= _KNOWN_HEADS:
            self._heads.clear()
        self._heads[request.headers] = head
        return head


class Connection:
    """A connection of one lane: it opens when it is needed and stays open between requests.

    Not for two greenlets at once.
    """

    def __init__(self, client: Client) -> None:
        self._client = client
        self._hub = get_hub()
        self._patience = self._hub.loop.timer(client.limits.reply, client.limits.reply)
        self._pipe: Pipe | None = None
        self._wire: socket.socket | None = None
        self._readable: Any = None
        self._writable: Any = None
        self.sent_ns = 0  # when the first byte of the latest request was handed over; 0: none was

    def send(self, data: bytes, method: str = "GET") -> Answer:
        """Send a request exactly once and say what came of it. Never raises for trouble of the network.

        Raises:
            EngineError: this machine has run out of file descriptors, ports or memory.
            gevent.GreenletExit: the greenlet was killed meanwhile; the connection is closed.
        """
        self.sent_ns = 0
        try:
            rest = self._write(data) if self._pipe is not None and self._pipe.is_quiet() else None
            if rest is None:
                self.close()
                rest = self._write(data) if self._connect() else None
            if rest is None:
                self.close()
                return Answer(Evidence.NO_CONNECTION)
            return self._receive(rest, method)
        except BaseException:
            self.close()
            raise

    def open(self) -> bool:
        """Connect without sending anything, unless it is done; False when nobody answers.

        Raises:
            EngineError: as `send`.
        """
        return self._pipe is not None or self._connect()

    def close(self) -> None:
        """Close it; the next request opens a new one."""
        for watcher in (self._readable, self._writable):
            if watcher is not None:
                watcher.stop()
                watcher.close()
        self._pipe = self._readable = self._writable = None
        if self._wire is not None:
            self._wire.close()
            self._wire = None

    # ---- one request ----

    def _write(self, data: bytes) -> memoryview | None:
        """Begin to write; what is left of it, or None when not one byte was taken."""
        assert self._pipe is not None
        started = self._client.now()
        try:
            rest = self._pipe.write(data)
        except OSError:
            return None
        self.sent_ns = started
        return rest

    def _receive(self, rest: memoryview, method: str) -> Answer:
        """The answer to a request of which at least one byte was written; `rest` is still to be."""
        client, pipe = self._client, self._pipe
        assert pipe is not None
        if rest and (answer := self._write_rest(rest, method)) is not None:
            self.close()
            return answer
        deadline = time.monotonic() + client.limits.reply
        if not self._wait_for_reply():
            self.close()
            return Answer(Evidence.TIMEOUT)
        reader: ReplyReader | None = None
        while True:
            try:
                data = pipe.read()
            except OSError:
                self.close()
                return Answer(Evidence.RESET)
            if data is None:
                if self._wait_until(self._readable, deadline):
                    continue
                self.close()
                return Answer(Evidence.TIMEOUT)
            if reader is None:
                if (known := client.known.get(data)) is not None and method != "HEAD":
                    return known
                reader = ReplyReader(method, client.limits.reply_bytes)
            first = not reader.started
            replied = reader.feed(data) if data else reader.end(clean=pipe.ended_cleanly)
            if replied is None:
                continue
            if not reader.reusable or replied.evidence is not Evidence.REPLY:
                self.close()
            elif first:
                client.remember(data, replied)
            return replied

    def _write_rest(self, rest: memoryview, method: str) -> Answer | None:
        """Write what is left; None when all of it is written and the reply is still to come."""
        assert self._pipe is not None
        deadline = time.monotonic() + self._client.limits.reply
        while rest:
            if not self._wait_until(self._writable, deadline):
                return self._last_words(method) or Answer(Evidence.TIMEOUT)
            try:
                rest = self._pipe.flush(rest)
            except OSError:
                return self._last_words(method) or Answer(Evidence.RESET)
        return None

    def _last_words(self, method: str) -> Answer | None:
        """A collector may refuse a body half-way: its whole reply can be here although the request never ended."""
        assert self._pipe is not None
        reader = ReplyReader(method, self._client.limits.reply_bytes)
        try:
            while data := self._pipe.read():
                if (answer := reader.feed(data)) is not None:
                    return answer
        except OSError:
            pass
        return None

    # ---- connecting ----

    def _connect(self) -> bool:
        deadline = time.monotonic() + self._client.limits.connect
        try:
            with gevent.Timeout(self._client.limits.connect, TimeoutError("no address in time")):
                addresses = self._client.addresses()
        except (OSError, UnicodeError):
            return False
        trouble: list[int] = []
        for address in addresses:
            try:
                self._pipe = self._connect_to(address, deadline)
            except OSError as reason:
                self.close()
                trouble.append(reason.errno or 0)
            else:
                return True
        if all(code in _OWN_SHORTAGE for code in trouble):
            raise EngineError(
                f"this machine cannot open another connection ({os.strerror(trouble[-1])}); raise `ulimit -n`, "
                "or send from more machines"
            )
        return False

    def _connect_to(self, address: Address, deadline: float) -> Pipe:
        family, where = address
        self._wire = wire = _socket(family)
        wire.setblocking(False)
        wire.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._readable = self._hub.loop.io(wire.fileno(), _READ_EVENT)
        self._writable = self._hub.loop.io(wire.fileno(), _WRITE_EVENT)
        code = wire.connect_ex(where)
        if code == errno.EINPROGRESS:
            ready = self._wait_until(self._writable, deadline)
            code = wire.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR) if ready else errno.ETIMEDOUT
        if code:
            raise OSError(code, os.strerror(code))
        if wire.getsockname() == wire.getpeername():
            raise ConnectionRefusedError("nobody listens: on a free local port a socket can meet itself")
        return self._secure(wire, deadline)

    def _secure(self, wire: socket.socket, deadline: float) -> Pipe:
        context = self._client.context
        if context is None:
            return PlainPipe(wire)
        pipe = TlsPipe(wire, context, self._client.host)
        while True:
            done, leaving = pipe.handshake()
            while leaving:
                leaving = pipe.flush(leaving)
                if leaving and not self._wait_until(self._writable, deadline):
                    raise TimeoutError("no TLS handshake in time")
            if done:
                return pipe
            if not self._wait_until(self._readable, deadline):
                raise TimeoutError("no TLS handshake in time")
            pipe.feed()

    # ---- waiting ----

    def _wait_for_reply(self) -> bool:
        """Let others run until the socket is readable (True) or the time for a reply is up (False)."""
        lane = getcurrent()
        self._readable.start(lane.switch, True)
        self._patience.again(lane.switch, False)  # a started timer would go on from where it stopped
        try:
            return bool(self._hub.switch())
        finally:
            self._readable.stop()
            self._patience.stop()

    def _wait_until(self, watcher: Any, deadline: float) -> bool:
        """Let others run until the socket is ready (True) or the instant has passed (False)."""
        left = deadline - time.monotonic()
        if left <= 0:
            return False
        lane = getcurrent()
        timer = self._hub.loop.timer(left)
        watcher.start(lane.switch, True)
        timer.start(lane.switch, False)
        try:
            return bool(self._hub.switch())
        finally:
            watcher.stop()
            timer.stop()
            timer.close()


def send_once(client: Client, request: Request) -> Answer:
    """Send one request on a connection of its own, and close that."""
    connection = client.connection()
    try:
        return connection.send(client.encode(request), request.method)
    finally:
        connection.close()


def split_url(url: str) -> tuple[Literal["http", "https"], str, int]:
    """Scheme, host and port of a collector's URL.

    Raises:
        UsageError: not http or https, no host, a port that is none, or anything behind it.
    """
    try:
        parts = urlsplit(url)
        host, port = parts.hostname, parts.port
    except ValueError as wrong:
        raise UsageError(f"the target {url!r} is no URL: {wrong}") from wrong
    rest = (parts.path.rstrip("/"), parts.query, parts.fragment, parts.username)
    if parts.scheme not in {"http", "https"} or not host or any(rest):
        raise UsageError(f"the target is {url!r}; expected such as http://127.0.0.1:8080")
    if parts.scheme == "https":
        return "https", host, 443 if port is None else port
    return "http", host, 80 if port is None else port


def _socket(family: int) -> socket.socket:
    # Locust has replaced socket.socket; gevent's waits in ways of its own, which cost more than ours.
    made: socket.socket = gevent.monkey.get_original("socket", "socket")(family, socket.SOCK_STREAM)
    return made
