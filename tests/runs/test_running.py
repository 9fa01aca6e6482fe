"""What a run leaves behind when its last files cannot be written."""

from __future__ import annotations

from pathlib import Path

import pytest

from simulator.errors import EngineError
from simulator.ledger.manifest import LOAD_FILE
from simulator.report.result import RESULT_FILE
from simulator.runs.load_report import note_own_fault, read_load_report
from simulator.runs.running import verify
from tests.runs.real_runs import FEW, bench


@pytest.mark.slow
def test_a_verdict_whose_files_cannot_be_written_is_said_all_the_same(tmp_path: Path) -> None:
    with bench(tmp_path) as made:
        opened = made.prepare("run", scenario=FEW)
        made.sender.send(opened.folder)
        (opened.folder / RESULT_FILE).mkdir()  # so that no file can take its place
        with pytest.raises(EngineError, match=r"came to pass; but its files cannot be written .*mpsim verify"):
            verify(opened.folder)


def test_a_load_that_died_without_a_word_has_its_end_written_for_it(tmp_path: Path) -> None:
    note_own_fault(tmp_path, "run", "the load ended with 1")

    report = read_load_report(tmp_path)
    assert report.own_fault == "the load ended with 1"
    assert not report.failed_self_check

    (tmp_path / LOAD_FILE).unlink()
    (tmp_path / LOAD_FILE).mkdir()
    with pytest.raises(EngineError, match=r"the load ended with 1; and .*load\.json cannot be written"):
        note_own_fault(tmp_path, "run", "the load ended with 1")
