"""The bytes of a reply, as they come, to an Answer. HTTP is read by llhttp; here are the bounds and the honesty.

One reply answers one request: what arrives behind it makes the connection unfit for another. Interim replies (1xx) are
passed over, redirects are replies like any other.
"""

from __future__ import annotations

import zlib

import httptools

from simulator.wire.request import Answer, Evidence

LIMIT = 1 << 20  # bytes of a reply, head included, and of its body after decompression


class ReplyReader:
    """Reads the reply to one request.

    Feed it what was received until it returns an Answer. `reusable` then says whether the connection may carry
    another request.
    """

    __slots__ = ("_body", "_complete", "_encoded", "_extra", "_framed", "_head_only", "_headed", "_keep", "_limit",
                 "_parser", "_size", "_status")  # fmt: skip

    def __init__(self, method: str = "GET", limit: int = LIMIT) -> None:
        self._parser: httptools.HttpResponseParser | None = httptools.HttpResponseParser(self)
        self._head_only = method == "HEAD"
        self._limit = limit
        self._size = 0  # bytes fed
        self._status = 0
        self._headed = False  # the head of the final reply is complete
        self._complete = False
        self._extra = False  # something stands behind the reply
        self._keep = False
        self._framed = False  # its length is told, so the end of the connection is not its end
        self._encoded = False
        self._body: list[bytes] = []

    @property
    def started(self) -> bool:
        """Whether any byte has arrived."""
        return self._size > 0

    @property
    def reusable(self) -> bool:
        """Whether the reply is complete, nothing stands behind it, and both sides keep the connection."""
        return self._complete and self._keep and not self._extra

    def feed(self, data: bytes) -> Answer | None:
        """Take the next bytes; None while the reply goes on. Never raises."""
        answer = self._fed(data)
        if answer is not None:
            self.forget()
        return answer

    def end(self, *, clean: bool = True) -> Answer:
        """The connection ended; `clean` is False where TLS ended without saying so. Never raises."""
        self.forget()
        if not self.started:
            return Answer(Evidence.CLOSED)
        if self._headed and not self._framed and clean:
            return self._answer()
        return Answer(Evidence.TRUNCATED)

    def forget(self) -> None:
        """Nothing more is fed: the parser and this let go of each other, which nobody looks for while a run is sent."""
        self._parser = None

    def _fed(self, data: bytes) -> Answer | None:
        parser = self._parser
        assert parser is not None, "the reply was over"
        self._size += len(data)
        try:
            parser.feed_data(data)
        except httptools.HttpParserUpgrade:
            self._extra = True  # 101: what follows is no longer HTTP
            return Answer(Evidence.REPLY, parser.get_status_code())
        except httptools.HttpParserError:
            if not self._complete:
                return Answer(Evidence.GARBAGE)
            self._extra = True
        if self._size > self._limit:
            return Answer(Evidence.OVERSIZED)
        if self._headed and self._status < 100:
            return Answer(Evidence.GARBAGE)
        if self._complete:
            return self._answer()
        if self._head_only and self._headed:
            return Answer(Evidence.REPLY, self._status)
        return None

    def _answer(self) -> Answer:
        body = b"".join(self._body)
        if not self._encoded or not body:
            return Answer(Evidence.REPLY, self._status, body)
        unpack = zlib.decompressobj(wbits=47)  # gzip or zlib, whichever it is
        try:
            plain = unpack.decompress(body, self._limit)
        except zlib.error:
            return Answer(Evidence.GARBAGE)
        if unpack.unconsumed_tail:
            return Answer(Evidence.OVERSIZED)
        return Answer(Evidence.REPLY, self._status, plain) if unpack.eof else Answer(Evidence.TRUNCATED)

    # ---- what llhttp calls ----

    def on_message_begin(self) -> None:
        if self._complete:
            self._extra = True
        else:
            self._headed = self._framed = self._encoded = False

    def on_header(self, name: bytes, value: bytes) -> None:
        if self._complete:
            return
        match name.lower():
            case b"content-length":
                self._framed = True
            case b"transfer-encoding":
                self._framed = self._framed or value.lower().rstrip().endswith(b"chunked")
            case b"content-encoding":
                self._encoded = value.lower().strip() in {b"gzip", b"x-gzip", b"deflate"}

    def on_headers_complete(self) -> None:
        parser = self._parser
        if parser is not None and not self._complete:
            self._status = parser.get_status_code()
            self._headed = not 100 <= self._status < 200  # an interim reply is none
            self._keep = parser.should_keep_alive()

    def on_body(self, data: bytes) -> None:
        if not self._complete:
            self._body.append(data)

    def on_message_complete(self) -> None:
        self._complete = self._headed
