"""The collector as a process: the line it prints, signals, durability, bad starts, and raw bytes from strangers."""

from __future__ import annotations

import os
import re
import signal
import socket
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import httpx
import pytest

from simulator.traffic.serving import listen

pytestmark = pytest.mark.slow
Command = list[str]


def command(db: Path, *options: str) -> Command:
    return [sys.executable, "-m", "simulator.collector", "--db", str(db), *options]


class Process:
    """A collector that listens."""

    def __init__(self, db: Path, *options: str) -> None:
        self.popen = subprocess.Popen(
            command(db, *options), stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, encoding="utf-8"
        )
        assert self.popen.stdout is not None
        self.line = self.popen.stdout.readline()
        self.url = self.line.removeprefix("listening on ").strip()

    @property
    def port(self) -> int:
        return int(self.url.rsplit(":", 1)[1])

    def counts(self) -> dict[str, int]:
        counts: dict[str, int] = httpx.get(self.url + "/events/all").json()
        return counts

    def end(self, number: signal.Signals) -> tuple[int, str, str]:
        """Its exit status, and what else it printed."""
        self.popen.send_signal(number)
        out, err = self.popen.communicate(timeout=30)
        return self.popen.returncode, out, err


@pytest.fixture
def launch(tmp_path: Path) -> Iterator[Callable[..., Process]]:
    started: list[Process] = []

    def begin(*options: str) -> Process:
        started.append(Process(tmp_path / "collector.db", *options))
        return started[-1]

    yield begin
    for process in started:
        if process.popen.poll() is None:
            process.popen.kill()
        process.popen.communicate()


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_one_line_when_ready_and_a_clean_end(launch: Callable[..., Process], number: signal.Signals) -> None:
    process = launch()

    assert re.fullmatch(r"listening on http://127\.0\.0\.1:\d+\n", process.line)
    with httpx.Client(base_url=process.url) as client:  # its connection is idle at the end
        assert client.get("/healthz").json() == {"status": "ok"}
        assert process.end(number) == (0, "", "")


def test_what_was_answered_survives_kill_9(launch: Callable[..., Process]) -> None:
    """Four clients send until the process is killed; every event that was answered is there afterwards."""
    process = launch()
    answered: list[list[str]] = [[], [], [], []]
    enough = threading.Semaphore(0)

    def send(lane: int) -> None:
        with httpx.Client(base_url=process.url) as client:
            try:
                for number in range(100_000):
                    name = f"{lane}-{number}"
                    if client.get(f"/cbe/__utm?event=c_x&externalId={name}").status_code == 200:
                        answered[lane].append(name)
                        enough.release()
            except httpx.TransportError:
                return

    lanes = [threading.Thread(target=send, args=(lane,)) for lane in range(4)]
    for lane in lanes:
        lane.start()
    for _ in range(200):
        assert enough.acquire(timeout=30)
    process.popen.kill()
    for lane in lanes:
        lane.join()

    again = launch()

    listed = httpx.get(again.url + "/events/good?max=10000").json()
    stored = {item["event"]["externalId"] for item in listed}
    assert {name for lane in answered for name in lane} <= stored
    assert len(stored) <= sum(map(len, answered)) + len(lanes)


def test_served_again_with_other_definitions_it_says_so(launch: Callable[..., Process]) -> None:
    first = launch()
    httpx.get(first.url + "/cbe/__utm?event=mini_program_view&anonymousId=d")
    first.end(signal.SIGTERM)

    second = launch("--opens", "timeout=30m", "--user", "device", "--day", "UTC")

    assert httpx.get(second.url + "/monitor/totals").json()["cells"][""]["opens"] == 1
    assert "was last counted with opens launch, user openid" in second.end(signal.SIGTERM)[2]


def test_a_second_collector_on_the_same_port_is_a_clear_error(launch: Callable[..., Process], tmp_path: Path) -> None:
    port = launch().port

    told = subprocess.run(
        command(tmp_path / "other.db", "--port", str(port)), capture_output=True, text=True, timeout=60, check=False
    )

    assert told.returncode == 5
    assert told.stdout == ""
    assert told.stderr == (
        f"collector: cannot listen on 127.0.0.1:{port}: Address already in use; "
        "choose another --port (0 takes a free one) or --host\n"
    )
    assert not (tmp_path / "other.db").exists()


STARTS = [
    (
        "a folder that is not there",
        ["--db", "missing/c.db"],
        "missing/c.db: cannot be used as the collector's database",
    ),
    ("no database", [], "the following arguments are required: --db"),
    ("a number without a unit", ["--db", "c.db", "--opens", "timeout=30"], "expected a duration with a unit"),
    ("another rule", ["--db", "c.db", "--opens", "sometimes"], "expected launch, timeout=DURATION"),
    ("another user", ["--db", "c.db", "--user", "cookie"], "argument --user: invalid choice: 'cookie'"),
    ("no such zone", ["--db", "c.db", "--day", "Mars/Olympus"], "no time zone 'Mars/Olympus'"),
    ("a port that is none", ["--db", "c.db", "--port", "70000"], "cannot listen on 127.0.0.1:70000"),
    (
        "a host that is none",
        ["--db", "c.db", "--host", "no.such.host.invalid"],
        "cannot listen on no.such.host.invalid:0",
    ),
]


