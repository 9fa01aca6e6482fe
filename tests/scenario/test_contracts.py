"""Contract files and which definitions are in force."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest
from jsonschema import Draft202012Validator

from simulator.cli.main import run
from simulator.contract import BodyRule, Contract, Definitions, Opens, Replies
from simulator.errors import UsageError
from simulator.scenario.contracts import (
    OF_TIMEOUT,
    ContractFile,
    GivenContract,
    read_contract,
    read_contract_text,
    resolve_contract,
    resolve_definitions,
)
from simulator.scenario.load import load_scenario_text
from simulator.scenario.model import Scenario
from simulator.scenario.schema import contract_schema
from simulator.scenario.tree import Budget, plain, read_tree
from simulator.times import Ms
from tests.scenario.scenario_samples import HERE

FULL = """\
name: ours
opens: timeout=30m
user: customer
day: UTC
dedupe: maybe
time: arrival
max_age: 7d
ack: accepted
lag: 2s
quiet: 3s
deadline: 1m
clock_bound: 250ms
timeout_inclusive: true
midnight: true
source_change: true
launch_opens: false
replies:
  acked: [200, 202]
  refused: [429]
  body: {key: code, acked: 0, refused: [40001, "no"], other: refused}
"""


def given(text: str) -> GivenContract:
    return read_contract_text(text, "given.yaml")


def scenario(definitions: str = "{}") -> Scenario:
    text = (
        f"scenario: a\ndefinitions: {definitions}\napp: {{pages: [pages/a/a]}}\nvisitors: {{count: 1}}\n"
        "journeys: {a: {steps: [launch]}}\nload: {users: 1}\n"
    )
    return load_scenario_text(text, "a.yaml", HERE)


def test_a_contract_file(tmp_path: Path) -> None:
    file = tmp_path / "ours.yaml"
    file.write_text(FULL)

    assert resolve_contract(read_contract(str(file)), scenario()) == Contract(
        name="ours",
        definitions=Definitions(Opens("timeout", Ms(1_800_000)), "customer", "UTC"),
        dedupe="maybe",
        time="arrival",
        max_age=Ms(7 * 86_400_000),
        lag=Ms(2_000),
        quiet=Ms(3_000),
        deadline=Ms(60_000),
        clock_bound=Ms(250),
        timeout_inclusive=True,
        midnight=True,
        source_change=True,
        launch_opens=False,
        replies=Replies((200, 202), (429,), BodyRule("code", (0,), (40001, "no"), "refused")),
    )


def test_nothing_given_is_the_default() -> None:
    assert resolve_contract(None, scenario()) == Contract()


def test_the_named_contracts() -> None:
    assert resolve_contract(read_contract("dmhub"), scenario()) == Contract()
    assert resolve_contract(read_contract("dmhub-2018"), scenario()) == Contract(
        name="dmhub-2018", dedupe="none", time="arrival"
    )


MINUTE = "opens: timeout=1m"
LAUNCH, SHOWS, GAP = Opens("launch"), Opens("every-foreground"), Opens("timeout", Ms(60_000))

PRECEDENCE = [
    # what                               explicit                    scenario            target           opens
    ("nobody says anything",             None,                       "{}",               None,            LAUNCH),
    ("the target alone",                 None,                       "{}",               MINUTE, GAP),
    ("the scenario before the target",   None,                       "{opens: every-foreground}", MINUTE, SHOWS),
    ("the explicit one before both",     "opens: launch",            "{opens: every-foreground}", MINUTE, LAUNCH),
    ("what it leaves out is the next's", "user: device",             "{opens: every-foreground}", MINUTE, SHOWS),
]  # fmt: skip


@pytest.mark.parametrize(
    ("explicit", "definitions", "target", "opens"),
    [case[1:] for case in PRECEDENCE],
    ids=[case[0] for case in PRECEDENCE],
)
def test_precedence(explicit: str | None, definitions: str, target: str | None, opens: Opens) -> None:
    found = resolve_definitions(
        given(explicit) if explicit else None, scenario(definitions), given(target) if target else None
    )

    assert found.opens == opens


def test_each_definition_has_its_own_place() -> None:
    found = resolve_definitions(
        given("user: device"), scenario("{day: UTC}"), given("opens: every-foreground\nday: Asia/Tokyo")
    )

    assert found == Definitions(SHOWS, "device", "UTC")


def test_a_named_contract_is_explicit_about_all_definitions() -> None:
    found = resolve_definitions(read_contract("dmhub"), scenario("{opens: every-foreground, user: device}"))

    assert found == Definitions()


def test_a_promise_comes_from_the_target_when_the_explicit_one_says_nothing() -> None:
    contract = resolve_contract(given("lag: 5s"), scenario(), given("name: theirs\nlag: 9s\nquiet: 4s"))

    assert (contract.name, contract.lag, contract.quiet) == ("given", 5_000, 4_000)


@pytest.mark.parametrize(
    ("text", "ack", "lag"),
    [
        ("quiet: 1s", "accepted", 0),
        ("lag: 2s", "durable", 2_000),
        ("lag: 0s", "durable", 0),
        ("ack: durable", "durable", 0),
        ("ack: accepted", "accepted", 0),
        ("ack: accepted\nlag: 2s\ntime: arrival", "accepted", 2_000),
    ],
    ids=["nothing promised", "within a time", "at once", "at once, in a word", "by the deadline", "a wait by arrival"],
)
def test_what_an_ack_promises(text: str, ack: str, lag: int) -> None:
    contract = resolve_contract(given(text), scenario())

    assert (contract.ack, contract.lag) == (ack, lag)


def test_a_lag_that_decides_nothing_is_refused() -> None:
    with pytest.raises(UsageError, match=r"the contract given says lag, which matters only .* with ack: durable"):
        resolve_contract(given("ack: accepted\nlag: 2s"), scenario())


WRONG = [
    ("a slip", "opnes: launch", "given.yaml:1:1  opnes  unknown key opnes; did you mean opens?"),
    ("a wrong word", "opens: timeout", "given.yaml:1:8  opens  expected launch, timeout=DURATION"),
    ("no unit", "lag: 5", "given.yaml:1:6  lag  expected a duration with a unit"),
    ("a wrong choice", "dedupe: byid", "did you mean by_id?"),
    (
        "a body rule without a value",
        "replies: {body: {key: code, acked: }}",
        'given.yaml:1:29  replies.body.acked  expected a value such as 0, "ok" or true, or a list of them, nothing',
    ),
    ("a body rule with a map", "replies: {body: {key: code, acked: [{a: 1}]}}", "not keys with values"),
    (
        "a value that says both",
        "replies: {body: {key: code, acked: 0, refused: [1, 0]}}",
        "replies.body  the value 0 of code cannot mean both acked and refused",
    ),
    ("a slip in a body rule", "replies: {body: {key: code, ack: 0}}", "unknown key ack; did you mean acked?"),
    ("no status of a reply", "replies: {acked: [100]}", "replies.acked[0]  expected 200 or more, not 100"),
    (
        "a status that says both",
        "replies: {acked: [200, 403]}",
        "replies  the status 403 cannot mean both acked and refused",
    ),
    ("no status at all", "replies: {acked: []}", "replies.acked  expected at least one"),
    ("nothing", "", "the file is empty"),
    ("a list", "[launch]", "expected keys with values, such as name, opens, user, day"),
]


@pytest.mark.parametrize(("text", "said"), [case[1:] for case in WRONG], ids=[case[0] for case in WRONG])
def test_a_wrong_contract_file(text: str, said: str) -> None:
    with pytest.raises(UsageError) as refused:
        given(text)

    assert said in str(refused.value)


def test_an_explicit_no_stands_before_a_yes_of_the_target() -> None:
    gaps = "opens: timeout=30m\n"
    contract = resolve_contract(given(f"{gaps}midnight: false"), scenario(), given(f"{gaps}midnight: true"))

    assert contract.midnight is False


IDLE = [
    *((f"{name}: true", f"given says {name}, which matters only under opens: timeout=DURATION; opens is launch here")
      for name in OF_TIMEOUT),
    ("clock_bound: 1s", "given says clock_bound, which matters only where the collector's clock does"),
]  # fmt: skip


@pytest.mark.parametrize(("text", "said"), IDLE, ids=[row[0] for row in IDLE])
def test_a_switch_that_decides_nothing_is_refused(text: str, said: str) -> None:
    with pytest.raises(UsageError, match=re.escape(said)):
        resolve_contract(given(text), scenario())


NOT_IDLE = [
    ("midnight: false", "{opens: timeout=1m}"),
    ("clock_bound: 1s\nmax_age: 7d", "{}"),
    ("clock_bound: 1s\ntime: arrival", "{}"),
]


@pytest.mark.parametrize(("text", "definitions"), NOT_IDLE)
def test_what_another_place_gives_sense_to_is_taken(text: str, definitions: str) -> None:
    assert resolve_contract(given(text), scenario(definitions)).name == "given"


def test_the_schema_of_a_contract_knows_what_the_loader_knows() -> None:
    """Every key with a sentence; what loads is valid, and what a schema can see is wrong is not."""
    schema = contract_schema()
    known = Draft202012Validator(schema)

    def valid(text: str) -> bool:
        return bool(known.is_valid(plain(read_tree(text, "given.yaml", Budget())[0])))

    Draft202012Validator.check_schema(schema)
    sections = {**schema["$defs"], "the file": schema}
    silent = [
        f"{section}.{name}"
        for section, of in sections.items()
        for name, said in of["properties"].items()
        if not ("description" in said or any("$ref" in one for one in (said, *said.get("anyOf", []))))
    ]
    assert silent == []
    assert valid(FULL)
    assert [name for name, text, _ in WRONG if valid(text or "''")] == [
        "a value that says both",
        "a status that says both",
    ]
    assert set(schema["properties"]) == set(ContractFile.model_fields)


def test_the_schema_is_printed_by_its_name(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["schema", "contract"]) == 0
    assert json.loads(capsys.readouterr().out) == contract_schema()
    assert run(["schema"]) == 0
    assert json.loads(capsys.readouterr().out)["title"] == "mpsim scenario"
    assert run(["schema", "targets"]) == 5


def test_a_name_that_is_none() -> None:
    with pytest.raises(UsageError, match=r"no contract dmhb, and no such file; did you mean dmhub\?"):
        read_contract("dmhb")
    with pytest.raises(UsageError, match=r"ours.yaml: no such file"):
        read_contract("ours.yaml")
    with pytest.raises(UsageError, match="cannot be read"):
        read_contract("x/" + "y" * 5000)
