"""Who may import whom, and that the pure parts stay free of Locust (DESIGN, layers)."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
PACKAGES = sorted(folder.name for folder in (ROOT / "simulator").iterdir() if (folder / "__init__.py").exists())


def test_the_import_contracts_hold() -> None:
    ran = subprocess.run(
        [sys.executable, "-c", "from importlinter.cli import lint_imports_command as c; c()", "--no-cache"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )

    assert ran.returncode == 0, ran.stdout + ran.stderr


@pytest.mark.parametrize("command", ["run", "plan", "verify", "check", "serve", "report"])
def test_a_command_does_not_import_locust(command: str) -> None:
    """Importing Locust replaces sockets in the whole process; only its own child process may."""
    code = f"import simulator.cli.{command}, sys; sys.exit('gevent' in sys.modules or 'locust' in sys.modules)"

    assert subprocess.run([sys.executable, "-c", code], cwd=ROOT, check=False).returncode == 0


@pytest.mark.parametrize("package", PACKAGES)
def test_every_package_says_what_lives_there_and_what_does_not(package: str) -> None:
    docstring = (ROOT / "simulator" / package / "__init__.py").read_text(encoding="utf-8")

    assert docstring.startswith('"""')
    assert any(word in docstring for word in ("Not here", "not here", "Never", "No ", "Nothing", "nothing"))
