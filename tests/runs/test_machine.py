"""What a process may use: a container's limits, in the files in which Linux tells them."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from simulator.runs.machine import cores, memory

MIB = 1 << 20
V2 = "0::/pod/box\n"
V1 = "4:memory:/pod\n3:cpu,cpuacct:/pod\n0::/\n"

CORES: list[tuple[str, dict[str, str], int]] = [
    ("no cgroup at all", {}, 8),
    ("no quota", {"proc/self/cgroup": V2, "sys/fs/cgroup/pod/box/cpu.max": "max 100000\n"}, 8),
    ("two cores", {"proc/self/cgroup": V2, "sys/fs/cgroup/pod/box/cpu.max": "200000 100000\n"}, 2),
    ("two and a half", {"proc/self/cgroup": V2, "sys/fs/cgroup/pod/box/cpu.max": "250000 100000\n"}, 2),
    ("half a core", {"proc/self/cgroup": V2, "sys/fs/cgroup/pod/box/cpu.max": "50000 100000\n"}, 1),
    ("more than there are", {"proc/self/cgroup": V2, "sys/fs/cgroup/pod/box/cpu.max": "6400000 100000\n"}, 8),
    ("a quota of the one around it", {"proc/self/cgroup": V2, "sys/fs/cgroup/pod/cpu.max": "300000 100000\n"}, 3),
    ("inside a container", {"proc/self/cgroup": "0::/\n", "sys/fs/cgroup/cpu.max": "400000 100000\n"}, 4),
    (
        "version 1",
        {
            "proc/self/cgroup": V1,
            "sys/fs/cgroup/cpu,cpuacct/pod/cpu.cfs_quota_us": "300000\n",
            "sys/fs/cgroup/cpu,cpuacct/pod/cpu.cfs_period_us": "100000\n",
        },
        3,
    ),
    (
        "version 1 without a quota",
        {
            "proc/self/cgroup": V1,
            "sys/fs/cgroup/cpu/cpu.cfs_quota_us": "-1\n",
            "sys/fs/cgroup/cpu/cpu.cfs_period_us": "100000\n",
        },
        8,
    ),
    ("nonsense", {"proc/self/cgroup": V2, "sys/fs/cgroup/pod/box/cpu.max": "a lot\n"}, 8),
]
MEMORY: list[tuple[str, dict[str, str], int | None]] = [
    ("no cgroup at all", {}, None),
    ("no limit", {"proc/self/cgroup": V2, "sys/fs/cgroup/pod/box/memory.max": "max\n"}, None),
    ("a limit", {"proc/self/cgroup": V2, "sys/fs/cgroup/pod/box/memory.max": f"{MIB}\n"}, MIB),
    (
        "the smaller of two",
        {
            "proc/self/cgroup": V2,
            "sys/fs/cgroup/pod/box/memory.max": f"{9 * MIB}\n",
            "sys/fs/cgroup/pod/memory.max": f"{MIB}\n",
        },
        MIB,
    ),
    ("version 1", {"proc/self/cgroup": V1, "sys/fs/cgroup/memory/pod/memory.limit_in_bytes": f"{MIB}\n"}, MIB),
]


def machine(root: Path, files: dict[str, str]) -> Path:
    for name, text in files.items():
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_text(text, encoding="ascii")
    return root


@pytest.mark.parametrize(("files", "found"), [row[1:] for row in CORES], ids=[row[0] for row in CORES])
def test_cores(tmp_path: Path, files: dict[str, str], found: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "sched_getaffinity", lambda _: set(range(8)), raising=False)

    assert cores(machine(tmp_path, files)) == found


def test_a_process_that_is_bound_to_a_core_has_no_other(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "sched_getaffinity", lambda _: {5}, raising=False)
    files = {"proc/self/cgroup": V2, "sys/fs/cgroup/pod/box/cpu.max": "400000 100000\n"}

    assert cores(machine(tmp_path, files)) == 1


@pytest.mark.parametrize(("files", "found"), [row[1:] for row in MEMORY], ids=[row[0] for row in MEMORY])
def test_memory(tmp_path: Path, files: dict[str, str], found: int | None) -> None:
    assert memory(machine(tmp_path, files)) == found
