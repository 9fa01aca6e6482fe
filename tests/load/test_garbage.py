"""Python looks for garbage a little at a time while a run is sent, and what a run makes does not need it."""

from __future__ import annotations

import gc
import weakref
from collections.abc import Iterator
from fractions import Fraction
from pathlib import Path

import gevent
import pytest

from simulator.load.agenda import Agenda, ClosedPace
from simulator.load.garbage import Garbage
from tests.load.hostile import OK, Behaviour, Visit, hostile, says
from tests.load.test_course import Sender, crowd, plan

CLOSES = says(b"HTTP/1.1 500 E\r\nContent-Length: 0\r\nConnection: close\r\n\r\n")


def half(visit: Visit) -> None:
    visit.request()
    visit.send(b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nok")
    visit.wire.close()


def tells_apart(visit: Visit) -> None:
    while visit.request():
        body = str(len(visit.server.arrived)).encode().zfill(9)
        visit.send(b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\n" + body)


class Knot:
    """Garbage that only a search for cycles finds."""

    def __init__(self) -> None:
        self.itself = self


@pytest.fixture
def garbage() -> Iterator[Garbage]:
    garbage = Garbage()
    garbage.begin()
    yield garbage
    garbage.end()


@pytest.mark.usefixtures("garbage")
def test_python_does_not_look_when_it_would_and_young_garbage_goes_all_the_same() -> None:
    knot = weakref.ref(Knot())

    assert not gc.isenabled()
    with gevent.Timeout(10):
        while knot() is not None:
            gevent.sleep(0.01)


def test_in_the_end_it_is_left_to_python_again(garbage: Garbage) -> None:
    assert gc.get_freeze_count() > 0

    garbage.end()
    garbage.end()

    assert gc.isenabled()
    assert gc.get_freeze_count() == 0


@pytest.mark.parametrize("own", [False, True], ids=["a connection a lane", "a connection a visitor"])
@pytest.mark.parametrize(
    "collector",
    [says(OK), CLOSES, says(b"rubbish"), half, tells_apart],
    ids=["acks", "closes", "rubbish", "half", "never twice the same"],
)
def test_what_is_sent_leaves_no_cycles(tmp_path: Path, collector: Behaviour, own: bool) -> None:
    def left_by(visitors: int) -> int:
        with hostile(collector) as server:
            agenda = Agenda(crowd(plan(visitors, 2)), ClosedPace(Fraction(1)), places=4)
            gc.collect()
            gc.disable()
            try:
                assert len(Sender(tmp_path / str(visitors), server.url, agenda, 4, own_connections=own).run())
                return gc.collect()
            finally:
                gc.enable()

    few, many = left_by(10), left_by(110)

    assert many - few < 100  # not one object for each visitor more
