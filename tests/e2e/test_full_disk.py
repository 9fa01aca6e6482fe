"""A run on a disk that fills up: it ends as our own fault, with a result that says so; so does verify."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import pytest

from tests.e2e.commands import IMPATIENT, ROOT, SCENARIOS, Ran, collector, environment, mpsim, result_of


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


PACED = """\
scenario: paced
app: {name: 店, pages: [pages/a]}
visitors: {count: 200, identities: {applet-wechat: 100%}}
journeys: {look: {steps: [launch, exit]}}
load: {arrivals: [{rate: 20/s, for: 10s}], clock: {start: 2026-03-01T09:00:00+08:00}}
"""


def fill(disk: Path) -> None:
    """Take all the space that is left, also what a file gave back since the last time."""
    with (disk / "filler").open("ab", buffering=0) as file:
        for size in (1 << 20, 1 << 12, 1):
            with suppress(OSError):
                while file.write(bytes(size)) == size:
                    pass


def sending_since(folder: Path) -> float:
    """For how long the load says that it goes on; 0 while nothing was acked, or when it is over."""
    try:
        told = json.loads((folder / "progress.json").read_text())
    except (OSError, ValueError):
        return 0
    return float(told["elapsed"]) if told["phase"] == "load" and told["attempts"]["acked"] > 10 else 0


def check(ran: Ran, folder: Path, disk: Path, reason: str) -> None:
    result = result_of(folder)

    assert (ran.code, result["exit_code"], result["verdict"]) == (7, 7, "error"), ran
    assert ran.out.splitlines()[0].startswith("ERROR")
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
def test_without_room_for_the_ledger_nothing_is_sent(tmp_path: Path) -> None:
    with small_disk(tmp_path / "disk", "1m") as disk:
        ran = mpsim("run", SCENARIOS / "returning_visitors.yaml", "--speed", "flood", "--out", disk / "run", "-q")

        check(ran, disk / "run", disk, "the ledger")
        assert result_of(disk / "run")["attempts"]["sent"] == 0


@pytest.mark.slow
@pytest.mark.skipif(os.name == "nt" or os.geteuid() != 0, reason="mounting a file system needs root")
def test_a_disk_that_fills_up_while_a_run_is_sent_is_our_own_fault_and_no_verdict_on_the_collector(
    tmp_path: Path,
) -> None:
    (tmp_path / "paced.yaml").write_text(PACED, encoding="utf-8")
    with collector(tmp_path / "mpsim.db") as url, small_disk(tmp_path / "disk", "4m") as disk:
        folder = disk / "run"
        command = [sys.executable, "-m", "simulator", "run", str(tmp_path / "paced.yaml"), "--target", url]
        process = subprocess.Popen(
            [*command, "--out", str(folder), "-q", *map(str, IMPATIENT)],
            cwd=ROOT,
            env=environment(),
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        deadline, full_since = time.monotonic() + 120, 0.0
        while process.poll() is None:
            # While it could still write its progress some space had been given back.
            if sending_since(folder) > full_since:
                full_since = sending_since(folder)
                fill(disk)
            assert time.monotonic() < deadline
            time.sleep(0.02)
        out, err = process.communicate(timeout=120)

        check(Ran(process.returncode, out, err), folder, disk, "progress.json cannot be written")
        assert result_of(folder)["attempts"]["sent"] > 10
