"""What all connections to one collector share: where it is, how long they wait, which replies are known.

The bytes of requests are client.py, what goes over one connection connection.py.
"""

from __future__ import annotations

import socket
import ssl
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Protocol

import gevent
import gevent.socket
from gevent.hub import get_hub

from simulator.load.reply import LIMIT
from simulator.wire.request import Answer

_LOOKED_UP_FOR = 60.0  # seconds that the addresses of a host are kept
_KNOWN_REPLIES, _KNOWN_BYTES = 256, 2_048  # short replies that are recognised without being parsed again
_SHORTEST_SWEEP, _LONGEST_SWEEP = 0.001, 0.25  # seconds between two looks for replies that do not come

Address = tuple[int, Any]  # family, and what `connect` takes


@dataclass(frozen=True, slots=True)
class Limits:
    """How long and how much a client waits for; seconds and bytes."""

    connect: float = 10.0  # names, TCP and TLS together
    reply: float = 60.0  # from the first byte sent to the last received
    reply_bytes: int = LIMIT


class Waiting(Protocol):
    """A connection that waits for a reply."""

    def expire(self) -> None:
        """The time for the reply is up."""
        ...


class Peer:
    """One collector, as its connections know it.

    Args:
        context: how to trust its certificate; None: no TLS.
        now: nanoseconds of the wall clock.
    """

    def __init__(
        self, host: str, port: int, context: ssl.SSLContext | None, limits: Limits, now: Callable[[], int]
    ) -> None:
        self.host, self.port = host, port
        self.context = context
        self.limits = limits
        self.now = now
        self.known: dict[bytes, Answer] = {}  # whole short replies that leave the connection open
        self._addresses: tuple[Address, ...] = ()
        self._looked_up = 0.0
        self._waiting: dict[Waiting, float] = {}  # until when (monotonic), in the order of their sends
        self._sweep: Any = None  # timer that looks for those that have waited too long

    def remember(self, data: bytes, answer: Answer) -> None:
        """Keep what a whole short reply says: most collectors answer with the same bytes again and again."""
        if len(data) <= _KNOWN_BYTES:
            if len(self.known) >= _KNOWN_REPLIES:
                self.known.clear()
            self.known[data] = answer

    def wait(self, connection: Waiting) -> None:
        """The connection waits for a reply from now on: when the time for it is up, it is told to `expire`."""
        self._waiting[connection] = time.monotonic() + self.limits.reply
        if self._sweep is None:
            pause = min(_LONGEST_SWEEP, max(_SHORTEST_SWEEP, self.limits.reply / 16))
            self._sweep = get_hub().loop.timer(pause, pause)
            self._sweep.start(self._expire)

    def done(self, connection: Waiting) -> None:
        """It waits no longer."""
        self._waiting.pop(connection, None)

    def _expire(self) -> None:
        now = time.monotonic()
        while self._waiting:
            connection, until = next(iter(self._waiting.items()))
            if until > now:
                return
            connection.expire()
        self._sweep.stop()
        self._sweep.close()
        self._sweep = None

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
