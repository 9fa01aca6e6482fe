"""The command line and collectors as a user has them: real processes, free ports, temporary folders."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parent.parent.parent
SCENARIOS = ROOT / "scenarios"
IMPATIENT = ("--contract", Path(__file__).parent / "impatient.yaml")
FAULTY = Path(__file__).parent / "faulty_collector.py"
LIMITED = Path(__file__).parent / "limited_collector.py"


@dataclass(frozen=True, slots=True)
class Ran:
    """A command that ended."""

    code: int
    out: str
    err: str

    def __str__(self) -> str:
        return f"exit {self.code}\n{self.out}\n{self.err}"


def mpsim(*arguments: object, cwd: Path | None = None, seconds: float = 120) -> Ran:
    """Run one command line to its end."""
    ran = subprocess.run(
        [sys.executable, "-m", "simulator", *map(str, arguments)],
        cwd=cwd or ROOT,
        env=environment(),
        capture_output=True,
        text=True,
        timeout=seconds,
        check=False,
    )
    return Ran(ran.returncode, ran.stdout, ran.stderr)


def environment() -> dict[str, str]:
    """Ours, so that the package is found from any folder."""
    paths = [str(ROOT), *filter(None, [os.environ.get("PYTHONPATH")])]
    return {**os.environ, "PYTHONPATH": os.pathsep.join(paths), "COLUMNS": "100"}


def result_of(folder: Path) -> dict[str, Any]:
    """result.json of a run directory."""
    document: dict[str, Any] = json.loads((folder / "result.json").read_text(encoding="utf-8"))
    return document


@contextmanager
def collector(database: Path, *options: str, fault: str = "", capacity: int = 0) -> Iterator[str]:
    """A collector of its own, the honest one unless a fault, or a capacity in events per second, is set; its URL."""
    command = [sys.executable, str(FAULTY), fault] if fault else [sys.executable, "-m", "simulator.collector"]
    command = [sys.executable, str(LIMITED), str(capacity)] if capacity else command
    command += ["--db", str(database), "--port", "0", *options]
    process = subprocess.Popen(command, cwd=ROOT, env=environment(), stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    try:
        line = process.stdout.readline()
        assert line.startswith("listening on "), line
        yield line.removeprefix("listening on ").strip()
    finally:
        process.terminate()
        process.wait(30)
        process.stdout.close()
