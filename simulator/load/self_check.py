"""The self-check that is run before every load: the transport sends once, and calls what came back by its name.

A small server on loopback reads each request in full, counts it, and then misbehaves in every way that other clients
answer with a second send. What arrived more than once, or is called by another outcome than the table says, makes the
load not start: every total would be wrong in a way that no ledger shows.

    python -m simulator.load.self_check    prints the table; exit 0, or 7 where a row is wrong

What a reply means is the contract's: a load is checked with the replies of its own, and with its adapter's word on
them.
"""

from __future__ import annotations

import json
import socket
import struct
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from itertools import product
from typing import Any

import gevent
import gevent.socket
from gevent.server import StreamServer

from simulator.contract import BodyRule, BodyValue, Replies
from simulator.errors import EngineError
from simulator.finding import ExitCode
from simulator.load.client import Client, Connection, Limits
from simulator.times import Ms
from simulator.wire.outcome import DEFAULT_REPLIES, classify
from simulator.wire.request import Answer, Evidence, Outcome, Purpose, Request

_STALL = 0.03  # seconds: a client that gives up later than the server answers would be no stall
_PATIENCE = 5.0  # seconds where an answer does come: even a machine that is busy elsewhere gets it in time
_REPLY_BYTES = 20_000
_OK = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"
_GIANT = b"HTTP/1.1 200 OK\r\nContent-Length: 4000000000\r\n\r\n"

# A body rule to be tried where the contract has none.
_WITH_BODY = Replies(body=BodyRule("code", acked=(0,), refused=(40001,)))
_BODILESS = {204, 205, 304}

Wire = Any  # a gevent socket
Behaviour = Callable[[Wire], bool]  # after a full request; False: the connection is over


@dataclass(frozen=True, slots=True)
class Case:
    """One way to misbehave, and what an honest transport makes of it."""

    name: str
    evidence: Evidence
    outcome: Outcome
    status: int = 0
    behave: Behaviour | None = None  # None: nobody listens
    before: int = 0  # requests that are answered well on the same connection first
    is_example: bool = False  # judged by an example of replies, where the contract has no rule for bodies


@dataclass(frozen=True, slots=True)
class Checked:
    """What one case came to."""

    case: Case
    method: str
    arrivals: int  # of the request in question; it was sent once
    answer: Answer
    outcome: Outcome  # as the answer was understood

    @property
    def expected_arrivals(self) -> int:
        return 0 if self.case.behave is None else 1

    @property
    def is_right(self) -> bool:
        """Whether it arrived once (a refused one never) and was called by its name."""
        case = self.case
        return (self.arrivals, self.answer.evidence, self.answer.status, self.outcome) == (
            self.expected_arrivals,
            case.evidence,
            case.status,
            case.outcome,
        )

    def __str__(self) -> str:
        seen = str(self.answer.status) if self.answer.status else self.answer.evidence.name.lower().replace("_", " ")
        times = {0: "no arrival", 1: "1 arrival"}.get(self.arrivals, f"{self.arrivals} arrivals")
        return f"{self.method} {self.case.name}: {times}, {seen}, {self.outcome.name.lower()}"


def _says(status: int, *headers: bytes, body: bytes = b"") -> Behaviour:
    body = b"" if status in _BODILESS else body
    lines = [b"HTTP/1.1 %d Said" % status, *headers]
    if status not in _BODILESS:
        lines.append(b"Content-Length: %d" % len(body))
    reply = b"\r\n".join(lines) + b"\r\n\r\n" + body

    def behave(wire: Wire) -> bool:
        wire.sendall(reply)
        return True

    return behave


def _closes(_: Wire) -> bool:
    return False


def _resets(wire: Wire) -> bool:
    wire.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    return False


def _half_a_reply(wire: Wire) -> bool:
    wire.sendall(_OK[:-1])
    return False


def _stalls(_: Wire) -> bool:
    return True  # and says nothing: it reads until the client has enough


def _stalls_inside(wire: Wire) -> bool:
    wire.sendall(_OK[:-1])
    return True


def _garbage(wire: Wire) -> bool:
    wire.sendall(b"SSH-2.0-OpenSSH_9.2\r\n")
    return False


def _giant(wire: Wire) -> bool:
    wire.sendall(_GIANT + bytes(2 * _REPLY_BYTES))
    return True


def _is_well(wire: Wire) -> bool:
    wire.sendall(_OK)
    return True


