"""The capture server as a process: what phones send, what strangers send, what is passed on, how it ends."""

from __future__ import annotations

import asyncio
import gzip
import json
import shutil
import signal
import socket
import ssl
import subprocess
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import httpx
import pytest

from simulator.inspect.listening.recording import read_capture
from tests.e2e.commands import collector, mpsim
from tests.inspect.listening.listener import Listener, listening, until
from tests.wire.tracker_words import CASES, case
from tests.wire.wire_builders import adapter, fold, launch, view

pytestmark = pytest.mark.slow
OPEN = "/cbe/__utm?event=mini_program_open&anonymousId=me&source=poster"
TAKEN = b'{"code":0,"status":"success","success":true}'


@pytest.fixture(scope="module")
def shared() -> Iterator[Listener]:
    """One listening for the tests that look at what they sent themselves."""
    with listening() as listener:
        yield listener


def get(listener: Listener, target: str, **headers: str) -> httpx.Response:
    return httpx.get(listener.url + target, headers=headers, trust_env=False)


def last(listener: Listener, mark: str) -> dict[str, object]:
    """The entry of the request whose path holds a mark."""
    found = until(lambda: [one for one in listener.all()["entries"] if mark in one["path"]], what=mark)
    entry: dict[str, object] = found[-1]
    return entry


# ---- what phones send ----------------------------------------------------------------------------------------------


def test_an_event_is_answered_shown_and_counted() -> None:
    with listening() as listener:
        answer = get(listener, OPEN)

        assert (answer.status_code, answer.content) == (200, TAKEN)
        listener.line(r"ok  dmhub +mini_program_open +visitor me +source poster")
        (entry,) = listener.entries(1)
        assert entry["said"][0]["event"] == "mini_program_open"
        assert listener.all()["figures"] == [
            {"source": "", "pv": 0, "uv": 1, "opens": 1, "new_users": 1},
            {"source": "poster", "pv": 0, "uv": 1, "opens": 1, "new_users": 1},
        ]
        code, printed = listener.end()

    assert code == 0
    assert "PASS  Every event could be read, and none is bad." in printed
    assert "only this machine can reach it" in printed


def test_every_adapters_own_requests_are_shown() -> None:
    names = ["dmhub", "dmhub-2018", *sorted(name for name in CASES if not name.startswith("generic"))]
    with listening() as listener, httpx.Client(base_url=listener.url, trust_env=False) as client:
        sent: list[tuple[str, list[str]]] = []
        for name in names:
            of = case(name) if name in CASES else adapter(name)
            for request in fold(of, launch(page="pages/a"), view(1, "pages/a")):
                headers = dict(request.headers)
                answer = client.request(request.method, request.target, headers=headers, content=request.body)
                assert answer.status_code == 200
                wire = "dmhub" if name == "dmhub-2018" else of.name
                sent.append((wire, [record.event for record in request.records]))

        shown = listener.entries(len(sent))

        assert [(one["format"], [said["event"] for said in one["said"]]) for one in shown] == sent
        assert listener.end()[0] == 0


def test_a_target_file_names_templates(tmp_path: Path) -> None:
    target = tmp_path / "ours.yaml"
    target.write_text(
        "target: ours\nurl: http://127.0.0.1:1\nadapter:\n  name: generic\n  method: GET\n  path: /p/{event}\n"
        "  query: {d: '{device}', k: '{kind}'}\ntotals: {monitor: {}}\n",
        encoding="utf-8",
    )
    with listening("--target", str(target)) as listener:
        get(listener, "/p/hello?d=phone-1&k=view")

        (entry,) = listener.entries(1)

    assert (entry["format"], entry["said"][0]["event"], entry["said"][0]["visitor"]) == ("generic", "hello", "phone-1")


