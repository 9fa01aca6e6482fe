"""A run directory opened: everything that sending or judging the run needs, regenerated from run.json."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from simulator.contract import Contract, Replies
from simulator.errors import ScenarioError
from simulator.journey.plan import Plan, Settings, make_plan
from simulator.ledger.manifest import SCENARIO_FOLDER, Manifest, Options, read_manifest
from simulator.scenario.load import load_scenario
from simulator.scenario.model import Scenario
from simulator.scenario.nearest import one_of
from simulator.scenario.steps import Malformed
from simulator.scenario.steps_in import all_steps
from simulator.times import Ms
from simulator.traffic.target_files import target_of_run
from simulator.wire.options import DEFAULT_PATH, WireOptions
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
        None if manifest.target.document is None else target_of_run(manifest.target).options,
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
    own: Mapping[str, Any] | None = None,
) -> Adapter[Any]:
    """The adapter of a run, set up for the scenario's mini program and the collector's replies.

    Args:
        own: the adapter's own options, as a target file says them.

    Raises:
        UsageError: no such adapter or option.
        ScenarioError: an event that this wire has no form for.
    """
    if own is not None:
        path = DEFAULT_PATH  # which says nothing: the adapter goes by its own
    adapter = make_adapter(
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
        own,
    )
    _check_malformed(scenario, adapter)
    return adapter


def _check_malformed(scenario: Scenario, adapter: Adapter[Any]) -> None:
    for path, step in all_steps(scenario):
        if isinstance(step, Malformed) and step.malformed not in adapter.spoils:
            text = f"the adapter {adapter.name} cannot send {step.malformed}"
            known = (
                f"it can send {one_of(sorted(adapter.spoils))}" if adapter.spoils else "nor any other malformed event"
            )
            raise ScenarioError([scenario.complaint(path, f"{text}; {known}")])
