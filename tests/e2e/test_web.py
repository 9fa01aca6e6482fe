"""`mpsim run --web` in a browser: Locust's own UI, with the totals as they come in a tab of ours."""

from __future__ import annotations

import re
import signal
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.error import HTTPError, URLError

import pytest

from tests.browser import LOOKS, Scheme, look
from tests.e2e.commands import ROOT, environment

if TYPE_CHECKING:
    from playwright.sync_api import Browser

pytestmark = pytest.mark.slow

SCENARIO = """
scenario: watched
app: {pages: [pages/index/index, pages/detail]}
visitors: {count: 3000, identities: {applet-wechat: 100%}}
sources:
  ad: {weight: 1, scene: 1045, path: "pages/index/index?cl_sr=ad"}
journeys:
  look:
    steps: [launch, {view: pages/detail}, exit]
load:
  arrivals: [{rate: 10/s, for: 300s}]
"""


@pytest.fixture(scope="module")
def url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """A run that goes on for as long as it is looked at."""
    folder = tmp_path_factory.mktemp("web")
    (folder / "watched.yaml").write_text(SCENARIO, encoding="utf-8")
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    command = ["run", folder / "watched.yaml", "--web", "--web-port", port, "--out", folder / "run"]
    with (folder / "said").open("wb") as said:
        process = subprocess.Popen(
            [sys.executable, "-m", "simulator", *map(str, command)],
            cwd=ROOT, env=environment(), stdout=said, stderr=said,
        )  # fmt: skip
        try:
            _await(f"http://127.0.0.1:{port}/", process, folder)
            yield f"http://127.0.0.1:{port}"
        finally:
            process.send_signal(signal.SIGINT)
            process.wait(60)
    # Cut short, and judged all the same; what was for those who looked on is gone.
    assert process.returncode == 3, (folder / "said").read_text()
    assert (folder / "run" / "report.html").exists()
    assert not (folder / "run" / "live.json").exists()


def _await(url: str, process: subprocess.Popen[bytes], folder: Path) -> None:
    deadline = time.monotonic() + 60
    while True:
        try:
            with urllib.request.urlopen(url, timeout=5):
                return
        except URLError:
            assert process.poll() is None, (folder / "said").read_text()
            assert time.monotonic() < deadline


@pytest.mark.parametrize(("width", "scheme"), LOOKS)
def test_the_totals_as_they_come(browser: Browser, url: str, width: int, scheme: Scheme) -> None:
    with look(browser, f"{url}/?tab=totals", width=width, scheme=scheme, name="locust-totals") as seen:
        rows = seen.page.locator("tbody tr")
        rows.filter(has_text=re.compile(r"^\s*PV\s*ad\s*(as expected|not compared yet)")).wait_for()
        assert rows.count() == 8  # four numbers, in all and of one source
        seen.check(within="table")


def test_how_far_the_run_is(browser: Browser, url: str) -> None:
    with look(browser, f"{url}/?tab=run", name="locust-run") as seen:
        seen.page.locator("tr", has_text=re.compile(r"Visitors started\s*[\d,]+ of 3,000")).wait_for()
        seen.check(within="table")


@pytest.mark.parametrize("header", [{"Origin": "http://evil.example"}, {"Host": "evil.example"}])
def test_no_page_of_somebody_else_is_answered(url: str, header: dict[str, str]) -> None:
    for path in ("/", "/stats/requests", "/stop"):
        with pytest.raises(HTTPError) as refused:
            urllib.request.urlopen(urllib.request.Request(url + path, headers=header))
        refused.value.close()
        assert refused.value.code == 403
