"""Scenario, contract, options and target to a run directory: run.json is written before the first send."""

from __future__ import annotations

import csv
import platform
import shutil
import sys
from contextlib import ExitStack
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path

from simulator import __version__
from simulator.contract import Contract
from simulator.errors import UsageError
from simulator.journey.plan import Plan, make_plan, visits
from simulator.ledger.manifest import (
    DATABASE_FILE,
    LEDGER_FOLDER,
    SCENARIO_FOLDER,
    Manifest,
    Options,
    TargetFacts,
    new_run_id,
    write_manifest,
)
from simulator.runs.collector_process import embedded_collector
from simulator.runs.targets import check_connection, check_target, is_loopback
from simulator.scenario.contracts import read_contract, resolve_contract
from simulator.scenario.load import Loaded, load
from simulator.times import Ms, instant
from simulator.traffic.opened import OpenedRun, adapter_of, settings_of

IDENTITIES_FILE = "identities.csv"
DEFAULT_PATH = "/cbe/__utm"
_EMBEDDED_QUIET, _EMBEDDED_DEADLINE = Ms(500), Ms(5_000)


@dataclass(frozen=True, slots=True)
class Wanted:
    """What `mpsim run` and `mpsim plan` were asked for."""

    scenario: Path
    target: str | None = None  # None: the embedded collector
    adapter: str = "dmhub"
    path: str = DEFAULT_PATH
    contract: str | None = None  # name or file
    namespace: str | None = None
    seed: int = 1
    visitors: int | None = None
    users: int | None = None
    rate: str | None = None
    speed: str | None = None  # a number or "flood"
    start: Ms | None = None
    out: Path | None = None
    allowed_hosts: tuple[str, ...] = ()
    real_looking_identities: bool = False
    token_variable: str = ""
    command: tuple[str, ...] = ()


def options_of(wanted: Wanted, contract: Contract, loopback: bool) -> Options:
    """The options that the plan depends on.

    Raises:
        UsageError: a speed that is neither a number above zero nor flood; users and a rate together.
    """
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
    )


def _speed(text: str | None) -> tuple[float | None, bool]:
    if text is None:
        return None, False
    if text == "flood":
        return None, True
    try:
        speed = float(text)
    except ValueError:
        speed = 0.0
    if not 0 < speed <= 1_000_000:
        raise UsageError(f'--speed {text}: expected a number above 0, such as 60, or "flood"')
    return speed, False


def contract_of(wanted: Wanted, loaded: Loaded) -> Contract:
    """The contract in force, by the precedence of CONTRACT section 3; the adapter's own stands for the target's."""
    explicit = read_contract(wanted.contract) if wanted.contract is not None else None
    contract = resolve_contract(explicit, loaded.scenario, read_contract(wanted.adapter))
    if explicit is None and wanted.target is None:
        # The embedded collector has counted what it answered: nothing is gained by waiting for it.
        contract = replace(contract, quiet=_EMBEDDED_QUIET, deadline=_EMBEDDED_DEADLINE)
    return contract


def plan_of(wanted: Wanted, now: Ms) -> tuple[Plan, Contract, Loaded]:
    """The plan that a run of these options would follow, with its contract; nothing is started or written."""
    loaded = load(wanted.scenario)
    contract = contract_of(wanted, loaded)
    options = options_of(wanted, contract, loopback=True)
    settings = settings_of(options, contract, wanted.seed, wanted.namespace or "", wanted.start)
    return make_plan(loaded.scenario, settings, now), contract, loaded


def prepare(wanted: Wanted, running: ExitStack) -> OpenedRun:
    """Make the run directory, start the embedded collector where one is wanted, and write run.json.

    Args:
        running: closes what was started.

    Raises:
        UsageError: a bad option, or a run directory that cannot be written.
        ScenarioError: the scenario cannot be used.
        ConnectionFailed: nobody answers at the target.
    """
    now = instant(datetime.now(UTC))
    loaded = load(wanted.scenario)
    scenario = loaded.scenario
    contract = contract_of(wanted, loaded)
    url = check_target(wanted.target, wanted.allowed_hosts) if wanted.target is not None else None
    loopback = url is None or is_loopback(_host(url))
    options = options_of(wanted, contract, loopback)
    run_id = new_run_id()
    namespace = wanted.namespace if wanted.namespace is not None else ("" if url is None else run_id)
    settings = settings_of(options, contract, wanted.seed, namespace, wanted.start)
    plan = make_plan(scenario, settings, now)
    if url is not None:
        check_connection(url)
    folder = _make_folder(wanted.out, scenario.scenario)
    file = _copy_scenario(loaded, folder / SCENARIO_FOLDER)
    if url is None:
        url = running.enter_context(
            embedded_collector(folder / DATABASE_FILE, contract.definitions, scenario.app.tenant, scenario.app.events)
        )
    target = TargetFacts(url, wanted.target is None, wanted.adapter, wanted.path, wanted.token_variable)
    manifest = Manifest(
        run_id=run_id,
        scenario=scenario.scenario,
        file=file,
        seed=wanted.seed,
        namespace=namespace,
        start=plan.start,
        end=plan.end,
        target=target,
        contract=contract,
        options=options,
        created=datetime.now(UTC).isoformat(timespec="seconds"),
        mpsim=__version__,
        command=wanted.command or tuple(sys.argv),
        versions=tuple(_versions()),
    )
    write_manifest(folder, manifest)
    if not options.real_looking or not loopback:
        _write_identities(folder, plan)
    adapter = adapter_of(wanted.adapter, wanted.path, scenario, namespace, options)
    return OpenedRun(folder, manifest, scenario, plan, adapter)


def _host(url: str) -> str:
    return url.split("://", 1)[1].rsplit(":", 1)[0].strip("[]")


def _make_folder(out: Path | None, scenario: str) -> Path:
    folder = out
    if folder is None:
        folder = Path("reports") / f"{scenario}-{datetime.now(UTC).astimezone():%Y%m%d-%H%M%S-%f}"
    try:
        folder.mkdir(parents=True, exist_ok=True)
        if any(folder.iterdir()):
            raise UsageError(f"{folder} is not empty; name a new directory with --out")
        (folder / LEDGER_FOLDER).mkdir()
        (folder / SCENARIO_FOLDER).mkdir()
    except OSError as failed:
        raise UsageError(f"the run directory {folder} cannot be written: {failed.strerror}") from failed
    return folder


def _copy_scenario(loaded: Loaded, folder: Path) -> str:
    """Copy the scenario, its includes and lists, as they lie to one another; the scenario's path inside the folder."""
    for file in loaded.files:
        copy = folder / file
        copy.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(loaded.folder / file, copy)
    return str(loaded.files[0])


def _versions() -> list[tuple[str, str]]:
    libraries = ("locust", "gevent", "Faker", "pydantic")
    return [("python", platform.python_version()), *((name, version(name)) for name in libraries)]


def _write_identities(folder: Path, plan: Plan) -> None:
    """Every identity that the run can bring into a collector that is not ours, for cleaning up there."""
    with (folder / IDENTITIES_FILE).open("w", encoding="utf-8", newline="") as file:
        rows = csv.writer(file)
        rows.writerow(["visitor", "type", "value"])
        for visit in visits(plan):
            rows.writerows((visit.visitor, identity.type, identity.value) for identity in visit.identities)
