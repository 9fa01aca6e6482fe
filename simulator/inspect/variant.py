"""A mini program that is another one with a few changes: `variant.toml` in a folder of its own.

    base = "../shop"                # the other one's folder
    about = "…"
    [[replace]]                     # text that occurs once in a file of the base
    file = "app.js"
    old = "…"
    new = "…"

Other files of the folder take the place of the base's, or are added. So a sample that breaks one rule says no more
than how it breaks it; `mpsim inspect` takes such a folder like any other.
"""

from __future__ import annotations

import shutil
import tempfile
import tomllib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from simulator.errors import UsageError

FILE = "variant.toml"
_MOST_BYTES = 1 << 20


@contextmanager
def whole_program(folder: Path) -> Iterator[Path]:
    """The folder of a program; of a variant, a temporary one with everything in its place, gone afterwards.

    Raises:
        UsageError: a variant.toml that cannot be used.
    """
    if not (folder / FILE).is_file():
        yield folder
        return
    given = read_variant(folder)
    base = folder / str(given["base"])
    with tempfile.TemporaryDirectory(prefix="mpsim-variant-") as made:
        whole = Path(made) / folder.resolve().name
        try:
            shutil.copytree(base, whole, ignore=shutil.ignore_patterns("node_modules", ".git"), symlinks=True)
            for file in folder.rglob("*"):
                if file.is_file() and not file.is_symlink() and file != folder / FILE:
                    copy = whole / file.relative_to(folder)
                    copy.parent.mkdir(parents=True, exist_ok=True)
                    shutil.copyfile(file, copy)
            for change in given.get("replace", []):
                _replace(whole, change, folder / FILE)
        except OSError as failed:
            raise UsageError(f"{folder / FILE}: the base {base} cannot be copied: {failed}") from failed
        yield whole


def read_variant(folder: Path) -> dict[str, Any]:
    """What variant.toml says.

    Raises:
        UsageError: no TOML, or without the folder of a base.
    """
    file = folder / FILE
    try:
        with file.open("rb") as opened:
            given = tomllib.loads(opened.read(_MOST_BYTES).decode())
    except (OSError, ValueError) as bad:
        raise UsageError(f"{file} cannot be read: {bad}") from bad
    base = given.get("base")
    if not isinstance(base, str) or not (folder / base).is_dir():
        raise UsageError(f'{file}: base: expected the folder of a mini program, such as "../shop", not {base!r}')
    return given


def _replace(whole: Path, change: object, file: Path) -> None:
    if not isinstance(change, dict) or not all(isinstance(change.get(key), str) for key in ("file", "old", "new")):
        raise UsageError(f"{file}: replace: expected file, old and new")
    target = (whole / change["file"]).resolve()
    if not target.is_relative_to(whole.resolve()) or not target.is_file():
        raise UsageError(f"{file}: replace: the base has no file {change['file']}")
    text = target.read_text(encoding="utf-8")
    count = text.count(change["old"])
    if count != 1:
        raise UsageError(f"{file}: replace: {change['old']!r} occurs {count} times in {change['file']}, not once")
    target.write_text(text.replace(change["old"], change["new"]), encoding="utf-8")
