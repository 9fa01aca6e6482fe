"""One scenario, unchanged, against real collectors: mpsim serve, nginx with its log, an ingest before PostgreSQL.

The target files are those of scenarios/targets/, with other ports.
"""

from __future__ import annotations

from datetime import datetime
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest

from tests.e2e.commands import SCENARIOS, Ran, collector, mpsim, result_of
from tests.targets.components import TARGETS, Nginx, ingest, needs_nginx, needs_postgresql, nginx, postgresql

pytestmark = pytest.mark.slow

SCENARIO = SCENARIOS / "returning_visitors.yaml"
VISITORS = 100
FIGURES = {"pv", "uv", "opens", "new_users"}


def target_file(folder: Path, name: str, **replaced: str) -> Path:
    """A file of scenarios/targets/ with some of its texts replaced, each of which must be there."""
    text = (TARGETS / f"{name}.yaml").read_text(encoding="utf-8")
    for old, new in replaced.items():
        where = {"url": "http://127.0.0.1:", "database": "postgresql://"}[old]
        start = text.index(where)
        while start >= 0:
            end = min(place for place in (text.find(c, start) for c in "\n #") if place > 0)
            text = text[:start] + new + text[end:]
            start = text.find(where, start + len(new))
    file = folder / f"{name}.yaml"
    file.write_text(text, encoding="utf-8")
    return file


def run(folder: Path, target: Path, *more: object) -> tuple[Ran, dict[str, Any]]:
    ran = mpsim("run", SCENARIO, "--target", target, "--visitors", VISITORS, "--out", folder / "run", "-q", *more)
    return ran, result_of(folder / "run")


def test_the_embedded_collector_by_its_target_file(tmp_path: Path) -> None:
    with collector(tmp_path / "mpsim.db") as url:
        ran, result = run(tmp_path, target_file(tmp_path, "embedded", url=url))

    assert ran.code == 0, ran
    assert {one["metric"] for one in result["metrics"]} == FIGURES
    assert result["target"] == f"embedded, {url}"


def log_target(folder: Path, server: Nginx, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("MPSIM_LOG", str(server.log))
    return target_file(folder, "nginx_log", url=server.url)


@needs_nginx
def test_nginx_and_its_log_pass_and_are_verified_later(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with nginx(tmp_path / "nginx") as server:
        file = log_target(tmp_path, server, monkeypatch)
        ran, result = run(tmp_path, file)
        assert ran.code == 0, ran
        server.log.rename(server.log.with_name("events.log.1"))  # as logrotate would
        again = mpsim("verify", tmp_path / "run")

    assert again.code == 0, again
    assert {one["metric"] for one in result["metrics"]} == FIGURES
    assert {one["by"] for one in result["metrics"]} == {"all", "source", "content", "hour", "day", "page"}
    assert "Every stored event was compared with the plan." in result["notes"]


@needs_nginx
def test_one_request_in_a_hundred_elsewhere_is_told_by_its_number(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with nginx(tmp_path / "nginx", broken=True) as server:
        file = log_target(tmp_path, server, monkeypatch)
        file.write_text(file.read_text().replace("deadline: 20s", "deadline: 4s"))
        ran = mpsim("run", SCENARIO, "--target", file, "--visitors", 400, "--out", tmp_path / "run", "-q")
        lines = server.elsewhere.read_text(encoding="utf-8").splitlines()
    elsewhere = [parse_qs(urlsplit(line.split()[3]).query) for line in lines]

    result = result_of(tmp_path / "run")
    begin, end = map(datetime.fromisoformat, result["period"])
    counted = [one for one in elsewhere if begin <= datetime.fromisoformat(one["date"][0]) < end]
    views = sum(one["event"] == ["mini_program_view"] for one in counted)
    (pv,) = (one for one in result["metrics"] if (one["metric"], one["by"]) == ("pv", "all"))
    (lost,) = (one for one in result["findings"] if one["code"] == "lost")
    assert ran.code == 1, ran
    assert lost["count"] == len(elsewhere) > 5
    assert pv["expected"][0] - pv["observed"] == views


@needs_nginx
def test_a_target_is_checked(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with nginx(tmp_path / "nginx") as server:
        file = log_target(tmp_path, server, monkeypatch)
        right = mpsim("target", "check", file)
        file.write_text(file.read_text().replace("acked: [200]", "acked: [202]"))
        unknown = mpsim("target", "check", file)
        server.log.unlink()
        gone = mpsim("target", "check", file)
    nobody = mpsim("target", "check", file)

    assert right.code == 0, right
    assert "PV              0      3        +3  right" in right.out
    assert "5 stored events are listed behind those of before; 5 were sent, in 5 requests." in right.out
    assert unknown.code == 3, unknown
    assert "mini_program_open  unknown  HTTP 200 OK: the collector may have kept it" in unknown.out
    assert gone.code == 3, gone
    assert "not read" in gone.out
    assert nobody.code == 6, nobody


@needs_postgresql
def test_an_ingest_before_postgresql_is_read_by_sql(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with postgresql(tmp_path / "postgresql") as server, ingest(tmp_path / "ingest", server) as url:
        file = target_file(tmp_path, "postgresql", url=url, database=server.url("reader"))
        nameless = mpsim("run", SCENARIO, "--target", file, "--out", tmp_path / "nameless", "-q")
        monkeypatch.setenv("MPSIM_DB_PASSWORD", "not-the-password")
        wrong = mpsim("target", "check", file)
        monkeypatch.setenv("MPSIM_DB_PASSWORD", server.password)
        ran, result = run(tmp_path, file)
        slow = file.read_text().replace(
            "      all: |\n        SELECT", "      all: |\n        SELECT pg_sleep(5) AS pv, "
        )
        file.write_text(slow.replace("timeout: 10s", "timeout: 300ms"))
        late = mpsim("target", "check", file)
        owner = target_file(tmp_path, "postgresql", url=url, database=server.url("owner"))
        text = owner.read_text()
        start, end = text.index("        SELECT count(*) FILTER"), text.index("      source: |")
        owner.write_text(f"{text[:start]}        SELECT nextval('event_id_seq') AS pv\n{text[end:]}")
        writing = mpsim("target", "check", owner)

    assert nameless.code == 5, nameless
    assert "the environment variable MPSIM_DB_PASSWORD is not set" in nameless.err
    assert wrong.code == 3, wrong
    assert "password authentication failed" in wrong.out
    assert "not-the-password" not in wrong.out + wrong.err
    assert ran.code == 0, ran
    assert {one["metric"] for one in result["metrics"]} == FIGURES
    assert "Every stored event was compared with the plan." in result["notes"]
    assert "the query was not done after 0.3 s" in late.out, late
    assert "cannot execute nextval() in a read-only transaction" in writing.out, writing.out
    for path in (tmp_path / "run").rglob("*"):
        assert path.is_dir() or server.password.encode() not in path.read_bytes(), path
    assert server.password not in ran.out + ran.err
