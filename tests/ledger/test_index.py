"""The index in small pieces, in any order, in another process; and attempts checked column by column."""

from __future__ import annotations

import os
import pickle
import random
import subprocess
import sys
import tracemalloc
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as some

from simulator.errors import EngineError
from simulator.ledger import index as making
from simulator.ledger import read
from simulator.ledger.index import AttemptIndex
from simulator.ledger.read import LedgerDamage, are_done, check, unpacked, visitors_of
from simulator.ledger.record import Attempt
from simulator.ledger.write import ATTEMPT, DONE, SLOT
from simulator.wire.request import Evidence, Outcome, Purpose
from tests.ledger.test_ledger_files import T, acked, new_ledger, open_attempt, write_attempt

SEQUENCES = some.lists(some.tuples(some.integers(0, 60), some.integers(0, 2), some.booleans()), max_size=80)


@pytest.fixture
def small_pieces(monkeypatch: pytest.MonkeyPatch) -> None:
    """So that a few attempts fill many runs, fences and stretches."""
    monkeypatch.setattr(making, "CHUNK_SLOTS", 8)
    monkeypatch.setattr(read, "CHUNK_SLOTS", 8)
    monkeypatch.setattr(making, "_FENCE", 3)
    monkeypatch.setattr(making, "_STRETCH_ATTEMPTS", 6)
    monkeypatch.setattr(making, "_FEW", 2)


@given(SEQUENCES)
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])  # the pieces stay small throughout
def test_any_order_gives_each_visitor_their_attempts(
    small_pieces: None, tmp_path_factory: pytest.TempPathFactory, sends: list[tuple[int, int, bool]]
) -> None:
    folder = tmp_path_factory.mktemp("run")
    ledger = new_ledger(folder)
    expected: dict[int, dict[int, list[Attempt]]] = {}
    for visitor, request, ended in sends:
        several = expected.setdefault(visitor, {}).setdefault(request, [])
        attempt = acked(visitor, request, len(several)) if ended else open_attempt(visitor, request)
        if several and not ended:
            continue
        several.append(attempt)
        write_attempt(ledger, attempt)
    ledger.close()

    with AttemptIndex(folder) as index:
        assert {visitor: index.attempts_of(visitor) for visitor in index.visitors()} == expected
        assert {visitor: index.attempts_of(visitor) for visitor in sorted(expected, reverse=True)} == expected
        assert index.attempts_of(61) == {}


def test_a_long_ledger_in_no_order_is_read_rightly(tmp_path: Path) -> None:
    visitors = list(range(40_000)) * 2
    random.Random(7).shuffle(visitors)
    ledger = new_ledger(tmp_path)
    seen: set[int] = set()
    for visitor in visitors:
        write_attempt(ledger, acked(visitor, int(visitor in seen)))
        seen.add(visitor)
    ledger.close()

    with AttemptIndex(tmp_path) as index:
        assert len(index) == 80_000
        for visitor in (0, 39_999, 4_095, 4_096, 20_000, 1):
            assert index.attempts_of(visitor) == {0: [acked(visitor)], 1: [acked(visitor, 1)]}
        assert index.attempts_of(40_000) == {}


