"""`python -m simulator.load …` is `locust -f …/locustfile.py …`, wherever the package is installed."""

from __future__ import annotations

import os
import sys
from pathlib import Path

LOCUSTFILE = Path(__file__).parent / "locustfile.py"

if __name__ == "__main__":
    command = [sys.executable, "-m", "locust", "-f", str(LOCUSTFILE), *sys.argv[1:]]
    sys.stdout.flush()
    os.execv(sys.executable, command)  # noqa: S606  in its place: what ends this process ends that one