def test_what_the_scenario_says_of_the_app_decides_what_is_bad(tmp_path: Path) -> None:
    scenario = tmp_path / "app.yaml"
    scenario.write_text(
        'scenario: s\napp: {tenant: "7", pages: [pages/a], events: [c_known]}\nvisitors: {count: 1}\n'
        "sources: {direct: {weight: 1, scene: 1089}}\njourneys: {look: {steps: [launch, exit]}}\n"
        "load: {users: 1}\n",
        encoding="utf-8",
    )
    with listening("--journeys", str(scenario)) as listener:
        for event, tenant in (("c_known", "7"), ("c_other", "7"), ("c_known", "8")):
            get(listener, f"/cbe/__utm?event={event}&tenantId={tenant}&anonymousId=d")

        bad = [one["said"][0]["bad"] for one in listener.entries(3)]
        code, printed = listener.end()

    assert bad == ["", "a c_ event that is not registered", "tenantId is another tenant's"]
    assert (code, "FAIL  2 bad events." in printed) == (1, True)


def test_a_rule_is_told_beside_the_event_as_gravely_as_the_user_says() -> None:
    for options, bad in (((), 1), (("--rule", "event-prefix=warning"), 0), (("--rule", "event-prefix=off"), 0)):
        with listening(*options) as listener:
            get(listener, "/cbe/__utm?event=add_to_cart&anonymousId=d")

            (entry,) = listener.entries(1)
            level = options[1].partition("=")[2] if options else "error"
            told = [] if level == "off" else [("event-prefix", level)]
            assert [(one["code"], one["level"]) for one in entry["said"][0]["notes"]] == told
            assert (entry["bad"], listener.end()[0]) == (bad, bad)


# ---- what strangers send -------------------------------------------------------------------------------------------

EVIL = "%3Cscript%3Ealert(1)%3C/script%3E%22%27%E2%80%AE%00"


def test_markup_and_marks_are_only_text(shared: Listener) -> None:
    get(shared, f"/__utm?event={EVIL[:40]}&targetName={EVIL}&source={EVIL}&identityType=x&identityValue={EVIL}")

    line = shared.line(r"<script>.*").string
    assert "\\u202e" in line
    assert "\x00" not in line
    assert "\u202e" not in line


def test_an_unknown_body_is_told_with_what_it_looks_like(shared: Listener) -> None:
    httpx.post(f"{shared.url}/unknown-one", content=b"\x00\x01\x02", headers={"content-type": "a/b"}, trust_env=False)

    entry = last(shared, "unknown-one")
    assert (entry["kind"], entry["type"], entry["size"]) == ("unknown", "a/b", 3)
    assert entry["why"] == "POST with a binary body of 3 bytes"
    details = shared.details(int(str(entry["number"])))
    assert details["body"] == {"hex": "00 01 02", "more": 0}


def test_a_chunked_body_is_whole(shared: Listener) -> None:
    event = json.dumps({"type": "track", "event": "c_chunked", "anonymousId": "d", "timestamp": "2026-03-01T00:00:00Z"})

    def parts() -> Iterator[bytes]:
        yield b'{"batch":['
        yield event.encode()
        yield b"]}"

    httpx.post(f"{shared.url}/chunked/v1/batch", content=parts(), trust_env=False)

    entry = last(shared, "/chunked/")
    assert (entry["format"], entry["events"]) == ("segment", 1)


def test_a_gzip_bomb_is_taken_and_not_unpacked(shared: Listener) -> None:
    bomb = gzip.compress(b"0" * (64 << 20))
    answer = httpx.post(
        f"{shared.url}/bomb", content=bomb, headers={"content-encoding": "gzip"}, trust_env=False, timeout=30
    )

    assert answer.status_code == 200
    assert str(last(shared, "/bomb")["why"]).startswith("Content-Encoding gzip: cut off, or too large when unpacked")


