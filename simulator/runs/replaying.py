"""Some visitors of an earlier run, sent again: is the fault still there?

The plan is the earlier run's, so the events are the same to the byte on a fresh embedded collector; on any other target
they come under a new namespace, as other users, unless the same one is asked for. Nobody waits where the wire carries
the events' time, since pacing then changes nothing that is counted.
"""

from __future__ import annotations

import shutil
from collections.abc import Collection, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path

from simulator.errors import UsageError
from simulator.finding import Verdict
from simulator.ledger.manifest import (
    DATABASE_FILE,
    LEDGER_FOLDER,
    SCENARIO_FOLDER,
    new_run_id,
    write_manifest,
)
from simulator.report.result import RESULT_FILE, read_result
from simulator.runs.collector_process import embedded_collector
from simulator.runs.load_process import Progress
from simulator.runs.running import Done, send_and_judge
from simulator.traffic.opened import OpenedRun, open_run
from simulator.traffic.targets import check_connection, check_target

MOST_VISITORS = 10_000  # of one replay; a list in run.json


@dataclass(frozen=True, slots=True)
class Replayed:
    """A replay that was judged."""

    done: Done
    visitors: tuple[int, ...]  # asked for; their blocks came

    @property
    def outcome(self) -> str:
        """FIXED, STILL FAILING, or UNDECIDED where the replay itself proved nothing."""
        return {"pass": "FIXED", "fail": "STILL FAILING"}.get(self.done.result.verdict, "UNDECIDED")


def replay(
    folder: Path,
    visitors: Sequence[int],
    watch: Progress,
    *,
    same: bool = False,
    out: Path | None = None,
    allowed_hosts: Collection[str] = (),
) -> Replayed:
    """Send some visitors of a run again and judge them like a run.

    Args:
        visitors: none: those that the earlier result's findings name.
        same: the earlier namespace also on a target that is not started for the replay.
        out: run directory of the replay; default `replay-<time>` inside the earlier one.

    Raises:
        UsageError: no run directory, nobody to replay, or a host that was not allowed.
        ConnectionFailed: nobody answers at the target.
    """
    earlier = open_run(folder)
    check_target(earlier.target_url, allowed_hosts)
    chosen = tuple(sorted(set(visitors))) or _visitors_of_findings(folder)
    if len(chosen) > MOST_VISITORS:
        raise UsageError(f"{len(chosen)} visitors are too many for a replay; run the scenario again instead")
    with ExitStack() as running:
        opened = _prepare(earlier, chosen, same, out, running)
        return Replayed(send_and_judge(opened, watch), chosen)


def _visitors_of_findings(folder: Path) -> tuple[int, ...]:
    result = read_result(folder / RESULT_FILE)
    named = {visitor for finding in result.findings if finding.verdict is Verdict.FAIL for visitor in finding.visitors}
    if not named:
        raise UsageError(f"no finding of {folder / RESULT_FILE} names a visitor; name some with --visitor N")
    return tuple(sorted(named))


def _prepare(
    earlier: OpenedRun, visitors: tuple[int, ...], same: bool, out: Path | None, running: ExitStack
) -> OpenedRun:
    manifest = earlier.manifest
    if not manifest.target.embedded:
        check_connection(manifest.target.url)
    now = datetime.now(UTC)
    folder = _make_folder(out or earlier.folder / f"replay-{now:%Y%m%d-%H%M%S-%f}", earlier.folder)
    run_id = new_run_id()
    url = manifest.target.url
    if manifest.target.embedded:
        app = earlier.scenario.app
        database = folder / DATABASE_FILE
        url = running.enter_context(embedded_collector(database, earlier.contract.definitions, app.tenant, app.events))
    again = replace(
        manifest,
        run_id=run_id,
        namespace=manifest.namespace if same or manifest.target.embedded else run_id,
        target=replace(manifest.target, url=url),
        options=replace(
            manifest.options, only=visitors, workers=1, flood=manifest.options.flood or earlier.contract.time == "event"
        ),
        created=now.isoformat(timespec="seconds"),
        command=_command(earlier.folder, visitors, same),
    )
    write_manifest(folder, again)
    return open_run(folder)


def _make_folder(folder: Path, earlier: Path) -> Path:
    try:
        folder.mkdir(parents=True)
        (folder / LEDGER_FOLDER).mkdir()
        shutil.copytree(earlier / SCENARIO_FOLDER, folder / SCENARIO_FOLDER)
    except OSError as failed:
        raise UsageError(f"the run directory {folder} cannot be written: {failed.strerror}") from failed
    return folder


def _command(folder: Path, visitors: tuple[int, ...], same: bool) -> tuple[str, ...]:
    named = [part for visitor in visitors for part in ("--visitor", str(visitor))]
    return ("mpsim", "replay", str(folder), *named, *(["--same"] if same else []))
