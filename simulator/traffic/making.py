"""Scenario, contract, options and target to a run directory: run.json is written before the first send.

Three steps, because what is wrong must be said before anything is made, and the embedded collector keeps its database
in the directory: `draft` checks and plans, `make_folder` makes the directory, `write_run` writes run.json into it.
`take_back` undoes the last two where the run could not begin: the same command must work once the cause is gone.
"""

from __future__ import annotations

import csv
import platform
import shutil
import sys
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
from types import MappingProxyType
from typing import Any, Final, NamedTuple

from simulator import __version__
from simulator.contract import Contract
from simulator.errors import UsageError
from simulator.journey.plan import Plan, make_plan, visits
from simulator.ledger.manifest import (
    LEDGER_FOLDER,
    SCENARIO_FOLDER,
    Manifest,
    Options,
    TargetFacts,
    new_run_id,
    write_manifest,
)
from simulator.scenario.contracts import read_contract, resolve_contract
from simulator.scenario.load import Loaded, load
from simulator.scenario.nearest import one_of
from simulator.scenario.target import Target, check_scope
from simulator.times import Ms, instant
from simulator.traffic.opened import OpenedRun, adapter_of, settings_of
from simulator.traffic.target_files import checked_url, contract_of_adapter, named_target
from simulator.traffic.targets import is_loopback_url
from simulator.wire.options import DEFAULT_PATH

IDENTITIES_FILE = "identities.csv"
_EMBEDDED_QUIET, _EMBEDDED_DEADLINE = Ms(500), Ms(5_000)
EMBEDDED_ADAPTERS = ("dmhub", "dmhub-2018")  # whose events the embedded collector takes
_OPTIONS = (  # of `mpsim run` that take one value, by the name of the field
    ("target", "--target"),
    ("adapter", "--adapter"),
    ("path", "--path"),
    ("token_variable", "--token-env"),
    ("contract", "--contract"),
    ("namespace", "--namespace"),
    ("seed", "--seed"),
    ("visitors", "--visitors"),
    ("users", "--users"),
    ("rate", "--rate"),
    ("speed", "--speed"),
    ("workers", "--workers"),
)
_LIBRARIES = ("locust", "gevent", "Faker", "pydantic")


class Bounds(NamedTuple):
    """The least and the most that a number may be; None: no most."""

    least: int
    most: int | None


BOUNDS: Final[Mapping[str, Bounds]] = MappingProxyType(
    {  # of the numbers in a Wanted
        "seed": Bounds(0, None),
        "visitors": Bounds(1, 1_000_000_000),
        "users": Bounds(1, 100_000),
        "workers": Bounds(1, 1_000),
    }
)


@dataclass(frozen=True, slots=True)
class Wanted:
    """What a run or a plan was asked for; None keeps the scenario's value."""

    scenario: Path
    target: str | None = None  # URL or target file; None: the embedded collector
    adapter: str = "dmhub"
    path: str = DEFAULT_PATH
    contract: str | None = None  # name or file
    namespace: str | None = None  # None: the run id, or empty on the embedded collector
    seed: int = 1
    visitors: int | None = None
    users: int | None = None
    rate: str | None = None
    speed: str | None = None  # a number or "flood"
    workers: int = 1  # processes that send
    start: Ms | None = None
    out: Path | None = None  # None: reports/<scenario>-<time>/
    allowed_hosts: tuple[str, ...] = ()
    real_looking_identities: bool = False
    token_variable: str = ""
    command: tuple[str, ...] = ()  # what does the same again, without the directory


@dataclass(frozen=True, slots=True)
class Draft:
    """A run that is checked and planned, with nothing written yet."""

    wanted: Wanted
    loaded: Loaded
    contract: Contract
    options: Options
    run_id: str
    namespace: str
    plan: Plan
    url: str | None  # None: the embedded collector, which is not started yet
    created: datetime
    target: Target | None = None  # None: the embedded collector

    @property
    def adapter(self) -> str:
        """The adapter's name."""
        return self.wanted.adapter if self.target is None else self.target.adapter

    @property
    def path(self) -> str:
        """Of the event request."""
        return self.wanted.path if self.target is None else str(self.target.options.get("path") or DEFAULT_PATH)

    @property
    def own(self) -> Mapping[str, Any] | None:
        """The adapter's own options, as a target file says them."""
        return self.target.options if self.target is not None and self.target.document else None

    @property
    def facts(self) -> TargetFacts:
        """What run.json says of the target, but for the URL of an embedded collector."""
        target = self.target
        from_file = target is not None and bool(target.document)
        return TargetFacts(
            self.url or "",
            self.url is None,
            self.adapter,
            self.path,
            self.wanted.token_variable,
            dict(target.document) if target is not None and from_file else None,
            str(target.folder.absolute()) if target is not None and from_file else "",
        )


