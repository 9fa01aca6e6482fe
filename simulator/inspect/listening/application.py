"""The capture server as one ASGI application: every request is an event until it shows that it is none.

The page and its data live below `/_mpsim/` (own_pages.py), where no tracker sends anything. Everything else is
captured, whatever its method and path, answered, and read on a thread of its own, so that a phone never waits for what
a body turns out to be.
"""

from __future__ import annotations

import asyncio
import itertools
import json
import re
import sys
import time
import traceback
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from typing import Any, Protocol
from urllib.parse import urlsplit

from starlette.types import Receive, Scope, Send

from simulator.errors import EngineError
from simulator.inspect.listening.entry import Answered, Entry, Kind, Pairs
from simulator.inspect.listening.figures import Figures
from simulator.inspect.listening.kept import Kept
from simulator.inspect.listening.pass_on import Passed, PassOn
from simulator.inspect.listening.protocol import client_of
from simulator.inspect.listening.reading import Reader, cut
from simulator.inspect.listening.recording import Recorder
from simulator.runtime.trace import Exchange, Reply
from simulator.times import Ms

MOST_BODY = 4 << 20  # bytes; a larger body is answered 413
_BODIES_AT_ONCE = 64 << 20  # bytes of all bodies that are being received or wait for their reading
_AT_ONCE = 256  # requests that are being answered or wait for their reading
_BODY_SECONDS = 30.0  # in which a body must be complete
_KEPT_REPLY = 4_096  # bytes
_HOST = re.compile(r"[A-Za-z0-9_.-]{1,253}(:\d{1,5})?|\[[0-9A-Fa-f:.]{2,45}\](:\d{1,5})?")

# What a tracker takes for success, whichever it is: status 200, at once, and a little JSON for those that read it.
_TAKEN = Passed(200, ((b"content-type", b"application/json"),), b'{"code":0,"status":"success","success":true}')

App = Callable[[Scope, Receive, Send], Awaitable[None]]


@dataclass(slots=True)
class State:
    """What has come since the listening began."""

    kept: Kept = field(default_factory=Kept)
    figures: Figures = field(default_factory=Figures)
    requests: int = 0
    events: int = 0
    bad: int = 0  # of the events
    unknown: int = 0  # requests in an encoding that nobody here reads
    refused: int = 0  # no HTTP, or too large
    not_passed: int = 0  # requests to which the collector gave no reply
    faults: int = 0  # requests on which we failed ourselves
    not_taken: int = 0  # requests that the collector answered with another status than 2xx

    def add(self, entry: Entry) -> None:
        """A request was read."""
        self.requests += 1
        self.events += entry.events
        self.bad += entry.bad
        self.unknown += entry.kind is Kind.UNKNOWN
        self.refused += entry.kind is Kind.REFUSED
        self.kept.put(entry)


class View(Protocol):
    """Who is shown what happens, on the server's own thread; it must not wait."""

    def came(self, entry: Entry) -> None:
        """A request was read; where it is passed on it may not be answered yet."""
        ...

    def was_answered(self, entry: Entry) -> None:
        """One that was shown before is answered now."""
        ...


class _TooMuch(Exception):
    """A body that is not read, with the status that says so."""

    def __init__(self, status: int, reason: str) -> None:
        self.status = status
        super().__init__(reason)


class _Gone(Exception):
    """The sender went away before the body was complete."""


