"""`mpsim conform`: each target's definitions found out, the suite against each, and all of it as one matrix."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from simulator import __version__
from simulator.contract import Contract, Definitions, Opens
from simulator.errors import UsageError
from simulator.report.matrix import CaseFacts, Judgement, Matrix, TargetFacts
from simulator.runs.collector_process import embedded_collector
from simulator.runs.conform.cases import VERSION, Case
from simulator.runs.conform.conducting import conduct
from simulator.runs.conform.discovering.contract_text import as_contract, contract_text
from simulator.runs.conform.discovering.discover import discover
from simulator.runs.conform.discovering.found import Found
from simulator.runs.conform.standing import Standing, Wanted, standing, targets_named
from simulator.scenario.case_file import CaseVisit
from simulator.scenario.contracts import OF_TIMEOUT, ContractFile, read_contract
from simulator.scenario.target import Target

EMBEDDED = "embedded collector"  # what reports call the one that is started where no target is named

# It has counted what it answered: nothing is gained by waiting for it.
_PROMPT = ContractFile.model_validate({"quiet": "200ms", "deadline": "5s"})

Tell = Callable[[str, str], None]  # target, what is going on there


@dataclass(frozen=True, slots=True)
class Conformed:
    """The matrix, and the contract file of each target whose definitions were looked for."""

    matrix: Matrix
    contracts: dict[str, str]  # target → text


def conform(wanted: Wanted, cases: Sequence[Case], command: str = "", tell: Tell = lambda *_: None) -> Conformed:
    """Every case on every target.

    Args:
        command: that did it, as typed.

    Raises:
        UsageError: a mistake in a file or option, a host that was not allowed, a variable that is not set.
        ConnectionFailed: nobody answers at a target.
    """
    targets: list[TargetFacts] = []
    judgements: dict[str, tuple[Judgement, ...]] = {}
    contracts: dict[str, str] = {}
    with ExitStack() as running:
        wanted = _with_embedded(wanted, running)
        for target in targets_named(wanted):
            found = _found(wanted, target, tell)
            said = ContractFile() if found is None else as_contract(found, target.name).file
            if found is not None:
                contracts[target.name] = _text(found, target)
            with standing(wanted, target, said) as one:
                judgements[target.name] = tuple(_conducted(one, cases, tell))
                targets.append(one.facts(_remarks(one, found)))
    matrix = Matrix(VERSION, __version__, _now(), command, tuple(map(facts_of, cases)), tuple(targets), judgements)
    return Conformed(matrix, contracts)


def discovered(wanted: Wanted, tell: Tell = lambda *_: None) -> list[tuple[TargetFacts, Found, str]]:
    """Each target with what was found out of it, and its contract file.

    Raises:
        UsageError, ConnectionFailed: as `conform`.
    """
    results = []
    with ExitStack() as running:
        wanted = _with_embedded(wanted, running)
        for target in targets_named(wanted):
            with standing(wanted, target) as one:
                found = discover(one.ground, one.readers, lambda what, name=target.name: tell(name, what))  # type: ignore[misc]
            with standing(wanted, target, as_contract(found, target.name).file) as one:
                results.append((one.facts(_remarks(one, found)), found, _text(found, target)))
    return results


def _with_embedded(wanted: Wanted, running: ExitStack) -> Wanted:
    """The same with the embedded collector as the target where none is named; it counts as the contract says."""
    if wanted.targets:
        return wanted
    said = ContractFile() if wanted.contract is None else read_contract(wanted.contract).file
    odd = [name for name in OF_TIMEOUT if getattr(said, name) not in (None, getattr(Contract(), name))]
    if odd:
        raise UsageError(f"the embedded collector counts opens otherwise: leave {odd[0]} out, or name a --target")
    usual = Definitions()
    definitions = Definitions(
        said.opens if isinstance(said.opens, Opens) else usual.opens, said.user or usual.user, said.day or usual.day
    )
    folder = running.enter_context(TemporaryDirectory(prefix="mpsim-conform-"))
    url = running.enter_context(embedded_collector(Path(folder) / "collector.db", definitions, fsync=False))
    return replace(wanted, targets=(url,), names={url: EMBEDDED}, usual=_PROMPT)


def _found(wanted: Wanted, target: Target, tell: Tell) -> Found | None:
    """What discovery finds out; None where everything that it looks for is stated."""
    with standing(wanted, target) as one:
        if one.is_told:
            return None
        return discover(one.ground, one.readers, lambda what: tell(target.name, f"finding out: {what}"))


def _conducted(one: Standing, cases: Sequence[Case], tell: Tell) -> list[Judgement]:
    name = one.ground.target.name
    tell(name, f"{len(cases)} cases")
    return conduct(
        one.ground, one.readers, cases, one.known, lambda done, of: tell(name, f"{done} of {of} cases are done")
    )


def _remarks(one: Standing, found: Found | None) -> list[str]:
    """What discovery has to say beside the definitions; and where it saw another one than was stated."""
    if found is None:
        return []
    said = [f"{key} was not found out: {why}" for key, why in found.unknown.items() if _is_open(one, key)]
    stated = as_contract(found, "found").file
    for key in found.keys:
        promised = getattr(one.stated, key)
        if promised is not None and promised != getattr(stated, key):
            said.append(f"the contract says {key}: {promised}, and the collector counts by {key}: {found.keys[key]}")
    return [*said, *found.remarks]


def _is_open(one: Standing, key: str) -> bool:
    return getattr(one.stated, key) is None


def _text(found: Found, target: Target) -> str:
    name = "".join(letter if letter.isalnum() else "_" for letter in target.name).strip("_")[:64] or "found"
    return contract_text(found, name, f"found out of {target.name[:200]} by mpsim {__version__} at {_now()}")


def _now() -> str:
    return datetime.now(UTC).isoformat(timespec="seconds").replace("+00:00", "Z")


# ---- cases as the report tells them -------------------------------------------------------------------------------


def facts_of(case: Case) -> CaseFacts:
    """A case as the report tells it."""
    section = case.section
    return CaseFacts(
        section.case,
        case.area,
        section.since,
        section.title,
        " ".join(section.about.split()),
        section.says.document,
        section.says.section,
        " ".join(section.says.text.split()),
        tuple(_journey(visit) for visit in section.visits),
    )


def _journey(visit: CaseVisit) -> str:
    day, of_day = visit.at
    seconds, millis = divmod(of_day, 1000)
    clock = f"{seconds // 3600:02}:{seconds // 60 % 60:02}:{seconds % 60:02}" + (f".{millis:03}" if millis else "")
    who = "".join(f", {kind} {name}" for kind, name in visit.has.items())
    phone = f", on the phone {visit.device}" if visit.device else ""
    source = f", by {visit.source}" if visit.source != "own" else ""
    many = f"{visit.people} visitors" if visit.people > 1 else "a visitor"
    shape = f", sent as {visit.sent_as}" if visit.sent_as != "as it is" else ""
    return f"day {day}, {clock}, {many}{phone}{source}{who}{shape}: {_steps(visit.steps)}"


def _steps(steps: Sequence[Any]) -> str:
    return " → ".join(
        step if isinstance(step, str) else ", ".join(f"{key}: {_value(value)}" for key, value in step.items())
        for step in steps
    )


def _value(value: Any) -> str:
    if isinstance(value, list) and all(isinstance(one, str | dict) for one in value):
        return f"[{_steps(value)}]" if any(isinstance(one, dict) for one in value) else ", ".join(value)
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