@pytest.mark.parametrize(("options", "said"), [case[1:] for case in STARTS], ids=[case[0] for case in STARTS])
def test_a_wrong_start_is_one_line(tmp_path: Path, options: list[str], said: str) -> None:
    told = subprocess.run(
        [sys.executable, "-m", "simulator.collector", *options],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
        cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": str(Path(__file__).parents[2])},
    )

    assert told.returncode == 5
    assert told.stderr.startswith(f"collector: {said}")
    assert told.stderr.count("\n") == 1


def exchange(port: int, data: bytes, *, hang_up: bool = False) -> bytes:
    """Send raw bytes on a connection of its own and read until it is closed; `hang_up` says that no more will come."""
    with socket.create_connection(("127.0.0.1", port), timeout=30) as connection:
        try:
            connection.sendall(data)
            if hang_up:
                connection.shutdown(socket.SHUT_WR)
        except OSError:
            pass  # it was closed in our face, which is an answer
        received = b""
        try:
            while part := connection.recv(65_536):
                received += part
        except ConnectionResetError:
            pass
        return received


HOSTILE = [
    ("not HTTP", b"\x16\x03\x01\x02\x00\x01\x00\r\n\r\n", b"HTTP/1.1 400 "),
    (
        "a query below the bound",
        b"GET /__utm?event=c_x&n=" + b"a" * 60_000 + b" HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n",
        b"HTTP/1.1 200 ",
    ),
    (
        "a query above it",
        b"GET /__utm?event=c_x&n=" + b"a" * 70_000 + b" HTTP/1.1\r\nHost: x\r\n\r\n",
        b"HTTP/1.1 414 ",
    ),
    ("a giant query", b"GET /__utm?event=c_x&n=" + b"a" * 30_000_000, b"HTTP/1.1 414 "),
    (
        "giant headers",
        b"GET /__utm?event=c_x HTTP/1.1\r\nHost: x\r\n"
        + b"a: "
        + b"b" * 60_000
        + b"\r\nc: "
        + b"d" * 60_000
        + b"\r\n\r\n",
        b"HTTP/1.1 431 ",
    ),
    ("bytes in the query that no URL has", b"GET /__utm?event=\xff HTTP/1.1\r\nHost: x\r\n\r\n", b"HTTP/1.1 400 "),
    ("raw bytes in the path", b"GET /\xff HTTP/1.1\r\nHost: x\r\n\r\n", b"HTTP/1.1 400 "),
    (
        "two lengths",
        b"POST /__utm HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\nContent-Length: 6\r\n\r\nevent",
        b"HTTP/1.1 400 ",
    ),
    ("a negative length", b"POST /__utm HTTP/1.1\r\nHost: x\r\nContent-Length: -5\r\n\r\n", b"HTTP/1.1 400 "),
    (
        "a websocket",
        b"GET /__utm HTTP/1.1\r\nHost: x\r\nUpgrade: websocket\r\nConnection: Upgrade, close\r\n"
        b"Sec-WebSocket-Key: x\r\nSec-WebSocket-Version: 13\r\n\r\n",
        b"HTTP/1.1 200 ",
    ),
]


@pytest.fixture(scope="module")
def stranger(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Process]:
    """One collector for all hostile input."""
    process = Process(tmp_path_factory.mktemp("hostile") / "collector.db")
    yield process
    assert process.end(signal.SIGTERM) == (0, "", "")  # nothing of it made it print a word


@pytest.mark.parametrize(("data", "answer"), [case[1:] for case in HOSTILE], ids=[case[0] for case in HOSTILE])
def test_hostile_bytes(stranger: Process, data: bytes, answer: bytes) -> None:
    received = exchange(stranger.port, data)

    # A connection that is closed while data is still coming may lose its answer on the way.
    assert received.startswith(answer) or (received == b"" and len(data) > 1_000_000)
    assert httpx.get(stranger.url + "/healthz").json() == {"status": "ok"}


def test_a_body_that_never_ends_is_not_stored(stranger: Process) -> None:
    before = stranger.counts()

    exchange(stranger.port, b"POST /__utm HTTP/1.1\r\nHost: x\r\nContent-Length: 500\r\n\r\nevent=c_x", hang_up=True)

    assert stranger.counts() == before


def test_several_requests_on_one_connection_are_answered_in_order(stranger: Process) -> None:
    one = b"GET /__utm?event=c_x HTTP/1.1\r\nHost: x\r\n\r\n"
    last = b"GET /healthz HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n"

    received = exchange(stranger.port, one * 5 + last)

    assert received.count(b"HTTP/1.1 200 OK") == 6
    assert received.endswith(b'{"status":"ok"}')


def test_it_loads_neither_locust_nor_the_oracle() -> None:
    loaded = (
        "import sys, simulator.collector.server;"
        "print([m for m in sys.modules if m.split('.')[0] in ('gevent', 'locust', 'pydantic') or "
        "m.startswith(('simulator.verify', 'simulator.wire', 'simulator.journey', 'simulator.load'))])"
    )

    told = subprocess.run([sys.executable, "-c", loaded], capture_output=True, text=True, timeout=60, check=True)

    assert told.stdout == "[]\n"


def test_a_reply_waits_for_no_acknowledgement() -> None:
    """Its head and its body are two writes; the second of them would come 40 ms later on a kept connection."""
    with listen("127.0.0.1", 0) as listener, socket.create_connection(listener.getsockname()[:2]):
        accepted, _ = listener.accept()
        with accepted:
            assert accepted.getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY)
