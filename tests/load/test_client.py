"""Sends exactly once, whatever the collector does: every row of the table in client.py, on real sockets."""

from __future__ import annotations

import socket
import ssl
import sys
import time
from collections.abc import Iterator

import gevent
import pytest

from simulator.errors import EngineError, UsageError
from simulator.load.client import Client, Limits, send_once, split_url
from simulator.load.connection import Connection
from simulator.times import Ms
from simulator.wire.request import Answer, Evidence, Purpose, Request
from tests.load.hostile import CERTIFICATE, OK, Behaviour, Visit, hostile, says

QUICK = Limits(connect=5, reply=0.3, reply_bytes=100_000)
PATIENT = Limits(connect=5, reply=20, reply_bytes=100_000)
REPLIED = Answer(Evidence.REPLY, 200, b"ok")


def get(
    target: str = "/cbe/__utm?event=x", method: str = "GET", body: bytes = b"", headers: dict[str, str] | None = None
) -> Request:
    return Request(7, 3, Purpose.EVENT, Ms(0), method, target, tuple((headers or {}).items()), body, ())


def closes(visit: Visit) -> None:
    visit.request()


def resets(visit: Visit) -> None:
    visit.request()
    visit.reset()


def resets_inside_the_reply(visit: Visit) -> None:
    visit.request()
    visit.send(b"HTTP/1.1 200 OK\r\nContent-Le")
    visit.reset()


