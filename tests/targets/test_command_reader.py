"""Totals that a program prints: its arguments, its time, its output, and what is said when it goes wrong."""

from __future__ import annotations

import json
import sys
import time
from pathlib import Path
from typing import Any

import pytest

from simulator.scenario.target_reading import CommandEventsSection, CommandSection
from simulator.verify.readers import command
from simulator.verify.readers.command import CommandEvents, CommandTotals
from simulator.verify.readers.fetch import Unreadable
from simulator.verify.readers.reading import Reading
from tests.targets.settings import BEGIN, END, setting


def totals(code: str, *arguments: str, folder: Path = Path(), **more: Any) -> Reading:
    section = CommandSection.model_validate({"run": [sys.executable, "-c", code, *arguments], **more})
    return CommandTotals(section, setting(folder=folder)).read(BEGIN, END)


def prints(document: object) -> str:
    return f"print({json.dumps(document)!r})"


def test_it_prints_the_cells_themselves() -> None:
    reading = totals(prints({"all": {"": {"pv": 3, "uv": 1}}, "source": {"ad": {"pv": 3}}, "page": {}}))

    assert reading.cells["all"][""] == {"pv": 3, "uv": 1, "opens": None, "new_users": None}
    assert reading.cells["source"] == {"ad": {"pv": 3, "uv": None, "opens": None, "new_users": None}}
    assert reading.cells["page"] == {}
    assert {by for _, by in reading.missing} == {"all", "source", "content", "hour", "day"}
    assert reading.gives("pv", "page")


def test_it_prints_whatever_the_target_file_understands() -> None:
    figures = [{"by": "day", "rows": "d", "pv": "views"}]

    reading = totals(prints({"d": {"2026-03-01": {"views": 4}}}), figures=figures)

    assert reading.cells["day"]["2026-03-01"]["pv"] == 4


def test_arguments_are_filled_and_no_shell_reads_them(tmp_path: Path) -> None:
    code = (
        "import json, os, sys\n"
        "print(json.dumps({'source': {'|'.join(sys.argv[1:]): {'pv': 1}, os.getcwd(): {'pv': 2}}}))"
    )

    reading = totals(code, "{from}", "$HOME; ls", "{{x}}", folder=tmp_path)

    assert set(reading.cells["source"]) == {"2026-02-28T16:00:00.000Z|$HOME; ls|{x}", str(tmp_path)}


@pytest.mark.parametrize(
    ("code", "said"),
    [
        ("print('no json')", "not JSON: 'no json"),
        ("import sys; sys.exit('the table is gone')", "it ended with 1: the table is gone"),
        ("import os; os.kill(os.getpid(), 9)", "it ended with -9"),
        ("print('[]')", "no keys such as \"all\" in it: '[]'"),
        ("print('{\"all\": 3}')", "all: expected cells with their figures"),
        ('print(\'{"all": {"": 3}}\')', "all: expected cells with their figures"),
    ],
)
def test_what_cannot_be_used_is_told(code: str, said: str) -> None:
    assert said in totals(code).errors["all"]


def test_a_program_that_is_not_there_is_told() -> None:
    section = CommandSection.model_validate({"run": ["/no/such/program"]})

    reading = CommandTotals(section, setting()).read(BEGIN, END)

    assert reading.errors["all"] == "/no/such/program: it cannot be started: No such file or directory"
    assert reading.cells == {}


def test_a_program_that_takes_too_long_is_ended_with_all_that_it_started(tmp_path: Path) -> None:
    code = (
        "import os, subprocess, sys, time\n"
        "child = subprocess.Popen([sys.executable, '-c', 'import time; time.sleep(60)'])\n"
        f"open({str(tmp_path / 'pid')!r}, 'w').write(str(child.pid)); time.sleep(60)"
    )
    began = time.monotonic()

    reading = totals(code, timeout="1s")

    assert "it was not done after 1 s" in reading.errors["all"]
    assert time.monotonic() - began < 20
    child = int((tmp_path / "pid").read_text())
    deadline = time.monotonic() + 20
    while _is_alive(child):
        assert time.monotonic() < deadline
        time.sleep(0.01)


def _is_alive(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False


def test_a_program_that_prints_without_end_is_ended(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(command, "MAX_BYTES", 1 << 20)

    reading = totals("import itertools\nfor _ in itertools.count(): print('x' * 1000)")

    assert "it printed more than" in reading.errors["all"]


def test_much_on_its_standard_error_blocks_nobody() -> None:
    code = "import sys; sys.stderr.write('x' * 3_000_000); " + prints({"all": {"": {"pv": 1}}})

    assert totals(code).cells["all"][""]["pv"] == 1


def test_events_are_listed_by_a_program() -> None:
    code = prints({"rows": [{"id": "n.0.1"}, {"id": "n.0.2"}]})
    section = CommandEventsSection.model_validate(
        {"run": [sys.executable, "-c", code], "rows": "rows", "fields": {"external_id": "id"}}
    )
    reader = CommandEvents(section, setting())

    first, second = reader.events("good")
    assert [event.external_id for event in (first, second)] == ["n.0.1", "n.0.2"]
    assert list(reader.events("good", after=first.cursor)) == [second]
    assert reader.fields == {"external_id"}
    with pytest.raises(Unreadable):
        next(reader.events("bad"))


def test_nothing_is_left_open() -> None:
    before = len(list(Path("/proc/self/fd").iterdir()))
    for _ in range(5):
        totals(prints({}))

    assert len(list(Path("/proc/self/fd").iterdir())) <= before