IDLE = "closed while idle"
_UNKNOWN, _REFUSED, _ACKED = Outcome.UNKNOWN, Outcome.REFUSED, Outcome.ACKED
_WITHOUT_REPLY = (
    Case("closed after a full request", Evidence.CLOSED, _UNKNOWN, 0, _closes),
    Case("closed after a full request on a kept connection", Evidence.CLOSED, _UNKNOWN, 0, _closes, before=1),
    Case("reset after a full request", Evidence.RESET, _UNKNOWN, 0, _resets),
    Case("reset after a full request on a kept connection", Evidence.RESET, _UNKNOWN, 0, _resets, before=1),
    Case("half a reply", Evidence.TRUNCATED, _UNKNOWN, 0, _half_a_reply),
    Case("a stall", Evidence.TIMEOUT, _UNKNOWN, 0, _stalls),
    Case("a stall inside the reply", Evidence.TIMEOUT, _UNKNOWN, 0, _stalls_inside),
    Case("not HTTP", Evidence.GARBAGE, _UNKNOWN, 0, _garbage),
    Case("a giant body", Evidence.OVERSIZED, _UNKNOWN, 0, _giant),
    Case("nobody listens", Evidence.NO_CONNECTION, _REFUSED, 0),
)
# Replies whose status says it all, each with a header that tempts a client to send again.
_STATUSES: tuple[tuple[str, int, tuple[bytes, ...]], ...] = (
    ("302 to the same server", 302, (b"Location: /elsewhere",)),
    ("307 to the same server", 307, (b"Location: /elsewhere",)),
    ("403", 403, ()),
    ("429", 429, (b"Retry-After: 0",)),
    ("500", 500, ()),
    ("503", 503, (b"Retry-After: 0",)),
)


def cases(replies: Replies = DEFAULT_REPLIES) -> tuple[Case, ...]:
    """Every way to misbehave, and what it is called where the collector's replies mean that."""
    good, rule = replies.acked[0], replies.body
    yes = b"ok" if rule is None else _body(rule, rule.acked[0])
    well = _says(good, body=yes)
    # A status that never has a body cannot fulfil a rule for bodies.
    acked = _ACKED if rule is None or good not in _BODILESS else _UNKNOWN
    return (
        Case("answered", Evidence.REPLY, acked, good, well),
        *_bodies(replies),
        *_WITHOUT_REPLY,
        *(
            Case(name, Evidence.REPLY, _promised(status, replies), status, _says(status, *headers))
            for name, status, headers in _STATUSES
        ),
        # A connection that was closed while it was idle is no failure of the request: a new one carries it, once.
        Case(IDLE, Evidence.REPLY, acked, good, well, before=1),
    )


def _promised(status: int, replies: Replies) -> Outcome:
    """What a reply with this status and no body promises."""
    if status in replies.acked:
        return _ACKED if replies.body is None else _UNKNOWN
    return _REFUSED if status in replies.refused else _UNKNOWN


def _bodies(replies: Replies) -> Iterator[Case]:
    """Good statuses whose bodies say something else."""
    is_example = replies.body is None
    tried = _WITH_BODY if replies.body is None else replies
    rule, good = tried.body, tried.acked[0]
    assert rule is not None
    if good in _BODILESS:
        return
    no: BodyValue = rule.refused[0] if rule.refused else "neither of them"
    said = _REFUSED if rule.refused or rule.other == "refused" else _UNKNOWN
    for name, body, outcome in (
        ("a good status whose body says no", _body(rule, no), said),
        ("a good status whose body says nothing", b"ok", _UNKNOWN),
    ):
        yield Case(name, Evidence.REPLY, outcome, good, _says(good, body=body), is_example=is_example)


def _body(rule: BodyRule, value: BodyValue) -> bytes:
    return json.dumps({rule.key: value}).encode()


class _HostileServer:
    """Counts the requests that arrive by the name in their path, and misbehaves as that says."""

    def __init__(self) -> None:
        self.arrivals: dict[bytes, int] = {}
        self.stray = 0  # requests that nobody sent, such as a redirect that was followed
        self._behaviours: dict[bytes, Behaviour] = {}
        self._serving = 0  # connections
        self._server = StreamServer(("127.0.0.1", 0), self._serve)
        self._server.start()

    @property
    def port(self) -> int:
        return int(self._server.server_port)

    def expect(self, path: bytes, behave: Behaviour) -> None:
        """Behave so after the request of this path."""
        self._behaviours[path] = behave
        self.arrivals[path] = 0

    def settle(self, path: bytes) -> None:
        """Wait until the request of this path has arrived and no connection is served any more.

        A client that gives up early may be gone before its request was read.
        """
        deadline = time.monotonic() + _PATIENCE
        while (self._serving or not self.arrivals[path]) and time.monotonic() < deadline:
            gevent.sleep(0.001)

    def stop(self) -> None:
        self._server.stop(timeout=0)

    def _serve(self, wire: Wire, _: object) -> None:
        self._serving += 1
        try:
            while path := _read_request(wire):
                behave = self._behaviours.get(path)
                if behave is None:
                    self.stray += 1
                    return
                self.arrivals[path] += 1
                if not behave(wire):
                    return
        except OSError:
            pass  # the client hung up; that is its right
        finally:
            wire.close()
            self._serving -= 1