def half_a_reply(visit: Visit) -> None:
    visit.request()
    visit.send(b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nok")


def stalls(visit: Visit) -> None:
    visit.request()
    visit.stay()


def stalls_inside_the_reply(visit: Visit) -> None:
    visit.request()
    visit.send(OK[:-1])
    visit.stay()


def endless_body(visit: Visit) -> None:
    visit.request()
    visit.send(b"HTTP/1.1 200 OK\r\nContent-Length: 4000000000\r\n\r\n")
    while not visit.server.over.is_set():
        visit.send(bytes(65_536))


def body_until_it_closes(visit: Visit) -> None:
    visit.request()
    visit.send(b"HTTP/1.1 200 OK\r\n\r\nok")


def in_two_parts(visit: Visit) -> None:
    visit.request()
    visit.send(b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1\r\no\r\n")
    visit.send(b"1\r\nk\r\n0\r\n\r\n")


def refusal(status: bytes, body: bytes = b"") -> Behaviour:
    return says(b"HTTP/1.1 %s\r\nContent-Length: %d\r\n\r\n%s" % (status, len(body), body))


# situation, behaviour, answer
ROWS: list[tuple[str, Behaviour, Answer]] = [
    ("a reply", says(OK), REPLIED),
    ("closed after a full request", closes, Answer(Evidence.CLOSED)),
    ("reset after a full request", resets, Answer(Evidence.RESET)),
    ("half a reply", half_a_reply, Answer(Evidence.TRUNCATED)),
    ("a stall", stalls, Answer(Evidence.TIMEOUT)),
    ("a stall inside the reply", stalls_inside_the_reply, Answer(Evidence.TIMEOUT)),
    ("a redirect, not followed", refusal(b"302 F\r\nLocation: /x"), Answer(Evidence.REPLY, 302)),
    ("a redirect that keeps the method", refusal(b"307 T\r\nLocation: /x"), Answer(Evidence.REPLY, 307)),
    ("400", refusal(b"400 B"), Answer(Evidence.REPLY, 400)),
    ("429", refusal(b"429 T"), Answer(Evidence.REPLY, 429)),
    ("500", refusal(b"500 E"), Answer(Evidence.REPLY, 500)),
    ("503 with a reason", refusal(b"503 S", b"busy"), Answer(Evidence.REPLY, 503, b"busy")),
    ("200 whose body says no", refusal(b"200 O", b'{"code":1}'), Answer(Evidence.REPLY, 200, b'{"code":1}')),
    ("100 Continue, then chunks in two parts", in_two_parts, REPLIED),
    ("a body that ends with the connection", body_until_it_closes, REPLIED),
    ("not HTTP", says(b"SSH-2.0-OpenSSH_9.2\r\n"), Answer(Evidence.GARBAGE)),
    ("a giant body", endless_body, Answer(Evidence.OVERSIZED)),
]  # fmt: skip


@pytest.mark.parametrize(("behaviour", "answer"), [r[1:] for r in ROWS], ids=[r[0] for r in ROWS])
@pytest.mark.parametrize("method", ["GET", "POST"])
def test_a_request_arrives_exactly_once(method: str, behaviour: Behaviour, answer: Answer) -> None:
    body = b"{}" if method == "POST" else b""
    limits = QUICK if answer.evidence is Evidence.TIMEOUT else PATIENT
    with hostile(behaviour) as server:
        client = Client(server.url, limits)

        assert send_once(client, get(method=method, body=body)) == answer
        assert len(server.arrived) == server.connections == 1


@pytest.mark.parametrize(("behaviour", "answer"), [r[1:] for r in ROWS], ids=[r[0] for r in ROWS])
def test_on_a_kept_connection_too(behaviour: Behaviour, answer: Answer) -> None:
    """Where others send again, because "the connection must have been stale"."""

    def second(visit: Visit) -> None:
        if visit.request():
            visit.send(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n")
            behaviour(visit)

    limits = QUICK if answer.evidence is Evidence.TIMEOUT else PATIENT
    with hostile(second) as server:
        client = Client(server.url, limits)
        connection = client.connection()
        first = connection.send(client.encode(get()))

        assert (first, connection.send(client.encode(get()))) == (Answer(Evidence.REPLY, 200), answer)
        assert (len(server.arrived), server.connections) == (2, 1)
        connection.close()


def test_a_reset_inside_a_reply() -> None:
    """Either the first bytes or the reset are seen first; both are unknown, and nothing is sent again."""
    with hostile(resets_inside_the_reply) as server:
        answer = send_once(Client(server.url, PATIENT), get())

        assert answer == Answer(Evidence.RESET)
        assert len(server.arrived) == 1


def test_nobody_listens() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
    connection = Client(f"http://127.0.0.1:{port}", PATIENT).connection()

    assert connection.send(b"GET / HTTP/1.1\r\n\r\n") == Answer(Evidence.NO_CONNECTION)
    assert (connection.sent_ns, connection.open()) == (0, False)


def test_a_host_that_cannot_exist() -> None:
    client = Client(f"http://{'x' * 64}.test", PATIENT)

    assert send_once(client, get()) == Answer(Evidence.NO_CONNECTION)


@pytest.mark.skipif(sys.platform != "linux", reason="relies on how Linux drops a SYN when the backlog is full")
def test_a_connection_that_is_never_accepted() -> None:
    with socket.create_server(("127.0.0.1", 0), backlog=0) as full, socket.socket() as other:
        other.connect(full.getsockname())
        url = f"http://127.0.0.1:{full.getsockname()[1]}"

        answer = send_once(Client(url, Limits(connect=0.2, reply=5)), get())

    assert answer == Answer(Evidence.NO_CONNECTION)


def test_a_connection_closed_while_idle_is_noticed_before_the_send() -> None:
    def one_reply(visit: Visit) -> None:
        visit.request()
        visit.send(OK)

    with hostile(one_reply) as server:
        client = Client(server.url, PATIENT)
        connection = client.connection()
        for sends in range(1, 4):
            assert connection.send(client.encode(get())) == REPLIED
            assert server.closed.acquire(timeout=10)
            assert (len(server.arrived), server.connections) == (sends, sends)
        connection.close()


def test_a_connection_reset_while_idle_is_noticed_before_the_send() -> None:
    def reply_and_reset(visit: Visit) -> None:
        visit.request()
        visit.send(OK)
        visit.wire.recv(1) if visit.server.connections > 1 else visit.server.over.wait(0.05)
        visit.reset()

    with hostile(reply_and_reset) as server:
        client = Client(server.url, PATIENT)
        connection = client.connection()
        first = connection.send(client.encode(get()))
        assert server.closed.acquire(timeout=10)

        assert (first, connection.send(client.encode(get()))) == (REPLIED, REPLIED)
        assert len(server.arrived) == 2
        connection.close()


def test_a_connection_with_a_word_that_nobody_asked_for_is_not_used_again() -> None:
    def talkative(visit: Visit) -> None:
        visit.request()
        visit.send(OK)
        visit.send(OK)
        visit.server.closed.release()
        visit.stay()

    with hostile(talkative) as server:
        client = Client(server.url, PATIENT)
        connection = client.connection()
        first = connection.send(client.encode(get()))
        assert server.closed.acquire(timeout=10)
        second = connection.send(client.encode(get()))

        assert (first, second, server.connections) == (REPLIED, REPLIED, 2)
        connection.close()


def test_one_connection_carries_many_requests_and_a_closing_reply_ends_it() -> None:
    with (
        hostile(says(OK)) as open_server,
        hostile(says(OK.replace(b"OK\r\n", b"OK\r\nConnection: close\r\n"))) as closing,
    ):
        made = []
        for server in (open_server, closing):
            client = Client(server.url, PATIENT)
            connection = client.connection()
            assert [connection.send(client.encode(get())) for _ in range(5)] == [REPLIED] * 5
            connection.close()
            made.append(server.connections)

    assert made == [1, 5]


def test_replies_of_any_size_are_told_apart_although_short_ones_are_remembered() -> None:
    def in_turn(visit: Visit) -> None:
        for body in (b"a", b"b", b"a", b"x" * 5_000, b"a"):
            visit.request()
            visit.send(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n%s" % (len(body), body))

    with hostile(in_turn) as server:
        client = Client(server.url, PATIENT)
        connection = client.connection()
        bodies = [connection.send(client.encode(get())).body for _ in range(5)]
        connection.close()

    assert bodies == [b"a", b"b", b"a", b"x" * 5_000, b"a"]
    assert len(client.known) == 2


def test_a_large_body_arrives_whole() -> None:
    body = bytes(range(256)) * 40_000
    with hostile(says(OK)) as server:
        assert send_once(Client(server.url, PATIENT), get(method="POST", body=body)) == REPLIED
        assert server.arrived[0].partition(b"\r\n\r\n")[2] == body


def test_a_body_that_is_never_read_times_out() -> None:
    with hostile(lambda visit: visit.stay()) as server:
        answer = send_once(Client(server.url, QUICK), get(method="POST", body=bytes(20_000_000)))

    assert answer == Answer(Evidence.TIMEOUT)


def test_a_body_refused_half_way_gives_the_reply() -> None:
    def refuses(visit: Visit) -> None:
        visit.wire.recv(1_000)
        visit.send(b"HTTP/1.1 413 Too Large\r\nContent-Length: 0\r\n\r\n")
        visit.stay()

    with hostile(refuses) as server:
        answer = send_once(Client(server.url, QUICK), get(method="POST", body=bytes(20_000_000)))

    assert answer == Answer(Evidence.REPLY, 413)


def test_the_bytes_of_a_request() -> None:
    client = Client("http://[::1]:8080/")

    assert client.encode(get("/a?b=%20", headers={"User-Agent": "x", "Referer": "https://servicewechat.com/"})) == (
        b"GET /a?b=%20 HTTP/1.1\r\nHost: [::1]:8080\r\nUser-Agent: x\r\nReferer: https://servicewechat.com/\r\n\r\n"
    )
    assert client.encode(get("/a", "POST", b"{}")) == (
        b"POST /a HTTP/1.1\r\nHost: [::1]:8080\r\nContent-Length: 2\r\n\r\n{}"
    )
    assert client.encode(get("/a", "POST")).endswith(b"Content-Length: 0\r\n\r\n")
    assert Client("http://example.com").encode(get("/")).startswith(b"GET / HTTP/1.1\r\nHost: example.com\r\n")


@pytest.mark.parametrize("target", ["/a b", "/a\r\nX: y", "/日"], ids=["a space", "a line break", "not ASCII"])
def test_a_target_that_no_request_line_can_carry_is_a_fault_of_ours(target: str) -> None:
    with pytest.raises(EngineError, match="visitor 7: no request line"):
        Client("http://127.0.0.1:1").encode(get(target))


def test_a_header_with_a_line_break_is_a_fault_of_ours() -> None:
    with pytest.raises(EngineError, match="visitor 7: a header with a line break"):
        Client("http://127.0.0.1:1").encode(get(headers={"X": "a\r\nY: b"}))


URLS = [
    ("http://127.0.0.1:8080", ("http", "127.0.0.1", 8080)),
    ("http://localhost", ("http", "localhost", 80)),
    ("https://data.example.com/", ("https", "data.example.com", 443)),
    ("http://[::1]:81", ("http", "::1", 81)),
]


@pytest.mark.parametrize(("url", "parts"), URLS, ids=[u[0] for u in URLS])
def test_a_url(url: str, parts: tuple[str, str, int]) -> None:
    assert split_url(url) == parts


@pytest.mark.parametrize(
    "url", ["ftp://x", "127.0.0.1:80", "http://", "http://x/path", "http://x:99999", "http://me@x", "http://x?a=b"]
)
def test_what_is_no_url_of_a_collector(url: str) -> None:
    with pytest.raises(UsageError, match="target"):
        split_url(url)


def test_a_killed_lane_leaves_its_connection_closed() -> None:
    with hostile(stalls) as server:
        client = Client(server.url, PATIENT)
        connection = client.connection()
        lane = gevent.spawn(connection.send, client.encode(get()))
        with gevent.Timeout(10):
            while not server.arrived:
                gevent.sleep(0.001)
        lane.kill()

        assert isinstance(lane.value, gevent.GreenletExit)
        assert connection.sent_ns > 0
        assert connection._wire is None


# ---- TLS ----


@pytest.fixture
def trusting() -> ssl.SSLContext:
    return ssl.create_default_context(cafile=str(CERTIFICATE))


@pytest.fixture
def lane() -> Iterator[list[Connection]]:
    opened: list[Connection] = []
    yield opened
    for connection in opened:
        connection.close()


TLS_ROWS = [row for row in ROWS if row[0] in {"a reply", "half a reply", "a stall", "a giant body", "not HTTP"}]


@pytest.mark.parametrize(("behaviour", "answer"), [r[1:] for r in TLS_ROWS], ids=[r[0] for r in TLS_ROWS])
def test_over_tls(behaviour: Behaviour, answer: Answer, trusting: ssl.SSLContext) -> None:
    limits = QUICK if answer.evidence is Evidence.TIMEOUT else PATIENT
    with hostile(behaviour, tls=True) as server:
        client = Client(server.url, limits, context=trusting)

        assert send_once(client, get(method="POST", body=b"x" * 100_000)) == answer
        assert len(server.arrived) == 1


def test_tls_that_ends_without_saying_so_makes_no_complete_reply(trusting: ssl.SSLContext) -> None:
    """A body that ends with the connection may have been cut short by anybody in between."""
    with hostile(body_until_it_closes, tls=True) as server:
        answer = send_once(Client(server.url, PATIENT, context=trusting), get())

    assert answer == Answer(Evidence.TRUNCATED)


def test_tls_keeps_its_connection(trusting: ssl.SSLContext, lane: list[Connection]) -> None:
    with hostile(says(OK), tls=True) as server:
        client = Client(server.url, PATIENT, context=trusting)
        lane.append(client.connection())

        assert [lane[0].send(client.encode(get())) for _ in range(3)] == [REPLIED] * 3
        assert server.connections == 1
        lane[0].close()


@pytest.mark.parametrize("size", [2, 60_000], ids=["head and body apart", "over sixteen KiB"])
def test_a_reply_in_several_tls_records_that_arrive_together(
    size: int, trusting: ssl.SSLContext, lane: list[Connection]
) -> None:
    """Only the first of them makes the socket readable."""
    body = b"k" * size

    def in_records(visit: Visit) -> None:
        while visit.request():
            visit.wire.setsockopt(socket.IPPROTO_TCP, socket.TCP_CORK, 1)
            visit.send(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % size)
            visit.send(body)
            visit.wire.setsockopt(socket.IPPROTO_TCP, socket.TCP_CORK, 0)

    with hostile(in_records, tls=True) as server:
        client = Client(server.url, PATIENT, context=trusting)
        lane.append(client.connection())

        assert [lane[0].send(client.encode(get())) for _ in range(3)] == [Answer(Evidence.REPLY, 200, body)] * 3
        assert server.connections == 1
        lane[0].close()


def test_a_reply_that_came_while_we_were_busy_is_no_timeout() -> None:
    with hostile(says(OK)) as server:
        client = Client(server.url, Limits(connect=5, reply=0.05))
        connection = client.connection()
        assert connection.open()
        answers: list[Answer | Exception] = []
        connection.exchange(client.encode(get()), "GET", answers.append)
        deadline = time.monotonic() + 10
        while not (server.arrived and _readable(connection)):  # without letting the event loop run
            assert time.monotonic() < deadline
        connection.expire()

    assert answers == [REPLIED]


def _readable(connection: Connection) -> bool:
    assert connection._pipe is not None
    return not connection._pipe.is_quiet()


def test_tls_closed_while_idle_is_noticed(trusting: ssl.SSLContext, lane: list[Connection]) -> None:
    def one_reply(visit: Visit) -> None:
        visit.request()
        visit.send(OK)

    with hostile(one_reply, tls=True) as server:
        client = Client(server.url, PATIENT, context=trusting)
        lane.append(client.connection())
        for _ in range(3):
            assert lane[0].send(client.encode(get())) == REPLIED
            assert server.closed.acquire(timeout=10)

        assert len(server.arrived) == 3


def test_a_certificate_that_nobody_vouches_for_stops_before_the_first_byte() -> None:
    with hostile(says(OK), tls=True) as server:
        assert send_once(Client(server.url, PATIENT), get()) == Answer(Evidence.NO_CONNECTION)
        assert server.arrived == []


def test_tls_with_somebody_who_does_not_speak_it(trusting: ssl.SSLContext) -> None:
    def plain(visit: Visit) -> None:
        visit.wire.recv(100)
        visit.send(b"HTTP/1.1 400 Bad Request\r\n\r\n")

    with hostile(plain) as server:
        url = server.url.replace("http:", "https:")

        assert send_once(Client(url, PATIENT, context=trusting), get()) == Answer(Evidence.NO_CONNECTION)


def test_tls_with_somebody_who_says_nothing(trusting: ssl.SSLContext) -> None:
    with hostile(lambda visit: visit.stay()) as server:
        url = server.url.replace("http:", "https:")
        client = Client(url, Limits(connect=0.2, reply=5), context=trusting)

        assert send_once(client, get()) == Answer(Evidence.NO_CONNECTION)
