"""The parts of the benchmarks that a wrong figure could come from."""

from __future__ import annotations

import subprocess
import sys
import time
from pathlib import Path

import httpx
import pytest

from simulator.journey.plan import visits_of_block
from simulator.ledger.write import LedgerWriter
from simulator.traffic.sending import requests_of_visits
from simulator.wire.options import WireOptions
from simulator.wire.request import Evidence, Outcome, Purpose, Request
from tests.bench.generators import Sent, sent
from tests.bench.json_events import JsonEvents
from tests.bench.processes import BenchError, ProcessorWatch, family, pinned, processor_seconds, running
from tests.bench.sink import JSON_PATH
from tests.bench.visits import EVENTS, paced, traffic
from tests.builders import plan, scenario
from tests.e2e.commands import collector

STEPS = "[launch, {push: [applet-wechat]}, {view: 'pages/b?id=1'}, {view: pages/c}, exit]"
APP = JsonEvents(WireOptions("wx0123456789abcdef", "测试小程序", "740843171", "run", JSON_PATH))


def json_requests(count: int) -> list[Request]:
    planned = plan(scenario(STEPS, count=count), namespace="run")
    visits = [visit for block in planned.blocks for visit in visits_of_block(planned, block)]
    return [request for requests in requests_of_visits(visits, APP).values() for request in requests]


def ledger_of(folder: Path, outcomes: list[tuple[Purpose, Outcome]]) -> Path:
    writer = LedgerWriter.open(folder / "ledger" / "worker-1.attempts", "run")
    for number, (purpose, outcome) in enumerate(outcomes):
        began = 1_000_000_000 * (number + 1)
        slot = writer.begin(0, number, 0, purpose, began, began)
        writer.end(slot, began, began + 500_000_000, outcome, Evidence.REPLY, 200)
    writer.close()
    return folder


def test_a_rate_is_events_from_the_first_request_to_the_last_reply(tmp_path: Path) -> None:
    acked = [(Purpose.SETUP, Outcome.ACKED), *[(Purpose.EVENT, Outcome.ACKED)] * 3]

    found = sent(ledger_of(tmp_path, acked))

    # Events begin at 2, 3 and 4 s, the last reply comes at 4.5 s.
    assert found == Sent(events=3, acked=3, first_ns=2_000_000_000, last_ns=4_500_000_000, attempts=4)
    assert found.rate == 1.2


def test_a_run_with_a_failed_attempt_gives_no_rate(tmp_path: Path) -> None:
    outcomes = [(Purpose.EVENT, Outcome.ACKED), (Purpose.EVENT, Outcome.UNKNOWN)]

    with pytest.raises(BenchError, match="1 of 2 events were acked"):
        sent(ledger_of(tmp_path, outcomes))


def test_a_json_event_reads_back_as_it_was_meant() -> None:
    requests = json_requests(3)

    assert len(requests) == 3 * 4
    for request in requests:
        headers = dict(request.headers)
        assert APP.decode(request.method, request.target, headers, request.body) == request.records


@pytest.mark.slow
def test_the_embedded_collector_counts_json_events(tmp_path: Path) -> None:
    with collector(tmp_path / "collector.db") as url, httpx.Client(base_url=url, trust_env=False) as client:
        for request in json_requests(3):
            answer = client.post(request.target, content=request.body, headers=dict(request.headers))
            assert answer.json() == {"success": True}
        totals = client.get("/monitor/totals").json()

    assert totals["cells"] == {"": {"pv": 9, "uv": 3, "opens": 3, "new_users": 3}}


def test_what_others_repeat_is_what_mpsim_sends(tmp_path: Path) -> None:
    gets, posts = traffic(tmp_path), traffic(tmp_path, posts_json=True)

    assert (gets.method, posts.method) == ("GET", "POST")
    assert len(gets.requests) == len(posts.requests) == 1_000 * EVENTS
    assert all(request.body == b"" for request in gets.requests)


def test_a_paced_scenario_brings_exactly_its_visitors(tmp_path: Path) -> None:
    (tmp_path / "paced.yaml").write_text(paced(7, 3), encoding="utf-8")
    command = [sys.executable, "-m", "simulator", "plan", str(tmp_path / "paced.yaml"), "--json"]

    assert '"uv"' in subprocess.run(command, capture_output=True, text=True, check=True).stdout


def test_nothing_of_a_process_group_is_left(tmp_path: Path) -> None:
    with running(["bash", "-c", "sleep 100 & sleep 100 & wait"], tmp_path / "log") as process:
        while len(family(process.pid)) < 3:
            assert process.poll() is None
        members = family(process.pid)

    assert not any(Path(f"/proc/{member}").exists() for member in members)


BURN = "import time\nwhile time.process_time() < 0.3: pass"


def test_processor_time_counts_a_child_that_has_ended(tmp_path: Path) -> None:
    code = f"import subprocess, sys; subprocess.run([sys.executable, '-c', {BURN!r}]); print(flush=True); input()"
    with running([sys.executable, "-c", code], tmp_path / "log", say=subprocess.PIPE) as process:
        assert process.stdout is not None
        process.stdout.readline()

        assert processor_seconds(process.pid) >= 0.3


def test_a_watch_tells_the_processor_time_between_two_instants(tmp_path: Path) -> None:
    with running(
        [sys.executable, "-c", f"{BURN}\nprint(flush=True)\ntime.sleep(60)"], tmp_path / "log", say=subprocess.PIPE
    ) as process:
        with ProcessorWatch(process.pid) as watch:
            assert process.stdout is not None
            process.stdout.readline()
        over = time.time_ns()

        assert 0.25 <= watch.between(0, over) <= 0.6


def test_a_command_is_pinned_by_taskset() -> None:
    assert pinned(["wrk", "-c", "64"], 1) == ["taskset", "-c", "1", "wrk", "-c", "64"]
    assert pinned(["wrk"], None) == ["wrk"]
