"""Includes: who wins, what is read, what is out of reach."""

from __future__ import annotations

from pathlib import Path

import pytest

from simulator.errors import ScenarioError
from simulator.scenario.load import load
from simulator.scenario.model import Enter, Launch

SHARED = """\
about: from the shared file
app: {name: shared, pages: [pages/a/a, pages/b/b]}
visitors: {count: 9, identities: {mobile: 10%, applet-wechat: 100%}, vars: {sku: [a], size: [s]}}
sources:
  ad: {weight: 7, scene: 1045}
  chat: {scene: 1007}
journeys:
  look: {about: shared, steps: [launch, exit]}
  other: {steps: [launch, exit]}
load: {arrivals: [{rate: 5/s, for: 5s}], spacing: even, clock: {start: recent, speed: 60}}
"""
OWN = """\
include: [parts/shared.yaml]
scenario: own
app: {name: own}
visitors: {identities: {mobile: 20%}, vars: {sku: [b, c]}}
sources:
  ad: {scene: 1046}
journeys:
  look: {steps: [launch, view: pages/b/b]}
load: {users: 3, clock: {speed: flood}}
"""


def write(folder: Path, **files: str) -> Path:
    """Files by name without ending, those with `parts_` in a folder of their own; the path of `own`."""
    (folder / "parts").mkdir()
    for name, text in files.items():
        path = folder / "parts" / f"{name[6:]}.yaml" if name.startswith("parts_") else folder / f"{name}.yaml"
        path.write_text(text, encoding="utf-8")
    return folder / "own.yaml"


def test_the_own_file_wins_key_by_key_and_entry_by_entry(tmp_path: Path) -> None:
    loaded = load(write(tmp_path, own=OWN, parts_shared=SHARED))
    scenario = loaded.scenario

    assert (scenario.scenario, scenario.about) == ("own", "from the shared file")
    assert (scenario.app.name, scenario.app.pages) == ("own", ["pages/a/a", "pages/b/b"])
    assert scenario.visitors.count == 9
    assert scenario.visitors.identities == {"mobile": 200_000, "applet-wechat": 1_000_000}
    assert scenario.visitors.vars == {"sku": ["b", "c"], "size": ["s"]}
    # An entry is replaced as a whole: its weight is the default again.
    assert (scenario.sources["ad"].weight, scenario.sources["ad"].scene) == (1, 1046)
    assert scenario.sources["chat"].scene == 1007
    assert (scenario.journeys["look"].about, len(scenario.journeys["look"].steps)) == ("", 2)
    assert scenario.journeys["other"].steps[0] == Launch(launch=Enter())
    # Users and arrivals exclude each other, so the own choice drops the included one.
    assert (scenario.load.users, scenario.load.arrivals) == (3, None)
    assert (scenario.load.clock.start, scenario.load.clock.speed) == ("recent", "flood")
    assert loaded.files == (Path("own.yaml"), Path("parts/shared.yaml"))
    assert loaded.folder == tmp_path


def test_a_later_include_wins_over_an_earlier_one(tmp_path: Path) -> None:
    own = "include: [parts/shared.yaml, parts/more.yaml]\nscenario: own\n"
    loaded = load(write(tmp_path, own=own, parts_shared=SHARED, parts_more="app: {name: more}\n"))

    assert loaded.scenario.app.name == "more"


def test_an_include_may_include_beside_itself_and_a_file_may_come_twice(tmp_path: Path) -> None:
    own = "include: [parts/first.yaml, parts/shared.yaml]\nscenario: own\napp: {tenant: t}\n"
    first = "include: [shared.yaml]\napp: {name: first}\n"
    loaded = load(write(tmp_path, own=own, parts_shared=SHARED, parts_first=first))

    assert loaded.files == (Path("own.yaml"), Path("parts/first.yaml"), Path("parts/shared.yaml"))
    assert loaded.scenario.app.name == "shared"


def test_an_included_whole_scenario_gives_what_is_missing(tmp_path: Path) -> None:
    loaded = load(write(tmp_path, own="include: [base.yaml]\nscenario: own\n", base=f"scenario: base\n{SHARED}"))

    assert loaded.scenario.scenario == "own"


