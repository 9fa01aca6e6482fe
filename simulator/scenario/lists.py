"""Values from list files: `vars: {sku: {file: skus.csv, column: sku}}`."""

from __future__ import annotations

import csv
from pathlib import Path

from simulator.errors import Complaint
from simulator.scenario.include import reach
from simulator.scenario.model import ListFile, Scenario
from simulator.scenario.nearest import did_you_mean

MAX_BYTES = 16 << 20  # of one list file
MAX_VALUES = 1_000_000


def read_lists(scenario: Scenario, folder: Path) -> tuple[dict[str, list[str]], list[Path], list[Complaint]]:
    """(values by variable, files relative to the folder, what is wrong with them)."""
    lists: dict[str, list[str]] = {}
    files: list[Path] = []
    complaints: list[Complaint] = []
    for name, given in scenario.visitors.vars.items():
        if not isinstance(given, ListFile):
            continue
        try:
            relative = reach(folder, Path(), given.file)
            lists[name] = _values(folder / relative, given)
            files.append(relative)
        except (OSError, ValueError) as wrong:
            said = wrong.strerror if isinstance(wrong, OSError) and wrong.strerror else str(wrong)
            complaints.append(scenario.complaint(f"visitors.vars.{name}", f"{given.file}: {said}"))
    return lists, files, complaints


def _values(file: Path, given: ListFile) -> list[str]:
    if not file.is_file():
        raise ValueError("no such file")
    with file.open("rb") as opened:
        data = opened.read(MAX_BYTES + 1)
    if len(data) > MAX_BYTES:
        raise ValueError(f"larger than {MAX_BYTES >> 20} MiB")
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError as bad:
        raise ValueError("no UTF-8; save it as UTF-8") from bad
    values = _lines(text) if given.column is None else _column(text, given.column)
    if not values:
        raise ValueError("it has no values")
    if len(values) > MAX_VALUES:
        raise ValueError(f"more than {MAX_VALUES} values")
    return values


def _lines(text: str) -> list[str]:
    return [line.strip() for line in text.splitlines() if line.strip()]


def _column(text: str, column: str) -> list[str]:
    try:
        rows = csv.reader(text.splitlines(keepends=True), strict=True)
        header = [cell.strip() for cell in next(rows, [])]
        if column not in header:
            raise ValueError(f"no column {column} in its first line{did_you_mean(column, header)}")
        place = header.index(column)
        return [row[place].strip() for row in rows if len(row) > place and row[place].strip()]
    except csv.Error as bad:
        raise ValueError(f"no CSV: {bad}") from bad
