"""mpsim in pytest, as a project has it that installed the package: no conftest, real sessions."""

from __future__ import annotations

import os
import re
import select
import signal
import subprocess
import sys
import time
from dataclasses import dataclass
from importlib.metadata import entry_points
from multiprocessing import get_context
from pathlib import Path

import pytest

from simulator.api import Run, UsageError, read_run
from simulator.pytest_plugin.once import NoRun, run_once
from simulator.pytest_plugin.recognising import is_scenario
from simulator.report.result import write_result
from tests.e2e.commands import IMPATIENT, ROOT, SCENARIOS, collector, environment
from tests.report.conftest import passing

FIRST_OPEN = (SCENARIOS / "first_open.yaml").read_text(encoding="utf-8")


@dataclass(frozen=True, slots=True)
class Session:
    """A pytest session that ended."""

    code: int
    out: str

    @property
    def counts(self) -> dict[str, int]:
        """Such as {"passed": 3, "failed": 1}."""
        last = self.out.strip().splitlines()[-1]
        return {word: int(count) for count, word in re.findall(r"(\d+) (passed|failed|errors|error|skipped)", last)}


def session(folder: Path, *arguments: object) -> Session:
    """pytest in a folder of its own, with nothing of this repository's configuration."""
    (folder / "pytest.ini").touch()
    command = [sys.executable, "-m", "pytest", "-p", "no:cacheprovider", "--basetemp", str(folder / ".tmp")]
    kept = {name: value for name, value in environment().items() if not name.startswith(("PYTEST_", "GITHUB_"))}
    ran = subprocess.run(
        [*command, *map(str, arguments)], cwd=folder, env=kept, capture_output=True, text=True, timeout=240, check=False
    )
    return Session(ran.returncode, ran.stdout + ran.stderr)


FILES = [
    ("the smallest", "scenario: a\napp: {}\n", True),
    ("comments before it", "# about\n\nscenario: 'a'   # name\njourneys:\n", True),
    ("quoted keys, Windows lines", '"scenario": a\r\n"load":\r\n', True),
    ("a mark at its beginning", "\ufeffscenario: a\napp: {}\n", True),
    ("a misspelt section", "scenario: a\nap: {}\njourneys: {}\n", True),
    ("nothing", "", False),
    ("a target file", "target: a\nurl: http://127.0.0.1\ntotals: {}\n", False),
    ("a part of a scenario, to be included", "sources:\n  a: {weight: 1}\n", False),
    ("somebody else's, with keys of its own", "scenario:\n  name: default\ndriver: {}\n", False),
    ("somebody else's, in braces", "scenario: {name: default}\napp: x\n", False),
    ("somebody else's, with nothing beside it", "scenario: default\nplatforms: []\n", False),
    ("inside of something", "data:\n  scenario: a\n  app: {}\n", False),
    ("not text", "\x00\x01\x02", False),
]


@pytest.mark.parametrize(("text", "is_one"), [row[1:] for row in FILES], ids=[row[0] for row in FILES])
def test_a_scenario_is_told_from_other_yaml(text: str, is_one: bool, tmp_path: Path) -> None:
    file = tmp_path / "some.yaml"
    file.write_bytes(text.encode())

    assert is_scenario(file) is is_one


def test_every_ready_scenario_is_one_and_nothing_beside_them() -> None:
    files = [path for path in (ROOT / "scenarios").rglob("*") if path.suffix in {".yaml", ".yml"}]

    assert {path for path in files if is_scenario(path)} == set(SCENARIOS.glob("*.yaml"))
    assert not is_scenario(ROOT / "nowhere.yaml")


def test_pytest_finds_the_plugin_by_its_entry_point() -> None:
    found = {one.name: one.value for one in entry_points(group="pytest11")}

    assert found["mpsim"] == "simulator.pytest_plugin"


def test_a_session_without_scenarios_pays_for_nothing() -> None:
    heavy = ["pydantic", "yaml", "locust", "gevent", "click", "rich", "httpx", "jinja2", "simulator.api"]
    code = f"import simulator.pytest_plugin, sys; sys.exit(str([name for name in {heavy} if name in sys.modules]))"
    ran = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=False)

    assert ran.stderr.strip() == "[]"


def test_only_scenarios_are_collected_and_each_has_its_tests(tmp_path: Path) -> None:
    (tmp_path / "deep").mkdir()
    (tmp_path / "deep" / "one.yaml").write_text(FIRST_OPEN, encoding="utf-8")
    (tmp_path / "other.yaml").write_text("scenario:\n  name: default\n", encoding="utf-8")
    (tmp_path / "target.yml").write_text("target: x\n", encoding="utf-8")
    ran = session(tmp_path, "--collect-only", "-q")

    assert ran.code == 0, ran.out
    names = [line for line in ran.out.splitlines() if "::" in line]
    assert names[:2] == ["deep/one.yaml::run", "deep/one.yaml::pv[all]"]
    assert len(names) == 1 + 4 * 5 + 2 + 4


