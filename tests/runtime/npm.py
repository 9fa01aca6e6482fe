"""Published trackers, fetched when a test wants them and kept outside of the repository."""

from __future__ import annotations

import os
import shutil
import subprocess
import tarfile
import tempfile
from pathlib import Path

import pytest

_CACHE = Path(os.environ.get("XDG_CACHE_HOME", Path.home() / ".cache")) / "mpsim-tests" / "npm"


def package(name: str, version: str) -> Path:
    """The unpacked package; the test is skipped, with the reason, where npm is absent or cannot reach its registry."""
    npm = shutil.which("npm")
    folder = _CACHE / f"{name.replace('/', '-')}-{version}"
    if folder.is_dir():
        return folder
    if npm is None:
        pytest.skip(f"npm is not installed, so {name}@{version} is not tried")
    _CACHE.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=_CACHE) as work:
        packed = subprocess.run(
            [npm, "pack", "--silent", f"{name}@{version}"], cwd=work, capture_output=True, text=True, timeout=120, check=False
        )
        if packed.returncode:
            pytest.skip(f"npm does not get {name}@{version}: {packed.stderr.strip()[-300:]}")
        (archive,) = Path(work).glob("*.tgz")
        with tarfile.open(archive) as packed_files:
            packed_files.extractall(work, filter="data")
        try:
            (Path(work) / "package").rename(folder)
        except OSError:  # another test worker was first
            assert folder.is_dir()
    return folder
