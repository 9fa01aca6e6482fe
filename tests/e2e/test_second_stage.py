"""Collectors that list their events, judged event by event, as a user runs them."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from tests.e2e.commands import SCENARIOS, collector, mpsim, result_of
from tests.e2e.test_verdicts import WEEK, run_against, total

pytestmark = pytest.mark.slow

SMALL = ("--speed", "flood", "--visitors", "60", "-q")


def codes(result: dict[str, Any]) -> dict[str, dict[str, Any]]:
    return {finding["code"]: finding for finding in result["findings"] if finding["verdict"] == "fail"}


def reconciliation(folder: Path) -> dict[str, Any]:
    return dict(json.loads((folder / "reconciliation.json").read_text(encoding="utf-8")))


def test_a_lost_event_is_named(tmp_path: Path) -> None:
    _, result, _ = run_against("loses-one", tmp_path)
    lost = codes(result)["lost"]
    (case,) = reconciliation(tmp_path / "run")["events"]["lost"]

    assert (lost["count"], lost["visitors"]) == (1, [case["visitor"]])
    assert case["external_id"] in lost["text"]
    assert "The totals are what the stored events come to: page views -1" in lost["text"]
    assert set(codes(result)) == {"lost"}


def test_an_event_stored_twice_is_named(tmp_path: Path) -> None:
    _, result, _ = run_against("counts-one-twice", tmp_path)
    found = codes(result)

    assert set(found) == {"duplicated"}
    assert "stored 2 times, and can be once" in found["duplicated"]["text"]


def test_swapped_sources_are_explained_by_a_rule(tmp_path: Path) -> None:
    _, result, _ = run_against("swaps-sources", tmp_path)
    found = codes(result)

    assert set(found) == {"attribution"}
    assert "if it counted 'moments_ad' and 'share' under each other's name by source" in found["attribution"]["text"]
    assert found["attribution"]["visitors"]


def test_many_unknown_outcomes_and_a_right_collector_are_exact(tmp_path: Path) -> None:
    """Three of ten are stored and answered 503: every total is held against one number, and only the share is bad."""
    code, result, _ = run_against("fails-after-storing", tmp_path)

    assert code == 3
    assert {row["verdict"] for row in result["metrics"]} == {"pass"}
    assert all(low == high for low, high in (row["expected"] for row in result["metrics"]))
    assert not codes(result)
    assert [reason for reason in result["reasons"] if "refused or unknown" not in reason] == []
    assert any("unknown outcome" in note for note in result["notes"])


def test_many_unknown_outcomes_do_not_hide_a_lost_event(tmp_path: Path) -> None:
    code, result, _ = run_against("fails-after-storing-and-loses-one", tmp_path)

    assert code == 1
    assert codes(result)["lost"]["count"] == 1
    assert total(result, "pv")["expected"][0] < total(result, "pv")["expected"][1]


def test_events_that_others_sent_meanwhile_make_a_verdict_inconclusive(tmp_path: Path) -> None:
    with collector(tmp_path / "mpsim.db") as url:
        first = mpsim("run", WEEK, "--target", url, "--out", tmp_path / "first", *SMALL)
        second = mpsim("run", WEEK, "--target", url, "--out", tmp_path / "second", *SMALL)
        later = mpsim("verify", tmp_path / "first")
        last = mpsim("verify", tmp_path / "second")

    assert (first.code, second.code, later.code, last.code) == (0, 0, 3, 0), later
    found = {finding["code"]: finding for finding in result_of(tmp_path / "first")["findings"]}
    assert found["foreign"]["verdict"] == "inconclusive"


def test_the_derivation_of_a_visitor(tmp_path: Path) -> None:
    plan = ("plan", SCENARIOS / "timeout_gaps.yaml", "--visitor")
    text = mpsim(*plan, "2", "--explain", "opens")
    document = json.loads(mpsim(*plan, "2", "--explain", "opens", "--json").out)

    assert text.out.splitlines()[0] == "opens of visitor 2: 2 = 1 launch + 1 event more than 30m after the one before"
    assert (document["count"], [line["counts"] for line in document["lines"]]) == (2, [1, 0, 1])


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("--explain", "opens"), "belong together"),
        (("--explain", "clicks", "--visitor", "0"), "clicks"),
        (("--explain", "pv", "--visitor", "5000"), "the plan has visitors 0 to"),
        (("--explain", "new_users", "--visitor", "0", "--adapter", "dmhub-2018"), "carries no time"),
    ],
    ids=["no visitor", "no such metric", "no such visitor", "no time on the wire"],
)
def test_what_cannot_be_explained(arguments: tuple[str, ...], said: str) -> None:
    ran = mpsim("plan", SCENARIOS / "first_open.yaml", *arguments)

    assert ran.code == 5, ran
    assert said in ran.err
