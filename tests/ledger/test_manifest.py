"""A contract in run.json: written and read again, also by another version of mpsim."""

from __future__ import annotations

import json

import pytest

from simulator.contract import BodyRule, Contract, Definitions, Opens, Replies
from simulator.ledger.manifest import contract_from_json, contract_json
from simulator.times import Ms

RULE = BodyRule("code", (0, "ok", True, None), (40001,), "refused")
CONTRACTS = [
    Contract(),
    Contract(definitions=Definitions(Opens("timeout", Ms(60_000)), "customer", "UTC"), max_age=Ms(5), midnight=True),
    Contract(replies=Replies((200, 202), (), RULE)),
]


@pytest.mark.parametrize("contract", CONTRACTS, ids=["the default", "definitions", "replies"])
def test_a_contract_is_read_as_it_was_written(contract: Contract) -> None:
    assert contract_from_json(json.loads(json.dumps(contract_json(contract)))) == contract


def test_a_run_from_before_there_were_replies_is_read_with_the_usual_ones() -> None:
    document = contract_json(Contract(lag=Ms(7)))
    del document["replies"]

    assert contract_from_json(document) == Contract(lag=Ms(7))
