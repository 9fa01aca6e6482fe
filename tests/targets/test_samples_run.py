"""Every file of scenarios/targets/ is run, not only read: here those whose collector a small stand-in has to be.

The others, with the real collector or a stand-in of their own, are in test_real_targets.py and test_other_wires.py.
"""

from __future__ import annotations

import re
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from tests.bench.processes import running
from tests.e2e.commands import SCENARIOS, Ran, mpsim, result_of
from tests.targets.components import TARGETS

pytestmark = pytest.mark.slow

TOKEN = "only-a-test-knows-7h1s"
SECRETS = ("MATOMO_TOKEN", "POSTHOG_KEY", "COLLECTOR_KEY", "STATS_TOKEN", "MPSIM_DMHUB_TOKEN")
HERE = ("matomo", "posthog", "generic_json", "dmhub_cloud")
ELSEWHERE = ("embedded", "nginx_log", "postgresql", "snowplow_micro", "generic_pixel")
# dmhub_cloud counts only its own tenant's sources that begin with mpsim.
SCOPED = """
scenario: scoped
app: {tenant: "740843171", pages: [pages/index/index, pages/product/detail]}
visitors: {count: 20, returning: 30%, identities: {applet-wechat: 100%}}
sources:
  poster: {weight: 1, scene: 1047, path: "pages/index/index?cl_sr=mpsim_poster&cl_ctnm=spring"}
  advert: {weight: 1, scene: 1045, path: "pages/index/index?cl_sr=mpsim_ad"}
journeys:
  browse: {steps: [launch, {push: [applet-wechat]}, {view: pages/product/detail}, exit]}
load: {users: 20, clock: {start: 2026-03-01T00:00:00+08:00, speed: flood}}
"""


@contextmanager
def stand_in(folder: Path, name: str) -> Iterator[str]:
    command = [sys.executable, str(Path(__file__).with_name("small_stand_ins.py")), name]
    with running(command, folder / "stand_in.out", say=subprocess.PIPE) as process:
        assert process.stdout is not None
        yield process.stdout.readline().decode().strip()


def sample(folder: Path, name: str, url: str) -> Path:
    """The sample with the stand-in's address, and less patience."""
    text = (TARGETS / f"{name}.yaml").read_text(encoding="utf-8")
    text = re.sub(r"(?m)^( *url): \S+", rf"\1: {url}", text)
    text = re.sub(r"deadline: \w+", "deadline: 3s", re.sub(r"quiet: \w+", "quiet: 300ms", text))
    file = folder / f"{name}.yaml"
    file.write_text(text, encoding="utf-8")
    return file


def run(folder: Path, file: Path) -> tuple[Ran, dict[str, Any]]:
    scenario = SCENARIOS / "returning_visitors.yaml"
    if file.stem == "dmhub_cloud":
        scenario = folder / "scoped.yaml"
        scenario.write_text(SCOPED, encoding="utf-8")
    ran = mpsim("run", scenario, "--target", file, "--visitors", 20, "--out", folder / "run", "-q")
    return ran, result_of(folder / "run")


def test_every_sample_is_run_somewhere() -> None:
    assert {path.stem for path in TARGETS.glob("*.yaml")} == {*HERE, *ELSEWHERE}


@pytest.mark.parametrize("name", HERE)
def test_a_sample_runs_and_passes(name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for secret in SECRETS:
        monkeypatch.setenv(secret, TOKEN)
    with stand_in(tmp_path, name) as url:
        ran, result = run(tmp_path, sample(tmp_path, name, url))
        checked = mpsim("target", "check", tmp_path / f"{name}.yaml")

    assert ran.code == 0, ran
    assert result["attempts"]["acked"] == result["attempts"]["sent"] > 20
    assert [one for one in result["metrics"] if one["by"] == "all" and one["observed"]], result["metrics"]
    assert checked.code == 0, checked


ANSWERS = """
target: answers
url: URL
adapter:
  name: generic
  batch: 20
  event: {n: "{event}", i: "{id}", t: "{ms}", d: "{device}", u: "{identity.applet-wechat?}"}
  body: {json: "{events}"}
  answers: {list: result.items, key: status, acked: [ok, duplicate], refused: [invalid]}
settle: {quiet: 300ms, deadline: 3s}
totals:
  http:
    requests:
      - {path: /v1/stats, query: {from: "{from}", to: "{to}"}, pv: views, uv: users, opens: opens, new_users: new_users}
not_read: [source, content, hour, day, page]
"""


def test_the_events_of_a_batch_are_judged_by_what_the_reply_says_of_each(tmp_path: Path) -> None:
    file = tmp_path / "answers.yaml"
    with stand_in(tmp_path, "answers") as url:
        file.write_text(ANSWERS.replace("URL", url), encoding="utf-8")
        scenario = SCENARIOS / "returning_visitors.yaml"
        ran = mpsim("run", scenario, "--target", file, "--visitors", 40, "--out", tmp_path / "run", "-q")

    result = result_of(tmp_path / "run")
    totals = {one["metric"]: one for one in result["metrics"] if one["by"] == "all"}
    assert ran.code == 0, ran
    assert {one["verdict"] for one in totals.values()} == {"pass"}
    # What was refused is known, so nothing is left open: each expectation is one number, below what was planned.
    assert all(low == high for low, high in (one["expected"] for one in totals.values()))
    planned = mpsim("plan", scenario, "--visitors", 40, "--json")
    (views,) = re.findall(r'"metric": "pv",\s+"by": "all",\s+"cell": "",\s+"expected": \[\s*(\d+)', planned.out)
    assert 0 < totals["pv"]["observed"] < int(views)


def test_a_check_that_waits_says_for_what(tmp_path: Path) -> None:
    """The totals stay 0: without a terminal a plain line says so at once, and not at every look."""
    zeros = """totals: {command: {run: [echo, '{"all": {"": {"pv": 0, "uv": 0, "opens": 0, "new_users": 0}}}']}}\n"""
    file = tmp_path / "answers.yaml"
    with stand_in(tmp_path, "answers") as url:
        text = ANSWERS.replace("URL", url)
        file.write_text(text[: text.index("totals:")] + zeros + text[text.index("not_read:") :], encoding="utf-8")
        checked = mpsim("target", "check", file)

    assert checked.code == 1, checked
    assert checked.err == "waiting for the totals, 0 s of at most 3 s: pv is 0, expected 3\n"
