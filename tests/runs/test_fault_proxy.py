"""What the fault proxy does to a request: one arrival at the collector or none, and the reply as its fate says."""

from __future__ import annotations

import signal
import socket
import subprocess
import sys
import time
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from pathlib import Path

import pytest

from simulator.runs.fault_proxy import (
    AFTER,
    BEFORE,
    FAULTS,
    Handled,
    Journal,
    Share,
    Weather,
    fault_proxy,
    main,
    parse_loss,
    parse_mix,
)
from tests.load.hostile import HostileServer, hostile, says

OK = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"
SYNTHETIC = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 2\r\n\r\n{}"
ERROR = b"HTTP/1.1 500 Internal Server Error\r\nContent-Length: 0\r\n\r\n"
FORBIDDEN = b"HTTP/1.1 403 Forbidden\r\nContent-Length: 0\r\n\r\n"


def ask(url: str, target: str = "/cbe/__utm?externalId=e1", body: bytes = b"") -> bytes:
    """One request on a connection of its own; the whole reply, b"reset" for a reset."""
    port = int(url.rsplit(":", 1)[1])
    with socket.create_connection(("127.0.0.1", port), timeout=20) as wire:
        length = f"Content-Length: {len(body)}\r\n" if body else ""
        wire.sendall(f"{'POST' if body else 'GET'} {target} HTTP/1.1\r\nHost: x\r\n{length}\r\n".encode() + body)
        data = b""
        try:
            while not data.endswith((b"\r\n\r\n", b"ok", b"{}")) and (part := wire.recv(65_536)):
                data += part
        except ConnectionResetError:
            return b"reset"
        return data


def through(server: HostileServer, weather: Weather, target: str = "/cbe/__utm?externalId=e1") -> tuple[bytes, Journal]:
    with fault_proxy(server.url, weather) as proxy:
        return ask(proxy.url, target), proxy.journal()


