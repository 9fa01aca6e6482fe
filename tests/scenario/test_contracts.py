"""Contract files and which definitions are in force."""

from __future__ import annotations

from pathlib import Path

import pytest

from simulator.contract import BodyRule, Contract, Definitions, Opens, Replies
from simulator.errors import UsageError
from simulator.scenario.contracts import (
    GivenContract,
    read_contract,
    read_contract_text,
    resolve_contract,
    resolve_definitions,
)
from simulator.scenario.load import load_scenario_text
from simulator.scenario.model import Scenario
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
lag: 2s
quiet: 3s
deadline: 1m
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


def test_a_name_that_is_none() -> None:
    with pytest.raises(UsageError, match=r"no contract dmhb, and no such file; did you mean dmhub\?"):
        read_contract("dmhb")
    with pytest.raises(UsageError, match=r"ours.yaml: no such file"):
        read_contract("ours.yaml")
    with pytest.raises(UsageError, match="cannot be read"):
        read_contract("x/" + "y" * 5000)
