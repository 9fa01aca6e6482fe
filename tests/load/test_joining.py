"""How a run comes to a worker: part by part, into a folder of its own, and nothing but what a run is."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from simulator.errors import UsageError
from simulator.load import joining
from simulator.load.joining import Arrival, check_target, files_of, fingerprint, part_of
from simulator.load.messages import BadMessage
from simulator.traffic.opened import OpenedRun, open_run
from tests.load.pretend_fleet import make


def run_message(opened: OpenedRun, **other: Any) -> dict[str, Any]:
    files = [[file.path, file.size] for file in files_of(opened.folder)]
    message = {"run": opened.manifest.run_id, "kind": "run", "name": "worker-1", "clock": 5, "files": files}
    return {**message, "folder": str(opened.folder), **other}


def making(folder: Path) -> Callable[[], Path]:
    def make_folder() -> Path:
        folder.mkdir()
        return folder

    return make_folder


def bring(arrival: Arrival, opened: OpenedRun) -> None:
    """Hand over every part that is asked for."""
    files = files_of(opened.folder)
    while not arrival.is_complete:
        file, offset = arrival.wanted["file"], arrival.wanted["offset"]
        arrival.take({"file": file, "offset": offset, "data": part_of(opened.folder, files[file], offset)})


def test_what_arrives_plans_the_same(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(joining, "CHUNK", 100)  # so that each file comes in many parts
    opened = make(tmp_path / "there")
    arrival = Arrival(run_message(opened), over_loopback=False, make_folder=making(tmp_path / "here"))
    bring(arrival, opened)

    assert (arrival.keeps, arrival.folder) == ("elsewhere", tmp_path / "here")
    assert fingerprint(open_run(tmp_path / "here")) == fingerprint(opened)
    assert sorted(path.name for path in (tmp_path / "here").rglob("*") if path.is_file()) == [
        "pretended.yaml",
        "run.json",
    ]


def test_a_part_that_was_not_asked_for_is_passed_over(tmp_path: Path) -> None:
    opened = make(tmp_path / "there")
    arrival = Arrival(run_message(opened), over_loopback=False, make_folder=making(tmp_path / "here"))
    arrival.take({"file": 1, "offset": 0, "data": b"x"})
    arrival.take({"file": 0, "offset": 7, "data": b"x"})

    assert arrival.wanted == {"kind": "fetch", "file": 0, "offset": 0}
    assert list((tmp_path / "here").iterdir()) == []


WHERE = [
    # over loopback, apart, the folder is there, where the ledger is kept
    ("on the same machine", True, False, True, "here"),
    ("on the same machine, but it shall be apart", True, True, True, "elsewhere"),
    ("by loopback into a container: another disk", True, False, False, "elsewhere"),
    ("on another machine with the same path", False, False, True, "elsewhere"),
]


@pytest.mark.parametrize(("loopback", "apart", "there", "keeps"), [w[1:] for w in WHERE], ids=[w[0] for w in WHERE])
def test_a_ledger_is_written_straight_into_the_run_only_where_that_is_certain(
    tmp_path: Path, loopback: bool, apart: bool, there: bool, keeps: str
) -> None:
    opened = make(tmp_path / "there")
    message = run_message(opened, folder=str(opened.folder if there else tmp_path / "nowhere"))
    arrival = Arrival(message, over_loopback=loopback, apart=apart, make_folder=making(tmp_path / "here"))

    assert (arrival.keeps, arrival.is_complete) == (keeps, keeps == "here")


def test_the_folder_of_another_run_is_not_this_one(tmp_path: Path) -> None:
    opened, other = make(tmp_path / "there"), make(tmp_path / "other")
    message = run_message(opened, folder=str(other.folder))

    assert Arrival(message, over_loopback=True, make_folder=making(tmp_path / "here")).keeps == "elsewhere"


OUTSIDE = ["../run.json", "/etc/passwd", "scenario/../../x", "scenario", "ledger/x", "scenario/a\\b", "scenario/\0"]


@pytest.mark.parametrize("path", OUTSIDE)
def test_a_path_that_leads_elsewhere_is_none(tmp_path: Path, path: str) -> None:
    opened = make(tmp_path / "there")
    message = run_message(opened, files=[[path, 1]])

    with pytest.raises(BadMessage, match="no file of a run"):
        Arrival(message, over_loopback=False, make_folder=making(tmp_path / "here"))
    assert not (tmp_path / "here").exists()


NO_FILES = [
    ("nothing", []),
    ("no list", {"run.json": 1}),
    ("no pair", [["run.json"]]),
    ("no size", [["run.json", "1"]]),
    ("below zero", [["run.json", -1]]),
    ("too large together", [["run.json", 40 << 20], ["scenario/x", 40 << 20]]),
    ("too many", [["run.json", 0]] * 1_001),
]


@pytest.mark.parametrize("files", [n[1] for n in NO_FILES], ids=[n[0] for n in NO_FILES])
def test_a_list_of_files_that_is_none(tmp_path: Path, files: object) -> None:
    message = run_message(make(tmp_path / "there"), files=files)

    with pytest.raises(BadMessage):
        Arrival(message, over_loopback=False, make_folder=making(tmp_path / "here"))


def test_a_file_that_grew_or_shrank_on_its_way_is_told(tmp_path: Path) -> None:
    opened = make(tmp_path / "there")
    arrival = Arrival(run_message(opened), over_loopback=False, make_folder=making(tmp_path / "here"))

    with pytest.raises(BadMessage, match=r"run\.json changed on its way"):
        arrival.take({"file": 0, "offset": 0, "data": b""})
    with pytest.raises(BadMessage, match=r"run\.json changed on its way"):
        arrival.take({"file": 0, "offset": 0, "data": bytes(100_000)})


def test_a_scenario_that_is_too_large_to_travel_is_told_before_anything_begins(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(joining, "_MOST_BYTES", 100)

    with pytest.raises(UsageError, match=r"the scenario has 2 files with .* bytes; what travels to workers is at most"):
        files_of(make(tmp_path).folder)


def test_a_target_on_loopback_is_another_one_on_another_machine(tmp_path: Path) -> None:
    opened = make(tmp_path)
    manifest = opened.manifest
    local = replace(opened, manifest=replace(manifest, target=replace(manifest.target, url="http://127.0.0.1:8000")))

    check_target(local, over_loopback=True)
    check_target(opened, over_loopback=False)
    with pytest.raises(UsageError, match=r"http://127\.0\.0\.1:8000, which on this machine is this machine"):
        check_target(local, over_loopback=False)


def test_another_plan_has_another_fingerprint(tmp_path: Path) -> None:
    one, two = fingerprint(make(tmp_path / "one")), fingerprint(make(tmp_path / "two"))
    others = [fingerprint(make(tmp_path / "three", count=91)), fingerprint(make(tmp_path / "four", seed=2))]

    assert one == two
    assert one not in others
