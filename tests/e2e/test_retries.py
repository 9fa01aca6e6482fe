"""A tracker that sends again, in front of a collector that fails: every attempt counts as what it is."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import pytest

from simulator.ledger.read import read_ledger
from simulator.ledger.record import Attempt
from simulator.runs.fault_proxy import Journal, Weather, fault_proxy, parse_mix
from simulator.traffic.opened import open_run
from simulator.traffic.sending import requests_of_block
from simulator.wire.request import Outcome, Request
from tests.e2e.commands import collector, mpsim, result_of

pytestmark = pytest.mark.slow

SCENARIO = """
scenario: tries_again
app: {pages: [pages/home/home, pages/cart/cart]}
visitors: {count: 60, identities: {applet-wechat: 100%}}
journeys:
  patient:
    steps:
      - {launch: , retries: 3}
      - push: [applet-wechat]
      - {view: pages/cart/cart, retries: 2, think: 5s}
      - {view: pages/home/home, retries: 1, duplicates: 1, think: 5s}
      - {view: pages/cart/cart, think: 5s}
      - exit
load:
  users: 10
  each: 1h
  clock: {start: 2026-03-05T08:00:00+08:00, speed: flood}
expect: {max_failed: 80%, max_width: 100%}
"""


def sent_through(mix: str, tmp_path: Path) -> tuple[Journal, Path, int]:
    (tmp_path / "scenario.yaml").write_text(SCENARIO, encoding="utf-8")
    weather = Weather(seed=11, mix=parse_mix(mix))
    with collector(tmp_path / "mpsim.db") as upstream, fault_proxy(upstream, weather) as proxy:
        ran = mpsim("run", tmp_path / "scenario.yaml", "--target", proxy.url, "--out", tmp_path / "run", "-q")
        return proxy.journal(), tmp_path / "run", ran.code


def by_request(folder: Path) -> list[tuple[Request, list[Attempt]]]:
    opened = open_run(folder)
    attempts: dict[tuple[int, int], list[Attempt]] = {}
    for one in read_ledger(folder):
        attempts.setdefault((one.visitor, one.request), []).append(one)
    return [
        (request, attempts.get((request.visitor, request.number), []))
        for block in opened.plan.blocks
        for requests in requests_of_block(opened.plan, opened.adapter, block).values()
        for request in requests
    ]


@pytest.mark.parametrize("mix", ["error_after=40%", "error_before=40%", "refuse_before=20%,drop_reply=20%,reset=10%"])
def test_every_attempt_is_in_the_ledger_and_none_is_made_without_a_reason(mix: str, tmp_path: Path) -> None:
    journal, folder, code = sent_through(mix, tmp_path)
    result = result_of(folder)

    # What left is what arrived: nothing but the plan's own retries sends twice.
    sent = Counter(request.records[0].external_id for request, attempts in by_request(folder) for _ in attempts)
    assert sent == Counter(one.event for one in journal.handled)
    assert result["attempts"]["sent"] == sent.total()
    for request, attempts in by_request(folder):
        outcomes = [one.outcome for one in attempts]
        assert [one.attempt for one in attempts] == list(range(len(attempts)))
        failed = next((place for place, one in enumerate(outcomes) if one is Outcome.ACKED), len(outcomes))
        tries = min(failed, request.retries) + 1
        assert len(outcomes) == tries + request.duplicates

    # A copy that was stored and answered 500 is known again by its id: nothing counts twice, nothing fails.
    assert code in {0, 3}
    assert not [row for row in result["metrics"] if row["verdict"] == "fail"]
    assert not [one for one in result["findings"] if one["code"] in {"duplicated", "lost", "unexpected"}]


def test_retries_make_totals_exact_that_a_single_attempt_would_leave_open(tmp_path: Path) -> None:
    """A launch that failed with 500 is unknown; acked at the second attempt it is certain."""
    _, folder, _ = sent_through("error_after=15%", tmp_path)
    opens = next(row for row in result_of(folder)["metrics"] if (row["metric"], row["by"]) == ("opens", "all"))
    unknown = [attempts for _, attempts in by_request(folder) if attempts[0].outcome is Outcome.UNKNOWN]

    assert len(unknown) > 10
    assert opens["expected"] == [60, 60]
