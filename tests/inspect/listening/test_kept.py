"""The ring of entries: bounded in number and bytes, in the order of the changes."""

from __future__ import annotations

from dataclasses import replace

from simulator.inspect.listening.entry import Answered, Entry, Kind, weight
from simulator.inspect.listening.kept import Kept
from simulator.times import Ms


def entry(number: int, body: int = 0) -> Entry:
    return Entry(number, Ms(number), Kind.UNKNOWN, "127.0.0.1", body=b"x" * body)


def test_the_oldest_make_room() -> None:
    kept = Kept(most_entries=3)
    for number in range(5):
        kept.put(entry(number))

    assert [one.number for one in kept.since(0, 9)] == [2, 3, 4]
    assert (kept.dropped, kept.get(1), kept.version) == (2, None, 5)


def test_bytes_are_bounded_too() -> None:
    kept = Kept(most_bytes=2 * weight(entry(0, 10_000)))
    for number in range(4):
        kept.put(entry(number, 10_000))

    assert [one.number for one in kept.since(0, 9)] == [2, 3]


def test_one_entry_is_kept_whatever_it_weighs() -> None:
    kept = Kept(most_bytes=10)
    kept.put(entry(0, 1_000))

    assert len(kept) == 1


def test_an_answer_takes_the_place_of_the_entry_and_is_a_change() -> None:
    kept = Kept()
    kept.put(entry(0))
    kept.put(entry(1))
    seen = kept.version
    answered = replace(entry(0), answered=Answered(200, "collector", 12))

    kept.put(answered)

    assert kept.since(seen, 9) == [answered]
    assert len(kept) == 2


def test_who_asks_for_less_gets_the_latest() -> None:
    kept = Kept()
    for number in range(9):
        kept.put(entry(number))

    assert [one.number for one in kept.since(0, 2)] == [7, 8]
