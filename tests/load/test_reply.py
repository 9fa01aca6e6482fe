"""Replies byte by byte: what the parser says of each, and that cutting them anywhere changes nothing."""

from __future__ import annotations

import gzip
import zlib

import pytest
from hypothesis import given
from hypothesis import strategies as some

from simulator.load.reply import ReplyReader
from simulator.wire.request import Answer, Evidence

OK = b"HTTP/1.1 200 OK\r\n"
SIZED = OK + b"Content-Length: 2\r\n\r\nok"
CHUNKED = OK + b"Transfer-Encoding: chunked\r\n\r\n1\r\no\r\n1;x=y\r\nk\r\n0\r\nTrailer: 1\r\n\r\n"
CONTINUE = b"HTTP/1.1 100 Continue\r\n\r\n"
PACKED = gzip.compress(b"ok")


def reply(status: int = 200, body: bytes = b"") -> Answer:
    return Answer(Evidence.REPLY, status, body)


def packed(encoding: bytes, body: bytes) -> bytes:
    return OK + b"Content-Encoding: %s\r\nContent-Length: %d\r\n\r\n%s" % (encoding, len(body), body)


# situation, bytes, what they say before the connection ends (None: more is awaited), reusable
COMPLETE = [
    ("with a length", SIZED, reply(200, b"ok"), True),
    ("in chunks", CHUNKED, reply(200, b"ok"), True),
    ("empty", OK + b"Content-Length: 0\r\n\r\n", reply(), True),
    ("204 has no body", b"HTTP/1.1 204 No Content\r\n\r\n", reply(204), True),
    ("304 has no body", b"HTTP/1.1 304 Not Modified\r\n\r\n", reply(304), True),
    ("a redirect", b"HTTP/1.1 307 T\r\nLocation: /x\r\nContent-Length: 0\r\n\r\n", reply(307), True),
    ("an error", b"HTTP/1.1 503 S\r\nContent-Length: 4\r\n\r\nbusy", reply(503, b"busy"), True),
    ("without a reason", b"HTTP/1.1 200\r\nContent-Length: 0\r\n\r\n", reply(), True),
    ("after 100", CONTINUE + SIZED, reply(200, b"ok"), True),
    ("after 103 twice", b"HTTP/1.1 103 E\r\nLink: </x>\r\n\r\n" * 2 + CHUNKED, reply(200, b"ok"), True),
    ("closing", OK + b"Connection: close\r\nContent-Length: 2\r\n\r\nok", reply(200, b"ok"), False),
    ("HTTP/1.0", b"HTTP/1.0 200 OK\r\nContent-Length: 2\r\n\r\nok", reply(200, b"ok"), False),
    ("gzip", packed(b"gzip", PACKED), reply(200, b"ok"), True),
    ("deflate", packed(b"Deflate", zlib.compress(b"ok")), reply(200, b"ok"), True),
    ("an encoding nobody asked for", packed(b"br", b"??"), reply(200, b"??"), True),
    ("encoded nothing", packed(b"gzip", b""), reply(), True),
    ("101", b"HTTP/1.1 101 S\r\nUpgrade: x\r\nConnection: upgrade\r\n\r\n", reply(101), False),
    ("another protocol", b"SSH-2.0-OpenSSH_9.2\r\n", Answer(Evidence.GARBAGE), False),
    ("no status", b"HTTP/1.1 OK\r\n\r\n", Answer(Evidence.GARBAGE), False),
    ("a status below 100", b"HTTP/1.1 099 X\r\nContent-Length: 0\r\n\r\n", Answer(Evidence.GARBAGE), False),
    ("two lengths", OK + b"Content-Length: 2\r\nContent-Length: 3\r\n\r\nok", Answer(Evidence.GARBAGE), False),
    ("a chunk of size z", OK + b"Transfer-Encoding: chunked\r\n\r\nz\r\n", Answer(Evidence.GARBAGE), False),
    ("broken gzip", packed(b"gzip", b"ok"), Answer(Evidence.GARBAGE), False),
    ("half of a gzip", packed(b"gzip", PACKED[:-4]), Answer(Evidence.TRUNCATED), False),
]  # fmt: skip


@pytest.mark.parametrize(("data", "answer", "reusable"), [c[1:] for c in COMPLETE], ids=[c[0] for c in COMPLETE])
def test_a_complete_reply(data: bytes, answer: Answer, reusable: bool) -> None:
    reader = ReplyReader()
    answered = reader.feed(data)

    assert (answered, reader.reusable and answer.evidence is Evidence.REPLY) == (answer, reusable)


