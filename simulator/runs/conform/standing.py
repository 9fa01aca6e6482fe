"""A target ready to be tried: where it is, how it is read, and by which definitions it is judged.

What a contract or the target file says holds; what neither says is found out; what cannot be found out is assumed, and
the report says which of the three it is.
"""

from __future__ import annotations

import secrets as random
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

from simulator.contract import Opens
from simulator.errors import UsageError
from simulator.ledger.manifest import Options
from simulator.report.matrix import Definition, TargetFacts
from simulator.runs.conform.expecting import SWITCHES
from simulator.runs.conform.hiding import hide_environment
from simulator.runs.conform.staging import Ground
from simulator.runs.reading import Readers, make_readers
from simulator.scenario.contracts import (
    NAMED,
    OF_TIMEOUT,
    ContractFile,
    GivenContract,
    read_contract,
    resolve_contract,
)
from simulator.scenario.load import load_scenario_text
from simulator.scenario.model import Scenario
from simulator.scenario.target import Target
from simulator.times import Ms, format_duration
from simulator.traffic.opened import adapter_of
from simulator.traffic.target_files import check_variables, checked_url, named_target
from simulator.traffic.targets import check_connection, is_loopback_url
from simulator.verify.readers.setting import Setting
from simulator.wire.options import DEFAULT_PATH
from simulator.wire.registry import path_of

# Without definitions of its own: what is in force comes from the contract, the target and discovery alone.
_SCENARIO = """
scenario: conform
app: {name: mpsim, pages: [pages/index/index]}
visitors: {count: 1}
journeys: {visit: {steps: [launch]}}
load: {users: 1}
"""
_SOUGHT = ("opens", "user", "day", "dedupe", "time")  # that are found out unless they are all stated
_NOTHING = ContractFile()


@dataclass(frozen=True, slots=True)
class Wanted:
    """Whom to try, and what is said of them."""

    targets: Sequence[str]  # URLs and target files
    contract: str | None = None  # name or file, for all of them
    adapter: str = "dmhub"  # of URLs
    path: str = DEFAULT_PATH
    token_variable: str = ""
    allowed_hosts: Sequence[str] = ()
    names: Mapping[str, str] | None = None  # what reports call a URL; the URL itself unless it is here
    usual: ContractFile | None = None  # what holds of all of them where nothing else is said


@dataclass(frozen=True, slots=True)
class Standing:
    """A target ready to be tried."""

    ground: Ground
    readers: Readers
    stated: ContractFile  # what the contract and the target file say themselves, without the adapter's defaults
    found: ContractFile = _NOTHING

    @property
    def is_told(self) -> bool:
        """Whether everything that discovery looks for is stated."""
        return all(getattr(self.stated, name) is not None for name in _SOUGHT)

    @property
    def known(self) -> dict[str, str]:
        """How each switch came to be in force: stated, found or assumed. Those of a timeout come with its rule."""
        return {name: self._how(name) for name in SWITCHES}

    def _how(self, name: str) -> str:
        if getattr(self.stated, name) is not None or (name in OF_TIMEOUT and self.stated.opens is not None):
            return "stated"
        return "assumed" if getattr(self.found, name) is None else "found"

    def facts(self, remarks: Sequence[str] = ()) -> TargetFacts:
        """The target as the report tells it."""
        contract = self.ground.contract
        values = {**contract.definitions.as_json(), "dedupe": contract.dedupe, "time": contract.time}
        if contract.definitions.opens.rule == "timeout":
            values |= {name: "true" if getattr(contract, name) else "false" for name in OF_TIMEOUT}
        if contract.max_age is not None:
            values["max_age"] = format_duration(contract.max_age)
        rows = tuple(Definition(name, value, self._how(name)) for name, value in values.items())
        target = self.ground.target
        return TargetFacts(target.name, self.ground.url, target.adapter, rows, tuple(remarks))


def targets_named(wanted: Wanted) -> list[Target]:
    """The targets, each with a name of its own.

    Raises:
        UsageError: a mistake in a file; two of one name.
    """
    found: list[Target] = []
    for text in wanted.targets:
        target = named_target(text, wanted.adapter, wanted.path, wanted.token_variable)
        if not target.document:
            name = (wanted.names or {}).get(text, text)
            target = replace(target, file=target.file.model_copy(update={"target": name}))
        if any(one.name == target.name for one in found):
            raise UsageError(f"two targets are called {target.name}; give each a name of its own (key target)")
        found.append(target)
    return found


@contextmanager
def standing(wanted: Wanted, target: Target, found: ContractFile = _NOTHING) -> Iterator[Standing]:
    """A target with its readers.

    Args:
        found: what discovery has found out, where nothing is stated.

    Raises:
        UsageError: a mistake in a file, a host that was not allowed, a variable that is not set.
        ConnectionFailed: nobody answers.
    """
    url = checked_url(target, wanted.allowed_hosts)
    check_variables(target, wanted.token_variable)
    check_connection(url)
    explicit = None if wanted.contract is None else read_contract(wanted.contract)
    stated = _stated(explicit, target)
    found = _beside(stated, found)
    scenario = load_scenario_text(_SCENARIO, "conform", Path())
    usual = target.contract.file if wanted.usual is None else _over(target.contract.file, wanted.usual)
    below = GivenContract(target.contract.name, _over(_over(usual, found), _stated(None, target)))
    contract = resolve_contract(explicit, scenario, below)
    ground = Ground(target, url, contract, f"mpsim-{random.token_hex(3)}", is_loopback_url(url))
    readers = make_readers(target, _setting(ground, scenario))
    hide_environment(readers.setting.secrets, target.document)
    try:
        yield Standing(ground, readers, stated, found)
    finally:
        readers.close()


def _beside(stated: ContractFile, found: ContractFile) -> ContractFile:
    """What was found out, less what only another rule of opens than the stated one gives a meaning."""
    if not isinstance(stated.opens, Opens) or stated.opens.rule == "timeout":
        return found
    return ContractFile.model_construct(
        **{name: None if name in OF_TIMEOUT else getattr(found, name) for name in ContractFile.model_fields}
    )


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
    said = _NOTHING
    if isinstance(given, Mapping):
        said = ContractFile.model_validate(given)
    elif isinstance(given, str):
        said = NAMED[given] if given in NAMED else read_contract(str(target.folder / given)).file
    return said if explicit is None else _over(said, explicit.file)


def _over(below: ContractFile, above: ContractFile) -> ContractFile:
    """What the upper says, and where it says nothing the lower."""
    values = {name: getattr(above, name) for name in ContractFile.model_fields}
    return ContractFile.model_construct(
        **{name: getattr(below, name) if value is None else value for name, value in values.items()}
    )