def draft(wanted: Wanted) -> Draft:
    """Check the options and plan the run.

    Raises:
        UsageError: a bad option, or a host that was not allowed.
        ScenarioError: the scenario cannot be used.
    """
    _check_bounds(wanted)
    created = datetime.now(UTC)
    loaded = load(wanted.scenario)
    target = target_wanted(wanted)
    contract = contract_of(wanted, loaded, target)
    url = None if target is None else checked_url(target, wanted.allowed_hosts)
    options = _options_of(wanted, contract, loopback=url is None or is_loopback_url(url))
    run_id = new_run_id()
    namespace = wanted.namespace if wanted.namespace is not None else ("" if url is None else run_id)
    settings = settings_of(options, contract, wanted.seed, namespace, wanted.start)
    plan = make_plan(loaded.scenario, settings, instant(created))
    return Draft(wanted, loaded, contract, options, run_id, namespace, plan, url, created, target)


def _check_bounds(wanted: Wanted) -> None:
    for name, (least, most) in BOUNDS.items():
        value = getattr(wanted, name)
        if value is not None and (value < least or (most is not None and value > most)):
            expected = f"{least} or more" if most is None else f"{least} to {most:,}"
            raise UsageError(f"{name}: expected {expected}, not {value}")


def target_wanted(wanted: Wanted) -> Target | None:
    """The target that was asked for; None: the embedded collector.

    Raises:
        UsageError: as `named_target`.
    """
    if wanted.target is None:
        return None
    return named_target(wanted.target, wanted.adapter, wanted.path, wanted.token_variable)


def contract_of(wanted: Wanted, loaded: Loaded, target: Target | None = None) -> Contract:
    """The contract in force, by the precedence of CONTRACT section 3.

    Without a target the adapter's own stands for the target's.
    """
    explicit = read_contract(wanted.contract) if wanted.contract is not None else None
    if target is not None:
        check_scope(target, loaded.scenario)
    of_target = contract_of_adapter(wanted.adapter) if target is None else target.contract
    contract = resolve_contract(explicit, loaded.scenario, of_target)
    if contract.max_age is not None and wanted.target is None:
        raise UsageError("the embedded collector takes events of any age: leave max_age out, or name a --target")
    if wanted.target is None and (explicit is None or explicit.file.ack is None):
        contract = replace(contract, ack="durable")  # it answers what it has stored, and counts what is stored
    if explicit is None and wanted.target is None:
        # The embedded collector has counted what it answered: nothing is gained by waiting for it.
        contract = replace(contract, quiet=_EMBEDDED_QUIET, deadline=_EMBEDDED_DEADLINE)
    return contract


def make_folder(draft: Draft) -> Path:
    """Make the run directory with a copy of the scenario, its includes and lists, as they lie to one another.

    Raises:
        UsageError: it is not empty, or cannot be written; or the embedded collector does not take the adapter's events.
    """
    if draft.url is None and draft.wanted.adapter not in EMBEDDED_ADAPTERS:
        known = one_of(EMBEDDED_ADAPTERS)
        raise UsageError(
            f"--adapter {draft.wanted.adapter}: the embedded collector takes {known} only; name a --target"
        )
    folder = draft.wanted.out
    if folder is None:
        local = draft.created.astimezone()
        folder = Path("reports") / f"{draft.loaded.scenario.scenario}-{local:%Y%m%d-%H%M%S-%f}"
    try:
        folder.mkdir(parents=True, exist_ok=True)
        if any(folder.iterdir()):
            raise UsageError(f"{folder} is not empty; name a new directory with --out")
        (folder / LEDGER_FOLDER).mkdir()
        for file in draft.loaded.files:
            copy = folder / SCENARIO_FOLDER / file
            copy.parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(draft.loaded.folder / file, copy)
    except OSError as failed:
        raise UsageError(f"the run directory {folder} cannot be written: {failed.strerror}") from failed
    return folder