def test_an_index_keeps_next_to_nothing_of_each_attempt_in_memory(tmp_path: Path) -> None:
    ledger = new_ledger(tmp_path)
    for number in range(60_000):
        write_attempt(ledger, acked(number // 10, number % 10))
    ledger.close()
    tracemalloc.start()
    try:
        with AttemptIndex(tmp_path) as index:
            kept, _ = tracemalloc.get_traced_memory()
            assert len(index) == 60_000
    finally:
        tracemalloc.stop()

    assert kept < 30_000  # bytes


READ_ELSEWHERE = """
import pickle, sys
from simulator.ledger.index import AttemptIndex
with AttemptIndex.of(pickle.load(sys.stdin.buffer)) as index:
    print([(visitor, len(index.attempts_of(visitor))) for visitor in index.visitors()])
"""


@pytest.mark.slow
def test_another_process_reads_through_the_same_index(tmp_path: Path) -> None:
    ledger = new_ledger(tmp_path)
    for visitor in (5_000, 3, 1_023):
        write_attempt(ledger, acked(visitor))
    ledger.close()
    with AttemptIndex(tmp_path) as index:
        ran = subprocess.run(
            [sys.executable, "-c", READ_ELSEWHERE],
            input=pickle.dumps(index.shared),
            pass_fds=[index.shared.descriptor],
            capture_output=True,
            check=True,
            timeout=60,
        )

    assert ran.stdout.decode().strip() == "[(3, 1), (1023, 1), (5000, 1)]"


@pytest.mark.parametrize("others", [0, 20], ids=["a few slots", "many slots"])
def test_damage_since_the_index_was_made_is_told(others: int, tmp_path: Path) -> None:
    ledger = new_ledger(tmp_path)
    for visitor in range(others + 1):
        write_attempt(ledger, acked(visitor))
    ledger.close()
    path = tmp_path / "ledger" / "w1.attempts"
    with AttemptIndex(tmp_path) as index:
        with path.open("r+b") as file:
            file.seek((2 + others) * SLOT + 30)
            file.write(b"\x09")
        with pytest.raises(LedgerDamage, match="no outcome: 9") as damage:
            index.attempts_of(others)

    assert damage.value.offset == (2 + others) * SLOT


def test_a_ledger_that_became_shorter_is_told(tmp_path: Path) -> None:
    ledger = new_ledger(tmp_path)
    write_attempt(ledger, acked(0))
    write_attempt(ledger, acked(1))
    ledger.close()
    with AttemptIndex(tmp_path) as index:
        os.truncate(tmp_path / "ledger" / "w1.attempts", 3 * SLOT)
        with pytest.raises(LedgerDamage, match="found the end of the file") as damage:
            index.attempts_of(1)

    assert damage.value.offset == 3 * SLOT


def test_no_room_for_the_index_is_a_clear_error(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    ledger = new_ledger(tmp_path)
    write_attempt(ledger, acked(0))
    ledger.close()

    def no_space(descriptor: int, data: object) -> int:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "write", no_space)
    with pytest.raises(EngineError, match=r"cannot be indexed: No space left on device in .*TMPDIR"):
        AttemptIndex(tmp_path)


# ---- columns ----

NUMBERS = some.tuples(
    some.sampled_from([0, 1, T]),  # intended
    some.sampled_from([0, T, T + 1]),  # began
    some.integers(0, 2**32 - 1),
    some.integers(0, 2**32 - 1),
    some.integers(0, 2**16 - 1),
    some.integers(0, 4),  # purpose
    some.sampled_from([DONE, DONE, DONE, 0, 1, 7]),  # state
    some.sampled_from([0, 200, 999, 1_000]),  # status
    some.integers(0, 4),  # outcome
    some.integers(0, 10),  # evidence
    some.sampled_from([0, T, T + 1]),  # sent
    some.sampled_from([T, T + 1]),  # done
)
RIGHT = (T, T, 5, 0, 0, 0, DONE, 200, 1, 1, T, T)


@given(some.lists(some.one_of(NUMBERS, some.just(RIGHT)), min_size=1, max_size=4))
def test_columns_are_right_where_every_slot_is(slots: list[tuple[int, ...]]) -> None:
    piece = b"".join(ATTEMPT.pack(*numbers) for numbers in slots)

    assert are_done(piece) == all(is_done(numbers) for numbers in slots)
    assert list(visitors_of(piece)) == [numbers[2] for numbers in slots]
    assert list(unpacked(piece)) == slots


def is_done(numbers: tuple[int, ...]) -> bool:
    try:
        check(Path(), 0, numbers)  # type: ignore[arg-type]
    except LedgerDamage:
        return False
    return numbers[6] == DONE


def test_a_line_on_one_event_belongs_to_its_attempt_and_one_that_was_cut_off_says_nothing(tmp_path: Path) -> None:
    ledger = new_ledger(tmp_path)
    first = ledger.begin(7, 2, 0, Purpose.EVENT, T, T + 5)
    ledger.tell((7, 2, 0), 1_500, T + 9, Outcome.REFUSED, 200)
    ledger.end(first, T + 6, T + 9, Outcome.ACKED, Evidence.REPLY, 200)
    second = ledger.begin(7, 2, 1, Purpose.EVENT, T, T + 10)
    ledger.begin(7, 2, 1, Purpose.RECORD, 1, T + 12)  # the writer dies here
    ledger.close()

    with AttemptIndex(tmp_path) as index:
        one, other = index.attempts_of(7)[2]

    assert second > first
    assert (one.outcome, one.apart) == (Outcome.ACKED, ((1_500, Outcome.REFUSED),))
    assert one.of_event(1_500).outcome is Outcome.REFUSED
    assert one.of_event(0) is one
    assert (other.outcome, other.apart) == (Outcome.UNKNOWN, ())
    assert [(attempt.attempt, attempt.apart) for attempt in read.read_ledger(tmp_path)] == [(0, ()), (1, ())]