@given(some.sampled_from(COMPLETE), some.lists(some.integers(0, 300), max_size=6))
def test_cutting_a_reply_anywhere_changes_nothing(case: tuple[str, bytes, Answer, bool], cuts: list[int]) -> None:
    _, data, expected, _ = case
    ends = [*sorted(cut for cut in cuts if 0 < cut < len(data)), len(data)]
    reader, answer, at = ReplyReader(), None, 0
    for end in ends:
        if answer is None and end > at:
            answer = reader.feed(data[at:end])
            at = end

    assert answer == expected


# situation, bytes, what the end of the connection makes of them
ENDED = [
    ("nothing", b"", Answer(Evidence.CLOSED)),
    ("half a status line", b"HTTP/1.1 2", Answer(Evidence.TRUNCATED)),
    ("half a head", OK + b"Content-Le", Answer(Evidence.TRUNCATED)),
    ("half a body", OK + b"Content-Length: 2\r\n\r\no", Answer(Evidence.TRUNCATED)),
    ("half the chunks", CHUNKED[:-30], Answer(Evidence.TRUNCATED)),
    ("all but the last chunk's end", CHUNKED[:-2], Answer(Evidence.TRUNCATED)),
    ("only an interim reply", CONTINUE, Answer(Evidence.TRUNCATED)),
    ("a body that ends with the connection", OK + b"\r\nok", reply(200, b"ok")),
    ("no body, ended by the connection", OK + b"\r\n", reply()),
]


@pytest.mark.parametrize(("data", "answer"), [c[1:] for c in ENDED], ids=[c[0] for c in ENDED])
def test_a_connection_that_ends(data: bytes, answer: Answer) -> None:
    reader = ReplyReader()
    before = reader.feed(data) if data else None

    assert (before, reader.end(), reader.reusable) == (None, answer, False)


def test_a_body_that_ends_with_a_tls_connection_cut_short_is_truncated() -> None:
    reader = ReplyReader()
    reader.feed(OK + b"\r\nok")

    assert reader.end(clean=False) == Answer(Evidence.TRUNCATED)


@pytest.mark.parametrize("extra", [b"X", b"HTTP/1.1 200 OK\r\n", SIZED, b"\0"], ids=repr)
def test_bytes_behind_a_reply_are_no_part_of_it_and_end_the_connection(extra: bytes) -> None:
    reader = ReplyReader()

    assert (reader.feed(SIZED + extra), reader.reusable) == (reply(200, b"ok"), False)


def test_a_reply_to_head_has_no_body_whatever_its_length_says() -> None:
    reader = ReplyReader("HEAD")

    assert reader.feed(OK + b"Content-Length: 5\r\n\r\n") == reply()
    assert not reader.reusable


@pytest.mark.parametrize(
    ("size", "answer"),
    [(99, reply(200, b"x" * 58)), (100, reply(200, b"x" * 59)), (101, Answer(Evidence.OVERSIZED))],
    ids=["one byte below the bound", "at the bound", "one byte above"],
)
def test_a_reply_is_bounded(size: int, answer: Answer) -> None:
    head = OK + b"Content-Length: %3d\r\n\r\n" % (size - 41)

    assert ReplyReader(limit=100).feed(head.ljust(size, b"x")) == answer


def test_an_endless_head_and_an_endless_body_are_cut_off() -> None:
    head, body = ReplyReader(limit=1_000), ReplyReader(limit=1_000)
    body.feed(OK + b"\r\n")

    assert head.feed(OK + b"X: " + b"x" * 1_000) == Answer(Evidence.OVERSIZED)
    assert body.feed(b"x" * 1_000) == Answer(Evidence.OVERSIZED)


def test_a_compressed_bomb_is_oversized() -> None:
    bomb = packed(b"gzip", gzip.compress(bytes(1_000_000)))

    assert ReplyReader(limit=10_000).feed(bomb) == Answer(Evidence.OVERSIZED)


@given(some.lists(some.binary(max_size=200), max_size=5))
def test_no_bytes_make_the_reader_raise(parts: list[bytes]) -> None:
    reader = ReplyReader()
    answer = next((a for part in parts if (a := reader.feed(part)) is not None), None) or reader.end()

    assert isinstance(answer, Answer)