def take_back(folder: Path) -> None:
    """Remove the directory of a run of which nothing was sent; only what a run writes there was in it."""
    with suppress(OSError):  # what cannot be removed is in nobody's way as long as --out names another directory
        shutil.rmtree(folder)


def typed_again(arguments: Sequence[str], *options: str) -> tuple[str, ...]:
    """A command line without some options and their values: a run directory holds one run, so another must be made."""
    kept, skip = [], False
    for argument in arguments:
        if skip or argument.startswith(tuple(f"{option}=" for option in options)):
            skip = False
        elif argument in options:
            skip = True
        else:
            kept.append(argument)
    return tuple(kept)


def command_of(wanted: Wanted) -> tuple[str, ...]:
    """The command line that asks for the same run: what differs from the usual, without the run directory."""
    usual = Wanted(wanted.scenario)
    command = ["mpsim", "run", str(wanted.scenario)]
    for name, option in _OPTIONS:
        value = getattr(wanted, name)
        if value != getattr(usual, name):
            command += [option, str(value)]
    for host in wanted.allowed_hosts:
        command += ["--allow-host", host]
    if wanted.real_looking_identities:
        command.append("--real-looking-identities")
    return tuple(command)


def write_run(draft: Draft, folder: Path, url: str) -> OpenedRun:
    """Write run.json, and where load leaves this machine the identities that may have to be cleaned up there."""
    wanted, scenario, plan = draft.wanted, draft.loaded.scenario, draft.plan
    target = replace(draft.facts, url=url)
    manifest = Manifest(
        run_id=draft.run_id,
        scenario=scenario.scenario,
        file=str(draft.loaded.files[0]),
        seed=wanted.seed,
        namespace=draft.namespace,
        start=plan.start,
        end=plan.end,
        target=target,
        contract=draft.contract,
        options=draft.options,
        created=draft.created.isoformat(timespec="seconds"),
        mpsim=__version__,
        command=wanted.command or tuple(sys.argv),
        versions=(("python", platform.python_version()), *((name, version(name)) for name in _LIBRARIES)),
        given=str(wanted.scenario.absolute()),
    )
    write_manifest(folder, manifest)
    if not is_loopback_url(url):
        _write_identities(folder, plan)
    adapter = adapter_of(
        draft.adapter, draft.path, scenario, draft.namespace, draft.options, draft.contract.replies, draft.own
    )
    return OpenedRun(folder, manifest, scenario, plan, adapter)


def _options_of(wanted: Wanted, contract: Contract, *, loopback: bool) -> Options:
    if wanted.users is not None and wanted.rate is not None:
        raise UsageError("--users (closed model) and --rate (open model) exclude each other")
    speed, flood = _speed(wanted.speed)
    return Options(
        visitors=wanted.visitors,
        users=wanted.users,
        rate=wanted.rate,
        speed=speed,
        flood=flood,
        foreground_event=contract.definitions.opens.rule == "every-foreground",
        real_looking=loopback or wanted.real_looking_identities,
        workers=wanted.workers,
    )


def _speed(text: str | None) -> tuple[float | None, bool]:
    if text is None or text == "flood":
        return None, text == "flood"
    try:
        speed = float(text)
    except ValueError:
        speed = 0.0
    if not 0 < speed <= 1_000_000:
        raise UsageError(f'--speed {text}: expected a number above 0, such as 60, or "flood"')
    return speed, False


def _write_identities(folder: Path, plan: Plan) -> None:
    """Every identity that the run can bring into a collector that is not ours, for cleaning up there."""
    with (folder / IDENTITIES_FILE).open("w", encoding="utf-8", newline="") as file:
        rows = csv.writer(file)
        rows.writerow(["visitor", "type", "value"])
        for visit in visits(plan):
            rows.writerows((visit.visitor, identity.type, identity.value) for identity in visit.identities)
