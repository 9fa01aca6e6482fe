"""A proxy that breaks requests and replies on purpose, between Locust and a collector that counts rightly.

    python -m simulator.runs.fault_proxy --upstream http://127.0.0.1:8000 --seed 7 \\
        --mix drop_before=3%,drop_reply=3%,reset=2%,delay=5%:200ms,error_after=2%,error_before=2%

    before the collector sees it       drop_before     closed without a word
                                       reset_before    reset
                                       error_before    500
                                       refuse_before   403: nothing was kept
    after the collector has stored it  drop_reply      closed without a word
                                       reset           reset
                                       half_reply      half of the reply, then closed
                                       error_after     500
    later                              delay           the reply comes after so long (a duration, or 50ms..900ms)
                                       late            the request goes on after so long; its client may be gone by then

Each request is forwarded once or never: nothing is duplicated. What happens to it is drawn from the seed and from what
it says (and how often that was said before), so the order of arrival changes nothing. `--lose 1/500` makes the
collector behind it a lossy one: of every 500 requests that nothing else befalls, one is answered 200 and not forwarded.

Only the events' own requests are touched. Reading totals, listing events, registering and looking up links pass as
they are, except that `--no-listing` answers 404 for the lists: a collector of which only totals can be read.
"""

from __future__ import annotations

import argparse
import asyncio
import re
import signal
import socket
import struct
import sys
import threading
from collections import Counter
from collections.abc import Collection, Coroutine, Iterable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from fractions import Fraction
from hashlib import blake2b
from pathlib import Path
from typing import Any, NamedTuple, TypeVar
from urllib.parse import parse_qs, urlsplit

import httptools

from simulator.entry import Parser, tell
from simulator.errors import MpsimError, UsageError
from simulator.finding import ExitCode
from simulator.rand import Stream
from simulator.times import Ms, parse_duration

T = TypeVar("T")

PPM = 1_000_000
EVENT_PATHS = ("/cbe/__utm", "/__utm", "/v1/collector/")
_LISTS = "/events/"
_PATIENCE = 60.0  # seconds for requests that are held
_HEAD_LIMIT = 1 << 20  # bytes of a request's head
_OK = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 2\r\n\r\n{}"
_ERROR = b"HTTP/1.1 500 Internal Server Error\r\nContent-Length: 0\r\n\r\n"
_REFUSED = b"HTTP/1.1 403 Forbidden\r\nContent-Length: 0\r\n\r\n"
_NOT_FOUND = b"HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n"
_LENGTH = re.compile(rb"\r\ncontent-length:[ \t]*(\d{1,10})[ \t]*\r\n", re.IGNORECASE)
_CHUNKED = re.compile(rb"\r\ntransfer-encoding:", re.IGNORECASE)

BEFORE = ("drop_before", "reset_before", "error_before", "refuse_before")
AFTER = ("drop_reply", "reset", "half_reply", "error_after")
TIMED = ("delay", "late")
FAULTS = (*BEFORE, *AFTER, *TIMED)
PASSED, LOST = "passed", "lost"


class Share(NamedTuple):
    """One fault of a mix."""

    fault: str
    part: int  # of the requests, in millionths
    low: Ms = Ms(0)  # how long; of the timed ones only
    high: Ms = Ms(0)


Mix = tuple[Share, ...]


def parse_mix(text: str) -> Mix:
    """Read "drop_before=3%,delay=5%:200ms"; empty: nothing goes wrong.

    Raises:
        ValueError: an unknown fault, a part that is none, a missing duration, or more than 100 % together.
    """
    shares = tuple(_share(part.strip()) for part in text.split(",") if part.strip())
    if sum(share.part for share in shares) > PPM:
        raise ValueError(f"the parts of {text!r} are more than 100 % together")
    if len({share.fault for share in shares}) < len(shares):
        raise ValueError(f"{text!r} names a fault twice")
    return shares


def _share(text: str) -> Share:
    found = re.fullmatch(r"(\w+)=(\d+(?:\.\d+)?)%(?::(.+))?", text)
    if found is None or found[1] not in FAULTS:
        raise ValueError(f"expected FAULT=PERCENT% with a fault of {', '.join(FAULTS)}, not {text!r}")
    fault, percent, duration = found.groups()
    if (fault in TIMED) != (duration is not None):
        said = "wants a duration, such as" if fault in TIMED else "takes no duration; a right one is"
        raise ValueError(f"{fault} {said} {fault}=5%{':200ms' if fault in TIMED else ''}, not {text!r}")
    low, _, high = (duration or "0s").partition("..")
    between = parse_duration(low), parse_duration(high or low)
    if between[0] > between[1]:
        raise ValueError(f"{text!r}: the range is upside down")
    return Share(fault, int(Fraction(percent) * PPM / 100), *between)


