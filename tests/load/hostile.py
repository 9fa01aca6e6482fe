"""A collector that misbehaves on purpose, in real threads on a real socket; it counts the requests that arrive."""

from __future__ import annotations

import socket
import ssl
import struct
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

HERE = Path(__file__).parent
# Of nobody, valid for localhost and 127.0.0.1 until 2126: openssl req -x509 -newkey ec -pkeyopt
# ec_paramgen_curve:prime256v1 -nodes -days 36500 -subj "/CN=mpsim test" -addext subjectAltName=…
CERTIFICATE = HERE / "tls" / "certificate.pem"
KEY = HERE / "tls" / "key.pem"
OK = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"

Behaviour = Callable[["Visit"], None]


class Visit:
    """One accepted connection, as a behaviour sees it."""

    def __init__(self, wire: socket.socket, server: HostileServer) -> None:
        self.wire = wire
        self.server = server

    def request(self) -> bytes:
        """Read one whole request and count it; empty when the client has closed."""
        data = b""
        while b"\r\n\r\n" not in data:
            part = self.wire.recv(65_536)
            if not part:
                return b""
            data += part
        head, _, body = data.partition(b"\r\n\r\n")
        length = next(
            (int(line.split(b":")[1]) for line in head.split(b"\r\n") if line.startswith(b"Content-Length")), 0
        )
        while len(body) < length:
            part = self.wire.recv(65_536)
            if not part:
                return b""
            body += part
        self.server.arrived.append(head + b"\r\n\r\n" + body)
        return self.server.arrived[-1]

    def send(self, data: bytes) -> None:
        self.wire.sendall(data)

    def reset(self) -> None:
        """Close with an RST instead of a FIN."""
        self.wire.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.wire.close()

    def stay(self) -> None:
        """Keep the connection open and silent until the test is over."""
        self.server.over.wait(30)


class HostileServer:
    """Runs one behaviour for each connection that it accepts."""

    def __init__(self, behaviour: Behaviour, *, tls: bool) -> None:
        self.arrived: list[bytes] = []
        self.connections = 0
        self.over = threading.Event()
        self.closed = threading.Semaphore(0)  # released after each connection was closed
        self._behaviour = behaviour
        self._context: ssl.SSLContext | None = None
        if tls:
            self._context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            self._context.load_cert_chain(CERTIFICATE, KEY)
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port: int = self._listener.getsockname()[1]
        self.url = f"{'https' if tls else 'http'}://127.0.0.1:{self.port}"
        self._threads = [threading.Thread(target=self._accept, daemon=True)]
        self._threads[0].start()

    def _accept(self) -> None:
        while True:
            try:
                wire, _ = self._listener.accept()
            except OSError:
                return
            self.connections += 1
            thread = threading.Thread(target=self._serve, args=(wire,), daemon=True)
            self._threads.append(thread)
            thread.start()

    def _serve(self, wire: socket.socket) -> None:
        try:
            if self._context is not None:
                wire = self._context.wrap_socket(wire, server_side=True)
            self._behaviour(Visit(wire, self))
        except OSError:
            pass  # the client hung up; that is its right
        finally:
            wire.close()
            self.closed.release()

    def stop(self) -> None:
        self.over.set()
        self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        for thread in self._threads:
            thread.join(10)


@contextmanager
def hostile(behaviour: Behaviour, *, tls: bool = False) -> Iterator[HostileServer]:
    """A running server with that behaviour."""
    server = HostileServer(behaviour, tls=tls)
    try:
        yield server
    finally:
        server.stop()


def says(reply: bytes) -> Behaviour:
    """Answers every request of a connection with these bytes."""

    def behave(visit: Visit) -> None:
        while visit.request():
            visit.send(reply)

    return behave
