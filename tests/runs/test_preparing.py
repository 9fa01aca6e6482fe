"""What keeps a run from being made, or from being begun: nothing stays behind that is in the way of the next try."""

from __future__ import annotations

import json
import socket
from contextlib import ExitStack, suppress
from functools import partial
from pathlib import Path

import pytest

from simulator.cli.main import run
from simulator.errors import ConnectionFailed, EngineError
from simulator.runs.preparing import leave
from simulator.runs.trial import SCENARIOS as SELFTEST_SCENARIOS
from tests.e2e.commands import SCENARIOS
from tests.load.hostile import OK, hostile, says

GAPS = SELFTEST_SCENARIOS / "gaps.yaml"

BROKEN_BY_THE_EMBEDDED = [
    ("replies: {body: {key: code, acked: 0}}", "leave replies.body out, or name a --target"),
    ("opens: timeout=30m\nmidnight: true", "leave midnight out, or name a --target"),
    ("opens: timeout=30m\nlaunch_opens: false", "leave launch_opens out, or name a --target"),
]


@pytest.mark.parametrize(("promise", "said"), BROKEN_BY_THE_EMBEDDED, ids=[row[0] for row in BROKEN_BY_THE_EMBEDDED])
def test_a_promise_that_the_embedded_collector_does_not_keep(
    promise: str, said: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "ours.yaml").write_text(promise, encoding="utf-8")
    contract, out = str(tmp_path / "ours.yaml"), tmp_path / "run"

    code = run(["run", str(SCENARIOS / "first_open.yaml"), "--contract", contract, "--out", str(out)])

    assert code == 5
    assert said in capsys.readouterr().err
    assert not out.exists()
    assert run(["plan", str(SCENARIOS / "first_open.yaml"), "--contract", contract]) == 0


@pytest.mark.parametrize("option", ["--web-port", "--listen"])
def test_a_port_that_is_taken(option: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    out = tmp_path / "run"
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        more = ["--web", "--web-port", str(port)] if option == "--web-port" else ["--listen", f"127.0.0.1:{port}"]
        code = run(["run", str(SCENARIOS / "first_open.yaml"), "--out", str(out), *more])

    said = f"mpsim: nobody can listen on 127.0.0.1:{port}: Address already in use; choose another {option}\n"
    assert (code, capsys.readouterr().err) == (5, said)
    assert not out.exists()


def test_a_token_whose_variable_is_not_set(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("MPSIM_NO_SUCH_TOKEN", raising=False)
    with hostile(says(OK)) as server:
        at = ["--target", server.url, "--out", str(tmp_path / "run"), "--token-env", "MPSIM_NO_SUCH_TOKEN"]
        code = run(["run", str(SCENARIOS / "first_open.yaml"), *at])

    assert code == 5
    assert "variable MPSIM_NO_SUCH_TOKEN is not set" in capsys.readouterr().err
    assert not (tmp_path / "run").exists()


def test_a_target_that_takes_no_links(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    out = tmp_path / "run"
    out.mkdir()
    with hostile(says(b"HTTP/1.1 404 N\r\nContent-Length: 0\r\n\r\n")) as server:
        code = run(["run", str(SCENARIOS / "long_paths.yaml"), "--target", server.url, "--out", str(out)])

    assert code == 6
    assert "did not take the link" in capsys.readouterr().err
    assert not out.exists()


def _directory(folder: Path, begun: str) -> Path:
    (folder / "run" / "ledger").mkdir(parents=True)
    if begun != "not started":
        (folder / "run" / "locust.log").touch()
    if begun in {"nobody at the target", "with a ledger"}:
        (folder / "run" / "load.json").write_text('{"exit_code": 6}', encoding="utf-8")
    if begun == "with a ledger":
        (folder / "run" / "ledger" / "worker-1.attempts").touch()
    return folder / "run"


LEFT = [
    ("not started", ConnectionFailed, False),
    ("not started", KeyboardInterrupt, False),
    ("not started", EngineError, True),  # our own fault: somebody will want to see it
    ("nobody at the target", ConnectionFailed, False),
    ("died without a word", ConnectionFailed, True),  # workers elsewhere may have sent
    ("with a ledger", ConnectionFailed, True),
]


@pytest.mark.parametrize(("begun", "kind", "stays"), LEFT, ids=[f"{row[0]}, {row[1].__name__}" for row in LEFT])
def test_what_may_have_been_sent_stays(begun: str, kind: type[BaseException], stays: bool, tmp_path: Path) -> None:
    folder = _directory(tmp_path, begun)
    with suppress(kind), ExitStack() as running:
        running.push(partial(leave, folder))
        raise kind("it ended")
    assert folder.exists() is stays


def test_a_run_that_ended_well_stays(tmp_path: Path) -> None:
    folder = _directory(tmp_path, "not started")
    with ExitStack() as running:
        running.push(partial(leave, folder))
    assert folder.exists()


SWITCHES = [
    # Count by hand: the scenario's comment says 5 for each of 10 visitors.
    ("", 50),
    ("midnight: true", 60),  # each reads on through one midnight
    ("timeout_inclusive: true", 60),  # each comes back once after exactly 30 minutes
    ("launch_opens: false", 40),  # one launch follows 5 minutes after an exit that this wire does not tell
    ("source_change: true", 50),  # nobody has a source
]


@pytest.mark.parametrize(("switch", "opens"), SWITCHES, ids=[row[0] or "none" for row in SWITCHES])
def test_a_switch_of_a_contract_changes_what_is_expected(
    switch: str, opens: int, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "ours.yaml").write_text(f"opens: timeout=30m\n{switch}", encoding="utf-8")

    assert run(["plan", str(GAPS), "--contract", str(tmp_path / "ours.yaml"), "--json"]) == 0
    cells = json.loads(capsys.readouterr().out)["metrics"]
    assert [one["expected"] for one in cells if (one["metric"], one["by"]) == ("opens", "all")] == [[opens, opens]]