@pytest.mark.parametrize(
    ("fault", "said", "arrivals"),
    [
        ("drop_before", b"", 0),
        ("reset_before", b"reset", 0),
        ("error_before", ERROR, 0),
        ("refuse_before", FORBIDDEN, 0),
        ("drop_reply", b"", 1),
        ("reset", b"reset", 1),
        ("half_reply", OK[: len(OK) // 2], 1),
        ("error_after", ERROR, 1),
        ("delay:20ms", OK, 1),
        ("late:20ms", OK, 1),
    ],
)
def test_what_a_fault_does(fault: str, said: bytes, arrivals: int) -> None:
    name, _, duration = fault.partition(":")
    mix = parse_mix(f"{name}=100%" + (f":{duration}" if duration else ""))
    with hostile(says(OK)) as server:
        answer, journal = through(server, Weather(mix=mix))

        assert (answer, len(server.arrived)) == (said, arrivals)
    assert journal.handled == [Handled(name, arrivals == 1, "e1")]


def test_every_fault_has_its_row() -> None:
    assert set(FAULTS) == {*BEFORE, *AFTER, "delay", "late"}


@pytest.mark.parametrize(
    "target", ["/monitor/totals?by=all", "/events/good", "/v1/source/links/p7", "/datacube/getweanalysisapp", "/"]
)
def test_what_is_no_event_passes_as_it_is(target: str) -> None:
    with hostile(says(OK)) as server:
        answer, journal = through(server, Weather(mix=parse_mix("drop_before=100%")), target)

        assert (answer, len(server.arrived)) == (OK, 1)
    assert journal.handled == []


def test_lists_of_raw_events_can_be_hidden() -> None:
    with hostile(says(OK)) as server:
        answer, _ = through(server, Weather(lists=False), "/events/good?max=10")

        assert (answer[:12], server.arrived) == (b"HTTP/1.1 404", [])


def test_a_body_goes_on_whole() -> None:
    body = bytes(200_000)
    with hostile(says(OK)) as server, fault_proxy(server.url) as proxy:
        answer = ask(proxy.url, "/v1/collector/pushevent", body)

        assert answer == OK
        assert server.arrived[0].endswith(b"\r\n\r\n" + body)


def test_a_reply_that_ends_with_the_connection_passes_whole() -> None:
    def until_it_closes(visit: object) -> None:
        visit.request()  # type: ignore[attr-defined]
        visit.send(b"HTTP/1.1 200 OK\r\n\r\nlong ok")  # type: ignore[attr-defined]

    with hostile(until_it_closes) as server, fault_proxy(server.url) as proxy:
        assert ask(proxy.url) == b"HTTP/1.1 200 OK\r\n\r\nlong ok"


def test_a_collector_that_is_down_is_a_connection_that_closes() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        url = f"http://127.0.0.1:{taken.getsockname()[1]}"
    with fault_proxy(url) as proxy:
        assert ask(proxy.url) == b""


MIXED = parse_mix("drop_before=20%,error_after=20%,refuse_before=20%,drop_reply=20%")


def fates(server: HostileServer, weather: Weather, targets: list[str]) -> dict[str, list[bytes]]:
    said: dict[str, list[bytes]] = {}
    with fault_proxy(server.url, weather) as proxy:
        for target in targets:
            said.setdefault(target, []).append(ask(proxy.url, target))
    return said


def test_the_fate_of_a_request_is_drawn_from_the_seed_and_not_from_the_order() -> None:
    targets = [f"/__utm?externalId=e{number}" for number in range(30)] * 2  # each comes twice, with a fate each
    with hostile(says(OK)) as server:
        forwards = fates(server, Weather(3, MIXED), targets)
        backwards = fates(server, Weather(3, MIXED), targets[::-1])
        other = fates(server, Weather(4, MIXED), targets)

    assert forwards == backwards
    assert forwards != other
    assert any(len(set(said)) == 2 for said in forwards.values())
    assert len({one for said in forwards.values() for one in said}) == 4


def test_one_in_so_many_is_acked_and_lost() -> None:
    with hostile(says(OK)) as server, fault_proxy(server.url, Weather(1, lose=5)) as proxy:
        said = Counter(ask(proxy.url, f"/__utm?externalId=e{number}") for number in range(25))
        journal = proxy.journal()

        assert said == {OK: 20, SYNTHETIC: 5}
        assert len(server.arrived) == 20
    lost = [one.event for one in journal.handled if one.fate == "lost"]
    assert journal.lost_events() == frozenset(lost)
    assert len({int(event[1:]) % 5 for event in lost}) == 1


def test_an_event_that_was_forwarded_another_time_is_not_lost() -> None:
    journal = Journal([Handled("lost", False, "a"), Handled("passed", True, "a"), Handled("lost", False, "b")])

    assert journal.lost_events() == {"b"}
    assert journal.lost_events(stored=["a"]) == {"b"}
    assert journal.lost_events(stored=[]) == {"a", "b"}  # it was forwarded, and had not come yet
    assert journal.fates() == {"lost": 2, "passed": 1}


def test_the_weather_changes_when_nothing_is_held_any_more() -> None:
    held = Weather(mix=parse_mix("late=100%:200ms"))
    with hostile(says(OK)) as server, fault_proxy(server.url, held) as proxy, ThreadPoolExecutor(1) as other:
        asked = other.submit(ask, proxy.url)
        deadline = time.monotonic() + 20
        while proxy.is_idle and time.monotonic() < deadline:
            pass
        proxy.change(Weather())

        assert len(server.arrived) == 1
        assert proxy.journal().handled == []
        assert asked.result() == OK


@pytest.mark.parametrize(
    ("text", "mix"),
    [
        ("", ()),
        ("drop_before=3%", (Share("drop_before", 30_000),)),
        ("drop_reply=0.5%, delay=5%:200ms", (Share("drop_reply", 5_000), Share("delay", 50_000, 200, 200))),  # type: ignore[arg-type]
        ("late=100%:50ms..2s", (Share("late", 1_000_000, 50, 2_000),)),  # type: ignore[arg-type]
    ],
)
def test_a_mix_as_text(text: str, mix: tuple[Share, ...]) -> None:
    assert parse_mix(text) == mix


@pytest.mark.parametrize(
    "text",
    ["drop=3%", "drop_before", "drop_before=3", "delay=3%", "drop_before=3%:2s", "delay=3%:2", "delay=3%:2s..1s",
     "reset=60%,drop_reply=41%", "reset=1%,reset=2%", "reset=-1%"],
)  # fmt: skip
def test_a_mix_that_is_none(text: str) -> None:
    with pytest.raises(ValueError, match=r".+"):
        parse_mix(text)


@pytest.mark.parametrize("text", ["500", "1/0", "2/500", "1/x", "1/-5"])
def test_a_loss_that_is_none(text: str) -> None:
    with pytest.raises(ValueError, match="1/500"):
        parse_loss(text)


def test_a_wrong_option_ends_with_5(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--upstream", "http://127.0.0.1:1", "--mix", "rain=3%"]) == 5
    assert main(["--upstream", "https://127.0.0.1:1"]) == 5
    assert "FAULT=PERCENT%" in capsys.readouterr().err


@pytest.mark.slow
def test_alone_it_says_where_it_listens_and_writes_its_log_at_the_end(tmp_path: Path) -> None:
    log = tmp_path / "log"
    with hostile(says(OK)) as server:
        command = [sys.executable, "-m", "simulator.runs.fault_proxy", "--upstream", server.url, "--lose", "1/1"]
        process = subprocess.Popen([*command, "--log", str(log)], stdout=subprocess.PIPE, text=True)
        assert process.stdout is not None
        url = process.stdout.readline().removeprefix("listening on ").strip()
        said = ask(url, "/__utm?externalId=a%2Fb")
        process.send_signal(signal.SIGTERM)
        code = process.wait(20)
        process.stdout.close()

    assert (said, code) == (SYNTHETIC, 0)
    assert log.read_text() == "lost\tkept back\ta/b\n"


@pytest.mark.slow
@pytest.mark.parametrize("held", ["late", "delay"], ids=["before they go on", "before their reply"])
def test_alone_it_ends_without_a_word_while_requests_are_held(held: str) -> None:
    with hostile(says(OK)) as server:
        command = [sys.executable, "-m", "simulator.runs.fault_proxy", "--upstream", server.url]
        process = subprocess.Popen(
            [*command, "--mix", f"{held}=100%:1h"], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
        )
        assert process.stdout is not None
        port = int(process.stdout.readline().rpartition(":")[2])
        with ExitStack() as asking:
            for number in range(5):
                wire = asking.enter_context(socket.create_connection(("127.0.0.1", port)))
                wire.sendall(b"GET /cbe/__utm?externalId=e%d HTTP/1.1\r\nHost: x\r\n\r\n" % number)
            with socket.create_connection(("127.0.0.1", port)) as wire:  # served after the others were read
                wire.sendall(b"GET /monitor/totals HTTP/1.1\r\nHost: x\r\n\r\n")
                assert wire.recv(100)
            process.send_signal(signal.SIGTERM)
            said = process.communicate(timeout=20)

    assert (process.returncode, said) == (0, ("", ""))
