"""The self-check passes for our transport, and catches every kind of second send that other clients do."""

from __future__ import annotations

import json
import time
from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path

import pytest

from simulator.contract import BodyRule, Replies
from simulator.errors import EngineError
from simulator.load import self_check
from simulator.load.client import Client
from simulator.load.connection import Connection
from simulator.load.drive import Drive
from simulator.load.misbehaving import Case, cases
from simulator.load.self_check import Checked, assert_sends_once, check_transport, main, send
from simulator.traffic.making import Wanted, draft, make_folder, write_run
from simulator.traffic.opened import OpenedRun
from simulator.wire.options import WireOptions
from simulator.wire.outcome import classify
from simulator.wire.registry import make_adapter
from simulator.wire.request import Answer, Evidence, Outcome, Request
from tests.load.hostile import OK, hostile, says

SCENARIO = """
scenario: short
app: {pages: [pages/index/index]}
visitors: {count: 3}
journeys: {look: {steps: [launch, exit]}}
load: {users: 3, clock: {start: 2026-03-01T00:00:00+08:00, speed: flood}}
"""


def sends_again_when_closed(connection: Connection, client: Client, request: Request) -> Answer:
    """As geventhttpclient before 2.6: a connection that broke must have been stale."""
    answer = send(connection, client, request)
    if answer.evidence in {Evidence.CLOSED, Evidence.RESET}:
        answer = send(connection, client, request)
    return answer


def sends_gets_again(connection: Connection, client: Client, request: Request) -> Answer:
    """As geventhttpclient since 2.6: what is idempotent may be sent again."""
    return sends_again_when_closed(connection, client, request) if request.method == "GET" else send(
        connection, client, request
    )  # fmt: skip


def sends_again_after_a_stall(connection: Connection, client: Client, request: Request) -> Answer:
    answer = send(connection, client, request)
    return send(connection, client, request) if answer.evidence is Evidence.TIMEOUT else answer


def sends_again_on_503(connection: Connection, client: Client, request: Request) -> Answer:
    answer = send(connection, client, request)
    return send(connection, client, request) if answer.status in {429, 503} else answer


def follows_redirects(connection: Connection, client: Client, request: Request) -> Answer:
    answer = send(connection, client, request)
    if answer.status not in {302, 307}:
        return answer
    there = Request(0, 0, request.purpose, request.leaves, "GET", "/elsewhere", (), b"", ())
    send(connection, client, there)
    return answer


def calls_a_reset_refused(connection: Connection, client: Client, request: Request) -> Answer:
    answer = send(connection, client, request)
    return Answer(Evidence.NO_CONNECTION) if answer.evidence is Evidence.RESET else answer


def wrong_cases(checked: tuple[Checked, ...]) -> set[str]:
    return {one.case.name for one in checked if not one.is_right}


@pytest.mark.parametrize("tls", [False, True], ids=["plain", "over TLS"])
def test_our_transport_sends_once_in_every_case(tls: bool) -> None:
    checked = check_transport(tls=tls)

    assert [str(one) for one in checked if not one.is_right] == []
    assert {one.case.name for one in checked} == {case.name for case in cases(tls=tls)}
    assert {one.method for one in checked} == {"GET", "POST"}
    assert {one.tls for one in checked} == {tls}


def test_the_table_has_every_kind_of_evidence_and_every_status_that_a_contract_usually_names() -> None:
    found = cases(tls=True)

    assert {case.evidence for case in found} == set(Evidence) - {Evidence.NONE, Evidence.STOPPED}
    assert {*Replies().acked, *Replies().refused, 302, 307, 408, 429, 500, 503} <= {case.status for case in found}


def test_it_is_quick_enough_to_run_before_every_load() -> None:
    began = time.monotonic()
    assert_sends_once()

    assert time.monotonic() - began < 2  # 0.2 s on a quiet machine


CLOSED = {name + place for name in ("closed after a full request", "reset after a full request")
          for place in ("", " on a kept connection")} | {"reset inside the reply"}  # fmt: skip


@pytest.mark.parametrize(
    ("transport", "caught"),
    [
        (sends_again_when_closed, CLOSED),
        (sends_gets_again, CLOSED),
        (sends_again_after_a_stall, {"a stall", "a stall inside the reply"}),
        (sends_again_on_503, {"429", "503"}),
        (follows_redirects, {"302 to the same server", "307 to the same server"}),
        (calls_a_reset_refused, {name for name in CLOSED if name.startswith("reset")}),
    ],
)
def test_a_transport_that_does_otherwise_is_caught(transport: object, caught: set[str]) -> None:
    assert wrong_cases(check_transport(transport)) == caught  # type: ignore[arg-type]


STRICT = Replies(
    acked=(202, 200), refused=(429,), body=BodyRule("ok", acked=(True,), refused=(), other="refused")
)  # fmt: skip


def outcomes(some: Iterable[Case]) -> dict[str, Outcome]:
    return {case.name: case.outcome for case in some}


def test_what_a_reply_is_called_is_the_contract_s() -> None:
    usual, strict = outcomes(cases()), outcomes(cases(STRICT))

    assert {name: (usual[name], strict[name]) for name in usual if usual[name] is not strict[name]} == {
        **dict.fromkeys(("400", "401", "403", "404", "405", "413", "415", "422"), (Outcome.REFUSED, Outcome.UNKNOWN)),
        "429": (Outcome.UNKNOWN, Outcome.REFUSED),
    }
    assert usual["a good status whose body says no"] is Outcome.REFUSED
    assert usual["a good status whose body says nothing"] is Outcome.UNKNOWN


