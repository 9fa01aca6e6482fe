"""A run on a disk that fills up: it ends as our own fault, with a result that says so; so does verify."""

from __future__ import annotations

import json
import os
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.e2e.commands import SCENARIOS, mpsim, result_of


@contextmanager
def small_disk(folder: Path, size: str) -> Iterator[Path]:
    """A file system of so many bytes."""
    folder.mkdir()
    mounted = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", f"size={size}", "mpsim-test", folder], capture_output=True, check=False
    )
    if mounted.returncode:
        pytest.skip(f"no file system can be mounted here: {mounted.stderr.decode(errors='replace').strip()}")
    try:
        yield folder
    finally:
        subprocess.run(["umount", folder], check=True)


@pytest.mark.slow
@pytest.mark.skipif(os.name == "nt" or os.geteuid() != 0, reason="mounting a file system needs root")
@pytest.mark.parametrize(("size", "reason"), [("1m", "the ledger")], ids=["no room for the ledger"])
def test_a_full_disk_is_our_own_fault_and_no_verdict_on_the_collector(size: str, reason: str, tmp_path: Path) -> None:
    with small_disk(tmp_path / "disk", size) as disk:
        folder = disk / "run"
        ran = mpsim("run", SCENARIOS / "returning_visitors.yaml", "--speed", "flood", "--out", folder, "-q")

        result = result_of(folder)

        assert (ran.code, result["exit_code"], result["verdict"]) == (7, 7, "error"), ran
        assert ran.out.splitlines()[0].startswith("ERROR")
        assert ("own_fault", "error") in {(one["code"], one["verdict"]) for one in result["findings"]}
        (said,) = [one["text"] for one in result["findings"] if one["code"] == "own_fault"]
        assert reason in said
        assert "No space left on device" in said
        assert "Traceback" not in ran.err

        subprocess.run(["mount", "-o", "remount,size=64m", disk], check=True)  # somebody has made room
        again = mpsim("verify", folder)

        assert again.code == 7, again
        assert said in [one["text"] for one in result_of(folder)["findings"]]
        assert not [row for row in result_of(folder)["metrics"] if row["verdict"] == "fail"]
        assert json.loads((folder / "load.json").read_text())["exit_code"] == 7


@pytest.mark.slow
@pytest.mark.skipif(os.name == "nt" or os.geteuid() != 0, reason="mounting a file system needs root")
def test_a_disk_that_fills_while_the_run_goes_on_makes_no_wrong_verdict(tmp_path: Path) -> None:
    """Whether the load or its collector meets it first depends on the machine: a fault of ours, or incomplete."""
    with small_disk(tmp_path / "disk", "4m") as disk:
        folder = disk / "run"
        ran = mpsim("run", SCENARIOS / "returning_visitors.yaml", "--speed", "flood", "--out", folder, "-q")

        assert ran.code in (3, 7), ran
        assert "Traceback" not in ran.err
