"""A mini program's folder, read once for all visitors: app.json, pages, modules, and what is wrong with them.

Nothing of it is run here (phone.py does that), and nothing outside the folder is read: links that lead out of it are
left out. What cannot be used is a `Problem`, never an exception, so that a report can tell of all of them at once.
"""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum
from pathlib import Path

from simulator.errors import UsageError
from simulator.events import Json
from simulator.immutable import immutable
from simulator.runtime.trace import Place


class Trouble(StrEnum):
    """What kind of thing is wrong with a program's files."""

    NO_APP = "no_app"  # no app.js
    BAD_JSON = "bad_json"  # app.json, project.config.json or a page's .json cannot be read
    NO_PAGES = "no_pages"  # app.json names none
    MISSING_PAGE = "missing_page"  # app.json names it, and there is no .js of it
    SYNTAX = "syntax"  # JavaScript that cannot be parsed
    TOO_LARGE = "too_large"  # a file, or all of them together
    UNREADABLE = "unreadable"  # no UTF-8, or no permission


@immutable(frozen=True, slots=True)
class Problem:
    """One thing wrong with the files."""

    trouble: Trouble
    text: str  # what is wrong and what was expected, one sentence
    place: Place


@immutable(frozen=True, slots=True)
class Tab:
    """An entry of the tab bar."""

    page: str  # route
    text: str = ""


@immutable(frozen=True, slots=True)
class Module:
    """One JavaScript file, as it was and as it is run."""

    file: str  # relative to the program, forward slashes
    source: str  # as written
    code: str  # as CommonJS; every line is on the line where it was in `source`
    is_esm: bool


@immutable(frozen=True, slots=True)
class Program:
    """A mini program, ready to run."""

    folder: Path
    appid: str  # of project.config.json or the option; empty: none known
    name: str  # projectname of project.config.json, or the title of app.json's window; may be empty
    pages: tuple[str, ...]  # routes in the order of app.json, subpackages after
    entry: str  # the route of a launch without path; empty: no pages
    tabs: tuple[Tab, ...]
    app_json: Mapping[str, Json]
    page_json: Mapping[str, Mapping[str, Json]]  # by route; components too, by their path
    modules: Mapping[str, Module]  # by file
    json_files: Mapping[str, Json]  # by file, for require
    wxml: Mapping[str, str]  # by file
    problems: tuple[Problem, ...]


@immutable(frozen=True, slots=True)
class Reading:
    """What a caller may say about a program, and the bounds of reading it."""

    appid: str = ""  # instead of project.config.json's
    most_files: int = 4_000
    most_file_bytes: int = 2_000_000  # of one file; WeChat allows 2 MB a package
    most_bytes: int = 30_000_000  # of all together; WeChat allows 30 MB with subpackages


def load_program(folder: Path, reading: Reading = Reading()) -> Program:  # noqa: B008  a value, never changed
    """Read a mini program's folder; `miniprogramRoot` of project.config.json is followed.

    Raises:
        UsageError: no such folder, or nothing in it that looks like a mini program (neither app.js nor app.json).
    """
    raise UsageError("not yet")
