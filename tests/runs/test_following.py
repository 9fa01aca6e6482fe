"""What the totals must be while a run is sent: the same as of the whole ledger, whenever it is looked at."""

from __future__ import annotations

import json
import random
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from simulator.contract import METRICS
from simulator.finding import Interval
from simulator.ledger.index import AttemptIndex
from simulator.ledger.manifest import LEDGER_FOLDER, LIVE_FILE
from simulator.ledger.tail import Tail
from simulator.ledger.write import SUFFIX, LedgerWriter
from simulator.runs import following as following_module
from simulator.runs.counting import count_run
from simulator.runs.following import Follower, following
from simulator.runs.so_far import SoFar
from simulator.runs.watching import READINGS_FILE
from simulator.traffic.making import Wanted, draft, make_folder, write_run
from simulator.traffic.opened import OpenedRun
from simulator.wire.request import Evidence, Outcome, Request
from tests.builders import scenario_text
from tests.runs.ledgers import MESSY, sent_run
from tests.runs.sent_runs import LOOKS, URL, requests_of

NOTHING = Interval(0, 0)


class Sending:
    """A run that is being sent by hand: an open and two views of each visitor."""

    def __init__(self, folder: Path, visitors: int = 3) -> None:
        file = folder / "sample.yaml"
        file.write_text(scenario_text(LOOKS, count=visitors), encoding="utf-8")
        checked = draft(Wanted(file, target=URL, namespace="run", out=folder / "run"))
        self.opened = write_run(checked, make_folder(checked), URL)
        self.ledger = LedgerWriter.open(
            self.opened.folder / LEDGER_FOLDER / f"worker-1{SUFFIX}", self.opened.manifest.run_id
        )
        self._requests: Iterator[Request] = requests_of(self.opened)
        self._at = 1

    def begin(self) -> int:
        """Write the intent of the next request; its slot."""
        request = next(self._requests)
        self._at += 1
        return self.ledger.begin(request.visitor, request.number, 0, request.purpose, self._at, self._at)

    def end(self, slot: int) -> None:
        self.ledger.end(slot, self._at, self._at, Outcome.ACKED, Evidence.REPLY, 200)

    def send(self, count: int) -> None:
        for _ in range(count):
            self.end(self.begin())

    def follower(self) -> Follower:
        return Follower(self.opened, SoFar(self.opened, self.opened.plan.start, self.opened.plan.end))


@pytest.fixture
def sending(tmp_path: Path) -> Iterator[Sending]:
    run = Sending(tmp_path)
    yield run
    run.ledger.close()


def totals(follower: Follower) -> dict[str, list[int]]:
    follower.look(60)
    return {one["metric"]: one["expected"] for one in follower.document()["totals"] if one["source"] is None}


def test_a_total_grows_with_what_was_acked(sending: Sending) -> None:
    follower = sending.follower()
    assert totals(follower)["pv"] == [0, 0]

    sending.send(2)
    assert totals(follower) == {"pv": [1, 1], "uv": [1, 1], "opens": [1, 1], "new_users": [1, 1]}

    sending.send(7)
    assert totals(follower) == {"pv": [6, 6], "uv": [3, 3], "opens": [3, 3], "new_users": [3, 3]}


def test_what_is_in_flight_may_count_or_not(sending: Sending) -> None:
    follower = sending.follower()
    sending.send(1)
    slot = sending.begin()
    assert totals(follower)["pv"] == [0, 1]

    sending.end(slot)
    assert totals(follower)["pv"] == [1, 1]


