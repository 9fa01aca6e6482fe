"""When a fault counts as killed: the verdict fails for the declared reasons, for all of them and for no others.

metrics    every one that the fault moves fails, and none that it cannot move
findings   the declared codes, exactly these; each speaks of a metric that fails, each metric that fails is spoken
           of, and the first of them speaks of all that the fault must move
visitors   somebody is named where one visitor's events decide, elsewhere at least a reason why nobody is; whether
           rightly so is affected.py
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from simulator.collector.faults import Fault
from simulator.contract import METRICS
from simulator.finding import NOBODY, Finding, Verdict
from simulator.report.result import Result


def failing(result: Result) -> tuple[Finding, ...]:
    """The findings for which the run fails."""
    return tuple(one for one in result.findings if one.verdict is Verdict.FAIL)


def not_as_declared(fault: Fault, result: Result, *, alone: bool = False) -> str:
    """What a failing verdict lacks to be the one that a fault declares, or has too much of; empty for a kill.

    Args:
        alone: only some visitors came, who need not move all that many do.
    """
    wrong = {one.metric for one in result.metrics if one.verdict is Verdict.FAIL}
    findings = failing(result)
    reasons = (
        *_metrics(fault, wrong, alone=alone),
        *_codes(fault, [one.code for one in findings], alone=alone),
        *_spoken_of(fault, wrong, findings),
        *_visitors(fault, findings),
    )
    return "; ".join(reasons)


def _metrics(fault: Fault, wrong: set[str], *, alone: bool) -> Iterator[str]:
    still = [metric for metric in fault.moves if metric not in wrong]
    if still and (not alone or len(still) == len(fault.moves)):
        yield f"{', '.join(still)} did not fail"
    beyond = [metric for metric in METRICS if metric in wrong - {*fault.moves, *fault.may_move}]
    if beyond:
        yield f"{', '.join(beyond)} failed, which it does not move"


def _codes(fault: Fault, codes: Sequence[str], *, alone: bool) -> Iterator[str]:
    if fault.finding not in codes:
        yield f"{', '.join(dict.fromkeys(codes)) or 'no finding'} instead of {fault.finding}"
        return
    missing = [code for code in fault.findings if code not in codes]
    if missing and not alone:
        yield f"no finding {', '.join(missing)} beside {fault.finding}"
    more = [code for code in dict.fromkeys(codes) if code not in fault.findings]
    if more:
        yield f"the finding {', '.join(more)} beside {fault.finding}"


def _spoken_of(fault: Fault, wrong: set[str], findings: Sequence[Finding]) -> Iterator[str]:
    for one in findings:
        if one.metrics and wrong.isdisjoint(one.metrics):
            yield f"the finding {one.code} speaks of {', '.join(one.metrics)}, which did not fail"
    told = {metric for one in findings for metric in one.metrics}
    told_first = {metric for one in findings if one.code == fault.finding for metric in one.metrics}
    silent = [metric for metric in METRICS if metric in wrong - told]
    if silent:
        yield f"no finding speaks of {', '.join(silent)}"
    elsewhere = [metric for metric in fault.moves if metric in (wrong & told) - told_first]
    if elsewhere:
        yield f"the finding {fault.finding} does not speak of {', '.join(elsewhere)}"


def _visitors(fault: Fault, findings: Sequence[Finding]) -> Iterator[str]:
    declared = [one for one in findings if one.code == fault.finding]
    if not declared or any(one.visitors for one in declared):
        return
    if fault.one_visitor or not all(NOBODY in one.text for one in declared):
        yield f"the finding {fault.finding} names no visitor"
