"""The self-check that is run before every load: the transport sends once, and calls what came back by its name.

A small server on loopback reads each request in full, counts it, and then misbehaves in every way that other clients
answer with a second send (misbehaving.py). What arrived more than once, or is called by another outcome than the table
says, makes the load not start: every total would be wrong in a way that no ledger shows.

    python -m simulator.load.self_check    prints the table, plain and over TLS; exit 0, or 7 where a row is wrong

A load is checked as it will be sent: over TLS where its collector is, with the replies of its contract, and with its
adapter's word on them, which may be more careful than the contract and never less.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cache, partial
from itertools import product
from pathlib import Path
from ssl import PROTOCOL_TLS_SERVER, SSLContext, create_default_context
from typing import Any

import gevent
import gevent.socket
import gevent.ssl
from gevent.server import StreamServer

from simulator.contract import Replies
from simulator.errors import EngineError
from simulator.finding import ExitCode
from simulator.load.client import Client, Limits
from simulator.load.connection import Connection
from simulator.load.misbehaving import (
    REPLY_BYTES,
    WITH_BODY,
    Behaviour,
    Case,
    Wire,
    cases,
    closes_when_read,
    is_well,
)
from simulator.times import Ms
from simulator.traffic.opened import OpenedRun
from simulator.wire.outcome import DEFAULT_REPLIES, classify
from simulator.wire.request import Answer, Evidence, Outcome, Purpose, Request

# Key and certificate of nobody, valid for localhost and 127.0.0.1 until 2125: openssl req -x509 -newkey ec -pkeyopt
# ec_paramgen_curve:prime256v1 -nodes -days 36500 -subj "/CN=mpsim self-check" -addext subjectAltName=…
_CERTIFICATE = Path(__file__).with_suffix(".pem")
_STALL = 0.03  # seconds: a client that gives up later than the server answers would be no stall
_PATIENCE = 5.0  # seconds where an answer does come: even a machine that is busy elsewhere gets it in time


@dataclass(frozen=True, slots=True)
class Checked:
    """What one case came to."""

    case: Case
    method: str
    arrivals: int  # of the request in question; it was sent once
    answer: Answer
    outcome: Outcome  # as the answer was understood
    tls: bool = False

    @property
    def is_right(self) -> bool:
        """Whether it arrived once (a refused one never) and was called by its name."""
        case = self.case
        return (self.arrivals, self.answer.evidence, self.answer.status, self.outcome) == (
            case.arrivals,
            case.evidence,
            case.status,
            case.outcome,
        )

    def __str__(self) -> str:
        seen = str(self.answer.status) if self.answer.status else self.answer.evidence.name.lower().replace("_", " ")
        how = "over TLS, " if self.tls else ""
        return f"{self.method} {self.case.name}: {how}{_times(self.arrivals)}, {seen}, {self.outcome.name.lower()}"


class _HostileServer:
    """Counts the requests that arrive by the name in their path, and misbehaves as that says."""

    def __init__(self, context: Any = None) -> None:
        self.arrivals: dict[bytes, int] = {}
        self.stray = 0  # requests that nobody sent, such as a redirect that was followed
        self._behaviours: dict[bytes, Behaviour] = {}
        self._serving = 0  # connections
        self._context = context
        self._server = StreamServer(("127.0.0.1", 0), self._serve)
        self._server.start()

    @property
    def port(self) -> int:
        return int(self._server.server_port)

    def expect(self, path: bytes, behave: Behaviour) -> None:
        """Behave so after the request of this path."""
        self._behaviours[path] = behave
        self.arrivals[path] = 0

    def settle(self, path: bytes, arrivals: int = 1) -> None:
        """Wait until the request of this path has arrived and no connection is served any more.

        A client that gives up early may be gone before its request was read.
        """
        deadline = time.monotonic() + _PATIENCE
        while (self._serving or self.arrivals[path] < arrivals) and time.monotonic() < deadline:
            gevent.sleep(0.001)

    def stop(self) -> None:
        self._server.stop(timeout=0)

    def _serve(self, wire: Wire, _: object) -> None:
        self._serving += 1
        try:
            if self._context is not None:
                wire = self._context.wrap_socket(wire, server_side=True)
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
    transport: Transport = send,
    judge: Judge = classify,
    replies: Replies = DEFAULT_REPLIES,
    *,
    tls: bool = False,
) -> tuple[Checked, ...]:
    """Try every case by GET and by POST; what they came to, in the order of the table.

    Args:
        judge: what an answer tells, as the load will say it: the adapter's `outcome`.
        replies: of the contract; what `judge` must say, but for UNKNOWN of what they acknowledge.

    Raises:
        EngineError: this machine cannot open the sockets for it.
    """
    return tuple(_checks(transport, judge, replies, tls=tls))


def check_for(opened: OpenedRun) -> Callable[[], None]:
    """The check before a run: as it will be sent, by its adapter's word on what its contract says of replies."""
    return partial(
        assert_sends_once,
        judge=opened.adapter.outcome,
        replies=opened.contract.replies,
        tls=opened.target_url.startswith("https:"),
    )


