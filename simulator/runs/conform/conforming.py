"""`mpsim conform`: the suite against each target, as one matrix."""

from __future__ import annotations

import json
import secrets as random
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path

from simulator import __version__
from simulator.errors import UsageError
from simulator.report.matrix import CaseFacts, Definition, Judgement, Matrix, TargetFacts
from simulator.runs.conform.cases import VERSION, Case
from simulator.runs.conform.conducting import conduct
from simulator.runs.conform.expecting import SWITCHES, switches_of
from simulator.runs.conform.hiding import hide_environment
from simulator.runs.conform.staging import Ground
from simulator.runs.reading import Readers, make_readers
from simulator.scenario.contracts import NAMED, ContractFile, GivenContract, read_contract, resolve_contract
from simulator.scenario.load import load_scenario_text
from simulator.scenario.model import Scenario
from simulator.scenario.target import Target
from simulator.times import Ms
from simulator.traffic.opened import adapter_of
from simulator.traffic.target_files import check_variables, checked_url, named_target
from simulator.traffic.targets import check_connection, is_loopback_url
from simulator.ledger.manifest import Options
from simulator.verify.readers.setting import Setting
from simulator.wire.options import DEFAULT_PATH
from simulator.wire.registry import path_of

_SCENARIO = """
scenario: conform
app: {name: mpsim, pages: [pages/index/index]}
visitors: {count: 1}
journeys: {visit: {steps: [launch]}}
load: {users: 1}
"""  # without definitions: what is in force comes from the contract and the target alone
_SWITCHES_OF_KEY = {"opens", "user", "dedupe", "timeout_inclusive", "midnight", "source_change", "launch_opens"}


@dataclass(frozen=True, slots=True)
class Wanted:
    """What `mpsim conform` was asked for."""

    targets: Sequence[str]  # URLs and target files
    contract: str | None = None  # name or file, for all of them
    adapter: str = "dmhub"  # of URLs
    path: str = DEFAULT_PATH
    token_variable: str = ""
    allowed_hosts: Sequence[str] = ()
    command: str = ""


@dataclass(frozen=True, slots=True)
class Standing:
    """A target ready to be tried."""

    ground: Ground
    readers: Readers
    stated: ContractFile  # what the contract and the target file say themselves, without the adapter's defaults


def conform(wanted: Wanted, cases: Sequence[Case], tell: Callable[[str, int, int], None] = lambda *_: None) -> Matrix:
    """Every case on every target.

    Args:
        tell: target, cases that are done, of how many.

    Raises:
        UsageError: a mistake in a file or option, a host that was not allowed, a variable that is not set.
        ConnectionFailed: nobody answers at a target.
    """
    targets: list[TargetFacts] = []
    judgements: dict[str, tuple[Judgement, ...]] = {}
    for named in _named(wanted):
        with standing(wanted, named) as one:
            name = one.ground.target.name
            known = _known(one)
            found = conduct(
                one.ground,
                one.readers,
                cases,
                known,
                lambda done, of, name=name: tell(name, done, of),  # type: ignore[misc]
            )
            judgements[name] = tuple(found)
            targets.append(_facts(one, known))
    return Matrix(
        VERSION,
        __version__,
        datetime.now(UTC).isoformat(timespec="seconds").replace("+00:00", "Z"),
        wanted.command,
        tuple(map(facts_of, cases)),
        tuple(targets),
        judgements,
    )


@contextmanager
def standing(wanted: Wanted, target: Target) -> Iterator[Standing]:
    """A target with its readers.

    Raises:
        UsageError, ConnectionFailed: as `conform`.
    """
    url = checked_url(target, wanted.allowed_hosts)
    check_variables(target, wanted.token_variable)
    check_connection(url)
    explicit = None if wanted.contract is None else read_contract(wanted.contract)
    scenario = load_scenario_text(_SCENARIO, "conform", Path())
    contract = resolve_contract(explicit, scenario, target.contract)
    ground = Ground(target, url, contract, f"mpsim-{random.token_hex(3)}", is_loopback_url(url))
    readers = make_readers(target, _setting(ground, scenario))
    hide_environment(readers.setting.secrets, target.document)
    try:
        yield Standing(ground, readers, _stated(explicit, target))
    finally:
        readers.close()


