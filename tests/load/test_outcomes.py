"""What a misbehaving collector is taken for: off a real socket, through the adapter, to acked, refused or unknown."""

from __future__ import annotations

from pathlib import Path

import pytest

from simulator.contract import BodyRule, Replies
from simulator.ledger.read import read_ledger
from simulator.load.client import Client, Limits, send_once
from simulator.load.drive import Drive
from simulator.times import Ms
from simulator.traffic.making import Wanted, draft, make_folder, write_run
from simulator.traffic.opened import open_run
from simulator.wire.options import WireOptions
from simulator.wire.registry import make_adapter
from simulator.wire.request import Outcome, Purpose, Request
from tests.load.hostile import Behaviour, hostile, says

ACKED, REFUSED, UNKNOWN = Outcome.ACKED, Outcome.REFUSED, Outcome.UNKNOWN
PATIENT = Limits(connect=5, reply=20)
EVENT = Request(0, 0, Purpose.EVENT, Ms(0), "GET", "/cbe/__utm?event=x", (), b"", ())
WITH_CODE = Replies(body=BodyRule("code", acked=(0,), refused=(40001,)))


def replies_with(body: bytes, status: bytes = b"200 OK") -> Behaviour:
    return says(b"HTTP/1.1 %s\r\nContent-Length: %d\r\n\r\n%s" % (status, len(body), body))


BODIES = [
    ("a 200 whose body says yes", b'{"code":0,"id":7}', ACKED),
    ("a 200 whose body says no", b'{"code":40001,"msg":"bad token"}', REFUSED),
    ("a 200 whose body says something else", b'{"code":50000}', UNKNOWN),
    ("a 200 whose body is no JSON", b"<html>busy</html>", UNKNOWN),
    ("a 200 without a body", b"", UNKNOWN),
]


@pytest.mark.parametrize(("body", "outcome"), [row[1:] for row in BODIES], ids=[row[0] for row in BODIES])
def test_a_body_decides_where_the_contract_says_how(body: bytes, outcome: Outcome) -> None:
    options = WireOptions("wx1", "a", "1", "", replies=WITH_CODE)
    with hostile(replies_with(body)) as server:
        answer = send_once(Client(server.url, PATIENT), EVENT)

        assert make_adapter("dmhub", options).outcome(answer) is outcome
        assert make_adapter("dmhub", WireOptions("wx1", "a", "1", "")).outcome(answer) is ACKED
        assert len(server.arrived) == 1


SCENARIO = """
scenario: short
app: {pages: [pages/index/index]}
visitors: {count: 2}
sources: {poster: {code: p7, path: "pages/index/index?cl_sr=poster"}}
journeys: {look: {steps: [{launch: poster}, exit]}}
load: {users: 2, clock: {start: 2026-03-01T00:00:00+08:00, speed: flood}}
"""
CONTRACT = "replies: {acked: [202], body: {key: code, acked: 0, refused: [40001]}}"


def test_a_run_takes_its_contract_at_its_word(tmp_path: Path) -> None:
    """Events by the rule for bodies; lookups, which answer otherwise, by the complete URL that they give."""
    (tmp_path / "short.yaml").write_text(SCENARIO, encoding="utf-8")
    (tmp_path / "ours.yaml").write_text(CONTRACT, encoding="utf-8")

    def answers(visit: object) -> None:
        while request := visit.request():  # type: ignore[attr-defined]
            path = request.split(b" ")[1]
            body = b'{"code": 40001}' if b"mini_program_open" in path else b'{"code": 0}'
            status = b"202 Accepted"
            if path.startswith(b"/v1/source/links/"):
                status, body = b"200 OK", b'{"url": "pages/index/index?cl_sr=poster"}'
            visit.send(b"HTTP/1.1 %s\r\nContent-Length: %d\r\n\r\n%s" % (status, len(body), body))  # type: ignore[attr-defined]

    with hostile(answers) as server:
        wanted = Wanted(
            tmp_path / "short.yaml", target=server.url, contract=str(tmp_path / "ours.yaml"), out=tmp_path / "run"
        )
        checked = draft(wanted)
        write_run(checked, make_folder(checked), server.url)
        opened = open_run(tmp_path / "run")  # as the load process does: by what run.json says
        code = Drive(opened).go()

    attempts = list(read_ledger(opened.folder))
    assert code == 0
    assert opened.contract.replies == Replies(acked=(202,), body=BodyRule("code", acked=(0,), refused=(40001,)))
    assert sorted((one.purpose, one.status, one.outcome) for one in attempts) == [
        (Purpose.EVENT, 202, ACKED), (Purpose.EVENT, 202, ACKED),
        (Purpose.EVENT, 202, REFUSED), (Purpose.EVENT, 202, REFUSED),
        (Purpose.LOOKUP, 200, ACKED), (Purpose.LOOKUP, 200, ACKED),
    ]  # fmt: skip
