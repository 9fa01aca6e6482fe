"""What readings may say by what had been sent and acked when they were taken."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import replace
from itertools import count
from pathlib import Path
from typing import Literal

import pytest

from simulator.contract import BY, METRICS
from simulator.finding import Verdict
from simulator.ledger.index import AttemptIndex
from simulator.ledger.manifest import LEDGER_FOLDER
from simulator.ledger.write import SUFFIX, LedgerWriter
from simulator.runs import watched, watching
from simulator.runs.counting import count_run
from simulator.runs.watched import CLOCKS, Odd, Run, odd_findings, odd_totals
from simulator.times import Ms
from simulator.traffic.making import Wanted, draft, make_folder, write_run
from simulator.traffic.opened import OpenedRun
from simulator.verify.judging import judge
from simulator.verify.readers import monitor_reader
from simulator.verify.readers.reading import Reading
from simulator.wire.request import Evidence, Outcome
from tests.builders import scenario_text
from tests.runs.sent_runs import LOOKS, URL, requests_of

SECOND = 1_000_000_000
BEGAN = 1_700_000_000 * SECOND


def run_of(folder: Path, *, ack: Literal["durable", "accepted"] = "durable", lag: int = 0) -> OpenedRun:
    """Ten visitors of an open and two views each: an event a second, each answered a tenth of a second later."""
    file = folder / "sample.yaml"
    file.write_text(scenario_text(LOOKS, count=10), encoding="utf-8")
    checked = draft(Wanted(file, target=URL, namespace="run", out=folder / "run"))
    contract = replace(checked.contract, ack=ack, lag=Ms(lag))
    opened = write_run(replace(checked, contract=contract), make_folder(checked), URL)
    ledger = LedgerWriter.open(opened.folder / LEDGER_FOLDER / f"worker-1{SUFFIX}", opened.manifest.run_id)
    for number, request in enumerate(requests_of(opened)):
        at = BEGAN + number * SECOND
        slot = ledger.begin(request.visitor, request.number, 0, request.purpose, at, at)
        ledger.end(slot, at, at + SECOND // 10, Outcome.ACKED, Evidence.REPLY, 200)
    ledger.close()
    return opened


def reading(seconds: float, **totals: int) -> Reading:
    """The totals of one moment; whatever is not named is as it is there, of an honest collector without delay."""
    at = BEGAN + int(seconds * SECOND)
    events = int(seconds) + 1  # of which every third is an open, then two views
    visitors = -(-events // 3)
    said = {"pv": events - visitors, "uv": visitors, "opens": visitors, "new_users": visitors} | totals
    return Reading({"all": {"": said}}, {}, at, at)


def odd_of(opened: OpenedRun, *meanwhile: Reading, after: tuple[Reading, ...] = ()) -> list[Odd]:
    with AttemptIndex(opened.folder, opened.manifest.run_id) as attempts:
        begin, end = opened.plan.start, opened.plan.end
        run = Run(opened, attempts, begin, end, lambda one: one)
        by_ledger = count_run(opened, attempts, begin, end, None).by_ledger
        last = BEGAN + 29 * SECOND + SECOND // 10
        return odd_totals(run, meanwhile, after, by_ledger, last)


def told(odd: list[Odd]) -> list[tuple[str, int]]:
    return [(one.metric, one.off) for one in odd if one.by == "all"]


def test_an_honest_collector_is_never_odd(tmp_path: Path) -> None:
    opened = run_of(tmp_path)

    assert odd_of(opened, *(reading(at + 0.5) for at in range(29)), after=(reading(29.5), reading(60, **FINAL))) == []


FINAL = {"pv": 20, "uv": 10, "opens": 10, "new_users": 10}

CASES: list[tuple[str, str, int, Reading, list[tuple[str, int]]]] = [
    # situation                            ack         lag     reading                          odd
    ("a view that was not sent yet",       "durable",  0,      reading(10.5, pv=8),             [("pv", 1)]),
    ("the same where nothing is promised", "accepted", 0,      reading(10.5, pv=8),             [("pv", 1)]),
    ("a user too many",                    "durable",  0,      reading(10.5, uv=5),             [("uv", 1)]),
    ("a user who may still be joined",     "accepted", 0,      reading(10.5, uv=5),             []),
    ("an acked view that is not there",    "durable",  0,      reading(10.5, pv=6),             [("pv", -1)]),
    ("that had two seconds more",          "durable",  2_000,  reading(10.5, pv=6),             []),
    ("and is not there after them",        "durable",  2_000,  reading(10.5, pv=5),             [("pv", -1)]),
    ("where nothing is promised",          "accepted", 0,      reading(10.5, pv=0, opens=0),    []),
    ("an ack of this very moment",         "durable",  0,      reading(10.2, pv=6),             []),
]  # fmt: skip


@pytest.mark.parametrize(("ack", "lag", "one", "odd"), [case[1:] for case in CASES], ids=[case[0] for case in CASES])
def test_a_reading_while_the_run_is_sent(
    ack: Literal["durable", "accepted"], lag: int, one: Reading, odd: list[tuple[str, int]], tmp_path: Path
) -> None:
    assert told(odd_of(run_of(tmp_path, ack=ack, lag=lag), one)) == odd


@pytest.mark.parametrize(
    ("seconds", "odd"),
    [(29.1 + CLOCKS / 1e9 + 0.5, []), (29.1 + CLOCKS / 1e9 + 1.01, [("pv", -5)])],
    ids=["within a second of the last reply", "later than that"],
)
def test_after_the_last_reply_everything_must_be_there_in_time(
    seconds: float, odd: list[tuple[str, int]], tmp_path: Path
) -> None:
    at = BEGAN + int(seconds * SECOND)
    late = Reading({"all": {"": {**FINAL, "pv": 15}}}, {}, at, at)

    assert told(odd_of(run_of(tmp_path, lag=1_000), after=(late,))) == odd


def test_of_a_large_run_no_total_is_above_the_attempts_so_far(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(watched, "MOST_ATTEMPTS", 29)
    opened = run_of(tmp_path)

    assert told(odd_of(opened, reading(10.5, pv=11, uv=12), reading(20.5, pv=21))) == [("uv", 1)]


def test_as_many_readings_are_counted_as_can_be_afforded(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(watched, "BUDGET", 60)  # two readings of thirty attempts
    wrong = [reading(at + 0.5, pv=30) for at in range(8)]

    assert [round((one.at_ns - BEGAN) / SECOND, 1) for one in odd_of(run_of(tmp_path), *wrong) if one.by == "all"] == [
        3.5,
        7.5,
    ]


def findings(
    odd: list[Odd], opened: OpenedRun, *, beside_others: bool = False, final: int = 20
) -> list[tuple[str, str]]:
    with AttemptIndex(opened.folder, opened.manifest.run_id) as attempts:
        begin, end = opened.plan.start, opened.plan.end
        run = Run(opened, attempts, begin, end, lambda one: one)
        by_ledger = count_run(opened, attempts, begin, end, None).by_ledger
        at_last = judge(by_ledger, Reading({"all": {"": {**FINAL, "pv": final}}}), opened.scenario.expect)
        found = list(odd_findings(run, odd, at_last, BEGAN, beside_others=beside_others))
    assert all(one.verdict is Verdict.FAIL for one in found)
    return [(one.code, one.text) for one in found]


def odd(metric: str, off: int, value: int, seconds: int = 10, by: str = "all", cell: str = "") -> Odd:
    return Odd(metric, by, cell, off, value - off, value, BEGAN + seconds * SECOND)


def test_what_healed_is_told_with_the_worst_of_each_metric(tmp_path: Path) -> None:
    some = [odd("pv", 1, 8), odd("pv", 3, 12, 14), odd("uv", 2, 5, 10, "source", "ad"), odd("opens", -2, 4, 12)]

    assert findings(some, run_of(tmp_path, lag=500)) == [
        (
            "aggregation",
            "totals were more than what had been sent by then can come to: page views 12, at most 9 could be, 14.0 s "
            "after the first send; visitors by source ad 5, at most 3 could be, 10.0 s after the first send; in 2 "
            "readings. Nobody is named: at the end these totals were right",
        ),
        (
            "lag",
            "acked events were not in the totals within 500ms of their replies: opens 4, at least 6 could be, 12.0 s "
            "after the first send. Nobody is named: at the end these totals were right",
        ),
    ]


def test_what_stayed_wrong_is_told_as_it_is_at_the_end(tmp_path: Path) -> None:
    assert findings([odd("pv", 1, 21)], run_of(tmp_path), final=21) == []


def test_beside_others_only_missing_views_are_told(tmp_path: Path) -> None:
    some = [odd("pv", 1, 8), odd("uv", -1, 8), odd("pv", -1, 8)]

    assert [code for code, _ in findings(some, run_of(tmp_path), beside_others=True)] == ["lag"]


# ---- kept on the way ----


def test_readings_are_kept_line_by_line_and_a_torn_one_is_left_out(tmp_path: Path) -> None:
    whole = '{"invoked_ns": 1, "completed_ns": 2, "cells": {"all": {"": {"pv": 3}}}}\n'
    (tmp_path / watching.READINGS_FILE).write_text(whole + whole[:30], encoding="utf-8")

    assert watching.read_watched(tmp_path) == [Reading({"all": {"": {"pv": 3}}}, {}, 1, 2)]


def test_without_readings_there_are_none(tmp_path: Path) -> None:
    assert watching.read_watched(tmp_path) == []


def test_a_small_run_is_read_in_every_kind_of_cell_and_a_large_one_in_total(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    opened = run_of(tmp_path)
    asked: list[tuple[str, ...]] = []
    numbers = count(1)

    def read(*_: object, kinds: tuple[str, ...], **__: object) -> Reading:
        asked.append(tuple(kinds))
        if len(asked) == 2:
            return Reading({}, {"all": "busy"})
        (opened.folder / "progress.json").write_text(f'{{"attempts": {{"sent": {20_000 * next(numbers)}}}}}')
        return Reading({by: {"": dict.fromkeys(METRICS, 1)} for by in kinds})

    monkeypatch.setattr(monitor_reader, "read_monitor", read)
    monkeypatch.setattr(watching, "_FIRST_PAUSE", 0.001)
    with watching.watching(opened):
        wait_until(lambda: len(asked) >= 4)

    assert asked[:4] == [BY, BY, BY, ("all",)]
    kept = watching.read_watched(opened.folder)
    assert [tuple(one.cells) for one in kept[:3]] == [BY, BY, ("all",)]
    assert all(0 < one.invoked_ns <= one.completed_ns for one in kept)


def wait_until(is_so: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 20
    while not is_so():
        assert time.monotonic() < deadline
        time.sleep(0.002)
