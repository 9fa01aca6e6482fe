"""What a collector held before the run: kept, read again, and taken off."""

from __future__ import annotations

from pathlib import Path

import pytest

from simulator.errors import UsageError
from simulator.runs.baseline import (
    BASELINE_FILE,
    Cursors,
    Namespace,
    read_baseline,
    read_cursors,
    read_namespace,
    since,
    write_baseline,
)
from simulator.verify.readers.reading import Reading

BEFORE = Reading({"all": {"": {"pv": 3, "uv": 2}}, "day": {"2026-03-01": {"pv": 3, "uv": None}}}, {"hour": "gone"})


def test_a_baseline_is_read_as_it_was_written(tmp_path: Path) -> None:
    write_baseline(tmp_path, BEFORE, Cursors(12, 3))

    assert read_baseline(tmp_path) == BEFORE
    assert read_cursors(tmp_path) == Cursors(12, 3)


def test_a_fresh_collector_has_none(tmp_path: Path) -> None:
    assert read_baseline(tmp_path) is None
    assert read_cursors(tmp_path) is None


def test_a_collector_that_lists_no_events_has_no_cursors(tmp_path: Path) -> None:
    write_baseline(tmp_path, BEFORE)

    assert read_cursors(tmp_path) is None


@pytest.mark.parametrize(
    "text",
    [
        "{",
        "[]",
        '{"cells": {}}',
        '{"cells": {}, "errors": {}, "cursors": {"good": "x", "bad": 1}}',
        '{"cells": {}, "errors": {}, "cursors": null, "namespace": {"name": "new"}}',
    ],
    ids=["no JSON", "a list", "a part of it", "a cursor of text", "a namespace of other words"],
)
def test_a_damaged_baseline_is_said_to_be_damaged(tmp_path: Path, text: str) -> None:
    (tmp_path / BASELINE_FILE).write_text(text, encoding="utf-8")

    with pytest.raises(UsageError, match="damaged"):
        read_baseline(tmp_path)
    with pytest.raises(UsageError, match="damaged"):
        read_cursors(tmp_path)


def test_what_was_there_is_taken_off_and_what_was_unread_stays_unknown() -> None:
    now = Reading(
        {
            "all": {"": {"pv": 5, "uv": 2}},
            "day": {"2026-03-01": {"pv": 4, "uv": 2}, "2026-03-02": {"pv": 1, "uv": 1}},
            "hour": {},
        }
    )
    found = since(now, BEFORE)

    assert found.cells == {
        "all": {"": {"pv": 2, "uv": 0}},
        "day": {"2026-03-01": {"pv": 1, "uv": None}, "2026-03-02": {"pv": 1, "uv": 1}},
    }
    assert "hour" in found.errors


def test_what_was_held_of_the_namespace_is_kept(tmp_path: Path) -> None:
    assert read_namespace(tmp_path) == Namespace("new")

    write_baseline(tmp_path, BEFORE, Cursors(12, 3), Namespace("known", "ns.0.0", "a doubt"))

    assert read_namespace(tmp_path) == Namespace("known", "ns.0.0", "a doubt")