def test_a_body_out_of_bounds_is_refused_and_told(shared: Listener) -> None:
    with socket.create_connection(("127.0.0.1", shared.port), timeout=20) as connection:
        connection.sendall(b"POST /too-large HTTP/1.1\r\nHost: x\r\nContent-Length: 5000000\r\n\r\n" + b"x" * 4_200_000)
        answer = connection.recv(4_096)

    assert answer.startswith(b"HTTP/1.1 413 ")
    entry = last(shared, "too-large")
    assert (entry["kind"], entry["why"]) == ("refused", "the body is larger than 4194304 bytes")


GARBAGE = [
    ("no HTTP", b"hello there\r\n\r\n", 400, "this is not an HTTP/1.1 request"),
    ("TLS", b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + bytes(64), 400, "TLS came to a plain port"),
    ("a long target", b"GET /" + b"a" * 70_000 + b" HTTP/1.1\r\n\r\n", 414, "longer than 65536 bytes"),
    ("many headers", b"GET / HTTP/1.1\r\n" + b"a: b\r\n" * 40_000 + b"\r\n", 431, "larger than 65536 bytes"),
    ("a bad length", b"POST / HTTP/1.1\r\nContent-Length: -5\r\n\r\n", 400, "this is not an HTTP/1.1 request"),
]


@pytest.mark.parametrize(("sent", "status", "told"), [one[1:] for one in GARBAGE], ids=[one[0] for one in GARBAGE])
def test_what_is_no_http_is_told(sent: bytes, status: int, told: str) -> None:
    with listening() as listener:
        answer = listener.raw(sent)

        assert answer.startswith(f"HTTP/1.1 {status} ".encode())
        (entry,) = listener.entries(1)
        assert entry["kind"] == "refused"
        assert told in entry["why"]
        assert get(listener, OPEN).status_code == 200
        assert listener.end()[0] == 3


@pytest.mark.parametrize("host", [b"[::1", b"a b", b"\xff", b"[x]:1", b"h" * 300, b""])
def test_a_host_that_is_none_is_no_matter(shared: Listener, host: bytes) -> None:
    answer = shared.raw(b"GET /__utm?event=c_x HTTP/1.1\r\nConnection: close\r\nHost: " + host + b"\r\n\r\n")

    assert answer.startswith(b"HTTP/1.1 200 ")


def test_many_at_once_are_all_shown() -> None:
    async def send(url: str, count: int) -> None:
        async with httpx.AsyncClient(base_url=url, trust_env=False, timeout=120) as client:
            targets = (f"/cbe/__utm?event=mini_program_view&anonymousId=d{k}&externalId={k}" for k in range(count))
            answers = await asyncio.gather(*[client.get(target) for target in targets])
        assert {answer.status_code for answer in answers} == {200}

    with listening("-q") as listener:
        asyncio.run(send(listener.url, 600))

        assert len(listener.entries(600)) == 600
        assert listener.all()["figures"][0] == {"source": "", "pv": 600, "uv": 600, "opens": 0, "new_users": 600}
        assert listener.end()[0] == 0


def test_who_never_ends_a_head_or_a_body_is_not_waited_for() -> None:
    before = (
        "import simulator.inspect.listening.application as a, simulator.inspect.listening.protocol as p\n"
        "a._BODY_SECONDS = p._HEAD_SECONDS = 0.3"
    )
    with listening(before=before) as listener:
        assert listener.raw(b"GET / HT") == b""
        assert listener.raw(b"") == b""
        late = listener.raw(b"POST /slow HTTP/1.1\r\nHost: x\r\nContent-Length: 9\r\nConnection: close\r\n\r\nabc")

        assert late.startswith(b"HTTP/1.1 408 ")
        assert last(listener, "slow")["why"] == "the body was not complete within 0 s"
        assert get(listener, OPEN).status_code == 200


def test_who_goes_away_inside_a_body_is_no_request() -> None:
    with listening() as listener:
        with socket.create_connection(("127.0.0.1", listener.port), timeout=20) as connection:
            connection.sendall(b"POST /gone HTTP/1.1\r\nHost: x\r\nContent-Length: 9\r\n\r\nabc")
        get(listener, OPEN)

        assert [one["path"] for one in listener.entries(1)] == ["/cbe/__utm"]