def assert_sends_once(
    transport: Transport = send,
    judge: Judge = classify,
    replies: Replies = DEFAULT_REPLIES,
    *,
    tls: bool = False,
) -> None:
    """The check before a load; see `check_transport`.

    Raises:
        EngineError: a request arrived more than once, or was called by another outcome than it had.
    """
    wrong = [one for one in check_transport(transport, judge, replies, tls=tls) if not one.is_right]
    if wrong:
        raise EngineError(
            f"the transport's self-check failed, so nothing was sent: {wrong[0]}; expected {_expected(wrong[0])}"
            + (f", and {len(wrong) - 1} more (python -m simulator.load.self_check)" if len(wrong) > 1 else "")
        )


def _checks(transport: Transport, judge: Judge, replies: Replies, *, tls: bool) -> Iterator[Checked]:
    with _hostile(tls=tls) as server:
        for number, (case, method) in enumerate(product(cases(replies, tls=tls), ("GET", "POST"))):
            by_contract = partial(classify, replies=WITH_BODY if case.is_example else replies)
            understood = by_contract if case.is_example else partial(_careful, judge, by_contract)
            yield _check(server, case, method, f"/{number}", transport, understood, tls=tls)


def _check(
    server: _HostileServer, case: Case, method: str, path: str, transport: Transport, judge: Judge, *, tls: bool
) -> Checked:
    behave = case.behave
    port = server.port if behave is not None else _free_port()
    stalls = case.evidence is Evidence.TIMEOUT
    limits = Limits(connect=_PATIENCE, reply=_STALL if stalls else _PATIENCE, reply_bytes=REPLY_BYTES)
    client = Client(
        f"{'https' if tls else 'http'}://127.0.0.1:{port}", limits, context=_trusting() if case.is_trusted else None
    )
    connection = client.connection()
    first = f"{path}/first"
    server.expect(first.encode(), closes_when_read if case.closes_idle else is_well)
    server.expect(path.encode(), behave or is_well)
    strays = server.stray
    try:
        if case.before:
            transport(connection, client, _request(method, first))
        if case.closes_idle:
            server.settle(first.encode())
        answer = transport(connection, client, _request(method, path))
    finally:
        connection.close()
    if behave is not None:
        server.settle(path.encode(), case.arrivals)
    return Checked(case, method, server.arrivals[path.encode()] + server.stray - strays, answer, judge(answer), tls)


def _careful(judge: Judge, by_contract: Judge, answer: Answer) -> Outcome:
    """What an answer is called by an adapter that may ask more of an acked reply than its contract does.

    Some want to be told how many events were taken, or which: no reply of ours can say that, and UNKNOWN promises
    nothing. In every other case it is the adapter's word that counts.
    """
    promised, told = by_contract(answer), judge(answer)
    return promised if promised is Outcome.ACKED and told is Outcome.UNKNOWN else told


def _request(method: str, path: str) -> Request:
    body = b"{}" if method == "POST" else b""
    return Request(0, 0, Purpose.EVENT, Ms(0), method, path, (), body, ())


@contextmanager
def _hostile(*, tls: bool) -> Iterator[_HostileServer]:
    context = None
    if tls:
        context = gevent.ssl.SSLContext(PROTOCOL_TLS_SERVER)  # which lets others run while a handshake waits
        context.load_cert_chain(_CERTIFICATE)
    try:
        server = _HostileServer(context)
    except OSError as reason:
        raise EngineError(f"the transport's self-check cannot listen on loopback: {reason.strerror}") from reason
    try:
        yield server
    finally:
        server.stop()


@cache
def _trusting() -> SSLContext:
    return create_default_context(cafile=str(_CERTIFICATE))


def _free_port() -> int:
    """A port on which nobody listens."""
    with gevent.socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        return int(taken.getsockname()[1])


def _times(arrivals: int) -> str:
    return {0: "no arrival", 1: "1 arrival"}.get(arrivals, f"{arrivals} arrivals")


def _expected(one: Checked) -> str:
    return f"{_times(one.case.arrivals)}, {one.case.outcome.name.lower()}"


def main(checked: Sequence[Checked] | None = None) -> int:
    """Print the table; the exit code."""
    rows = (*check_transport(), *check_transport(tls=True)) if checked is None else checked
    for row in rows:
        print(f"{'ok  ' if row.is_right else 'FAIL'}  {row}" + ("" if row.is_right else f"; expected {_expected(row)}"))
    wrong = sum(not row.is_right for row in rows)
    print(f"the transport sends once: {len(rows) - wrong} of {len(rows)} cases are as they must be")
    return ExitCode.OWN_FAULT if wrong else ExitCode.PASS


if __name__ == "__main__":
    sys.exit(main())
