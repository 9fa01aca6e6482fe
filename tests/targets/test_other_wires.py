"""Other wire formats by the target files of scenarios/targets/: ids that name no visitor, and requests of one's own."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.bench.processes import running
from tests.e2e.commands import SCENARIOS, mpsim, result_of
from tests.targets.components import TARGETS, needs_nginx, nginx

pytestmark = pytest.mark.slow

SCENARIO = SCENARIOS / "returning_visitors.yaml"


@contextmanager
def micro(folder: Path) -> Iterator[Path]:
    """The target file of a Micro that answers."""
    command = [sys.executable, str(Path(__file__).with_name("small_micro.py"))]
    with running(command, folder / "micro.out", say=subprocess.PIPE) as process:
        assert process.stdout is not None
        url = process.stdout.readline().decode().strip()
        text = (TARGETS / "snowplow_micro.yaml").read_text(encoding="utf-8").replace("http://127.0.0.1:9090", url)
        file = folder / "micro.yaml"
        file.write_text(text.replace("deadline: 30s", "deadline: 3s").replace("quiet: 2s", "quiet: 500ms"))
        yield file


def test_snowplow_is_judged_by_what_its_collector_lists(tmp_path: Path) -> None:
    with micro(tmp_path) as file:
        ran = mpsim("run", SCENARIO, "--target", file, "--visitors", 60, "--out", tmp_path / "run", "-q")

    result = result_of(tmp_path / "run")
    assert ran.code == 0, ran
    assert "Every stored event was compared with the plan." in result["notes"]
    assert {one["metric"] for one in result["metrics"]} == {"pv", "uv", "opens", "new_users"}


@needs_nginx
def test_a_pixel_of_one_s_own_words_is_read_from_the_log(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with nginx(tmp_path / "nginx") as server:
        monkeypatch.setenv("MPSIM_LOG", str(server.log))
        text = (TARGETS / "generic_pixel.yaml").read_text(encoding="utf-8")
        file = tmp_path / "pixel.yaml"
        file.write_text(text.replace("http://127.0.0.1:8080", server.url), encoding="utf-8")

        ran = mpsim("run", SCENARIO, "--target", file, "--visitors", 60, "--out", tmp_path / "run", "-q")

    assert ran.code == 0, ran
    assert "Every stored event was compared with the plan." in result_of(tmp_path / "run")["notes"]