@pytest.mark.parametrize("fails", [False, True])
@pytest.mark.parametrize("seed", range(3))
def test_in_whatever_pieces_the_ledger_comes_the_sums_are_those_of_the_whole(
    tmp_path: Path, seed: int, fails: bool
) -> None:
    """Where outcomes are unknown fewer worlds are counted one by one, so an interval may be wider here."""
    (tmp_path / "messy.yaml").write_text(MESSY, encoding="utf-8")
    opened = sent_run(tmp_path / "run", tmp_path / "messy.yaml", None, fails=fails)
    drawn = random.Random(seed)
    news = list(Tail(opened.folder).news())
    so_far = SoFar(opened, opened.plan.start, opened.plan.end)
    while news:
        size = drawn.randrange(1, 200)
        so_far.take(news[:size])
        news = news[size:]
        so_far.count(drawn.choice([0, 60]))
    so_far.count(60)
    found, whole = so_far.expected(), of_the_whole(opened)

    assert so_far.behind == 0
    assert max(interval.high for interval in whole.values()) > 100
    for key in found.keys() | whole.keys():
        here, there = found.get(key, NOTHING), whole.get(key, NOTHING)
        assert here.low <= there.low <= there.high <= here.high, key
        assert here == there or (fails and key[0] != "pv"), key


def of_the_whole(opened: OpenedRun) -> dict[tuple[str, str, str], Interval]:
    with AttemptIndex(opened.folder, opened.manifest.run_id) as attempts:
        counted = count_run(opened, attempts, opened.plan.start, opened.plan.end, None)
    return {key: interval for key, interval in counted.by_ledger.intervals.items() if key[1] in ("all", "source")}


def test_a_tail_tells_of_an_open_attempt_again_when_it_has_ended(sending: Sending) -> None:
    tail = Tail(sending.opened.folder)
    slot = sending.begin()
    assert [(place[1], fields[6]) for place, fields in tail.news()] == [(slot, 1)]
    assert list(tail.news()) == []

    sending.end(slot)
    assert [(place[1], fields[6]) for place, fields in tail.news()] == [(slot, 2)]
    assert list(tail.news()) == []


STATES = [
    ("as many as were acked", 4, 0),
    ("fewer than were acked", 3, -1),
    ("more than were sent", 6, 1),
    ("one that was in flight", 5, 0),
]


@pytest.mark.parametrize(("views", "off"), [case[1:] for case in STATES], ids=[case[0] for case in STATES])
def test_a_reading_is_held_against_what_was_sent_around_it(
    sending: Sending, monkeypatch: pytest.MonkeyPatch, views: int, off: int
) -> None:
    clock = iter(range(10, 1000, 10))
    monkeypatch.setattr("simulator.runs.following.time.time_ns", lambda: next(clock))
    follower = sending.follower()
    sending.send(6)  # two visitors with two views each
    follower.look(60)  # at 10 to 20
    read = {"invoked_ns": 21, "completed_ns": 25, "cells": {"all": {"": dict.fromkeys(METRICS, 2) | {"pv": views}}}}
    (sending.opened.folder / READINGS_FILE).write_text(json.dumps(read) + "\n", encoding="utf-8")
    sending.send(1)
    sending.begin()  # a view
    follower.look(60)  # at 30 to 40

    pv = next(one for one in follower.document()["totals"] if (one["metric"], one["source"]) == ("pv", None))

    assert (pv["then"], pv["observed"], pv["off"]) == ((4, 5), views, off)


def test_before_anything_was_read_nothing_is_compared(sending: Sending) -> None:
    follower = sending.follower()
    sending.send(3)
    follower.look(60)

    assert {(one["observed"], one["off"]) for one in follower.document()["totals"]} == {(None, None)}


def test_beyond_its_limit_it_says_so(sending: Sending, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(following_module, "MOST_ATTEMPTS", 5)
    follower = sending.follower()
    sending.send(6)
    follower.look(60)
    sending.send(3)
    follower.look(60)

    assert follower.document()["over"] == "not counted beyond 5 attempts while a run is sent"
    assert follower.document()["attempts"] == 6


def test_the_file_is_there_while_the_run_is_sent_and_no_longer(sending: Sending) -> None:
    path = sending.opened.folder / LIVE_FILE
    sending.send(9)
    with following(sending.opened):
        deadline = time.monotonic() + 30
        while not path.exists():
            assert time.monotonic() < deadline
        assert json.loads(path.read_text(encoding="utf-8"))["attempts"] == 9

    assert not path.exists()
