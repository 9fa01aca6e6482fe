"""Lookups that did not give the complete URL: told by the ledger, and by the table of outcomes."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import pytest

from simulator.finding import Finding, Verdict
from simulator.ledger.manifest import LEDGER_FOLDER
from simulator.ledger.write import SUFFIX, LedgerWriter
from simulator.runs.load_report import LoadReport, lookup_findings
from simulator.runs.noting import Failures
from simulator.wire.request import Evidence, Outcome, Purpose

REFUSED, UNKNOWN = Outcome.REFUSED, Outcome.UNKNOWN
FAIL, INCONCLUSIVE = Verdict.FAIL, Verdict.INCONCLUSIVE
TOLD = LoadReport(
    {"lookups": {"sent": 9, "failed": 1, "examples": [{"visitor": 7, "request": 0, "why": "another URL: None"}]}}
)

CASES = [
    # what came back                        outcome  evidence                status  verdict
    ("another URL",                         REFUSED, Evidence.REPLY,         200,    FAIL),
    ("a code that it was given is unknown", REFUSED, Evidence.REPLY,         404,    FAIL),
    ("too many requests",                   UNKNOWN, Evidence.REPLY,         429,    INCONCLUSIVE),
    ("a redirect",                          UNKNOWN, Evidence.REPLY,         302,    INCONCLUSIVE),
    ("too slow to say anything",            UNKNOWN, Evidence.REPLY,         408,    INCONCLUSIVE),
    ("a failure of its own",                UNKNOWN, Evidence.REPLY,         500,    INCONCLUSIVE),
    ("no connection",                       REFUSED, Evidence.NO_CONNECTION, 0,      INCONCLUSIVE),
    ("no reply in time",                    UNKNOWN, Evidence.TIMEOUT,       0,      INCONCLUSIVE),
    ("killed meanwhile",                    UNKNOWN, Evidence.NONE,          0,      INCONCLUSIVE),
]  # fmt: skip


def failed(*ways: tuple[Outcome, Evidence, int]) -> Failures:
    return Counter(ways)


@pytest.mark.parametrize(
    ("outcome", "evidence", "status", "verdict"), [case[1:] for case in CASES], ids=[case[0] for case in CASES]
)
def test_only_a_reply_that_is_wrong_is_the_collectors_fault(
    outcome: Outcome, evidence: Evidence, status: int, verdict: Verdict, tmp_path: Path
) -> None:
    (found,) = lookup_findings(TOLD, failed((outcome, evidence, status)), tmp_path, "run")

    assert (found.code, found.verdict, found.count, found.visitors) == ("lookup", verdict, 1, (7,))
    assert found.text == "1 of 9 lookups of a complete URL did not give it: another URL: None"


def test_one_wrong_reply_among_many_that_never_came_is_a_fault() -> None:
    some = failed((UNKNOWN, Evidence.TIMEOUT, 0), (UNKNOWN, Evidence.TIMEOUT, 0), (REFUSED, Evidence.REPLY, 200))
    (found,) = lookup_findings(TOLD, some, Path(), "run")

    assert (found.verdict, found.count) == (FAIL, 3)


def test_lookups_that_were_right_are_no_finding(tmp_path: Path) -> None:
    assert list(lookup_findings(TOLD, failed(), tmp_path, "run")) == []


def test_after_a_kill_the_ledger_tells_of_lookups(tmp_path: Path) -> None:
    """Nobody wrote load.json: what failed and of whom is in the ledger."""
    ledger = LedgerWriter.open(tmp_path / LEDGER_FOLDER / f"worker-1{SUFFIX}", "run")
    for visitor, (purpose, outcome, status) in enumerate(
        [
            (Purpose.LOOKUP, Outcome.ACKED, 200),
            (Purpose.LOOKUP, REFUSED, 200),
            (Purpose.EVENT, REFUSED, 404),
            (Purpose.LOOKUP, UNKNOWN, 503),
        ]
    ):
        slot = ledger.begin(visitor, 0, 0, purpose, 1, 1)
        ledger.end(slot, 1, 2, outcome, Evidence.REPLY, status)
    ledger.close()
    some = failed((REFUSED, Evidence.REPLY, 200), (UNKNOWN, Evidence.REPLY, 503))

    assert list(lookup_findings(LoadReport({}), some, tmp_path, "run")) == [
        Finding("lookup", FAIL, "2 lookups of a complete URL did not give it: HTTP 200 OK with another body", 2, (1, 3))
    ]