BODILESS = Replies(acked=(204,), body=BodyRule("ok", acked=(True,)))


SOME = {
    "usual": Replies(),
    "with a body rule": STRICT,
    "no body at all": Replies(acked=(204,)),
    "a rule that no reply fulfils": BODILESS,
}


@pytest.mark.parametrize("replies", SOME.values(), ids=SOME)
@pytest.mark.parametrize("name", ["dmhub", "dmhub-2018"])
def test_the_adapter_of_a_load_understands_its_contract(name: str, replies: Replies) -> None:
    adapter = make_adapter(name, WireOptions("wx1", "a", "1", "", replies=replies))

    assert [str(one) for one in check_transport(send, adapter.outcome, replies) if not one.is_right] == []


def test_an_adapter_that_understands_something_else_is_caught() -> None:
    """A collector that says no by its body, and an adapter that reads the status alone."""
    with pytest.raises(EngineError, match="GET a good status whose body says no: 1 arrival, 202, acked; expected"):
        assert_sends_once(send, lambda answer: classify(answer, replace(STRICT, body=None)), STRICT)


MATOMO = Replies(acked=(200, 204), refused=(400,), body=BodyRule("status", acked=("success",), refused=("error",)))
ANSWERS = {
    "batch": 20,
    "event": {"n": "{event}", "i": "{id}"},
    "body": {"json": "{events}"},
    "answers": {"list": "items", "key": "status", "acked": ["ok"]},
}


@pytest.mark.parametrize("replies", [Replies(), MATOMO], ids=["usual", "with a body rule"])
@pytest.mark.parametrize(("name", "own"), [("matomo", {}), ("generic", ANSWERS)])
def test_an_adapter_that_asks_more_of_a_reply_than_its_contract_is_no_wrong_transport(
    name: str, own: dict[str, object], replies: Replies
) -> None:
    """Its own replies say how many events were taken, or which; those of the self-check cannot."""
    adapter = make_adapter(name, WireOptions("wx1", "a", "1", "", replies=replies), own)

    assert_sends_once(send, adapter.outcome, replies)


def test_an_adapter_that_takes_a_reply_for_a_refusal_is_caught() -> None:
    with pytest.raises(EngineError, match="GET answered: 1 arrival, 200, refused; expected 1 arrival, acked"):
        assert_sends_once(send, lambda _: Outcome.REFUSED)


def test_a_transport_that_is_honest_only_without_tls_is_caught() -> None:
    """As with a client whose TLS connections are pooled and retried elsewhere."""

    def sends_again_over_tls(connection: Connection, client: Client, request: Request) -> Answer:
        if client.scheme == "https":
            return sends_again_when_closed(connection, client, request)
        return send(connection, client, request)

    assert wrong_cases(check_transport(sends_again_over_tls)) == set()
    assert wrong_cases(check_transport(sends_again_over_tls, tls=True)) >= CLOSED


def test_a_load_over_tls_is_checked_over_tls(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    asked = []
    monkeypatch.setattr(self_check, "assert_sends_once", lambda **how: asked.append(how["tls"]))
    with hostile(says(OK), tls=True) as server:
        Drive(made(tmp_path, server.url)).go()
        Drive(made(tmp_path / "again", server.url.replace("https:", "http:"))).go()

    assert asked == [True, False]


def test_the_error_says_what_arrived_and_what_had_to() -> None:
    with pytest.raises(EngineError) as told:
        assert_sends_once(sends_gets_again)

    assert "GET closed after a full request: 2 arrivals, closed, unknown; expected 1 arrival, unknown" in str(
        told.value
    )
    assert "and 4 more" in str(told.value)


def test_alone_it_prints_the_table_and_ends_with_0_or_7(capsys: pytest.CaptureFixture[str]) -> None:
    good = main()
    wrong = main(check_transport(follows_redirects))
    said = capsys.readouterr().out

    assert (good, wrong) == (0, 7)
    assert "122 of 122 cases" in said
    assert "ok    GET reset inside the reply: 1 arrival, reset, unknown" in said
    assert "ok    GET a certificate that nobody vouches for: over TLS, no arrival, no connection, refused" in said
    assert "FAIL  GET 302 to the same server: 2 arrivals, 302, unknown; expected 1 arrival, unknown" in said


def made(folder: Path, url: str) -> OpenedRun:
    folder.mkdir(exist_ok=True)
    path = folder / "short.yaml"
    path.write_text(SCENARIO, encoding="utf-8")
    checked = draft(Wanted(path, target=url, out=folder / "run"))
    return write_run(checked, make_folder(checked), url)


def test_a_load_says_that_it_was_checked(tmp_path: Path) -> None:
    with hostile(says(OK)) as server:
        code = Drive(made(tmp_path, server.url)).go()

    assert code == 0
    assert json.loads((tmp_path / "run" / "load.json").read_text())["self_check"] == "ok"


def test_a_load_whose_transport_sends_twice_sends_nothing(tmp_path: Path) -> None:
    with hostile(says(OK)) as server:
        code = Drive(made(tmp_path, server.url), self_check=lambda: assert_sends_once(sends_gets_again)).go()

        assert (code, server.arrived) == (7, [])
    report = json.loads((tmp_path / "run" / "load.json").read_text())
    assert report["self_check"] == report["reason"]
    assert report["reason"].startswith("the transport's self-check failed")