def parse_loss(text: str) -> int:
    """Read "1/500" as 500.

    Raises:
        ValueError: anything else.
    """
    found = re.fullmatch(r"1/([1-9]\d{0,8})", text)
    if found is None:
        raise ValueError(f"expected such as 1/500, not {text!r}")
    return int(found[1])


@dataclass(frozen=True, slots=True)
class Weather:
    """What goes wrong."""

    seed: int = 1
    mix: Mix = ()
    lose: int = 0  # one in so many is acked and not forwarded; 0: none
    lists: bool = True  # whether raw events can be listed


class Handled(NamedTuple):
    """What became of one event's request."""

    fate: str  # a fault, "passed" or "lost"
    forwarded: bool  # it went on to the collector
    event: str  # externalId; empty where the request has none


@dataclass
class Journal:
    """Every event's request in the order in which its fate was sealed, and the truth that follows from it."""

    handled: list[Handled] = field(default_factory=list)

    def note(self, fate: str, event: str, *, forwarded: bool) -> None:
        """One request is through."""
        self.handled.append(Handled(fate, forwarded, event))

    def lost_events(self, stored: Collection[str] | None = None) -> frozenset[str]:
        """Acked and not stored: no other attempt of the same event was forwarded.

        Args:
            stored: externalIds of what had come by then; None: all that was forwarded.
        """
        came = {one.event for one in self.handled if one.forwarded and (stored is None or one.event in stored)}
        return frozenset(one.event for one in self.handled if one.fate == LOST) - came

    def fates(self) -> Counter[str]:
        """How many met which fate."""
        return Counter(one.fate for one in self.handled)


class _Fate(NamedTuple):
    name: str
    wait: float = 0.0  # seconds


