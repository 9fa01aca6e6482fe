"""The bytes of one connection, plain or in TLS, over a socket that never blocks.

A pipe is told to write and to read; that it cannot now is a value (nothing left to read: None), that the other side
is gone is an OSError. Waiting is client.py's.
"""

from __future__ import annotations

import select
import socket
import ssl
from typing import Protocol

import gevent.monkey

_READ = 65_536
_NOTHING = memoryview(b"")


class Pipe(Protocol):
    """One side of an established connection."""

    @property
    def ended_cleanly(self) -> bool:
        """Whether the other side said that it ends, where the protocol has a word for it."""
        ...

    def write(self, data: bytes) -> memoryview:
        """Hand over a whole message; returns what the socket did not take yet, for `flush`.

        Raises:
            OSError: not one byte of it was taken.
        """
        ...

    def flush(self, rest: memoryview) -> memoryview:
        """Hand over more of what `write` left.

        Raises:
            OSError: the connection broke.
        """
        ...

    def read(self) -> bytes | None:
        """What has arrived; empty at the end of the connection, None when there is nothing now.

        Raises:
            OSError: the connection broke.
        """
        ...

    def is_quiet(self) -> bool:
        """Whether the connection is open and nothing has arrived: fit for a new request. Never raises."""
        ...


class PlainPipe:
    """TCP as it is."""

    ended_cleanly = True  # TCP's end of a stream is its word for it

    def __init__(self, wire: socket.socket) -> None:
        self._wire = wire
        self._arrivals = _arrivals(wire)

    def write(self, data: bytes) -> memoryview:
        taken = self._wire.send(data)
        return _NOTHING if taken == len(data) else memoryview(data)[taken:]

    def flush(self, rest: memoryview) -> memoryview:
        try:
            return rest[self._wire.send(rest) :]
        except BlockingIOError:
            return rest

    def read(self) -> bytes | None:
        try:
            return self._wire.recv(_READ)
        except BlockingIOError:
            return None

    def is_quiet(self) -> bool:
        # Readable is also its end; what is there to read would be a word that nobody asked for.
        return not self._arrivals.poll(0)


class TlsPipe:
    """TLS in memory: what it makes is sent, what arrives is fed to it."""

    def __init__(self, wire: socket.socket, context: ssl.SSLContext, host: str) -> None:
        self._wire = wire
        self._arrived = ssl.MemoryBIO()
        self._leaving = ssl.MemoryBIO()
        self._arrivals = _arrivals(wire)
        self._tls = context.wrap_bio(self._arrived, self._leaving, server_hostname=host)
        self.ended_cleanly = False

    def handshake(self) -> tuple[bool, memoryview]:
        """One step of the handshake: whether it is done, and what must be sent now.

        Raises:
            OSError: the other side broke off, or is not who it should be (ssl.SSLError is one).
        """
        try:
            self._tls.do_handshake()
        except ssl.SSLWantReadError:
            return False, memoryview(self._leaving.read())
        return True, memoryview(self._leaving.read())

    def feed(self) -> None:
        """Take what has arrived for the handshake.

        Raises:
            OSError: the other side broke off.
        """
        data = PlainPipe(self._wire).read()
        if data == b"":
            raise ConnectionResetError("closed during the TLS handshake")
        self._arrived.write(data or b"")

    def write(self, data: bytes) -> memoryview:
        left = memoryview(data)
        while left:
            left = left[self._tls.write(left) :]
        sealed = memoryview(self._leaving.read())
        return sealed[self._wire.send(sealed) :]

    def flush(self, rest: memoryview) -> memoryview:
        return PlainPipe(self._wire).flush(rest)

    def read(self) -> bytes | None:
        while True:
            try:
                data = self._tls.read(_READ)
            except ssl.SSLWantReadError:
                arrived = PlainPipe(self._wire).read()
                if arrived is None:
                    return None
                if arrived:
                    self._arrived.write(arrived)
                else:
                    self._arrived.write_eof()
            except ssl.SSLZeroReturnError:
                self.ended_cleanly = True
                return b""
            except ssl.SSLEOFError:
                return b""
            else:
                self.ended_cleanly = self.ended_cleanly or not data
                return data

    def is_quiet(self) -> bool:
        # Session tickets arrive after the handshake, so bytes on the socket alone mean nothing.
        try:
            waiting = self._arrived.pending or self._tls.pending() or self._arrivals.poll(0)
            return not waiting or self.read() is None
        except OSError:
            return False


def _arrivals(wire: socket.socket) -> select.poll:
    """Tells whether anything is there to read. Locust has replaced select.poll by one that lets others run."""
    poll: select.poll = gevent.monkey.get_original("select", "poll")()
    poll.register(wire, select.POLLIN)
    return poll
