"""Every way for a collector to misbehave that a client could answer wrongly, and what it has to be called.

The table of the self-check (self_check.py), which plays a server that behaves so. What a reply means is the contract's,
so the table is made for its replies.
"""

from __future__ import annotations

import json
import socket
import struct
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

from simulator.contract import BodyRule, BodyValue, Replies
from simulator.wire.outcome import DEFAULT_REPLIES
from simulator.wire.request import Evidence, Outcome

REPLY_BYTES = 20_000  # the bound of a reply while the self-check runs
OK = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"
WITH_BODY = Replies(body=BodyRule("code", acked=(0,), refused=(40001,)))  # tried where a contract has no body rule
_GIANT = b"HTTP/1.1 200 OK\r\nContent-Length: 4000000000\r\n\r\n"
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
    arrivals: int = 1  # of the request
    closes_idle: bool = False  # the connection is closed after the request before, while nothing is asked
    is_example: bool = False  # judged by WITH_BODY, since the contract has no rule for bodies
    is_trusted: bool = True  # False: a certificate that the client does not know; over TLS only


def says(status: int, *headers: bytes, body: bytes = b"") -> Behaviour:
    """Answers with a whole reply."""
    lines = [b"HTTP/1.1 %d Said" % status, *headers]
    if status in _BODILESS:
        body = b""
    else:
        lines.append(b"Content-Length: %d" % len(body))
    reply = b"\r\n".join(lines) + b"\r\n\r\n" + body

    def behave(wire: Wire) -> bool:
        wire.sendall(reply)
        return True

    return behave


def is_well(wire: Wire) -> bool:
    """Answers as the best of collectors."""
    wire.sendall(OK)
    return True


def closes_when_read(wire: Wire) -> bool:
    """Answers, and closes the connection that it said would stay."""
    wire.sendall(OK)
    return False


def _closes(_: Wire) -> bool:
    return False


def _resets(wire: Wire) -> bool:
    wire.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    return False


def _half_a_reply(wire: Wire) -> bool:
    wire.sendall(OK[:-1])
    return False


def _resets_inside(wire: Wire) -> bool:
    wire.sendall(OK[:-1])
    return _resets(wire)


def _stalls(_: Wire) -> bool:
    return True  # and says nothing: it reads until the client has enough


def _stalls_inside(wire: Wire) -> bool:
    wire.sendall(OK[:-1])
    return True


def _garbage(wire: Wire) -> bool:
    wire.sendall(b"SSH-2.0-OpenSSH_9.2\r\n")
    return False


def _giant(wire: Wire) -> bool:
    wire.sendall(_GIANT + bytes(2 * REPLY_BYTES))
    return True


_UNKNOWN, _REFUSED, _ACKED = Outcome.UNKNOWN, Outcome.REFUSED, Outcome.ACKED
_KEPT = " on a kept connection"
_WITHOUT_REPLY = (
    Case("closed after a full request", Evidence.CLOSED, _UNKNOWN, 0, _closes),
    Case("closed after a full request" + _KEPT, Evidence.CLOSED, _UNKNOWN, 0, _closes, before=1),
    Case("reset after a full request", Evidence.RESET, _UNKNOWN, 0, _resets),
    Case("reset after a full request" + _KEPT, Evidence.RESET, _UNKNOWN, 0, _resets, before=1),
    Case("half a reply", Evidence.TRUNCATED, _UNKNOWN, 0, _half_a_reply),
    Case("reset inside the reply", Evidence.RESET, _UNKNOWN, 0, _resets_inside),
    Case("a stall", Evidence.TIMEOUT, _UNKNOWN, 0, _stalls),
    Case("a stall inside the reply", Evidence.TIMEOUT, _UNKNOWN, 0, _stalls_inside),
    Case("not HTTP", Evidence.GARBAGE, _UNKNOWN, 0, _garbage),
    Case("a giant body", Evidence.OVERSIZED, _UNKNOWN, 0, _giant),
    Case("nobody listens", Evidence.NO_CONNECTION, _REFUSED, 0, arrivals=0),
)
_UNTRUSTED = Case(
    "a certificate that nobody vouches for", Evidence.NO_CONNECTION, _REFUSED, 0, is_well, arrivals=0, is_trusted=False
)
# Replies whose status says it all, some with a header that tempts a client to send again.
_STATUSES: tuple[tuple[str, int, tuple[bytes, ...]], ...] = (
    ("302 to the same server", 302, (b"Location: /elsewhere",)),
    ("307 to the same server", 307, (b"Location: /elsewhere",)),
    *((str(status), status, ()) for status in (400, 401, 403, 404, 405, 408, 409, 413, 415, 422)),
    ("429", 429, (b"Retry-After: 0",)),
    ("500", 500, ()),
    ("503", 503, (b"Retry-After: 0",)),
)


def cases(replies: Replies = DEFAULT_REPLIES, *, tls: bool = False) -> tuple[Case, ...]:
    """Every way to misbehave, and what it is called where the collector's replies mean that."""
    good, rule = replies.acked[0], replies.body
    well = says(good, body=b"ok" if rule is None else _body(rule, rule.acked[0]))
    # A status that never has a body cannot fulfil a rule for bodies.
    acked = _ACKED if rule is None or good not in _BODILESS else _UNKNOWN
    return (
        Case("answered", Evidence.REPLY, acked, good, well),
        *_bodies(replies),
        *_WITHOUT_REPLY,
        *([_UNTRUSTED] if tls else []),
        *(
            Case(name, Evidence.REPLY, _promised(status, replies), status, says(status, *headers))
            for name, status, headers in _STATUSES
        ),
        # A connection that was closed while it was idle is no failure of the request: a new one carries it, once.
        Case("closed while idle", Evidence.REPLY, acked, good, well, before=1, closes_idle=True),
    )


def _promised(status: int, replies: Replies) -> Outcome:
    """What a reply with this status and no body promises."""
    if status in replies.acked:
        return _ACKED if replies.body is None else _UNKNOWN
    return _REFUSED if status in replies.refused else _UNKNOWN


def _bodies(replies: Replies) -> Iterator[Case]:
    """Good statuses whose bodies say something else."""
    is_example = replies.body is None
    tried = WITH_BODY if replies.body is None else replies
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
        yield Case(name, Evidence.REPLY, outcome, good, says(good, body=body), is_example=is_example)


def _body(rule: BodyRule, value: BodyValue) -> bytes:
    return json.dumps({rule.key: value}).encode()