class FaultProxy:
    """One proxy in front of one collector, for one event loop.

    Args:
        upstream: scheme, host and port; http only.

    Raises:
        ValueError: the upstream is no such URL.
    """

    def __init__(self, upstream: str, weather: Weather | None = None) -> None:
        parts = urlsplit(upstream)
        if parts.scheme != "http" or not parts.hostname or parts.path.rstrip("/") or parts.query:
            raise ValueError(f"expected an upstream such as http://127.0.0.1:8000, not {upstream!r}")
        self._host, self._port = parts.hostname, parts.port or 80
        self.journal = Journal()
        self.url = ""
        self._in_hand = 0  # event requests whose fate is not sealed
        # asyncio itself lets go of a connection's task when its client has gone, even while it waits for the collector.
        self._serving: set[asyncio.Task[None] | None] = set()
        self.change(weather or Weather())

    def change(self, weather: Weather) -> None:
        """From now on other things go wrong; the journal begins anew. Wait for `is_idle` first."""
        self.weather = weather
        self.journal = Journal()
        self._said: Counter[bytes] = Counter()  # how often the same request came
        self._until_loss = Stream(weather.seed, "loss").below(weather.lose) if weather.lose else -1

    @property
    def is_idle(self) -> bool:
        """Whether nothing is on its way to the collector; also requests that were held may still come."""
        return not self._in_hand

    async def serve(self, port: int = 0) -> asyncio.Server:
        """Begin to listen on loopback.

        Raises:
            OSError: the port is taken.
        """
        server = await asyncio.start_server(self._connection, "127.0.0.1", port, limit=_HEAD_LIMIT, backlog=2_048)
        self.url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
        return server

    # ---- one connection ----

    async def _connection(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        upstream = _Upstream(self._host, self._port)
        task = asyncio.current_task()
        self._serving.add(task)
        try:
            while (request := await _read_request(reader)) is not None:
                if not await self._request(request, writer, upstream):
                    return
        except (OSError, asyncio.IncompleteReadError, asyncio.LimitOverrunError, httptools.HttpParserError):
            pass  # either side hung up, or says what is not HTTP: the connection ends, and that is all
        except asyncio.CancelledError:
            pass  # `_close`: the task ends here either way, and asyncio would call a cancelled one an error
        finally:
            upstream.close()
            writer.close()
            self._serving.discard(task)

    async def _request(self, request: _Request, writer: asyncio.StreamWriter, upstream: _Upstream) -> bool:
        """Serve one request; False when the connection is over."""
        path = request.path
        if not self.weather.lists and path.startswith(_LISTS):
            writer.write(_NOT_FOUND)
            return True
        if not path.startswith(EVENT_PATHS):
            writer.write(await upstream.ask(request.data))
            return True
        self._in_hand += 1
        try:
            return await self._event(request, writer, upstream)
        finally:
            self._in_hand -= 1

    async def _event(self, request: _Request, writer: asyncio.StreamWriter, upstream: _Upstream) -> bool:
        fate = self._fate(request)
        if fate.name == LOST or fate.name in BEFORE:
            self.journal.note(fate.name, request.event, forwarded=False)
            return _answer(writer, fate.name, _OK)
        if fate.name == "late":
            await asyncio.sleep(fate.wait)
        self.journal.note(fate.name, request.event, forwarded=True)
        reply = await upstream.ask(request.data)
        if fate.name == "delay":
            await asyncio.sleep(fate.wait)
        return _answer(writer, fate.name, reply)

    def _fate(self, request: _Request) -> _Fate:
        weather = self.weather
        digest = blake2b(request.data, digest_size=16).digest()
        turn = self._said[digest]
        self._said[digest] += 1
        stream = Stream(weather.seed, "fate", digest.hex(), turn)
        point = stream.below(PPM)
        for share in weather.mix:
            point -= share.part
            if point < 0:
                return _Fate(share.fault, stream.between(share.low, share.high) / 1_000)
        if not weather.lose:
            return _Fate(PASSED)
        self._until_loss -= 1
        if self._until_loss >= 0:
            return _Fate(PASSED)
        self._until_loss = weather.lose - 1
        return _Fate(LOST)


def _answer(writer: asyncio.StreamWriter, fate: str, reply: bytes) -> bool:
    """Say what the fate wants to be said; False when the connection is over."""
    match fate:
        case "drop_before" | "drop_reply":
            return False
        case "reset_before" | "reset":
            wire = writer.get_extra_info("socket")
            with suppress(OSError):
                wire.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            writer.transport.abort()
            return False
        case "half_reply":
            writer.write(reply[: len(reply) // 2])
            return False
        case "error_before" | "error_after":
            writer.write(_ERROR)
        case "refuse_before":
            writer.write(_REFUSED)
        case _:
            writer.write(reply)
    return True


class _Request(NamedTuple):
    data: bytes  # head and body as they came
    target: str

    @property
    def path(self) -> str:
        return self.target.partition("?")[0]

    @property
    def event(self) -> str:
        return parse_qs(self.target.partition("?")[2]).get("externalId", [""])[0]


async def _read_request(reader: asyncio.StreamReader) -> _Request | None:
    """The next request; None when the client has closed, or does not say how long its request is."""
    try:
        head = await reader.readuntil(b"\r\n\r\n")
    except asyncio.IncompleteReadError:
        return None
    words = head.split(b"\r\n", 1)[0].split(b" ")
    if len(words) != 3 or _CHUNKED.search(head):
        return None
    length = _LENGTH.search(head)
    body = await reader.readexactly(int(length[1])) if length else b""
    return _Request(head + body, words[1].decode("latin-1"))


class _Upstream:
    """One connection to the collector: opens when it is needed, and sends everything once."""

    def __init__(self, host: str, port: int) -> None:
        self._host, self._port = host, port
        self._reader: asyncio.StreamReader | None = None
        self._writer: asyncio.StreamWriter | None = None

    async def ask(self, request: bytes) -> bytes:
        """Send a request and return the whole reply.

        Raises:
            OSError: no connection, or it broke.
        """
        if self._writer is None or self._writer.is_closing():
            self._reader, self._writer = await asyncio.open_connection(self._host, self._port)
        assert self._reader is not None
        self._writer.write(request)
        framing = _Framing()
        parser = httptools.HttpResponseParser(framing)
        parts: list[bytes] = []
        while not framing.complete:
            data = await self._reader.read(1 << 16)
            if not data:
                self.close()
                if framing.until_closed:
                    break
                raise ConnectionResetError("the collector closed inside a reply")
            parts.append(data)
            parser.feed_data(data)
        if not parser.should_keep_alive():
            self.close()
        return b"".join(parts)

    def close(self) -> None:
        if self._writer is not None:
            self._writer.close()
            self._writer = None


class _Framing:
    """Where a reply ends."""

    def __init__(self) -> None:
        self.complete = False
        self.until_closed = False
        self._framed = False

    def on_header(self, name: bytes, _: bytes) -> None:
        self._framed = self._framed or name.lower() in {b"content-length", b"transfer-encoding"}

    def on_headers_complete(self) -> None:
        self.until_closed = not self._framed

    def on_message_complete(self) -> None:
        self.complete = True


# ---- in a thread of another process, and alone ----


class Running:
    """A proxy that serves in a thread of its own."""

    def __init__(self, proxy: FaultProxy, loop: asyncio.AbstractEventLoop) -> None:
        self._proxy = proxy
        self._loop = loop
        self.url = proxy.url

    @property
    def is_idle(self) -> bool:
        """Whether no event's request is in hand at this moment."""
        return self._proxy.is_idle

    def change(self, weather: Weather) -> None:
        """Wait until everything that was held has gone on, then let other things go wrong."""
        _do(self._change(weather), self._loop)

    def journal(self) -> Journal:
        """What became of every request since the last change, once nothing is held any more."""
        return _do(self._journal(), self._loop)

    async def _change(self, weather: Weather) -> None:
        await self._journal()
        self._proxy.change(weather)

    async def _journal(self) -> Journal:
        while not self._proxy.is_idle:
            await asyncio.sleep(0.005)
        return self._proxy.journal


@contextmanager
def fault_proxy(upstream: str, weather: Weather | None = None) -> Iterator[Running]:
    """A running proxy on a free loopback port."""
    loop = asyncio.new_event_loop()
    thread = threading.Thread(target=loop.run_forever, name="fault-proxy", daemon=True)
    thread.start()
    try:
        proxy = FaultProxy(upstream, weather)
        server = _do(proxy.serve(), loop)
        try:
            yield Running(proxy, loop)
        finally:
            _do(_close(server), loop)
    finally:
        loop.call_soon_threadsafe(loop.stop)
        thread.join(_PATIENCE)
        loop.close()


def _do(work: Coroutine[Any, Any, T], loop: asyncio.AbstractEventLoop) -> T:
    return asyncio.run_coroutine_threadsafe(work, loop).result(_PATIENCE)


async def _close(server: asyncio.Server) -> None:
    """Stop listening, end every connection, and let what belongs to them finish."""
    server.close()
    others = asyncio.all_tasks() - {asyncio.current_task()}
    for task in others:
        task.cancel()
    await asyncio.gather(*others, return_exceptions=True)
    await asyncio.sleep(0)  # the loop's turn to close their sockets


def parse(arguments: Sequence[str] | None = None) -> argparse.Namespace:
    """The command line.

    Raises:
        UsageError: a wrong one.
    """
    parser = Parser("python -m simulator.runs.fault_proxy", description=__doc__.split("\n", 1)[0])
    parser.add_argument("--upstream", required=True, help="the collector, such as http://127.0.0.1:8000")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--mix", default="", help=f"FAULT=PERCENT%%,…: {', '.join(FAULTS)}")
    parser.add_argument("--lose", default="", metavar="1/N", help="one in N is acked and not forwarded")
    parser.add_argument("--no-listing", action="store_true", help="404 for lists of raw events")
    parser.add_argument("--port", type=int, default=0)
    parser.add_argument("--log", type=Path, help="one line an event's request at the end: fate, forwarded, externalId")
    return parser.parse_args(arguments)


async def _serve(options: argparse.Namespace, weather: Weather) -> None:
    proxy = FaultProxy(options.upstream, weather)
    server = await proxy.serve(options.port)
    ended = asyncio.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        asyncio.get_running_loop().add_signal_handler(number, ended.set)
    print(f"listening on {proxy.url}", flush=True)
    await ended.wait()
    await _close(server)
    if options.log:
        options.log.write_text("".join(_lines(proxy.journal.handled)), encoding="utf-8")


def _lines(handled: Iterable[Handled]) -> Iterator[str]:
    for one in handled:
        yield f"{one.fate}\t{'forwarded' if one.forwarded else 'kept back'}\t{one.event}\n"


def main(arguments: Sequence[str] | None = None) -> int:
    """Serve until SIGINT or SIGTERM."""
    try:
        _main(parse(arguments))
    except MpsimError as wrong:
        return tell("fault_proxy", wrong)
    return ExitCode.PASS


def _main(options: argparse.Namespace) -> None:
    try:
        lose = parse_loss(options.lose) if options.lose else 0
        weather = Weather(options.seed, parse_mix(options.mix), lose, lists=not options.no_listing)
        asyncio.run(_serve(options, weather))
    except (ValueError, OSError) as wrong:
        raise UsageError(str(wrong)) from wrong


if __name__ == "__main__":
    sys.exit(main())
