"""What .ci/run does before the tests: a component that is missing and cannot be installed ends it."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent


def ran(folder: Path, **environment: str) -> subprocess.CompletedProcess[str]:
    """The script where nothing can be installed, and `python3`, by which it goes on, says so and fails."""
    programs = folder / "bin"
    programs.mkdir()
    for name in ("bash", "dirname", "mktemp", "rm", "env"):
        found = shutil.which(name)
        assert found is not None
        (programs / name).symlink_to(found)
    for name, said in (("id", "echo 1000"), ("python3", "echo it goes on; exit 9")):
        (programs / name).write_text(f"#!/bin/sh\n{said}\n", encoding="ascii")
        (programs / name).chmod(0o755)
    # The script looks into /usr/sbin and Debian's folder too; here these are no folders of its copy.
    script = (ROOT / ".ci" / "run").read_text(encoding="utf-8")
    assert "/usr/sbin" in script
    (folder / ".ci").mkdir()
    copy = folder / ".ci" / "run"
    copy.write_text(script.replace("/usr/sbin", "/nowhere").replace("/usr/lib/postgresql", "/nowhere"), "utf-8")
    clean = {name: value for name, value in os.environ.items() if name != "MPSIM_CI_WITHOUT_COMPONENTS"}
    return subprocess.run(
        [str(programs / "bash"), str(copy)],
        env={**clean, "PATH": str(programs), "MPSIM_FIXTURES": "/nowhere", **environment},
        capture_output=True,
        text=True,
        timeout=30,
        check=False,
    )


def test_a_missing_component_fails_the_run(tmp_path: Path) -> None:
    found = ran(tmp_path)

    assert found.returncode == 1
    assert "nginx-light postgresql mariadb-server-core mariadb-client-core chromium npm not installed" in found.stderr
    assert "it goes on" not in found.stdout


@pytest.mark.parametrize(("said", "code"), [("1", 9), ("0", 1), ("", 1)])
def test_only_who_says_so_runs_without(said: str, code: int, tmp_path: Path) -> None:
    found = ran(tmp_path, MPSIM_CI_WITHOUT_COMPONENTS=said)

    assert found.returncode == code
    assert ("NOT tried in this run" in found.stdout) is (code == 9)
