"""What a run says of wrong totals: by which rule they would be right, or why none was tried."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from simulator.contract import BY
from simulator.finding import Finding, Verdict
from simulator.ledger.index import AttemptIndex
from simulator.runs.counting import count_run
from simulator.runs.diagnosing import Period, findings_of
from simulator.traffic.opened import OpenedRun
from simulator.verify.judging import judge
from simulator.verify.listed import ListedEvents
from simulator.verify.oracle import Expectations
from simulator.verify.readers.reading import Reading
from simulator.wire.request import Outcome, Request
from tests.runs.sent_runs import listed, sent_run

ROWS = 6  # of two visitors


def views_doubled(expectations: Expectations) -> Reading:
    """A collector that counts each view twice and the rest rightly."""
    cells: dict[str, dict[str, dict[str, int | None]]] = {by: {} for by in BY}
    for metric in ("pv", "uv", "opens", "new_users"):
        for by in BY:
            for cell in expectations.cells(metric, by):
                interval = expectations.expected(metric, by, cell)
                assert interval is not None
                cells[by].setdefault(cell, {})[metric] = interval.low * (2 if metric == "pv" else 1)
    return Reading(cells)


@contextmanager
def indexed(opened: OpenedRun) -> Iterator[AttemptIndex]:
    with AttemptIndex(opened.folder, opened.manifest.run_id) as attempts:
        yield attempts


def told(opened: OpenedRun, index: ListedEvents | None, most_rows: int) -> list[Finding]:
    period = Period(opened.plan.start, opened.plan.end)
    with indexed(opened) as attempts:
        counted = count_run(opened, attempts, period.begin, period.end, index)
        judged = judge(counted.expectations, views_doubled(counted.expectations), opened.scenario.expect)
        return list(findings_of(opened, attempts, counted, judged, period, most_rows=most_rows))


@pytest.mark.parametrize(
    ("most", "tried"),
    [(ROWS + 1, True), (ROWS, True), (ROWS - 1, False)],
    ids=["fewer than are tried", "as many as are tried", "one more than are tried"],
)
@pytest.mark.parametrize("lists", [True, False], ids=["events listed", "totals alone"])
def test_too_many_rows_for_the_rules_are_told(most: int, tried: bool, lists: bool, tmp_path: Path) -> None:
    opened = sent_run(tmp_path)
    (finding,) = told(opened, listed(opened) if lists else None, most)
    why_not = f"Nobody is named: no rule was tried, because more than {most} events are stored"

    assert finding.text.endswith(why_not) is not tried
    assert finding.visitors == ((0, 1) if tried else ())
    assert (finding.verdict, finding.count) == (Verdict.FAIL, 4)


def test_rules_need_to_know_which_events_are_stored(tmp_path: Path) -> None:
    def outcome_of(request: Request) -> Outcome:
        return Outcome.UNKNOWN if (request.visitor, request.number) == (1, 0) else Outcome.ACKED

    opened = sent_run(tmp_path, outcome_of=outcome_of)
    (finding,) = told(opened, None, ROWS)

    assert finding.text.endswith(
        "Nobody is named: no rule was tried, because some outcomes are unknown and no list of the stored events "
        "settles them"
    )
