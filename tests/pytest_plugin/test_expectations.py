"""What each test of a scenario says of a run, written down for runs that pass, fail, and could not be judged."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from simulator.api import Run
from simulator.finding import Finding, Judged, Verdict
from simulator.pytest_plugin.expectations import Said, expectations
from simulator.report.result import Result
from simulator.runs.reconciliation import RECONCILIATION_FILE
from tests.report.conftest import failing, hostile, incomplete, passing

SLO = ("p95 < 200ms", "failed < 1%")
UNJUDGED = replace(
    passing(), verdict="error", exit_code=7, metrics=(), findings=(), slo=(), reasons=("It sends twice.",)
)


@pytest.fixture
def said(tmp_path: Path) -> Callable[[Result], dict[str, Said]]:
    def judge(result: Result, *, compared: bool = True) -> dict[str, Said]:
        if compared:
            (tmp_path / RECONCILIATION_FILE).touch()
        return {one.name: one.judge(Run(result, tmp_path)) for one in expectations(SLO)}

    return judge


def test_the_tests_of_a_scenario() -> None:
    assert [one.name for one in expectations(SLO)] == [
        "run",
        *(f"{metric}[{by}]" for by in ("all", "source", "content", "hour", "day") for metric in
          ("pv", "uv", "opens", "new_users")),
        "pv[page]",
        "uv[page]",
        "slo[p95 < 200ms]",
        "slo[failed < 1%]",
        "findings[events]",
        "findings[totals]",
        "findings[collector]",
        "findings[run]",
    ]  # fmt: skip


def test_all_pass_where_all_is_right(said: Callable[[Result], dict[str, Said]]) -> None:
    assert {one.outcome for one in said(passing()).values()} == {"pass"}


def test_what_is_wrong_fails_and_nothing_else(said: Callable[[Result], dict[str, Said]]) -> None:
    assert [name for name, one in said(failing()).items() if one.outcome != "pass"] == [
        "run",
        "pv[all]",
        "pv[source]",
        "opens[source]",
        "pv[hour]",
        "slo[p95 < 200ms]",
        "findings[events]",
        "findings[totals]",
    ]


def test_a_failure_says_what_expected_observed_why_the_report_and_the_replay(
    said: Callable[[Result], dict[str, Said]], tmp_path: Path
) -> None:
    lost = "lost x 1: 1 acked event is not in the totals. (visitors 12, 90, 91)"
    attribution = (
        "attribution x 1: 1 open is counted under wechat_ad and belongs to 春季海报; the sum over sources is right. "
        "(visitors 1204)"
    )
    where = [
        f"report: {tmp_path}/report.html",
        f"replay: mpsim replay {tmp_path}",
        "again:  mpsim run scenarios/campaign_day.yaml --seed 7",
    ]

    told = said(failing())
    assert told["opens[source]"].text.splitlines() == [
        "Opens by source: 2 of 3 cells wrong",
        "  Opens of source wechat_ad: expected 1,381, observed 1,382 (1 too many)",
        "  Opens of source 春季海报: expected 640, observed 639 (1 missing)",
        f"  found: {attribution}",
        f"  found: {lost}",
        *where,
    ]
    assert told["pv[all]"].text.splitlines()[0] == "PV in total: expected 11,339, observed 11,338 (1 missing)"
    assert told["slo[p95 < 200ms]"].text.splitlines() == ["p95 < 200ms: missed, 231 ms", *where]
    assert told["findings[events]"].text.splitlines() == [lost, *where]


def test_what_was_not_judged_is_no_pass(said: Callable[[Result], dict[str, Said]]) -> None:
    told = said(UNJUDGED)

    assert {one.outcome for one in told.values()} == {"fail"}
    assert told["uv[day]"].text.splitlines()[0] == "UV by day: not judged. ERROR: It sends twice."
    assert told["findings[events]"].text.splitlines()[0] == "nothing was looked for. ERROR: It sends twice."
    assert told["slo[failed < 1%]"].text.splitlines()[0] == "failed < 1%: not measured. ERROR: It sends twice."


def test_what_is_too_wide_or_unread_fails_and_what_cannot_be_known_is_skipped(
    said: Callable[[Result], dict[str, Said]],
) -> None:
    told = said(incomplete())

    assert {name: told[f"{name}[all]"].outcome for name in ("pv", "uv", "opens", "new_users")} == {
        "pv": "pass",
        "uv": "fail",
        "opens": "fail",
        "new_users": "skip",
    }
    assert told["new_users[all]"].text == (
        "New users in total: cannot be known for 1 of 1 cell: the wire carries no visitor"
    )
    assert told["findings[run]"].text.startswith("worker_lost x 1: Worker 3 stopped answering")
    assert told["run"].outcome == "fail"


def test_what_the_target_file_leaves_out_is_skipped(said: Callable[[Result], dict[str, Said]]) -> None:
    rows = tuple(one for one in passing().metrics if (one.metric, one.by) != ("uv", "page") and one.by != "hour")
    told = said(replace(passing(), metrics=rows, not_read=("uv by page",)))

    assert told["uv[page]"] == Said("skip", "UV by page: the target file says that the collector does not have it")
    assert told["uv[hour]"].outcome == "fail"


def test_events_that_were_not_compared_are_no_pass(said: Callable[..., dict[str, Said]]) -> None:
    note = "Stored events were not compared one by one: the collector lists none."
    told = said(replace(passing(), notes=("Something else.", note)), compared=False)

    assert told["findings[events]"] == Said("skip", note)
    assert told["findings[totals]"].outcome == "pass"


def test_a_remark_fails_nothing_and_an_unknown_finding_is_one_of_the_run(
    said: Callable[[Result], dict[str, Said]],
) -> None:
    remark, unknown = Finding("lost", Verdict.PASS, "a remark"), Finding("novelty", Verdict.FAIL, "something new")
    told = said(replace(passing(), findings=(remark, unknown)))

    assert [name for name, one in told.items() if one.outcome != "pass"] == ["findings[run]"]


def test_a_long_list_is_cut_and_names_from_outside_are_harmless(said: Callable[[Result], dict[str, Said]]) -> None:
    wrong = tuple(
        Judged("pv", "page", f"p{number}", one.expected, 0, Verdict.FAIL)
        for number, one in enumerate(passing().metrics[:14])
    )
    told = said(replace(passing(), metrics=(*passing().metrics, *wrong)))
    assert "  and 4 more" in told["pv[page]"].text.splitlines()

    for one in said(hostile()).values():
        assert not any(character in one.text for character in "\x1b\u202e\ud800")