class Application:
    """One listening."""

    def __init__(
        self,
        reader: Reader,
        state: State,
        view: View,
        *,
        own_pages: App,
        is_own: Callable[[Scope], bool],
        pass_on: PassOn | None = None,
        recorder: Recorder | None = None,
    ) -> None:
        self.state = state
        self.broken: Exception | None = None  # our own fault, which ends the listening
        self._reader = reader
        self._view = view
        self._pass_on = pass_on
        self._recorder = recorder
        self._own_pages = own_pages
        self._is_own = is_own
        self._numbers = itertools.count()
        self._thread = ThreadPoolExecutor(1, "capture-reader")
        self._bytes = 0  # of bodies at once
        self._room = asyncio.Semaphore(_AT_ONCE)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if self._is_own(scope):
            await self._own_pages(scope, receive, send)
            return
        try:
            await self._capture(scope, receive, send)
        except _Gone:
            return
        except _TooMuch as much:
            self._note(self._refused(scope, str(much), much.status))
            await _answer(send, _complaint(much.status, str(much)))
        except EngineError as broken:
            self.broken = self.broken or broken
        except Exception as bug:  # noqa: BLE001  one request must not end the others'; the listening ends with it
            traceback.print_exception(bug, file=sys.stderr)
            self.broken = self.broken or bug

    async def end(self) -> None:
        """Nothing more comes, and nothing more is sent on."""
        self._thread.shutdown()
        if self._pass_on is not None:
            await self._pass_on.close()

    def heard_garbage(self, client: str, first: bytes, reason: str) -> None:
        """Somebody sent something that is no request."""
        entry = Entry(
            next(self._numbers), _now(), Kind.REFUSED, client, why=reason, body=first, size=len(first),
            answered=Answered(400, "mpsim", 0),
        )  # fmt: skip
        self._note(entry)

    # ---- one request ----------------------------------------------------------------------------------------------

    async def _capture(self, scope: Scope, receive: Receive, send: Send) -> None:
        body = await self._body(receive)
        try:
            # Who sends faster than is read waits for the answer.
            async with self._room:
                exchange = _exchange(next(self._numbers), _now(), scope, body)
                if self._pass_on is None:
                    await self._take(exchange, scope, send)
                else:
                    await self._pass(self._pass_on, exchange, scope, send)
        finally:
            self._bytes -= len(body)

    async def _take(self, exchange: Exchange, scope: Scope, send: Send) -> None:
        """Answered here, and read afterwards."""
        await _answer(send, _TAKEN)
        entry = await self._read(exchange, client_of(scope["client"]))
        self._record(replace(exchange, reply=_as_reply(_TAKEN, exchange.at)))
        self._note(replace(entry, answered=_answered(_TAKEN, "mpsim", 0)))

    async def _pass(self, pass_on: PassOn, exchange: Exchange, scope: Scope, send: Send) -> None:
        """Shown while the collector is asked, and once more with what it answered."""
        began = time.monotonic()
        reading = asyncio.ensure_future(self._shown(exchange, client_of(scope["client"])))
        try:
            passed = await pass_on.send(exchange.method, _target(scope), list(scope["headers"]), exchange.body)
        except asyncio.CancelledError:
            self._record(replace(exchange, failed="request:fail interrupted"))
            raise
        took = round((time.monotonic() - began) * 1000)
        at = _now()
        await _answer(send, _explained(passed) if passed.failed else passed)
        entry = replace(await reading, answered=_answered(passed, "collector", took))
        state = self.state
        state.not_passed += bool(passed.failed)
        # Settings that the collector does not have are no event that it did not take.
        is_taken = 200 <= passed.status < 300 or entry.kind is Kind.ASIDE
        state.not_taken += not passed.failed and not is_taken
        state.kept.put(entry)
        self._view.was_answered(entry)
        if passed.failed:
            self._record(replace(exchange, failed=f"request:fail {passed.failed}"))
        else:
            self._record(replace(exchange, reply=_as_reply(passed, at)))

    async def _read(self, exchange: Exchange, client: str) -> Entry:
        """What a request says; its events are counted."""
        loop = asyncio.get_running_loop()
        try:
            read = await loop.run_in_executor(self._thread, self._reader.read, exchange, client)
        except Exception as bug:  # noqa: BLE001  what one sender sends must not end the listening for the others
            traceback.print_exception(bug, file=sys.stderr)
            self.state.faults += 1
            return _unread(exchange, client)
        self.state.figures.add(read.records, read.entry.format)
        return read.entry

    async def _shown(self, exchange: Exchange, client: str) -> Entry:
        """The same, shown before it is answered."""
        entry = await self._read(exchange, client)
        self._note(entry)
        return entry

    def _note(self, entry: Entry) -> None:
        self.state.add(entry)
        self._view.came(entry)

    def _record(self, exchange: Exchange) -> None:
        if self._recorder is not None:
            self._recorder.add(exchange)

    def _refused(self, scope: Scope, reason: str, status: int) -> Entry:
        return Entry(
            next(self._numbers),
            _now(),
            Kind.REFUSED,
            client_of(scope["client"]),
            scope["method"],
            cut(_target(scope).decode("latin-1"), 8_192),
            why=reason,
            answered=Answered(status, "mpsim", 0),
        )

    async def _body(self, receive: Receive) -> bytes:
        """The whole body; from here on it counts among the bodies at once.

        Raises:
            _TooMuch: larger than is read, too many at once, or not complete in time.
            _Gone: the sender went away.
        """
        parts: list[bytes] = []
        size = 0
        try:
            async with asyncio.timeout(_BODY_SECONDS):
                async for part in _parts(receive):
                    parts.append(part)
                    size += len(part)
                    self._bytes += len(part)
                    self._check(size)
        except BaseException as no:
            self._bytes -= size
            if isinstance(no, TimeoutError):
                raise _TooMuch(408, f"the body was not complete within {_BODY_SECONDS:.0f} s") from None
            raise
        return b"".join(parts)

    def _check(self, size: int) -> None:
        if size > MOST_BODY:
            raise _TooMuch(413, f"the body is larger than {MOST_BODY} bytes")
        if self._bytes > _BODIES_AT_ONCE:
            raise _TooMuch(503, "more comes at once than is read")


