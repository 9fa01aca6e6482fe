"""A scenario file to a `Scenario`: read, merged with its includes, typed, checked; several complaints at a time.

The steps are one module each (see the package); what is legal but suspicious is lint.py and never stops a load.
"""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

from pydantic import BaseModel, ValidationError

from simulator.errors import Complaint, ScenarioError, UsageError
from simulator.scenario.check import check
from simulator.scenario.complain import complaints_of, refuse
from simulator.scenario.include import Reading, merge_includes
from simulator.scenario.instants import read_instants
from simulator.scenario.lists import read_lists
from simulator.scenario.model import Scenario
from simulator.scenario.nearest import nearest
from simulator.scenario.shorten import lengthen
from simulator.scenario.tree import Budget, Node, places, plain, read_text, read_tree

AnyModel = TypeVar("AnyModel", bound=BaseModel)


@dataclass(frozen=True, slots=True)
class Loaded:
    """A scenario with the files that it was read from."""

    scenario: Scenario
    files: tuple[Path, ...]  # relative to `folder`: the scenario first, then includes, then lists
    folder: Path


def load(path: Path) -> Loaded:
    """Read a scenario file with all that it includes.

    Raises:
        ScenarioError: what is wrong with it, several complaints at a time.
        UsageError: no such file, or it cannot be read.
    """
    text = text_of(path)
    return _load(text, Path(path.name), path.parent, path.parent)


def load_scenario(path: Path) -> Scenario:
    """The scenario of a file; see `load`."""
    return load(path).scenario


def load_scenario_text(text: str, name: str, folder: Path) -> Scenario:
    """A scenario from a text.

    Args:
        name: what complaints call it.
        folder: where its includes and lists lie.

    Raises:
        ScenarioError: as for `load`.
    """
    return _load(text, Path(name), folder, Path()).scenario


def text_of(path: Path) -> str:
    """The text of a YAML file that the user named.

    Raises:
        UsageError: no such file, or it cannot be read; a ScenarioError when it is too large or no UTF-8.
    """
    try:
        return read_text(path)
    except FileNotFoundError:
        raise UsageError(f"{path}: no such file{_near(path)}") from None
    except (OSError, ValueError) as failed:
        said = failed.strerror if isinstance(failed, OSError) else None
        raise UsageError(f"{path}: it cannot be read: {said or failed}") from failed


def read_model(text: str, file: str, model: type[AnyModel]) -> tuple[AnyModel, Node]:
    """A document of one model without includes, such as a contract file, with its tree for places.

    Raises:
        ScenarioError: what is wrong with it.
    """
    root, complaints = read_tree(text, file, Budget())
    return _typed(root, plain(root), model, complaints), root


def _load(text: str, file: Path, folder: Path, shown: Path) -> Loaded:
    reading = Reading(folder, shown, files=[file])
    root, twice = read_tree(text, os.fspath(shown / file), reading.budget)
    reading.complaints += twice
    root = merge_includes(root, file, reading)
    if any(complaint.path.startswith("include") for complaint in reading.complaints):
        raise refuse(reading.complaints)  # half a scenario would only bring wrong complaints after the right one
    scenario = _typed(root, lengthen(_without_lists(root, reading)), Scenario, reading.complaints)
    scenario._places.update(places(root))
    lists, list_files, wrong = read_lists(scenario, folder)
    read = read_instants(scenario.model_copy(update={"lists": lists}), folder, shown)
    wrong += [*read.complaints, *check(read.scenario)]
    if wrong:
        raise refuse(sorted(wrong, key=lambda complaint: (complaint.file, complaint.line, complaint.column)))
    return Loaded(read.scenario, tuple(dict.fromkeys([*reading.files, *list_files, *read.files])), folder)


def _without_lists(root: Node, reading: Reading) -> object:
    """The bare document; `lists` is what the loader fills in, so a file that has it is told so."""
    document = plain(root)
    if isinstance(document, dict) and isinstance(root.value, dict) and "lists" in document:
        del document["lists"]
        text = "unknown key lists; values of a list belong to visitors.vars"
        reading.complaints.append(root.value["lists"].place.complaint("lists", text))
    return document


def _typed(root: Node, document: object, model: type[AnyModel], complaints: list[Complaint]) -> AnyModel:
    if not isinstance(document, dict):
        wanted = ", ".join(list(model.model_fields)[:4])
        raise ScenarioError([root.place.complaint("", f"expected keys with values, such as {wanted}")])
    try:
        typed = model.model_validate(document)
    except ValidationError as error:
        raise refuse([*complaints, *complaints_of(error, model, root)]) from None
    if complaints:
        raise refuse(complaints)
    return typed


def _near(path: Path) -> str:
    try:
        beside = [file.name for file in path.parent.iterdir() if file.suffix in {".yaml", ".yml"}]
    except OSError:
        return ""
    near = nearest(path.name, sorted(beside))
    return f"; did you mean {path.parent / near}?" if near else ""
