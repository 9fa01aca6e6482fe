"""The committed results: `benchmarks.json` with every sample, `benchmarks.md` with medians for people.

The README quotes the Markdown between two markers; `quoted` puts it there, and a test holds the two together.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any

from tests.bench.figures import Figure, Row, row_from_json
from tests.bench.machine import Machine
from tests.bench.processes import BenchError
from tests.bench.throughput import BYTES, PROCESSOR, RATE, RATIO
from tests.e2e.commands import ROOT

VERSION = 1
NAME = "benchmarks"
README = ROOT / "README.md"
COMMITTED = ROOT / "reports" / "bench"
BEGIN, END = "<!-- begin of {name} -->", "<!-- end of {name} -->"
_SMALL = "**Measured small: this shows that the benchmarks run, and no figure means anything.**"
_COLUMNS = ((RATE, "requests/s"), (PROCESSOR, "CPU each"), (BYTES, "bytes each"), (RATIO, RATIO))


def write(folder: Path, machine: Machine, rows: Sequence[Row], *, small: bool, rounds: int) -> None:
    """Write both files, whole; the second says what is in the first."""
    folder.mkdir(parents=True, exist_ok=True)
    rows = [row_from_json(row.as_json()) for row in rows]
    document = {
        "version": VERSION,
        "small": small,
        "rounds": rounds,
        "machine": machine.as_json(),
        "rows": [row.as_json() for row in rows],
    }
    (folder / f"{NAME}.json").write_text(json.dumps(document, ensure_ascii=False, indent=1) + "\n", encoding="utf-8")
    (folder / f"{NAME}.md").write_text(markdown(machine, rows, small=small, rounds=rounds), encoding="utf-8")


def earlier_rows(folder: Path, machine: Machine, *, small: bool) -> tuple[Row, ...]:
    """The rows of the files that are there, where they are of this machine and kind; to be kept beside new ones."""
    try:
        document: dict[str, Any] = json.loads((folder / f"{NAME}.json").read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return ()
    if (document.get("version"), document.get("small"), document.get("machine")) != (VERSION, small, machine.as_json()):
        return ()
    return tuple(row_from_json(row) for row in document["rows"])


def markdown(machine: Machine, rows: Sequence[Row], *, small: bool, rounds: int) -> str:
    """The results for people: generators beside each other, then everything else, then what to know of it."""
    times = sorted(row.measured for row in rows if row.measured)
    span = "" if not times else times[0] if times[0] == times[-1] else f"{times[0]} to {times[-1]}"
    once = "one round" if rounds == 1 else f"medians of {rounds} rounds, least to most in brackets"
    parts = [_SMALL] if small else []
    parts.append(f"{span}; {once}.\n{machine.sentence()}.")
    compared = [row for row in rows if row.subjects and row.of(row.subjects[0], RATE) is not None]
    if compared:
        parts.append(_generators(compared))
    others = [row for row in rows if row.figures and row not in compared]
    if others:
        parts.append(_others(others))
    parts.append("\n".join(_about(rows)))
    return "\n\n".join(parts) + "\n"


def _generators(rows: Iterable[Row]) -> str:
    lines = [
        "| request | generator | " + " | ".join(title for _, title in _COLUMNS) + " |",
        "|---|---|---|---|---|---|",
    ]
    for row in rows:
        for place, subject in enumerate(row.subjects):
            figures = [row.of(subject, label) for label, _ in _COLUMNS]
            cells = ["" if figure is None else _value(figure) for figure in figures]
            cells[-1] += f"; wanted: {figures[-1].aim}" if figures[-1] is not None and figures[-1].aim else ""
            lines.append(f"| {row.title if place == 0 else ''} | {subject} | {' | '.join(cells)} |")
    return "\n".join(lines)


def _others(rows: Iterable[Row]) -> str:
    lines = ["| benchmark | measured | value | wanted |", "|---|---|---|---|"]
    for row in rows:
        for place, figure in enumerate(row.figures):
            label = f"{figure.subject}, {figure.label}" if figure.subject else figure.label
            lines.append(f"| {row.title if place == 0 else ''} | {label} | {_value(figure)} | {figure.aim} |")
    return "\n".join(lines)


def _about(rows: Sequence[Row]) -> Iterator[str]:
    """How each row was measured, told once where it is the same, and what to know of it."""
    alike: dict[str, list[Row]] = {}
    for row in rows:
        if row.unavailable:
            yield f"- **{row.title}**: not measured, {row.unavailable}."
        elif row.failed:
            yield f"- **{row.title}**: failed, {_one_line(row.failed)}"
        else:
            alike.setdefault(row.how, []).append(row)
    for how, same in alike.items():
        yield f"- **{'; '.join(row.title for row in same)}**: {how}"
    for row in rows:
        yield from (f"- Note on {row.title}: {_one_line(note)}." for note in row.notes)


def _one_line(text: str) -> str:
    return " ".join(text.split())[:400]


def _value(figure: Figure) -> str:
    unit = f" {figure.unit}" if figure.unit else ""
    if len(figure.samples) == 1:
        return f"{number(figure.median)}{unit}"
    return f"{number(figure.median)}{unit} ({number(figure.least)} to {number(figure.most)})"


def number(value: float) -> str:
    """Three digits that mean something: 23,400; 1.27; 0.0213."""
    if value == 0:
        return "0"
    if abs(value) >= 100:
        digits = len(str(int(abs(value))))
        return f"{round(value, 3 - digits):,.0f}" if value != int(value) else f"{int(value):,}"
    return f"{value:.3g}"


def quoted(readme: str, name: str, text: str) -> str:
    """The README with a text between its markers.

    Raises:
        BenchError: the README has not both markers.
    """
    begin, end = BEGIN.format(name=name), END.format(name=name)
    before, found, rest = readme.partition(begin)
    _, also_found, after = rest.partition(end)
    if not found or not also_found:
        raise BenchError(f"the README has no {begin} … {end} to put the table between")
    return f"{before}{begin}\n{text}{end}{after}"


def quote_from(readme: str, name: str) -> str:
    """What stands between the markers.

    Raises:
        BenchError: as `quoted`.
    """
    quoted(readme, name, "")
    return readme.partition(BEGIN.format(name=name) + "\n")[2].partition(END.format(name=name))[0]