async def _parts(receive: Receive) -> AsyncIterator[bytes]:
    """A body as it comes.

    Raises:
        _Gone: the sender went away.
    """
    while True:
        message = await receive()
        if message["type"] == "http.disconnect":
            raise _Gone
        yield message.get("body", b"")
        if not message.get("more_body", False):
            return


def _now() -> Ms:
    return Ms(time.time_ns() // 1_000_000)


def _target(scope: Scope) -> bytes:
    path: bytes = scope["raw_path"]
    query: bytes = scope["query_string"]
    return path + b"?" + query if query else path


def _exchange(number: int, at: Ms, scope: Scope, body: bytes) -> Exchange:
    """The request as the headless runtime would have seen it."""
    headers = [(key.decode("latin-1"), value.decode("latin-1")) for key, value in scope["headers"]]
    host = next((value for key, value in headers if key == "host"), "")
    if not _HOST.fullmatch(host) or not _is_readable(host):
        host = "unknown"
    kept = tuple([pair for pair in headers if pair[0] not in ("host", "content-length", "connection")])
    url = f"{scope['scheme']}://{host}{_target(scope).decode('latin-1')}"
    return Exchange(number, at, scope["method"], url, kept, body)


def _unread(exchange: Exchange, client: str) -> Entry:
    """A request on which we failed ourselves."""
    return Entry(
        exchange.number,
        exchange.at,
        Kind.UNKNOWN,
        client,
        exchange.method,
        cut("/" + exchange.url.partition("://")[2].partition("/")[2], 8_192),
        size=len(exchange.body),
        body=exchange.body[:_KEPT_REPLY],
        why="mpsim itself failed on this request; its standard error says where. Please report it",
    )


def _is_readable(host: str) -> bool:
    try:
        return bool(urlsplit(f"http://{host}").hostname)
    except ValueError:
        return False


def _as_reply(passed: Passed, at: Ms) -> Reply:
    return Reply(at, passed.status, _texts(passed.headers), passed.body)


def _texts(headers: Iterable[tuple[bytes, bytes]]) -> Pairs:
    return tuple([(key.decode("latin-1"), value.decode("latin-1")) for key, value in headers])


def _answered(passed: Passed, by: str, took: int) -> Answered:
    headers = tuple([(cut(key), cut(value)) for key, value in _texts(passed.headers)[:64]])
    return Answered(passed.status, by, took, headers, passed.body[:_KEPT_REPLY], passed.failed)


def _explained(passed: Passed) -> Passed:
    """What the phone is told where the collector said nothing."""
    return replace(_complaint(passed.status, f"mpsim could not pass this on: {passed.failed}"), failed=passed.failed)


def _complaint(status: int, reason: str) -> Passed:
    body = json.dumps({"success": False, "reason": reason}).encode()
    return Passed(status, ((b"content-type", b"application/json"),), body)


async def _answer(send: Send, reply: Passed) -> None:
    headers: list[tuple[bytes, bytes]] = list(reply.headers)
    if reply.body or reply.status not in (204, 304):
        headers.append((b"content-length", str(len(reply.body)).encode()))
    start: dict[str, Any] = {"type": "http.response.start", "status": reply.status, "headers": headers}
    await send(start)
    await send({"type": "http.response.body", "body": reply.body})
