"""A ledger on its way home: each byte once, only what is final, and nothing that is none of this run."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as some

from simulator.ledger.read import is_locked, ledger_files, read_ledger
from simulator.ledger.write import SLOT, LedgerWriter
from simulator.load.messages import BadMessage
from simulator.load.shipping import Inbox, Outbox
from simulator.wire.request import Evidence, Outcome, Purpose

T = 1_700_000_000_000_000_000


def begin(ledger: LedgerWriter, visitor: int) -> int:
    return ledger.begin(visitor, 0, 0, Purpose.EVENT, T, T)


def end(ledger: LedgerWriter, slot: int) -> None:
    ledger.end(slot, T, T + 1, Outcome.ACKED, Evidence.REPLY, 200)


def ledger_at(folder: Path) -> LedgerWriter:
    return LedgerWriter.open(folder / "there" / "w.attempts", "run")


def home(folder: Path, run_id: str = "run") -> Inbox:
    (folder / "run" / "ledger").mkdir(parents=True, exist_ok=True)
    return Inbox(folder / "run" / "ledger", "w", run_id)


def test_only_what_has_its_outcome_goes_and_the_rest_in_the_end(tmp_path: Path) -> None:
    ledger = ledger_at(tmp_path)
    outbox, inbox = Outbox(tmp_path / "there" / "w.attempts"), home(tmp_path)
    slots = [begin(ledger, visitor) for visitor in range(4)]
    end(ledger, slots[0])
    end(ledger, slots[2])
    first = outbox.part(0, ledger.slots, closed=False)
    inbox.take(0, first)
    again = outbox.part(inbox.have, ledger.slots, closed=False)
    end(ledger, slots[1])
    inbox.take(inbox.have, outbox.part(inbox.have, ledger.slots, closed=False))
    known = [(one.visitor, one.evidence) for one in read_ledger(tmp_path / "run")]
    ledger.close()
    inbox.take(inbox.have, outbox.part(inbox.have, ledger.slots, closed=True))
    inbox.finish(inbox.sync())
    inbox.close()

    assert (len(first), again) == (3 * SLOT, b"")  # the header and one attempt
    assert known == [(0, Evidence.REPLY), (1, Evidence.REPLY), (2, Evidence.REPLY)]
    assert [(one.visitor, one.evidence) for one in read_ledger(tmp_path / "run", "run")][3:] == [(3, Evidence.NONE)]
    (came,) = ledger_files(tmp_path / "run")
    assert came.read_bytes() == (tmp_path / "there" / "w.attempts").read_bytes()


def test_a_part_that_comes_twice_or_too_early_is_passed_over(tmp_path: Path) -> None:
    ledger = ledger_at(tmp_path)
    end(ledger, begin(ledger, 1))
    part = Outbox(tmp_path / "there" / "w.attempts").part(0, ledger.slots, closed=False)
    inbox = home(tmp_path)
    for offset in (SLOT, 0, 0, 5 * SLOT):
        inbox.take(offset, part)

    assert inbox.have == len(part)
    assert [one.visitor for one in read_ledger(tmp_path / "run")] == [1]


def test_what_is_arriving_is_locked_until_nothing_comes_any_more(tmp_path: Path) -> None:
    inbox = home(tmp_path)
    (path,) = ledger_files(tmp_path / "run")
    locked = is_locked(path)
    inbox.close()

    assert (locked, is_locked(path), path.name) == (True, False, "w.partial")


NO_LEDGERS = [
    ("no whole slots", b"x" * (SLOT + 1), "whole slots, not 49 bytes"),
    ("no header", bytes(4 * SLOT), "no ledger of this run"),
    ("half a header", b"mpsimled" + bytes(SLOT - 8), "no ledger of this run"),
]


@pytest.mark.parametrize(("part", "text"), [n[1:] for n in NO_LEDGERS], ids=[n[0] for n in NO_LEDGERS])
def test_what_is_no_ledger_is_not_taken(tmp_path: Path, part: bytes, text: str) -> None:
    inbox = home(tmp_path)

    with pytest.raises(BadMessage, match=text):
        inbox.take(0, part)
    assert inbox.have == 0


def test_the_ledger_of_another_run_is_not_taken(tmp_path: Path) -> None:
    ledger = ledger_at(tmp_path)
    part = Outbox(tmp_path / "there" / "w.attempts").part(0, ledger.slots, closed=False)

    with pytest.raises(BadMessage, match="no ledger of this run"):
        home(tmp_path, "another").take(0, part)


@settings(deadline=None)
@given(some.lists(some.tuples(some.booleans(), some.booleans()), max_size=40), some.integers(2, 5))
def test_what_has_come_is_always_a_beginning_of_the_ledger_with_every_outcome(
    tmp_path_factory: pytest.TempPathFactory, steps: list[tuple[bool, bool]], chunk: int
) -> None:
    """Attempts begin and end in any order, and a part goes now and then, whatever its size."""
    folder = tmp_path_factory.mktemp("run")
    ledger = ledger_at(folder)
    outbox, inbox = Outbox(folder / "there" / "w.attempts"), home(folder)
    limited = pytest.MonkeyPatch()
    limited.setattr("simulator.load.shipping.CHUNK", chunk * SLOT)
    try:
        running: list[int] = []
        for number, (is_begin, ships) in enumerate(steps):
            if is_begin or not running:
                running.append(begin(ledger, number))
            else:
                end(ledger, running.pop(number % len(running)))
            if ships:
                inbox.take(inbox.have, outbox.part(inbox.have, ledger.slots, closed=False))
            came = list(read_ledger(folder / "run"))
            assert all(one.evidence is Evidence.REPLY for one in came)
        ledger.close()
        while part := outbox.part(inbox.have, ledger.slots, closed=True):
            inbox.take(inbox.have, part)
        inbox.finish(inbox.sync())
    finally:
        limited.undo()
        outbox.close()
        inbox.close()

    assert ledger_files(folder / "run")[0].read_bytes() == (folder / "there" / "w.attempts").read_bytes()