def test_a_bug_of_ours_ends_the_listening_and_is_told() -> None:
    before = (
        "from simulator.inspect.listening.kept import Kept\n"
        "def broken(*_):\n    raise RuntimeError('a bug that was planted')\n"
        "Kept.put = broken"
    )
    with listening(before=before) as listener:
        assert get(listener, OPEN).status_code == 200

        code, _ = listener.wait()

        assert code == 7
        assert listener.process.stderr is not None
        assert "a bug that was planted" in listener.process.stderr.read()


def test_a_request_on_which_we_fail_does_not_end_the_others(tmp_path: Path) -> None:
    out = tmp_path / "capture.jsonl"
    before = (
        "from simulator.inspect.listening.reading import Reader\n"
        "honest = Reader.read\n"
        "def broken(self, exchange, client):\n"
        "    return honest(self, exchange, client if 'x' not in exchange.url else 1/0)\n"
        "Reader.read = broken"
    )
    with listening("--out", str(out), before=before) as listener:
        assert get(listener, "/x").content == TAKEN
        assert get(listener, OPEN).content == TAKEN

        assert [one["kind"] for one in listener.entries(2)] == ["unknown", "events"]
        code, printed = listener.end()

    assert (code, "ERROR  mpsim itself failed on 1 request: a bug, please report it" in printed) == (7, True)
    assert len(read_capture(out).exchanges) == 2


def test_more_connections_than_are_served_are_told() -> None:
    with listening("-q") as listener:
        idle = [socket.create_connection(("127.0.0.1", listener.port), timeout=20) for _ in range(800)]
        answer = listener.raw(b"")

        assert answer.startswith(b"HTTP/1.1 503 ")
        for connection in idle:
            connection.close()
        until(lambda: get(listener, OPEN).status_code == 200)
        assert listener.entries(2)[0]["why"] == "there are 800 connections already"


# ---- the page ------------------------------------------------------------------------------------------------------


def test_a_browser_is_led_to_the_page_and_a_tracker_is_not(shared: Listener) -> None:
    browser = get(shared, "/", accept="text/html,application/xhtml+xml")
    assert (browser.status_code, browser.headers["location"]) == (302, "/_mpsim/")
    assert get(shared, "/", accept="*/*").content == TAKEN
    assert get(shared, "/?event=c_x", accept="text/html").content == TAKEN


def test_the_page_loads_nothing_and_may_run_only_itself(shared: Listener) -> None:
    answer = get(shared, "/_mpsim/")

    policy = answer.headers["content-security-policy"]
    assert policy.startswith("default-src 'none'; style-src 'sha256-")
    assert "unsafe" not in policy
    text = answer.text.replace("http://www.w3.org/2000/svg", "").replace("http://127.0.0.1", "")
    assert "://" not in text
    assert "@import" not in text
    assert "url(" not in text


@pytest.mark.parametrize("path", ["/_mpsim/", "/_mpsim/all", "/_mpsim/stream", "/_mpsim/request/0"])
def test_a_name_that_was_made_to_point_here_sees_nothing(shared: Listener, path: str) -> None:
    assert get(shared, path, host="evil.example").status_code == 403


def test_a_request_that_is_not_kept_is_told(shared: Listener) -> None:
    answer = get(shared, "/_mpsim/request/999999")

    assert (answer.status_code, answer.json()["reason"]) == (404, "this request is no longer kept")


def test_the_stream_goes_on_where_it_was(shared: Listener) -> None:
    version = shared.all()["version"]
    get(shared, "/__utm?event=c_streamed")
    until(lambda: shared.all()["version"] > version)

    url = f"{shared.url}/_mpsim/stream"
    with httpx.stream("GET", url, headers={"last-event-id": str(version)}, trust_env=False) as stream:
        data = next(line for line in stream.iter_lines() if line.startswith("data: "))

    said = json.loads(data.removeprefix("data: "))
    assert [one["said"][0]["event"] for one in said["entries"]] == ["c_streamed"]


