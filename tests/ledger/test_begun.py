"""Attempts that had begun by an instant, counted by a few slots."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from simulator.ledger.begun import begun_by
from simulator.ledger.manifest import LEDGER_FOLDER
from simulator.ledger.write import SUFFIX, LedgerWriter
from simulator.wire.request import Purpose


def write(folder: Path, worker: str, instants: list[int], *, closed: bool = True) -> LedgerWriter:
    ledger = LedgerWriter.open(folder / LEDGER_FOLDER / f"{worker}{SUFFIX}", "run")
    for at in instants:
        ledger.begin(0, 0, 0, Purpose.EVENT, at, at)
    if closed:
        ledger.close()
    return ledger


@given(
    st.lists(st.lists(st.integers(1, 40), max_size=30).map(sorted), max_size=3),
    st.lists(st.integers(0, 41), max_size=5),
)
def test_as_many_as_one_by_one(
    tmp_path_factory: pytest.TempPathFactory, workers: list[list[int]], instants: list[int]
) -> None:
    folder = tmp_path_factory.mktemp("ledger")
    for number, begun in enumerate(workers):
        write(folder, f"worker-{number}", begun)

    assert begun_by(folder, instants) == [sum(at <= one for own in workers for at in own) for one in instants]


def test_a_file_that_is_still_being_written_is_as_long_as_what_is_in_it(tmp_path: Path) -> None:
    ledger = write(tmp_path, "worker-1", [5, 6, 7], closed=False)

    assert begun_by(tmp_path, [4, 6, 1 << 62]) == [0, 2, 3]
    ledger.close()


def test_without_a_ledger_nothing_had_begun(tmp_path: Path) -> None:
    assert begun_by(tmp_path, [1]) == [0]
