"""What a visitor of a plan adds to a total, and why: `mpsim plan --explain`."""

from __future__ import annotations

from itertools import chain

from simulator.contract import METRICS
from simulator.errors import UsageError
from simulator.traffic.making import Wanted, draft
from simulator.traffic.opened import adapter_of
from simulator.traffic.sending import requests_of_block
from simulator.verify.explain import Derivation, derive
from simulator.verify.sighting import planned_sightings


def explained(wanted: Wanted, metric: str, visitor: int) -> Derivation:
    """The derivation of one visitor's part of a metric, if every attempt is acked.

    Raises:
        UsageError: no such visitor, or something that only the run itself can tell.
        ScenarioError: the scenario cannot be used.
    """
    checked = draft(wanted)
    plan, contract = checked.plan, checked.contract
    if metric not in METRICS:
        raise UsageError(f"--explain {metric}: expected one of {', '.join(METRICS)}")
    if not 0 <= visitor < plan.count:
        raise UsageError(f"--visitor {visitor}: the plan has visitors 0 to {plan.count - 1}")
    adapter = adapter_of(
        checked.adapter, checked.path, plan.scenario, checked.namespace, checked.options, own=checked.own
    )
    requests = list(chain.from_iterable(requests_of_block(plan, adapter, visitor // plan.block).values()))
    block = planned_sightings(requests, contract, plan.start)
    by_gaps = metric == "opens" and contract.definitions.opens.rule == "timeout"
    if any(not one.dated for one in block) and (by_gaps or metric == "new_users"):
        raise UsageError(f"--explain {metric}: this wire carries no time, so it is known only after the run")
    return derive(metric, visitor, block, contract, plan.start, plan.end)
