"""Three machines, one of them cut off in mid-run; `python -m tests.e2e.cut_off` is the same by hand."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.e2e.cut_off import Cut, cut_off
from tests.e2e.namespaces import why_not

REASON = why_not()


@pytest.mark.slow
@pytest.mark.skipif(bool(REASON), reason=REASON or "namespaces are there")
@pytest.mark.parametrize(
    "cut",
    [cut if cut is Cut.CABLE else pytest.param(cut, marks=pytest.mark.proof) for cut in Cut],
    ids=lambda cut: cut.name.lower(),
)
def test_a_worker_that_is_cut_off_makes_the_run_incomplete_and_no_total_wrong(tmp_path: Path, cut: Cut) -> None:
    found = cut_off(tmp_path, cut)

    assert found.wrongs == (), found