def test_a_broken_scenario_is_an_error_with_its_lines_and_no_traceback(tmp_path: Path) -> None:
    (tmp_path / "bad.yaml").write_text(FIRST_OPEN.replace("journeys:", "journys:"), encoding="utf-8")
    ran = session(tmp_path)

    assert ran.code == 2
    assert re.search(r"bad\.yaml:\d+:1 +journys +unknown key journys; did you mean journeys\?", ran.out), ran.out
    assert "Traceback" not in ran.out
    assert "site-packages" not in ran.out


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (
            ["--mpsim-visitors", "none"],
            "--mpsim-visitors or mpsim_visitors: expected a whole number from 1, not 'none'",
        ),
        (["-o", "mpsim_seed=-1"], "--mpsim-seed or mpsim_seed: expected a whole number from 0, not '-1'"),
    ],
)
def test_an_option_that_is_none_is_told_before_anything_is_collected(
    arguments: list[str], said: str, tmp_path: Path
) -> None:
    ran = session(tmp_path, *arguments)

    assert ran.code == 4
    assert said in ran.out
    assert "Traceback" not in ran.out


def test_a_run_that_cannot_begin_is_an_error_of_each_test_in_a_line(tmp_path: Path) -> None:
    (tmp_path / "one.yaml").write_text(FIRST_OPEN, encoding="utf-8")
    ran = session(tmp_path, "--mpsim-target", "http://127.0.0.1:9", "-k", "run or pv")

    assert (ran.code, ran.counts) == (1, {"errors": 8}), ran.out
    assert "one.yaml was not run: " in ran.out
    assert "127.0.0.1:9" in ran.out
    assert "another exception" not in ran.out
    assert "Traceback" not in ran.out
    assert "site-packages" not in ran.out


@pytest.mark.slow
def test_a_scenario_passes_with_a_junit_file_and_its_run_is_kept_where_it_should_be(tmp_path: Path) -> None:
    (tmp_path / "one.yaml").write_text(FIRST_OPEN, encoding="utf-8")
    ran = session(tmp_path, "--mpsim-seed", "3", "--mpsim-out", "runs", "--junitxml", "junit.xml", "-n", "2")

    assert (ran.code, ran.counts) == (0, {"passed": 27}), ran.out
    (folder,) = (tmp_path / "runs").iterdir()
    assert (read_run(folder).result.seed, read_run(folder).result.command) == (3, "mpsim run one.yaml --seed 3")
    junit = (tmp_path / "junit.xml").read_text(encoding="utf-8")
    assert 'name="opens[source]"' in junit
    assert f'<property name="mpsim_report" value="{folder}/report.html"' in junit


@pytest.mark.slow
def test_a_wrong_collector_fails_the_tests_that_it_breaks_and_says_so_without_a_traceback(tmp_path: Path) -> None:
    (tmp_path / "two.yaml").write_text(FIRST_OPEN.replace("count: 1", "count: 40"), encoding="utf-8")
    (tmp_path / "impatient.yaml").write_bytes(IMPATIENT[1].read_bytes())
    with collector(tmp_path / "mpsim.db", fault="loses-one") as url:
        ran = session(tmp_path, "--mpsim-target", url, "-o", "mpsim_contract=impatient.yaml", "-k", "two", "-rA")

    assert ran.code == 1
    assert "FAILED two.yaml::pv[all] - Failed: PV in total: expected 120, observed 119" in ran.out, ran.out
    assert re.search(r"PASSED two\.yaml::findings\[collector\]", ran.out)
    assert re.search(r"^replay: mpsim replay \S*two-\d", ran.out, re.MULTILINE)
    assert "Traceback" not in ran.out
    assert "site-packages" not in ran.out


@pytest.mark.slow
def test_ctrl_c_ends_the_session_with_the_run_in_order_and_nothing_more_is_sent(tmp_path: Path) -> None:
    paced = (SCENARIOS / "recorded_morning.csv").read_bytes()
    (tmp_path / "recorded_morning.csv").write_bytes(paced)
    for name in ("a", "b"):
        (tmp_path / f"{name}.yaml").write_bytes((SCENARIOS / "recorded_morning.yaml").read_bytes())
    (tmp_path / "pytest.ini").write_text("[pytest]\nmpsim_out = runs\n", encoding="utf-8")
    command = [sys.executable, "-m", "pytest", "-p", "no:cacheprovider", str(tmp_path)]
    deadline = time.monotonic() + 60
    with subprocess.Popen(command, cwd=ROOT, env=environment(), stdout=subprocess.PIPE, text=True) as running:
        while not any('"phase": "load"' in file.read_text() for file in tmp_path.glob("runs/*/progress.json")):
            assert time.monotonic() < deadline
            assert running.poll() is None
            select.select([], [], [], 0.05)
        running.send_signal(signal.SIGINT)
        said = running.communicate(timeout=60)[0]

    assert running.returncode == 2, said
    assert "KeyboardInterrupt" in said
    (folder,) = (tmp_path / "runs").iterdir()
    assert read_run(folder).verdict == "incomplete"


