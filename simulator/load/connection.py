"""One keep-alive connection: a request sent exactly once, an honest word on what came of it.

An exchange goes by callbacks, not by a greenlet of its own: the request is written at once where the connection is
open, and what comes back is read when the event loop says that it is there. Only connecting waits in a
greenlet (dialling.py).

What an Answer tells is client.py's table; who sends what is course.py.
"""

from __future__ import annotations

import socket
from collections.abc import Callable
from typing import Any

import gevent
from gevent.event import AsyncResult
from gevent.hub import get_hub

from simulator.load.dialling import READ, WRITE, Line, dial
from simulator.load.peer import Peer
from simulator.load.pipe import Pipe
from simulator.load.reply import ReplyReader
from simulator.wire.request import Answer, Evidence

# Told what came of an exchange, in the event loop, so it must not wait: an Answer; or an EngineError (this machine has
# run out of file descriptors, ports or memory) or a bug.
Done = Callable[["Answer | Exception"], None]


class Connection:
    """A connection that opens when it is needed and stays open between requests. One exchange at a time."""

    __slots__ = (
        "_done",
        "_hub",
        "_method",
        "_peer",
        "_pipe",
        "_readable",
        "_reader",
        "_rest",
        "_turn",
        "_wire",
        "_writable",
        "sent_ns",
    )  # fmt: skip

    def __init__(self, peer: Peer) -> None:
        self._peer = peer
        self._hub = get_hub()
        self._wire: socket.socket | None = None
        self._pipe: Pipe | None = None
        self._readable: Any = None  # watches the socket of an open connection, always
        self._done: Done | None = None  # of the exchange that goes on
        self._turn = 0  # exchanges so far: what waited for a former one has nothing to say any more
        self._method = ""
        self._reader: ReplyReader | None = None  # of a reply that did not come whole
        self._writable: Any = None  # watches it while `_rest` is not written
        self._rest = memoryview(b"")  # what the socket did not take yet
        self.sent_ns = 0  # when the first byte of the latest request was handed over; 0: none was

    # ---- exchanges ------------------------------------------------------------------------------------------------

    def exchange(self, data: bytes, method: str, done: Done) -> None:
        """Send a request exactly once. `done` is told what came of it, never before this returns.

        Raises:
            AssertionError: the last exchange is not over.
        """
        assert self._done is None, "one exchange at a time"
        self._done, self._method, self.sent_ns = done, method, 0
        self._turn += 1
        # A connection that was closed while it was idle is noticed before the send. Where the news comes with the
        # first write, of which the kernel took no byte, that is the same.
        pipe = self._pipe
        if pipe is not None and pipe.is_quiet():
            started = self._peer.now()
            try:
                rest = pipe.write(data)
            except OSError:
                pass
            else:
                self.sent_ns = started
                self._peer.wait(self)
                if rest:
                    self._write_on(rest)
                return
        self._hang_up()
        gevent.spawn(self._open_and_write, data, self._turn)

    def send(self, data: bytes, method: str = "GET") -> Answer:
        """The same for a greenlet that waits. Never raises for trouble of the network.

        Raises:
            EngineError: this machine has run out of file descriptors, ports or memory.
            gevent.GreenletExit: the greenlet was killed meanwhile; the connection is closed.
        """
        result = AsyncResult()
        self.exchange(data, method, result.set)
        try:
            answer = result.get()
        except BaseException:
            self.close()
            raise
        if isinstance(answer, Exception):
            raise answer
        assert isinstance(answer, Answer)
        return answer

    def open(self) -> bool:
        """Connect without sending anything, unless it is done; False when nobody answers. Blocks the greenlet.

        Raises:
            EngineError: as `send`.
        """
        if self._pipe is None and (line := dial(self._peer)) is not None:
            self._connected(line)
        return self._pipe is not None

    def close(self) -> None:
        """Close it and forget the exchange that goes on, if one does; the next request opens a new one."""
        self._done = None
        self._turn += 1
        self._hang_up()

    def expire(self) -> None:
        """The time for the reply is up. One that is here, and was not read because we were busy, is none too late."""
        turn = self._turn
        self._on_readable()
        if turn == self._turn and self._done is not None:
            self._end(Answer(Evidence.TIMEOUT))

    def _end(self, answer: Answer | Exception) -> None:
        """The exchange is over, and with it the connection."""
        self._hang_up()
        self._finish(answer)

    def _finish(self, answer: Answer | Exception) -> None:
        done, self._done = self._done, None
        self._drop_reader()
        self._peer.done(self)
        if done is not None:
            done(answer)

    def _connected(self, line: Line) -> None:
        self._wire, self._pipe = line.wire, line.pipe
        self._readable = self._hub.loop.io(line.wire.fileno(), READ)
        self._readable.start(self._on_readable)

    def _hang_up(self) -> None:
        if self._readable is not None:
            self._readable.stop()
            self._readable.close()
        self._pipe = self._readable = None
        self._drop_reader()
        self._stop_writing()
        if self._wire is not None:
            self._wire.close()
            self._wire = None
        self._peer.done(self)

    # ---- reading --------------------------------------------------------------------------------------------------

    def _on_readable(self) -> None:
        """Something has arrived. Runs in the event loop."""
        pipe = self._pipe
        # TLS hands out a record at a time, and what else has arrived with it makes the socket readable no more.
        while pipe is not None and self._pipe is pipe:
            try:
                data = pipe.read()
            except OSError:
                self._end(Answer(Evidence.RESET))
                return
            if data is None or self._take(data, pipe):
                return

    def _take(self, data: bytes, pipe: Pipe) -> bool:
        """Bytes that have arrived, empty at the end; False while the reply goes on."""
        if self._done is None:
            self._hang_up()  # the end of an idle connection, or a word that nobody asked for
            return True
        reader = self._reader
        if reader is None:
            # A reply may come before the whole request is written; it is an answer, and ends the connection.
            if self._writable is None and self._method != "HEAD":
                known = self._peer.known.get(data)
                if known is not None:
                    self._finish(known)
                    return True
            reader = self._reader = ReplyReader(self._method, self._peer.limits.reply_bytes)
        first = not reader.started
        answer = reader.feed(data) if data else reader.end(clean=pipe.ended_cleanly)
        if answer is None:
            return False
        if self._writable is not None or not reader.reusable or answer.evidence is not Evidence.REPLY:
            self._end(answer)
            return True
        if first:
            self._peer.remember(data, answer)
        self._finish(answer)
        return True

    # ---- writing --------------------------------------------------------------------------------------------------

    def _open_and_write(self, data: bytes, turn: int) -> None:
        """Connect, and write the request. Runs in a greenlet of its own."""
        try:
            line = dial(self._peer)
        except Exception as fault:  # noqa: BLE001  it is told to whoever waits
            self._later(turn, fault)
            return
        if line is None:
            self._later(turn, Answer(Evidence.NO_CONNECTION))
            return
        if turn != self._turn:
            line.wire.close()  # nobody waits for it any more
            return
        self._connected(line)
        started = self._peer.now()
        try:
            rest = line.pipe.write(data)
        except OSError:
            self._later(turn, Answer(Evidence.NO_CONNECTION))
            return
        self.sent_ns = started
        self._peer.wait(self)
        if rest:
            self._write_on(rest)

    def _later(self, turn: int, answer: Answer | Exception) -> None:
        # Not from the greenlet that connects: whoever is told may begin the next exchange.
        self._hub.loop.run_callback(self._end_of, turn, answer)

    def _end_of(self, turn: int, answer: Answer | Exception) -> None:
        if turn == self._turn:
            self._end(answer)

    def _write_on(self, rest: memoryview) -> None:
        """Write what is left as the socket takes it."""
        assert self._wire is not None
        self._rest = rest
        self._writable = self._hub.loop.io(self._wire.fileno(), WRITE)
        self._writable.start(self._on_writable)

    def _on_writable(self) -> None:
        pipe = self._pipe
        if pipe is None:
            return
        try:
            self._rest = pipe.flush(self._rest)
        except OSError:
            # The reply may be here all the same: a collector may refuse a body half-way.
            self._end(self._last_words(pipe) or Answer(Evidence.RESET))
            return
        if not self._rest:
            self._stop_writing()

    def _stop_writing(self) -> None:
        if self._writable is not None:
            self._writable.stop()
            self._writable.close()
            self._writable = None

    def _drop_reader(self) -> None:
        if self._reader is not None:
            self._reader.forget()
            self._reader = None

    def _last_words(self, pipe: Pipe) -> Answer | None:
        if self._reader is None:
            self._reader = ReplyReader(self._method, self._peer.limits.reply_bytes)
        reader = self._reader
        try:
            while data := pipe.read():
                if (answer := reader.feed(data)) is not None:
                    return answer
        except OSError:
            pass
        return None
