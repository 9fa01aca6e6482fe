"""What keeps a run from being made: nothing is written, nothing is started."""

from __future__ import annotations

from pathlib import Path

import pytest

from simulator.cli.main import run
from tests.e2e.commands import SCENARIOS

BROKEN_BY_THE_EMBEDDED = [
    ("replies: {body: {key: code, acked: 0}}", "leave replies.body out, or name a --target"),
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
