"""A load process that is killed in the middle loses nothing of what it sent; `python -m tests.e2e.kill_many 50`."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.e2e.kill_many import kill_once


@pytest.mark.slow
@pytest.mark.parametrize("seed", [1, 2, 3])
def test_the_truth_is_in_every_interval_of_a_killed_run(seed: int, tmp_path: Path) -> None:
    killed = kill_once(tmp_path / "run", seed)

    assert killed.is_right, f"{killed}\n{killed.ran}"
