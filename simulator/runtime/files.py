"""The files of a mini program's folder, read within bounds: what cannot be used is a `Problem`.

Nothing outside of the folder is read. What the files mean is program.py.
"""

from __future__ import annotations

import json
import os
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path
from typing import Any

from simulator.events import Json
from simulator.immutable import immutable
from simulator.runtime.trace import Place

BACKEND = "mpsim.answers.json"  # beside app.json: not of the program, see backend.py
_PACKAGES = ("miniprogram_npm", "node_modules")
_SKIPPED = frozenset({".git", ".svn", ".idea", ".vscode", "__pycache__", *_PACKAGES})
_REQUIRED = re.compile(r"""(?:\brequire\s*\(\s*|\bfrom\s*|\bimport\s*\(?\s*)(['"])([^'"\n]{1,300})\1""")


class Trouble(StrEnum):
    """What kind of thing is wrong with a program's files."""

    NO_APP = "no_app"  # no app.js
    BAD_JSON = "bad_json"  # app.json, project.config.json or a page's .json cannot be read
    NO_PAGES = "no_pages"  # app.json names none
    MISSING_PAGE = "missing_page"  # app.json names it, and there is no .js of it
    MISSING_COMPONENT = "missing_component"  # usingComponents names it, and there is no .js of it
    SYNTAX = "syntax"  # JavaScript that V8 does not take
    TOO_LARGE = "too_large"  # a file, or all of them together
    UNREADABLE = "unreadable"  # no UTF-8, or no permission


@immutable(frozen=True, slots=True)
class Problem:
    """One thing wrong with the files."""

    trouble: Trouble
    text: str  # what is wrong and what was expected, one sentence
    place: Place


@immutable(frozen=True, slots=True)
class Reading:
    """What a caller may say about a program, and the bounds of reading it."""

    appid: str = ""  # instead of project.config.json's
    name: str = ""
    most_files: int = 4_000
    most_file_bytes: int = 2_000_000  # of one file; WeChat allows 2 MB a package
    most_bytes: int = 30_000_000  # of all together; WeChat allows 30 MB with subpackages


