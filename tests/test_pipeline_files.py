"""The composite action and the Dockerfile are what they say: neither runs here, so their text is held to rules."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml

from simulator import api
from simulator.cli import compare, run
from simulator.pytest_plugin.settings import OPTIONS
from tests.e2e.commands import ROOT, environment

ACTION = ROOT / ".github" / "actions" / "mpsim" / "action.yml"
DOCKERFILE = (ROOT / "Dockerfile").read_text(encoding="utf-8")


@pytest.fixture(scope="module")
def action() -> dict[str, Any]:
    document: dict[str, Any] = yaml.safe_load(ACTION.read_text(encoding="utf-8"))
    return document


def test_the_action_has_the_shape_of_a_composite_one(action: dict[str, Any]) -> None:
    """Source: docs.github.com, "Metadata syntax for GitHub Actions"."""
    assert set(action) == {"name", "description", "inputs", "outputs", "runs"}
    assert action["runs"]["using"] == "composite"
    for one in action["inputs"].values():
        assert one["description"].endswith(".")
        assert one.get("required") is True or isinstance(one["default"], str)
    for step in action["runs"]["steps"]:
        assert ("uses" in step) is not ("run" in step)
        assert step.get("shell") == ("bash" if "run" in step else None)


def test_only_official_actions_are_used_and_each_is_pinned_by_its_commit(action: dict[str, Any]) -> None:
    used = [step["uses"] for step in action["runs"]["steps"] if "uses" in step]

    assert used
    assert [one for one in used if not re.fullmatch(r"actions/[a-z-]+@[0-9a-f]{40}", one)] == []
    for line in ACTION.read_text(encoding="utf-8").splitlines():
        assert "uses: actions/" not in line or re.search(r"# v\d+\.\d+\.\d+$", line), line


def test_every_input_is_used_and_none_is_part_of_a_shells_text(action: dict[str, Any]) -> None:
    steps = action["runs"]["steps"]
    text = str([{key: value for key, value in step.items() if key != "run"} for step in steps])

    assert {name for name in action["inputs"] if f"inputs.{name}" not in text} == set()
    assert set(re.findall(r"inputs\.([a-z-]+)", text)) <= set(action["inputs"])
    assert [step for step in steps if "${{" in step.get("run", "")] == []
    for step in steps:
        for variable in step.get("env", {}):
            assert f"${variable}" in step["run"]


def test_every_output_is_written(action: dict[str, Any]) -> None:
    (script,) = [step["run"] for step in action["runs"]["steps"] if step.get("id") == "run"]

    assert {f"{name}=" for name in action["outputs"]} <= set(re.findall(r'echo "([a-z-]+=)', script))


def test_every_option_that_the_action_gives_is_one_of_run(action: dict[str, Any]) -> None:
    known = {option for one in run.command.params for option in one.opts}
    (script,) = [step["run"] for step in action["runs"]["steps"] if step.get("id") == "run"]

    given = set(re.findall(r"--[a-z-]+", script))
    assert given
    assert given <= known


def _script(action: dict[str, Any], tmp_path: Path, **inputs: str) -> tuple[subprocess.CompletedProcess[str], str]:
    """The step that runs mpsim, by bash, with mpsim as it is installed here."""
    (step,) = [step for step in action["runs"]["steps"] if step.get("id") == "run"]
    program = tmp_path / "mpsim" / "bin" / "mpsim"
    program.parent.mkdir(parents=True)
    program.write_text(f'#!/bin/sh\nexec "{sys.executable}" -m simulator "$@"\n', encoding="utf-8")
    program.chmod(0o755)
    output = tmp_path / "output"
    defaults = {name.upper().replace("-", "_"): str(one.get("default", "")) for name, one in action["inputs"].items()}
    given = {**defaults, **inputs, "RUNNER_TEMP": str(tmp_path), "GITHUB_OUTPUT": str(output)}
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    ran = subprocess.run(
        ["bash", "--noprofile", "--norc", "-eo", "pipefail", "-c", step["run"]],
        cwd=tmp_path,
        env={**environment(), **given, "PATH": path, "GITHUB_WORKSPACE": str(tmp_path)},
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    return ran, output.read_text(encoding="utf-8")


@pytest.mark.slow
def test_the_script_of_the_action_runs_a_scenario(action: dict[str, Any], tmp_path: Path) -> None:
    shutil.copy(ROOT / "scenarios" / "first_open.yaml", tmp_path / "a b.yaml")
    ran, output = _script(
        action, tmp_path, SCENARIO="a b.yaml", VISITORS="2", ARGUMENTS="--namespace=$(touch x)\n\n-q\n"
    )

    assert ran.returncode == 0, ran.stdout + ran.stderr
    assert output == "verdict=pass\nexit-code=0\nreport=mpsim-run/report.html\n"
    assert not (tmp_path / "x").exists()


@pytest.mark.slow
def test_the_script_of_the_action_ends_with_the_exit_code(action: dict[str, Any], tmp_path: Path) -> None:
    ran, output = _script(action, tmp_path, SCENARIO="nowhere.yaml")

    assert (ran.returncode, output.splitlines()[:2]) == (5, ["verdict=error", "exit-code=5"])


# ---- Dockerfile -----------------------------------------------------------------------------------------------------


def instructions() -> list[tuple[str, str]]:
    """(instruction, its arguments), comments left out."""
    lines = [line for line in DOCKERFILE.splitlines() if line and not line.startswith("#")]
    return [(line.partition(" ")[0], line.partition(" ")[2]) for line in lines]


def test_the_dockerfile_copies_only_what_there_is_and_all_that_the_package_needs() -> None:
    copied = [
        source
        for name, rest in instructions()
        if name == "COPY" and not rest.startswith("--from=")
        for source in rest.split()[:-1]
    ]

    assert [source for source in copied if not (ROOT / source).exists()] == []
    assert set(copied) == {"pyproject.toml", "README.md", "LICENSE", "simulator"}
    kept = (ROOT / ".dockerignore").read_text(encoding="utf-8").splitlines()
    assert {line[1:] for line in kept if line.startswith("!")} == set(copied)


def test_the_dockerfile_fetches_nothing_but_packages_and_runs_as_nobody() -> None:
    given = instructions()
    bases = [rest.split()[0] for name, rest in given if name == "FROM"]

    assert {name for name, _ in given} == {
        "FROM", "WORKDIR", "COPY", "RUN", "ENV", "USER", "STOPSIGNAL", "ENTRYPOINT", "CMD",
    }  # fmt: skip
    assert [base for base in bases if not re.fullmatch(r"python:3\.\d+-slim-[a-z]+", base)] == []
    assert not re.search(r"curl|wget|git |apt|https?:", "".join(rest for name, rest in given if name == "RUN"))
    assert [rest for name, rest in given if name == "USER"] == ["10001"]
    assert [name for name, _ in given].index("USER") < [name for name, _ in given].index("ENTRYPOINT")


def test_its_commands_are_ones_of_mpsim() -> None:
    (example,) = re.findall(r"mpsim run (\S+)$", DOCKERFILE, re.MULTILINE)

    assert (ROOT / example).exists()
    assert ("ENTRYPOINT", '["mpsim"]') in instructions()


# ---- the page -------------------------------------------------------------------------------------------------------

PAGE = (ROOT / ".github" / "docs" / "pipeline.md").read_text(encoding="utf-8")


def test_every_option_and_name_on_the_page_for_the_pipeline_is_there() -> None:
    ours = {option for module in (run, compare) for one in module.command.params for option in one.opts}
    plugin = {f"--mpsim-{option.text}" for option in OPTIONS}
    others = {"--dist", "--durations"}  # of pytest and pytest-xdist

    named = set(re.findall(r"(?<![\w-])--[a-z][a-z-]+", PAGE))
    assert named - ours - plugin - others == set()
    assert plugin <= named
    (line,) = re.findall(r"^from simulator\.api import (.+)$", PAGE, re.MULTILINE)
    assert {name for name in line.split(", ") if name not in api.__all__} == set()
    for attribute in re.findall(r"\brun\.(?!json)(\w+)", PAGE):
        assert hasattr(api.Run, attribute), attribute