def test_not_everybody_can_watch_at_once() -> None:
    with listening() as listener:
        streams = [socket.create_connection(("127.0.0.1", listener.port), timeout=20) for _ in range(16)]
        for stream in streams:
            stream.sendall(b"GET /_mpsim/stream HTTP/1.1\r\nHost: localhost\r\n\r\n")
            received = b""
            while b"data: " not in received:
                received += stream.recv(4_096)

        assert get(listener, "/_mpsim/stream").status_code == 503
        assert listener.end()[0] == 3  # nothing came; and who watches does not keep it from ending
        for stream in streams:
            stream.close()


# ---- the real collector --------------------------------------------------------------------------------------------


def test_what_is_passed_on_is_stored_and_the_reply_goes_back(tmp_path: Path) -> None:
    out = tmp_path / "capture.jsonl"
    with collector(tmp_path / "c.db") as url, listening("--pass-on", url, "--out", str(out)) as listener:
        answer = get(listener, f"{OPEN}&date=2026-03-01T00:00:00Z&targetName=%E4%B8%AD+%2B")

        assert (answer.status_code, answer.content) == (200, b"{}")
        (stored,) = httpx.get(f"{url}/events/good", trust_env=False).json()
        assert stored["event"]["targetName"] == "中++"
        (entry,) = listener.entries(1)
        assert (entry["answered"]["by"], entry["answered"]["status"]) == ("collector", 200)
        assert listener.details(0)["reply"]["body"] == {"text": "{}", "more": 0}
        assert listener.end()[0] == 0

    (exchange,) = read_capture(out).exchanges
    assert exchange.reply is not None
    assert (exchange.reply.status, exchange.reply.body, exchange.failed) == (200, b"{}", "")


def test_a_collector_that_refuses_is_a_fail(tmp_path: Path) -> None:
    with collector(tmp_path / "c.db") as url, listening("--pass-on", url) as listener:
        answer = httpx.post(f"{listener.url}/no/such/path", content=b"{}", trust_env=False)

        assert answer.status_code == 404
        listener.line(r"BAD reply +POST /no/such/path +the collector answered 404")
        assert listener.end()[0] == 1


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port: int = taken.getsockname()[1]
    return port


def test_a_dead_collector_is_told_to_the_phone_and_to_the_person(tmp_path: Path) -> None:
    out = tmp_path / "capture.jsonl"
    with listening("--pass-on", f"http://127.0.0.1:{free_port()}", "--out", str(out)) as listener:
        answer = get(listener, OPEN)

        assert answer.status_code == 502
        assert "mpsim could not pass this on: no connection to 127.0.0.1" in answer.json()["reason"]
        listener.line(r"BAD reply +GET /cbe/__utm +not passed on: no connection to 127\.0\.0\.1")
        (entry,) = listener.entries(1)
        assert entry["answered"]["failed"].startswith("no connection to ")
        code, printed = listener.end()

    assert (code, "INCOMPLETE  1 request not passed on." in printed) == (3, True)
    (exchange,) = read_capture(out).exchanges
    assert exchange.failed.startswith("request:fail no connection to 127.0.0.1")
    assert exchange.reply is None


