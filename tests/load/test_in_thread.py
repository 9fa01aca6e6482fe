"""Work in a thread: what it comes to is as if it had been called, and nothing is printed."""

from __future__ import annotations

import threading

import pytest

from simulator.load.in_thread import in_thread


def test_it_is_done_in_another_thread_and_returns_what_it_comes_to() -> None:
    assert in_thread(max, 1, 2) == 2
    assert in_thread(threading.current_thread) is not threading.current_thread()


def test_an_error_is_raised_where_it_was_asked_for_and_gevent_prints_nothing(capfd: pytest.CaptureFixture[str]) -> None:
    def fails() -> None:
        raise OSError(28, "No space left on device")

    with pytest.raises(OSError, match="No space left on device"):
        in_thread(fails)
    assert capfd.readouterr().err == ""
