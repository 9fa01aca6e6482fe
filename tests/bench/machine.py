"""What the benchmarks ran on: processor, cores, system, versions; and which core is whose.

A figure without its machine says nothing, so the table carries both. No host name and no path is told.
"""

from __future__ import annotations

import os
import platform
import re
import shutil
import subprocess
from dataclasses import asdict, dataclass
from importlib.metadata import version
from pathlib import Path
from typing import Any

from simulator import __version__

_LIBRARIES = ("locust", "gevent", "geventhttpclient")
_SECONDS = 20.0  # for a program to tell its version


@dataclass(frozen=True, slots=True)
class Machine:
    """The facts beside which figures can be compared."""

    processor: str
    cores: int  # that this process may use
    memory_mib: int
    system: str
    kernel: str
    versions: dict[str, str]  # of mpsim, Python, the libraries, and the programs measured beside it

    def as_json(self) -> dict[str, Any]:
        return asdict(self)

    def sentence(self) -> str:
        """One line for the table."""
        versions = ", ".join(f"{name} {number}" for name, number in self.versions.items())
        cores = "1 core" if self.cores == 1 else f"{self.cores} cores"
        memory = f"{self.memory_mib / 1024:.0f} GiB"
        return f"{self.processor}, {cores}, {memory}, {self.system}, Linux {self.kernel}; {versions}"


def this_machine() -> Machine:
    """The machine and the versions of everything that is measured here."""
    return Machine(
        processor=_processor(),
        cores=len(usable_cores()),
        memory_mib=_memory_mib(),
        system=_system(),
        kernel=platform.release(),
        versions={
            "mpsim": __version__,
            "Python": platform.python_version(),
            **{name: version(name) for name in _LIBRARIES},
            **_programs(),
        },
    )


def usable_cores() -> list[int]:
    """The cores that this process may use, ascending."""
    return sorted(os.sched_getaffinity(0))


@dataclass(frozen=True, slots=True)
class Cores:
    """Who runs where; None: nobody is pinned, because there is one core or no taskset."""

    sink: int | None
    generator: int | None


def pinned_cores() -> Cores:
    """The sink on the first core and the generator on the last, so that neither slows the other."""
    cores = usable_cores()
    if len(cores) < 2 or shutil.which("taskset") is None:
        return Cores(None, None)
    return Cores(cores[0], cores[-1])


def find_nginx() -> str | None:
    """The nginx program; distributions keep it where only root looks."""
    return shutil.which("nginx") or shutil.which("nginx", path="/usr/sbin:/usr/local/sbin:/sbin")


def _processor() -> str:
    found = re.search(r"^model name\s*:\s*(.+)$", Path("/proc/cpuinfo").read_text(encoding="utf-8"), re.MULTILINE)
    return found[1].strip() if found else platform.machine()


def _memory_mib() -> int:
    return os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") // (1 << 20)


def _system() -> str:
    try:
        return platform.freedesktop_os_release()["PRETTY_NAME"]
    except (OSError, KeyError):
        return platform.system()


def _programs() -> dict[str, str]:
    """The versions of nginx and the other generators, as far as they are installed."""
    nginx = find_nginx()
    asked = {
        "nginx": ([nginx, "-v"] if nginx else None, r"nginx/(\S+)"),
        "wrk": (["wrk", "-v"], r"wrk (?:debian/)?(\S+)"),
        "hey": (["hey"], r"hey.*?(\d+\.\d+\S*)"),
        "tsung": (["tsung", "-v"], r"version (\S+)"),
    }
    told: dict[str, str] = {}
    for name, (command, pattern) in asked.items():
        if command is None or shutil.which(command[0]) is None:
            continue
        ran = subprocess.run(command, capture_output=True, text=True, check=False, timeout=_SECONDS)
        found = re.search(pattern, ran.stdout + ran.stderr)
        told[name] = found[1] if found else "(tells no version)"
    return told