@dataclass(slots=True)
class ProgramFiles:
    """The folder, read within bounds."""

    root: Path
    reading: Reading
    problems: list[Problem] = field(default_factory=list)
    sources: dict[str, str] = field(default_factory=dict)  # by file
    json_files: dict[str, Any] = field(default_factory=dict)
    _texts: dict[str, str] = field(default_factory=dict)
    _bytes: int = 0

    def trouble(self, trouble: Trouble, text: str, file: str, line: int = 0, column: int = 0) -> None:
        self.problems.append(Problem(trouble, text, Place(file, line, column)))

    def path(self, file: str) -> Path | None:
        """The file inside the folder; None where there is none, or a link leads out."""
        path = self.root / file
        try:
            real = path.resolve()
            return path if real.is_file() and real.is_relative_to(self.root) else None
        except (OSError, ValueError, RuntimeError):
            return None

    def exists(self, file: str) -> bool:
        return self.path(file) is not None

    def text(self, file: str) -> str:
        """A file's text; empty where it cannot be used, which is then a problem."""
        known = self._texts.get(file)
        if known is not None:
            return known
        self._texts[file] = text = self._read(file)
        return text

    def _read(self, file: str) -> str:
        path = self.path(file)
        if path is None:
            return ""
        try:
            size = path.stat().st_size
            if size > self.reading.most_file_bytes:
                text = f"{file} has {size} bytes; more than {self.reading.most_file_bytes} are not read"
                self.trouble(Trouble.TOO_LARGE, text, file)
                return ""
            self._bytes += size
            if self._bytes > self.reading.most_bytes:
                text = f"the program's files have more than {self.reading.most_bytes} bytes; {file} is not read"
                self.trouble(Trouble.TOO_LARGE, text, file)
                return ""
            return path.read_text(encoding="utf-8-sig")
        except UnicodeDecodeError as wrong:
            self.trouble(Trouble.UNREADABLE, f"{file} is not UTF-8 (byte {wrong.start})", file)
        except OSError as wrong:
            self.trouble(Trouble.UNREADABLE, f"{file} cannot be read: {wrong.strerror}", file)
        return ""

    def json_object(self, file: str) -> Mapping[str, Json]:
        """An object of a .json file; empty where it is none, which is then a problem."""
        value = self.json_files[file] if file in self.json_files else self._json(file)
        if value is not None and not isinstance(value, dict):
            self.trouble(Trouble.BAD_JSON, f"{file} holds no object; expected {{ … }}", file, 1)
        return value if isinstance(value, dict) else {}

    def _json(self, file: str) -> Json:
        before = len(self.problems)
        text = self.text(file)
        if not text.strip():
            if len(self.problems) == before:
                self.trouble(Trouble.BAD_JSON, f"{file} is empty; expected {{ … }}", file)
            self.json_files[file] = {}
            return {}
        try:
            value: Json = json.loads(text)
        except json.JSONDecodeError as wrong:
            self.trouble(Trouble.BAD_JSON, f"{file} is not JSON: {wrong.msg}", file, wrong.lineno, wrong.colno)
            value = {}
        except RecursionError:
            self.trouble(Trouble.BAD_JSON, f"{file} is nested too deeply", file)
            value = {}
        self.json_files[file] = value
        return value

    def line_of(self, file: str, words: str) -> int:
        """The first line of a file in which words stand; 0 where they do not."""
        lines = self.text(file).splitlines()
        return next((number for number, line in enumerate(lines, 1) if words in line), 0)

    def read_modules(self) -> None:
        """Every .js and .json of the folder, and of the packages that these name."""
        for file in self._walk(self.root, _SKIPPED):
            self._take(file)
        wanted = list(_packages_named(self.sources.values()))
        seen: set[str] = set()
        while wanted:
            name = wanted.pop()
            if name in seen:
                continue
            seen.add(name)
            for home in _PACKAGES:
                folder = self.root / home / name
                if not folder.is_dir():
                    continue
                before = set(self.sources)
                for file in self._walk(folder, frozenset({".git", "node_modules"})):
                    self._take(file)
                wanted += _packages_named(text for file, text in self.sources.items() if file not in before)
                break

    def _take(self, file: str) -> None:
        if file.endswith(".js"):
            self.sources[file] = self.text(file)
        elif file not in self.json_files and _is_required_json(file):
            try:
                self.json_files[file] = json.loads(self.text(file) or "{}")
            except (json.JSONDecodeError, RecursionError):
                self.json_object(file)  # says what is wrong

    def _walk(self, folder: Path, skipped: frozenset[str]) -> Iterator[str]:
        """The .js and .json files below a folder, by name, links left out."""
        for home, folders, names in os.walk(folder):
            folders[:] = sorted(one for one in folders if one not in skipped)
            for name in sorted(names):
                path = Path(home) / name
                if not name.endswith((".js", ".json")) or path.is_symlink():
                    continue
                if len(self.sources) + len(self.json_files) >= self.reading.most_files:
                    text = f"more than {self.reading.most_files} files; {name} and what follows are not read"
                    self.trouble(Trouble.TOO_LARGE, text, path.relative_to(self.root).as_posix())
                    return
                yield path.relative_to(self.root).as_posix()


def _is_required_json(file: str) -> bool:
    name = file.rpartition("/")[2]
    return name not in {
        "package-lock.json",
        "project.config.json",
        "project.private.config.json",
        "sitemap.json",
        BACKEND,
    }


def _packages_named(sources: Iterable[str]) -> Iterator[str]:
    """The packages that require and import name: "lodash" of "lodash/get", "@scope/name" of "@scope/name/x"."""
    for source in sources:
        for match in _REQUIRED.finditer(source):
            name = match[2]
            if name[0] in "./":
                continue
            parts = name.split("/")
            yield "/".join(parts[:2]) if name[0] == "@" else parts[0]