def test_a_complaint_points_into_the_included_file(tmp_path: Path) -> None:
    broken = SHARED.replace("scene: 1007", "scen: 1007")
    with pytest.raises(ScenarioError) as refused:
        load(write(tmp_path, own="include: [parts/shared.yaml]\nscenario: own\n", parts_shared=broken))

    assert str(refused.value) == (
        f"{tmp_path}/parts/shared.yaml:6:10  sources.chat.scen  unknown key scen; did you mean scene?"
    )


def test_a_link_out_of_the_folder_is_out_of_reach(tmp_path: Path) -> None:
    inside = tmp_path / "inside"
    inside.mkdir()
    (tmp_path / "secret.yaml").write_text(SHARED)
    own = write(inside, own="include: [link.yaml]\nscenario: own\n")
    (inside / "link.yaml").symlink_to(tmp_path / "secret.yaml")
    with pytest.raises(ScenarioError, match="outside the folder of the scenario"):
        load(own)


def test_a_link_that_goes_round_is_refused(tmp_path: Path) -> None:
    own = write(tmp_path, own="include: [link.yaml]\nscenario: own\n")
    (tmp_path / "link.yaml").symlink_to(tmp_path / "link.yaml")
    with pytest.raises(ScenarioError, match=r"link\.yaml: "):
        load(own)


def test_the_bound_on_values_is_over_all_files(tmp_path: Path) -> None:
    rows = f"x: [&a [{', '.join('y' * 999)}], {', '.join(['*a'] * 59)}]\n"  # sixty thousand values, most by alias
    own = write(tmp_path, own="include: [parts/a.yaml, parts/b.yaml]\nscenario: own\n", parts_a=rows, parts_b=rows)
    with pytest.raises(ScenarioError, match=r"b.yaml:1:\d+  more than 100000 values"):
        load(own)


def test_names_that_no_file_can_have(tmp_path: Path) -> None:
    own = write(tmp_path, own=f'include: ["a\\0b", "", {"x" * 5000}, "."]\nscenario: own\n')
    with pytest.raises(ScenarioError) as refused:
        load(own)

    assert len(refused.value.complaints) == 4


LIST = """\
scenario: own
app: {pages: [pages/a/a]}
journeys: {a: {steps: [launch: {path: "pages/a/a?s={sku}"}]}}
load: {users: 1}
"""


def test_values_of_a_list_file_are_read(tmp_path: Path) -> None:
    (tmp_path / "skus.csv").write_bytes(b'\xef\xbb\xbfprice, sku\n5,"A, 1"\n6,\n7,B\n8\n')
    (tmp_path / "names.txt").write_text("张三\n\n  李四  \n", encoding="utf-8")
    own = tmp_path / "own.yaml"
    own.write_text(
        LIST + "visitors: {count: 1, vars: {sku: {file: skus.csv, column: sku}, who: {file: names.txt}, x: [1]}}\n"
    )
    loaded = load(own)

    assert loaded.scenario.lists == {"sku": ["A, 1", "B"], "who": ["张三", "李四"]}
    assert loaded.files == (Path("own.yaml"), Path("skus.csv"), Path("names.txt"))


def test_the_longest_value_of_a_list_counts_for_the_limit_of_a_path(tmp_path: Path) -> None:
    (tmp_path / "skus.txt").write_text(f"a\n{'b' * 117}\n")
    own = tmp_path / "own.yaml"
    own.write_text(LIST + "visitors: {count: 1, vars: {sku: {file: skus.txt}}}\n")
    with pytest.raises(ScenarioError, match="the path has 129 bytes"):
        load(own)


BROKEN = [
    ("no UTF-8", b"\xff\xfe", "no UTF-8"),
    ("an open quote", b'sku\n"a\n', "no CSV"),
    ("only a header", b"sku\n", "it has no values"),
]


@pytest.mark.parametrize(("data", "said"), [case[1:] for case in BROKEN], ids=[case[0] for case in BROKEN])
def test_list_files_that_cannot_be_read(tmp_path: Path, data: bytes, said: str) -> None:
    (tmp_path / "skus.csv").write_bytes(data)
    own = tmp_path / "own.yaml"
    own.write_text(LIST + "visitors: {count: 1, vars: {sku: {file: skus.csv, column: sku}}}\n")
    with pytest.raises(ScenarioError, match=said):
        load(own)
