"""Files that a scenario includes, merged into one tree; every node keeps the place in the file it came from.

The file itself wins over what it includes, and a later include over an earlier one: sections merge key by key, named
entries (a journey, a source, a variable …) are replaced as a whole. A file may include only what lies in the folder
of the scenario or below it, because a run keeps copies of all of them together.
"""

from __future__ import annotations

import os
from dataclasses import dataclass, field
from pathlib import Path

from simulator.errors import Complaint, ScenarioError
from simulator.scenario.nearest import did_you_mean
from simulator.scenario.tree import Budget, Entry, Node, Place, read_text, read_tree

MAX_FILES = 64

# Sections that merge key by key; whatever else is replaced as a whole.
_MERGED = frozenset(
    {
        "", "app", "definitions", "visitors", "visitors.identities", "visitors.vars", "sources", "journeys",
        "load", "load.clock", "load.timeouts", "expect",
    }
)  # fmt: skip


@dataclass(slots=True)
class Reading:
    """What has been read of one scenario."""

    folder: Path  # of the scenario file
    shown: Path  # how the user wrote that folder; in front of every file in a complaint
    budget: Budget = field(default_factory=Budget)
    files: list[Path] = field(default_factory=list)  # relative to the folder, each once
    complaints: list[Complaint] = field(default_factory=list)


def reach(folder: Path, beside: Path, name: str) -> Path:
    """A file named in a scenario, relative to the scenario's folder.

    Args:
        beside: folder of the file that names it, relative to `folder`.

    Raises:
        ValueError: absolute, or outside the folder, also by a symbolic link.
    """
    if "\0" in name or not name.strip():
        raise ValueError("expected the name of a file")
    if Path(name).is_absolute():
        raise ValueError("expected a path relative to the file that names it")
    relative = Path(os.path.normpath(beside / name))
    try:
        root = folder.resolve()
        inside = relative.parts[:1] != ("..",) and (root / relative).resolve().is_relative_to(root)
    except (OSError, RuntimeError) as endless:
        raise ValueError("its path cannot be followed") from endless
    if not inside:
        raise ValueError("it lies outside the folder of the scenario, which keeps all its files together")
    return relative


def merge_includes(root: Node, file: Path, reading: Reading, above: tuple[Path, ...] = ()) -> Node:
    """The tree of a file with everything merged in that it includes; what is wrong is added to the reading.

    Args:
        file: relative to the scenario's folder.
        above: the files on the way down to this one.

    Raises:
        ScenarioError: an included file is no YAML or over a bound.
    """
    named = root.value.get("include") if isinstance(root.value, dict) else None
    if named is None or not isinstance(named.node.value, list):
        return root
    merged: Node | None = None
    for index, item in enumerate(named.node.value):
        if not isinstance(item.value, str):
            continue  # the model says what is wrong with it
        path = f"include[{index}]"
        node = _read_include(item.value, item.place, path, file, reading, above)
        if node is not None:
            merged = node if merged is None else _merge(node, merged, "")
    return root if merged is None else _merge(root, merged, "")


def _read_include(
    name: str, place: Place, path: str, file: Path, reading: Reading, above: tuple[Path, ...]
) -> Node | None:
    def complain(text: str) -> None:
        reading.complaints.append(place.complaint(path, f"{name}: {text}"))

    try:
        relative = reach(reading.folder, file.parent, name)
    except ValueError as outside:
        complain(str(outside))
        return None
    if relative in (*above, file):
        complain(f"a cycle of includes: {' → '.join(map(str, (*above, file, relative)))}")
        return None
    if relative not in reading.files:
        if len(reading.files) >= MAX_FILES:
            complain(f"more than {MAX_FILES} files")
            return None
        reading.files.append(relative)
    try:
        text = read_text(reading.folder / relative)
    except FileNotFoundError:
        complain(f"no such file{_did_you_mean_file(reading.folder / relative)}")
        return None
    except OSError as failed:
        complain(failed.strerror or "it cannot be read")
        return None
    except ScenarioError as failed:
        complain(failed.complaints[0].text)
        return None
    node, complaints = read_tree(text, os.fspath(reading.shown / relative), reading.budget)
    reading.complaints += complaints
    if not isinstance(node.value, dict):
        complain("expected sections of a scenario in it, such as app or journeys")
        return None
    return merge_includes(node, relative, reading, (*above, file))


def _did_you_mean_file(missing: Path) -> str:
    try:
        beside = sorted(file.name for file in missing.parent.iterdir() if file.suffix in {".yaml", ".yml"})
    except OSError:
        return ""
    return did_you_mean(missing.name, beside)


def _merge(own: Node, other: Node, path: str) -> Node:
    """The own tree completed by another one; where both have a value, the own one stays."""
    if path not in _MERGED or not isinstance(own.value, dict) or not isinstance(other.value, dict):
        return own
    entries: dict[str, Entry] = dict(other.value)
    if path == "load" and {"users", "arrivals"} & set(own.value):
        # The two exclude each other, so choosing one of them drops the included other.
        entries = {key: entry for key, entry in entries.items() if key not in {"users", "arrivals", "each"}}
    for key, entry in own.value.items():
        below = entries.get(key)
        if below is None:
            entries[key] = entry
        else:
            merged = _merge(entry.node, below.node, f"{path}.{key}" if path else key)
            entries[key] = Entry(entry.place, merged)
    return Node(own.place, entries)
