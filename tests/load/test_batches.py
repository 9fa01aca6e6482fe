"""Batches on real sockets: what a reply says of each event, through the ledger to the sightings."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import gevent
import pytest

from simulator.contract import Contract
from simulator.events import Call, Delivery, Kind
from simulator.ledger.index import AttemptIndex
from simulator.ledger.read import read_ledger
from simulator.ledger.write import LedgerWriter
from simulator.load.agenda import Agenda
from simulator.load.client import Client, Limits
from simulator.load.clock import steady_clock
from simulator.load.course import Course
from simulator.load.crowd import Crowd
from simulator.load.tally import Tally
from simulator.runs.gathering import Attempts, Gatherer
from simulator.verify.sighting import AttemptSummary, Sighting, sightings_of
from simulator.wire.request import Outcome, Request
from tests.load.hostile import Visit, hostile
from tests.wire.tracker_words import own, sent_by
from tests.wire.wire_builders import NOON, happening, launch, numbered, track, view

ANSWERS: dict[str, Any] = {
    "batch": 10,
    "event": {"n": "{event}", "id": "{id}", "t": "{ms}"},
    "body": {"json": "{events}"},
    "answers": {"list": "result.items", "key": "status", "acked": ["ok", 1], "refused": "bad"},
}


def answering(reply: Callable[[Any], tuple[int, object]]) -> Callable[[Visit], None]:
    """Answer each request by what its JSON says."""

    def behave(visit: Visit) -> None:
        while request := visit.request():
            status, told = reply(json.loads(request.partition(b"\r\n\r\n")[2]))
            text = told if isinstance(told, bytes) else json.dumps(told).encode()
            visit.send(f"HTTP/1.1 {status} X\r\nContent-Length: {len(text)}\r\n\r\n".encode() + text)

    return behave


def events() -> list[Any]:
    """Five: a launch, a view, one that the collector refuses, one whose reply nobody knows, a hide."""
    return numbered(
        launch(), view(1), track(Call("c_bad"), 2), track(Call("c_odd"), 3), view(4), happening(Kind.HIDE, 5)
    )  # fmt: skip


def of_each(document: Any) -> tuple[int, object]:
    status = {"c_bad": "bad", "c_odd": "?"}
    return 200, {"result": {"items": [{"status": status.get(one["n"], "ok")} for one in document]}}


def send(folder: Path, adapter: Any, requests: list[Request], behaviour: Callable[[Visit], None]) -> None:
    """Send them as one visitor's, to a collector that behaves so."""
    placed = tuple(one.numbered(number) for number, one in enumerate(requests))
    with hostile(behaviour) as server:
        clock = steady_clock()
        ledger = LedgerWriter.open(folder / "ledger" / "w.attempts", "run")
        agenda = Agenda(Crowd(lambda _: {0: placed}, 1, range(1)), None, places=1)
        client = Client(server.url, Limits(connect=5, reply=20), now=clock)
        try:
            with gevent.Timeout(20):
                Course(agenda, client, adapter, ledger, Tally(), clock, lanes=1).run()
        finally:
            ledger.close()


def seen(folder: Path, requests: list[Request]) -> dict[str, tuple[int, int]]:
    """The copies of each event, by its name and number."""
    found: list[Sighting] = []
    with AttemptIndex(folder, "run") as index:
        attempts = {(0, number): several for number, several in index.attempts_of(0).items()}
        placed = [one.numbered(number) for number, one in enumerate(requests)]
        found = sightings_of(placed, attempts, Contract(dedupe="none"))
        gathered, sorted_out = Gatherer(), Attempts()
        gathered.take(index.rows_of(0), sorted_out)
        again = sightings_of(placed, sorted_out.others, Contract(dedupe="none"), sorted_out.acked)
    assert again == found
    return {f"{one.record.event} {one.record.number}": (one.low, one.high) for one in found}


