"""Locust's own face: a scenario sent with `locust -f …/locustfile.py --scenario FILE`, without `mpsim run`.

It makes the run directory that `mpsim verify` reads: the scenario's files, run.json, and a folder for the ledger. The
collector's promises are those of the scenario's definitions and the adapter's own contract; there is no verdict here.
"""

from __future__ import annotations

import ipaddress
import json
import os.path
import platform
import shutil
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path

from simulator import __version__
from simulator.errors import ConnectionFailed, UsageError
from simulator.journey.plan import complete_links, make_plan
from simulator.ledger.manifest import (
    LEDGER_FOLDER,
    SCENARIO_FOLDER,
    Manifest,
    Options,
    TargetFacts,
    new_run_id,
    write_manifest,
)
from simulator.load.client import Client, send_once, split_url
from simulator.scenario.contracts import read_contract, resolve_contract
from simulator.scenario.load import Loaded, load
from simulator.times import Ms, instant
from simulator.traffic.opened import OpenedRun, adapter_of, settings_of
from simulator.wire.request import Evidence, Purpose, Request

_LINKS_PATH = "/v1/source/links"  # CONTRACT section 1 (Assumed)


@dataclass(frozen=True, slots=True)
class Asked:
    """The options of a run under Locust's own face."""

    scenario: Path
    url: str  # of the collector
    out: Path | None
    seed: int
    namespace: str | None  # None: the run id
    visitors: int | None
    speed: str | None
    adapter: str
    path: str
    allowed_hosts: tuple[str, ...]
    real_looking: bool  # also outside loopback


def make_run(asked: Asked) -> OpenedRun:
    """Make a run directory.

    Raises:
        UsageError: a bad option, a host that was not allowed, or a directory that cannot be written.
        ScenarioError: the scenario cannot be used.
        ConnectionFailed: the collector did not take a link of method 2.
    """
    loaded = load(asked.scenario)
    scenario = loaded.scenario
    scheme, host, port = split_url(asked.url)
    loopback = is_loopback(host)
    if not loopback and host not in asked.allowed_hosts:
        raise UsageError(f"{host} is not this machine: load goes there only with --allow-host {host}")
    run_id = new_run_id()
    namespace = run_id if asked.namespace is None else asked.namespace
    contract = resolve_contract(None, scenario, read_contract(asked.adapter))
    speed, flood = _speed(asked.speed)
    options = Options(
        visitors=asked.visitors,
        speed=speed,
        flood=flood,
        foreground_event=contract.definitions.opens.rule == "every-foreground",
        real_looking=loopback or asked.real_looking,
    )
    now = datetime.now(UTC)
    plan = make_plan(scenario, settings_of(options, contract, asked.seed, namespace, None), instant(now))
    adapter = adapter_of(asked.adapter, asked.path, scenario, namespace, options)
    url = f"{scheme}://{f'[{host}]' if ':' in host else host}:{port}"
    folder = _make_folder(asked.out, scenario.scenario, now)
    manifest = Manifest(
        run_id=run_id,
        scenario=scenario.scenario,
        file=_copy_scenario(loaded, folder / SCENARIO_FOLDER),
        seed=asked.seed,
        namespace=namespace,
        start=plan.start,
        end=plan.end,
        target=TargetFacts(url, False, asked.adapter, asked.path),
        contract=contract,
        options=options,
        created=now.isoformat(timespec="seconds"),
        mpsim=__version__,
        command=tuple(sys.argv),
        versions=(
            ("python", platform.python_version()),
            *((name, version(name)) for name in ("locust", "gevent", "Faker", "pydantic")),
        ),
    )
    write_manifest(folder, manifest)
    _register_links(Client(url), complete_links(scenario))
    return OpenedRun(folder, manifest, scenario, plan, adapter)


def is_loopback(host: str) -> bool:
    """Whether a host name can only mean this machine."""
    try:
        return host == "localhost" or ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


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


def _make_folder(out: Path | None, scenario: str, now: datetime) -> Path:
    folder = out or Path("reports") / f"{scenario}-{now.astimezone():%Y%m%d-%H%M%S-%f}"
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
    """Copy the files as they lie to one another; returns the scenario's path among the copies."""
    files = [(loaded.folder / file).resolve() for file in loaded.files]
    root = Path(os.path.commonpath([file.parent for file in files]))
    for file in files:
        copy = folder / file.relative_to(root)
        copy.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(file, copy)
    return str(files[0].relative_to(root))


def _register_links(client: Client, links: Mapping[str, str]) -> None:
    for code, link in links.items():
        body = json.dumps({"url": link, "code": code}).encode()
        headers = (("Content-Type", "application/json"),)
        request = Request(0, 0, Purpose.LOOKUP, Ms(0), "POST", _LINKS_PATH, headers, body, ())
        answer = send_once(client, request)
        if answer.evidence is not Evidence.REPLY or answer.status not in {200, 201}:
            seen = f"HTTP {answer.status}" if answer.status else answer.evidence.name.lower().replace("_", " ")
            raise ConnectionFailed(f"the collector did not take the link {code} at {_LINKS_PATH}: {seen}")
