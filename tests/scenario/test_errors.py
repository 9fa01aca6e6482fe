"""Every file in errors/ is refused with exactly the text of its .err file; REFRESH_GOLDEN=1 writes them anew."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from simulator.errors import UsageError
from simulator.scenario.load import load, load_scenario_text

HERE = Path(__file__).parent
ERRORS = sorted((HERE / "errors").glob("*.yaml"))


@pytest.mark.parametrize("file", ERRORS, ids=[file.stem for file in ERRORS])
def test_what_the_user_reads(file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(HERE)
    golden = file.with_suffix(".err")
    with pytest.raises(UsageError) as refused:
        load(file.relative_to(HERE))
    said = f"{refused.value}\n"

    if os.environ.get("REFRESH_GOLDEN") == "1":
        golden.write_text(said, encoding="utf-8")
    assert said == golden.read_text(encoding="utf-8")


def test_every_golden_has_its_file() -> None:
    assert {file.stem for file in (HERE / "errors").glob("*.err")} == {file.stem for file in ERRORS}


def test_a_missing_file_names_a_near_one(tmp_path: Path) -> None:
    (tmp_path / "campaign_day.yaml").write_text("scenario: a\n")
    with pytest.raises(UsageError, match=r"campain_day.yaml: no such file; did you mean .*campaign_day.yaml\?"):
        load(tmp_path / "campain_day.yaml")


def test_a_folder_is_no_scenario(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="this is no file"):
        load(tmp_path)


def test_bytes_that_are_no_utf8_have_a_place(tmp_path: Path) -> None:
    file = tmp_path / "a.yaml"
    file.write_bytes(b"scenario: a\nabout: \xe4\xbd\xa0\xff\n")
    with pytest.raises(UsageError, match=r"a.yaml:2:9  the byte 0xff is no UTF-8"):
        load(file)


def test_a_file_of_one_mebibyte_and_a_byte_is_too_large(tmp_path: Path) -> None:
    file = tmp_path / "a.yaml"
    file.write_bytes(b"#" * ((1 << 20) + 1))
    with pytest.raises(UsageError, match="larger than 1 MiB"):
        load(file)


def test_a_control_character_has_a_place() -> None:
    with pytest.raises(UsageError, match=r"a.yaml:2:9  the character U\+0007 may not stand"):
        load_scenario_text("scenario: a\nabout: x\x07", "a.yaml", HERE)


def test_half_a_surrogate_pair_is_refused() -> None:
    with pytest.raises(UsageError, match="half of a surrogate pair"):
        load_scenario_text('scenario: a\nabout: "\\ud83d"\n', "a.yaml", HERE)


def test_more_than_25_complaints_end_with_how_many_more() -> None:
    keys = "".join(f"key{number}: 1\n" for number in range(40))
    with pytest.raises(UsageError) as refused:
        load_scenario_text(keys, "a.yaml", HERE)

    assert str(refused.value).splitlines()[-1].endswith("… and 19 more")