TEST_FILE = """
import httpx
from urllib.parse import urlencode

def test_a_tracker(mpsim_collector):
    query = urlencode({"event": "mini_program_open", "anonymousId": "a", "date": "2026-03-01T00:00:00.000Z"})
    httpx.get(f"{mpsim_collector.url}/cbe/__utm?{query}", trust_env=False)
    assert mpsim_collector.totals()[""]["opens"] == 1

def test_a_run(mpsim_collector, run_scenario, tmp_path):
    run = run_scenario("beside.yaml", target=mpsim_collector.url)
    assert run.passed, run.sentence
    assert run.metric("pv").observed == 3 * 2
    assert run.result.seed == 9
    assert run.folder == tmp_path / "mpsim-run-1"
    assert mpsim_collector.totals()[""]["uv"] == 2
"""


@pytest.mark.slow
def test_the_fixtures_are_a_collector_and_a_run(tmp_path: Path) -> None:
    (tmp_path / "tests").mkdir()
    (tmp_path / "tests" / "test_own.py").write_text(TEST_FILE, encoding="utf-8")
    (tmp_path / "tests" / "beside.yaml").write_text(FIRST_OPEN, encoding="utf-8")
    ran = session(tmp_path, "tests/test_own.py", "--mpsim-visitors", "2", "-o", "mpsim_seed=9", "-W", "error")

    assert (ran.code, ran.counts) == (0, {"passed": 2}), ran.out


def in_the_checkout(*arguments: str) -> subprocess.CompletedProcess[str]:
    """pytest as somebody types it in a checkout."""
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", *arguments]
    return subprocess.run(command, cwd=ROOT, env=environment(), capture_output=True, text=True, check=False)


def test_every_ready_scenario_is_collected_with_no_conftest() -> None:
    ran = in_the_checkout("scenarios", "--collect-only")

    assert not list((ROOT / "scenarios").rglob("conftest.py"))
    assert ran.returncode == 0, ran.stdout
    files = {line.split("::")[0] for line in ran.stdout.splitlines() if "::" in line}
    assert files == {f"scenarios/{path.name}" for path in SCENARIOS.glob("*.yaml")}


ALL = pytest.param(("scenarios",), marks=[pytest.mark.proof, pytest.mark.timeout(900)], id="all of them")
SOME = pytest.param(("scenarios/anonymous.yaml", "scenarios/timeout_gaps.yaml"), id="two of them")


@pytest.mark.slow
@pytest.mark.parametrize("files", [SOME, ALL])
def test_pytest_runs_ready_scenarios_with_no_conftest(files: tuple[str, ...]) -> None:
    """By the plan of another seed than tests/e2e/test_scenarios.py takes."""
    ran = in_the_checkout(*files, "--mpsim-speed", "flood", "--mpsim-seed", "2")

    assert ran.returncode == 0, ran.stdout
    assert re.search(r"^\d+ passed in", ran.stdout, re.MULTILINE), ran.stdout


# ---- once -----------------------------------------------------------------------------------------------------------


def _judged(folder: Path) -> Run:
    """A run that notes each time that it is sent."""
    folder.mkdir()
    write_result(folder / "result.json", passing())
    with (folder.parent / "sent").open("a") as file:
        file.write(f"{os.getpid()}\n")
    return read_run(folder)


def _once(base: Path) -> None:
    assert run_once(base / "shared", "a.yaml", lambda: _judged(base / "run")).passed


def test_a_scenario_is_sent_once_by_however_many_processes(tmp_path: Path) -> None:
    processes = [get_context("spawn").Process(target=_once, args=(tmp_path,)) for _ in range(3)]
    for process in processes:
        process.start()
    for process in processes:
        process.join(60)

    assert [process.exitcode for process in processes] == [0, 0, 0]
    assert len((tmp_path / "sent").read_text().splitlines()) == 1


def test_why_there_is_no_run_is_noted_and_it_is_not_tried_again(tmp_path: Path) -> None:
    tried = []

    def fail() -> Run:
        tried.append(1)
        raise UsageError("nobody is there")

    for _ in range(2):
        with pytest.raises(NoRun, match="nobody is there"):
            run_once(tmp_path, "a.yaml", fail)

    assert tried == [1]


def test_where_the_one_who_sent_died_the_next_one_sends(tmp_path: Path) -> None:
    def die() -> Run:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        run_once(tmp_path, "a.yaml", die)

    assert run_once(tmp_path, "a.yaml", lambda: _judged(tmp_path / "run")).passed


def test_a_run_that_was_removed_meanwhile_is_told(tmp_path: Path) -> None:
    run_once(tmp_path, "a.yaml", lambda: _judged(tmp_path / "run"))
    (tmp_path / "run" / "result.json").unlink()

    with pytest.raises(NoRun, match="cannot be read"):
        run_once(tmp_path, "a.yaml", lambda: _judged(tmp_path / "again"))
