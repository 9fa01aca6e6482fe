"""What a misbehaving collector is taken for: off a real socket, through the adapter, to acked, refused or unknown."""

from __future__ import annotations

import ssl
from dataclasses import replace
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
from simulator.wire.request import Evidence, Outcome, Purpose, Request
from tests.load.hostile import CERTIFICATE, OK, Behaviour, Visit, hostile, says

ACKED, REFUSED, UNKNOWN = Outcome.ACKED, Outcome.REFUSED, Outcome.UNKNOWN
PATIENT = Limits(connect=5, reply=20)
EVENT = Request(0, 0, Purpose.EVENT, Ms(0), "GET", "/cbe/__utm?event=x", (), b"", ())
OPTIONS = WireOptions("wx1", "a", "1", "")
WITH_CODE = Replies(body=BodyRule("code", acked=(0,), refused=(40001,)))


def replies_with(body: bytes, status: bytes = b"200 OK") -> Behaviour:
    return says(b"HTTP/1.1 %s\r\nContent-Length: %d\r\n\r\n%s" % (status, len(body), body))


def resets_at_once(visit: Visit) -> None:
    visit.reset()


def closes_at_once(_: Visit) -> None:
    pass


def reset_half_way(visit: Visit) -> None:
    visit.wire.recv(1_000)
    visit.reset()


def closed_half_way(visit: Visit) -> None:
    visit.wire.recv(1_000)


def closes(visit: Visit) -> None:
    visit.request()


def resets(visit: Visit) -> None:
    visit.request()
    visit.reset()


def resets_inside(visit: Visit) -> None:
    visit.request()
    visit.send(OK[:-1])
    visit.reset()


def half_a_reply(visit: Visit) -> None:
    visit.request()
    visit.send(OK[:-1])


def stalls(visit: Visit) -> None:
    visit.request()
    visit.stay()


LARGE = replace(EVENT, method="POST", body=bytes(20_000_000))  # more than the sockets' buffers hold
ROWS: list[tuple[str, Request, Behaviour, set[Outcome]]] = [
    ("answered", EVENT, says(OK), {ACKED}),
    ("closed after a full request", EVENT, closes, {UNKNOWN}),
    ("reset after a full request", EVENT, resets, {UNKNOWN}),
    ("half a reply", EVENT, half_a_reply, {UNKNOWN}),
    ("reset inside the reply", EVENT, resets_inside, {UNKNOWN}),
    ("a stall", EVENT, stalls, {UNKNOWN}),
    ("reset while the request is half written", LARGE, reset_half_way, {UNKNOWN}),
    ("closed while the request is half written", LARGE, closed_half_way, {UNKNOWN}),
    # Whether a byte left before the news came is a race. Refused where none did; never acked.
    ("reset before the first byte", EVENT, resets_at_once, {REFUSED, UNKNOWN}),
    ("closed before the first byte", EVENT, closes_at_once, {REFUSED, UNKNOWN}),
    *((f"{status}", EVENT, replies_with(b"", b"%d Said" % status), {outcome}) for status, outcome in (
        (201, UNKNOWN), (204, UNKNOWN), (301, UNKNOWN), (302, UNKNOWN), (307, UNKNOWN),
        (400, REFUSED), (401, REFUSED), (403, REFUSED), (404, REFUSED), (405, REFUSED), (408, UNKNOWN), (409, UNKNOWN),
        (413, REFUSED), (415, REFUSED), (422, REFUSED), (429, UNKNOWN), (500, UNKNOWN), (502, UNKNOWN), (503, UNKNOWN),
    )),
    ("not HTTP", EVENT, says(b"SSH-2.0-OpenSSH_9.2\r\n"), {UNKNOWN}),
    ("a giant body", EVENT, says(b"HTTP/1.1 200 OK\r\nContent-Length: 4000000000\r\n\r\n" + bytes(9_000)), {UNKNOWN}),
]  # fmt: skip


@pytest.mark.parametrize(("request_", "behaviour", "outcomes"), [row[1:] for row in ROWS], ids=[row[0] for row in ROWS])
@pytest.mark.parametrize("tls", [False, True], ids=["plain", "TLS"])
def test_every_row_of_the_table(request_: Request, behaviour: Behaviour, outcomes: set[Outcome], tls: bool) -> None:
    """By the model's table: acked needs a promise, refused a promise or no byte that left, all else is unknown."""
    context = ssl.create_default_context(cafile=str(CERTIFICATE)) if tls else None
    limits = (
        replace(PATIENT, reply=0.3, reply_bytes=5_000) if behaviour is stalls else replace(PATIENT, reply_bytes=5_000)
    )
    with hostile(behaviour, tls=tls) as server:
        client = Client(server.url, limits, context=context)
        connection = client.connection()
        answer = connection.send(client.encode(request_), request_.method)
        outcome = make_adapter("dmhub", OPTIONS).outcome(answer)
        connection.close()

        assert outcome in outcomes
        assert server.connections == 1
        assert len(server.arrived) <= 1
    # Refused without a reply means that not one byte was handed over.
    if outcome is REFUSED and answer.evidence is not Evidence.REPLY:
        assert (answer.evidence, connection.sent_ns) == (Evidence.NO_CONNECTION, 0)


def test_nobody_there_is_refused() -> None:
    with hostile(says(OK)) as server:
        pass

    assert make_adapter("dmhub", OPTIONS).outcome(send_once(Client(server.url, PATIENT), EVENT)) is REFUSED


BODIES = [
    ("a 200 whose body says yes", b'{"code":0,"id":7}', ACKED),
    ("a 200 whose body says no", b'{"code":40001,"msg":"bad token"}', REFUSED),
    ("a 200 whose body says something else", b'{"code":50000}', UNKNOWN),
    ("a 200 whose body is no JSON", b"<html>busy</html>", UNKNOWN),
    ("a 200 without a body", b"", UNKNOWN),
]


@pytest.mark.parametrize(("body", "outcome"), [row[1:] for row in BODIES], ids=[row[0] for row in BODIES])
def test_a_body_decides_where_the_contract_says_how(body: bytes, outcome: Outcome) -> None:
    options = replace(OPTIONS, replies=WITH_CODE)
    with hostile(replies_with(body)) as server:
        answer = send_once(Client(server.url, PATIENT), EVENT)

        assert make_adapter("dmhub", options).outcome(answer) is outcome
        assert make_adapter("dmhub", OPTIONS).outcome(answer) is ACKED
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

    def answers(visit: Visit) -> None:
        while request := visit.request():
            path = request.split(b" ")[1]
            body = b'{"code": 40001}' if b"mini_program_open" in path else b'{"code": 0}'
            status = b"202 Accepted"
            if path.startswith(b"/v1/source/links/"):
                status, body = b"200 OK", b'{"url": "pages/index/index?cl_sr=poster"}'
            visit.send(b"HTTP/1.1 %s\r\nContent-Length: %d\r\n\r\n%s" % (status, len(body), body))

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
