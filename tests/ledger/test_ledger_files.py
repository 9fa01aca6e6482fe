"""The ledger on disk: round trip, torn and damaged files, two workers, a full disk."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as some

from simulator.errors import EngineError
from simulator.ledger import write
from simulator.ledger.index import AttemptIndex
from simulator.ledger.read import LedgerDamage, read_ledger
from simulator.ledger.record import Attempt
from simulator.ledger.write import CHUNK_SLOTS, SLOT, LedgerWriter
from simulator.wire.request import Evidence, Outcome, Purpose

T = 1_700_000_000_000_000_000  # an instant, in nanoseconds


def new_ledger(folder: Path, worker: str = "w1", run_id: str = "run") -> LedgerWriter:
    return LedgerWriter.open(folder / "ledger" / f"{worker}.attempts", run_id)


def write_attempt(ledger: LedgerWriter, attempt: Attempt) -> None:
    slot = ledger.begin(
        attempt.visitor,
        attempt.request,
        attempt.attempt,
        attempt.purpose,
        attempt.intended_ns,
        attempt.began_ns,
    )
    if attempt.evidence:
        ledger.end(slot, attempt.sent_ns, attempt.done_ns, attempt.outcome, attempt.evidence, attempt.status)


def acked(visitor: int, request: int = 0, attempt: int = 0) -> Attempt:
    return Attempt(visitor, request, attempt, Purpose.EVENT, T, T + 5, T + 9, Outcome.ACKED, Evidence.REPLY, 200, T + 5)


def open_attempt(visitor: int, request: int = 0) -> Attempt:
    return Attempt(visitor, request, 0, Purpose.EVENT, T, T + 5, 0, Outcome.UNKNOWN, Evidence.NONE, 0, T + 5)


@some.composite
def attempts(draw: some.DrawFn) -> Attempt:
    key = draw(some.tuples(some.integers(0, 40), some.integers(0, 5), some.integers(0, 3)))
    began = draw(some.integers(1, 2**62))
    intended = draw(some.integers(1, 2**62))
    purpose = draw(some.sampled_from([Purpose.EVENT, Purpose.SETUP, Purpose.LOOKUP]))
    if draw(some.booleans()):
        return Attempt(*key, purpose, intended, began, 0, Outcome.UNKNOWN, Evidence.NONE, 0, began)
    evidence = draw(some.sampled_from([e for e in Evidence if e]))
    sent = began + draw(some.integers(0, 10**10))
    done = sent + draw(some.integers(0, 10**12))
    outcome = draw(some.sampled_from(Outcome))
    return Attempt(*key, purpose, intended, sent, done, outcome, evidence, draw(some.integers(0, 599)), began)


@given(some.lists(attempts(), max_size=30), some.booleans())
def test_what_was_written_is_read_in_order(
    tmp_path_factory: pytest.TempPathFactory, made: list[Attempt], closed: bool
) -> None:
    """Also from a file that nobody closed, as after `kill -9` or in the middle of the run."""
    folder = tmp_path_factory.mktemp("run")
    ledger = new_ledger(folder)
    for attempt in made:
        write_attempt(ledger, attempt)
    if closed:
        ledger.close()

    assert list(read_ledger(folder, "run")) == made
    ledger.close()


@given(some.lists(some.tuples(some.booleans(), attempts()), max_size=40))
def test_the_index_gives_each_visitor_what_a_plain_grouping_gives(
    tmp_path_factory: pytest.TempPathFactory, made: list[tuple[bool, Attempt]]
) -> None:
    folder = tmp_path_factory.mktemp("run")
    workers = {False: new_ledger(folder, "w1"), True: new_ledger(folder, "w2")}
    for second, attempt in made:
        write_attempt(workers[second], attempt)
    expected: dict[int, dict[int, list[Attempt]]] = {}
    in_file_order = [a for second, a in made if not second] + [a for second, a in made if second]
    for attempt in sorted(in_file_order, key=lambda a: a.attempt):
        expected.setdefault(attempt.visitor, {}).setdefault(attempt.request, []).append(attempt)

    with AttemptIndex(folder) as index:
        assert {visitor: index.attempts_of(visitor) for visitor in index.visitors()} == expected
        assert len(index) == len(made)
        assert index.attempts_of(41) == {}
    for ledger in workers.values():
        ledger.close()


def test_an_index_of_a_range_leaves_out_everybody_else(tmp_path: Path) -> None:
    ledger = new_ledger(tmp_path)
    for visitor in (5_000, 3, 1_023, 1_024, 2_047):
        write_attempt(ledger, acked(visitor))
    ledger.close()

    with AttemptIndex(tmp_path, visitors=range(1_023, 2_047)) as index:
        assert list(index.visitors()) == [1_023, 1_024]


def test_an_attempt_that_ends_after_the_index_was_made_is_read_as_ended(tmp_path: Path) -> None:
    ledger = new_ledger(tmp_path)
    slot = ledger.begin(7, 0, 0, Purpose.EVENT, T, T + 5)
    with AttemptIndex(tmp_path) as index:
        ledger.end(slot, T + 5, T + 9, Outcome.ACKED, Evidence.REPLY, 200)
        ledger.close()

        assert index.attempts_of(7) == {0: [acked(7)]}


def test_two_workers_are_read_one_after_the_other_by_name(tmp_path: Path) -> None:
    second, first = new_ledger(tmp_path, "w2"), new_ledger(tmp_path, "w1")
    write_attempt(second, acked(2))
    write_attempt(first, acked(1))
    write_attempt(second, acked(4))
    first.close()

    assert [attempt.visitor for attempt in read_ledger(tmp_path)] == [1, 2, 4]
    second.close()


def test_a_ledger_grows_over_chunks_and_keeps_outcomes_that_come_late(tmp_path: Path) -> None:
    ledger = new_ledger(tmp_path)
    early = ledger.begin(0, 0, 0, Purpose.EVENT, T, T + 5)
    for visitor in range(1, 2 * CHUNK_SLOTS + 10):
        write_attempt(ledger, acked(visitor))
    mapped = len(ledger._chunks)
    ledger.end(early, T + 5, T + 9, Outcome.ACKED, Evidence.REPLY, 200)

    assert (mapped, len(ledger._chunks)) == (2, 1)  # the middle chunk has no open attempt
    ledger.close()
    assert [attempt.visitor for attempt in read_ledger(tmp_path)] == list(range(2 * CHUNK_SLOTS + 10))
    assert next(read_ledger(tmp_path)) == acked(0)


def test_closing_twice_is_closing_once_and_cuts_the_file(tmp_path: Path) -> None:
    ledger = new_ledger(tmp_path)
    write_attempt(ledger, acked(1))
    ledger.close()
    ledger.close()

    assert (tmp_path / "ledger" / "w1.attempts").stat().st_size == 3 * SLOT


def test_a_second_worker_never_writes_into_the_file_of_another(tmp_path: Path) -> None:
    ledger = new_ledger(tmp_path)
    with pytest.raises(EngineError, match=r"cannot create the ledger .*w1\.attempts: File exists"):
        new_ledger(tmp_path)
    ledger.close()


@pytest.mark.parametrize("left", range(3 * SLOT, 4 * SLOT), ids=lambda left: f"{left} bytes left")
def test_a_torn_tail_ends_the_file_before_it(tmp_path: Path, left: int) -> None:
    ledger = new_ledger(tmp_path)
    write_attempt(ledger, acked(1))
    write_attempt(ledger, acked(2))
    ledger.close()
    os.truncate(tmp_path / "ledger" / "w1.attempts", left)

    assert list(read_ledger(tmp_path)) == [acked(1)]


@pytest.mark.parametrize("left", [0, 1, 95, 96], ids=lambda left: f"{left} bytes left")
def test_a_file_without_a_whole_header_holds_nothing(tmp_path: Path, left: int) -> None:
    new_ledger(tmp_path).close()
    os.truncate(tmp_path / "ledger" / "w1.attempts", left)

    assert list(read_ledger(tmp_path)) == []


def test_an_intent_cut_between_two_bytes_was_never_sent_and_is_not_read(tmp_path: Path) -> None:
    ledger = new_ledger(tmp_path)
    write_attempt(ledger, acked(1))
    ledger._window[3 * SLOT : 3 * SLOT + 20] = b"\x01" * 20

    assert list(read_ledger(tmp_path)) == [acked(1)]
    ledger.close()


def test_an_outcome_cut_between_two_bytes_is_an_open_attempt(tmp_path: Path) -> None:
    ledger = new_ledger(tmp_path)
    write_attempt(ledger, open_attempt(1))
    ledger._window[2 * SLOT + 28 : 2 * SLOT + 40] = b"\x01" * 12

    assert list(read_ledger(tmp_path)) == [open_attempt(1)]
    ledger.close()


DAMAGE = [
    ("another magic", 0, b"X", 0, "this is no ledger"),
    ("another version", 8, b"\x02", 8, "version 2; this mpsim reads version 1"),
    ("another slot size", 10, b"\x20", 10, "slots of 48 bytes"),
    ("another run", 16, b"x", 16, "it belongs to run xun, and this is run run"),
    ("a state that does not exist", 96 + 27, b"\x07", 96, "a slot of state 7"),
    ("a purpose that does not exist", 96 + 26, b"\x09", 96, "no intent: purpose 9"),
    ("an outcome that does not exist", 96 + 30, b"\x00", 96, "no outcome: 0"),
    ("an evidence that does not exist", 96 + 31, b"\x63", 96, "evidence 99"),
    ("a status that does not exist", 96 + 28, b"\xff\xff", 96, "status 65535"),
    ("done before sent", 96 + 40, b"\x01" + bytes(7), 96, "out of order"),
    ("zeros in the middle", 96, bytes(48), 96, "a slot of state 0"),
]


@pytest.mark.parametrize(("at", "put", "byte", "text"), [d[1:] for d in DAMAGE], ids=[d[0] for d in DAMAGE])
def test_damage_names_the_file_and_the_byte(tmp_path: Path, at: int, put: bytes, byte: int, text: str) -> None:
    ledger = new_ledger(tmp_path)
    write_attempt(ledger, acked(1))
    write_attempt(ledger, acked(2))
    ledger.close()
    path = tmp_path / "ledger" / "w1.attempts"
    with path.open("r+b") as file:
        file.seek(at)
        file.write(put)

    with pytest.raises(LedgerDamage, match=text) as damage:
        list(read_ledger(tmp_path, "run"))
    assert (damage.value.path, damage.value.offset) == (path, byte)
    assert str(damage.value).startswith(f"{path}: damaged at byte {byte}: ")


def test_a_full_disk_is_a_clear_error_and_keeps_what_was_recorded(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    ledger = new_ledger(tmp_path)
    for visitor in range(CHUNK_SLOTS - 2):
        write_attempt(ledger, acked(visitor))

    def no_space(descriptor: int, offset: int, size: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(write, "allocate", no_space)
    with pytest.raises(EngineError, match=r"No space left on device; free some space.*is kept"):
        ledger.begin(0, 0, 0, Purpose.EVENT, T, T)
    ledger.close()
    assert sum(1 for _ in read_ledger(tmp_path)) == CHUNK_SLOTS - 2


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs a device that is always full")
def test_a_device_that_is_full_refuses_the_chunk() -> None:
    descriptor = os.open("/dev/full", os.O_RDWR)
    with pytest.raises(OSError, match=r".+"):
        write.allocate(descriptor, 0, 4096)
    os.close(descriptor)


def test_allocating_writes_zeros_where_the_system_has_no_call_for_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delattr(os, "posix_fallocate", raising=False)
    path = tmp_path / "file"
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT)
    write.allocate(descriptor, 10, 100_000)
    os.close(descriptor)

    assert path.read_bytes() == bytes(100_010)


KILLED = """
import os, signal, sys
from pathlib import Path
from simulator.ledger.write import LedgerWriter
from simulator.wire.request import Evidence, Outcome, Purpose

ledger = LedgerWriter.open(Path(sys.argv[1]) / "ledger" / "w1.attempts", "run")
T = 1_700_000_000_000_000_000
for visitor in range(50_000):
    slot = ledger.begin(visitor, 0, 0, Purpose.EVENT, T, T + 5)
    if visitor % 2 == 0:
        ledger.end(slot, T + 5, T + 9, Outcome.ACKED, Evidence.REPLY, 200)
os.kill(os.getpid(), signal.SIGKILL)
"""


@pytest.mark.slow
def test_a_killed_process_loses_nothing(tmp_path: Path) -> None:
    killed = subprocess.run([sys.executable, "-c", KILLED, str(tmp_path)], check=False, timeout=60)

    assert killed.returncode == -signal.SIGKILL
    expected = [acked(v) if v % 2 == 0 else open_attempt(v) for v in range(50_000)]
    assert list(read_ledger(tmp_path, "run")) == expected
