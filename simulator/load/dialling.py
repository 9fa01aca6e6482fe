"""Connecting to a collector: its addresses one after another, TLS where the URL says so.

All of it waits in the calling greenlet, up to the limit for connecting. What goes over the connection is
connection.py.
"""

from __future__ import annotations

import errno
import os
import socket
import time
from dataclasses import dataclass

import gevent
import gevent.monkey
from gevent import getcurrent
from gevent.hub import get_hub

from simulator.errors import EngineError
from simulator.load.peer import Address, Peer
from simulator.load.pipe import Pipe, PlainPipe, TlsPipe

READ, WRITE = 1, 2  # events of libev
# The machine that sends has run out of something: no word on the collector.
_OWN_SHORTAGE = {errno.EMFILE, errno.ENFILE, errno.ENOBUFS, errno.ENOMEM, errno.EADDRNOTAVAIL}


@dataclass(frozen=True, slots=True)
class Line:
    """An established connection."""

    wire: socket.socket  # never blocks
    pipe: Pipe


def dial(peer: Peer) -> Line | None:
    """Connect; None when nobody answers, or not in time, or not as who they should be.

    Raises:
        EngineError: this machine has run out of file descriptors, ports or memory.
    """
    deadline = time.monotonic() + peer.limits.connect
    try:
        with gevent.Timeout(peer.limits.connect, TimeoutError("no address in time")):
            addresses = peer.addresses()
    except (OSError, UnicodeError):
        return None
    trouble: list[int] = []
    for address in addresses:
        try:
            return _dial(peer, address, deadline)
        except OSError as reason:
            trouble.append(reason.errno or 0)
    if all(code in _OWN_SHORTAGE for code in trouble):
        raise EngineError(
            f"this machine cannot open another connection ({os.strerror(trouble[-1])}); raise `ulimit -n`, "
            "or send from more machines"
        )
    return None


def _dial(peer: Peer, address: Address, deadline: float) -> Line:
    family, where = address
    wire = _socket(family)
    try:
        _reach(wire, where, deadline)
        return Line(wire, _secure(peer, wire, deadline))
    except BaseException:
        wire.close()
        raise


def _reach(wire: socket.socket, where: object, deadline: float) -> None:
    wire.setblocking(False)
    wire.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    code = wire.connect_ex(where)  # type: ignore[arg-type]  # what getaddrinfo gave for this family
    if code == errno.EINPROGRESS:
        ready = wait_until(wire, WRITE, deadline)
        code = wire.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR) if ready else errno.ETIMEDOUT
    if code:
        raise OSError(code, os.strerror(code))
    if wire.getsockname() == wire.getpeername():
        raise ConnectionRefusedError("nobody listens: on a free local port a socket can meet itself")


def _secure(peer: Peer, wire: socket.socket, deadline: float) -> Pipe:
    if peer.context is None:
        return PlainPipe(wire)
    pipe = TlsPipe(wire, peer.context, peer.host)
    while True:
        done, leaving = pipe.handshake()
        while leaving:
            leaving = pipe.flush(leaving)
            if leaving and not wait_until(wire, WRITE, deadline):
                raise TimeoutError("no TLS handshake in time")
        if done:
            return pipe
        if not wait_until(wire, READ, deadline):
            raise TimeoutError("no TLS handshake in time")
        pipe.feed()


def wait_until(wire: socket.socket, event: int, deadline: float | None = None) -> bool:
    """Let others run until the socket is ready (True) or the instant (monotonic seconds) has passed (False)."""
    seconds = None if deadline is None else deadline - time.monotonic()
    if seconds is not None and seconds <= 0:
        return False
    hub, waiting = get_hub(), getcurrent()
    watcher = hub.loop.io(wire.fileno(), event)
    timer = None if seconds is None else hub.loop.timer(seconds)
    watcher.start(waiting.switch, True)
    if timer is not None:
        timer.start(waiting.switch, False)
    try:
        return bool(hub.switch())
    finally:
        for one in (watcher, timer):
            if one is not None:
                one.stop()
                one.close()


def _socket(family: int) -> socket.socket:
    # Locust has replaced socket.socket; gevent's waits in ways of its own, which cost more than ours.
    made: socket.socket = gevent.monkey.get_original("socket", "socket")(family, socket.SOCK_STREAM)
    return made
