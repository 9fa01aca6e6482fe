"""A run's numbers as Prometheus scrapes them: read back by the parser of its own library."""

from __future__ import annotations

import socket
from pathlib import Path
from typing import Any

import httpx
import pytest
from prometheus_client.parser import text_string_to_metric_families

from simulator.api import run_scenario
from simulator.cli.main import run as mpsim
from simulator.errors import UsageError
from simulator.runs import metrics_out
from simulator.runs.metrics_out import RunMetrics, metrics_address, serving
from tests.e2e.commands import SCENARIOS

PROGRESS = {
    "phase": "load",
    "elapsed": 12.5,
    "wanted_rate": 20.0,
    "offered_rate": 19.5,
    "visitors": 400,
    "visitors_started": 120,
    "visitors_finished": 90,
    "visitors_held": 0,
    "punctual": 0.995,
    "late_p99_ms": 16.0,
    "in_flight": 7,
    "workers": 2,
    "workers_lost": 0,
    "attempts": {"sent": 300, "acked": 290, "refused": 4, "unknown": 6},
    "setup": {"sent": 0, "acked": 0, "refused": 0, "unknown": 0},
}


def scraped(url: str) -> dict[str, float]:
    """Sample, with its labels, to value."""
    reply = httpx.get(url, trust_env=False)
    assert (reply.status_code, reply.headers["content-type"].split(";")[0]) == (200, "text/plain")
    return {
        sample.name + "".join(f" {key}={value}" for key, value in sorted(sample.labels.items())): sample.value
        for family in text_string_to_metric_families(reply.text)
        for sample in family.samples
    }


def test_the_numbers_of_the_progress_are_served() -> None:
    metrics = RunMetrics()
    metrics.begin({"target": 'http://10.0.0.9/"\n', "folder": "reports/x", "visitors": 400})
    metrics.tell(PROGRESS)
    with serving(metrics, "127.0.0.1", 0) as url:
        found = scraped(url)

    about = next(name for name in found if name.startswith("mpsim_run_info"))
    assert 'target=http://10.0.0.9/"\n' in about
    assert {name: value for name, value in found.items() if name != about} == {
        "mpsim_visitors_planned": 400,
        "mpsim_visitors_started_total": 120,
        "mpsim_visitors_finished_total": 90,
        "mpsim_visitors_held_total": 0,
        "mpsim_requests_in_flight": 7,
        "mpsim_wanted_rate": 20,
        "mpsim_offered_rate": 19.5,
        "mpsim_punctual_ratio": 0.995,
        "mpsim_late_p99_seconds": 0.016,
        "mpsim_elapsed_seconds": 12.5,
        "mpsim_workers": 2,
        "mpsim_workers_lost": 0,
        "mpsim_attempts_total outcome=acked": 290,
        "mpsim_attempts_total outcome=refused": 4,
        "mpsim_attempts_total outcome=unknown": 6,
        "mpsim_setup_attempts_total outcome=acked": 0,
        "mpsim_setup_attempts_total outcome=refused": 0,
        "mpsim_setup_attempts_total outcome=unknown": 0,
        "mpsim_phase phase=joining": 0,
        "mpsim_phase phase=setup": 0,
        "mpsim_phase phase=load": 1,
        "mpsim_phase phase=draining": 0,
        "mpsim_phase phase=over": 0,
    }


def test_what_is_not_known_is_not_served() -> None:
    metrics = RunMetrics()
    metrics.tell({"phase": "load", "punctual": None, "visitors": "many", "attempts": 7})
    metrics.tell({})
    with serving(metrics, "127.0.0.1", 0) as url:
        found = scraped(url)

    assert {name.split(" ")[0] for name in found} == {"mpsim_run_info", "mpsim_phase"}
    assert found["mpsim_phase phase=load"] == 1


def test_a_silent_connection_does_not_keep_others_out_for_long(
    monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(metrics_out._Handler, "timeout", 0.2)
    with serving(RunMetrics(), "127.0.0.1", 0) as url:
        port = int(url.split(":")[-1].split("/")[0])
        with socket.create_connection(("127.0.0.1", port)):
            assert "mpsim_phase phase=load" in scraped(url)

    assert capfd.readouterr() == ("", "")


def test_it_ends_with_the_block() -> None:
    with serving(RunMetrics(), "127.0.0.1", 0) as url:
        scraped(url)

    with pytest.raises(httpx.ConnectError):
        httpx.get(url, trust_env=False)


@pytest.mark.parametrize(
    ("text", "address"),
    [("9464", ("127.0.0.1", 9464)), ("0.0.0.0:9464", ("0.0.0.0", 9464)), ("localhost:0", ("localhost", 0))],
)
def test_a_port_alone_is_on_loopback(text: str, address: tuple[str, int]) -> None:
    assert metrics_address(text) == address


@pytest.mark.parametrize("text", ["", "x", ":9464", "host:", "127.0.0.1:70000", "127.0.0.1"])
def test_an_address_that_is_none_is_a_usage_error(text: str) -> None:
    with pytest.raises(UsageError, match=f"^--metrics {text}: expected a port"):
        metrics_address(text)


def test_a_port_that_is_taken_is_told_before_anything_is_made(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        code = mpsim(["run", str(SCENARIOS / "first_open.yaml"), "--metrics", str(port), "--out", str(tmp_path / "x")])

    assert code == 5
    assert f"nobody can listen on 127.0.0.1:{port}" in capsys.readouterr().err
    assert not (tmp_path / "x").exists()


@pytest.mark.slow
def test_a_run_is_scraped_while_it_is_sent_and_not_afterwards(tmp_path: Path) -> None:
    urls: list[str] = []
    seen: list[dict[str, float]] = []

    def look(facts: dict[str, Any]) -> None:
        if facts:
            seen.append(scraped(urls[0]))

    run = run_scenario(
        SCENARIOS / "staircase.yaml",
        rate="10/s",
        visitors=30,
        out=tmp_path / "run",
        metrics="0",
        on_prepared=lambda facts: urls.append(facts["metrics"]),
        on_progress=look,
    )

    assert run.passed, run
    started = [one.get("mpsim_visitors_started_total", 0) for one in seen]
    assert started == sorted(started)
    assert 0 < started[-1] <= 30
    assert seen[-1]["mpsim_visitors_planned"] == 30
    with pytest.raises(httpx.ConnectError):
        httpx.get(urls[0], trust_env=False)
