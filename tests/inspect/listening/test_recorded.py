"""A recorded capture is judged by the rules that judge a run of the headless program."""

from __future__ import annotations

import gzip
import json
import re
from dataclasses import replace
from pathlib import Path

import pytest

from simulator.inspect.capture import Meaning
from simulator.inspect.case import Facts
from simulator.inspect.listening.noting import Judged
from simulator.inspect.listening.reading import Format
from simulator.inspect.listening.recorded import read_recorded
from simulator.inspect.listening.recording import Recorder
from simulator.runtime.trace import Exchange, Reply
from simulator.times import Ms
from tests.e2e.commands import mpsim
from tests.wire.wire_builders import OPTIONS, adapter, fold, launch, push, view

FACTS = Facts(OPTIONS.appid)
TAKEN = Reply(Ms(2), 200, (), b"{}")


def recorded(path: Path, *exchanges: Exchange) -> Path:
    recorder = Recorder(path, Ms(1))
    for one in exchanges:
        recorder.add(one)
    recorder.close()
    return path


def codes(path: Path) -> set[str]:
    inspection = read_recorded(path, Format(OPTIONS)).inspected(Judged(FACTS))
    return {one.rule.code for one in inspection.findings}


def visit(*kinds: str) -> list[Exchange]:
    """A visit of DM Hub's tracker that pushes identities of these kinds into slot 1, one after another."""
    pushes = [push(2 + n, identityType=kind, identityValue=f"v{n}") for n, kind in enumerate(kinds)]
    views = [view(2.5 + n, f"pages/p{n}") for n, _ in enumerate(kinds)]
    happened = sorted([launch(), view(1), *pushes, *views], key=lambda event: event.at)
    return [
        Exchange(n, Ms(request.leaves), request.method, f"https://h{request.target}", request.headers, b"", TAKEN)
        for n, request in enumerate(fold(adapter(), *happened))
    ]


def test_a_visit_breaks_no_rule(tmp_path: Path) -> None:
    assert codes(recorded(tmp_path / "c", *visit("applet-wechat"))) == set()


def test_a_slot_that_changes_its_type_is_found(tmp_path: Path) -> None:
    assert "identity-slot-type" in codes(recorded(tmp_path / "c", *visit("applet-wechat", "mobile")))


def test_an_event_that_was_sent_twice_is_found(tmp_path: Path) -> None:
    one = visit("applet-wechat")

    assert "sent-twice" in codes(recorded(tmp_path / "c", *one, one[-1]))


def test_a_reply_that_is_no_200_is_found(tmp_path: Path) -> None:
    first = visit("applet-wechat")[0]
    refused = Exchange(0, first.at, first.method, first.url, first.headers, b"", Reply(Ms(2), 404))

    assert "status-200" in codes(recorded(tmp_path / "c", refused))


def test_what_was_packed_is_read(tmp_path: Path) -> None:
    body = json.dumps(
        {"batch": [{"type": "track", "event": "c_x", "anonymousId": "d", "timestamp": "2026-03-01T00:00:00Z"}]}
    )
    headers = (("content-encoding", "gzip"),)
    packed = Exchange(0, Ms(1), "POST", "https://h/v1/batch", headers, gzip.compress(body.encode()), TAKEN)

    (capture,) = read_recorded(recorded(tmp_path / "c", packed), Format(OPTIONS)).seen.captures

    assert (capture.meaning, capture.format) == (Meaning.EVENTS, "segment")


def http(exchange: Exchange) -> Exchange:
    """As a capture server on a plain port sees it."""
    return replace(exchange, url=exchange.url.replace("https://h", "http://127.0.0.1:8001"))


def test_where_the_capture_server_is_says_nothing_of_the_program(tmp_path: Path) -> None:
    assert codes(recorded(tmp_path / "c", *map(http, visit("applet-wechat")))) == set()


@pytest.mark.parametrize(
    ("exchanges", "code", "sentence"),
    [
        (visit("applet-wechat"), 0, "PASS  3 events in 3 requests: no rule is broken."),
        ([*visit("x"), visit("x")[-1]], 1, "FAIL  4 events in 4 requests: 1 error."),
        ([], 3, "INCOMPLETE  0 events in 0 requests: no rule is broken."),
        (
            [*visit("x"), Exchange(9, Ms(9), "POST", "http://h/x", (), b"?", TAKEN)],
            1,
            "FAIL  3 events in 4 requests, 1 of which nobody here can read: 1 warning.",
        ),
        ([*visit("x"), Exchange(9, Ms(9), "GET", "http://h/config?appid=1", (), b"", TAKEN)], 0, "PASS  3 events in 4"),
    ],
)
def test_a_capture_is_judged(tmp_path: Path, exchanges: list[Exchange], code: int, sentence: str) -> None:
    ran = mpsim("inspect", "--capture", recorded(tmp_path / "c", *exchanges))

    assert (ran.code, ran.out.startswith(sentence)) == (code, True), ran


def test_a_request_that_nobody_reads_is_no_pass_where_warnings_do_not_fail(tmp_path: Path) -> None:
    path = recorded(tmp_path / "c", *visit("x"), Exchange(9, Ms(9), "POST", "http://h/x", (), b"?", TAKEN))

    ran = mpsim("inspect", "--capture", path, "--fail-on", "error")

    assert (ran.code, ran.out.startswith("INCOMPLETE  3 events in 4 requests")) == (3, True), ran


def test_a_finding_says_what_was_seen_expected_and_how_to_mend_it(tmp_path: Path) -> None:
    one = visit("applet-wechat")
    ran = mpsim("inspect", "--capture", recorded(tmp_path / "c", *one, one[-1], one[-1]))

    assert "✕ error  sent-twice: No event is sent twice\n    seen      mini_program_view was sent again" in ran.out
    assert "(2 times)" in ran.out
    assert ", GET https://h/cbe/__utm?" in ran.out
    assert "\n    expected  one request for each event" in ran.out
    assert "\n    mend      Look for a tracker that is set up twice" in ran.out
    assert re.search(r"\nall +2 +1 +1 +1", ran.out)


@pytest.mark.parametrize(
    ("options", "told"),
    [
        (("--capture", "/no/such/file"), "/no/such/file: No such file or directory"),
        (("--capture", __file__), ":1: no JSON"),
        (("--capture", "x", "--out", "y"), "--out has no part in an inspection by --capture"),
        (("--capture", "x", "--pass-on", "y"), "--pass-on has no part in an inspection by --capture"),
        (("--listen", "0", "--seed", "2"), "--seed has no part in an inspection by --listen"),
        (("scenarios", "--for", "2s"), "--for has no part in an inspection by APP_DIR"),
        ((), "expected one of APP_DIR"),
        (("--capture", "x", "--listen", "0"), "expected one of APP_DIR"),
    ],
)
def test_a_wrong_capture_is_told(options: tuple[str, ...], told: str) -> None:
    ran = mpsim("inspect", *options)

    assert (ran.code, told in ran.err, "Traceback" in ran.err) == (5, True, False), ran
