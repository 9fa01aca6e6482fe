"""A collector with an API of its own, that mpsim has never seen, driven and judged by a target file alone."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.bench.processes import running
from tests.e2e.commands import SCENARIOS, Ran, mpsim, result_of

pytestmark = pytest.mark.slow

TOKEN = "tok/en+that=nobody&sees"
SCENARIO = SCENARIOS / "returning_visitors.yaml"
TARGET = """\
target: dashboard
url: URL
adapter: {name: dmhub, path: /hit}
replies: {acked: [200], body: {key: ok, acked: true, refused: false}}
contract: {user: device}
settle: {quiet: 500ms, deadline: 2s}
totals:
  http:
    auth: {bearer: {env: DASHBOARD_TOKEN}}
    requests:
      - {path: /api/v2/summary, query: &period {since: "{from_ms}", until: "{to_ms}", run: "{namespace}"},
         pv: data.views, uv: data.people, opens: data.visits, new_users: data.newcomers}
      - {by: source, path: /api/v2/by/campaign, query: *period, pages: {next: links.next}, rows: rows, cell: label,
         pv: views, uv: people, opens: visits, new_users: newcomers}
      - {by: content, path: /api/v2/by/ad, query: *period, pages: {next: links.next}, rows: rows, cell: label,
         pv: views, uv: people, opens: visits, new_users: newcomers}
      - {by: hour, path: /api/v2/by/hour, query: *period, pages: {next: links.next}, rows: rows, cell: label,
         pv: views, uv: people, opens: visits, new_users: newcomers}
      - {by: day, path: /api/v2/by/day, query: *period, pages: {next: links.next}, rows: rows, cell: label,
         pv: views, uv: people, opens: visits, new_users: newcomers}
      - {by: page, path: /api/v2/by/screen, query: *period, pages: {next: links.next}, rows: rows, cell: label,
         pv: views, uv: people}
events:
  http:
    path: /api/v2/events
    query: {skip: "{offset}"}
    auth: {bearer: {env: DASHBOARD_TOKEN}}
    pages: {size: 10}
    newest_first: true
    fields:
      external_id: externalId
      event: event
      anonymous_id: anonymousId
      source: source || ''
      content: contentName || ''
"""


@contextmanager
def dashboard(folder: Path, fault: str = "") -> Iterator[str]:
    command = [sys.executable, str(Path(__file__).with_name("small_dashboard.py")), *filter(None, [fault])]
    log = folder / "dashboard.out"
    with running(command, log, more_environment={"TOKEN": TOKEN}, say=subprocess.PIPE) as process:
        assert process.stdout is not None
        line = process.stdout.readline().decode()
        assert line.startswith("http://"), log.read_text(encoding="utf-8")
        yield line.strip()


def target_file(folder: Path, text: str, url: str) -> Path:
    file = folder / "dashboard.yaml"
    file.write_text(text.replace("URL", url), encoding="utf-8")
    return file


def run(folder: Path, text: str) -> Ran:
    with dashboard(folder) as url:
        target = target_file(folder, text, url)
        return mpsim("run", SCENARIO, "--target", target, "--visitors", 40, "--out", folder / "run", "-q")


@pytest.fixture(autouse=True)
def token(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DASHBOARD_TOKEN", TOKEN)


def secret_files(folder: Path) -> list[Path]:
    """Files that hold the token in any form."""
    forms = [TOKEN.encode(), TOKEN.encode()[4:], b"tok%2Fen"]
    files = [path for path in folder.rglob("*") if path.is_file()]
    assert files
    return [path for path in files if any(form in path.read_bytes() for form in forms)]


def test_an_honest_one_passes(tmp_path: Path) -> None:
    ran = run(tmp_path, TARGET)

    assert ran.code == 0, ran
    assert {(one["metric"], one["by"]) for one in result_of(tmp_path / "run")["metrics"]} >= {
        ("new_users", "hour"), ("uv", "page"), ("opens", "content"),
    }  # fmt: skip
    assert secret_files(tmp_path / "run") == []


def test_one_that_counts_too_much_fails_its_check(tmp_path: Path) -> None:
    with dashboard(tmp_path, "count-twice") as url:
        checked = mpsim("target", "check", target_file(tmp_path, TARGET, url))

    assert checked.code == 1, checked
    assert "PV              0      4        +3  wrong: 1 too many" in checked.out


@pytest.mark.parametrize(
    ("right", "wrong", "code", "said"),
    [
        ("source: source || ''", "source: contentName", 1, "source: stored 'trial', sent 'mpsim_check'"),
        (
            "external_id: externalId",
            "external_id: event",
            1,
            "5 events are acknowledged, and none is listed with the id",
        ),
        ("external_id: externalId", "external_id: id", 3, "GET /api/v2/events: id finds no id in an item: id finds"),
        ("pv: data.views", "pv: data.view", 3, "GET /api/v2/summary: pv is nothing: data.view finds nothing, and data"),
    ],
    ids=["another field", "another id", "no id", "no figure"],
)
def test_a_mistake_about_what_is_stored_fails_its_check(
    right: str, wrong: str, code: int, said: str, tmp_path: Path
) -> None:
    with dashboard(tmp_path) as url:
        checked = mpsim("target", "check", target_file(tmp_path, TARGET.replace(right, wrong), url))

    assert checked.code == code, checked
    assert said in checked.out


def test_stored_events_are_compared_in_a_check_as_in_a_run(tmp_path: Path) -> None:
    with dashboard(tmp_path) as url:
        checked = mpsim("target", "check", target_file(tmp_path, TARGET, url))

    assert checked.code == 0, checked
    assert "stored events are listed behind those of before; 5 were sent, in 5 requests." in checked.out
    assert "They were compared with what was sent: anonymous_id, content, event, source." in checked.out


def test_a_token_that_is_not_taken_is_told_and_stays_hidden(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DASHBOARD_TOKEN", wrong := "not/the+token")
    with dashboard(tmp_path) as url:
        checked = mpsim("target", "check", target_file(tmp_path, TARGET, url))

    assert checked.code == 3, checked
    assert "not read: GET /api/v2/summary: status 401 where 200 was expected" in checked.out
    assert wrong not in checked.out + checked.err


def test_figures_that_nobody_reads_make_it_incomplete_unless_the_file_says_so(tmp_path: Path) -> None:
    few = TARGET[: TARGET.index("      - {by: content")] + TARGET[TARGET.index("events:\n") :]
    with dashboard(tmp_path) as url:
        incomplete = mpsim("target", "check", target_file(tmp_path, few, url))
        said = target_file(tmp_path, few + "not_read: [content, hour, day, page]\n", url)
        passed = mpsim("target", "check", said)

    assert incomplete.code == 3, incomplete
    assert "the target file does not say where it stands" in incomplete.out
    assert passed.code == 0, passed
    assert "Left out by the target file, so never judged: content, hour, day, page." in passed.out
