"""A run directory opened: everything that sending or judging the run needs, regenerated from run.json."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from simulator.contract import Contract, Replies
from simulator.journey.plan import Plan, Settings, make_plan
from simulator.ledger.manifest import SCENARIO_FOLDER, Manifest, Options, read_manifest
from simulator.scenario.load import load_scenario
from simulator.scenario.model import Scenario
from simulator.times import Ms
from simulator.wire.options import WireOptions
from simulator.wire.outcome import DEFAULT_REPLIES
from simulator.wire.registry import make_adapter
from simulator.wire.request import Adapter


@dataclass(frozen=True, slots=True)
class OpenedRun:
    """One run, ready to be sent or judged."""

    folder: Path
    manifest: Manifest
    scenario: Scenario
    plan: Plan
    adapter: Adapter[Any]

    @property
    def target_url(self) -> str:
        return self.manifest.target.url

    @property
    def contract(self) -> Contract:
        return self.manifest.contract


def open_run(folder: Path) -> OpenedRun:
    """Open a run directory.

    Raises:
        UsageError: no run directory, or damaged.
        ScenarioError: the scenario inside it does not load any more.
    """
    manifest = read_manifest(folder)
    scenario = load_scenario(folder / SCENARIO_FOLDER / manifest.file)
    settings = settings_of(manifest.options, manifest.contract, manifest.seed, manifest.namespace, manifest.start)
    plan = make_plan(scenario, settings, manifest.start)
    adapter = adapter_of(
        manifest.target.adapter,
        manifest.target.path,
        scenario,
        manifest.namespace,
        manifest.options,
        manifest.contract.replies,
    )
    return OpenedRun(folder, manifest, scenario, plan, adapter)


def settings_of(options: Options, contract: Contract, seed: int, namespace: str, start: Ms | None) -> Settings:
    """The plan's settings from a run's options and the contract in force."""
    return Settings(
        seed=seed,
        namespace=namespace,
        visitors=options.visitors,
        users=options.users,
        rate=options.rate,
        speed=options.speed,
        flood=options.flood,
        start=start,
        day=contract.definitions.day,
        foreground_event=options.foreground_event,
        max_age=contract.max_age,
        real_looking=options.real_looking,
        only=options.only,
    )


def adapter_of(
    name: str,
    path: str,
    scenario: Scenario,
    namespace: str,
    options: Options,
    replies: Replies = DEFAULT_REPLIES,
) -> Adapter[Any]:
    """The adapter of a run, set up for the scenario's mini program and the collector's replies."""
    return make_adapter(
        name,
        WireOptions(
            appid=scenario.app.appid,
            app_name=scenario.app.name,
            tenant=scenario.app.tenant,
            namespace=namespace,
            path=path,
            foreground_event=options.foreground_event,
            events=tuple(scenario.app.events),
            device_info=scenario.app.device_info,
            replies=replies,
        ),
    )