def _read_request(wire: Wire) -> bytes:
    """Read one whole request; its path, empty when the client has closed."""
    data = b""
    while b"\r\n\r\n" not in data:
        part = wire.recv(65_536)
        if not part:
            return b""
        data += part
    head, _, body = data.partition(b"\r\n\r\n")
    lengths = [int(line.split(b":")[1]) for line in head.split(b"\r\n") if line.lower().startswith(b"content-length")]
    missing = sum(lengths) - len(body)
    while missing > 0:
        part = wire.recv(65_536)
        if not part:
            return b""
        missing -= len(part)
    return head.split(b" ", 2)[1]


Transport = Callable[[Connection, Client, Request], Answer]
Judge = Callable[[Answer], Outcome]


def send(connection: Connection, client: Client, request: Request) -> Answer:
    """The transport of the load: what every lane does."""
    return connection.send(client.encode(request), request.method)


def check_transport(
    transport: Transport = send, judge: Judge = classify, replies: Replies = DEFAULT_REPLIES
) -> tuple[Checked, ...]:
    """Try every case by GET and by POST; what they came to, in the order of the table.

    Args:
        judge: what an answer tells, as the load will say it: the adapter's `outcome`.
        replies: of the contract; what `judge` must say.

    Raises:
        EngineError: this machine cannot open the sockets for it.
    """
    return tuple(_checks(transport, judge, replies))


def assert_sends_once(transport: Transport = send, judge: Judge = classify, replies: Replies = DEFAULT_REPLIES) -> None:
    """The check before a load; see `check_transport`.

    Raises:
        EngineError: a request arrived more than once, or was called by another outcome than it had.
    """
    wrong = [one for one in check_transport(transport, judge, replies) if not one.is_right]
    if wrong:
        raise EngineError(
            f"the transport's self-check failed, so nothing was sent: {wrong[0]}; expected {_expected(wrong[0])}"
            + (f", and {len(wrong) - 1} more (python -m simulator.load.self_check)" if len(wrong) > 1 else "")
        )


def _checks(transport: Transport, judge: Judge, replies: Replies) -> Iterator[Checked]:
    with _hostile() as server:
        for number, (case, method) in enumerate(product(cases(replies), ("GET", "POST"))):
            understood = partial(classify, replies=_WITH_BODY) if case.is_example else judge
            yield _check(server, case, method, f"/{number}", transport, understood)


def _check(server: _HostileServer, case: Case, method: str, path: str, transport: Transport, judge: Judge) -> Checked:
    behave = case.behave
    port = server.port if behave is not None else _free_port()
    stalls = case.evidence is Evidence.TIMEOUT
    limits = Limits(connect=_PATIENCE, reply=_STALL if stalls else _PATIENCE, reply_bytes=_REPLY_BYTES)
    client = Client(f"http://127.0.0.1:{port}", limits)
    connection = client.connection()
    first = f"{path}/first"
    server.expect(first.encode(), _closes_when_read if case.name == IDLE else _is_well)
    server.expect(path.encode(), behave or _is_well)
    strays = server.stray
    try:
        if case.before:
            transport(connection, client, _request(method, first))
        if case.name == IDLE:
            server.settle(first.encode())
        answer = transport(connection, client, _request(method, path))
    finally:
        connection.close()
    if behave is not None:
        server.settle(path.encode())
    return Checked(case, method, server.arrivals[path.encode()] + server.stray - strays, answer, judge(answer))


def _closes_when_read(wire: Wire) -> bool:
    wire.sendall(_OK)
    return False


def _request(method: str, path: str) -> Request:
    body = b"{}" if method == "POST" else b""
    return Request(0, 0, Purpose.EVENT, Ms(0), method, path, (), body, ())


@contextmanager
def _hostile() -> Iterator[_HostileServer]:
    try:
        server = _HostileServer()
    except OSError as reason:
        raise EngineError(f"the transport's self-check cannot listen on loopback: {reason.strerror}") from reason
    try:
        yield server
    finally:
        server.stop()


def _free_port() -> int:
    """A port on which nobody listens."""
    with gevent.socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        return int(taken.getsockname()[1])


def _expected(one: Checked) -> str:
    arrivals = "no arrival" if one.expected_arrivals == 0 else "1 arrival"
    return f"{arrivals}, {one.case.outcome.name.lower()}"


def main(checked: Sequence[Checked] | None = None) -> int:
    """Print the table; the exit code."""
    rows = check_transport() if checked is None else checked
    for row in rows:
        print(f"{'ok  ' if row.is_right else 'FAIL'}  {row}" + ("" if row.is_right else f"; expected {_expected(row)}"))
    wrong = sum(not row.is_right for row in rows)
    print(f"the transport sends once: {len(rows) - wrong} of {len(rows)} cases are as they must be")
    return ExitCode.OWN_FAULT if wrong else ExitCode.PASS


if __name__ == "__main__":
    sys.exit(main())
