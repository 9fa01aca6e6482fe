"""A mini program's folder, read once for all visitors: app.json, pages, modules, and what is wrong with them.

Nothing of it is run here (phone.py does that), and nothing outside the folder is read: links that lead out of it are
left out. What cannot be used is a `Problem`, never an exception, so that a report can tell of all of them at once.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from simulator.errors import UsageError
from simulator.events import Json
from simulator.immutable import immutable
from simulator.runtime.commonjs import as_commonjs, is_es_module, unmatched_brace
from simulator.runtime.engine import Engine, Stopped
from simulator.runtime.files import BACKEND, Problem, ProgramFiles, Reading, Trouble
from simulator.runtime.markup import Tag, tags
from simulator.runtime.places import BEFORE_CODE, WRAPPER, address
from simulator.runtime.trace import Place

__all__ = ["BACKEND", "Module", "Problem", "Program", "Reading", "Tab", "Trouble", "load_program"]

_MOST_MODULES = 99_999  # their numbers have five digits in the script that defines them


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


@dataclass(frozen=True, slots=True)
class Program:
    """A mini program, ready to run."""

    folder: Path  # where app.json is
    appid: str  # of project.config.json or the option; empty: none known
    name: str  # of the option, the title of app.json's window, or projectname; may be empty
    pages: tuple[str, ...]  # routes in the order of app.json, subpackages after
    entry: str  # the route of a launch without path; empty: no pages
    tabs: tuple[Tab, ...]
    app_json: Mapping[str, Json]
    modules: Mapping[str, Module]  # by file; those that V8 takes
    broken: Mapping[str, str]  # by file: why requiring it fails
    json_files: Mapping[str, Json]  # by file, for require
    registering: tuple[tuple[str, bool], ...]  # files run after app.js, in order; True: of a page
    taps: Mapping[str, Mapping[str, Json]]  # by route, by handler: type, id, dataset
    parts: Mapping[str, Json]  # by route: the components in its markup
    problems: tuple[Problem, ...]


def load_program(folder: Path, reading: Reading = Reading()) -> Program:  # noqa: B008  a value, never changed
    """Read a mini program's folder; `miniprogramRoot` of project.config.json is followed.

    Raises:
        UsageError: no such folder, nothing in it that looks like a mini program (neither app.js nor app.json), or files
            that V8 cannot parse within its memory.
    """
    if not folder.is_dir():
        raise UsageError(f"{folder} is not a folder; expected a mini program's, with app.js and app.json in it")
    files = ProgramFiles(folder.resolve(), reading)
    config = files.json_object("project.config.json") if files.exists("project.config.json") else {}
    root = config.get("miniprogramRoot")
    if isinstance(root, str) and root.strip("./"):
        inner = (files.root / root).resolve()
        if inner.is_dir() and inner.is_relative_to(files.root):
            files = ProgramFiles(inner, reading, files.problems)
    if not files.exists("app.js") and not files.exists("app.json"):
        raise UsageError(f"{files.root} holds neither app.js nor app.json; expected a mini program's folder")
    return _program(files, config, reading)


def _program(files: ProgramFiles, config: Mapping[str, Json], reading: Reading) -> Program:
    app_json = files.json_object("app.json") if files.exists("app.json") else {}
    if not files.exists("app.json"):
        files.trouble(Trouble.NO_PAGES, "app.json is missing; it names the pages", "app.json")
    if not files.exists("app.js"):
        files.trouble(Trouble.NO_APP, "app.js is missing; it calls App()", "app.js")
    files.read_modules()
    pages = _pages(app_json)
    if files.exists("app.json") and not pages:
        files.trouble(
            Trouble.NO_PAGES, 'app.json names no pages; expected "pages": ["pages/index/index", …]', "app.json"
        )
    existing = [page for page in pages if _check_page(files, page)]
    components = {page: _components(files, page, app_json) for page in existing}
    registering: dict[str, bool] = {}
    for page in existing:
        for path in components[page].values():
            registering.setdefault(f"{path}.js", False)
        registering[f"{page}.js"] = True
    for path in _components_of(files, app_json, "app.json", "").values():
        registering.setdefault(f"{path}.js", False)
    markup = {page: tags(files.text(f"{page}.wxml")) if files.exists(f"{page}.wxml") else () for page in existing}
    modules, broken = _checked(files)
    entry = app_json.get("entryPagePath")
    return Program(
        files.root,
        reading.appid or _text(config.get("appid")),
        reading.name or _title(app_json) or _text(config.get("projectname")),
        tuple(existing),
        entry if isinstance(entry, str) and entry in existing else (existing[0] if existing else ""),
        _tabs(app_json, existing),
        app_json,
        modules,
        broken,
        files.json_files,
        tuple([(file, is_page) for file, is_page in registering.items() if file in modules or file in broken]),
        {page: _taps(found) for page, found in markup.items()},
        {page: [_part(tag, components[page][tag.name]) for tag in _first_of_each(found) if tag.name in components[page]]
         for page, found in markup.items()},
        tuple(files.problems),
    )  # fmt: skip


# ---- app.json -------------------------------------------------------------------------------------------------------


def _text(value: Json) -> str:
    return value if isinstance(value, str) else ""


def _title(app_json: Mapping[str, Json]) -> str:
    window = app_json.get("window")
    return _text(window.get("navigationBarTitleText")) if isinstance(window, dict) else ""


def _pages(app_json: Mapping[str, Json]) -> list[str]:
    """The routes, each once: `pages`, then those of the subpackages under their roots."""
    listed = app_json.get("pages")
    routes = [page for page in listed if isinstance(page, str)] if isinstance(listed, list) else []
    packages = app_json.get("subPackages") or app_json.get("subpackages")
    for package in packages if isinstance(packages, list) else []:
        if isinstance(package, dict) and isinstance(package.get("pages"), list):
            root = _text(package.get("root")).strip("/")
            routes += [f"{root}/{page}" for page in package["pages"] if isinstance(page, str)]  # type: ignore[union-attr]
    return list(dict.fromkeys(route.strip("/") for route in routes if route.strip("/")))


def _tabs(app_json: Mapping[str, Json], pages: list[str]) -> tuple[Tab, ...]:
    bar = app_json.get("tabBar")
    listed = bar.get("list") if isinstance(bar, dict) else None
    tabs = []
    for one in listed if isinstance(listed, list) else []:
        if isinstance(one, dict):
            page = _text(one.get("pagePath")).strip("/").removesuffix(".html")
            if page in pages:
                tabs.append(Tab(page, _text(one.get("text"))))
    return tuple(tabs)


def _check_page(files: ProgramFiles, page: str) -> bool:
    if files.exists(f"{page}.js"):
        return True
    line = files.line_of("app.json", page.rpartition("/")[2])
    files.trouble(Trouble.MISSING_PAGE, f"app.json names the page {page}, and there is no {page}.js", "app.json", line)
    return False


def _components(files: ProgramFiles, page: str, app_json: Mapping[str, Json]) -> dict[str, str]:
    """By tag, the path of the component: those of the page's own .json win over app.json's."""
    found = _components_of(files, app_json, "app.json", "", silent=True)
    name = f"{page}.json"
    if files.exists(name):
        found |= _components_of(files, files.json_object(name), name, page.rpartition("/")[0])
    return found


def _components_of(
    files: ProgramFiles, owner: Mapping[str, Json], file: str, folder: str, silent: bool = False
) -> dict[str, str]:
    using = owner.get("usingComponents")
    found = {}
    for tag, path in using.items() if isinstance(using, dict) else ():
        if not isinstance(path, str) or path.startswith(("plugin://", "ext://")):
            continue
        inside = os.path.normpath(path.lstrip("/") if path.startswith("/") else f"{folder}/{path}").replace("\\", "/")
        inside = inside.lstrip("/")
        if files.exists(f"{inside}.js"):
            found[tag.lower()] = inside
        elif files.exists(f"miniprogram_npm/{inside}.js"):
            found[tag.lower()] = f"miniprogram_npm/{inside}"
        elif not silent:
            text = f"{file} uses the component {tag} at {path}, and there is no {inside}.js"
            files.trouble(Trouble.MISSING_COMPONENT, text, file, files.line_of(file, path))
    return found


# ---- markup ---------------------------------------------------------------------------------------------------------


def _taps(found: tuple[Tag, ...]) -> Mapping[str, Json]:
    """By handler, the first element that is bound to it."""
    taps: dict[str, Json] = {}
    for tag in found:
        for event, handler in tag.bound:
            taps.setdefault(handler, {"type": event, "id": tag.id, "dataset": dict(tag.dataset)})
    return taps


def _first_of_each(found: tuple[Tag, ...]) -> Iterator[Tag]:
    seen: set[str] = set()
    for tag in found:
        if tag.name not in seen:
            seen.add(tag.name)
            yield tag


def _part(tag: Tag, path: str) -> Json:
    return {
        "name": tag.name,
        "path": path,
        "id": tag.id,
        "className": tag.class_name,
        "dataset": dict(tag.dataset),
        "bound": dict(tag.bound),
        "given": dict(tag.given),
    }


# ---- modules --------------------------------------------------------------------------------------------------------


def _checked(files: ProgramFiles) -> tuple[dict[str, Module], dict[str, str]]:
    """The modules that V8 takes, and why it does not take the others."""
    sources = list(files.sources.items())[:_MOST_MODULES]
    modules = []
    for file, source in sources:
        is_esm = is_es_module(source)
        modules.append(Module(file, source, as_commonjs(source) if is_esm else source, is_esm))
    # As the body of a function in brackets; phone.py puts it between others, and both must hold.
    before = f"{'0;':{BEFORE_CODE - len(WRAPPER) - 1}}[{WRAPPER}"
    checks = [f"{before}{module.code}\n}}]\n//# sourceURL={address(module.file)}" for module in modules]
    with Engine() as engine:
        try:
            wrong = dict(engine.open(checks, 1_000_000_000)) if checks else {}
        except Stopped as stopped:
            raise UsageError(f"{files.root}: V8 does not get through the program's files ({stopped.why})") from stopped
    for number, words in wrong.items():
        file = modules[number].file
        place, text = _syntax_error(words, file)
        files.trouble(Trouble.SYNTAX, text, place.file, place.line, place.column)
    broken = {modules[number].file: _syntax_error(words, modules[number].file)[1] for number, words in wrong.items()}
    for module in modules:
        line, column = (0, 0) if module.file in broken else unmatched_brace(module.source)
        if line:
            text = "SyntaxError: Unexpected token '}': it closes nothing"
            files.trouble(Trouble.SYNTAX, text, module.file, line, column)
            broken[module.file] = text
    return {module.file: module for module in modules if module.file not in broken}, broken


_REFUSED = re.compile(r"^(?:.*?):(\d+): (.*)$")


def _syntax_error(words: str, file: str) -> tuple[Place, str]:
    """Where and what: "https://usr/a.js:3: SyntaxError: Unexpected token '}'"."""
    first, *rest = words.splitlines() or [""]
    found = _REFUSED.match(first)
    if found is None:
        return Place(file, 0), first
    line = int(found[1])
    caret = rest[1].find("^") + 1 if len(rest) > 1 else 0
    if line == 1 and caret:
        caret = max(caret - BEFORE_CODE, 1)
    return Place(file, line, max(caret, 0)), found[2]
