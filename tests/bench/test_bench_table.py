"""The table says what was measured, and the README quotes the committed one."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from tests.bench import ten_million
from tests.bench.figures import Figure, Row, ratios, row_from_json
from tests.bench.machine import Machine
from tests.bench.processes import BenchError
from tests.bench.table import COMMITTED, NAME, README, earlier_rows, markdown, number, quote_from, quoted, write
from tests.bench.throughput import BYTES, PROCESSOR, RATE, RATIO

MACHINE = Machine("A processor", 2, 24_576, "Some Linux", "6.1", {"mpsim": "0.1.0", "nginx": "1.22.1"})
ROWS = (
    Row(
        "get",
        "GET",
        "Both in turns.",
        (
            Figure(RATE, "", (20_000.0, 30_000.0, 25_000.0), "mpsim"),
            Figure(PROCESSOR, "µs", (40.0, 41.26, 42.0), "mpsim"),
            Figure(BYTES, "", (925.4,), "mpsim"),
            Figure(RATE, "", (5_000.0, 5_000.0, 4_999.6), "another"),
            Figure(RATIO, "×", (4.0, 6.0, 5.0), "another", "at least 5 ×"),
        ),
        ("hey: not installed",),
        measured="2026-03-01T10:00Z",
    ),
    Row(
        "waiting",
        "waiting",
        "They wait.",
        (Figure("peak", "MiB", (900.04,), aim="1,024"),),
        measured="2026-03-01T11:00Z",
    ),
    Row("workers", "workers", "", unavailable="there is no option"),
    Row("ingest", "ingest", "", failed="it broke\nin two lines"),
)


def test_the_table_says_what_was_measured() -> None:
    assert (
        markdown(MACHINE, ROWS, small=False, rounds=3)
        == """\
2026-03-01T10:00Z to 2026-03-01T11:00Z; medians of 3 rounds, least to most in brackets.
A processor, 2 cores, 24 GiB, Some Linux, Linux 6.1; mpsim 0.1.0, nginx 1.22.1.

| request | generator | requests/s | CPU each | bytes each | mpsim ÷ it |
|---|---|---|---|---|---|
| GET | mpsim | 25,000 (20,000 to 30,000) | 41.3 µs (40 to 42) | 925 |  |
|  | another | 5,000 (5,000 to 5,000) |  |  | 5 × (4 to 6); wanted: at least 5 × |

| benchmark | measured | value | wanted |
|---|---|---|---|
| waiting | peak | 900 MiB | 1,024 |

- **workers**: not measured, there is no option.
- **ingest**: failed, it broke in two lines
- **GET**: Both in turns.
- **waiting**: They wait.
- Note on GET: hey: not installed.
"""
    )


def test_a_small_table_says_so() -> None:
    assert markdown(MACHINE, ROWS, small=True, rounds=1).startswith("**Measured small")


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (0.0, "0"),
        (0.02134, "0.0213"),
        (1.0, "1"),
        (1.268, "1.27"),
        (99.96, "100"),
        (123.4, "123"),
        (8_912.6, "8,910"),
        (1_000_000.0, "1,000,000"),
    ],
)
def test_numbers_have_three_digits_that_mean_something(value: float, text: str) -> None:
    assert number(value) == text


def test_rows_come_back_from_json() -> None:
    assert tuple(row_from_json(json.loads(json.dumps(row.as_json()))) for row in ROWS) == ROWS


def test_the_markdown_says_what_the_json_has(tmp_path: Path) -> None:
    row = Row(
        "get", "GET", "", (Figure(RATIO, "×", (1 / 3, 0.0499999999), "mpsim"), Figure(RATE, "", (2 / 3,), "mpsim"))
    )
    write(tmp_path, MACHINE, [row], small=False, rounds=2)

    (kept,) = earlier_rows(tmp_path, MACHINE, small=False)
    assert (tmp_path / "benchmarks.md").read_text(encoding="utf-8") == markdown(MACHINE, [kept], small=False, rounds=2)
    assert earlier_rows(tmp_path, MACHINE, small=True) == ()


def test_ratios_are_taken_round_by_round() -> None:
    assert ratios([8.0, 30.0], [2.0, 3.0]) == (4.0, 10.0)


def test_a_quote_stands_between_its_markers() -> None:
    readme = "before\n<!-- begin of x -->\nold\n<!-- end of x -->\nafter\n"

    assert quoted(readme, "x", "new\n") == "before\n<!-- begin of x -->\nnew\n<!-- end of x -->\nafter\n"
    assert quote_from(readme, "x") == "old\n"


def test_a_readme_without_markers_is_refused() -> None:
    with pytest.raises(BenchError, match="no <!-- begin of x -->"):
        quoted("nothing", "x", "new\n")


@pytest.mark.parametrize("name", [NAME, ten_million.NAME])
def test_the_readme_quotes_the_committed_results(name: str) -> None:
    """After a measurement, `--quote` puts them there."""
    committed = (COMMITTED / f"{name}.md").read_text(encoding="utf-8")

    assert quote_from(README.read_text(encoding="utf-8"), name) == committed


def test_the_committed_table_is_the_committed_figures() -> None:
    document: dict[str, Any] = json.loads((COMMITTED / f"{NAME}.json").read_text(encoding="utf-8"))
    rows = [row_from_json(row) for row in document["rows"]]

    assert (COMMITTED / f"{NAME}.md").read_text(encoding="utf-8") == markdown(
        Machine(**document["machine"]), rows, small=document["small"], rounds=document["rounds"]
    )
    assert not document["small"]


def test_the_committed_proof_is_the_committed_document() -> None:
    document: dict[str, Any] = json.loads((COMMITTED / f"{ten_million.NAME}.json").read_text(encoding="utf-8"))

    assert (COMMITTED / f"{ten_million.NAME}.md").read_text(encoding="utf-8") == ten_million.markdown(document)
