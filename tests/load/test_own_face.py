"""The run directory that Locust's own face makes."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest

from simulator.errors import ConnectionFailed, UsageError
from simulator.load import own_face
from simulator.load.own_face import again, make_run
from simulator.traffic.making import Wanted
from simulator.traffic.opened import open_run
from tests.load.hostile import Visit, hostile, says

SCENARIO = """
scenario: face
include: [parts/app.yaml]
visitors: {count: 4, vars: {sku: {file: skus.txt}}}
sources: {poster: {scene: 1047, code: p7, path: "pages/index/index?cl_sr=poster"}}
journeys: {look: {steps: [launch, exit]}}
load: {users: 2}
"""


def asked(folder: Path, url: str = "http://127.0.0.1:1") -> Wanted:
    (folder / "scenarios" / "parts").mkdir(parents=True, exist_ok=True)
    (folder / "scenarios" / "face.yaml").write_text(SCENARIO, encoding="utf-8")
    (folder / "scenarios" / "parts" / "app.yaml").write_text("app: {pages: [pages/index/index]}\n", encoding="utf-8")
    (folder / "scenarios" / "skus.txt").write_text("a\nb\n", encoding="utf-8")
    path = folder / "scenarios" / "face.yaml"
    return Wanted(scenario=path, target=url, out=folder / "run", seed=3)


def test_a_run_directory_can_be_opened_again_and_says_the_same(tmp_path: Path) -> None:
    taken = b'{"code":"p7"}'
    with hostile(says(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n%b" % (len(taken), taken))) as server:
        made = make_run(asked(tmp_path, server.url))
        opened = open_run(tmp_path / "run")

        posted = [request for request in server.arrived if request.startswith(b"POST")]
        assert [json.loads(request.partition(b"\r\n\r\n")[2]) for request in posted] == [
            {"url": "pages/index/index?cl_sr=poster", "code": "p7"}
        ]
    assert (opened.manifest, opened.plan.start, opened.plan.end) == (made.manifest, made.plan.start, made.plan.end)
    assert opened.manifest.namespace == opened.manifest.run_id
    assert sorted(str(p.relative_to(tmp_path / "run")) for p in (tmp_path / "run").rglob("*") if p.is_file()) == [
        "baseline.json",
        "run.json",
        "scenario/face.yaml",
        "scenario/parts/app.yaml",
        "scenario/skus.txt",
    ]


def test_a_collector_that_takes_no_links(tmp_path: Path) -> None:
    with (
        hostile(says(b"HTTP/1.1 404 N\r\nContent-Length: 0\r\n\r\n")) as server,
        pytest.raises(ConnectionFailed, match="did not take the link p7: POST /v1/source/links answered HTTP 404"),
    ):
        make_run(asked(tmp_path, server.url))
    assert not (tmp_path / "run").exists()


def test_nobody_at_the_target_leaves_no_directory_behind(tmp_path: Path) -> None:
    with pytest.raises(ConnectionFailed, match=r"no connection to 127\.0\.0\.1:1: Connection refused"):
        make_run(asked(tmp_path))
    assert not (tmp_path / "run").exists()


AGAIN = [
    ("-f x/locustfile.py --scenario s.yaml -H http://h --headless --out d", "--scenario s.yaml -H http://h --headless"),
    ("--locustfile=x.py --out=d --scenario s.yaml --processes 2", "--scenario s.yaml --processes 2"),
    ("--scenario s.yaml --master --expect-workers 2", "--scenario s.yaml --master --expect-workers 2"),
]


@pytest.mark.parametrize(("typed", "said"), AGAIN, ids=[row[1] for row in AGAIN])
def test_the_command_for_the_same_again_names_no_file_of_ours_and_no_directory(typed: str, said: str) -> None:
    assert " ".join(again(typed.split())) == f"python -m simulator.load {said}"


def test_a_collector_whose_totals_do_not_come_in_time_is_not_waited_for(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Links are taken at once, what it holds is never told."""
    monkeypatch.setattr(own_face, "_BASELINE_SECONDS", 0.5)
    taken = b'{"code":"p7"}'

    def tells_nothing(visit: Visit) -> None:
        while request := visit.request():
            if request.startswith(b"GET"):
                visit.stay()
            visit.send(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n%b" % (len(taken), taken))

    with (
        hostile(tells_nothing) as server,
        pytest.raises(ConnectionFailed, match=r"could not be read within 0\.5 seconds, so nothing is sent"),
    ):
        make_run(asked(tmp_path, server.url))
    assert not (tmp_path / "run").exists()


def test_an_outside_host_must_be_allowed(tmp_path: Path) -> None:
    wanted = replace(asked(tmp_path), target="http://192.0.2.1")

    with pytest.raises(UsageError, match=r"only with --allow-host 192\.0\.2\.1"):
        make_run(wanted)
    assert not (tmp_path / "run").exists()


def test_a_directory_with_something_in_it_is_left_alone(tmp_path: Path) -> None:
    (tmp_path / "run").mkdir()
    (tmp_path / "run" / "mine").write_text("", encoding="utf-8")

    with pytest.raises(UsageError, match="is not empty; name a new directory with --out"):
        make_run(asked(tmp_path))


@pytest.mark.parametrize("speed", ["0", "-1", "fast", "nan", "2000000"])
def test_a_speed_that_is_none(tmp_path: Path, speed: str) -> None:
    with pytest.raises(UsageError, match=f"--speed {speed}: expected a number above 0"):
        make_run(replace(asked(tmp_path), speed=speed))
