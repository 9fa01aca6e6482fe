"""A recorded capture is judged by the rules that judge a run of the headless program."""

from __future__ import annotations

import gzip
import json
from pathlib import Path

from simulator.inspect.capture import Meaning
from simulator.inspect.case import Case, Facts
from simulator.inspect.inspection import inspect
from simulator.inspect.listening.reading import Format
from simulator.inspect.listening.recorded import seen_in_capture
from simulator.inspect.listening.recording import Recorder
from simulator.runtime.trace import Exchange, Reply
from simulator.times import Ms
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
    case = Case(FACTS, (seen_in_capture(path, Format(OPTIONS)),))
    return {one.rule.code for one in inspect(case).findings}


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
    assert codes(recorded(tmp_path / "c", *visit("applet-wechat"))) <= {"open-target"}


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

    (capture,) = seen_in_capture(recorded(tmp_path / "c", packed), Format(OPTIONS)).captures

    assert (capture.meaning, capture.format) == (Meaning.EVENTS, "segment")
