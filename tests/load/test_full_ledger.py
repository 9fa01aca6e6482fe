"""The disk is full while requests are under way: what cannot be written down is not sent."""

from __future__ import annotations

from pathlib import Path

import pytest

from simulator.errors import EngineError
from simulator.ledger.read import read_ledger
from simulator.ledger.write import LedgerWriter
from simulator.load.agenda import Agenda
from simulator.load.client import Client, Limits
from simulator.load.clock import steady_clock
from simulator.load.course import Course
from simulator.load.crowd import Crowd
from simulator.load.tally import Tally
from simulator.times import Ms
from simulator.wire.outcome import classify
from simulator.wire.request import Answer, Outcome, Purpose, Request
from tests.load.hostile import OK, hostile, says

ROOM = 25  # attempts


class FullAfterSome(LedgerWriter):
    """A ledger on a disk with room for a few attempts."""

    def begin(self, visitor: int, request: int, attempt: int, purpose: Purpose, intended_ns: int, now_ns: int) -> int:
        if visitor * 2 + request >= ROOM:
            raise EngineError("the ledger cannot grow by 1572864 bytes: No space left on device")
        return super().begin(visitor, request, attempt, purpose, intended_ns, now_ns)


class Judge:
    def outcome(self, answer: Answer) -> Outcome:
        return classify(answer)


@pytest.mark.parametrize("lanes", [1, 4])
def test_what_cannot_be_written_down_is_not_sent(lanes: int, tmp_path: Path) -> None:
    planned = {
        k: tuple(Request(k, n, Purpose.EVENT, Ms(0), "GET", f"/?{k}.{n}", (), b"", ()) for n in range(2))
        for k in range(100)
    }
    with hostile(says(OK)) as server:
        ledger = FullAfterSome.open(tmp_path / "ledger" / "w.attempts", "run")
        clock = steady_clock()
        agenda = Agenda(Crowd(lambda _: planned, 100, range(100)), None, lanes)
        client = Client(server.url, Limits(5, 20), now=clock)
        tally = Tally()
        course = Course(agenda, client, Judge(), ledger, tally, clock, lanes=lanes)
        with pytest.raises(EngineError, match="No space left"):
            course.run()
        ledger.close()
        arrived = {request.split(b" ", 2)[1].decode() for request in server.arrived}

    attempts = list(read_ledger(tmp_path))
    written = {f"/?{one.visitor}.{one.request}" for one in attempts}
    assert arrived <= written
    assert 20 <= len(written) <= ROOM
    # What was answered stays answered: the end of a course writes over no outcome.
    assert sum(one.outcome is Outcome.ACKED for one in attempts) == tally.outcomes[Outcome.ACKED] > 0
