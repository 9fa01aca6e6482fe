"""Target files: what they say, and what is said of every mistake in one."""

from __future__ import annotations

from pathlib import Path

import pytest

from simulator.contract import BodyRule, Contract, Definitions, Replies
from simulator.errors import ScenarioError, UsageError
from simulator.scenario.contracts import resolve_contract
from simulator.scenario.load import load_scenario
from simulator.scenario.secret import FromEnvironment, variables_in
from simulator.scenario.target import Target, check_scope, read_target_text, target_of
from simulator.times import Ms
from simulator.traffic.target_files import hosts_read, known_adapters, named_target
from simulator.wire.options import DEFAULT_PATH
from tests.e2e.commands import SCENARIOS
from tests.targets.mistakes import COMMAND, COUNTED, MISTAKES, OTHER_MISTAKES, RIGHT, SQL, Mistake

TABLE = [(what, RIGHT, mistake) for what, mistake in MISTAKES.items()]
TABLE += [(what, right, mistake) for what, (right, mistake) in OTHER_MISTAKES.items()]


def read(text: str, folder: Path = Path()) -> Target:
    return read_target_text(text, "t.yaml", folder, known_adapters())


@pytest.mark.parametrize("text", [RIGHT, COUNTED, SQL, COMMAND])
def test_the_right_files_are_right(text: str) -> None:
    assert read(text).name == "ours"


@pytest.mark.parametrize(("right", "mistake"), [row[1:] for row in TABLE], ids=[row[0] for row in TABLE])
def test_a_mistake_is_told_with_its_line(right: str, mistake: Mistake) -> None:
    text = right.replace(mistake.right, mistake.wrong, 1)
    assert text != right

    with pytest.raises(ScenarioError) as told:
        read(text)

    complaints = [(one.line, f"{one.path}  {one.text}" if one.path else one.text) for one in told.value.complaints]
    assert complaints == [(mistake.line, mistake.text)]


def test_several_mistakes_are_told_at_once_in_the_order_of_the_file() -> None:
    text = RIGHT.replace("dmhub,", "dmhup,").replace("opens: launch", "opens: lunch").replace("by: source", "by: sorce")

    with pytest.raises(ScenarioError) as told:
        read(text)

    assert [one.line for one in told.value.complaints] == [3, 5, 15]


def test_what_a_file_says_is_the_contract_in_force() -> None:
    text = RIGHT.replace("{acked: [200], refused: [400]}", "{acked: [200], body: {key: code, acked: 0}}")

    contract = resolve_contract(None, load_scenario(SCENARIOS / "first_open.yaml"), read(text).contract)

    assert contract == Contract(
        name="ours",
        definitions=Definitions(),
        ack="durable",
        lag=Ms(1_000),
        quiet=Ms(1_000),
        deadline=Ms(20_000),
        replies=Replies((200,), Replies().refused, BodyRule("code", (0,))),
    )


def test_what_a_file_leaves_out_is_as_its_adapter_says() -> None:
    text = "target: old\nurl: http://127.0.0.1:1\nadapter: dmhub-2018\ntotals: monitor\n"

    contract = resolve_contract(None, load_scenario(SCENARIOS / "first_open.yaml"), read(text).contract)

    assert (contract.name, contract.dedupe, contract.time) == ("old", "none", "arrival")


def test_a_contract_file_lies_beside_the_target_file(tmp_path: Path) -> None:
    (tmp_path / "theirs.yaml").write_text("opens: timeout=30m\nmidnight: true\n")

    target = read(RIGHT.replace(RIGHT.splitlines()[4], "contract: theirs.yaml"), tmp_path)

    assert target.contract.name == "theirs"
    assert target.contract.file.midnight is True


def test_a_mistake_in_the_contract_file_is_told_with_that_file(tmp_path: Path) -> None:
    (tmp_path / "theirs.yaml").write_text("name: theirs\nopns: launch\n")

    with pytest.raises(ScenarioError, match=r"theirs\.yaml:2:1  opns  unknown key opns; did you mean opens\?"):
        read(RIGHT.replace(RIGHT.splitlines()[4], "contract: theirs.yaml"), tmp_path)


