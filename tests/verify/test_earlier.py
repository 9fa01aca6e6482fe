"""Copies that were stored before the run are certain, and add up only where copies do."""

from __future__ import annotations

from dataclasses import replace

import pytest

from simulator.contract import Dedupe
from simulator.verify.earlier import with_earlier
from simulator.verify.listed import StoredIndex
from simulator.verify.readers.events import StoredEvent
from simulator.verify.sighting import Sighting
from tests.verify.histories import contract, view

P = (0, 1)  # a sighting that may be stored once


def stored(cursor: int, identifier: str) -> StoredEvent:
    return StoredEvent(cursor, identifier, "mini_program_view", None, "", (), "", "", "", None, "")


def seen(copies: tuple[int, int], identifier: str = "ns.0.0", bad: str = "") -> Sighting:
    one = view(0)
    return replace(one, record=replace(one.record, external_id=identifier, bad=bad), low=copies[0], high=copies[1])


CASES: list[tuple[str, Dedupe, tuple[int, int], int, tuple[int, int]]] = [
    # situation                            rule     of the run  before  together
    ("refused, and there already",         "by_id", (0, 0),     1,      (1, 1)),
    ("unknown, and there already",         "by_id", (0, 1),     1,      (1, 1)),
    ("acked, and there already",           "by_id", (1, 1),     1,      (1, 1)),
    ("twice there where one may be",       "by_id", (1, 1),     2,      (1, 1)),
    ("not there before",                   "by_id", (0, 1),     0,      (0, 1)),
    ("refused where each copy counts",     "none",  (0, 0),     1,      (1, 1)),
    ("acked where each copy counts",       "none",  (1, 2),     2,      (3, 4)),
    ("refused where nothing is promised",  "maybe", (0, 0),     1,      (1, 1)),
    ("acked where nothing is promised",    "maybe", (1, 2),     1,      (1, 3)),
]  # fmt: skip


@pytest.mark.parametrize(("rule", "own", "before", "together"), [c[1:] for c in CASES], ids=[c[0] for c in CASES])
def test_copies_of_before(rule: Dedupe, own: tuple[int, int], before: int, together: tuple[int, int]) -> None:
    index = StoredIndex("ns", own=False)
    index.before = 10
    for cursor in (*range(10 - before + 1, 11), 11, 12):  # those behind the tenth came with the run
        index.add_good(stored(cursor, "ns.0.0"))
    (found,) = with_earlier([seen(own)], index, replace(contract(), dedupe=rule))

    assert (found.low, found.high) == together


def test_a_malformed_event_stays_what_it_is() -> None:
    index = StoredIndex("ns", own=False)
    index.before = 10
    index.add_good(stored(1, "ns.0.0"))

    assert with_earlier([seen((0, 0), bad="no event")], index, contract()) == [seen((0, 0), bad="no event")]
