"""The lease table on disk: what it says of whom, what is a hole and what is damage."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as some

from simulator.ledger.leases import Hole, LeaseLog, read_leases
from simulator.ledger.read import LedgerDamage, ledger_files

LEASES = Path("ledger") / "leases.jsonl"


def log_of(folder: Path, *, keeps: str = "elsewhere") -> LeaseLog:
    log = LeaseLog(folder, "run", 100)
    log.joined("worker-1", "here", "here", 1)
    log.joined("worker-2", "there", "here" if keeps == "here" else "elsewhere", 2)
    return log


def test_a_run_of_one_process_has_no_table(tmp_path: Path) -> None:
    assert read_leases(tmp_path).workers == ()
    assert read_leases(tmp_path).hole_of("load", 3) is None


def test_a_worker_whose_ledger_did_not_come_leaves_a_hole_where_it_had_leases(tmp_path: Path) -> None:
    log = log_of(tmp_path)
    log.leased("worker-1", "load", [(0, 10)], 10)
    log.leased("worker-2", "load", [(10, 20), (30, 40)], 11)
    log.leased("worker-2", "load", [(20, 30), (60, 70)], 12)
    log.leased("worker-2", "setup", [(0, 5)], 5)
    log.returned("worker-2", "load", [(64, 66), (68, 70)], 13)
    log.fate("worker-2", "lost", 14)
    log.close()
    leases = read_leases(tmp_path, "run")

    assert leases.holes == {
        "setup": (Hole(0, 5, 5, "worker-2"),),
        "load": (Hole(10, 40, 11, "worker-2"), Hole(60, 64, 12, "worker-2"), Hole(66, 68, 12, "worker-2")),
    }
    assert [leases.hole_of("load", k) is not None for k in (9, 10, 39, 40, 63, 64, 67, 68)] == [
        False, True, True, False, True, False, True, False,
    ]  # fmt: skip
    assert [(one.name, one.lost, one.is_whole) for one in leases.workers] == [
        ("worker-1", False, True),
        ("worker-2", True, False),
    ]


@pytest.mark.parametrize("whole", [True, False])
def test_the_whole_ledger_fills_the_hole_and_stands_for_the_part_that_came(tmp_path: Path, whole: bool) -> None:
    log = log_of(tmp_path)
    log.leased("worker-2", "load", [(10, 20)], 11)
    log.fate("worker-2", "lost", 14)
    log.close()
    (tmp_path / "ledger" / "worker-2.partial").write_bytes(b"")
    if whole:
        (tmp_path / "ledger" / "worker-2.attempts").write_bytes(b"")

    assert any(read_leases(tmp_path).holes.values()) is not whole
    assert [path.suffix for path in ledger_files(tmp_path)] == [".attempts" if whole else ".partial"]


def test_a_worker_that_wrote_here_leaves_no_hole_whatever_became_of_it(tmp_path: Path) -> None:
    log = log_of(tmp_path, keeps="here")
    log.leased("worker-2", "load", [(10, 20)], 11)
    log.fate("worker-2", "lost", 14)
    log.close()

    assert not any(read_leases(tmp_path).holes.values())


def test_the_worst_clock_of_a_worker_counts_and_its_last_line_holds(tmp_path: Path) -> None:
    log = log_of(tmp_path)
    log.clock("worker-1", 5, 7_000)
    log.clock("worker-2", 5, 90_000)
    log.clock("worker-2", 5, 8_000)
    log.close()

    assert read_leases(tmp_path).clock_bound_ns == 8_000


def test_one_that_was_found_again_is_not_lost(tmp_path: Path) -> None:
    log = log_of(tmp_path, keeps="here")
    log.fate("worker-2", "lost", 14)
    log.fate("worker-2", "found", 15)
    log.fate("worker-1", "left", 16)
    log.close()

    assert [(one.lost, one.left) for one in read_leases(tmp_path).workers] == [(False, True), (False, False)]


def test_a_line_that_was_cut_off_was_never_said(tmp_path: Path) -> None:
    """The master was killed while it wrote: what the line would have leased never left it."""
    log = log_of(tmp_path)
    log.leased("worker-2", "load", [(0, 10)], 11)
    log.leased("worker-2", "load", [(10, 20)], 12)
    log.close()
    path = tmp_path / LEASES
    path.write_bytes(path.read_bytes()[:-5])

    assert read_leases(tmp_path).holes["load"] == (Hole(0, 10, 11, "worker-2"),)


DAMAGE = [
    ("no JSON", b"leased\n", "no line of a lease table"),
    ("no object", b"[1]\n", "expected an object"),
    ("nobody", b'{"what":"lost","worker":"worker-9","at":1}\n', "worker-9"),
    ("no leases", b'{"what":"leased","worker":"worker-2","course":"load","visitors":[[1]],"at":1}\n', "unpack"),
    ("another run", b'{"what":"run","version":1,"run_id":"other","visitors":1}\n', "belongs to run other"),
    ("another version", b'{"what":"run","version":2,"run_id":"run","visitors":1}\n', "reads version 1"),
]


@pytest.mark.parametrize(("line", "text"), [d[1:] for d in DAMAGE], ids=[d[0] for d in DAMAGE])
def test_damage_is_told_with_its_place(tmp_path: Path, line: bytes, text: str) -> None:
    log_of(tmp_path).close()
    path = tmp_path / LEASES
    at = path.stat().st_size
    path.write_bytes(path.read_bytes() + line)

    with pytest.raises(LedgerDamage, match=rf"leases.jsonl: damaged at byte {at}: .*{text}"):
        read_leases(tmp_path, "run")


ranges = some.tuples(some.integers(0, 60), some.integers(1, 12)).map(lambda pair: (pair[0], pair[0] + pair[1]))


@settings(deadline=None)
@given(some.lists(some.tuples(some.booleans(), ranges), max_size=15))
def test_a_hole_is_what_was_leased_and_not_given_back(
    tmp_path_factory: pytest.TempPathFactory, lines: list[tuple[bool, tuple[int, int]]]
) -> None:
    folder = tmp_path_factory.mktemp("run")
    log = log_of(folder)
    held: set[int] = set()
    for is_leased, (first, stop) in lines:
        if is_leased and held.isdisjoint(range(first, stop)):
            log.leased("worker-2", "load", [(first, stop)], 1)
            held.update(range(first, stop))
        elif not is_leased:
            log.returned("worker-2", "load", [(first, stop)], 1)
            held.difference_update(range(first, stop))
    log.close()
    leases = read_leases(folder)

    assert {k for k in range(80) if leases.hole_of("load", k) is not None} == held