class Odd(BaseHTTPRequestHandler):
    """A collector with a mind of its own: each path has its way to answer."""

    protocol_version = "HTTP/1.1"
    seen: list[tuple[str, str, list[tuple[str, str]], bytes]] = []  # noqa: RUF012

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers.get("content-length", 0)))
        self.seen.append((self.command, self.path, list(self.headers.items()), body))
        if self.path == "/large":
            self._reply(200, b"x" * (2 << 20))
        elif self.path == "/gone":
            self.close_connection = True
        elif self.path == "/elsewhere":
            self._reply(302, b"", ("location", "http://127.0.0.1:1/"))
        elif self.path == "/packed":
            self._reply(200, gzip.compress(b"packed"), ("content-encoding", "gzip"))
        else:
            self._reply(204, b"")

    def _reply(self, status: int, body: bytes, *headers: tuple[str, str]) -> None:
        self.send_response(status)
        for name, value in (*headers, ("x-own", "1"), ("connection", "close")):
            self.send_header(name, value)
        if status != 204:
            self.send_header("content-length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        """Nothing is printed."""


@pytest.fixture
def odd() -> Iterator[str]:
    Odd.seen.clear()
    with ThreadingHTTPServer(("127.0.0.1", 0), Odd) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()


def test_a_request_is_passed_on_as_it_came_and_once(odd: str) -> None:
    with listening("--pass-on", odd) as listener:
        body = gzip.compress(b"{}")
        sent = (
            b"POST /a%2Fb/./%7e?q=%41&r=<>&&x HTTP/1.1\r\nHost: phone.example\r\nX-Own: \xe4\r\nTE: trailers\r\n"
            b"Connection: close, x-hop\r\nX-Hop: 1\r\nContent-Encoding: gzip\r\n"
            + f"Content-Length: {len(body)}\r\n\r\n".encode()
            + body
        )
        listener.raw(sent)

        ((method, target, headers, received),) = Odd.seen
        names = {name.lower(): value for name, value in headers}
        assert (method, target, received) == ("POST", "/a%2Fb/./%7e?q=%41&r=<>&&x", body)
        assert names["host"] == odd.removeprefix("http://")
        assert names["content-encoding"] == "gzip"
        assert names["x-own"] == "ä"
        assert not {"te", "x-hop", "user-agent", "accept"} & names.keys()


def test_replies_go_back_as_they_came(odd: str) -> None:
    with listening("--pass-on", odd) as listener, httpx.Client(base_url=listener.url, trust_env=False) as client:
        empty = client.post("/x")
        moved = client.post("/elsewhere")
        packed = client.post("/packed")

        assert (empty.status_code, empty.content, empty.headers["x-own"]) == (204, b"", "1")
        assert (moved.status_code, moved.headers["location"]) == (302, "http://127.0.0.1:1/")
        assert (packed.text, packed.headers["content-encoding"]) == ("packed", "gzip")
        assert len(Odd.seen) == 3


@pytest.mark.parametrize(("path", "told"), [("/large", "larger than 1048576"), ("/gone", "may have kept the events")])
def test_replies_that_are_none_are_told(odd: str, path: str, told: str) -> None:
    with listening("--pass-on", odd) as listener:
        answer = httpx.post(listener.url + path, trust_env=False)

        assert answer.status_code == 502
        assert told in answer.json()["reason"]
        assert len(Odd.seen) == 1


@pytest.mark.parametrize(
    ("options", "told"),
    [
        (("--pass-on", "http://collector.example"), "requests are passed on only with --allow-host collector.example"),
        (("--pass-on", "http://127.0.0.1:1/path"), "each request keeps its own path"),
        (("--pass-on", "http://[::1"), "--pass-on http://[::1: "),
        (("--for", "30"), "expected a duration with a unit"),
        (("--for", "0s"), "expected a duration longer than nothing"),
        (("--events", "0"), "--events"),
        (("--out", "/no/such/folder/c.jsonl"), "--out /no/such/folder/c.jsonl: No such file or directory"),
        (("--tls-cert", "/no/such/file"), "--tls-cert /no/such/file: No such file or directory"),
        (("--tls-key", "/no/such/file"), "--tls-key needs --tls-cert"),
        (("--target", "/no/such/target.yaml"), "/no/such/target.yaml"),
    ],
)
def test_a_wrong_option_is_told(options: tuple[str, ...], told: str) -> None:
    ran = mpsim("inspect", "--listen", "127.0.0.1:0", *options)

    assert (ran.code, told in ran.err, "Traceback" in ran.err) == (5, True, False), ran


def test_a_port_that_is_taken_is_told() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        ran = mpsim("inspect", "--listen", f"127.0.0.1:{taken.getsockname()[1]}")

    assert ran.code == 5
    assert "choose another port with --listen" in ran.err


# ---- how it ends ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_nothing_came_is_no_pass(number: signal.Signals) -> None:
    with listening() as listener:
        code, printed = listener.end(number)

    assert (code, "INCOMPLETE  no event came." in printed) == (3, True)


def test_it_ends_after_so_many_events() -> None:
    with listening("--events", "2") as listener:
        get(listener, OPEN)
        get(listener, OPEN.replace("me", "you"))

        assert listener.wait()[0] == 0


def test_it_ends_after_so_long_and_says_what_was_missing() -> None:
    with listening("--events", "2", "--for", "1s") as listener:
        get(listener, OPEN)
        code, printed = listener.wait()

    assert (code, "INCOMPLETE  1 of 2 events came." in printed) == (3, True)


def test_quiet_is_only_the_result() -> None:
    with listening("-q") as listener:
        get(listener, OPEN)
        listener.entries(1)
        _, printed = listener.end()

    assert "mini_program_open" not in printed
    assert "PASS" in printed


def test_a_capture_is_recorded_as_it_came(tmp_path: Path) -> None:
    out = tmp_path / "capture.jsonl"
    with listening("--out", str(out)) as listener:
        get(listener, OPEN)
        httpx.post(f"{listener.url}/x?a=%41", content=b"\xff\x00", headers={"x-own": "1"}, trust_env=False)
        listener.entries(2)
        code, printed = listener.end()

    first, second = read_capture(out).exchanges
    assert first.url == f"{listener.url}{OPEN}"
    assert (second.method, second.url, second.body) == ("POST", f"{listener.url}/x?a=%41", b"\xff\x00")
    assert ("x-own", "1") in second.headers
    assert second.reply is not None
    assert (second.reply.status, second.reply.body) == (200, TAKEN)
    assert code == 3  # nobody could read the second
    assert f"recorded in {out}" in printed


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="no /dev/full here to be a full disk")
def test_a_full_disk_ends_it_as_our_own_fault() -> None:
    ran = mpsim("inspect", "--listen", "127.0.0.1:0", "--out", "/dev/full")

    assert (ran.code, "No space left" in ran.err, "Traceback" in ran.err) == (7, True, False), ran


@pytest.mark.skipif(shutil.which("openssl") is None, reason="no openssl here to make a certificate")
def test_it_speaks_tls_where_it_has_a_certificate(tmp_path: Path) -> None:
    pem = tmp_path / "own.pem"
    make = "req -x509 -newkey rsa:2048 -nodes -days 1 -subj /CN=localhost -addext subjectAltName=IP:127.0.0.1"
    subprocess.run(
        ["openssl", *make.split(), "-keyout", pem, "-out", tmp_path / "cert.pem"], capture_output=True, check=True
    )
    with pem.open("ab") as file:
        file.write((tmp_path / "cert.pem").read_bytes())
    context = ssl.create_default_context(cafile=tmp_path / "cert.pem")
    with listening("--tls-cert", str(pem)) as listener, httpx.Client(verify=context, trust_env=False) as client:
        assert listener.url.startswith("https://127.0.0.1:")
        assert client.get(f"{listener.url}{OPEN}").content == TAKEN
        assert client.get(f"{listener.url}/_mpsim/all").json()["counts"]["events"] == 1


def test_listening_to_the_network_says_what_that_means() -> None:
    with listening(address="0.0.0.0:0") as listener:
        listener.line("anybody who can reach this address can send to it, and can see on its page what phones sent")
        assert listener.all()["facts"]["loopback"] is False
