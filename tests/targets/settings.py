"""Settings and sections for the tests of readers."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from simulator.contract import Contract
from simulator.ledger.manifest import Options
from simulator.scenario.load import load_scenario
from simulator.times import parse_instant
from simulator.traffic.opened import adapter_of
from simulator.verify.readers.secrets import Secrets
from simulator.verify.readers.setting import Setting
from simulator.wire.request import Adapter
from tests.e2e.commands import SCENARIOS

BEGIN = parse_instant("2026-03-01T00:00:00+08:00")
END = parse_instant("2026-03-02T02:00:00+08:00")
PATH = "/cbe/__utm"


def dmhub(namespace: str = "n") -> Adapter[Any]:
    """The adapter of a scenario with the usual tenant."""
    return adapter_of("dmhub", PATH, load_scenario(SCENARIOS / "returning_visitors.yaml"), namespace, Options())


def setting(
    contract: Contract | None = None,
    *,
    folder: Path = Path(),
    left_out: frozenset[tuple[str, str]] = frozenset(),
    environment: Mapping[str, str] | None = None,
) -> Setting:
    """A run of the namespace n."""
    return Setting(
        "http://127.0.0.1:8080",
        contract or Contract(),
        dmhub(),
        namespace="n",
        appid="wx1",
        tenant="7",
        folder=folder,
        left_out=left_out,
        period=(BEGIN, END),
        secrets=Secrets(environment or {}),
    )
