"""`python -m tests`: what CI runs — format, lint, types, layers, tests — and nothing that CI does not.

Arguments go to pytest: `python -m tests -k lifecycle -x`.
"""

from __future__ import annotations

import os
import subprocess
import sys
import time
from pathlib import Path

ROOT = Path(__file__).parent.parent

CHECKS = (
    ("format", ["-m", "ruff", "format", "--check", "--quiet", "."]),
    ("lint", ["-m", "ruff", "check", "--quiet", "."]),
    ("types", ["-m", "mypy"]),
    ("layers", ["-c", "import sys; from importlinter.cli import lint_imports_command as c; c()"]),
)


def main() -> int:
    """Run every check even when one fails, so that one look tells all; the exit code is the first failure's."""
    failed = 0
    for name, arguments in CHECKS:
        failed = _run(name, [sys.executable, *arguments]) or failed
    pytest = [sys.executable, "-m", "pytest", "-n", os.environ.get("MPSIM_TEST_WORKERS", "auto"), "--dist", "worksteal"]
    return _run("tests", [*pytest, *sys.argv[1:]]) or failed


def _run(name: str, command: list[str]) -> int:
    print(f"== {name}", flush=True)
    began = time.monotonic()
    code = subprocess.run(command, cwd=ROOT, check=False).returncode
    print(f"== {name}: {'ok' if code == 0 else f'FAILED ({code})'} in {time.monotonic() - began:.0f} s", flush=True)
    return code


if __name__ == "__main__":
    sys.exit(main())
