"""Values from list files: `vars: {sku: {file: skus.csv, column: sku}}`."""

from __future__ import annotations

import csv
from collections.abc import Iterator
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
    values = [value for _, value in numbered_values(file, given, MAX_BYTES)]
    if not values:
        raise ValueError("it has no values")
    if len(values) > MAX_VALUES:
        raise ValueError(f"more than {MAX_VALUES} values")
    return values


def numbered_values(file: Path, given: ListFile, most_bytes: int) -> Iterator[tuple[int, str]]:
    """(line, value) of a list file, the lines counted from 1; whatever is blank is passed over.

    Raises:
        OSError: it cannot be read.
        ValueError: no such file, larger than it may be, no UTF-8, no CSV, or without the column.
    """
    if not file.is_file():
        raise ValueError("no such file")
    with file.open("rb") as opened:
        data = opened.read(most_bytes + 1)
    if len(data) > most_bytes:
        raise ValueError(f"larger than {most_bytes >> 20} MiB")
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError as bad:
        raise ValueError("no UTF-8; save it as UTF-8") from bad
    lines = text.splitlines(keepends=True)
    if given.column is None:
        yield from ((number, line.strip()) for number, line in enumerate(lines, 1) if line.strip())
    else:
        yield from _column(lines, given.column)


def _column(lines: list[str], column: str) -> Iterator[tuple[int, str]]:
    try:
        rows = csv.reader(lines, strict=True)
        header = [cell.strip() for cell in next(rows, [])]
        if column not in header:
            raise ValueError(f"no column {column} in its first line{did_you_mean(column, header)}")
        place = header.index(column)
        for row in rows:
            if len(row) > place and row[place].strip():
                yield rows.line_num, row[place].strip()
    except csv.Error as bad:
        raise ValueError(f"no CSV: {bad}") from bad
