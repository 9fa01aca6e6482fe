"""Some visitors of an earlier run, sent again: is the fault still there?

The plan is the earlier run's, so the events are the same to the byte on a fresh embedded collector; on any other target
they come under a new namespace, as other users, unless the same one is asked for. Nobody waits where the wire carries
the events' time, since pacing then changes nothing that is counted; and they come in turn, one request at a time in the
order of the plan, so that a collector that goes by the order of arrival does the same each time. What passes so is sent
once more with all of them at once, since some faults take that; not where the same events count once only.

Where no visitors are named the smallest set that shows the failure is sent (searching.py): the one that an earlier
replay found or, by as many replays as it takes, one that is found now, from whom the findings name. Only when not even
everybody shows it any more is it called fixed.
"""

from __future__ import annotations

import shutil
from collections.abc import Callable, Collection, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from functools import partial
from itertools import islice
from pathlib import Path
from tempfile import TemporaryDirectory

from simulator.errors import UsageError
from simulator.ledger.manifest import (
    DATABASE_FILE,
    LEDGER_FOLDER,
    SCENARIO_FOLDER,
    new_run_id,
    write_manifest,
)
from simulator.report.result import RESULT_FILE, Result, read_result
from simulator.runs.collector_process import embedded_collector
from simulator.runs.load_process import Progress
from simulator.runs.load_report import read_load_report
from simulator.runs.preparing import leave
from simulator.runs.running import Done, send_and_judge
from simulator.runs.searching import (
    Searched,
    Signs,
    read_known,
    search_in_turn_and_at_once,
    signs_of,
    suspects_of,
    write_known,
)
from simulator.runs.smallest import Visitors, one_a_block
from simulator.traffic.opened import OpenedRun, open_run
from simulator.traffic.target_files import check_hosts
from simulator.traffic.targets import check_connection

MOST_VISITORS = 10_000  # of one replay; a list in run.json
MOST_IN_TURN = 1_000  # named visitors; more would take too long one request at a time, and all come at once

Tried = Callable[[Visitors, Result], None]  # these were sent, and that came of it


@dataclass(frozen=True, slots=True)
class Replayed:
    """A replay that was judged."""

    done: Done
    visitors: Visitors  # asked for; their blocks came
    searched: Searched | None = None  # None: the visitors were named, or could be sent once only
    at_once: bool = False  # all of them, since it does not show with one request at a time

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
    tried: Tried = lambda _, __: None,
) -> Replayed:
    """Send some visitors of a run again and judge them like a run.

    Args:
        visitors: none: the smallest set that shows again what failed.
        same: the earlier namespace also on a target that is not started for the replay; it takes the same events once
            only, so whom the findings name are sent and nobody is searched for.
        out: run directory of the replay; default `replay-<time>` inside the earlier one.
        tried: told of each replay of a search.

    Raises:
        UsageError: no run directory, nobody to replay, or a host that was not allowed.
        ConnectionFailed: nobody answers at the target.
        KeyboardInterrupt: a search was interrupted.
    """
    earlier = open_run(folder)
    check_hosts(earlier.manifest.target, allowed_hosts)
    place = out or earlier.folder / f"replay-{datetime.now(UTC):%Y%m%d-%H%M%S-%f}"
    once = same and not earlier.manifest.target.embedded
    if visitors or once:
        chosen = tuple(sorted(set(visitors))) or _named(_failed(folder), earlier)
        if len(chosen) > MOST_VISITORS:
            raise UsageError(f"{len(chosen)} visitors are too many for a replay; run the scenario again instead")
        return _send_named(earlier, chosen, same, place, watch)
    return _search(earlier, _failed(folder), place, watch, tried)


def _failed(folder: Path) -> Result:
    """The earlier result, in which something failed."""
    result = read_result(folder / RESULT_FILE)
    if not signs_of(result):
        raise UsageError(f"nothing failed in {folder / RESULT_FILE}; name some visitors with --visitor N")
    return result


def _named(result: Result, earlier: OpenedRun) -> Visitors:
    named = suspects_of(result, earlier.plan.count)
    if not named:
        raise UsageError(f"no finding of {earlier.folder / RESULT_FILE} names a visitor; name some with --visitor N")
    return named


