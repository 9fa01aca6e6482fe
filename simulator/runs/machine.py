"""What this process may use of the machine: cores by affinity and cgroup quota, memory by cgroup limit.

A container sees all cores of its host and may use two of them: a process for each core would then only be throttled,
and take memory for nothing. Source: Linux, Documentation/admin-guide/cgroup-v2.rst (cpu.max, memory.max) and cgroup-v1
(cpu.cfs_quota_us and cpu.cfs_period_us, memory.limit_in_bytes). Elsewhere there are no such limits.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

_ROOT = Path("/")


def cores(root: Path = _ROOT) -> int:
    """How many cores this process may keep busy, at least 1.

    Args:
        root: where /proc and /sys are.
    """
    many = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    quotas = [quota for folder in _cgroups(root, "cpu") if (quota := _quota(folder)) is not None]
    return max(min([many, *map(int, quotas)]), 1)


def memory(root: Path = _ROOT) -> int | None:
    """How many bytes this process and its children may have together; None where nothing limits them.

    Args:
        root: where /proc and /sys are.
    """
    names = ("memory.max", "memory.limit_in_bytes")
    limits = [limit for folder in _cgroups(root, "memory") for name in names if (limit := _number(folder / name))]
    return min(limits, default=None)


def _cgroups(root: Path, controller: str) -> Iterator[Path]:
    """The folders of this process's cgroup and of those that it lies in, for one controller."""
    try:
        lines = (root / "proc/self/cgroup").read_text(encoding="utf-8").splitlines()
    except OSError:
        return
    mounted = root / "sys/fs/cgroup"
    for line in lines:
        _, _, rest = line.partition(":")
        controllers, _, path = rest.partition(":")
        if controllers and controller not in controllers.split(","):
            continue
        top = mounted / controllers if controllers else mounted
        if controllers and not top.exists():
            top = mounted / controller
        inner = [part for part in path.split("/") if part not in ("", "..")]
        for depth in range(len(inner), -1, -1):
            yield top.joinpath(*inner[:depth])


def _quota(folder: Path) -> float | None:
    """Of a cgroup in cores; None: it has none."""
    words = _words(folder / "cpu.max") or _words(folder / "cpu.cfs_quota_us") + _words(folder / "cpu.cfs_period_us")
    if len(words) != 2 or not all(word.isdecimal() for word in words) or not int(words[1]):
        return None  # max, or -1
    return int(words[0]) / int(words[1])


def _number(path: Path) -> int | None:
    words = _words(path)
    return int(words[0]) if len(words) == 1 and words[0].isdecimal() else None


def _words(path: Path) -> list[str]:
    try:
        return path.read_text(encoding="ascii").split()
    except (OSError, ValueError):
        return []
