"""How the processes of a load are called, and that none of them stays."""

from __future__ import annotations

import subprocess
import sys
from contextlib import ExitStack
from pathlib import Path

import pytest

from simulator.errors import UsageError
from simulator.runs import load_process
from simulator.runs.load_process import Crew, _Processes, command_of, split_address, worker_command

ADDRESSES = [
    ("10.0.0.1:6000", ("10.0.0.1", 6_000)),
    ("10.0.0.1", ("10.0.0.1", 5_557)),
    ("6000", ("0.0.0.0", 6_000)),
    ("master.example:5557", ("master.example", 5_557)),
]


@pytest.mark.parametrize(("text", "expected"), ADDRESSES)
def test_where_a_master_listens(text: str, expected: tuple[str, int]) -> None:
    assert split_address(text) == expected


@pytest.mark.parametrize("text", ["", ":5557", "10.0.0.1:", "10.0.0.1:x", "10.0.0.1:0", "70000", "a:70000"])
def test_an_address_that_is_none(text: str) -> None:
    with pytest.raises(UsageError, match=f"--listen {text}: expected an address and a port, such as 10.0.0.1:5557"):
        split_address(text)


def option(command: list[str], name: str) -> str:
    return command[command.index(name) + 1]


def test_one_worker_is_one_process_alone(tmp_path: Path) -> None:
    command = command_of(tmp_path)

    assert not {"--master", "--worker", "--expect-workers"} & set(command)
    assert option(command, "--run-dir") == str(tmp_path)


def test_workers_of_this_machine_meet_their_master_on_loopback_at_a_free_port(tmp_path: Path) -> None:
    command = command_of(tmp_path, crew=Crew(3))

    assert "--master" in command
    assert (option(command, "--master-bind-host"), option(command, "--master-bind-port")) == ("127.0.0.1", "0")
    assert (option(command, "--expect-workers"), option(command, "--expect-workers-max-wait")) == ("3", "60")
    assert option(worker_command(4_444), "--master-port") == "4444"


def test_workers_of_other_machines_are_awaited_where_they_are_told_to_come(tmp_path: Path) -> None:
    command = command_of(tmp_path, crew=Crew(1, "10.0.0.1:6000"))

    assert (option(command, "--master-bind-host"), option(command, "--master-bind-port")) == ("10.0.0.1", "6000")
    assert (option(command, "--expect-workers"), option(command, "--expect-workers-max-wait")) == ("1", "0")


def test_a_process_that_does_not_end_is_told_to_and_then_made_to(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(load_process, "_END_SECONDS", 0.2)
    deaf = "import signal, time; signal.signal(signal.SIGTERM, signal.SIG_IGN); print(1, flush=True); time.sleep(600)"
    with ExitStack() as ending:
        processes = _Processes(tmp_path, ending)
        stays = processes.start([sys.executable, "-c", deaf], "deaf.log")
        ends = processes.start([sys.executable, "-c", "pass"], "ends.log")
        while not (tmp_path / "deaf.log").read_bytes():
            with pytest.raises(subprocess.TimeoutExpired):
                stays.wait(0.05)
        processes.end_all()

    assert (stays.returncode, ends.returncode) == (-9, 0)
