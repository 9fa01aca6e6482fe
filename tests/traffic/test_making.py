"""Which contract a run is judged by when nobody says so, and where its events go."""

from __future__ import annotations

from pathlib import Path
from typing import Literal

import pytest

from simulator.scenario.load import load
from simulator.traffic.making import Wanted, contract_of, draft
from simulator.traffic.opened import adapter_of
from simulator.traffic.sending import requests_of_block
from tests.builders import scenario_text

TARGET = "http://127.0.0.1:9"


@pytest.mark.parametrize(
    ("target", "text", "ack"),
    [
        (None, "", "durable"),
        (None, "quiet: 1s", "durable"),
        (None, "ack: accepted", "accepted"),
        (TARGET, "", "accepted"),
        (TARGET, "lag: 1s", "durable"),
    ],
    ids=[
        "the embedded collector",
        "with a contract of other promises",
        "with less than it keeps",
        "a target of which nothing is known",
        "a target with a lag",
    ],
)
def test_what_an_ack_promises(
    target: str | None, text: str, ack: Literal["durable", "accepted"], tmp_path: Path
) -> None:
    (tmp_path / "sample.yaml").write_text(scenario_text("- launch\n- exit"), encoding="utf-8")
    (tmp_path / "contract.yaml").write_text(text or "quiet: 1s", encoding="utf-8")
    wanted = Wanted(tmp_path / "sample.yaml", target=target, contract=str(tmp_path / "contract.yaml") if text else None)

    assert contract_of(wanted, load(wanted.scenario)).ack == ack


def test_an_empty_path_of_a_target_file_says_nothing(tmp_path: Path) -> None:
    (tmp_path / "sample.yaml").write_text(scenario_text("- launch\n- exit"), encoding="utf-8")
    file = tmp_path / "target.yaml"
    file.write_text(
        f'target: ours\nurl: {TARGET}\nadapter: {{name: sensors, path: ""}}\ntotals: {{monitor: {{}}}}\n',
        encoding="utf-8",
    )
    checked = draft(Wanted(tmp_path / "sample.yaml", target=str(file)))
    adapter = adapter_of("sensors", checked.path, checked.plan.scenario, "n", checked.options, own=checked.own)

    ((request, *_),) = requests_of_block(checked.plan, adapter, 0).values()
    assert request.target.startswith("/sa?")