def _search(earlier: OpenedRun, result: Result, place: Path, watch: Progress, tried: Tried) -> Replayed:
    """Replay one set after another; the run of the set that is found stays in `place`."""
    plan = earlier.plan
    suspects = one_a_block(suspects_of(result, plan.count), plan.block)
    others = (block * plan.block for block in plan.blocks)
    everybody = tuple(islice(one_a_block((*suspects, *others), plan.block), MOST_VISITORS))
    sent: dict[tuple[Visitors, bool], Done] = {}
    with _beside(place) as scratch:

        def fails(visitors: Visitors, in_turn: bool) -> Signs:
            way = visitors, _comes_in_turn(earlier, visitors, in_turn)
            if way not in sent:
                done = _send(earlier, *way, Path(scratch) / str(len(sent)), watch)
                if read_load_report(done.folder).was_interrupted:
                    raise KeyboardInterrupt
                sent[way] = done
                tried(visitors, done.result)
            return signs_of(sent[way].result)

        found = search_in_turn_and_at_once(signs_of(result), read_known(earlier.folder), suspects, everybody, fails)
        found = replace(found, tries=len(sent), in_turn=_comes_in_turn(earlier, found.visitors, found.in_turn))
        done = sent[found.visitors, found.in_turn]
        done.folder.replace(place)
    if found.known is not None:
        write_known(earlier.folder, replace(found.known, in_turn=found.in_turn))
    at_once = found.known is not None and not found.in_turn and _comes_in_turn(earlier, found.visitors, True)
    return Replayed(_moved(done, place), found.visitors, found, at_once)


def _send_named(earlier: OpenedRun, visitors: Visitors, same: bool, place: Path, watch: Progress) -> Replayed:
    """Replay just these visitors; the run that fails stays in `place`, the one in turn where none does."""
    once = same and not earlier.manifest.target.embedded
    known = read_known(earlier.folder) if once else None
    shown_at_once = known is not None and known.visitors == visitors and not known.in_turn
    in_turn = _comes_in_turn(earlier, visitors, not shown_at_once)
    done = _send(earlier, visitors, in_turn, place, watch, same=same)
    if once or done.result.verdict != "pass" or _comes_in_turn(earlier, visitors, False) is in_turn:
        return Replayed(done, visitors, at_once=shown_at_once and not in_turn)
    with _scratch(place) as scratch:
        together = _send(earlier, visitors, False, Path(scratch) / "at-once", watch, same=same)
        if together.result.verdict == "pass":
            return Replayed(done, visitors)
        shutil.rmtree(place)
        together.folder.replace(place)
    return Replayed(_moved(together, place), visitors, at_once=True)


def _comes_in_turn(earlier: OpenedRun, visitors: Visitors, wanted: bool) -> bool:
    """Whether these are sent one request at a time, if that is wanted; of one visitor alone it is no other way."""
    if not _floods(earlier) or len(visitors) > MOST_IN_TURN:
        return False
    return wanted or len(visitors) * earlier.plan.block == 1


def _floods(earlier: OpenedRun) -> bool:
    return earlier.plan.flood or earlier.contract.time == "event"


def _moved(done: Done, place: Path) -> Done:
    return Done(done.result, place, place / done.page.name)


def _send(
    earlier: OpenedRun, visitors: Visitors, in_turn: bool, folder: Path, watch: Progress, *, same: bool = False
) -> Done:
    with ExitStack() as running:
        opened = _prepare(earlier, visitors, in_turn, folder, running, same=same)
        return send_and_judge(opened, watch, same=same)


def _prepare(
    earlier: OpenedRun, visitors: Visitors, in_turn: bool, folder: Path, running: ExitStack, *, same: bool
) -> OpenedRun:
    manifest = earlier.manifest
    if not manifest.target.embedded:
        check_connection(manifest.target.url)
    _make_folder(folder, earlier.folder)
    running.push(partial(leave, folder))
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
            manifest.options,
            only=visitors,
            workers=1,
            flood=manifest.options.flood or earlier.contract.time == "event",
            in_turn=in_turn,
        ),
        created=datetime.now(UTC).isoformat(timespec="seconds"),
        command=_command(earlier.folder, visitors, same),
    )
    write_manifest(folder, again)
    return open_run(folder)


def _beside(place: Path) -> TemporaryDirectory[str]:
    """A folder for the replays of a search, on the same disk as the place where one of them will stay."""
    if place.exists():
        raise UsageError(f"{place} exists already; name a new directory with --out")
    return _scratch(place)


def _scratch(place: Path) -> TemporaryDirectory[str]:
    try:
        place.parent.mkdir(parents=True, exist_ok=True)
        return TemporaryDirectory(prefix=".search-", dir=place.parent)
    except OSError as failed:
        raise UsageError(f"{place.parent} cannot be written: {failed.strerror}") from failed


def _make_folder(folder: Path, earlier: Path) -> None:
    try:
        folder.mkdir(parents=True)
        (folder / LEDGER_FOLDER).mkdir()
        shutil.copytree(earlier / SCENARIO_FOLDER, folder / SCENARIO_FOLDER)
    except OSError as failed:
        raise UsageError(f"the run directory {folder} cannot be written: {failed.strerror}") from failed


def _command(folder: Path, visitors: Visitors, same: bool) -> tuple[str, ...]:
    named = [part for visitor in visitors for part in ("--visitor", str(visitor))]
    return ("mpsim", "replay", str(folder), *named, *(["--same"] if same else []))
