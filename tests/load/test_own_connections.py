"""One connection a visitor, as phones have, or one a lane: counted by a real server."""

from __future__ import annotations

import threading
from fractions import Fraction
from pathlib import Path

import gevent
import pytest

from simulator.ledger.read import read_ledger
from simulator.load.agenda import Agenda, ClosedPace
from simulator.load.client import Client
from simulator.load.own_connections import OwnConnections
from simulator.wire.request import Evidence, Outcome
from tests.load.hostile import OK, Behaviour, Visit, hostile, says
from tests.load.test_course import Sender, _until, crowd, plan
from tests.load.test_locust import finished, own_face, scenario, sent


class Remembered:
    """Answers, and remembers whose requests came on each connection, and how many were open at once."""

    def __init__(self) -> None:
        self.visitors: list[list[str]] = []
        self.open = self.most = 0
        self._lock = threading.Lock()

    def behaviour(self, *, close_after: int = 0) -> Behaviour:
        def behave(visit: Visit) -> None:
            mine: list[str] = []
            with self._lock:
                self.visitors.append(mine)
                self.open += 1
                self.most = max(self.most, self.open)
            while request := visit.request():
                mine.append(request.split(b"v=")[1].split(b"&")[0].decode())
                visit.send(OK)
                if len(mine) == close_after:
                    break
            with self._lock:
                self.open -= 1

        return behave


def test_each_visitor_has_a_connection_of_its_own(tmp_path: Path) -> None:
    seen = Remembered()
    with hostile(seen.behaviour()) as server:
        agenda = Agenda(crowd(plan(30, 4)), None, places=3)
        attempts = Sender(tmp_path, server.url, agenda, 3, own_connections=True).run()

    assert len(attempts) == 120
    assert {a.outcome for a in attempts} == {Outcome.ACKED}
    assert sorted(seen.visitors, key=lambda own: int(own[0])) == [[str(visitor)] * 4 for visitor in range(30)]


def test_a_lane_has_one_for_all_its_visitors(tmp_path: Path) -> None:
    seen = Remembered()
    with hostile(seen.behaviour()) as server:
        attempts = Sender(tmp_path, server.url, Agenda(crowd(plan(30, 4)), None, places=3), 3).run()

    assert len(attempts) == 120
    assert 1 <= len(seen.visitors) <= 3


def test_a_visitor_who_thinks_keeps_the_connection_and_one_who_is_through_gives_it_back(tmp_path: Path) -> None:
    seen = Remembered()
    with hostile(seen.behaviour()) as server:
        agenda = Agenda(crowd(plan(12, 3, gap_ms=20)), ClosedPace(Fraction(1)), places=4)
        Sender(tmp_path, server.url, agenda, 1, own_connections=True).run()
        for _ in range(12):
            assert server.closed.acquire(timeout=10)

    assert len(seen.visitors) == 12
    assert all(len(own) == 3 for own in seen.visitors)
    # A thread of the server may notice the end of one connection after the beginning of the next.
    assert 2 <= seen.most <= 6


def test_a_connection_that_the_collector_closes_is_opened_again_and_nothing_is_sent_twice(tmp_path: Path) -> None:
    seen = Remembered()
    with hostile(seen.behaviour(close_after=2)) as server:
        agenda = Agenda(crowd(plan(6, 4, gap_ms=300)), ClosedPace(Fraction(1)), places=6)
        attempts = Sender(tmp_path, server.url, agenda, 2, own_connections=True).run()

        assert len(server.arrived) == len(attempts) == 24

    assert {a.outcome for a in attempts} == {Outcome.ACKED}
    assert sorted(map(tuple, seen.visitors)) == [(str(visitor),) * 2 for visitor in range(6) for _ in range(2)]


def test_a_stop_closes_the_connections_of_all_who_are_on_the_way(tmp_path: Path) -> None:
    def never(visit: Visit) -> None:
        visit.request()
        while visit.request():  # until the client hangs up
            pass

    with hostile(never) as server:
        sender = Sender(tmp_path, server.url, Agenda(crowd(plan(10)), None, places=3), 3, own_connections=True)
        running = gevent.spawn(sender.run)
        _until(lambda: len(server.arrived) == 3)
        sender.course.stop(grace=0.05)
        running.get(timeout=10)

        for _ in range(3):
            assert server.closed.acquire(timeout=10)

    assert {a.evidence for a in read_ledger(tmp_path)} == {Evidence.STOPPED}


@pytest.mark.parametrize("visitor", [0, 7])
def test_a_connection_is_made_at_the_first_asking_and_forgotten_at_the_end(visitor: int) -> None:
    with hostile(says(OK)) as server:
        own = OwnConnections(Client(server.url))
        connection = own.of(visitor)

        assert own.of(visitor) is connection
        own.leave(visitor)
        assert own.of(visitor) is not connection
        own.close()


@pytest.mark.slow
@pytest.mark.parametrize("who", ["visitor", "lane"])
def test_the_scenario_says_who_has_a_connection(who: str, tmp_path: Path) -> None:
    """The earlier visit of a visitor who was here before is a connection of its own, too: it is days older."""
    carried: list[int] = []

    def counts(visit: Visit) -> None:
        events = 0
        while request := visit.request():
            events += b"__utm" in request
            visit.send(OK)
        carried.append(events)

    scenario(tmp_path, more=f"connection: {who}")
    with hostile(counts) as server:
        done = finished(own_face(tmp_path, server.url, "--headless"), tmp_path)

    attempts = sent(tmp_path)
    visits = {(a.visitor, a.purpose) for a in attempts}
    assert done.returncode == 0, done.stderr
    assert sum(carried) == len(attempts)
    if who == "visitor":
        assert sum(events > 0 for events in carried) == len(visits)
    else:
        assert 1 <= sum(events > 0 for events in carried) < len(visits)
