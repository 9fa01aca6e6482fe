"""Lists of instants: what a file of arrivals is read as. What is wrong with one is in errors/instants_*."""

from __future__ import annotations

import pickle
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from simulator.errors import ScenarioError
from simulator.scenario import instants
from simulator.scenario.load import Loaded, load
from simulator.scenario.model import InstantsFile
from simulator.times import Ms, iso_local, parse_instant

HEAD = """\
scenario: listed
app: {pages: [pages/a]}
journeys: {only: {steps: [launch, exit]}}
"""
NINE = parse_instant("2026-03-01T09:00:00+08:00")
MORNING = (
    "2026-03-01T09:00:00+08:00\n2026-03-01T01:00:00.250Z\n2026-03-01T09:00:00.250+08:00\n2026-03-01T10:00:00+08:00\n"
)


def loaded(folder: Path, listed: str, load_section: str, name: str = "at.txt") -> Loaded:
    (folder / name).write_text(listed, encoding="utf-8")
    (folder / "s.yaml").write_text(f"{HEAD}load: {load_section}\n", encoding="utf-8")
    return load(folder / "s.yaml")


def test_offsets_count_from_the_start(tmp_path: Path) -> None:
    found = loaded(tmp_path, "0s\n250ms\n\n1.5s\n1.5s\n1m30s\n", "{arrivals: {file: at.txt}}")

    assert list(found.scenario.instants) == [0, 250, 1_500, 1_500, 90_000]
    assert found.scenario.load.clock.start == "recent"


def test_the_file_travels_with_the_scenario(tmp_path: Path) -> None:
    (tmp_path / "lists").mkdir()
    found = loaded(tmp_path, "0s\n", "{arrivals: {file: lists/at.txt}}", "lists/at.txt")

    assert found.files == (Path("s.yaml"), Path("lists/at.txt"))
    assert pickle.loads(pickle.dumps(found.scenario)).instants == found.scenario.instants


def test_without_a_start_the_first_instant_is_the_start(tmp_path: Path) -> None:
    scenario = loaded(tmp_path, MORNING, "{arrivals: {file: at.txt}, clock: {speed: 60}}").scenario

    assert (scenario.load.clock.start, scenario.load.clock.speed) == (NINE, 60)
    assert list(scenario.instants) == [0, 250, 250, 3_600_000]


def test_after_a_given_start_instants_stand_where_they_say(tmp_path: Path) -> None:
    section = "{arrivals: {file: at.txt}, clock: {start: 2026-03-01T08:59:59+08:00}}"
    scenario = loaded(tmp_path, MORNING, section).scenario

    assert scenario.load.clock.start == NINE - 1_000
    assert list(scenario.instants) == [1_000, 1_250, 1_250, 3_601_000]


def test_the_first_instant_may_be_the_given_start(tmp_path: Path) -> None:
    section = "{arrivals: {file: at.txt}, clock: {start: 2026-03-01T09:00:00+08:00}}"

    assert loaded(tmp_path, MORNING, section).scenario.instants[0] == 0


def test_under_a_recent_start_the_list_is_moved_as_a_whole(tmp_path: Path) -> None:
    scenario = loaded(tmp_path, MORNING, "{arrivals: {file: at.txt}, clock: {start: recent}}").scenario

    assert scenario.load.clock.start == "recent"
    assert list(scenario.instants) == [0, 250, 250, 3_600_000]


def test_a_column_of_a_csv_is_read_under_its_name(tmp_path: Path) -> None:
    table = '\ufeffwho, at ,what\n"a, b",0s,x\n"two\nlines",1s,y\nc,,z\nd,2s,\n'
    found = loaded(tmp_path, table, "{arrivals: {file: at.csv, column: at, name: monday}}", "at.csv")

    assert list(found.scenario.instants) == [0, 1_000, 2_000]
    assert found.scenario.load.arrivals == InstantsFile(file="at.csv", column="at", name="monday")


def test_a_wrong_line_of_a_csv_is_counted_as_an_editor_counts(tmp_path: Path) -> None:
    table = 'who,at\n"two\nlines",1s\nc,0s\n'
    with pytest.raises(ScenarioError) as refused:
        loaded(tmp_path, table, "{arrivals: {file: at.csv, column: at}}", "at.csv")

    (complaint,) = refused.value.complaints
    assert (Path(complaint.file).name, complaint.line) == ("at.csv", 4)
    assert complaint.text == "0s comes before 1s in line 3; expected them ascending"


@pytest.mark.parametrize(
    ("listed", "said"),
    [
        ("2026-13-01T00:00:00Z\n", "expected an offset with a unit"),
        ("1970-06-01T00:00:00Z\n", "expected an instant from 1971 to 9000"),
        ("9999-06-01T00:00:00Z\n", "expected an instant from 1971 to 9000"),
        ("-1s\n", "expected an offset with a unit"),
        ("=cmd()\n", "expected an offset with a unit"),
        ("0s\n999999999999d\n", r"at.txt:2:1 .* expected at most 36600d after the start"),
        ("\n \n", "it has no instants"),
    ],
)
def test_what_is_no_list_is_refused(listed: str, said: str, tmp_path: Path) -> None:
    with pytest.raises(ScenarioError, match=said):
        loaded(tmp_path, listed, "{arrivals: {file: at.txt}}")


def test_a_list_is_bounded(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(instants, "MAX_VALUES", 3)
    assert len(loaded(tmp_path, "0s\n1s\n2s\n", "{arrivals: {file: at.txt}}").scenario.instants) == 3
    with pytest.raises(ScenarioError, match="more than 3 instants"):
        loaded(tmp_path, "0s\n1s\n2s\n3s\n", "{arrivals: {file: at.txt}}")

    monkeypatch.setattr(instants, "MAX_BYTES", 1 << 20)
    with pytest.raises(ScenarioError, match="larger than 1 MiB"):
        loaded(tmp_path, "\n" * ((1 << 20) + 1), "{arrivals: {file: at.txt}}")


def test_an_included_list_is_replaced_by_own_phases(tmp_path: Path) -> None:
    (tmp_path / "base.yaml").write_text("load: {arrivals: {file: nowhere.txt}}\n", encoding="utf-8")
    (tmp_path / "s.yaml").write_text(
        f"{HEAD}include: [base.yaml]\nload: {{arrivals: [{{rate: 1/s, for: 2s}}]}}\n", encoding="utf-8"
    )

    assert list(load(tmp_path / "s.yaml").scenario.instants) == []


@given(st.lists(st.integers(0, 10**11), min_size=1, max_size=40).map(sorted), st.sampled_from(["Asia/Shanghai", "UTC"]))
def test_what_is_written_is_read_back(offsets: list[int], zone: str) -> None:
    import tempfile

    listed = "".join(f"{iso_local(Ms(NINE + offset), zone)}\n" for offset in offsets)
    section = f"{{arrivals: {{file: at.txt}}, clock: {{start: {iso_local(NINE, zone)}}}}}"
    with tempfile.TemporaryDirectory() as folder:
        assert list(loaded(Path(folder), listed, section).scenario.instants) == offsets
