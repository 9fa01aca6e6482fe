"""A course of sending on real sockets: lanes, the ledger's order, stopping with requests in flight, faults."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Mapping
from fractions import Fraction
from pathlib import Path

import gevent
import pytest

from simulator.errors import EngineError
from simulator.ledger.read import read_ledger
from simulator.ledger.record import Attempt
from simulator.ledger.write import LedgerWriter
from simulator.load.agenda import Agenda, ClosedPace, OpenPace
from simulator.load.client import Client, Limits
from simulator.load.clock import steady_clock
from simulator.load.course import Course
from simulator.load.crowd import Crowd
from simulator.load.tally import Tally
from simulator.times import Ms
from simulator.wire.outcome import classify
from simulator.wire.request import Answer, Evidence, Outcome, Purpose, Request
from tests.load.hostile import OK, Visit, hostile, says

LIMITS = Limits(connect=5, reply=20)


class Judge:
    def outcome(self, answer: Answer) -> Outcome:
        return classify(answer)


def plan(visitors: int, requests: int = 1, *, gap_ms: int = 0, target: str = "/") -> dict[int, tuple[Request, ...]]:
    return {
        k: tuple(
            Request(k, n, Purpose.EVENT, Ms(n * gap_ms), "GET", f"{target}?v={k}&n={n}", (), b"", ())
            for n in range(requests)
        )
        for k in range(visitors)
    }


def crowd(planned: Mapping[int, tuple[Request, ...]]) -> Crowd:
    return Crowd(lambda _: planned, len(planned), range(len(planned)))


class Sender:
    """A course with everything that it needs, in a folder."""

    def __init__(self, folder: Path, url: str, agenda: Agenda, lanes: int, *, own_connections: bool = False) -> None:
        self.folder = folder
        self.tally = Tally()
        self.ledger = LedgerWriter.open(folder / "ledger" / "w.attempts", "run")
        clock = steady_clock()
        self.client = Client(url, LIMITS, now=clock)
        self.course = Course(
            agenda,
            self.client,
            Judge(),
            self.ledger,
            self.tally,
            clock,
            lanes=lanes,
            own_connections=own_connections,
        )

    def run(self) -> list[Attempt]:
        """Run it to its end, not longer than a few seconds; what the ledger then holds."""
        try:
            with gevent.Timeout(20):
                self.course.run()
        finally:
            self.ledger.close()
        return list(read_ledger(self.folder))


@pytest.mark.parametrize("lanes", [1, 3, 50])
def test_everybody_is_sent_once_on_a_bounded_number_of_connections(tmp_path: Path, lanes: int) -> None:
    with hostile(says(OK)) as server:
        agenda = Agenda(crowd(plan(30, 4)), None, places=lanes)
        attempts = Sender(tmp_path, server.url, agenda, lanes).run()

        assert sorted((a.visitor, a.request, a.attempt) for a in attempts) == [
            (v, n, 0) for v in range(30) for n in range(4)
        ]
        assert {a.outcome for a in attempts} == {Outcome.ACKED}
        assert len(server.arrived) == 120
        assert server.connections <= lanes


def test_in_the_open_model_requests_leave_at_their_instants(tmp_path: Path) -> None:
    clock = steady_clock()
    with hostile(says(OK)) as server:
        start = clock() + 20_000_000
        pace = OpenPace(start, Ms(0), Fraction(1), lambda visitor: visitor * 5_000)
        planned = {
            k: tuple(Request(k, n, Purpose.EVENT, Ms(5 * k + 40 * n), "GET", "/", (), b"", ()) for n in range(3))
            for k in range(20)
        }
        attempts = Sender(tmp_path, server.url, Agenda(crowd(planned), pace), 10).run()

    assert sorted((a.visitor, a.request, a.intended_ns - start) for a in attempts) == [
        (k, n, (5 * k + 40 * n) * 1_000_000) for k in range(20) for n in range(3)
    ]
    assert all(a.intended_ns <= a.sent_ns <= a.done_ns for a in attempts)


def test_in_the_closed_model_a_thinking_visitor_holds_a_place_but_no_lane(tmp_path: Path) -> None:
    with hostile(says(OK)) as server:
        agenda = Agenda(crowd(plan(6, 2, gap_ms=50)), ClosedPace(Fraction(1)), places=3)
        attempts = Sender(tmp_path, server.url, agenda, lanes=1).run()

    planned = {(a.visitor, a.request): a.intended_ns for a in attempts}
    sent = {(a.visitor, a.request): a.sent_ns for a in attempts}
    assert len(attempts) == 12
    assert {planned[k, 1] - planned[k, 0] for k in range(6)} == {50_000_000}
    assert all(sent[key] >= planned[key] for key in planned)
    assert min(sent[k, 0] for k in (3, 4, 5)) > min(sent[k, 1] for k in (0, 1, 2))


def test_a_stop_lets_requests_in_flight_finish(tmp_path: Path) -> None:
    go_on = threading.Event()

    def waits(visit: Visit) -> None:
        while visit.request():
            go_on.wait(10)
            visit.send(OK)

    with hostile(waits) as server:
        sender = Sender(tmp_path, server.url, Agenda(crowd(plan(10, 3)), None, places=2), 2)
        running = gevent.spawn(sender.run)
        _until(lambda: len(server.arrived) == 2)
        sender.course.stop(grace=10)
        go_on.set()
        attempts = running.get(timeout=10)

        assert [(a.visitor, a.request, a.outcome) for a in attempts] == [
            (0, 0, Outcome.ACKED),
            (1, 0, Outcome.ACKED),
        ]
        assert len(server.arrived) == 2


def test_after_the_grace_what_is_in_flight_is_unknown_and_says_why(tmp_path: Path) -> None:
    def never(visit: Visit) -> None:
        visit.request()
        visit.stay()

    with hostile(never) as server:
        sender = Sender(tmp_path, server.url, Agenda(crowd(plan(10)), None, places=3), 3)
        running = gevent.spawn(sender.run)
        _until(lambda: len(server.arrived) == 3)
        sender.course.stop(grace=0.05)
        attempts = running.get(timeout=10)

    assert [(a.visitor, a.outcome, a.evidence) for a in attempts] == [
        (v, Outcome.UNKNOWN, Evidence.STOPPED) for v in range(3)
    ]


def test_a_killed_course_leaves_no_lane_behind(tmp_path: Path) -> None:
    def never(visit: Visit) -> None:
        visit.request()
        visit.stay()

    with hostile(never) as server:
        sender = Sender(tmp_path, server.url, Agenda(crowd(plan(10)), None, places=3), 3)
        running = gevent.spawn(sender.run)
        _until(lambda: len(server.arrived) == 3)
        running.kill(timeout=10)

    assert len(sender.course._lanes) == 0
    assert {a.evidence for a in read_ledger(tmp_path)} == {Evidence.STOPPED}


def test_a_request_that_cannot_be_written_ends_the_course_with_its_reason(tmp_path: Path) -> None:
    with hostile(says(OK)) as server:
        planned = plan(3) | {3: (Request(3, 0, Purpose.EVENT, Ms(0), "GET", "/a b", (), b"", ()),)}
        sender = Sender(tmp_path, server.url, Agenda(crowd(planned), None, places=1), 1)
        with pytest.raises(EngineError, match="visitor 3: no request line"):
            sender.run()

    assert [a.visitor for a in read_ledger(tmp_path)] == [0, 1, 2]


def test_what_is_in_flight_when_a_course_fails_is_still_answered(tmp_path: Path) -> None:
    failed = threading.Event()

    def waits(visit: Visit) -> None:
        while visit.request():
            failed.wait(10)
            visit.send(OK)

    with hostile(waits) as server:
        planned = plan(2, 2) | {2: (Request(2, 0, Purpose.EVENT, Ms(0), "GET", "/a b", (), b"", ()),)}
        sender = Sender(tmp_path, server.url, Agenda(crowd(planned), None, places=3), 3)
        running = gevent.spawn(sender.run)
        _until(lambda: sender.course._failure is not None and len(server.arrived) == 2)
        failed.set()
        with pytest.raises(EngineError, match="visitor 2: no request line"):
            running.get(timeout=10)

    assert [(a.visitor, a.request, a.outcome) for a in read_ledger(tmp_path)] == [
        (0, 0, Outcome.ACKED),
        (1, 0, Outcome.ACKED),
    ]


def test_lookups_are_compared_and_a_wrong_one_is_refused(tmp_path: Path) -> None:
    def lookup(visitor: int, expects: str) -> Request:
        return Request(visitor, 0, Purpose.LOOKUP, Ms(0), "GET", "/", (), b"", (), expects=expects)

    body = b'{"url": "here"}'
    with hostile(says(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n%s" % (len(body), body))) as server:
        planned = {0: (lookup(0, "here"),), 1: (lookup(1, "there"),)}
        sender = Sender(tmp_path, server.url, Agenda(crowd(planned), None, places=1), 1)
        attempts = sender.run()

    assert [(a.visitor, a.outcome, a.status) for a in attempts] == [(0, Outcome.ACKED, 200), (1, Outcome.REFUSED, 200)]
    assert [(one.visitor, one.why) for one in sender.tally.failed_lookups] == [(1, "another URL: here")]


def test_a_collector_that_refuses_everything_is_no_reason_to_stop(tmp_path: Path) -> None:
    with hostile(says(b"HTTP/1.1 503 S\r\nContent-Length: 0\r\nConnection: close\r\n\r\n")) as server:
        sender = Sender(tmp_path, server.url, Agenda(crowd(plan(20)), None, places=4), 4)

        assert {(a.outcome, a.status) for a in sender.run()} == {(Outcome.UNKNOWN, 503)}
        assert len(server.arrived) == sender.tally.sent == 20


def _until(condition: Callable[[], bool]) -> None:
    with gevent.Timeout(10):
        while not condition():
            gevent.sleep(0.001)


def _slow(seconds: float) -> Callable[[Visit], None]:
    def answers(visit: Visit) -> None:
        while visit.request():
            visit.server.over.wait(seconds)
            visit.send(OK)

    return answers


def _arriving(visitors: int, every_us: int, start_ns: int) -> Agenda:
    planned = {
        k: (Request(k, 0, Purpose.EVENT, Ms(k * every_us // 1_000), "GET", "/", (), b"", ()),) for k in range(visitors)
    }
    return Agenda(crowd(planned), OpenPace(start_ns, Ms(0), Fraction(1), lambda visitor: visitor * every_us))


def test_visitors_who_are_late_because_the_collector_holds_all_requests_are_told_from_others(tmp_path: Path) -> None:
    """100 a second are wanted; with 20 in flight and a reply after 0.5 s, 40 a second can be."""
    with hostile(_slow(0.5)) as server:
        sender = Sender(tmp_path, server.url, _arriving(160, 10_000, steady_clock()() + 20_000_000), lanes=20)
        sender.run()

    late = sender.tally.started - sender.tally.punctual
    assert sender.tally.started == 160
    assert late > 40
    assert sender.tally.held == late


def test_visitors_who_are_late_because_this_process_is_busy_are_not_the_collectors_fault(tmp_path: Path) -> None:
    """Every lane is taken here, too, but their replies lie there and wait for us."""
    with hostile(says(OK)) as server:
        sender = Sender(tmp_path, server.url, _arriving(200, 1_000, steady_clock()() + 20_000_000), lanes=5)

        def is_busy(*_: object) -> None:
            until = time.monotonic() + 0.01
            while time.monotonic() < until:
                pass

        sender.course._watch = is_busy
        sender.run()

    late = sender.tally.started - sender.tally.punctual
    assert sender.tally.started == 200
    assert late > 50
    assert sender.tally.held == 0


def test_who_became_due_while_this_process_was_busy_needs_no_connections_more(tmp_path: Path) -> None:
    """500 a second, and one pause of 0.3 s in which nobody is served: 150 are due then, and replies come at once."""
    with hostile(says(OK)) as server:
        sender = Sender(tmp_path, server.url, _arriving(400, 2_000, steady_clock()() + 20_000_000), lanes=400)
        seen: list[object] = []

        def stalls_once(*_: object) -> None:
            seen.append(None)
            if len(seen) == 100:
                until = time.monotonic() + 0.3
                while time.monotonic() < until:
                    pass

        sender.course._watch = stalls_once
        attempts = sender.run()

        assert len(attempts) == 400
        assert server.connections <= 40


def test_a_slow_collector_gets_as_many_requests_at_once_as_visitors_are_due(tmp_path: Path) -> None:
    """The same without a pause, and with replies after a second: 500 wait for one at once."""
    with hostile(_slow(1)) as server:
        sender = Sender(tmp_path, server.url, _arriving(300, 2_000, steady_clock()() + 20_000_000), lanes=400)
        attempts = sender.run()

        assert len(attempts) == 300
        assert server.connections == 300
        assert max(a.sent_ns - a.intended_ns for a in attempts) < 500_000_000
