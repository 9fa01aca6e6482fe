"""The transport: one collector, the bytes of a request to it, and what an answer can be.

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

What is not here: a single connection (connection.py), what connections share (peer.py), what an answer means (wire/),
waiting for one's turn (course.py), proxies (there is none: HTTP_PROXY and the like are not read).
"""

from __future__ import annotations

import ssl
import time
from collections.abc import Callable
from typing import Literal
from urllib.parse import urlsplit

from simulator.errors import EngineError, UsageError
from simulator.load.connection import Connection
from simulator.load.peer import Limits, Peer
from simulator.wire.request import Answer, Request

__all__ = ["Client", "Limits", "send_once", "split_url"]

_KNOWN_HEADS = 4_096
_BODILESS = frozenset({"GET", "HEAD", "DELETE", "OPTIONS"})
_NOTHING: tuple[None, bytes] = (None, b"")

Headers = tuple[tuple[str, str], ...]


class Client(Peer):
    """One collector and how to talk to it; makes connections, which share what is known about it (peer.py).

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
        self.scheme, host, port = split_url(url)
        trust = (context or ssl.create_default_context()) if self.scheme == "https" else None
        super().__init__(host, port, trust, limits or Limits(), now)
        bracketed = f"[{host}]" if ":" in host else host
        usual = {"http": 80, "https": 443}[self.scheme]
        self._authority = bracketed if port == usual else f"{bracketed}:{port}"
        self._heads: dict[Headers, bytes] = {}  # as lines
        self._latest: dict[int, tuple[Headers, bytes]] = {}  # the same by the id of the tuple: hashing it costs more

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
        headers = request.headers
        known, head = self._latest.get(id(headers), _NOTHING)
        if known is not headers:
            head = self._head(request)
        try:
            target = request.target.encode("ascii")
        except UnicodeEncodeError:
            raise self._unspeakable(request) from None
        body = request.body
        if body or request.method not in _BODILESS:
            head = b"%bContent-Length: %d\r\n" % (head, len(body))
        elif request.method == "GET":
            if b" " in target or b"\n" in target or b"\r" in target:
                raise self._unspeakable(request)
            return b"GET %b HTTP/1.1\r\n%b\r\n" % (target, head)
        line = b"%b %b HTTP/1.1\r\n" % (request.method.encode(), target)
        if line.count(b" ") != 2 or line.count(b"\n") != 1 or line.count(b"\r") != 1:
            raise self._unspeakable(request)
        return b"%b%b\r\n%b" % (line, head, body)

    def _unspeakable(self, request: Request) -> EngineError:
        line = f"{request.method} {request.target}"
        return EngineError(f"visitor {request.visitor}: no request line can say {line[:200]!r}")

    def _head(self, request: Request) -> bytes:
        """The lines of the headers; an adapter uses the same few tuples again and again."""
        headers = request.headers
        head = self._heads.get(headers)
        if head is None:
            lines = [f"Host: {self._authority}", *(f"{name}: {value}" for name, value in headers)]
            if any("\r" in line or "\n" in line for line in lines):
                raise EngineError(f"visitor {request.visitor}: a header with a line break: {headers!r}")
            head = "".join(f"{line}\r\n" for line in lines).encode()
            if len(self._heads) >= _KNOWN_HEADS:
                self._heads.clear()
            self._heads[headers] = head
        if len(self._latest) >= _KNOWN_HEADS:
            self._latest.clear()
        # The tuple is kept beside its lines, so that its id is not taken by another one.
        self._latest[id(headers)] = headers, head
        return head


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
