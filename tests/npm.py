"""Published trackers, fetched when a test wants them and kept outside of the repository."""

from __future__ import annotations

import os
import shutil
import subprocess
import tempfile
from pathlib import Path

import pytest

_CACHE = Path(os.environ.get("XDG_CACHE_HOME", Path.home() / ".cache")) / "mpsim-tests" / "npm"


def package(name: str, version: str) -> Path:
    """The package's folder, without what it needs; the test is skipped, with the reason, where npm cannot get it."""
    return installed(name, version) / name


def installed(name: str, version: str) -> Path:
    """A node_modules folder with the package and all that it needs; skips as above."""
    folder = _CACHE / f"{name.replace('/', '-')}-{version}"
    modules = folder / "node_modules"
    if modules.is_dir():
        return modules
    npm = shutil.which("npm")
    if npm is None:
        pytest.skip(f"npm is not installed, so {name}@{version} is not tried")
    _CACHE.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=_CACHE) as work:
        command = [
            npm,
            "install",
            "--silent",
            "--ignore-scripts",
            "--no-audit",
            "--no-fund",
            "--no-save",
            f"{name}@{version}",
        ]
        (Path(work) / "new").mkdir()
        done = subprocess.run(command, cwd=Path(work) / "new", capture_output=True, text=True, timeout=200, check=False)
        if done.returncode:
            pytest.skip(f"npm does not get {name}@{version}: {done.stderr.strip()[-300:]}")
        try:
            (Path(work) / "new").rename(folder)
        except OSError:  # another test worker was first
            assert modules.is_dir()
    return modules
