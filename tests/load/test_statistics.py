"""The tests that import Locust, in a process of their own: importing it replaces sockets and threads."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

CASES = Path(__file__).parent / "statistics_under_locust.py"


def test_what_locust_is_told() -> None:
    command = [sys.executable, "-m", "pytest", str(CASES), "-q", "-p", "no:cacheprovider", "-p", "no:xdist"]
    command += ["-W", "ignore:Monkey-patching ssl"]  # pytest has imported it before
    ran = subprocess.run(command, cwd=CASES.parent.parent.parent, capture_output=True, text=True, check=False)

    assert ran.returncode == 0, ran.stdout + ran.stderr
    assert " passed" in ran.stdout