def test_figures_that_the_collector_does_not_have() -> None:
    left_out = read(RIGHT).left_out

    assert left_out == {("new_users", by) for by in ("all", "source", "content", "hour", "day", "page")} | {
        ("uv", "page")
    }


def test_a_run_keeps_a_target_by_its_document_alone() -> None:
    target = read(RIGHT)

    again = target_of(target.document, target.folder, known_adapters())

    assert (again.file.totals, again.file.events, again.left_out) == (
        target.file.totals, target.file.events, target.left_out,
    )  # fmt: skip


def test_secrets_are_known_by_the_names_of_their_variables() -> None:
    target = read(RIGHT)

    assert list(variables_in(target.file.totals)) == ["READ_TOKEN"]
    assert str(FromEnvironment("READ_TOKEN", "Bearer ")) == "Bearer {env: READ_TOKEN}"


def test_a_database_is_one_of_the_hosts_that_are_read() -> None:
    text = SQL.replace("127.0.0.1/", "db.example.com/")

    assert list(hosts_read(read(text), {})) == ["db.example.com"]


@pytest.mark.parametrize(
    ("scope", "said"),
    [
        ("{appid: wx1}", "app.appid  the target ours takes appid wx1 only, not "),
        ("{tenant: '7'}", "app.tenant  the target ours takes tenant 7 only, not "),
        ("{source: mpsim-}", "the target ours takes sources that begin with mpsim- only, not "),
    ],
)
def test_a_scenario_outside_of_the_scope_is_refused(scope: str, said: str) -> None:
    target = read(RIGHT.replace("{source: ad}", scope))

    with pytest.raises(ScenarioError) as told:
        check_scope(target, load_scenario(SCENARIOS / "returning_visitors.yaml"))

    assert said in str(told.value)


@pytest.mark.parametrize("written", ["广告", "%E5%B9%BF%E5%91%8A"])
def test_a_source_is_in_the_scope_however_its_path_is_written(written: str, tmp_path: Path) -> None:
    scenario = tmp_path / "scenario.yaml"
    text = (SCENARIOS / "first_open.yaml").read_text(encoding="utf-8")
    scenario.write_text(text.replace("cl_sr=wechat_ad", f"cl_sr={written}"), encoding="utf-8")
    here, elsewhere = (read(RIGHT.replace("{source: ad}", f"{{source: '{name}'}}")) for name in ("广", "%E5"))

    check_scope(here, load_scenario(scenario))
    with pytest.raises(ScenarioError) as told:
        check_scope(elsewhere, load_scenario(scenario))

    assert "takes sources that begin with %E5 only, not 广告" in str(told.value)
    assert told.value.complaints[0].line == 1 + text[: text.index("cl_sr=")].count("\n")


@pytest.mark.parametrize(
    ("target", "said"),
    [
        ("127.0.0.1:8000", "--target 127.0.0.1:8000: expected a URL such as http://127.0.0.1:8000, or a target file"),
        ("ours.yml", r"ours\.yml: no such file; did you mean ours\.yaml\?"),
    ],
)
def test_what_is_neither_a_url_nor_a_file_is_told(
    target: str, said: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "ours.yaml").write_text(RIGHT)
    monkeypatch.chdir(tmp_path)

    with pytest.raises(UsageError, match=said):
        named_target(target, "dmhub", DEFAULT_PATH, "")


@pytest.mark.parametrize(
    ("adapter", "path", "token"), [("segment", DEFAULT_PATH, ""), ("dmhub", "/x", ""), ("dmhub", DEFAULT_PATH, "TOKEN")]
)
def test_what_a_file_says_itself_is_no_option_beside_it(adapter: str, path: str, token: str, tmp_path: Path) -> None:
    (tmp_path / "ours.yaml").write_text(RIGHT)

    with pytest.raises(UsageError, match=r"the target file .*ours\.yaml says that itself"):
        named_target(str(tmp_path / "ours.yaml"), adapter, path, token)