def test_a_reply_may_say_of_each_event_whether_it_is_stored(tmp_path: Path) -> None:
    of = own("generic", **ANSWERS)
    requests = sent_by(of, events())

    send(tmp_path, of, requests, answering(of_each))

    (attempt,) = read_ledger(tmp_path, "run")
    assert attempt.outcome is Outcome.ACKED
    assert seen(tmp_path, requests) == {
        "launch 0": (1, 1),
        "view 1": (1, 1),
        "c_bad 2": (0, 0),
        "c_odd 3": (0, 1),
        "view 4": (1, 1),
    }


def test_a_single_event_in_a_batch_is_told_as_well(tmp_path: Path) -> None:
    of = own("generic", **ANSWERS)
    requests = sent_by(of, numbered(launch()))

    send(tmp_path, of, requests, answering(of_each))

    assert seen(tmp_path, requests) == {"launch 0": (1, 1)}


@pytest.mark.parametrize(
    ("reply", "copies"),
    [
        ((200, {"result": {"items": [{"status": "bad"}] * 5}}), (0, 0)),
        ((200, {"result": {"items": [{"status": "ok"}] * 4}}), (0, 1)),  # one is missing
        ((200, {"result": None}), (0, 1)),
        ((200, b"<html>"), (0, 1)),
        ((400, {"result": {"items": [{"status": "ok"}] * 5}}), (0, 0)),
        ((500, b""), (0, 1)),
    ],
    ids=["all refused", "one missing", "no list", "no json", "refused as a whole", "unknown as a whole"],
)
def test_a_reply_that_does_not_speak_of_each_is_of_all(
    tmp_path: Path, reply: tuple[int, object], copies: tuple[int, int]
) -> None:
    of = own("generic", **ANSWERS)
    requests = sent_by(of, events())

    send(tmp_path, of, requests, answering(lambda _: reply))

    assert set(seen(tmp_path, requests).values()) == {copies}


def test_a_batch_is_sent_again_as_a_whole_and_each_send_has_its_own_reply(tmp_path: Path) -> None:
    of = own("generic", **ANSWERS)
    twice = events()
    twice[0] = launch(delivery=Delivery(NOON, duplicates=1))
    requests = sent_by(of, numbered(*twice))

    send(tmp_path, of, requests, answering(of_each))

    assert seen(tmp_path, requests) == {
        "launch 0": (2, 2),
        "view 1": (2, 2),
        "c_bad 2": (0, 0),
        "c_odd 3": (0, 2),
        "view 4": (2, 2),
    }
    with AttemptIndex(tmp_path, "run") as index:
        assert [len(one.apart) for one in index.attempts_of(0)[0]] == [2, 2]


def test_matomo_names_the_invalid_hits(tmp_path: Path) -> None:
    of = own("matomo")
    requests = sent_by(of, numbered(launch(), view(1), view(2, "pages/b"), view(3, "pages/c"), happening(Kind.HIDE, 4)))

    def reply(document: Any) -> tuple[int, object]:
        wrong = [place for place, hit in enumerate(document["requests"]) if "action_name=pages%2Fb" in hit]
        tracked = len(document["requests"]) - len(wrong)
        return 200, {"status": "success", "tracked": tracked, "invalid": len(wrong), "invalid_indices": wrong}

    send(tmp_path, of, requests, answering(reply))

    assert seen(tmp_path, requests) == {"page view 1": (1, 1), "page view 2": (0, 0), "page view 3": (1, 1)}


def test_lines_on_single_events_are_no_attempts(tmp_path: Path) -> None:
    of = own("generic", **ANSWERS)
    requests = sent_by(of, events())

    send(tmp_path, of, requests, answering(of_each))

    with AttemptIndex(tmp_path, "run") as index:
        gathered = Gatherer()
        gathered.take(index.rows_of(0), Attempts())
    assert gathered.finish().summary == AttemptSummary(sent=1, acked=1)