def _named(wanted: Wanted) -> list[Target]:
    """The targets by different names."""
    found: list[Target] = []
    for text in wanted.targets:
        target = named_target(text, wanted.adapter, wanted.path, wanted.token_variable)
        if not target.document:
            target = replace(target, file=target.file.model_copy(update={"target": text}))
        if any(one.name == target.name for one in found):
            raise UsageError(f"two targets are called {target.name}; give each a name of its own (key target)")
        found.append(target)
    return found


def _setting(ground: Ground, scenario: Scenario) -> Setting:
    target = ground.target
    options = target.options if target.document else None
    path = str(target.options.get("path") or DEFAULT_PATH)
    adapter = adapter_of(target.adapter, path, scenario, ground.namespace, Options(), ground.contract.replies, options)
    scope = target.file.scope
    return Setting(
        ground.url,
        ground.contract,
        adapter,
        namespace=ground.namespace,
        appid=scope.appid or scenario.app.appid,
        tenant=scope.tenant or scenario.app.tenant,
        scope=scope,
        folder=target.folder,
        created=Ms(time.time_ns() // 1_000_000),
        left_out=target.left_out,
        path=path_of(target.adapter, target.options),
        ids_name_visitors=adapter.carries_id,
    )


def _stated(explicit: GivenContract | None, target: Target) -> ContractFile:
    """What somebody said of this collector; an adapter's own contract only fits its wire."""
    given = target.file.contract
    said = ContractFile()
    if isinstance(given, Mapping):
        said = ContractFile.model_validate(given)
    elif isinstance(given, str):
        said = NAMED[given] if given in NAMED else read_contract(str(target.folder / given)).file
    return said if explicit is None else _over(said, explicit.file)


def _over(below: ContractFile, above: ContractFile) -> ContractFile:
    return ContractFile.model_construct(
        **{
            name: getattr(below, name) if getattr(above, name) is None else getattr(above, name)
            for name in ContractFile.model_fields
        }
    )


def _known(one: Standing) -> dict[str, str]:
    """How each switch came to be in force."""
    return {name: "stated" if getattr(one.stated, name) is not None else "assumed" for name in SWITCHES}


def _facts(one: Standing, known: Mapping[str, str]) -> TargetFacts:
    contract = one.ground.contract
    definitions = contract.definitions.as_json()
    rows = [
        Definition(name, definitions[name], "stated" if getattr(one.stated, name) is not None else "assumed")
        for name in definitions
    ]
    rows += [
        Definition(
            name, _word(getattr(contract, name)), "stated" if getattr(one.stated, name) is not None else "assumed"
        )
        for name in ("dedupe", "time")
    ]
    switches = switches_of(contract)
    if switches["opens"] == "timeout":
        rows += [
            Definition(name, _word(switches[name]), known[name])
            for name in ("timeout_inclusive", "midnight", "source_change", "launch_opens")
        ]
    return TargetFacts(one.ground.target.name, one.ground.url, one.ground.target.adapter, tuple(rows))


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
        tuple(_journey(number, one) for number, one in enumerate(section.visits)),
    )


def _journey(number: int, visit: object) -> str:
    plain = visit.model_dump(mode="json")  # type: ignore[attr-defined]
    day, of_day = plain["at"]
    clock = f"{of_day // 3_600_000:02}:{of_day // 60_000 % 60:02}:{of_day // 1000 % 60:02}.{of_day % 1000:03}"
    who = ", ".join(f"{kind} {name}" for kind, name in plain["has"].items())
    phone = f", on the phone {plain['device']}" if plain["device"] else ""
    steps = json.dumps(plain["steps"], ensure_ascii=False)
    return f"visitor {number}, day {day} {clock}{phone}{', ' + who if who else ''}: {steps}"


def _word(value: object) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)
