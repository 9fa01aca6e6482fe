"""The sample shop keeps every rule and comes to the planned totals; each broken one fails with its rule alone.

Five visitors of campaign_day, drawn by one seed so that between them they come by a code, by a plain path and by
themselves, log in with and without a unionid, return warm and cold, and are known or new.
"""

from __future__ import annotations

from pathlib import Path

import pytest

from simulator.finding import ExitCode, Verdict
from simulator.inspect.rules import BY_CODE
from simulator.inspect.variant import read_variant, whole_program
from simulator.report.inspection.outcome import Outcome
from simulator.runs.inspecting import Asked, run_inspection
from simulator.traffic.making import Wanted
from tests.e2e.commands import ROOT

APPS = ROOT / "scenarios" / "apps"
BROKEN = APPS / "broken"
VARIANTS = sorted(folder.name for folder in BROKEN.iterdir())
WANTED = Wanted(ROOT / "scenarios" / "campaign_day.yaml", visitors=5, seed=17, namespace="")
IN_TRIALS = frozenset({"after-500", "when-silent", "when-slow", "retry-copy", "retry-pause"})  # seen in these alone
TRIED_TOO = IN_TRIALS | {"lost-at-hide"}  # what the background ends, a trial must not take for the collector's
USUAL = Wanted(WANTED.scenario, visitors=50, namespace="")  # as `mpsim inspect --journeys` has it


def inspected(folder: Path, *, with_trials: bool = True, wanted: Wanted = WANTED) -> Outcome:
    with whole_program(folder) as whole:
        return run_inspection(Asked(whole, wanted, with_trials=with_trials))


def test_every_rule_has_a_broken_shop_and_every_broken_shop_a_rule() -> None:
    assert set(VARIANTS) == set(BY_CODE)


@pytest.mark.slow
def test_the_shop_passes_with_the_planned_totals() -> None:
    outcome = inspected(APPS / "shop")

    assert (outcome.exit_code, outcome.inspection.findings, outcome.notes) == (ExitCode.PASS, (), ())
    assert {one.verdict for one in outcome.totals} == {Verdict.PASS}
    assert {(one.metric, one.expected.low == one.observed) for one in outcome.totals if one.expected is not None} == {
        ("pv", True), ("uv", True), ("opens", True), ("new_users", True),
    }  # fmt: skip
    assert {one.cell for one in outcome.totals if one.by == "source"} == {"(none)", "poster", "share", "wechat_ad"}


@pytest.mark.slow
@pytest.mark.parametrize("code", VARIANTS)
def test_a_broken_shop_fails_with_its_rule_alone(code: str) -> None:
    check(inspected(BROKEN / code, with_trials=code in TRIED_TOO), code)


@pytest.mark.slow
@pytest.mark.proof
@pytest.mark.parametrize("code", VARIANTS)
def test_it_does_so_with_everybody_and_in_trials(code: str) -> None:
    check(inspected(BROKEN / code, wanted=USUAL), code)


def check(outcome: Outcome, code: str) -> None:
    """That the rule alone is told, with the totals that the variant says."""
    wrong = {one.metric for one in outcome.totals if one.verdict is Verdict.FAIL}
    assert {one.rule.code for one in outcome.inspection.findings} == {code}
    assert wrong == set(read_variant(BROKEN / code)["totals"])
    assert outcome.exit_code is ExitCode.FAIL
