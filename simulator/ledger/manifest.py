"""run.json: what a run is, written before its first send; with it and the ledger a run can be judged any time later.

The plan is regenerated from it, so it holds every option that the plan depends on, and no secret: a token is named by
its environment variable.
"""

from __future__ import annotations

import json
import os
import secrets
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from simulator.contract import BodyRule, Contract, Definitions, Replies, parse_opens
from simulator.errors import UsageError
from simulator.times import Ms, iso_local, parse_instant

VERSION = 1
RUN_FILE = "run.json"
SCENARIO_FOLDER = "scenario"
LEDGER_FOLDER = "ledger"
PROGRESS_FILE = "progress.json"
LIVE_FILE = "live.json"  # while a run is sent: what its totals must be by now, and what was read (runs/following.py)
LOAD_FILE = "load.json"
DATABASE_FILE = "collector.db"


@dataclass(frozen=True, slots=True)
class Options:
    """Every option of `run` that changes the plan or the load; None keeps the scenario's value."""

    visitors: int | None = None
    users: int | None = None
    rate: str | None = None
    speed: float | None = None
    flood: bool = False
    foreground_event: bool = False
    real_looking: bool = True
    workers: int = 1
    only: tuple[int, ...] = ()  # a replay of the blocks of these visitors; empty: everybody
    in_turn: bool = False  # of a flood: one request at a time, in the order in which they are planned


@dataclass(frozen=True, slots=True)
class TargetFacts:
    """Where the events go and how they are written."""

    url: str  # scheme, host and port
    embedded: bool  # started by this run: collector.db is in the run directory
    adapter: str
    path: str  # of the event request, such as /cbe/__utm
    token_variable: str = ""  # environment variable with the access token for reading; empty: none
    document: dict[str, Any] | None = None  # the target file, without its contract, secrets by name; None: a plain URL
    folder: str = ""  # of the target file, from which its paths lead


@dataclass(frozen=True, slots=True)
class Manifest:
    """One run's identity, options and definitions."""

    run_id: str
    scenario: str  # its name
    file: str  # path of the scenario file inside the folder scenario/
    seed: int
    namespace: str
    start: Ms  # of the period, inclusive
    end: Ms  # exclusive
    target: TargetFacts
    contract: Contract
    options: Options = field(default_factory=Options)
    created: str = ""  # ISO 8601, UTC
    mpsim: str = ""  # version that wrote it
    command: tuple[str, ...] = ()  # as typed
    versions: tuple[tuple[str, str], ...] = ()  # of Python and the libraries that the plan or load depends on
    given: str = ""  # absolute path of the scenario file that was copied; empty: an older run


def new_run_id() -> str:
    """Unique enough to keep two runs on one collector apart: UTC time and 32 random bits."""
    return datetime.now(UTC).strftime("%m%d%H%M%S") + secrets.token_hex(4)


def contract_json(contract: Contract) -> dict[str, Any]:
    """A contract as run.json and result.json show it; the definitions as they are typed on a command line."""
    plain = asdict(contract)
    plain["definitions"] = contract.definitions.as_json()
    return plain


def contract_from_json(data: dict[str, Any]) -> Contract:
    """The inverse of `contract_json`."""
    given = dict(data["definitions"])
    definitions = Definitions(parse_opens(given["opens"]), given["user"], given["day"])
    replies = _replies_from_json(data["replies"]) if "replies" in data else Replies()
    return Contract(**{**data, "definitions": definitions, "replies": replies})


def _replies_from_json(data: dict[str, Any]) -> Replies:
    rule = data["body"]
    body = rule and BodyRule(rule["key"], tuple(rule["acked"]), tuple(rule["refused"]), rule["other"])
    return Replies(tuple(data["acked"]), tuple(data["refused"]), body)


def write_manifest(folder: Path, manifest: Manifest) -> None:
    """Write run.json, whole or not at all."""
    zone = manifest.contract.definitions.day
    document = {
        "version": VERSION,
        "run_id": manifest.run_id,
        "created": manifest.created,
        "mpsim": manifest.mpsim,
        "command": list(manifest.command),
        "versions": dict(manifest.versions),
        "scenario": manifest.scenario,
        "file": manifest.file,
        "given": manifest.given,
        "seed": manifest.seed,
        "namespace": manifest.namespace,
        "period": [iso_local(manifest.start, zone), iso_local(manifest.end, zone)],
        "options": asdict(manifest.options),
        "target": asdict(manifest.target),
        "contract": contract_json(manifest.contract),
        "definitions": manifest.contract.definitions.as_json(),
    }
    write_json(folder / RUN_FILE, document)


def read_manifest(folder: Path) -> Manifest:
    """Read run.json.

    Raises:
        UsageError: no run directory, damaged, or written by another version of the format.
    """
    path = folder / RUN_FILE
    try:
        document = json.loads(path.read_text(encoding="utf-8"))
        if document["version"] != VERSION:
            raise UsageError(f"{path} has version {document['version']}; this mpsim reads version {VERSION}")
        start, end = document["period"]
        return Manifest(
            run_id=document["run_id"],
            scenario=document["scenario"],
            file=document["file"],
            seed=document["seed"],
            namespace=document["namespace"],
            start=parse_instant(start),
            end=parse_instant(end),
            target=TargetFacts(**document["target"]),
            contract=contract_from_json(document["contract"]),
            options=Options(**{**document["options"], "only": tuple(document["options"].get("only", ()))}),
            created=document["created"],
            mpsim=document["mpsim"],
            command=tuple(document["command"]),
            versions=tuple(document["versions"].items()),
            given=document.get("given", ""),
        )
    except OSError as missing:
        raise UsageError(f"{folder} is no run directory: {path.name} cannot be read ({missing.strerror})") from missing
    except (ValueError, KeyError, TypeError) as damaged:
        raise UsageError(f"{path} is damaged: {damaged}") from damaged


def read_document(path: Path) -> dict[str, Any]:
    """What `write_json` left in a file; empty where there is none yet, or something else."""
    try:
        found = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    return found if isinstance(found, dict) else {}


def write_json(path: Path, document: Any) -> None:
    """Write a JSON file, whole or not at all: a reader never meets half of it."""
    temporary = path.with_name(f".{path.name}.{os.getpid()}")
    temporary.write_text(json.dumps(document, ensure_ascii=False, indent=2) + "\n", encoding="utf-8")
    temporary.replace(path)
