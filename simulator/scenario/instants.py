"""Arrivals from a list of instants: `arrivals: {file: monday.csv, column: at}`; visitor k arrives at the k-th.

A list is all offsets from the start (`1.5s`) or all instants (`2026-03-01T09:00:00.250+08:00`), ascending; equal ones
follow each other. Both are event time, so the clock's `speed` presses a day's list into minutes. Instants stand where
they say after `clock.start: INSTANT`; under `clock.start: recent` the list is moved as a whole, its first instant to
the start; and where the scenario gives no start, the first instant is the start.

Files of values for variables are lists.py; which wall instant an arrival has is journey/arrivals.py.
"""

from __future__ import annotations

import os
from array import array
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from simulator.errors import Complaint
from simulator.scenario.include import reach
from simulator.scenario.lists import MAX_VALUES, numbered_values
from simulator.scenario.model import InstantsFile, Scenario
from simulator.scenario.values import EARLIEST, LATEST, LONGEST_RUN, shown
from simulator.times import Ms, format_duration, iso_utc, parse_duration, parse_instant

MAX_BYTES = 48 << 20  # of the file: a million instants with their offset from UTC

Kind = Literal["offset", "instant"]
_ONE = {"offset": "an offset", "instant": "an instant"}
_EXAMPLES = "an offset with a unit, such as 1.5s, or an instant such as 2026-03-01T09:00:00.250+08:00"


@dataclass(frozen=True, slots=True)
class Read:
    """What came of a scenario's list of instants."""

    scenario: Scenario  # with the instants in it
    files: tuple[Path, ...] = ()  # relative to the scenario's folder
    complaints: tuple[Complaint, ...] = ()


class _WrongLine(ValueError):
    def __init__(self, line: int, text: str) -> None:
        self.line = line
        super().__init__(text)


def read_instants(scenario: Scenario, folder: Path, shown_folder: Path) -> Read:
    """Read the file of `load.arrivals`, where it names one.

    Args:
        shown_folder: how the user wrote the folder; in front of the file in a complaint about one of its lines.
    """
    given = scenario.load.arrivals
    if not isinstance(given, InstantsFile):
        return Read(scenario)
    try:
        relative = reach(folder, Path(), given.file)
        return Read(_with_instants(scenario, *_ascending(folder / relative, given)), (relative,))
    except _WrongLine as wrong:
        file = os.fspath(shown_folder / relative)
        return Read(scenario, complaints=(Complaint(file, wrong.line, 1, "load.arrivals", str(wrong)),))
    except (OSError, ValueError) as wrong:
        said = wrong.strerror if isinstance(wrong, OSError) and wrong.strerror else str(wrong)
        return Read(scenario, complaints=(scenario.complaint("load.arrivals.file", f"{given.file}: {said}"),))


def _with_instants(scenario: Scenario, kind: Kind, values: list[tuple[int, int]]) -> Scenario:
    """The scenario with its arrivals as offsets from the start, and with a start where only the list gives one."""
    load = scenario.load
    start = load.clock.start
    (first_line, first), (last_line, last) = values[0], values[-1]
    if kind == "instant" and "start" not in load.clock.model_fields_set:
        start = Ms(first)
        load = load.model_copy(update={"clock": load.clock.model_copy(update={"start": start})})
    if kind == "instant" and start != "recent" and first < start:
        said = f"{iso_utc(Ms(first))} lies before load.clock.start, {iso_utc(start)}; expected instants from there on"
        raise _WrongLine(first_line, said)
    base = 0 if kind == "offset" else first if start == "recent" else start
    if last - base > LONGEST_RUN:
        raise _WrongLine(last_line, f"expected at most {format_duration(LONGEST_RUN)} after the start")
    scenario = scenario.model_copy(update={"load": load})
    scenario._instants = array("q", (at - base for _, at in values))
    return scenario


def _ascending(file: Path, given: InstantsFile) -> tuple[Kind, list[tuple[int, int]]]:
    """(what the file lists, (line, ms after the start or since 1970) of each, in its order)."""
    kind: Kind | None = None
    found: list[tuple[int, int]] = []
    before = ""
    for line, text in numbered_values(file, given, MAX_BYTES):
        if len(found) == MAX_VALUES:
            raise ValueError(f"more than {MAX_VALUES:,} instants")
        own, at = _read(line, text)
        kind = kind or own
        if own != kind:
            raise _WrongLine(line, f"{_ONE[own]} in a list of {kind}s; expected all of one kind, not {shown(text)}")
        if found and at < found[-1][1]:
            said = f"{shown(text)} comes before {shown(before)} in line {found[-1][0]}; expected them ascending"
            raise _WrongLine(line, said)
        found.append((line, at))
        before = text
    if kind is None:
        raise ValueError(f"it has no instants; expected {_EXAMPLES}")
    return kind, found


def _read(line: int, text: str) -> tuple[Kind, int]:
    try:
        return "offset", parse_duration(text)
    except ValueError:
        pass
    try:
        at = parse_instant(text)
    except (ValueError, OverflowError):
        raise _WrongLine(line, f"expected {_EXAMPLES}, not {shown(text)}") from None
    if not EARLIEST <= at < LATEST:
        raise _WrongLine(line, f"expected an instant from 1971 to 9000, not {shown(text)}")
    return "instant", at
