"""Which events a scenario's journeys declare."""

from __future__ import annotations

import pytest

from simulator.scenario.declared import declared_events
from tests.builders import scenario

BUY = "{track: c_buy}"
CASES = [
    # steps after the launch                                                            declared
    ("a plain step",             f"- {BUY}",                                            {"c_buy"}),
    ("rarely",                   f"- {{maybe: 0.1%, steps: [{BUY}]}}",                  {"c_buy"}),
    ("never",                    f"- {{maybe: 0%, steps: [{BUY}]}}",                    set()),
    ("sometimes more than none", f"- {{repeat: 0..2, steps: [{BUY}]}}",                 {"c_buy"}),
    ("repeated 0 times",         f"- {{repeat: 0, steps: [{BUY}]}}",                    set()),
    ("one way of a choice",      f"- {{choose: [{{weight: 1, steps: []}}, {{weight: 2, steps: [{BUY}]}}]}}", {"c_buy"}),
    ("a way without weight",     f"- {{choose: [{{weight: 1, steps: []}}, {{weight: 0, steps: [{BUY}]}}]}}", set()),
    ("offline",                  f"- {{offline: 1m, steps: [{BUY}]}}",                  {"c_buy"}),
    ("deep inside",              f"- {{repeat: 1, steps: [{{maybe: 5%, steps: [{BUY}]}}]}}", {"c_buy"}),
    ("views alone",              "- {view: pages/b}",                                   set()),
]  # fmt: skip


@pytest.mark.parametrize(("steps", "declared"), [case[1:] for case in CASES], ids=[case[0] for case in CASES])
def test_declared(steps: str, declared: set[str]) -> None:
    assert declared_events(scenario(f"- launch\n{steps}\n- exit")) == declared
