"""Why a case says nothing about a target: the contract, the wire or the reader cannot tell.

Each rule gives the reason as a clause, and an empty text where there is none.
"""

from __future__ import annotations

from collections.abc import Mapping

from simulator.contract import Contract
from simulator.errors import ScenarioError, UsageError
from simulator.runs.conform.cases import Case
from simulator.runs.conform.expecting import Cell
from simulator.runs.conform.staging import Staged, days_of, timeout_of
from simulator.scenario.case_file import CaseSection
from simulator.times import HOUR, MINUTE, format_duration


def by_contract(case: Case, contract: Contract) -> str:
    """Before anything is planned."""
    section = case.section
    if "event time" in section.needs and contract.time == "arrival":
        return "it needs the events' own time, and the contract counts by arrival"
    if "ids" in section.needs and contract.dedupe == "maybe":
        return "the contract promises nothing of duplicates (dedupe: maybe)"
    if contract.sessions == "given" and all(one.startswith("opens") for one in section.decides):
        return "opens are the wire's own session ids (sessions: given)"
    return _by_timeout(section, contract) if contract.definitions.opens.rule == "timeout" else ""


def _by_timeout(section: CaseSection, contract: Contract) -> str:
    """A timeout can be too long for a case, whose gaps are of another size."""
    timeout = timeout_of(contract)
    said = format_duration(timeout)
    if timeout >= 23 * HOUR and "timeout below a day" in section.needs:
        return f"its gap is a day, and the timeout is {said}"
    if contract.midnight and days_of(section, contract) > section.days:
        return f"its gaps are as long as the timeout, {said}, and would reach over midnight, which ends opens here"
    phones = [visit.device for visit in section.visits if visit.device is not None]
    if not contract.launch_opens and len(set(phones)) < len(phones) and timeout >= 90 * MINUTE:
        return f"its visits are two hours apart, and the timeout is {said}"
    return ""


def by_wire(case: Case, staged: Staged, contract: Contract) -> str:
    """What the adapter's requests do not carry."""
    needs, adapter = case.section.needs, staged.adapter
    if "event time" in needs and not adapter.carries_time:
        return f"it needs the events' own time, and the wire of {adapter.name} carries none"
    if "event time" in needs and staged.coarse:
        return f"it needs milliseconds, and the wire of {adapter.name} carries coarser times"
    if "ids" in needs and contract.dedupe == "by_id" and not adapter.carries_id:
        return f"it needs ids of events, and the wire of {adapter.name} carries none"
    if "devices" in needs and not adapter.carries_anonymous_id:
        return f"the wire of {adapter.name} does not tell anonymous visitors apart"
    if "links" in needs and not adapter.looks_up:
        return f"the tracker of {adapter.name} looks no links up"
    return ""


def by_reader(case: Case, places: Mapping[Cell, Cell | str]) -> str:
    """A figure that decides and is not read.

    Args:
        places: where each figure is read, or why it is not.
    """
    return next((place for cell, place in places.items() if decides(case, cell) and isinstance(place, str)), "")


def decides(case: Case, cell: Cell) -> bool:
    """Whether the case says nothing without this figure."""
    metric, by, _ = cell
    return (metric if by == "all" else f"{metric} by {by}") in case.section.decides


def plain(wrong: UsageError) -> str:
    """What a wire has no form for, without the place in a file that nobody sees."""
    if isinstance(wrong, ScenarioError):
        return "; ".join(complaint.text for complaint in wrong.complaints)
    return str(wrong)
